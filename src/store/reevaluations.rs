//! Series to be judged again from an instant on, because something older than their head came in.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, SmallInt};
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::conn::Conn;
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
    mark_all(tx, &[(patient_key, signal, from)])
}

/// The same for many series, none of them twice; in the order of their keys no two nodes wait for each other.
///
/// # Errors
/// Database errors.
pub fn mark_all(tx: &mut Tx<'_>, marks: &[(i64, Signal, Instant)]) -> Result<()> {
    if marks.is_empty() {
        return Ok(());
    }
    let since = tx.now().micros();
    match &mut *tx.conn {
        Conn::Pg(conn) => {
            let patients: Vec<i64> = marks.iter().map(|(patient, ..)| *patient).collect();
            let signals: Vec<i16> = marks.iter().map(|(_, signal, _)| signal.code()).collect();
            let from: Vec<i64> = marks.iter().map(|(.., from)| from.micros()).collect();
            diesel::sql_query(MARK_ALL)
                .bind::<Array<BigInt>, _>(&patients)
                .bind::<Array<SmallInt>, _>(&signals)
                .bind::<Array<BigInt>, _>(&from)
                .bind::<BigInt, _>(since)
                .execute(conn)?;
        }
        Conn::Sqlite(conn) => {
            for (patient_key, signal, from) in marks {
                let (signal, from) = (signal.code(), from.micros());
                Mark { patient_key: *patient_key, signal, from, since }.execute(conn)?;
            }
        }
    }
    Ok(())
}

// One statement: of two nodes that mark at once, the earlier instant stays and both marks count.
const MARK_ALL: &str = "INSERT INTO reevaluations (patient_key, signal, from_at, since, version) \
    SELECT m.patient_key, m.signal, m.from_at, $4, 1 \
    FROM UNNEST($1::bigint[], $2::smallint[], $3::bigint[]) AS m (patient_key, signal, from_at) \
    ORDER BY 1, 2 ON CONFLICT (patient_key, signal) DO UPDATE SET \
    from_at = LEAST(reevaluations.from_at, excluded.from_at), version = reevaluations.version + 1";

/// One mark on SQLite, in a form that diesel keeps prepared.
struct Mark {
    patient_key: i64,
    signal: i16,
    from: i64,
    since: i64,
}

impl QueryFragment<Sqlite> for Mark {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO reevaluations (patient_key, signal, from_at, since, version) VALUES (");
        out.push_bind_param::<BigInt, _>(&self.patient_key)?;
        out.push_sql(",");
        out.push_bind_param::<SmallInt, _>(&self.signal)?;
        out.push_sql(",");
        out.push_bind_param::<BigInt, _>(&self.from)?;
        out.push_sql(",");
        out.push_bind_param::<BigInt, _>(&self.since)?;
        out.push_sql(
            ",1) ON CONFLICT (patient_key, signal) DO UPDATE SET \
             from_at = MIN(reevaluations.from_at, excluded.from_at), version = reevaluations.version + 1",
        );
        Ok(())
    }
}

impl QueryId for Mark {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<SqliteConnection> for Mark {}

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

/// The row as it stands now, held until the transaction ends; on PostgreSQL it waits for who marks or settles it.
///
/// # Errors
/// Database errors.
pub fn hold(tx: &mut Tx<'_>, patient_key: i64, signal: Signal) -> Result<Option<(Instant, i64)>> {
    let row = reevaluations::table
        .find((patient_key, signal.code()))
        .select((reevaluations::from_at, reevaluations::version));
    let row: Option<(i64, i64)> = match &mut *tx.conn {
        Conn::Pg(conn) => {
            // It may be held while this process holds its machines: rather again than long.
            conn.batch_execute("SET LOCAL lock_timeout = '2s'")?;
            row.for_update().get_result(conn).optional()?
        }
        Conn::Sqlite(conn) => row.get_result(conn).optional()?,
    };
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
        .get_result(view.conn)?;
    Ok((count, oldest.map(Instant::from_micros)))
}
