//! Programs that are called, for one viewer now: adding one, trying it, what it was told, calling it again.

use actix_web::web::{Data, Form, Path, Query};
use serde::Deserialize;

use crate::http::fault::Fault;
use crate::messages::reach;
use crate::messages::view::webhooks::{self as pages, Call, One, Program};
use crate::pages::visit::{Answer, Room, Visit};
use crate::{Code, Section};
use domain::Can;
use domain::messages::webhook;
use domain::messages::{Channel, State};
use store::View;
use store::messages::webhooks::{self, Webhook};
use store::messages::{self, Stored};

/// As many calls as are shown at once.
const SHOWN: i64 = 50;

/// `/webhooks`.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Status, |room| {
            let view = room.read(|view| fill(view, room))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room) -> Result<pages::View, Fault> {
    let mut rows = Vec::new();
    for webhook in webhooks::all(view)? {
        rows.push(program(view, webhook)?);
    }
    Ok(pages::View { rows, may_manage: room.viewer.may(Can::ManageWebhooks), ..pages::View::default() })
}

fn program(view: &mut View<'_>, webhook: Webhook) -> Result<Program, Fault> {
    let Webhook { id, url, created_at: since, disabled_at: disabled } = webhook;
    let last = messages::newest(view, Channel::Webhook, &id, 1)?.into_iter().next();
    let last = last.map(|stored| call(view, stored)).transpose()?;
    Ok(Program { id, url: webhook::shown(&url).to_owned(), since, disabled, last })
}

/// A call with its last answer, where something is wrong with it.
fn call(view: &mut View<'_>, stored: Stored) -> Result<Call, Fault> {
    let troubled =
        stored.way.state == State::Failed || stored.way.state == State::Due && stored.way.attempt > 0;
    let code =
        if troubled { messages::events(view, stored.id)?.pop().and_then(|(_, _, code)| code) } else { None };
    Ok(Call {
        cursor: stored.id,
        kind: stored.template,
        case: format!("{} {}", stored.kind, stored.subject),
        at: stored.created_at,
        state: stored.way.state,
        attempts: stored.way.attempt,
        accepted: stored.accepted_at,
        code,
    })
}

/// What adding sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    url: String,
}

/// POST `/webhooks`: adds a program and shows its secret, once.
pub(crate) async fn create(visit: Visit, state: Data<crate::State>, sent: Form<Sent>) -> Answer {
    let url = sent.into_inner().url.trim().to_owned();
    let refused = reach::may_be_called(&state, &url).await.is_err();
    let answer = visit
        .page(Section::Status, move |room| {
            let made = if refused { None } else { Some(added(room, &url)?) };
            let mut view = room.read(|view| fill(view, room))?;
            match made {
                Some(secret) => view.made = Some((webhook::shown(&url).to_owned(), secret)),
                None => (view.refused, view.url) = (Some(Code::Invalid), url),
            }
            Ok(pages::page(&room.shell, &view))
        })
        .await;
    answer.map(|mut answer| {
        if refused {
            *answer.status_mut() = Code::Invalid.status();
        }
        answer
    })
}

fn added(room: &Room, url: &str) -> Result<String, Fault> {
    let secret = webhooks::fresh_secret()?;
    room.write(|tx| Ok(webhooks::insert(tx, url, &secret)?))?;
    Ok(secret)
}

/// What is asked of one program.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    cursor: String,
    again: String,
    after: String,
}

/// `/webhooks/{id}`, or its calls.
pub(crate) async fn show(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Status, move |room| {
            let view = room.read(|view| one(view, room, &id, &asked))?;
            Ok(if room.is_part { pages::calls(&room.shell, &view) } else { pages::one(&room.shell, &view) })
        })
        .await
}

fn one(view: &mut View<'_>, room: &Room, id: &str, asked: &Asked) -> Result<One, Fault> {
    let webhook = webhooks::get(view, id)?;
    let cursor: Option<i64> = asked.cursor.trim().parse().ok().filter(|cursor| *cursor >= 0);
    let mut rows = match cursor {
        Some(cursor) => messages::after(view, Channel::Webhook, id, cursor, SHOWN + 1)?,
        None => messages::newest(view, Channel::Webhook, id, SHOWN)?,
    };
    let more = cursor.is_some() && i64::try_from(rows.len()).is_ok_and(|count| count > SHOWN);
    if more {
        rows.pop();
    }
    let next = rows.last().map(|row| row.id).filter(|_| more);
    Ok(One {
        program: program(view, webhook)?,
        calls: rows.into_iter().map(|stored| call(view, stored)).collect::<Result<_, _>>()?,
        cursor: cursor.map_or_else(String::new, |cursor| cursor.to_string()),
        next,
        again: asked.again.parse().ok(),
        after: asked.after.parse::<i64>().map_or_else(|_none| String::new(), |after| after.to_string()),
        may_manage: room.viewer.may(Can::ManageWebhooks),
    })
}

/// What the forms of one program send.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProgramForm {
    after: String,
}

/// POST `/webhooks/{id}/{test|disable|replay}`.
pub(crate) async fn act(visit: Visit, path: Path<(String, String)>, sent: Form<ProgramForm>) -> Answer {
    let (id, name) = path.into_inner();
    visit
        .act(move |room| match name.as_str() {
            "test" => {
                room.write(|tx| Ok(webhooks::try_out(tx, &id)?))?;
                Ok(format!("/webhooks/{id}#calls"))
            }
            "disable" => {
                room.write(|tx| Ok(webhooks::disable(tx, &id)?))?;
                Ok(format!("/webhooks/{id}"))
            }
            "replay" => {
                let after = sent.after.trim().parse().ok().filter(|after: &i64| *after >= 0);
                let after = after.ok_or_else(|| Fault::invalid("after", "a number"))?;
                let (count, next) = room.write(|tx| Ok(webhooks::replay(tx, &id, after)?))?;
                let rest = next.map_or_else(String::new, |next| format!("&after={next}"));
                Ok(format!("/webhooks/{id}?again={count}{rest}"))
            }
            _ => Err(Code::NotFound.into()),
        })
        .await
}
