//! Reads journal and chunks back as one series. The journal is always read first: a roll writes chunks before it
//! removes rows, so a row that moves meanwhile is seen in at least one of the two. A row seen in both counts once, by
//! its identity; the chunk's stays.

pub(in crate::readings) mod buckets;
#[cfg(test)]
pub(in crate::readings) mod buckets_tests;
pub(in crate::readings) mod history;
pub(in crate::readings) mod latest;
pub(in crate::readings) mod parts;
#[cfg(test)]
pub(in crate::readings) mod parts_tests;
pub(in crate::readings) mod stretches;
pub(crate) mod walk;

use consent::{AlertEvaluate, Permit};
use diesel::prelude::*;

use super::amendments::in_force::{first_standing, in_force, lay_over};
use super::chunks::rows::{Series, bare_between, open, sealed_between};
use super::chunks::span::Span;
use super::journal::row::{COLUMNS, Row, StoredReading};
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::schema::readings;
use crate::patients;
use crate::{Class, Conn, Subject, View};
use domain::{Instant, Signal};

/// The readings of a series in `[from, to)`, ascending by instant and device, without those measured before the instant
/// that the permit reaches back to.
///
/// # Errors
/// The patient's key was destroyed; database errors.
pub fn series(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    signal: Signal,
    from: Instant,
    to: Instant,
) -> Result<Vec<StoredReading>> {
    range(view, Series::new(patient_key, signal), reached(permit, from), to)
}

/// The later of `from` and the instant that the permit reaches back to.
pub(crate) fn reached(permit: &Permit<AlertEvaluate>, from: Instant) -> Instant {
    from.max(Instant::from_micros(permit.measured_from()))
}

/// As [`series`], for the store's own work: without a permit.
pub(crate) fn range(
    view: &mut View<'_>,
    series: Series,
    from: Instant,
    to: Instant,
) -> Result<Vec<StoredReading>> {
    let rows = journal(view.conn, series, from, to)?;
    joined(view, series, &rows, from, to)
}

pub(crate) fn journal(conn: &mut Conn, series: Series, from: Instant, to: Instant) -> QueryResult<Vec<Row>> {
    let query = readings::table
        .filter(readings::at.ge(from.micros()).and(readings::at.lt(to.micros())))
        .filter(readings::patient_key.eq(series.patient_key).and(readings::signal.eq(series.signal.code())))
        .order((readings::at, readings::device_key))
        .select(COLUMNS);
    on!(conn, |c| query.load(c))
}

/// Decrypts rows of the journal.
pub(crate) fn opened(view: &mut View<'_>, series: Series, rows: &[Row]) -> Result<Vec<StoredReading>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let patient = patients::id_of(view, series.patient_key)?;
    let key = view.key(Subject::Patient(patient), Class::Telemetry)?;
    rows.iter().map(|row| row.open(&key)).collect()
}

/// The series of a span as it is in force: journal and chunks, with amendments applied.
pub(super) fn joined(
    view: &mut View<'_>,
    series: Series,
    rows: &[Row],
    from: Instant,
    to: Instant,
) -> Result<Vec<StoredReading>> {
    let span = Span { from: from.micros(), to: to.micros() };
    // Where an amendment stands, the sealed value that was committed first is needed too: it tells whether the
    // amendment corrects anything.
    let stands = first_standing(view.conn, series, span)?.is_some();
    let chunks = if stands {
        sealed_between(view.conn, series, span)?
    } else {
        bare_between(view.conn, series, span)?
    };
    let mut out = committed(view, series, rows, span, chunks)?;
    if stands || !out.is_empty() {
        lay_over(&mut out, in_force(view, series, span)?);
    }
    Ok(out)
}

/// The values of a span as they were first committed, whatever was found wrong with them later.
pub(crate) fn first_committed(
    view: &mut View<'_>,
    series: Series,
    from: Instant,
    to: Instant,
) -> Result<Vec<StoredReading>> {
    let rows = journal(view.conn, series, from, to)?;
    let span = Span { from: from.micros(), to: to.micros() };
    let chunks = sealed_between(view.conn, series, span)?;
    committed(view, series, &rows, span, chunks)
}

/// Joins rows of the journal with the readings of chunks, each identity once.
fn committed(
    view: &mut View<'_>,
    series: Series,
    rows: &[Row],
    span: Span,
    chunks: Vec<(Span, Vec<u8>)>,
) -> Result<Vec<StoredReading>> {
    let mut out = Vec::new();
    for (chunk, sealed) in chunks {
        let readings = open(view, series, chunk, &sealed)?;
        out.extend(readings.into_iter().filter(|r| span.holds(r.reading.at.micros())));
    }
    out.extend(opened(view, series, rows)?);
    let key = |r: &StoredReading| (r.reading.at, r.device_key);
    if !out.is_sorted_by(|a, b| key(a) < key(b)) {
        // The sort is stable and chunks come first: of two readings with one identity the chunk's stays.
        out.sort_by_key(key);
        out.dedup_by_key(|r| key(r));
    }
    Ok(out)
}
