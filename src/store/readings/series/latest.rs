//! The end of a series as it is in force. Indexes skip readings that left the patient or were withdrawn, so a look
//! costs the same however many of them lie at the end.

use std::collections::{BTreeSet, HashMap};

use consent::{AlertEvaluate, Permit};
use diesel::dsl::max;
use diesel::prelude::*;

use super::{first_committed, journal, opened, range};
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::schema::readings;
use crate::readings::amendments::in_force::{amended, edge_from_the_end, in_force, last_standing, lay_over};
use crate::readings::chunks::rows::{self, Outline, Series};
use crate::readings::chunks::span::Span;
use crate::readings::journal::measured::ends;
use crate::readings::journal::row::StoredReading;
use crate::readings::preference::{preference, rank};
use crate::{Conn, View};
use domain::{Instant, Signal};

/// The end of the journal that is looked at first (microseconds).
const LAST: i64 = 60_000_000;
/// Amendments that are opened for the end of a series, before it is sought by index.
const OPENED: i64 = 256;
/// Rows of the journal that are looked at together on the way back.
const ROWS: i64 = 256;

/// The newest reading of each signal up to the permit's moment, in the order asked; a signal never measured is absent.
/// What lies ahead is not the latest before its time has come. Of two devices at one instant the preferred one speaks.
///
/// # Errors
/// The patient's key was destroyed; database errors.
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
        let chunk = rows::bare_before(view.conn, series, i64::MAX)?;
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
            (_, Some(chunk)) => rows::open_by_id(view, series, &chunk)?,
            (_, None) => Vec::new(),
        };
        readings = end_in_force(view, series, readings)?;
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

/// The end of a series as it is in force, of what was committed last.
fn end_in_force(
    view: &mut View<'_>,
    series: Series,
    committed: Vec<StoredReading>,
) -> Result<Vec<StoredReading>> {
    let last = |readings: &[StoredReading]| readings.last().map(|stored| stored.reading.at);
    let (from, newest) = (committed.first().map(|first| first.reading.at.micros()), last(&committed));
    let edge = edge_from_the_end(view.conn, series, from.unwrap_or(i64::MIN), OPENED)?;
    let span = Span { from: edge.or(from).unwrap_or(i64::MIN), to: i64::MAX };
    let mut end = committed;
    end.retain(|known| span.holds(known.reading.at.micros()));
    lay_over(&mut end, in_force(view, series, span)?);
    let nothing_before = span.from == i64::MIN;
    if last(&end) >= newest && (!end.is_empty() || nothing_before) {
        return Ok(end);
    }
    // The end is not in force: the journal may hold what came late between there and what is.
    last_before(view, series, i64::MAX)
}

/// What is in force last before an instant, where all that came after was withdrawn, is another's or lies ahead.
fn last_before(view: &mut View<'_>, series: Series, to: i64) -> Result<Vec<StoredReading>> {
    let mut last = last_standing(view, series, Span { from: i64::MIN, to })?;
    last = last.max(last_of_chunks(view, series, last, to)?);
    last = last.max(last_of_journal(view.conn, series, last, to)?);
    // What a roll moved meanwhile is in a chunk by now.
    last = last.max(last_of_chunks(view, series, last, to)?);
    let Some(at) = last else { return Ok(Vec::new()) };
    range(view, series, Instant::from_micros(at), Instant::from_micros(at.saturating_add(1)))
}

/// The last instant after `known` at which something in a chunk is in force.
fn last_of_chunks(view: &mut View<'_>, series: Series, known: Option<i64>, to: i64) -> Result<Option<i64>> {
    let mut to = to;
    while let Some(chunk) = rows::bare_before(view.conn, series, to.saturating_sub(1))? {
        if Some(chunk.last_at) <= known {
            return Ok(None);
        }
        if let Some(at) = last_of_chunk(view, series, &chunk, to)? {
            return Ok(Some(at));
        }
        to = chunk.from;
    }
    Ok(None)
}

fn last_of_chunk(view: &mut View<'_>, series: Series, chunk: &Outline, to: i64) -> Result<Option<i64>> {
    let mut readings = rows::open_by_id(view, series, chunk)?;
    readings.retain(|stored| stored.reading.at.micros() < to);
    let Some(first) = readings.first() else { return Ok(None) };
    let span = Span { from: first.reading.at.micros(), to: chunk.to.min(to) };
    let amended = amended(view.conn, series, span)?;
    Ok(readings.iter().rev().map(identity).find(|one| !amended.contains(one)).map(|(at, _)| at))
}

fn identity(stored: &StoredReading) -> (i64, i64) {
    (stored.reading.at.micros(), stored.device_key)
}

/// The last instant after `known` at which a row of the journal is in force as it was committed.
fn last_of_journal(conn: &mut Conn, series: Series, known: Option<i64>, to: i64) -> QueryResult<Option<i64>> {
    let from = known.map_or(i64::MIN, |known| known.saturating_add(1));
    let mut to = to;
    loop {
        let query = readings::table
            .filter(readings::at.ge(from).and(readings::at.lt(to)))
            .filter(
                readings::patient_key.eq(series.patient_key).and(readings::signal.eq(series.signal.code())),
            )
            .order(readings::at.desc())
            .limit(ROWS)
            .select((readings::at, readings::device_key));
        let rows: Vec<(i64, i64)> = on!(&mut *conn, |c| query.load(c))?;
        let (Some((newest, _)), Some((oldest, _))) = (rows.first(), rows.last()) else { return Ok(None) };
        let span = Span { from: *oldest, to: newest.saturating_add(1) };
        let amended: BTreeSet<(i64, i64)> = amended(conn, series, span)?;
        if let Some((at, _)) = rows.iter().find(|row| !amended.contains(*row)) {
            return Ok(Some(*at));
        }
        if i64::try_from(rows.len()).is_ok_and(|read| read < ROWS) {
            return Ok(None);
        }
        // Devices that measured at the oldest instant, too, were looked at or come once more.
        to = if oldest < newest { oldest.saturating_add(1) } else { *oldest };
    }
}

/// When a series was last measured.
///
/// # Errors
/// Database errors.
pub(crate) fn newest_at(view: &mut View<'_>, patient_key: i64, signal: Signal) -> Result<Option<Instant>> {
    let journal = newest_rows(view, patient_key, &[signal])?.get(&signal.code()).copied();
    let chunk = rows::before(view.conn, Series::new(patient_key, signal), i64::MAX)?;
    Ok(journal.max(chunk.map(|chunk| chunk.last_at)).map(Instant::from_micros))
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
