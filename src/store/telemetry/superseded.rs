//! The values that were in force at a patient before another took their place, or nothing did. They go where their reading
//! goes: what turned out to be another wearer's is in no list of the first.

use std::time::Duration;

use consent::{AlertEvaluate, Permit};
use diesel::prelude::*;

use super::amendments::{By, COLUMNS, Generation, Raw, opened};
use super::chunk_rows::Series;
use super::row::StoredReading;
use super::series::{first_committed, reached};
use super::span::Span;
use crate::domain::{Instant, Signal};
use crate::store::View;
use crate::store::error::Result;
use crate::store::schema::amendments::dsl;
use crate::store::schema::bindings;

/// The most amendments that one look goes over.
const SHOWN: usize = 1_000;

/// A value that is no longer in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// The value as it was.
    pub stored: StoredReading,
    /// When it ceased to be in force.
    pub at: Instant,
    /// Who put another in its place.
    pub by: By,
    /// Nothing took its place.
    pub withdrawn: bool,
}

/// The values of `[from, to)` that are no longer in force, ascending by instant, device and generation; at most
/// 1,000. Nothing that was measured before the permit reaches, and nothing that is another wearer's.
///
/// # Errors
/// The patient's key was destroyed; database errors.
pub fn superseded(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    signal: Signal,
    (from, to): (Instant, Instant),
) -> Result<Vec<Superseded>> {
    let series = Series::new(patient_key, signal);
    let span = Span { from: reached(permit, from).micros(), to: to.micros() };
    let mut out = Vec::new();
    let mut before: Option<(Instant, i64, Option<StoredReading>)> = None;
    for raw in worn(view, series, span)? {
        let generation = opened(view, series, raw)?;
        let Generation { at, device_key, received, .. } = generation;
        let replaced = match before.take() {
            Some((same, device, stored)) if (same, device) == (at, device_key) => stored,
            _ => first_committed(view, series, at, at.plus(Duration::from_micros(1)))?
                .into_iter()
                .find(|stored| stored.device_key == device_key),
        };
        // Another's for a while: it comes back as it was.
        if generation.is_anothers() {
            before = Some((at, device_key, replaced));
            continue;
        }
        let now = generation.reading;
        let differs = |old: &StoredReading| now.is_none_or(|now| !now.says_the_same(&old.reading));
        if let Some(stored) = replaced.filter(differs) {
            let withdrawn = now.is_none();
            out.push(Superseded { stored, at: generation.amended_at, by: generation.by, withdrawn });
        }
        before = Some((at, device_key, now.map(|reading| StoredReading { reading, device_key, received })));
    }
    Ok(out)
}

/// The amendments of what was measured while its device was the patient's, as the bindings say it today.
fn worn(view: &mut View<'_>, series: Series, span: Span) -> Result<Vec<Raw>> {
    let spans: Vec<(i64, i64, Option<i64>)> = bindings::table
        .filter(bindings::patient_key.eq(series.patient_key))
        .select((bindings::device_key, bindings::from_at, bindings::to_at))
        .load(view.conn)?;
    let mut out: Vec<Raw> = Vec::new();
    for (device_key, from, to) in spans {
        let (from, to) = (from.max(span.from), to.unwrap_or(i64::MAX).min(span.to));
        if from >= to {
            continue;
        }
        let found: Vec<Raw> = dsl::amendments
            .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
            .filter(dsl::at.ge(from).and(dsl::at.lt(to)).and(dsl::device_key.eq(device_key)))
            .order((dsl::at, dsl::device_key, dsl::generation))
            .limit(i64::try_from(SHOWN).unwrap_or(0))
            .select(COLUMNS)
            .load(view.conn)?;
        out.extend(found);
    }
    out.sort_by_key(|raw| (raw.0, raw.1, raw.2));
    out.truncate(SHOWN);
    Ok(out)
}
