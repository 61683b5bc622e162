//! The schedules at a glance: who is on call, what will go wrong, what everybody carries.

use crate::http::fault::Fault;
use crate::on_call::view::schedule::Need;
use crate::on_call::view::schedules::{self as pages, Load, Present, Row, Trouble};
use crate::pages::visit::{Answer, Visit};
use crate::people::page::names::People;
use crate::{Lang, Section, Words};
use domain::on_call::capacity::{self, Work};
use domain::on_call::{Away, Because, Duty, Issue, Schedule};
use domain::rules::Name;
use domain::time::civil::{Window, Zone};
use domain::{Instant, UserId};
use store::{View, on_call, versions};

/// How far the next hand-over is looked for.
const NEXT: std::time::Duration = std::time::Duration::from_secs(60 * 86_400);

/// `/schedules`.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Schedules, |room| {
            let view = room.read(|view| fill(view, room.words()))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, w: &Words) -> Result<pages::View, Fault> {
    let mut people = People::default();
    let mut rows = Vec::new();
    let (linter, absences) = (on_call::Linter::of(view, w.now)?, on_call::absences::after(view, w.now)?);
    for duty in versions::all_in_force::<Duty>(view, w.now)? {
        let found = linter.problems(&duty.name, &duty.body);
        let w = in_zone(w, &duty.body.schedule);
        rows.push(Row {
            name: name(&duty.body.name, w.lang),
            present: present(
                view,
                &w,
                &mut people,
                &duty.body.schedule,
                w.now,
                absences.in_schedule(&duty.name),
            )?,
            next: next(&duty.body.schedule, w.now, absences.in_schedule(&duty.name)),
            troubles: troubles(view, &w, &mut people, &found)?,
            id: duty.name,
        });
    }
    let agents = on_call::capacity::agents(view, None)?;
    let waiting = on_call::capacity::waiting(view)?;
    let on_duty = on_call::capacity::on_duty(view, w.now)?;
    let report = capacity::report(&agents, waiting);
    let mut loads = Vec::new();
    for agent in &agents {
        loads.push(Load {
            name: people.user(view, agent.user)?,
            on_call: on_duty.contains(&agent.user),
            load: agent.load,
            capacity: agent.capacity,
            free: agent.free(Work::Ordinary),
        });
    }
    loads.sort_by_key(|load| load.name.to_lowercase());
    Ok(pages::View {
        rows,
        people: loads,
        reserve: report.reserve,
        reserve_used: report.reserve_used,
        waiting,
        displaced: report.displaced,
        fresh: Need { zone: Zone::SAO_PAULO.name().to_owned(), hours: 60, weeks: 1, ..Need::default() },
    })
}

/// The words on the clock of a schedule.
pub(crate) fn in_zone(w: &Words, schedule: &Schedule) -> Words {
    Words { zone: schedule.zone.name().parse().unwrap_or(w.zone), ..*w }
}

/// A name in the reader's language.
pub(crate) fn name(name: &Name, lang: Lang) -> String {
    match lang {
        Lang::PtBr => name.pt.to_string(),
        Lang::En => name.en.to_string(),
    }
}

/// When other people are on call next.
pub(crate) fn next(schedule: &Schedule, now: Instant, away: Away<'_>) -> Option<Instant> {
    schedule.next_change(Window { from: now, to: now.plus(NEXT) }, away)
}

/// Who is on call at an instant, and why.
///
/// # Errors
/// Store faults.
pub(crate) fn present(
    view: &mut View<'_>,
    w: &Words,
    people: &mut People,
    schedule: &Schedule,
    at: Instant,
    away: Away<'_>,
) -> Result<Vec<Present>, Fault> {
    let on_call = schedule.at(at, away).into_iter();
    on_call.map(|(user, because)| one(view, w, people, schedule, user, because)).collect()
}

/// Somebody on call, and why.
///
/// # Errors
/// Store faults.
pub(crate) fn one(
    view: &mut View<'_>,
    w: &Words,
    people: &mut People,
    schedule: &Schedule,
    user: UserId,
    because: Because,
) -> Result<Present, Fault> {
    let why = match because {
        Because::Rotation(place) => {
            let name = schedule.rotations.get(place).map_or("", |rotation| rotation.name.as_str());
            w.one("duty-why-rotation", "name", name)
        }
        Because::Temporary(_) => w.say("duty-why-temporary"),
        Because::Override(_) => w.say("duty-why-override"),
        Because::StandsInFor(_) => w.say("duty-why-stands-in"),
    };
    Ok(Present { name: people.user(view, user)?, why })
}

/// What will go wrong in the next 30 days, in the reader's words.
///
/// # Errors
/// Store faults.
pub(crate) fn troubles(
    view: &mut View<'_>,
    w: &Words,
    people: &mut People,
    found: &[Issue],
) -> Result<Vec<Trouble>, Fault> {
    let span = |window: &Window| w.two("issue-span", "from", w.at(&window.from), "to", w.at(&window.to));
    found
        .iter()
        .map(|issue| {
            let (grave, kind, text) = match issue {
                Issue::Gap(window) => (true, w.say("issue-gap"), span(window)),
                Issue::NobodyReachable(window) => (true, w.say("issue-nobody-reachable"), span(window)),
                Issue::NobodyCertified(window) => (true, w.say("issue-nobody-certified"), span(window)),
                Issue::CertificateEnds(user, at) => {
                    let who = people.user(view, *user)?;
                    (false, w.say("issue-certificate-ends"), format!("{who} · {}", w.at(at)))
                }
                Issue::FirstAndBackup(user, window) => {
                    let who = people.user(view, *user)?;
                    (false, w.say("issue-first-and-backup"), format!("{who} · {}", span(window)))
                }
                Issue::BesideTurn(user, window) => {
                    let who = people.user(view, *user)?;
                    (false, w.say("issue-beside-turn"), format!("{who} · {}", span(window)))
                }
                Issue::Unreachable(user, from) => {
                    let who = people.user(view, *user)?;
                    (false, w.say("issue-unreachable"), format!("{who} · {}", w.at(from)))
                }
                Issue::CertificateDate(user, until) => {
                    let who = people.user(view, *user)?;
                    (false, w.say("issue-certificate-date"), format!("{who} · {}", w.at(until)))
                }
                Issue::Overload(user, from, load) => {
                    let hours = w.one("issue-hours", "n", load.as_secs() / 3_600);
                    let who = people.user(view, *user)?;
                    (false, w.say("issue-overload"), format!("{who} · {hours} · {}", w.at(from)))
                }
            };
            Ok(Trouble { grave, kind, text })
        })
        .collect()
}
