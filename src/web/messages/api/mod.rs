//! What waits on a person's dashboard: pages about cases, by id and link. They carry no name and no measurement. And
//! test pages, by which a person tries whether they are reached.

pub(crate) mod log;
pub(crate) mod reader;
pub(crate) mod webhooks;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Code;
use crate::http::api::{Answer, Call, List, Reply};
use crate::http::fault::Fault;
use domain::messages::Channel;
use domain::{Instant, UserId};
use store::messages::seen;
use store::messages::{self, Stored};
use store::{Cursor, Tx};

/// A page on the dashboard.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct Seen {
    id: String,
    /// What it says, by its template: `page`, `page_repeat`, `nobody_reached`.
    template: String,
    /// What it is about: `alert`.
    kind: String,
    subject: String,
    /// Where it is answered.
    link: String,
    /// `due`, `accepted`, `delivered`, `read`, `failed`, `cancelled`, …
    state: &'static str,
    #[schema(value_type = String)]
    at: Instant,
}

impl From<&Stored> for Seen {
    fn from(stored: &Stored) -> Self {
        Self {
            id: stored.key.clone(),
            template: stored.template.clone(),
            kind: stored.kind.clone(),
            subject: stored.subject.clone(),
            link: seen::link(stored).to_owned(),
            state: stored.way.state.name(),
            at: stored.created_at,
        }
    }
}

/// Which messages: always the caller's own.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Stated for clarity: nobody sees anybody else's.
    mine: Option<String>,
    /// Only what was not read and still matters. Whoever asks so has received it.
    unread: Option<String>,
    /// At most so many rows.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// The caller's messages, oldest first.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", params(Wanted), responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| {
        let _always = &wanted.mine;
        if wanted.unread.is_some() {
            let waiting = seen::fetched(&desk.state.store, desk.viewer.id, desk.now)?;
            return Reply::ok(&List::whole(waiting.iter().map(Seen::from).collect()));
        }
        let ask = crate::http::api::Paging { limit: wanted.limit, after: wanted.after.clone() }.ask()?;
        let limit = ask.limit;
        let me = desk.viewer.id.to_string();
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows =
            desk.read(|view| Ok(messages::after(view, Channel::InApp, &me, ask.after.at.max(0), most)?))?;
        let last = rows.last().filter(|_| rows.len() == limit).map(|stored| stored.id);
        let next = last.map(|at| Cursor { at, id: "messages".to_owned() });
        Reply::ok(&List { items: rows.iter().map(Seen::from).collect(), next })
    })
    .await
}

/// The caller has read a page, and every other that leads to the same place.
#[utoipa::path(post, path = "/api/v1/messages/{id}/read", tag = "messages", params(("id" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn read(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let waiting = seen::fetched(&desk.state.store, desk.viewer.id, desk.now)?;
        let about = waiting.iter().find(|stored| stored.key == *id);
        let about = about.ok_or_else(|| Fault::new(Code::NotFound))?;
        seen::opened(&desk.state.store, desk.viewer.id, seen::link(about), desk.now)?;
        Ok(Reply::none())
    })
    .await
}

/// A test page on one channel.
#[derive(Serialize, ToSchema)]
#[schema(as = TestPage)]
pub(crate) struct Tried {
    id: String,
    /// The same for all channels of one test.
    test: String,
    /// `in_app` or `email`.
    channel: &'static str,
    /// `due`, `sending`, `accepted`, `sent`, `delivered`, `read`, `failed`.
    state: &'static str,
    #[schema(value_type = String)]
    at: Instant,
}

impl From<Stored> for Tried {
    fn from(stored: Stored) -> Self {
        Self {
            id: stored.key,
            test: stored.subject,
            channel: stored.channel.name(),
            state: stored.way.state.name(),
            at: stored.created_at,
        }
    }
}

/// The last test pages that are looked at.
const TRIED: i64 = 20;

/// Sends the caller a test page on each channel that is set up for them; it rings on their dashboard until they open
/// `/account/trial`. It says that it is a test and nothing else. At most three an hour.
#[utoipa::path(post, path = "/api/v1/messages/test", tag = "messages", responses((status = 202, body = List<Tried>), (status = 429, description = "E_RATE")))]
pub(crate) async fn try_out(call: Call) -> Answer {
    call.run(move |desk| {
        let sent = desk.write(|tx| tried(tx, desk.viewer.id))?;
        let items = sent.into_iter().map(Tried::from).collect();
        Reply::with(StatusCode::ACCEPTED, &List::whole(items))
    })
    .await
}

/// What became of the caller's test pages, the newest first.
#[utoipa::path(get, path = "/api/v1/messages/test", tag = "messages", responses((status = 200, body = List<Tried>)))]
pub(crate) async fn tests(call: Call) -> Answer {
    call.run(move |desk| {
        let sent = desk.read(|view| Ok(messages::trials(view, desk.viewer.id, TRIED)?))?;
        Reply::ok(&List::whole(sent.into_iter().map(Tried::from).collect()))
    })
    .await
}

/// Plans a test page; too many are refused with the time until the next.
///
/// # Errors
/// `E_RATE`; store faults.
pub(crate) fn tried(tx: &mut Tx<'_>, user: UserId) -> Result<Vec<Stored>, Fault> {
    let now = tx.now();
    if let Some(next) = messages::next_trial(tx, user, now)? {
        let wait = next.since(now).as_secs().max(1);
        return Err(Fault::new(Code::Rate).with("field", "trial").with("retry_after", wait));
    }
    Ok(messages::try_out(tx, user)?)
}
