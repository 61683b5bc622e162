//! Checks the columns in clear that hide values from every look against the sealed values: whoever can write to the
//! database could hide a value by them.

use diesel::prelude::*;

use super::in_force::{amended, edge, hides};
use super::signal_of;
use crate::View;
use crate::db::conn::literally;
use crate::db::error::{Error, Result};
use crate::db::schema::{amendments, chunks};
use crate::readings::chunks::rows::{Series, open};
use crate::readings::chunks::span::Span;
use crate::readings::series::parts::AT_ONCE;
use domain::Signal;

/// Said by the source or released at the patient, and not marked. What only changed hands went through an item that is
/// nobody's.
const UNMARKED: &str = "(NOT amendments.supersedes AND (amendments.item IS NULL OR amendments.item IN \
    (SELECT quarantine.id FROM quarantine WHERE quarantine.patient_key IS NOT NULL)))";

/// Chunks that are listed at once.
const LISTED: i64 = 512;

/// The first patient of whom a value is in force that no look would show. What cannot be opened any more hides nothing.
///
/// # Errors
/// Database errors.
pub(crate) fn hidden(view: &mut View<'_>) -> Result<Option<i64>> {
    let all: Vec<(i64, i16)> =
        amendments::table.select((amendments::patient_key, amendments::signal)).distinct().load(view.conn)?;
    for (patient_key, signal) in all {
        let signal = signal_of(patient_key, signal)?;
        if of_series(view, Series::new(patient_key, signal))? {
            return Ok(Some(patient_key));
        }
    }
    of_chunks(view)
}

/// The first patient of whom a value was put right without a mark that says so: no list would show what stood before.
///
/// # Errors
/// Database errors.
pub(crate) fn unmarked(view: &mut View<'_>) -> Result<Option<i64>> {
    let whose = amendments::table.filter(literally(UNMARKED)).select(amendments::patient_key);
    Ok(whose.first(view.conn).optional()?)
}

fn of_series(view: &mut View<'_>, series: Series) -> Result<bool> {
    let mut from = i64::MIN;
    while from < i64::MAX {
        let edge = edge(view.conn, series, Span { from, to: i64::MAX }, AT_ONCE)?;
        let to = edge.map_or(i64::MAX, |edge| edge.max(from.saturating_add(1)));
        match hides(view, series, Span { from, to }) {
            Ok(false) | Err(Error::Sealed(..)) => {}
            found => return found,
        }
        from = to;
    }
    Ok(false)
}

fn of_chunks(view: &mut View<'_>) -> Result<Option<i64>> {
    type Row = (i64, i64, i16, i64, i64, Vec<u8>);
    let mut after = 0;
    loop {
        let rows: Vec<Row> = chunks::table
            .filter(chunks::overlaid.and(chunks::id.gt(after)))
            .order(chunks::id)
            .limit(LISTED)
            .select((
                chunks::id,
                chunks::patient_key,
                chunks::signal,
                chunks::span_from,
                chunks::span_to,
                chunks::sealed,
            ))
            .load(view.conn)?;
        let Some(last) = rows.last() else { return Ok(None) };
        after = last.0;
        for (id, patient_key, signal, from, to, sealed) in rows {
            let signal = Signal::from_code(signal).ok_or(Error::corrupt("chunks.signal").in_row(id))?;
            let (series, span) = (Series::new(patient_key, signal), Span { from, to });
            let readings = match open(view, series, span, &sealed) {
                Ok(readings) => readings,
                Err(Error::Sealed(..)) => continue,
                Err(error) => return Err(error),
            };
            let said = amended(view.conn, series, span)?;
            if readings.iter().any(|one| !said.contains(&(one.reading.at.micros(), one.device_key))) {
                return Ok(Some(patient_key));
            }
        }
    }
}
