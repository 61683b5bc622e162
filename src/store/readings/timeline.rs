//! What was decided on a patient's readings, back in time: those that were set aside, and those that their source put
//! right. Instants, signals and numbers; no value is opened.

use std::collections::BTreeMap;

use consent::{AlertEvaluate, Permit, TelemetryCollect};
use diesel::prelude::*;

use super::series::reached;
use crate::db::conn::literally;
use crate::db::error::Result;
use crate::db::schema::{amendments, bindings, quarantine};
use crate::{Before, View};
use domain::{Instant, Signal};

/// A decision on something that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The item's id.
    pub id: String,
    /// When.
    pub at: Instant,
    /// `released`, `discarded`, or `withdrawn` by its source.
    pub decision: String,
    /// By whom ([`crate::Actor::name`]).
    pub by: Option<String>,
    /// Why it was set aside, such as `E_CLOCK`.
    pub reason: String,
    /// What was measured; `None` where that is not known, or the permit does not reach.
    pub signal: Option<Signal>,
}

/// Decisions on what was set aside of a patient's, before a place, the newest first. It was measured too, so it is shown
/// under both permits: to store and to show.
///
/// # Errors
/// Database errors.
pub fn decided_before(
    view: &mut View<'_>,
    _collected: &Permit<TelemetryCollect>,
    shown: &Permit<AlertEvaluate>,
    patient_key: i64,
    before: &Before,
    limit: i64,
) -> Result<Vec<Decided>> {
    type Raw = (String, Option<i64>, Option<String>, Option<String>, String, Option<i16>, Option<i64>);
    let same = quarantine::id.lt(&before.id);
    let rows: Vec<Raw> = quarantine::table
        .filter(quarantine::patient_key.eq(patient_key).and(literally("quarantine.decided_at IS NOT NULL")))
        .filter(quarantine::decided_at.le(before.at))
        .filter(quarantine::decided_at.lt(before.at).or(same.nullable()))
        .order((quarantine::decided_at.desc(), quarantine::id.desc()))
        .limit(limit)
        .select((
            quarantine::id,
            quarantine::decided_at,
            quarantine::decision,
            quarantine::decided_by,
            quarantine::reason,
            quarantine::signal,
            quarantine::at,
        ))
        .load(view.conn)?;
    let read = |(id, at, decision, by, reason, signal, measured): Raw| Decided {
        id,
        at: Instant::from_micros(at.unwrap_or_default()),
        decision: decision.unwrap_or_default(),
        by,
        reason,
        signal: signal
            .filter(|_| measured.is_some_and(|at| shown.covers(at).is_ok()))
            .and_then(Signal::from_code),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The most corrections of one instant that are counted.
pub const COUNTED: usize = 100;

/// What the sources of a patient's readings put right in one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// When.
    pub at: Instant,
    /// How many of each signal; empty: none of them is the patient's, or within the permit.
    pub signals: BTreeMap<&'static str, usize>,
    /// Whether there are more than [`COUNTED`].
    pub more: bool,
}

/// Corrections and withdrawals by their source before a place, the newest first: one for each instant, as a source that
/// puts a day right does it in one message. Nothing that was measured before the permit reaches, and nothing that is
/// another wearer's is counted.
///
/// # Errors
/// Database errors.
pub fn corrected_before(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    before: &Before,
    limit: usize,
) -> Result<Vec<Corrected>> {
    let reach = reached(permit, Instant::from_micros(i64::MIN)).micros();
    let worn = worn(view, patient_key)?;
    let (mut found, mut at) = (Vec::new(), before.at);
    while found.len() < limit {
        let of_source = || {
            amendments::table
                .filter(amendments::patient_key.eq(patient_key))
                .filter(literally("amendments.supersedes AND amendments.item IS NULL"))
        };
        let last: Option<i64> = of_source()
            .filter(amendments::amended_at.lt(at))
            .order(amendments::amended_at.desc())
            .select(amendments::amended_at)
            .first(view.conn)
            .optional()?;
        let Some(last) = last else { break };
        let rows: Vec<(i16, i64, i64)> = of_source()
            .filter(amendments::amended_at.eq(last))
            .limit(i64::try_from(COUNTED).unwrap_or(i64::MAX) + 1)
            .select((amendments::signal, amendments::at, amendments::device_key))
            .load(view.conn)?;
        let mut corrected = Corrected {
            at: Instant::from_micros(last),
            signals: BTreeMap::new(),
            more: rows.len() > COUNTED,
        };
        for (signal, measured, device) in rows.into_iter().take(COUNTED) {
            let theirs = worn.iter().any(|(key, from, to)| {
                *key == device && *from <= measured && to.is_none_or(|to| measured < to)
            });
            if let Some(signal) = Signal::from_code(signal).filter(|_| theirs && measured >= reach) {
                *corrected.signals.entry(signal.name()).or_default() += 1;
            }
        }
        found.push(corrected);
        at = last;
    }
    Ok(found)
}

/// When each device was the patient's, as the bindings say it today.
fn worn(view: &mut View<'_>, patient_key: i64) -> Result<Vec<(i64, i64, Option<i64>)>> {
    Ok(bindings::table
        .filter(bindings::patient_key.eq(patient_key))
        .select((bindings::device_key, bindings::from_at, bindings::to_at))
        .load(view.conn)?)
}
