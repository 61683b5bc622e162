//! Reading back: journal and chunks as one series. The journal is always read first: a row that a roll moves
//! meanwhile is then seen in one of the two, and what is seen in both is one by its identity (the chunk's).

use std::collections::HashMap;

use consent::{AlertEvaluate, Permit};
use diesel::dsl::{max, min};
use diesel::prelude::*;

use super::amendments::{in_force, lay_over};
use super::chunk_rows::{self, Series, open, sealed_between};
use super::measured::ends;
use super::preference::{preference, rank};
use super::roll::patient_of;
use super::row::{COLUMNS, Row, StoredReading};
use super::span::Span;
use crate::domain::{Instant, Signal};
use crate::store::conn::on;
use crate::store::error::Result;
use crate::store::schema::{amendments, chunks, readings};
use crate::store::{Class, Conn, Subject, View};

/// The end of the journal that is looked at first (microseconds).
const LAST: i64 = 60_000_000;

/// The readings of a series in `[from, to)`, ascending by instant and device. Nothing that was measured before
/// the permit reaches.
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
pub(in crate::store) fn reached(permit: &Permit<AlertEvaluate>, from: Instant) -> Instant {
    from.max(Instant::from_micros(permit.measured_from()))
}

/// From where on a walk over a patient's readings goes on: no reading of theirs lies between `from` and there. `None`:
/// none comes after. Costs the same however long nothing was measured.
///
/// # Errors
/// Database errors.
pub fn next_measured(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    from: Instant,
) -> Result<Option<Instant>> {
    let from = reached(permit, from).micros();
    // Journal rows of others count too: what lies under the time is found by its key alone.
    let journal: Option<i64> =
        readings::table.filter(readings::at.ge(from)).select(min(readings::at)).first(view.conn)?;
    let chunk: Option<i64> = chunks::table
        .filter(chunks::patient_key.eq(patient_key).and(chunks::last_at.ge(from)))
        .select(min(chunks::first_at))
        .first(view.conn)?;
    let amended: Option<i64> = amendments::table
        .filter(amendments::patient_key.eq(patient_key).and(amendments::at.ge(from)))
        .select(min(amendments::at))
        .first(view.conn)?;
    let next = [journal, chunk.map(|at| at.max(from)), amended].into_iter().flatten().min();
    Ok(next.map(Instant::from_micros))
}

/// As [`series`], for the store's own work: no permit.
pub(in crate::store) fn range(
    view: &mut View<'_>,
    series: Series,
    from: Instant,
    to: Instant,
) -> Result<Vec<StoredReading>> {
    let rows = journal(view.conn, series, from, to)?;
    joined(view, series, &rows, from, to)
}

pub(in crate::store) fn journal(
    conn: &mut Conn,
    series: Series,
    from: Instant,
    to: Instant,
) -> QueryResult<Vec<Row>> {
    let query = readings::table
        .filter(readings::at.ge(from.micros()).and(readings::at.lt(to.micros())))
        .filter(readings::patient_key.eq(series.patient_key).and(readings::signal.eq(series.signal.code())))
        .order((readings::at, readings::device_key))
        .select(COLUMNS);
    on!(conn, |c| query.load(c))
}

/// Rows of the journal in the clear.
pub(in crate::store) fn opened(
    view: &mut View<'_>,
    series: Series,
    rows: &[Row],
) -> Result<Vec<StoredReading>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let patient = patient_of(view, series.patient_key)?;
    let key = view.key(Subject::Patient(patient), Class::Telemetry)?;
    rows.iter().map(|row| row.open(&key)).collect()
}

/// The series of a span as it is in force: journal and chunks, and amendments laid over them.
pub(super) fn joined(
    view: &mut View<'_>,
    series: Series,
    rows: &[Row],
    from: Instant,
    to: Instant,
) -> Result<Vec<StoredReading>> {
    let mut out = committed(view, series, rows, from, to)?;
    lay_over(&mut out, in_force(view, series, Span { from: from.micros(), to: to.micros() })?);
    Ok(out)
}

/// The values of a span that were committed first, whatever was found wrong with them.
pub(in crate::store) fn first_committed(
    view: &mut View<'_>,
    series: Series,
    from: Instant,
    to: Instant,
) -> Result<Vec<StoredReading>> {
    let rows = journal(view.conn, series, from, to)?;
    committed(view, series, &rows, from, to)
}

fn committed(
    view: &mut View<'_>,
    series: Series,
    rows: &[Row],
    from: Instant,
    to: Instant,
) -> Result<Vec<StoredReading>> {
    let mut out = Vec::new();
    let span = Span { from: from.micros(), to: to.micros() };
    for (chunk, sealed) in sealed_between(view.conn, series, span)? {
        let readings = open(view, series, chunk, &sealed)?;
        out.extend(readings.into_iter().filter(|r| span.holds(r.reading.at.micros())));
    }
    out.extend(opened(view, series, rows)?);
    let key = |r: &StoredReading| (r.reading.at, r.device_key);
    if !out.is_sorted_by(|a, b| key(a) < key(b)) {
        // Stable, and chunks come first: of two with one identity the chunk's stays.
        out.sort_by_key(key);
        out.dedup_by_key(|r| key(r));
    }
    Ok(out)
}

/// The newest reading of each signal up to the permit's moment, in the order asked; a signal never measured is absent.
/// What lies ahead is not the latest before its time has come. Of two devices at one instant the preferred one speaks.
///
/// # Errors
/// As [`series`].
pub fn latest(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    signals: &[Signal],
) -> Result<Vec<StoredReading>> {
    let rows = newest_rows(view, patient_key, signals)?;
    let ranks = preference(view, patient_key)?;
    let ahead = Instant::from_micros(permit.decided_at().saturating_add(1));
    let mut out = Vec::new();
    for signal in signals {
        let series = Series::new(patient_key, *signal);
        let row = rows.get(&signal.code()).copied();
        let chunk = chunk_rows::before(view.conn, series, i64::MAX)?;
        let mut readings = match (row, chunk) {
            (Some(at), chunk) if chunk.is_none_or(|chunk| at > chunk.last_at) => {
                let from = Instant::from_micros(at);
                let rows = journal(view.conn, series, from, Instant::MAX)?;
                // A roll may have taken it since: then it is in a chunk.
                if rows.is_empty() {
                    first_committed(view, series, from, Instant::MAX)?
                } else {
                    opened(view, series, &rows)?
                }
            }
            (_, Some(chunk)) => chunk_rows::open_by_id(view, series, &chunk)?,
            (_, None) => Vec::new(),
        };
        let from = readings.first().map_or(i64::MIN, |first| first.reading.at.micros());
        readings = end_in_force(view, series, readings)?;
        if readings.is_empty() && from > i64::MIN {
            readings = last_before(view, series, from)?;
        }
        if readings.last().is_some_and(|last| last.reading.at >= ahead) {
            readings = last_before(view, series, ahead.micros())?;
        }
        let end = readings.last().map(|r| r.reading.at);
        let newest = readings.into_iter().rev().take_while(|r| Some(r.reading.at) == end);
        let newest = newest.min_by_key(|r| rank(&ranks, r.device_key));
        out.extend(newest.filter(|r| permit.covers(r.reading.at.micros()).is_ok()));
    }
    Ok(out)
}

/// Amendments that are opened first for the end of a series.
const OPENED: i64 = 256;

/// The end of a series as it is in force, of what was committed from some instant on. Amendments are opened from the end
/// on, until something stands: who was given a long history has as many as readings.
fn end_in_force(
    view: &mut View<'_>,
    series: Series,
    committed: Vec<StoredReading>,
) -> Result<Vec<StoredReading>> {
    let from = committed.first().map_or(i64::MIN, |first| first.reading.at.micros());
    let mut most = OPENED;
    loop {
        let since = amended_since(view.conn, series, from, most)?;
        let span = Span { from: since.unwrap_or(from), to: i64::MAX };
        let here = committed.iter().filter(|known| span.holds(known.reading.at.micros()));
        let mut end: Vec<StoredReading> = here.copied().collect();
        lay_over(&mut end, in_force(view, series, span)?);
        if !end.is_empty() || since.is_none() {
            return Ok(end);
        }
        most = most.saturating_mul(8);
    }
}

/// The instant of the so manieth last amendment from `from` on; `None`: there are fewer.
fn amended_since(conn: &mut Conn, series: Series, from: i64, most: i64) -> QueryResult<Option<i64>> {
    let of_series =
        amendments::patient_key.eq(series.patient_key).and(amendments::signal.eq(series.signal.code()));
    let query = amendments::table
        .filter(of_series.and(amendments::at.ge(from)))
        .order(amendments::at.desc())
        .offset(most.saturating_sub(1))
        .limit(1)
        .select(amendments::at);
    on!(conn, |c| query.first(c).optional())
}

/// When a series was last measured.
///
/// # Errors
/// Database errors.
pub(in crate::store) fn newest_at(
    view: &mut View<'_>,
    patient_key: i64,
    signal: Signal,
) -> Result<Option<Instant>> {
    let journal = newest_rows(view, patient_key, &[signal])?.get(&signal.code()).copied();
    let chunk = chunk_rows::before(view.conn, Series::new(patient_key, signal), i64::MAX)?;
    Ok(journal.max(chunk.map(|chunk| chunk.last_at)).map(Instant::from_micros))
}

/// The end of a series before an instant, where all that came after was withdrawn or lies ahead.
fn last_before(view: &mut View<'_>, series: Series, to: i64) -> Result<Vec<StoredReading>> {
    let to = Instant::from_micros(to);
    for back in [LAST, 60 * LAST, 24 * 60 * LAST, 30 * 24 * 60 * LAST, i64::MAX] {
        let from = Instant::from_micros(to.micros().saturating_sub(back));
        let found = range(view, series, from, to)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The newest instant in the journal of each signal. The journal is keyed by time: a short look at its end finds what
/// a worn device sends, and of the rest it is known about where each ends. Never is all of it read.
fn newest_rows(view: &mut View<'_>, patient_key: i64, signals: &[Signal]) -> Result<HashMap<i16, i64>> {
    let Some(end) = readings::table.select(max(readings::at)).first::<Option<i64>>(view.conn)? else {
        return Ok(HashMap::new());
    };
    let codes: Vec<i16> = signals.iter().map(|signal| signal.code()).collect();
    let newest = |conn: &mut Conn, from: i64, to: i64, codes: &[i16]| -> Result<Vec<(i16, Option<i64>)>> {
        Ok(readings::table
            .filter(readings::at.ge(from).and(readings::at.le(to)))
            .filter(readings::patient_key.eq(patient_key).and(readings::signal.eq_any(codes)))
            .group_by(readings::signal)
            .select((readings::signal, max(readings::at)))
            .load(conn)?)
    };
    let recent = newest(view.conn, end.saturating_sub(LAST), end, &codes)?;
    let mut found: HashMap<i16, i64> =
        recent.into_iter().filter_map(|(signal, at)| Some((signal, at?))).collect();
    if found.len() < codes.len() {
        let ends = ends(view, patient_key)?;
        for code in codes.iter().filter(|code| !found.contains_key(code)).copied().collect::<Vec<i16>>() {
            let Some((from, to)) = ends.get(&code) else { continue };
            let rows = newest(view.conn, *from, *to, &[code])?;
            found.extend(rows.into_iter().filter_map(|(signal, at)| Some((signal, at?))));
        }
    }
    Ok(found)
}
