//! The facts of SLA clocks: each that stops, and each whose time ran out.

use super::{Ended, SlaClock};
use crate::db::tx::Tx;
use crate::kpis::facts::append;
use domain::PatientId;
use domain::kpis::{Amount, Dimension, Fact, Kind};

/// A clock stopped. If its time was over and nothing had recorded that yet, it ran out as well.
pub(super) fn stopped(tx: &mut Tx<'_>, patient: PatientId, clock: &SlaClock) {
    let kind = match clock.word(tx.now()) {
        "late" => Kind::SlaLate,
        "withdrawn" => Kind::SlaWithdrawn,
        _ => Kind::SlaMet,
    };
    if kind == Kind::SlaLate && clock.breached_at().is_none() {
        missed(tx, patient, clock);
    }
    let now = tx.now();
    let started = clock.timer().started_at;
    let why = match clock.ended() {
        Some(Ended::Answered) => "answered",
        Some(Ended::Resolved) => "resolved",
        Some(Ended::Withdrawn) | None => "withdrawn",
    };
    let counted = clock.timer().used(&clock.calendar, now);
    let fact = of(kind, patient, clock, now).with(Dimension::Outcome, why);
    append(tx, fact.amounting(Amount::took_counted(now.since(started), counted)));
}

/// The time of a clock ran out: at the instant at which it did, which is earlier than when that was found.
pub(super) fn missed(tx: &mut Tx<'_>, patient: PatientId, clock: &SlaClock) {
    let now = tx.now();
    let over = clock.due_at().map_or(now, |due| due.min(now));
    append(tx, of(Kind::SlaMissed, patient, clock, over));
}

/// A service level has one clock at a time: its start tells which.
fn of(kind: Kind, patient: PatientId, clock: &SlaClock, at: domain::Instant) -> Fact {
    Fact::new(kind, &clock.id, clock.timer().started_at.micros(), at)
        .of(Some(patient))
        .with(Dimension::Policy, &clock.service_level)
        .with(Dimension::Metric, clock.metric.name())
        .with(Dimension::Level, clock.level().name())
}
