//! The SLA clocks of an alert for one viewer now, and letting their clocks stand still and go on.

use std::time::Duration;

use actix_web::web::{Form, Path};
use serde::Deserialize;

use crate::alerts::page::queue::shown_level;
use crate::http::fault::Fault;
use crate::pages::visit::{Answer, Room, Visit};
use crate::sla::view::clocks::{Row, SlaClocks, Standing, Stretch, reason_word};
use crate::{Code, Key, Words};
use domain::calendars::Closed;
use domain::sla::{Metric, PauseReason, Segment, Still, Target};
use domain::{AlertId, Can, Instant};
use store::View;
use store::patients::audience::Requested;
use store::sla::{self, SlaClock};

/// The SLA clocks of an alert.
///
/// # Errors
/// Store faults.
pub(crate) fn of_alert(view: &mut View<'_>, room: &Room, alert: AlertId) -> Result<SlaClocks, Fault> {
    let there = sla::of_alert(view, alert)?;
    let may_act = room.viewer.may(Can::ActOnAlerts);
    let open = |clock: &&SlaClock| clock.timer().stopped_at.is_none();
    let answered = !there.iter().filter(open).any(|clock| clock.metric == Metric::FirstResponse);
    let paused = there.iter().any(|clock| clock.timer().is_paused());
    let may_pause = answered && there.iter().filter(open).any(|clock| !clock.timer().is_paused());
    let mut rows: Vec<Row> = there.iter().map(|clock| row(room, clock)).collect();
    // What comes due first stands first; what has stopped stands last.
    rows.sort_by_key(|row| (row.stopped.is_some(), row.due.unwrap_or(Instant::from_micros(i64::MAX))));
    Ok(SlaClocks { rows, may_pause: may_act && may_pause, may_resume: may_act && paused })
}

fn row(room: &Room, clock: &SlaClock) -> Row {
    let (w, now, timer) = (room.words(), room.now, clock.timer());
    let due = clock.due_at();
    let open = timer.stopped_at.is_none() && clock.breached_at().is_none();
    let warns = match clock.warned_at() {
        Some(at) => Some((true, at)),
        None if open => timer.warn_at(&clock.calendar).filter(|at| *at > now).map(|at| (false, at)),
        None => None,
    };
    let calendar = match timer.target {
        Target::Minutes(_) | Target::Days(_) => None,
        Target::OpenMinutes(_) | Target::WorkingDays(_) => {
            Some((clock.calendar_name.clone(), clock.calendar_version))
        }
    };
    let (share, used) = used(w, clock, now);
    Row {
        metric: match clock.metric {
            Metric::FirstResponse => Key("sla-first-response"),
            Metric::Resolution => Key("sla-resolution"),
        },
        of: shown_level(clock.level()),
        target: target(w, timer.target),
        calendar,
        level: (clock.service_level.clone(), clock.service_level_version()),
        standing: standing(clock, now),
        share,
        used,
        warns,
        due,
        stopped: timer.stopped_at,
        earlier: clock.past().len(),
        trace: timer.trace(&clock.calendar, now).into_iter().map(|part| stretch(w, part)).collect(),
    }
}

fn target(w: &Words, target: Target) -> String {
    let minutes = |n: u32| w.span(&Duration::from_secs(60 * u64::from(n)));
    match target {
        Target::Minutes(n) => minutes(n),
        Target::OpenMinutes(n) => w.one("sla-open-time", "span", minutes(n)),
        Target::Days(n) => w.count("sla-days", n),
        Target::WorkingDays(n) => w.count("sla-working-days", n),
    }
}

/// Thousandths and words. Days are counted by the clock between start and end: none of them is half used.
fn used(w: &Words, clock: &SlaClock, now: Instant) -> (Option<u64>, Option<String>) {
    let timer = clock.timer();
    let at = timer.stopped_at.map_or(now, |at| at.min(now));
    let (spent, whole) = match timer.target {
        Target::Minutes(n) | Target::OpenMinutes(n) => {
            (timer.used(&clock.calendar, now), Duration::from_secs(60 * u64::from(n)))
        }
        Target::Days(_) | Target::WorkingDays(_) => match clock.due_at() {
            Some(due) => (at.since(timer.started_at), due.since(timer.started_at)),
            None => return (None, None),
        },
    };
    let thousandths = spent.as_micros() * 1_000 / whole.as_micros().max(1);
    let share = u64::try_from(thousandths).unwrap_or(u64::MAX);
    let percent = share / 10;
    let of = w.two("sla-used", "used", w.span(&spent), "target", target(w, timer.target));
    (Some(share.min(1_000)), Some(format!("{of} ({percent} %)")))
}

fn standing(clock: &SlaClock, now: Instant) -> Standing {
    match clock.word(now) {
        "paused" => {
            let why = clock.timer().pauses.last().map_or("", |pause| pause.reason.name());
            Standing::Paused(reason_word(why))
        }
        "warned" => Standing::Warned,
        "breached" => Standing::Breached,
        "met" => Standing::Met,
        "late" => Standing::Late,
        "withdrawn" => Standing::Withdrawn,
        _ => Standing::Running,
    }
}

fn stretch(w: &Words, part: Segment) -> Stretch {
    let still = part.still.map(|still| match still {
        Still::Paused(reason) => w.say(reason_word(reason.name())),
        Still::Closed(Closed::OffHours) => w.say("closed-off-hours"),
        Still::Closed(Closed::DayOff) => w.say("closed-day-off"),
        Still::Closed(Closed::Holiday(name) | Closed::Exception(name)) => name,
    });
    Stretch { from: part.window.from, to: part.window.to, still }
}

/// What the forms send.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    pause: String,
}

/// POST `/alerts/{id}/sla/{pause|resume}`.
pub(crate) async fn act(visit: Visit, path: Path<(Requested<AlertId>, String)>, sent: Form<Sent>) -> Answer {
    let (id, did) = path.into_inner();
    visit
        .act(move |room| {
            match did.as_str() {
                "pause" => {
                    let reason = PauseReason::ALL.into_iter().find(|one| one.name() == sent.pause);
                    let reason = reason.ok_or_else(|| Fault::invalid("pause", "one of the reasons"))?;
                    room.write(|tx| {
                        let alert = room.viewer.audience.alert(tx, id)?;
                        Ok(sla::pause(tx, alert.id(), reason)?)
                    })?;
                }
                "resume" => {
                    room.write(|tx| {
                        let alert = room.viewer.audience.alert(tx, id)?;
                        Ok(sla::resume(tx, alert.id())?)
                    })?;
                }
                _ => return Err(Code::NotFound.into()),
            }
            Ok(format!("/alerts/{id}#sla"))
        })
        .await
}
