//! Counts how many readings a change of a binding would move. It opens what it counts, so it is asked before the
//! transaction of the change, for which everybody waits.

use super::moves::{Span, taken_from};
use crate::db::error::Result;
use crate::devices::bindings::{self, Binding};
use crate::devices::{self, unbound};
use crate::{View, readings};
use domain::{DeviceId, Instant, PatientId};

/// Readings are counted up to here.
pub const COUNTED: usize = 10_000;

/// How many readings a change moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// So many…
    pub readings: usize,
    /// …or more: they were counted up to [`COUNTED`].
    pub more: bool,
}

impl Counted {
    fn and(self, more: usize) -> Self {
        let readings = self.readings + more;
        Self { readings: readings.min(COUNTED), more: self.more || readings >= COUNTED }
    }
}

/// How many readings of a device are a patient's in `[from, to)`: what an end of the binding at `from` would set aside.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn leaving(
    view: &mut View<'_>,
    (device_key, patient_key): (i64, i64),
    (from, to): (Instant, Instant),
) -> Result<Counted> {
    let mut counted = Counted::default();
    for signal in readings::signals_of(view, patient_key)? {
        let mut at = from;
        while at < to && !counted.more {
            let worn = readings::worn(view, (patient_key, signal), device_key, (at, to))?;
            counted = counted.and(worn.readings.len());
            at = worn.until;
        }
    }
    Ok(counted)
}

/// The binding that an end at `at`, recorded now, belongs to, and how many readings of its patient were measured after it.
///
/// # Errors
/// As [`bindings::unbind`]; a destroyed key.
pub fn ending(
    view: &mut View<'_>,
    (device, of): (DeviceId, Option<PatientId>),
    (at, now): (Instant, Instant),
) -> Result<(Binding, Counted)> {
    let key = devices::key_of(view, device)?;
    let (binding, at) = bindings::ending(view, key, of, (at, now))?;
    let counted = leaving(view, (key, binding.patient_key), (at, binding.to.unwrap_or(Instant::MAX)))?;
    Ok((binding, counted))
}

/// How many readings of a device measured from `from` on wait, or are about to: what a binding from there on would
/// give.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn coming(view: &mut View<'_>, device_key: i64, from: Instant) -> Result<Counted> {
    let most = i64::try_from(COUNTED).unwrap_or(i64::MAX);
    let waiting = unbound::count(view, device_key, (from, Instant::MAX), most)?;
    let mut counted = Counted::default().and(waiting);
    for (patient_key, span) in about_to_leave(view, device_key, from)? {
        let left = leaving(view, (device_key, patient_key), span)?;
        counted = Counted { more: counted.more || left.more, ..counted.and(left.readings) };
    }
    Ok(counted)
}

/// The spans from `from` on that are being taken, and from whom: each once, however many moves take it.
fn about_to_leave(view: &mut View<'_>, device_key: i64, from: Instant) -> Result<Vec<(i64, Span)>> {
    let open = taken_from(view, device_key)?.into_iter();
    let mut spans: Vec<(i64, Span)> =
        open.map(|open| (open.patient_key, (open.from.max(from), open.to))).collect();
    spans.retain(|(_, (from, to))| from < to);
    spans.sort_unstable();
    let mut out: Vec<(i64, Span)> = Vec::new();
    for (whose, (from, to)) in spans {
        match out.last_mut() {
            Some((same, (_, end))) if *same == whose && from <= *end => *end = to.max(*end),
            _ => out.push((whose, (from, to))),
        }
    }
    Ok(out)
}
