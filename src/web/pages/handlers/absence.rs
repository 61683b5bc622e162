//! Who is away, over all schedules.

use std::collections::BTreeMap;

use actix_web::web::{Form, Path, Query};
use serde::Deserialize;

use super::people::People;
use super::schedule::{local, staff};
use super::schedules::name;
use super::visit::{Answer, Room, Step, Visit};
use super::wheels::Sent;
use crate::domain::civil::{Window, Zone};
use crate::domain::on_call::{Cover, Duty, doubts_of};
use crate::domain::{AbsenceId, Can, Instant, UserId};
use crate::store::on_call::absences::{self, Held, Left};
use crate::store::{View, versions};
use crate::web::Code;
use crate::web::Section;
use crate::web::api::absences::{may_speak, narrow};
use crate::web::api::schedule_changes::asked_again;
use crate::web::fault::Fault;
use crate::web::pages::absence::{self as pages, Ahead, Done, Turn};
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
    fn of(sent: &Sent) -> Self {
        let text = |name: &str| sent.first(name).unwrap_or_default().to_owned();
        Self { user: text("user"), from: text("from"), to: text("to") }
    }

    fn window(&self, room: &Room) -> Result<Window, Fault> {
        let at =
            |text: &str| local(zone(room), text).ok_or_else(|| Fault::invalid("day", "a day and an hour"));
        // The page's `to` is a day; elsewhere it is a person.
        narrow(at(&self.from)?, at(&self.to)?).map_err(|fault| fault.with("field", "span"))
    }

    fn person(&self) -> Result<UserId, Fault> {
        self.user.parse().map_err(|_id| Fault::invalid("person", "a person"))
    }
}

/// The clock that the page's fields are on.
fn zone(room: &Room) -> Zone {
    Zone::parse(room.words().zone.name()).unwrap_or(Zone::SAO_PAULO)
}

/// `/absence`.
pub async fn show(visit: Visit, asked: Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    visit.page(Section::Schedules, move |room| drawn(room, &asked, None)).await
}

/// POST `/absence`: notes that somebody is away, with whoever stands in.
pub async fn act(visit: Visit, sent: Form<Vec<(String, String)>>) -> Answer {
    let sent = Sent(sent.into_inner());
    visit
        .form(Section::Schedules, move |room| {
            let asked = Asked::of(&sent);
            let (user, within, covers) = (asked.person()?, asked.window(room)?, covers(&sent)?);
            may_speak(&room.viewer, user, &covers)?;
            let left = room.write(|tx| Ok(absences::note_once(tx, user, within, &covers)?))?;
            done(room, user, &left)
        })
        .await
}

/// POST `/absence/{id}/{change|take}`: it lasts from and until another time, or is taken back.
pub async fn change(
    visit: Visit,
    path: Path<(AbsenceId, String)>,
    sent: Form<Vec<(String, String)>>,
) -> Answer {
    let ((id, what), sent) = (path.into_inner(), Sent(sent.into_inner()));
    visit
        .form(Section::Schedules, move |room| {
            let user = room.read(|view| Ok(absences::get(view, id)?.absence.user))?;
            may_speak(&room.viewer, user, &[])?;
            match what.as_str() {
                "change" => {
                    let within = Asked::of(&sent).window(room)?;
                    if sent.first("sure").is_none() {
                        asked_again(&doubts_of(within, room.now))?;
                    }
                    let left = room.write(|tx| Ok(absences::change(tx, id, within)?))?;
                    done(room, user, &left)
                }
                "take" => {
                    room.write(|tx| Ok(absences::take_back(tx, id)?))?;
                    Ok(Step::Html(drawn(room, &Asked::default(), None)?))
                }
                _ => Err(Fault::new(Code::NotFound)),
            }
        })
        .await
}

fn done(room: &Room, user: UserId, left: &Left) -> Result<Step, Fault> {
    let done = room.read(|view| {
        let names = names(view, room)?;
        let named = |id: &String| names.get(id).cloned().unwrap_or_else(|| id.clone());
        Ok(Done {
            name: People::default().user(view, user)?,
            schedules: left.schedules.iter().map(|id| (id.clone(), named(id))).collect(),
            uncovered: left.uncovered.iter().map(|(id, gap)| turn(id, named(id), *gap)).collect(),
        })
    })?;
    Ok(Step::Html(drawn(room, &Asked::default(), Some(done))?))
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
        out.push(Cover { schedule, from: at("from")?, to: at("to")?, by });
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
        let everybody = staff(view)?;
        let (people, mates) = if room.viewer.may(Can::ManageSchedules) {
            (everybody.clone(), everybody)
        } else {
            let me = room.viewer.id.to_string();
            (everybody.into_iter().filter(|choice| choice.value == me).collect(), Vec::new())
        };
        let ahead = ahead(view, room)?;
        Ok(pages::View { people, mates, ahead, user, from, to, turns, doubts, done })
    })?;
    Ok(pages::page(&room.shell, &page))
}

/// Whoever is away now or later, the first to leave first.
fn ahead(view: &mut View<'_>, room: &Room) -> Result<Vec<Ahead>, Fault> {
    let mut people = People::default();
    let mut out = Vec::new();
    for Held { id, absence, noted_by, .. } in absences::list(view, room.now)? {
        let Window { from, to } = absence.window;
        let mut covers = Vec::new();
        for cover in &absence.covers {
            covers.push(people.user(view, cover.by)?);
        }
        covers.sort_unstable();
        covers.dedup();
        let clock = |at: Instant| zone(room).local(at).format("%Y-%m-%dT%H:%M").to_string();
        out.push(Ahead {
            id: id.to_string(),
            name: people.user(view, absence.user)?,
            window: (from, to),
            sent: (clock(from), clock(to)),
            covers,
            by: people.actor(view, &noted_by)?,
            begun: from <= room.now,
            may_change: may_speak(&room.viewer, absence.user, &[]).is_ok(),
        });
    }
    out.sort_by_key(|one| one.window);
    Ok(out)
}
