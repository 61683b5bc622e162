//! One person's absence over all schedules.

use std::collections::BTreeMap;

use actix_web::web::{Form, Query};
use serde::Deserialize;

use super::people::People;
use super::schedule::{local, staff};
use super::schedules::name;
use super::visit::{Answer, Room, Step, Visit};
use super::wheels::Sent;
use crate::domain::civil::{Window, Zone};
use crate::domain::on_call::{Duty, doubts_of};
use crate::domain::{Instant, UserId};
use crate::store::on_call::absences::{self, Cover};
use crate::store::{View, versions};
use crate::web::Section;
use crate::web::api::absences::narrow;
use crate::web::fault::Fault;
use crate::web::pages::absence::{self as pages, Done, Turn};
use crate::web::pages::error::doubt;

/// As many turns as a form may hold.
const MOST_ROWS: usize = 1_000;

/// Whose absence, and when.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    user: String,
    from: String,
    to: String,
}

impl Asked {
    fn window(&self, room: &Room) -> Result<Window, Fault> {
        let zone = Zone::parse(room.words().zone.name()).unwrap_or(Zone::SAO_PAULO);
        let at = |text: &str| local(zone, text).ok_or_else(|| Fault::invalid("day", "a day and an hour"));
        narrow(at(&self.from)?, at(&self.to)?)
    }

    fn person(&self) -> Result<UserId, Fault> {
        self.user.parse().map_err(|_id| Fault::invalid("person", "a person"))
    }
}

/// `/absence`.
pub async fn show(visit: Visit, asked: Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    visit.page(Section::Schedules, move |room| drawn(room, &asked, None)).await
}

/// POST `/absence`: takes the person off every schedule, with whoever stands in.
pub async fn act(visit: Visit, sent: Form<Vec<(String, String)>>) -> Answer {
    let sent = Sent(sent.into_inner());
    visit
        .form(Section::Schedules, move |room| {
            let text = |name: &str| sent.first(name).unwrap_or_default().to_owned();
            let asked = Asked { user: text("user"), from: text("from"), to: text("to") };
            let (user, within, covers) = (asked.person()?, asked.window(room)?, covers(&sent)?);
            let done = room.write(|tx| Ok(absences::absent(tx, user, within, &covers)?))?;
            let done = room.read(|view| {
                let names = names(view, room)?;
                let named = |id: &String| names.get(id).cloned().unwrap_or_else(|| id.clone());
                Ok(Done {
                    name: People::default().user(view, user)?,
                    changed: done.changed.iter().map(|(id, _)| (id.clone(), named(id))).collect(),
                    uncovered: done.uncovered.iter().map(|(id, gap)| turn(id, named(id), *gap)).collect(),
                })
            })?;
            Ok(Step::Html(drawn(room, &Asked::default(), Some(done))?))
        })
        .await
}

/// Who stands in for what.
fn covers(sent: &Sent) -> Result<Vec<Cover>, Fault> {
    let rows: usize = sent.first("rows").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut out = Vec::new();
    for row in 0..rows.min(MOST_ROWS) {
        let Some(by) = sent.user(&format!("c{row}-by"))? else { continue };
        let at = |name: &str| {
            let field = format!("c{row}-{name}");
            let text = sent.first(&field).unwrap_or_default();
            text.parse()
                .map(Instant::from_micros)
                .map_err(|_number| Fault::invalid("day", "a turn of the list"))
        };
        let schedule = sent.first(&format!("c{row}-schedule")).unwrap_or_default().to_owned();
        out.push(Cover { schedule, window: Window { from: at("from")?, to: at("to")? }, by });
    }
    Ok(out)
}

fn turn(schedule: &str, name: String, window: Window) -> Turn {
    let Window { from, to } = window;
    Turn { schedule: schedule.to_owned(), name, from, to, sent: (from.micros(), to.micros()) }
}

fn names(view: &mut View<'_>, room: &Room) -> Result<BTreeMap<String, String>, Fault> {
    let held = versions::all_in_force::<Duty>(view, room.now)?;
    Ok(held.into_iter().map(|held| (held.name, name(&held.body.name, room.words().lang))).collect())
}

fn drawn(room: &Room, asked: &Asked, done: Option<Done>) -> Result<super::super::Html, Fault> {
    let page = room.read(|view| {
        let names = names(view, room)?;
        let mut doubts = Vec::new();
        let turns = if asked.user.is_empty() {
            None
        } else {
            let within = asked.window(room)?;
            doubts = doubts_of(within, room.now).into_iter().filter_map(|one| doubt(one.name())).collect();
            let within = Window { from: within.from.max(room.now), ..within };
            let turns = absences::turns_of(view, asked.person()?, within, room.now)?;
            let named = |(id, window): (String, Window)| {
                let name = names.get(&id).cloned().unwrap_or_default();
                turn(&id, name, window)
            };
            Some(turns.into_iter().map(named).collect())
        };
        let Asked { user, from, to } = asked.clone();
        Ok(pages::View { people: staff(view)?, user, from, to, turns, doubts, done })
    })?;
    Ok(pages::page(&room.shell, &page))
}
