//! The next instant at which anything is due, for simulations that drive the clock.

use diesel::dsl::min;
use diesel::prelude::*;

use super::error::Result;
use super::schema::{alerts, escalations, messages, sla_timers};
use super::tx::View;
use domain::Instant;

/// The first instant after `now` at which an escalation, an SLA clock, a message or a snooze is due; `None`: nothing
/// waits.
///
/// # Errors
/// Database errors.
pub fn next(view: &mut View<'_>, now: Instant) -> Result<Option<Instant>> {
    let now = now.micros();
    let escalation: Option<i64> = escalations::table
        .filter(escalations::next_at.gt(now).and(escalations::spoiled.is_null()))
        .select(min(escalations::next_at))
        .get_result(view.conn)?;
    let clock: Option<i64> = sla_timers::table
        .filter(sla_timers::next_at.gt(now).and(sla_timers::spoiled.is_null()))
        .select(min(sla_timers::next_at))
        .get_result(view.conn)?;
    let message: Option<i64> = messages::table
        .filter(messages::state.eq("due").and(messages::due_at.gt(now)).and(messages::spoiled.is_null()))
        .select(min(messages::due_at))
        .get_result(view.conn)?;
    let snooze: Option<i64> = alerts::table
        .filter(alerts::state.eq("snoozed").and(alerts::snoozed_until.gt(now)))
        .select(min(alerts::snoozed_until))
        .get_result(view.conn)?;
    Ok([escalation, clock, message, snooze].into_iter().flatten().min().map(Instant::from_micros))
}
