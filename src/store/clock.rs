//! Steps of the wall clock: told, written down, and what was planned on the wrong time planned again. The newest time is
//! believed. Nothing is ever planned later than it was: a call that comes too soon harms nobody.

use std::time::Duration;

use diesel::prelude::*;

use super::act::Act;
use super::error::{Error, Result};
use super::nodes::APART;
use super::schema::{alerts, audit_entries, messages, throttles};
use super::tx::{Tx, View};
use super::{escalations, settings, sla};
use crate::domain::Instant;
use crate::domain::alert::AlertCase;
use crate::domain::time::Step;

/// A clock this far behind what was written was set back while nobody looked.
pub const BEHIND: Duration = Duration::from_secs(60);
/// By how much what was planned on a wrong time is brought back.
#[derive(Debug, Clone, Copy)]
pub enum Back {
    /// The clock was set back by so much.
    By(Duration),
    /// Each plan by as much as it was written ahead of now: another node's clock was wrong, and nobody knows by how much.
    AsWritten,
}

impl Back {
    /// What was written after this was written on the wrong time.
    pub(super) fn after(self, now: Instant) -> Instant {
        match self {
            Self::By(_) => now,
            Self::AsWritten => now.plus(APART),
        }
    }

    /// How far a plan goes back that was written at `written`.
    pub(super) fn of(self, written: Instant, now: Instant) -> Duration {
        match self {
            Self::By(back) => back,
            Self::AsWritten => written.since(now),
        }
    }
}

/// How long a step is told.
const TOLD: Duration = Duration::from_secs(24 * 3_600);
const STEP: &str = "clock.step";

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
pub fn told(view: &mut View<'_>, now: Instant) -> Result<Option<Step>> {
    let step = settings::get(view, STEP)?.and_then(|text| serde_json::from_str::<Step>(&text).ok());
    Ok(step.filter(|step| now.since(step.at) <= TOLD))
}

/// Writes down that the clock was stepped, and plans again what was planned on a time that lies ahead now. Says how
/// many plans. Run it with [`super::Store::keep_house`]; again changes nothing more.
///
/// # Errors
/// Database errors.
pub fn stepped(tx: &mut Tx<'_>, step: Step) -> Result<usize> {
    let replanned = match Duration::from_millis(step.by_ms.unsigned_abs()) {
        back if step.by_ms < 0 => replan(tx, back)?,
        _forward => 0,
    };
    settings::keep(tx, STEP, &serde_json::to_string(&step).unwrap_or_default())?;
    let body = serde_json::json!({ "by_ms": step.by_ms, "at": step.at, "replanned": replanned });
    tx.audit(&Act::new("clock.stepped").public(body))?;
    tx.signal("config.changed", "clock")?;
    Ok(replanned)
}

/// Plans again what another node planned on a time that lies ahead, as far as it can still be waited for. Says how many
/// plans. Run it with [`super::Store::keep_house`]; again changes nothing more.
///
/// # Errors
/// Database errors.
pub fn bring_back(tx: &mut Tx<'_>) -> Result<usize> {
    let now = tx.now();
    // In the order of locks: clocks, climbs, messages.
    let clocks = sla::replan(tx, Back::AsWritten)?;
    let climbs = escalations::replan(tx, Back::AsWritten)?;
    let after = now.plus(APART).micros();
    let ahead = messages::created_at.gt(after).and(messages::due_at.gt(now.micros()));
    let by = || messages::created_at - now.micros();
    let letters = diesel::update(messages::table.filter(messages::state.eq("due").and(ahead)))
        .set((
            messages::due_at.eq(messages::due_at - by()),
            messages::not_after.eq(messages::not_after - by()),
            messages::created_at.eq(now.micros()),
        ))
        .execute(tx.conn)?;
    Ok(clocks + climbs + letters)
}

fn replan(tx: &mut Tx<'_>, back: Duration) -> Result<usize> {
    let now = tx.now().micros();
    let by = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
    let planned = messages::state.eq("due").and(messages::created_at.gt(now)).and(messages::due_at.gt(now));
    let letters = diesel::update(messages::table.filter(planned))
        .set((messages::due_at.eq(messages::due_at - by), messages::not_after.eq(messages::not_after - by)))
        .execute(tx.conn)?;
    let handed = messages::state.eq("sending").and(messages::sending_until.gt(now + by / 2));
    let handed = diesel::update(messages::table.filter(handed))
        .set(messages::sending_until.eq(messages::sending_until - by))
        .execute(tx.conn)?;
    diesel::delete(throttles::table.filter(throttles::updated_at.gt(now))).execute(tx.conn)?;
    let climbs = escalations::replan(tx, Back::By(back))?;
    let clocks = sla::replan(tx, Back::By(back))?;
    Ok(letters + handed + climbs + clocks + shorten(tx, back)?)
}

/// Silences of alerts that somebody began in the future.
fn shorten(tx: &mut Tx<'_>, back: Duration) -> Result<usize> {
    let now = tx.now().micros();
    let rows: Vec<(String, String)> = alerts::table
        .filter(alerts::state.eq("snoozed").and(alerts::updated_at.gt(now)))
        .select((alerts::id, alerts::case_record))
        .load(tx.conn)?;
    let mut count = 0;
    for (id, record) in rows {
        let Ok(mut case) = serde_json::from_str::<AlertCase>(&record) else { continue };
        let Some(snooze) = &mut case.snooze else { continue };
        snooze.until = snooze.until.minus(back);
        let until = Some(snooze.until.micros());
        let record = serde_json::to_string(&case).map_err(|_shape| Error::Corrupt("an alert to store"))?;
        diesel::update(alerts::table.find(id))
            .set((
                alerts::snoozed_until.eq(until),
                alerts::case_record.eq(record),
                alerts::updated_at.eq(now),
            ))
            .execute(tx.conn)?;
        count += 1;
    }
    Ok(count)
}
