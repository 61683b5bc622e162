//! Steps of the wall clock: reported, recorded, and what was planned at the wrong time is planned again. The newest
//! time is believed. Nothing is ever moved to a later time: a call that comes too soon does no harm. The plans of each
//! alert are moved in a transaction of their own, under its row (`store::db::turn::locks`).

use std::time::Duration;

use diesel::prelude::*;

use crate::alerts::holds;
use crate::db::error::{Error, Result};
use crate::db::schema::{alerts, audit_entries, escalations, messages, sla_timers, throttles};
use crate::db::settings;
use crate::db::turn::locks::Lock;
use crate::db::tx::act::Act;
use crate::db::tx::{Tx, View};
use crate::escalation::ALERT;
use crate::{escalation, sla};
use domain::alerts::AlertCase;
use domain::time::{APART, Step};
use domain::{AlertId, Instant};

/// A clock this far behind the newest entry was set back while the program was down.
pub const BEHIND: Duration = Duration::from_secs(60);
/// How long a step is reported.
const TOLD: Duration = Duration::from_secs(24 * 3_600);
const STEP: &str = "clock.step";
const PENDING: &str = "clock.pending";
/// Alerts looked up at once.
const BATCH: i64 = 200;

/// How far plans made at a wrong time are moved back.
#[derive(Debug, Clone, Copy)]
pub enum Back {
    /// The clock was set back by so much.
    By(Duration),
    /// Each plan by as much as it lies ahead of now: another node's clock was wrong, and nobody knows by how much.
    AsWritten,
}

impl Back {
    /// What a step asks for; nothing when it went forward.
    #[must_use]
    pub fn of_step(step: Step) -> Option<Self> {
        (step.by_ms < 0).then(|| Self::By(Duration::from_millis(step.by_ms.unsigned_abs())))
    }

    /// What was written after this was written on the wrong time.
    pub(crate) fn after(self, now: Instant) -> Instant {
        match self {
            Self::By(_) => now,
            Self::AsWritten => now.plus(APART),
        }
    }

    /// How far a plan goes back that was written at `written`.
    pub(crate) fn of(self, written: Instant, now: Instant) -> Duration {
        match self {
            Self::By(back) => back,
            Self::AsWritten => written.since(now),
        }
    }
}

/// When the newest entry of the log was written.
///
/// # Errors
/// Database errors.
pub fn written(view: &mut View<'_>) -> Result<Option<Instant>> {
    let newest = audit_entries::table.order(audit_entries::id.desc()).select(audit_entries::at);
    let at: Option<i64> = newest.first(view.conn).optional()?;
    Ok(at.map(Instant::from_micros))
}

/// The last step of a day.
///
/// # Errors
/// Database errors.
pub fn last_step(view: &mut View<'_>, now: Instant) -> Result<Option<Step>> {
    let step = settings::get(view, STEP)?.and_then(|text| serde_json::from_str::<Step>(&text).ok());
    Ok(step.filter(|step| now.since(step.at) <= TOLD))
}

/// A step whose plans are not all moved back yet: the process was killed before it finished.
///
/// # Errors
/// Database errors.
pub fn pending(view: &mut View<'_>) -> Result<Option<Step>> {
    Ok(settings::get(view, PENDING)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Begins to plan again what was planned on a time that lies ahead now: what hangs on no alert. Run it with
/// [`crate::Store::keep_house`], then [`replan`] for each of [`ahead`], then [`finish`]. Says how many plans.
///
/// # Errors
/// Database errors.
pub fn begin(tx: &mut Tx<'_>, step: Step) -> Result<usize> {
    settings::save(tx, PENDING, &serde_json::to_string(&step).unwrap_or_default())?;
    let Some(back) = Back::of_step(step) else { return Ok(0) };
    let now = tx.now().micros();
    diesel::delete(throttles::table.filter(throttles::updated_at.gt(now))).execute(tx.conn)?;
    replan_alone(tx, back)
}

/// Brings back messages that hang on no alert. Says how many.
///
/// # Errors
/// Database errors.
pub fn replan_alone(tx: &mut Tx<'_>, back: Back) -> Result<usize> {
    let now = tx.now();
    let alone = messages::table.filter(messages::kind.ne(ALERT)).filter(messages::state.eq_any(OPEN));
    let rows = alone
        .filter(messages::due_at.gt(now.micros()).or(messages::sending_until.gt(now.micros())))
        .filter(messages::created_at.gt(planned_after(back, now)))
        .select(PLAN)
        .load(tx.conn)?;
    bring_back(tx, rows, back)
}

/// Alerts with plans on a time that lies ahead, after this id, in the order of ids.
///
/// # Errors
/// Database errors.
pub fn ahead(view: &mut View<'_>, back: Back, now: Instant, after: &str) -> Result<Vec<AlertId>> {
    let (planned_after, written_after) = (planned_after(back, now), back.after(now).micros());
    let now = now.micros();
    let escalations = escalations::table
        .filter(escalations::kind.eq(ALERT).and(escalations::subject.gt(after)))
        .filter(escalations::updated_at.gt(written_after).and(escalations::spoiled.is_null()))
        .select(escalations::subject)
        .order(escalations::subject);
    let clocks = sla_timers::table
        .filter(sla_timers::kind.eq(ALERT).and(sla_timers::subject.gt(after)))
        .filter(sla_timers::started_at.gt(written_after))
        .select(sla_timers::subject)
        .order(sla_timers::subject);
    let planned = messages::table
        .filter(messages::kind.eq(ALERT).and(messages::subject.gt(after)).and(messages::state.eq_any(OPEN)))
        .filter(messages::due_at.gt(now).or(messages::sending_until.gt(now)))
        .filter(messages::created_at.gt(planned_after))
        .select(messages::subject)
        .order(messages::subject);
    let silent = alerts::table
        .filter(
            alerts::state.eq("snoozed").and(alerts::updated_at.gt(written_after)).and(alerts::id.gt(after)),
        )
        .select(alerts::id)
        .order(alerts::id);
    let mut found: Vec<String> = escalations.limit(BATCH).load(view.conn)?;
    found.extend(clocks.limit(BATCH).load::<String>(view.conn)?);
    found.extend(planned.limit(BATCH).load::<String>(view.conn)?);
    found.extend(silent.limit(BATCH).load::<String>(view.conn)?);
    found.sort_unstable();
    found.dedup();
    // Beyond the batch one list may hold what another left out: those come with the next.
    found.truncate(usize::try_from(BATCH).unwrap_or(usize::MAX));
    Ok(found.iter().filter_map(|id| id.parse().ok()).collect())
}

/// Moves back the plans of one alert, under its row and in the order of locks; waits for whoever holds it. Returns how
/// many plans.
///
/// # Errors
/// Database errors.
pub fn replan(tx: &mut Tx<'_>, alert: AlertId, back: Back) -> Result<usize> {
    let case = match holds::lock(tx, alert) {
        Ok(stored) => Some(stored.case),
        Err(Error::NotFound(_)) => None,
        // It is held all the same; what can be read of the rest is brought back.
        Err(error) if error.is_the_rows() => None,
        Err(error) => return Err(error),
    };
    let silences = case.map_or(Ok(0), |case| shorten(tx, case, back))?;
    let clocks = sla::replan(tx, alert, back)?;
    let escalations = escalation::replan(tx, alert, back)?;
    tx.lock(Lock::Messages(alert));
    let now = tx.now().micros();
    let about = messages::table.filter(messages::kind.eq(ALERT).and(messages::subject.eq(alert.to_string())));
    let open = about.filter(messages::state.eq_any(OPEN));
    let rows = open
        .filter(messages::due_at.gt(now).or(messages::sending_until.gt(now)))
        .select(PLAN)
        .load(tx.conn)?;
    let planned = bring_back(tx, rows, back)?;
    tx.step_out();
    Ok(silences + clocks + escalations + planned)
}

/// Writes down that the clock was stepped, and that everything is planned again.
///
/// # Errors
/// Database errors.
pub fn finish(tx: &mut Tx<'_>, step: Step, replanned: usize) -> Result<()> {
    settings::save(tx, PENDING, "")?;
    settings::save(tx, STEP, &serde_json::to_string(&step).unwrap_or_default())?;
    let body = serde_json::json!({ "by_ms": step.by_ms, "at": step.at, "replanned": replanned });
    tx.audit(&Act::new("clock.stepped").public(body))?;
    tx.signal("config.changed", "clock")
}

/// Messages that were planned before are left alone. After a step back also the claim of an older one lies ahead.
fn planned_after(back: Back, now: Instant) -> i64 {
    match back {
        Back::By(_) => i64::MIN,
        Back::AsWritten => back.after(now).micros(),
    }
}

/// Id, state, when it was planned, when it is due, when it is too late, until when it is being sent.
type Plan = (i64, String, i64, i64, i64, Option<i64>);
const PLAN: (
    messages::id,
    messages::state,
    messages::created_at,
    messages::due_at,
    messages::not_after,
    messages::sending_until,
) = (
    messages::id,
    messages::state,
    messages::created_at,
    messages::due_at,
    messages::not_after,
    messages::sending_until,
);
const OPEN: [&str; 2] = ["due", "sending"];

/// Messages that were planned or taken on the time ahead. None becomes due before now, so that doing it twice after a
/// kill changes nothing that matters.
fn bring_back(tx: &mut Tx<'_>, rows: Vec<Plan>, back: Back) -> Result<usize> {
    let at = tx.now();
    let now = at.micros();
    let mut count = 0;
    for (id, state, planned, due, not_after, sending) in rows {
        let row = messages::table.find(id);
        let by = back.of(Instant::from_micros(planned), at);
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        // As written: it was planned now, so that the next look leaves it alone.
        let planned_at = if matches!(back, Back::AsWritten) { now } else { planned };
        let planned_at = messages::created_at.eq(planned_at);
        count += match (state.as_str(), sending) {
            ("due", _) if planned > now && due > now => {
                let by = by.min(due - now);
                let moved =
                    (messages::due_at.eq(due - by), messages::not_after.eq(not_after - by), planned_at);
                diesel::update(row.filter(messages::state.eq(state))).set(moved).execute(tx.conn)?
            }
            ("sending", Some(until)) if until > now + by / 2 => {
                let until = (messages::sending_until.eq(until - by.min(until - now)), planned_at);
                diesel::update(row.filter(messages::state.eq(state))).set(until).execute(tx.conn)?
            }
            _ => 0,
        };
    }
    Ok(count)
}

/// A silence that somebody began in the future.
fn shorten(tx: &mut Tx<'_>, mut case: AlertCase, back: Back) -> Result<usize> {
    let (id, at) = (case.id.to_string(), tx.now());
    let now = at.micros();
    let silent = alerts::table.find(&id).filter(alerts::state.eq("snoozed"));
    let written: Option<i64> = silent.select(alerts::updated_at).get_result(tx.conn).optional()?;
    let written = written.map(Instant::from_micros).filter(|written| *written > back.after(at));
    let Some(written) = written else { return Ok(0) };
    let Some(snooze) = &mut case.snooze else { return Ok(0) };
    snooze.until = snooze.until.minus(back.of(written, at));
    let until = Some(snooze.until.micros());
    let record = serde_json::to_string(&case).map_err(|_shape| Error::corrupt("an alert to store"))?;
    let ahead = alerts::table.find(id).filter(alerts::state.eq("snoozed").and(alerts::updated_at.gt(now)));
    Ok(diesel::update(ahead)
        .set((alerts::snoozed_until.eq(until), alerts::case_record.eq(record), alerts::updated_at.eq(now)))
        .execute(tx.conn)?)
}
