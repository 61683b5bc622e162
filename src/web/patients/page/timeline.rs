//! What happened to a patient, newest first, as far as the viewer's rights reach: the first lines for the patient's own
//! page, and a page of all.

use actix_web::web::{Path, Query};
use chrono::NaiveDate;
use serde::Deserialize;

use crate::http::fault::Fault;
use crate::pages::shell::address;
use crate::pages::visit::{Answer, Room, Visit};
use crate::patients::contributions::{self, CONTRIBUTIONS, Wanted};
use crate::patients::event::{Position, Reader, Who};
use crate::patients::view::timeline::{self as pages, Chip, Day, Line};
use crate::people::page::names::People;
use crate::privacy::pseudonyms;
use crate::{Key, Section, Words};
use domain::{Instant, PatientId};
use store::patients::Patient;
use store::patients::audience::Requested;
use store::{View, patients};

/// Lines on the patient's own page.
const BRIEF: usize = 20;
/// Lines on a page of all.
const SHOWN: usize = 50;

/// `?kind=`: of one capability; `?before=`: what is older than a place.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    kind: String,
    before: Option<String>,
}

/// The first lines.
///
/// # Errors
/// Store faults.
pub(crate) fn brief(view: &mut View<'_>, room: &Room, patient: &Patient) -> Result<Vec<Line>, Fault> {
    let mut reader = Reader::new(&room.state, &room.viewer, room.now, &room.sight);
    let page = contributions::page(view, &mut reader, patient, Wanted::Brief, Position::default(), BRIEF)?;
    let w = room.words();
    Ok(page.lines.into_iter().map(|one| line(w, one, |at| w.clock(at))).collect())
}

/// `/patients/{id}/timeline`.
pub(crate) async fn show(visit: Visit, id: Path<Requested<PatientId>>, asked: Query<Asked>) -> Answer {
    let id = visit.visible(*id).await?.id();
    visit
        .page(Section::Patients, move |room| {
            let view = room.read(|view| fill(view, room, id, &asked))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room, id: PatientId, asked: &Asked) -> Result<pages::View, Fault> {
    let patient = patients::get(view, &room.viewer.audience, id)?;
    let (w, wanted) = (room.words(), Wanted::kind(&asked.kind));
    let mut reader = Reader::new(&room.state, &room.viewer, room.now, &room.sight);
    let from = Position::parse(asked.before.as_deref())?;
    let found = contributions::page(view, &mut reader, &patient, wanted, from, SHOWN)?;
    let shown = pseudonyms::shown(view, &room.viewer, id)?;
    let place = format!("/patients/{shown}/timeline");
    let older = found.next.map(|last| last.cursor().to_string());
    Ok(pages::View {
        patient: shown,
        name: People::default().patient(view, room, id)?,
        kinds: chips(room, &place, wanted),
        days: days(w, found.lines),
        older: older.map(|last| address(&place, &[("kind", &asked.kind), ("before", &last)])),
        newest: asked.before.is_some().then(|| address(&place, &[("kind", &asked.kind)])),
        masked: masked(w, &reader),
    })
}

/// One for all, and one for each kind that the viewer may see.
fn chips(room: &Room, place: &str, wanted: Wanted<'_>) -> Vec<Chip> {
    let all = Chip {
        title: Key("timeline-all"),
        icon: "history",
        href: place.to_owned(),
        is_current: wanted == Wanted::All,
    };
    let of_kind = CONTRIBUTIONS.iter().filter(|one| room.viewer.may(one.right)).map(|one| Chip {
        title: one.title,
        icon: one.icon,
        href: address(place, &[("kind", one.kind)]),
        is_current: wanted == Wanted::Kind(one.kind),
    });
    std::iter::once(all).chain(of_kind).collect()
}

/// Why something is not among what is shown.
fn masked(w: &Words, reader: &Reader<'_>) -> Vec<String> {
    let title = |kind: &str| CONTRIBUTIONS.iter().find(|one| one.kind == kind).map(|one| w.say(one.title));
    reader
        .masked
        .iter()
        .filter_map(|(kind, why)| Some(format!("{}: {}", title(kind)?, why.sentence(w))))
        .collect()
}

fn days(w: &Words, lines: Vec<contributions::Line>) -> Vec<Day> {
    let mut days: Vec<(Option<NaiveDate>, Day)> = Vec::new();
    for one in lines {
        let at = one.place.at();
        let date = w.local_date(at);
        let shown = line(w, one, |at| w.time_of_day(at));
        match days.last_mut() {
            Some((last, day)) if *last == date => day.lines.push(shown),
            _ => days.push((date, Day { title: heading(w, at, date), lines: vec![shown] })),
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

fn heading(w: &Words, at: Instant, date: Option<NaiveDate>) -> String {
    let Some(date) = date else { return at.rfc3339() };
    let today = w.local_date(w.now);
    if today == Some(date) {
        return w.say("schedule-today");
    }
    if today.and_then(|today| today.pred_opt()) == Some(date) {
        return w.say("timeline-yesterday");
    }
    w.date(date)
}

fn line(w: &Words, one: contributions::Line, time: impl Fn(&Instant) -> String) -> Line {
    let contributions::Line { of, place, entry } = one;
    let who = entry.actor.map(|hand| match hand.who {
        Who::Program => w.say("the-system"),
        Who::Patient => w.say("the-patient"),
        Who::Named(name) => name,
    });
    Line {
        at: place.at(),
        time: time(&place.at()),
        icon: entry.icon.unwrap_or(of.icon),
        text: (entry.sentence)(w),
        who,
        href: entry.subject.map(|subject| format!("/{}/{}", subject.noun, subject.id)),
    }
}
