//! Reading many series from end to end in bounded memory: one pass over the journal for all of them, as far as a
//! bounded number of its rows reaches, and each series in stretches of about one chunk.

use std::collections::{BTreeSet, HashMap};

use consent::{AlertEvaluate, Permit};
use diesel::prelude::*;

use super::{joined, reached};
use crate::View;
use crate::db::error::Result;
use crate::db::schema::readings;
use crate::readings::amendments::in_force::edge;
use crate::readings::chunks::rows::{self, Series};
use crate::readings::chunks::span::Span;
use crate::readings::journal::row::{COLUMNS, Row, StoredReading};
use crate::readings::series::parts::AT_ONCE;
use domain::{Instant, Signal};

/// Rows of the journal in memory at once, about 100 bytes each.
const ROWS: i64 = 65_536;

/// A series to read, and from when.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// `patients.key`.
    pub patient_key: i64,
    /// Which signal.
    pub signal: Signal,
    /// From when, inclusive.
    pub from: Instant,
}

/// What the journal holds of some series, sealed, up to an instant.
pub struct Journal {
    rows: HashMap<(i64, Signal), Vec<Row>>,
    until: Instant,
}

impl Journal {
    /// How far it reaches (exclusive): to what was asked, unless its rows would be too many.
    #[must_use]
    pub const fn until(&self) -> Instant {
        self.until
    }

    fn of(&self, series: Series, from: Instant, to: Instant) -> &[Row] {
        let rows = self.rows.get(&(series.patient_key, series.signal)).map_or(&[][..], Vec::as_slice);
        let place = |at: Instant| rows.partition_point(|row| row.at < at.micros());
        rows.get(place(from)..place(to)).unwrap_or(&[])
    }
}

/// One stretch of a series, or of some, one after the other: each ascending by instant and device.
pub struct Stretch {
    /// The readings.
    pub readings: Vec<StoredReading>,
    /// Where it ends (exclusive), and the next begins.
    pub until: Instant,
}

/// Passes once over the journal for these series, up to `to` (exclusive) or as far as memory allows. It comes before
/// the chunks: what a roll moves meanwhile is then seen in one of the two.
///
/// # Errors
/// Database errors.
pub fn journal(view: &mut View<'_>, wants: &[Want], to: Instant) -> Result<Journal> {
    let mut journal = Journal { rows: HashMap::new(), until: to };
    let Some(earliest) = wants.iter().map(|want| want.from).min() else { return Ok(journal) };
    let wanted: HashMap<(i64, Signal), Instant> =
        wants.iter().map(|want| ((want.patient_key, want.signal), want.from)).collect();
    // What nobody asked for is passed over before it becomes a row.
    let signals: BTreeSet<i16> = wants.iter().map(|want| want.signal.code()).collect();
    let patients: BTreeSet<i64> = wants.iter().map(|want| want.patient_key).collect();
    let mut rows: Vec<Row> = readings::table
        .filter(readings::at.ge(earliest.micros()).and(readings::at.lt(to.micros())))
        .filter(readings::signal.eq_any(signals))
        .filter(readings::patient_key.eq_any(patients))
        .order((readings::at, readings::patient_key, readings::signal, readings::device_key))
        .limit(ROWS)
        .select(COLUMNS)
        .load(view.conn)?;
    if i64::try_from(rows.len()).is_ok_and(|read| read == ROWS) {
        // The last instant may go on beyond what was read.
        let last = rows.last().map_or(to.micros(), |row| row.at);
        rows.retain(|row| row.at < last);
        journal.until = Instant::from_micros(last);
    }
    for row in rows {
        let Some(signal) = Signal::from_code(row.signal) else { continue };
        let place = (row.patient_key, signal);
        if wanted.get(&place).is_some_and(|from| row.at >= from.micros()) {
            journal.rows.entry(place).or_default().push(row);
        }
    }
    Ok(journal)
}

/// The stretch of a series that begins at `from`: to the end of the next chunk, and no further than the journal was
/// read. Nothing that was measured before the permit reaches.
///
/// # Errors
/// The patient's key was destroyed; database errors.
pub fn stretch(
    view: &mut View<'_>,
    journal: &Journal,
    permit: &Permit<AlertEvaluate>,
    want: Want,
) -> Result<Stretch> {
    let series = Series::new(want.patient_key, want.signal);
    let from = reached(permit, want.from);
    let end = rows::end_after(view.conn, series, from.micros())?.map(Instant::from_micros);
    let until = end.unwrap_or(journal.until).min(journal.until);
    if from >= until {
        return Ok(Stretch { readings: Vec::new(), until });
    }
    // What was given to a patient lies in no chunk of theirs.
    let span = Span { from: from.micros(), to: until.micros() };
    let edge = edge(view.conn, series, span, AT_ONCE)?;
    let until = edge.map_or(until, |edge| Instant::from_micros(edge.max(span.from.saturating_add(1))));
    let readings = joined(view, series, journal.of(series, from, until), from, until)?;
    Ok(Stretch { readings, until })
}
