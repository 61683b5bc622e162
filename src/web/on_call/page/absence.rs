//! Who is away, over all schedules.

use std::collections::BTreeMap;

use actix_web::web::{Form, Path, Query};
use serde::Deserialize;

use super::rotations::Sent;
use super::schedule::{local, staff};
use super::schedules::name;
use crate::Code;
use crate::Section;
use crate::http::fault::Fault;
use crate::on_call::api::absences::{bounded, may_speak, named, narrow};
use crate::on_call::api::changes::asked_again;
use crate::on_call::view::absence::{self as pages, Ahead, Done, Turn};
use crate::pages::error::{Named, doubt};
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::page::names::People;
use domain::on_call::{Cover, Duty, doubts_of};
use domain::time::civil::{Window, Zone};
use domain::{AbsenceId, Can, Instant, UserId};
use store::on_call::absences::{self, Left, StoredAbsence, why};
use store::{View, versions};

/// As many turns as a form may hold.
const MOST_ROWS: usize = 1_000;

/// Whose absence, and when.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    user: String,
    from: String,
    to: String,
    /// The absence that was noted or changed just now.
    done: String,
    /// Something, if it was changed.
    changed: String,
    /// Whose absence was taken back just now.
    back: String,
}

impl Asked {
    fn of(sent: &Sent) -> Self {
        let text = |name: &str| sent.first(name).unwrap_or_default().to_owned();
        Self { user: text("user"), from: text("from"), to: text("to"), ..Self::default() }
    }

    fn window(&self, room: &Room) -> Result<Window, Fault> {
        let at =
            |text: &str| local(zone(room), text).ok_or_else(|| Fault::invalid("moment", "a day and an hour"));
        let (from, to) = (at(&self.from)?, at(&self.to)?);
        // The page's `to` is a day; elsewhere it is a person.
        narrow(from, to).map_err(|fault| fault.with("field", "span"))?;
        bounded(from, to, room.now)
    }

    fn person(&self) -> Result<UserId, Fault> {
        self.user.parse().map_err(|_id| Fault::invalid("person", "a person"))
    }
}

/// A time of which something lies ahead.
fn ahead_of(within: Window, now: Instant) -> Result<Window, Fault> {
    if within.to > now { Ok(within) } else { Err(Fault::invalid("past", why::OVER)) }
}

/// The clock that the page's fields are on.
fn zone(room: &Room) -> Zone {
    Zone::parse(room.words().zone.name()).unwrap_or(Zone::SAO_PAULO)
}

/// `/absence`.
pub(crate) async fn show(visit: Visit, asked: Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    visit.page(Section::Schedules, move |room| drawn(room, &asked)).await
}

/// POST `/absence`: notes that somebody is away, with whoever stands in.
pub(crate) async fn act(visit: Visit, sent: Form<Vec<(String, String)>>) -> Answer {
    let sent = Sent(sent.into_inner());
    visit
        .act(move |room| {
            let asked = Asked::of(&sent);
            let (user, within, covers) = (asked.person()?, asked.window(room)?, covers(&sent)?);
            let (rows, covers): (Vec<usize>, Vec<Cover>) = covers.into_iter().unzip();
            may_speak(&room.viewer, user, &covers)?;
            let noted = room.write(|tx| {
                let left = absences::note_once(tx, user, within, &covers);
                named(tx, user, within, None, left)
            });
            let shown = noted.map(|left| noted_at(&left));
            shown.map_err(|fault| in_words(room, user, at_its_field(room, fault, &rows, &covers)))
        })
        .await
}

/// POST `/absence/{id}/{change|take}`: it lasts from and until another time, or is taken back.
pub(crate) async fn change(
    visit: Visit,
    path: Path<(AbsenceId, String)>,
    sent: Form<Vec<(String, String)>>,
) -> Answer {
    let ((id, what), sent) = (path.into_inner(), Sent(sent.into_inner()));
    visit
        .act(move |room| {
            let user = room.read(|view| Ok(absences::get(view, id)?.absence.user))?;
            may_speak(&room.viewer, user, &[])?;
            match what.as_str() {
                "change" => {
                    let within = Asked::of(&sent).window(room)?;
                    if sent.first("sure").is_none() {
                        asked_again(&doubts_of(within, room.now))?;
                    }
                    let changed = room.write(|tx| {
                        let left = absences::change(tx, id, within);
                        named(tx, user, within, Some(id), left)
                    });
                    let shown = changed.map(|left| format!("{}&changed=1", noted_at(&left)));
                    shown.map_err(|fault| in_words(room, user, at_its_field(room, fault, &[], &[])))
                }
                "take" => {
                    room.write(|tx| Ok(absences::take_back(tx, id)?))?;
                    Ok(format!("/absence?back={user}"))
                }
                _ => Err(Fault::new(Code::NotFound)),
            }
        })
        .await
}

/// The page that says what came of it: one that may be loaded again.
fn noted_at(left: &Left) -> String {
    format!("/absence?done={}", left.id)
}

/// What the reader can mend, and where in the form: whoever stands in is chosen turn by turn (`rows`).
fn at_its_field(room: &Room, fault: Fault, rows: &[usize], covers: &[Cover]) -> Fault {
    let field = match fault.more.get("reason").and_then(|reason| reason.as_str()) {
        Some(why::OVER) => "past",
        Some(why::ENDED) => return fault.with("field", "ended").with("place", "to"),
        Some(why::NO_TURN) => "turns",
        Some(why::UNABLE) => "cover_unable",
        Some(why::AWAY) => "cover_away",
        _ => return fault,
    };
    let fault = fault.with("field", field);
    let Ok((able, absences)) = room.read(|view| Ok((staff(view)?, absences::after(view, room.now)?))) else {
        return fault;
    };
    let wrong = |cover: &Cover| match field {
        "cover_away" => absences.of(cover.by).any(|away| away.meet(cover.window()).is_some()),
        "cover_unable" => !able.iter().any(|one| one.value == cover.by.to_string()),
        _ => false,
    };
    match rows.iter().zip(covers).find(|(_, cover)| wrong(cover)) {
        Some((row, _)) => fault.with("place", format!("c{row}-by")),
        None => fault,
    }
}

/// What stands in the way, in the reader's words.
fn in_words(room: &Room, user: UserId, fault: Fault) -> Fault {
    let at = |name: &str| fault.more.get(name).and_then(|at| Instant::parse(at.as_str()?));
    let Some((from, to)) = at("from").zip(at("to")) else { return fault };
    match room.read(|view| standing(view, room, user, Window { from, to })) {
        Ok(words) => fault.with("standing", words),
        Err(_unread) => fault,
    }
}

/// That an absence of somebody's stands in that time.
fn standing(view: &mut View<'_>, room: &Room, user: UserId, window: Window) -> Result<String, Fault> {
    let (w, name) = (room.words(), People::default().user(view, user)?);
    let span = format!("{} – {}", w.at(&window.from), w.at(&window.to));
    Ok(w.two("absence-stands", "name", name, "span", span))
}

/// What was noted or changed just now.
fn done(view: &mut View<'_>, room: &Room, id: AbsenceId, changed: bool) -> Result<Done, Fault> {
    let names = names(view, room)?;
    let named = |id: &String| names.get(id).cloned().unwrap_or_else(|| id.clone());
    let (user, left) = absences::left(view, id, room.now)?;
    // Of others, only whoever keeps the schedules is told.
    may_speak(&room.viewer, user, &[])?;
    Ok(Done {
        changed,
        name: People::default().user(view, user)?,
        schedules: left.schedules.iter().map(|id| (id.clone(), named(id))).collect(),
        uncovered: left.uncovered.iter().map(|(id, gap)| turn(id, named(id), *gap)).collect(),
    })
}

/// Who stands in for what, with the row of the form.
fn covers(sent: &Sent) -> Result<Vec<(usize, Cover)>, Fault> {
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
        out.push((row, Cover { schedule, from: at("from")?, to: at("to")?, by }));
    }
    Ok(out)
}

fn turn(schedule: &str, name: String, window: Window) -> Turn {
    let Window { from, to } = window;
    Turn { schedule: schedule.to_owned(), name, from, to, sent: (from.micros(), to.micros()) }
}

fn names(view: &mut View<'_>, room: &Room) -> Result<BTreeMap<String, String>, Fault> {
    let duties = versions::all_in_force::<Duty>(view, room.now)?;
    Ok(duties.into_iter().map(|duties| (duties.name, name(&duties.body.name, room.words().lang))).collect())
}

fn drawn(room: &Room, asked: &Asked) -> Result<crate::pages::Html, Fault> {
    let page = room.read(|view| {
        let everybody = staff(view)?;
        let (people, mates) = if room.viewer.may(Can::ManageSchedules) {
            (everybody.clone(), everybody)
        } else {
            let me = room.viewer.id.to_string();
            (everybody.into_iter().filter(|choice| choice.value == me).collect(), Vec::new())
        };
        let Asked { from, to, .. } = asked.clone();
        let mut page =
            pages::View { people, mates, ahead: ahead(view, room)?, from, to, ..Default::default() };
        // One that was taken back meanwhile is shown no more.
        let changed = !asked.changed.is_empty();
        page.done = asked.done.parse().ok().and_then(|id| done(view, room, id, changed).ok());
        let back: Option<UserId> = asked.back.parse().ok();
        if let Some(user) = back.filter(|user| may_speak(&room.viewer, *user, &[]).is_ok()) {
            page.taken_back = Some(People::default().user(view, user)?);
        }
        // Of others, only whoever keeps the schedules is told.
        let user = asked.person().ok().filter(|user| may_speak(&room.viewer, *user, &[]).is_ok());
        if let Some(user) = user {
            page.user = user.to_string();
            match asked.window(room).and_then(|within| ahead_of(within, room.now)) {
                Ok(within) => planned(view, room, user, within, &mut page)?,
                Err(fault) => {
                    let field = fault.more.get("field").and_then(|field| field.as_str());
                    page.refusal = Named { field, ..Named::default() }.advice(fault.code);
                }
            }
        }
        Ok(page)
    })?;
    Ok(pages::page(&room.shell, &page))
}

/// Somebody's turns in a time, and what stands in the way of an absence then.
fn planned(
    view: &mut View<'_>,
    room: &Room,
    user: UserId,
    within: Window,
    page: &mut pages::View,
) -> Result<(), Fault> {
    page.doubts = doubts_of(within, room.now).into_iter().filter_map(|one| doubt(one.name())).collect();
    let within = Window { from: within.from.max(room.now), ..within };
    if let Some(stands) = absences::overlapping(view, user, within, None)? {
        let words = standing(view, room, user, stands.absence.window)?;
        page.standing = Some((words, stands.id.to_string()));
    }
    let (away, w) = (absences::after(view, within.from)?, room.words());
    for mate in &mut page.mates {
        let Ok(user) = mate.value.parse() else { continue };
        if let Some(Window { from, to }) = away.of(user).find(|away| away.meet(within).is_some()) {
            let span = format!("{} – {}", w.at(&from), w.at(&to));
            mate.label = w.two("absence-by-away", "name", mate.label.clone(), "span", span);
        }
    }
    let names = names(view, room)?;
    let turns = absences::turns_of(view, user, within, room.now)?;
    let named = |(id, window): (String, Window)| {
        let name = names.get(&id).cloned().unwrap_or_default();
        turn(&id, name, window)
    };
    page.turns = Some(turns.into_iter().map(named).collect());
    Ok(())
}

/// Whoever is away now or later, the first to leave first.
fn ahead(view: &mut View<'_>, room: &Room) -> Result<Vec<Ahead>, Fault> {
    let mut people = People::default();
    let mut out = Vec::new();
    for StoredAbsence { id, absence, noted_by, .. } in absences::list(view, room.now)? {
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
