//! The facts of SLA clocks: each that stops, and each whose time ran out.

use super::{Ended, SlaClock};
use crate::db::tx::Tx;
use crate::kpis::facts::append;
use domain::PatientId;
use domain::kpis::{Amount, Dimension, Fact, Kind};

/// A clock stopped. If its time was over and nothing had recorded that yet, it ran out as well.
pub(super) fn stopped(tx: &mut Tx<'_>, patient: PatientId, promise: &SlaClock) {
    let kind = match promise.word(tx.now()) {
        "late" => Kind::SlaLate,
        "withdrawn" => Kind::SlaWithdrawn,
        _ => Kind::SlaMet,
    };
    if kind == Kind::SlaLate && promise.breached_at().is_none() {
        missed(tx, patient, promise);
    }
    let now = tx.now();
    let started = promise.timer().started_at;
    let why = match promise.ended() {
        Some(Ended::Answered) => "answered",
        Some(Ended::Resolved) => "resolved",
        Some(Ended::Withdrawn) | None => "withdrawn",
    };
    let counted = promise.timer().used(&promise.calendar, now);
    let fact = of(kind, patient, promise, now).with(Dimension::Outcome, why);
    append(tx, fact.amounting(Amount::took_counted(now.since(started), counted)));
}

/// The time of a clock ran out: at the instant at which it did, which is earlier than when that was found.
pub(super) fn missed(tx: &mut Tx<'_>, patient: PatientId, promise: &SlaClock) {
    let now = tx.now();
    let over = promise.due_at().map_or(now, |due| due.min(now));
    append(tx, of(Kind::SlaMissed, patient, promise, over));
}

/// A promise has one clock at a time: its start tells which.
fn of(kind: Kind, patient: PatientId, promise: &SlaClock, at: domain::Instant) -> Fact {
    Fact::new(kind, &promise.id, promise.timer().started_at.micros(), at)
        .of(Some(patient))
        .with(Dimension::Policy, &promise.service_level)
        .with(Dimension::Metric, promise.metric.name())
        .with(Dimension::Level, promise.level().name())
}
