//! Series to be judged again from an instant on, because something older than their head came in.

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::conn::on;
use super::error::{Error, Result};
use super::schema::reevaluations;
use super::tx::{Tx, View};
use crate::domain::{Instant, Signal};

/// A series to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The patient's surrogate key.
    pub patient_key: i64,
    /// The signal.
    pub signal: Signal,
    /// The earliest instant that is new.
    pub from: Instant,
    /// When it was first asked for.
    pub since: Instant,
    /// Grows with each mark: a replay only clears what it has seen.
    pub version: i64,
}

/// Asks for a replay of a series from `from` on; an earlier mark stays.
///
/// # Errors
/// Database errors.
pub fn mark(tx: &mut Tx<'_>, patient_key: i64, signal: Signal, from: Instant) -> Result<()> {
    let earlier: Option<(i64, i64)> = reevaluations::table
        .find((patient_key, signal.code()))
        .select((reevaluations::from_at, reevaluations::version))
        .first(tx.conn)
        .optional()?;
    let (from_at, version) = match earlier {
        Some((at, version)) => (at.min(from.micros()), version.saturating_add(1)),
        None => (from.micros(), 1),
    };
    let row = (
        reevaluations::patient_key.eq(patient_key),
        reevaluations::signal.eq(signal.code()),
        reevaluations::from_at.eq(from_at),
        reevaluations::since.eq(tx.now().micros()),
        reevaluations::version.eq(version),
    );
    on!(&mut *tx.conn, |c| diesel::insert_into(reevaluations::table)
        .values(row)
        .on_conflict((reevaluations::patient_key, reevaluations::signal))
        .do_update()
        .set((
            reevaluations::from_at.eq(excluded(reevaluations::from_at)),
            reevaluations::version.eq(excluded(reevaluations::version)),
        ))
        .execute(c))?;
    Ok(())
}

/// What waits, the longest first.
///
/// # Errors
/// Database errors.
pub fn due(view: &mut View<'_>, limit: i64) -> Result<Vec<Due>> {
    type Raw = (i64, i16, i64, i64, i64);
    let rows: Vec<Raw> = reevaluations::table
        .order((reevaluations::since, reevaluations::patient_key))
        .limit(limit)
        .select((
            reevaluations::patient_key,
            reevaluations::signal,
            reevaluations::from_at,
            reevaluations::since,
            reevaluations::version,
        ))
        .load(view.conn)?;
    rows.into_iter()
        .map(|(patient_key, signal, from, since, version)| {
            Ok(Due {
                patient_key,
                signal: Signal::from_code(signal).ok_or(Error::Corrupt("reevaluations.signal"))?,
                from: Instant::from_micros(from),
                since: Instant::from_micros(since),
                version,
            })
        })
        .collect()
}

/// The row as it stands now.
///
/// # Errors
/// Database errors.
pub fn find(view: &mut View<'_>, patient_key: i64, signal: Signal) -> Result<Option<(Instant, i64)>> {
    let row: Option<(i64, i64)> = reevaluations::table
        .find((patient_key, signal.code()))
        .select((reevaluations::from_at, reevaluations::version))
        .first(view.conn)
        .optional()?;
    Ok(row.map(|(from, version)| (Instant::from_micros(from), version)))
}

/// Clears a row.
///
/// # Errors
/// Database errors.
pub fn clear(tx: &mut Tx<'_>, patient_key: i64, signal: Signal) -> Result<()> {
    diesel::delete(reevaluations::table.find((patient_key, signal.code()))).execute(tx.conn)?;
    Ok(())
}

/// How many wait, and since when the oldest.
///
/// # Errors
/// Database errors.
pub fn backlog(view: &mut View<'_>) -> Result<(i64, Option<Instant>)> {
    let (count, oldest): (i64, Option<i64>) = reevaluations::table
        .select((diesel::dsl::count_star(), diesel::dsl::min(reevaluations::since)))
        .first(view.conn)?;
    Ok((count, oldest.map(Instant::from_micros)))
}
