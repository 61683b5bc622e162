//! Series to be judged again, because a reading older than their newest one came in. A node that works on a row takes
//! over its span; what comes late meanwhile is recorded beside it, and stays when the work is done.

use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, SmallInt};
use diesel::sqlite::{Sqlite, SqliteConnection};

use crate::db::conn::{Conn, on};
use crate::db::error::{Error, Result};
use crate::db::schema::reevaluations::{self, dsl};
use crate::db::turn::locks::Lock;
use crate::db::tx::{Tx, View};
use domain::{Instant, Signal};
use rules::Late;

/// The empty span: nothing came late since the row was taken. Any mark extends it.
const NOTHING: Late = Late { from: Instant::MAX, until: Instant::MIN };

/// A series to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The patient's surrogate key.
    pub patient_key: i64,
    /// The signal.
    pub signal: Signal,
    /// The span of late readings.
    pub late: Late,
    /// When it was first asked for.
    pub since: Instant,
    /// Grows each time it is taken: a node that took it earlier can no longer settle it.
    pub version: i64,
    /// Who works on it, and since when.
    pub taken: Option<(i64, Instant)>,
}

/// Locks the machines with which this process judges: within a transaction before any row of a replay, and until the
/// last.
pub fn machines<'m, T>(tx: &mut Tx<'_>, machines: &'m Mutex<T>) -> MutexGuard<'m, T> {
    tx.lock(Lock::Machines);
    machines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for a replay of a series; an earlier request is widened, not replaced.
///
/// # Errors
/// Database errors.
pub(crate) fn mark(tx: &mut Tx<'_>, patient_key: i64, signal: Signal, late: Late) -> Result<()> {
    mark_all(tx, &[(patient_key, signal, late)])
}

/// The same for many different series, in the order of their keys, so that two nodes cannot deadlock.
///
/// # Errors
/// Database errors.
pub fn mark_all(tx: &mut Tx<'_>, marks: &[(i64, Signal, Late)]) -> Result<()> {
    if marks.is_empty() {
        return Ok(());
    }
    tx.lock(Lock::Replay);
    let since = tx.now().micros();
    match &mut *tx.conn {
        Conn::Pg(conn) => {
            let patients: Vec<i64> = marks.iter().map(|(patient, ..)| *patient).collect();
            let signals: Vec<i16> = marks.iter().map(|(_, signal, _)| signal.code()).collect();
            let from: Vec<i64> = marks.iter().map(|(.., late)| late.from.micros()).collect();
            let until: Vec<i64> = marks.iter().map(|(.., late)| late.until.micros()).collect();
            diesel::sql_query(MARK_ALL)
                .bind::<Array<BigInt>, _>(&patients)
                .bind::<Array<SmallInt>, _>(&signals)
                .bind::<Array<BigInt>, _>(&from)
                .bind::<Array<BigInt>, _>(&until)
                .bind::<BigInt, _>(since)
                .execute(conn)?;
        }
        Conn::Sqlite(conn) => {
            for (patient_key, signal, late) in marks {
                let (signal, from, until) = (signal.code(), late.from.micros(), late.until.micros());
                Mark { patient_key: *patient_key, signal, from, until, since }.execute(conn)?;
            }
        }
    }
    Ok(())
}

// One statement: when two nodes mark at once, the widest span stays.
const MARK_ALL: &str = "INSERT INTO reevaluations (patient_key, signal, from_at, until_at, since, version) \
    SELECT m.patient_key, m.signal, m.from_at, m.until_at, $5, 1 \
    FROM UNNEST($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[]) \
    AS m (patient_key, signal, from_at, until_at) \
    ORDER BY 1, 2 ON CONFLICT (patient_key, signal) DO UPDATE SET \
    from_at = LEAST(reevaluations.from_at, excluded.from_at), \
    until_at = GREATEST(reevaluations.until_at, excluded.until_at)";

/// One mark on SQLite, in a form that diesel keeps prepared.
struct Mark {
    patient_key: i64,
    signal: i16,
    from: i64,
    until: i64,
    since: i64,
}

impl QueryFragment<Sqlite> for Mark {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO reevaluations (patient_key, signal, from_at, until_at, since, version) VALUES (",
        );
        out.push_bind_param::<BigInt, _>(&self.patient_key)?;
        out.push_sql(",");
        out.push_bind_param::<SmallInt, _>(&self.signal)?;
        out.push_sql(",");
        out.push_bind_param::<BigInt, _>(&self.from)?;
        out.push_sql(",");
        out.push_bind_param::<BigInt, _>(&self.until)?;
        out.push_sql(",");
        out.push_bind_param::<BigInt, _>(&self.since)?;
        out.push_sql(
            ",1) ON CONFLICT (patient_key, signal) DO UPDATE SET \
             from_at = MIN(reevaluations.from_at, excluded.from_at), \
             until_at = MAX(reevaluations.until_at, excluded.until_at)",
        );
        Ok(())
    }
}

impl QueryId for Mark {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<SqliteConnection> for Mark {}

#[derive(Queryable, Selectable)]
#[diesel(table_name = reevaluations)]
struct Row {
    patient_key: i64,
    signal: i16,
    from_at: i64,
    until_at: i64,
    since: i64,
    version: i64,
    taken_from: Option<i64>,
    taken_until: Option<i64>,
    taken_at: Option<i64>,
    taken_by: Option<i64>,
}

const fn span(from: i64, until: i64) -> Late {
    Late { from: Instant::from_micros(from), until: Instant::from_micros(until) }
}

impl Row {
    fn fresh(&self) -> Late {
        span(self.from_at, self.until_at)
    }

    fn read(&self) -> Result<Due> {
        let taken = self.taken_from.zip(self.taken_until).map_or(NOTHING, |(from, until)| span(from, until));
        let signal = Signal::from_code(self.signal).ok_or(Error::corrupt("reevaluations.signal"));
        Ok(Due {
            patient_key: self.patient_key,
            signal: signal
                .map_err(|error| error.in_row(format_args!("{}:{}", self.patient_key, self.signal)))?,
            late: self.fresh().and(taken),
            since: Instant::from_micros(self.since),
            version: self.version,
            taken: self.taken_by.zip(self.taken_at.map(Instant::from_micros)),
        })
    }
}

/// The rows that wait, the longest waiting first.
///
/// # Errors
/// Database errors.
pub fn due(view: &mut View<'_>, limit: i64) -> Result<Vec<Due>> {
    let rows: Vec<Row> = on!(&mut *view.conn, |c| dsl::reevaluations
        .order((dsl::since, dsl::patient_key))
        .limit(limit)
        .select(Row::as_select())
        .load(c))?;
    rows.iter().map(Row::read).collect()
}

/// Locks and reads the row; on PostgreSQL it waits for a transaction that marks or settles it.
fn lock(tx: &mut Tx<'_>, patient_key: i64, signal: Signal) -> Result<Option<Row>> {
    tx.lock(Lock::Replay);
    let row = dsl::reevaluations.find((patient_key, signal.code()));
    Ok(match &mut *tx.conn {
        Conn::Pg(conn) => {
            // This process holds its machines meanwhile, and ingest waits for them: better to try again than to wait
            // long.
            conn.batch_execute("SET LOCAL lock_timeout = '2s'")?;
            row.select(Row::as_select()).for_update().get_result(conn).optional()?
        }
        Conn::Sqlite(conn) => row.select(Row::as_select()).get_result(conn).optional()?,
    })
}

/// Takes over a row's span: what comes late from now on is recorded anew. `None` when it was settled meanwhile.
///
/// # Errors
/// Database errors.
pub fn take(tx: &mut Tx<'_>, due: &Due, by: i64) -> Result<Option<Due>> {
    let (patient_key, signal) = (due.patient_key, due.signal);
    let Some(row) = lock(tx, patient_key, signal)? else { return Ok(None) };
    let mut held = row.read()?;
    (held.version, held.taken) = (row.version.saturating_add(1), Some((by, tx.now())));
    diesel::update(dsl::reevaluations.find((patient_key, signal.code())))
        .set((
            dsl::from_at.eq(NOTHING.from.micros()),
            dsl::until_at.eq(NOTHING.until.micros()),
            dsl::version.eq(held.version),
            dsl::taken_from.eq(held.late.from.micros()),
            dsl::taken_until.eq(held.late.until.micros()),
            dsl::taken_at.eq(tx.now().micros()),
            dsl::taken_by.eq(by),
        ))
        .execute(tx.conn)?;
    Ok(Some(held))
}

/// Extends the replay of a taken row to the newest reading of its series, for whichever node does it.
///
/// # Errors
/// Database errors.
pub fn to_the_head(tx: &mut Tx<'_>, due: &Due) -> Result<()> {
    diesel::update(dsl::reevaluations.find((due.patient_key, due.signal.code())))
        .set(dsl::taken_until.eq(Instant::MAX.micros()))
        .execute(tx.conn)?;
    Ok(())
}

/// Whether this node still holds the row it took. Locks the row.
///
/// # Errors
/// Database errors.
pub fn still_taken(tx: &mut Tx<'_>, due: &Due) -> Result<bool> {
    Ok(lock(tx, due.patient_key, due.signal)?.is_some_and(|row| row.version == due.version))
}

/// Marks what was taken as done, except for `rest`. Returns whether something is left: `rest`, or what came late
/// meanwhile.
///
/// # Errors
/// Database errors.
pub fn done(tx: &mut Tx<'_>, due: &Due, rest: Option<Late>) -> Result<bool> {
    let Some(row) = lock(tx, due.patient_key, due.signal)? else { return Ok(false) };
    let left = row.fresh().and(rest.unwrap_or(NOTHING));
    if left == NOTHING {
        clear(tx, due.patient_key, due.signal)?;
        return Ok(false);
    }
    diesel::update(dsl::reevaluations.find((due.patient_key, due.signal.code())))
        .set((
            dsl::from_at.eq(left.from.micros()),
            dsl::until_at.eq(left.until.micros()),
            dsl::since.eq(tx.now().micros()),
            dsl::taken_from.eq(None::<i64>),
            dsl::taken_until.eq(None::<i64>),
            dsl::taken_at.eq(None::<i64>),
            dsl::taken_by.eq(None::<i64>),
        ))
        .execute(tx.conn)?;
    Ok(true)
}

/// Clears a row.
///
/// # Errors
/// Database errors.
pub fn clear(tx: &mut Tx<'_>, patient_key: i64, signal: Signal) -> Result<()> {
    tx.lock(Lock::Replay);
    diesel::delete(dsl::reevaluations.find((patient_key, signal.code()))).execute(tx.conn)?;
    Ok(())
}

/// How many wait, and since when the oldest.
///
/// # Errors
/// Database errors.
pub fn backlog(view: &mut View<'_>) -> Result<(i64, Option<Instant>)> {
    let (count, oldest): (i64, Option<i64>) = dsl::reevaluations
        .select((diesel::dsl::count_star(), diesel::dsl::min(dsl::since)))
        .get_result(view.conn)?;
    Ok((count, oldest.map(Instant::from_micros)))
}
