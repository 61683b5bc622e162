//! Counts how many readings a change of a binding would move. It opens what it counts, so it is asked before the
//! transaction of the change, for which everybody waits.

use super::moves::{Move, taken_from};
use super::wearer::Wearer;
use crate::db::error::Result;
use crate::devices::bindings::{self, Binding};
use crate::devices::{self, unbound};
use crate::readings::Series;
use crate::{View, readings};
use domain::time::civil::Window;
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

/// How many readings of a device are a patient's in a window: what an end of the binding at its beginning would set
/// aside.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn leaving(view: &mut View<'_>, wearer: Wearer, within: Window) -> Result<Counted> {
    let mut counted = Counted::default();
    for signal in readings::signals_of(view, wearer.patient_key)? {
        let mut at = within.from;
        while at < within.to && !counted.more {
            let series = Series::new(wearer.patient_key, signal);
            let worn = readings::worn(view, series, wearer.device_key, Window { from: at, ..within })?;
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
    device: DeviceId,
    of: Option<PatientId>,
    at: Instant,
    now: Instant,
) -> Result<(Binding, Counted)> {
    let key = devices::key_of(view, device)?;
    let (binding, at) = bindings::ending(view, key, of, at, now)?;
    let after = Window { from: at, to: binding.to.unwrap_or(Instant::MAX) };
    let counted = leaving(view, binding.wearer(), after)?;
    Ok((binding, counted))
}

/// How many readings of a device measured from `from` on wait, or are about to: what a binding from there on would
/// give.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn coming(view: &mut View<'_>, device_key: i64, from: Instant) -> Result<Counted> {
    let most = i64::try_from(COUNTED).unwrap_or(i64::MAX);
    let waiting = unbound::count(view, device_key, Window { from, to: Instant::MAX }, most)?;
    let mut counted = Counted::default().and(waiting);
    for (patient_key, span) in about_to_leave(view, device_key, from)? {
        let left = leaving(view, Wearer { device_key, patient_key }, span)?;
        counted = Counted { more: counted.more || left.more, ..counted.and(left.readings) };
    }
    Ok(counted)
}

/// The patients from whom a device's readings of an instant are being taken.
///
/// # Errors
/// Database errors.
pub fn leaves(view: &mut View<'_>, device_key: i64, at: Instant) -> Result<Vec<i64>> {
    let open = taken_from(view, device_key)?.into_iter().filter(|open| open.from <= at && at < open.to);
    Ok(open.map(|open| open.patient_key).collect())
}

/// The spans from `from` on that are being taken, and from whom: each once, however many moves take it.
fn about_to_leave(view: &mut View<'_>, device_key: i64, from: Instant) -> Result<Vec<(i64, Window)>> {
    let open = taken_from(view, device_key)?.into_iter();
    let span = |open: Move| Window { from: open.from.max(from), to: open.to };
    let mut spans: Vec<(i64, Window)> = open.map(|open| (open.patient_key, span(open))).collect();
    spans.retain(|(_, span)| span.from < span.to);
    spans.sort_unstable();
    let mut out: Vec<(i64, Window)> = Vec::new();
    for (whose, span) in spans {
        match out.last_mut() {
            Some((same, last)) if *same == whose && span.from <= last.to => last.to = span.to.max(last.to),
            _ => out.push((whose, span)),
        }
    }
    Ok(out)
}
