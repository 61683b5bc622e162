//! Superseded values: those that were in force for a patient until another value, or none, took their place. They move
//! with their reading: a value that turned out to be another wearer's is in no list of the first.

use std::time::Duration;

use consent::{AlertEvaluate, Permit};
use diesel::prelude::*;

use super::{By, COLUMNS, Generation, Raw, opened};
use crate::View;
use crate::db::conn::literally;
use crate::db::error::Result;
use crate::db::schema::amendments::dsl;
use crate::db::schema::bindings;
use crate::readings::chunks::rows::Series;
use crate::readings::chunks::span::Span;
use crate::readings::journal::row::StoredReading;
use crate::readings::series::{first_committed, reached};
use domain::time::civil::Window;
use domain::{Instant, Signal};

/// The most amendments that one look goes over. Few in tests, so that their looks have several pages.
const LOOKED: usize = if cfg!(test) { 64 } else { 512 };

/// By what a value ceased to be in force, as its index holds it.
const SUPERSEDES: &str = "(amendments.supersedes AND amendments.supersedes = TRUE)";

/// A value that is no longer in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// The value as it was.
    pub stored: StoredReading,
    /// When it ceased to be in force.
    pub at: Instant,
    /// Who replaced it.
    pub by: By,
    /// Nothing took its place.
    pub withdrawn: bool,
}

/// A place in the list: signal, instant, device and generation, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The signal's code.
    pub signal: i16,
    /// Microseconds.
    pub at: i64,
    /// `devices.key`.
    pub device_key: i64,
    /// The generation that took its place.
    pub generation: i64,
}

/// Some of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// The values, in the order of their places.
    pub values: Vec<Superseded>,
    /// After which place the list goes on: there may be more.
    pub next: Option<Place>,
}

/// The values of these signals and of a window that are no longer in force, in the order of their places from
/// `after` on: at most `limit`, of what some hundred amendments say. Nothing that was measured before the permit
/// reaches, and nothing that is another wearer's.
///
/// # Errors
/// The patient's key was destroyed; database errors.
pub fn superseded(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    signals: &[Signal],
    within: Window,
    after: Option<Place>,
    limit: usize,
) -> Result<Listed> {
    let span = Span { from: reached(permit, within.from).micros(), to: within.to.micros() };
    let worn = worn(view, patient_key)?;
    let mut signals: Vec<Signal> = signals.to_vec();
    signals.sort_unstable_by_key(|signal| signal.code());
    let (mut listed, mut looked) = (Listed::default(), 0);
    let mut last = after;
    for signal in signals {
        let series = Series::new(patient_key, signal);
        if after.is_some_and(|after| signal.code() < after.signal) {
            continue;
        }
        let after = after.filter(|after| after.signal == signal.code());
        for mark in marks(view, series, span, after, LOOKED - looked + 1)? {
            if looked == LOOKED || listed.values.len() >= limit {
                listed.next = last;
                return Ok(listed);
            }
            looked += 1;
            last = Some(mark);
            if worn.iter().any(|worn| worn.covers(&mark)) {
                listed.values.extend(before(view, series, &mark)?);
            }
        }
    }
    Ok(listed)
}

/// When a device was the patient's, as the bindings say it today.
struct Worn {
    device_key: i64,
    from: i64,
    to: Option<i64>,
}

impl Worn {
    fn covers(&self, mark: &Place) -> bool {
        self.device_key == mark.device_key && self.from <= mark.at && self.to.is_none_or(|to| mark.at < to)
    }
}

fn worn(view: &mut View<'_>, patient_key: i64) -> Result<Vec<Worn>> {
    let spans: Vec<(i64, i64, Option<i64>)> = bindings::table
        .filter(bindings::patient_key.eq(patient_key))
        .select((bindings::device_key, bindings::from_at, bindings::to_at))
        .load(view.conn)?;
    Ok(spans.into_iter().map(|(device_key, from, to)| Worn { device_key, from, to }).collect())
}

/// Where a value of a series ceased to be in force; the first of a span after a place.
fn marks(
    view: &mut View<'_>,
    series: Series,
    span: Span,
    after: Option<Place>,
    most: usize,
) -> Result<Vec<Place>> {
    let signal = series.signal.code();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let marked = || {
        dsl::amendments
            .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(signal)))
            .filter(literally(SUPERSEDES))
            .order((dsl::at, dsl::device_key, dsl::generation))
            .limit(most)
            .select((dsl::at, dsl::device_key, dsl::generation))
    };
    let (mut found, mut from) = (Vec::<(i64, i64, i64)>::new(), span.from);
    if let Some(after) = after.filter(|after| span.holds(after.at)) {
        // The rest of its instant.
        let same = dsl::device_key.eq(after.device_key).and(dsl::generation.gt(after.generation));
        let rest = dsl::device_key.gt(after.device_key).or(same);
        found = marked().filter(dsl::at.eq(after.at).and(rest)).load(view.conn)?;
        from = from.max(after.at.saturating_add(1));
    }
    let later = marked().filter(dsl::at.ge(from).and(dsl::at.lt(span.to)));
    found.extend(later.load::<(i64, i64, i64)>(view.conn)?);
    found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let place = |(at, device_key, generation)| Place { signal, at, device_key, generation };
    Ok(found.into_iter().map(place).collect())
}

/// The value that ceased to be in force there, if another was: it went or another stands.
fn before(view: &mut View<'_>, series: Series, mark: &Place) -> Result<Option<Superseded>> {
    let generations: Vec<Raw> = dsl::amendments
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(mark.signal)))
        .filter(dsl::at.eq(mark.at).and(dsl::device_key.eq(mark.device_key)))
        .filter(dsl::generation.le(mark.generation))
        .order(dsl::generation)
        .select(COLUMNS)
        .load(view.conn)?;
    let instant = Instant::from_micros(mark.at);
    let committed = first_committed(view, series, instant, instant.plus(Duration::from_micros(1)))?;
    let mut was = committed.into_iter().find(|stored| stored.device_key == mark.device_key);
    for raw in generations {
        let number = raw.2;
        let generation = opened(view, series, raw)?;
        // Another's for a while: it comes back as it was.
        if generation.is_anothers() {
            continue;
        }
        let Generation { device_key, received, amended_at: at, by, reading: now, .. } = generation;
        let now = now.map(|reading| StoredReading { reading, device_key, received });
        if number == mark.generation {
            let differs =
                |was: &StoredReading| now.is_none_or(|now| !now.reading.says_the_same(&was.reading));
            let withdrawn = now.is_none();
            return Ok(was.filter(differs).map(|stored| Superseded { stored, at, by, withdrawn }));
        }
        was = now;
    }
    Ok(None)
}
