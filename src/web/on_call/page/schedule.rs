//! One schedule for one viewer now: its calendar of two weeks on its own clock, and who was on call then.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::{Path, Query};
use chrono::{Datelike, Days, NaiveDate, NaiveDateTime};
use serde::Deserialize;

use super::schedules::{in_zone, name, next, one, present, troubles};
use super::{rotations, swaps, windows};
use crate::http::fault::Fault;
use crate::on_call::view::schedule::{self as pages, Cell, Day, Need, Strip, Then, Turn, weekday};
use crate::pages::Choice;
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::page::names::People;
use crate::{Section, Words};
use domain::calendars::{Calendar, Place};
use domain::on_call::Duty;
use domain::time::civil::{Window, Zone, union};
use domain::{Can, Instant, UserId};
use store::on_call::{self, feeds};
use store::people::users;
use store::{View, versions};

/// How many days the calendar shows.
const DAYS: u64 = 14;
/// As `datetime-local` writes an instant.
pub(crate) const LOCAL: &str = "%Y-%m-%dT%H:%M";

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    from: String,
    at: String,
}

/// `/schedules/{id}`.
pub(crate) async fn show(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Answer {
    let id = id.into_inner();
    visit.page(Section::Schedules, move |room| drawn(room, &id, &asked, None)).await
}

/// POST `/schedules/{id}/feed`: makes the address of the viewer's feed and shows it once.
pub(crate) async fn feed(visit: Visit, id: Path<String>, request: HttpRequest) -> Answer {
    let id = id.into_inner();
    let base = {
        let info = request.connection_info();
        format!("{}://{}", info.scheme(), info.host())
    };
    visit
        .page(Section::Schedules, move |room| {
            let secret = room.write(|tx| {
                on_call::get(tx, &id, room.now)?;
                Ok(feeds::open(tx, &id, room.viewer.id)?)
            })?;
            let link = format!("{base}{}", crate::on_call::api::feeds::path(&id, secret.reveal()));
            drawn(room, &id, &Asked::default(), Some(link))
        })
        .await
}

fn drawn(room: &Room, id: &str, asked: &Asked, feed: Option<String>) -> Result<crate::pages::Html, Fault> {
    let mut shell = room.shell.clone();
    let view = room.read(|view| {
        let duty = on_call::get(view, id, room.now)?;
        shell.words = in_zone(&shell.words, &duty.body.schedule);
        let mut page = fill(view, room, &shell.words, duty, asked)?;
        page.feed = feed;
        Ok(page)
    })?;
    Ok(pages::page(&shell, &view))
}

fn fill(
    view: &mut View<'_>,
    room: &Room,
    w: &Words,
    stored: versions::Version<Duty>,
    asked: &Asked,
) -> Result<pages::View, Fault> {
    let (mut people, id, duty) = (People::default(), stored.name, stored.body);
    let zone = duty.schedule.zone;
    let today = zone.date(room.now);
    let from = asked.from.parse().unwrap_or(today);
    let from = if (2_000..2_200).contains(&from.year()) { from } else { today };
    let far = |date: NaiveDate, days: u64| date.checked_add_days(Days::new(days)).unwrap_or(date);
    let dates: Vec<NaiveDate> = (0..DAYS).map(|n| far(from, n)).collect();
    let within = Window { from: zone.day(from).from, to: zone.day(far(from, DAYS)).from };
    let turns = turns(view, w, &mut people, &id, within)?;
    let (places, absences) = (places(view, room.now)?, on_call::absences::after(view, room.now)?);
    let (swappable, mates) = swaps::choices(view, w, &mut people, room, &id)?;
    let found = on_call::problems(view, &id, &duty, room.now)?;
    let may_manage = room.viewer.may(Can::ManageSchedules);
    let staff = if may_manage { staff(view)? } else { Vec::new() };
    Ok(pages::View {
        name: name(&duty.name, w.lang),
        version: stored.version,
        author: people.actor(view, &stored.author)?,
        since: stored.in_force_at,
        present: present(view, w, &mut people, &duty.schedule, room.now, absences.in_schedule(&id))?,
        next: next(&duty.schedule, room.now, absences.in_schedule(&id)),
        troubles: troubles(view, w, &mut people, &found)?,
        days: dates.iter().map(|date| day(w, *date, *date == today, &places)).collect(),
        gaps: gaps(&turns, within).map_or_else(Vec::new, |gaps| cells(zone, &dates, &gaps)),
        strips: strips(zone, &dates, &turns),
        turns: rows(&turns, within),
        around: (
            from.checked_sub_days(Days::new(DAYS)).unwrap_or(from).to_string(),
            far(from, DAYS).to_string(),
        ),
        asked: asked.at.clone(),
        answer: answer(view, w, &mut people, &id, zone, &asked.at)?,
        changes: windows::of(view, w, &mut people, &duty.schedule, room.now)?,
        swaps: swaps::open(view, w, &mut people, room, &id)?,
        swappable,
        mates,
        rows: windows::with_room(Vec::new()),
        may_manage,
        rotations: rotations::of(&duty.schedule),
        people: staff,
        need: form(&duty),
        followed: feeds::is_open(view, &id, room.viewer.id)?,
        feed: None,
        id,
    })
}

fn form(duty: &Duty) -> Need {
    Need {
        pt: duty.name.pt.to_string(),
        en: duty.name.en.to_string(),
        zone: duty.schedule.zone.name().to_owned(),
        certificate: duty.need.certificate,
        hours: duty.need.most_in_a_week.as_secs() / 3_600,
        weeks: duty.need.averaged_weeks,
    }
}

/// Where the house's calendars are; the country, when none says.
fn places(view: &mut View<'_>, now: Instant) -> Result<Vec<Place>, Fault> {
    let calendars = versions::all_in_force::<Calendar>(view, now)?;
    let places: Vec<Place> = calendars.iter().filter_map(|calendar| calendar.body.place).collect();
    Ok(if places.is_empty() { vec![Place::default()] } else { places })
}

fn day(w: &Words, date: NaiveDate, today: bool, places: &[Place]) -> Day {
    let holiday = places.iter().find_map(|place| place.holiday(date)).map(|holiday| holiday.name.to_owned());
    let place = usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
    Day { label: format!("{} {}", w.say(weekday(place)), date.format("%d/%m")), today, holiday }
}

/// A stretch of the calendar: who and why, by the version in force then.
struct OnCallStretch {
    window: Window,
    user: UserId,
    who: crate::on_call::view::schedules::Present,
}

fn turns(
    view: &mut View<'_>,
    w: &Words,
    people: &mut People,
    id: &str,
    within: Window,
) -> Result<Vec<OnCallStretch>, Fault> {
    let mut out: Vec<OnCallStretch> = Vec::new();
    let absences = on_call::absences::after(view, within.from)?;
    for (window, version) in on_call::pieces(view, id, within)? {
        let schedule = &version.body.schedule;
        for shift in schedule.shifts(window, absences.in_schedule(id)) {
            let who = one(view, w, people, schedule, shift.user, shift.because)?;
            let goes_on = out.iter_mut().find(|turn| {
                turn.window.to == shift.window.from && turn.user == shift.user && turn.who == who
            });
            match goes_on {
                Some(turn) => turn.window.to = shift.window.to,
                None => out.push(OnCallStretch { window: shift.window, user: shift.user, who }),
            }
        }
    }
    out.sort_by_key(|turn| (turn.window, turn.user));
    Ok(out)
}

/// Where nobody is on call; `None`: nowhere.
fn gaps(turns: &[OnCallStretch], within: Window) -> Option<Vec<Window>> {
    let covered = union(turns.iter().map(|turn| turn.window).collect());
    let starts = std::iter::once(within.from).chain(covered.iter().map(|window| window.to));
    let ends = covered.iter().map(|window| window.from).chain([within.to]);
    let gaps: Vec<Window> =
        starts.zip(ends).map(|(from, to)| Window { from, to }).filter(|gap| gap.from < gap.to).collect();
    (!gaps.is_empty()).then_some(gaps)
}

fn strips(zone: Zone, dates: &[NaiveDate], turns: &[OnCallStretch]) -> Vec<Strip> {
    let mut of: BTreeMap<(String, UserId), Vec<Window>> = BTreeMap::new();
    for turn in turns {
        of.entry((turn.who.name.clone(), turn.user)).or_default().push(turn.window);
    }
    let strip = |((name, _), windows): ((String, UserId), Vec<Window>)| Strip {
        name,
        cells: cells(zone, dates, &union(windows)),
    };
    of.into_iter().map(strip).collect()
}

fn cells(zone: Zone, dates: &[NaiveDate], windows: &[Window]) -> Vec<Cell> {
    let cell = |date: &NaiveDate| {
        let day = zone.day(*date);
        let mut cell = Cell::default();
        for part in windows.iter().filter_map(|window| window.meet(day)) {
            let x = share(part.from.since(day.from), day);
            let end = share(part.to.since(day.from), day);
            cell.bars.push((x, end.saturating_sub(x).max(1)));
            let clock = |at: Instant| zone.local(at).format("%H:%M").to_string();
            let to = if part.to == day.to { "24:00".to_owned() } else { clock(part.to) };
            cell.hours.push(format!("{}–{to}", clock(part.from)));
        }
        cell
    };
    dates.iter().map(cell).collect()
}

/// Thousandths of a day, which may have 23 or 25 hours.
fn share(span: Duration, day: Window) -> u64 {
    let whole = day.to.since(day.from).as_micros().max(1);
    u64::try_from(span.as_micros() * 1_000 / whole).unwrap_or(1_000).min(1_000)
}

fn rows(turns: &[OnCallStretch], within: Window) -> Vec<Turn> {
    let shown_turns = turns.iter().map(|turn| Turn {
        from: turn.window.from,
        to: turn.window.to,
        who: Some(turn.who.clone()),
    });
    let gap = |gap: Window| Turn { from: gap.from, to: gap.to, who: None };
    let mut rows: Vec<Turn> = shown_turns.chain(gaps(turns, within).into_iter().flatten().map(gap)).collect();
    rows.sort_by_key(|row| (row.from, row.to));
    rows
}

fn answer(
    view: &mut View<'_>,
    w: &Words,
    people: &mut People,
    id: &str,
    zone: Zone,
    asked: &str,
) -> Result<Option<Then>, Fault> {
    let Some(at) = local(zone, asked) else { return Ok(None) };
    let duty = versions::in_force::<Duty>(view, id, at)?;
    let Some(duty) = duty else { return Ok(Some(Then { at, version: None, present: Vec::new() })) };
    let absences = on_call::absences::after(view, at)?;
    let present = present(view, w, people, &duty.body.schedule, at, absences.in_schedule(id))?;
    Ok(Some(Then { at, version: Some(duty.version), present }))
}

/// An instant from a `datetime-local` field; when the clock shows it twice, the first time.
pub(crate) fn local(zone: Zone, text: &str) -> Option<Instant> {
    clock(text).map(|local| zone.first(local))
}

/// A clock time from a `datetime-local` field, with or without seconds, between the years 2000 and 2200.
pub(crate) fn clock(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let read = NaiveDateTime::parse_from_str(text, LOCAL);
    let read = read.or_else(|_seconds| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"));
    read.ok().filter(|at| (2_000..2_200).contains(&at.year()))
}

/// Everybody who may be on call, by name.
///
/// # Errors
/// Store faults.
pub(crate) fn staff(view: &mut View<'_>) -> Result<Vec<Choice>, Fault> {
    let mut out = Vec::new();
    for user in on_call::people(view)?.into_keys() {
        if let Some(who) = users::get(view, user)?.identity {
            out.push(Choice { value: user.to_string(), label: String::from(who.name) });
        }
    }
    out.sort_by_key(|choice| choice.label.to_lowercase());
    Ok(out)
}
