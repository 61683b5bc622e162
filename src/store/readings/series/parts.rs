//! Reads long spans in parts of bounded size: a part ends with a chunk, or where it would have too many rows of the
//! journal or amendments. Readings that left the patient or were withdrawn are skipped.

use std::time::Duration;

use consent::{AlertEvaluate, Permit};
use diesel::dsl::min;
use diesel::prelude::*;

use super::stretches::Stretch;
use super::{range, reached};
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::schema::readings;
use crate::readings::amendments::in_force::{edge, first_standing};
use crate::readings::chunks::rows::{self, Series};
use crate::readings::chunks::span::Span;
use crate::readings::journal::measured::signals_of;
use crate::{Conn, View};
use domain::time::civil::Window;
use domain::{Instant, Signal};

/// Rows of the journal, and amendments, in one part: about 3 MiB. Few in tests, so that their looks have several parts.
pub(in crate::readings) const AT_ONCE: i64 = if cfg!(test) { 64 } else { 8_192 };

/// The next readings of a patient in a window: some of what lies there, no longer than a stretch and of one chunk a
/// signal at most. `None`: there is nothing more. Nothing that was measured before the permit reaches.
///
/// # Errors
/// The patient's key was destroyed; database errors.
pub fn next_part(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    signals: &[Signal],
    within: Window,
    stretch: Duration,
) -> Result<Option<Stretch>> {
    let measured = signals_of(view, patient_key)?.into_iter().filter(|signal| signals.contains(signal));
    let wanted: Vec<Series> = measured.map(|signal| Series::new(patient_key, signal)).collect();
    let begin = next(view.conn, &wanted, reached(permit, within.from).micros())?;
    let Some(begin) = begin.filter(|begin| *begin < within.to.micros()) else { return Ok(None) };
    let mut until = Instant::from_micros(begin).plus(stretch).min(within.to).micros();
    for series in &wanted {
        until = ends(view.conn, *series, Span { from: begin, to: until }, 1)?;
    }
    let (begin, until) = (Instant::from_micros(begin), Instant::from_micros(until));
    let mut readings = Vec::new();
    for series in wanted {
        readings.extend(range(view, series, begin, until)?);
    }
    Ok(Some(Stretch { readings, until }))
}

/// From where on a look at some series goes on: nothing of theirs is in force between `from` and there. `None`: nothing
/// comes after. Costs the same however long nothing was measured, and however much left the patient.
pub(in crate::readings) fn next(conn: &mut Conn, of: &[Series], from: i64) -> QueryResult<Option<i64>> {
    // Journal rows of others count too: what lies under the time is found by its key alone.
    let mut next: Option<i64> =
        readings::table.filter(readings::at.ge(from)).select(min(readings::at)).first(conn)?;
    for series in of {
        let chunk = rows::first_bare(conn, *series, from)?;
        let standing = first_standing(conn, *series, Span { from, to: i64::MAX })?;
        next = [next, chunk, standing].into_iter().flatten().min();
    }
    Ok(next)
}

/// Where the part of a span ends that is read at once, with so many chunks. An instant is read whole.
pub(in crate::readings) fn ends(
    conn: &mut Conn,
    series: Series,
    span: Span,
    chunks: i64,
) -> QueryResult<i64> {
    let chunk = rows::bare_end(conn, series, span.from, chunks)?;
    let to = chunk.unwrap_or(span.to).min(span.to);
    let to = edge(conn, series, Span { to, ..span }, AT_ONCE)?.unwrap_or(to);
    let of_series =
        readings::patient_key.eq(series.patient_key).and(readings::signal.eq(series.signal.code()));
    let query = readings::table
        .filter(readings::at.ge(span.from).and(readings::at.lt(to)))
        .filter(of_series)
        .order(readings::at)
        .offset(AT_ONCE)
        .limit(1)
        .select(readings::at);
    let journal: Option<i64> = on!(conn, |c| query.first(c).optional())?;
    Ok(journal.unwrap_or(to).max(span.from.saturating_add(1)))
}
