//! What a reading costs on disk, indexes included: for `doctor`, `bench` and the budget test.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::db::error::Result;
use crate::db::schema::readings;
use crate::{Conn, View};

/// Readings and the bytes they take, free space inside their pages included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// How many readings.
    pub readings: i64,
    /// Bytes of table and indexes.
    pub bytes: i64,
}

/// The journal, the chunks, and the receipts of the messages that brought them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// The journal.
    pub hot: Part,
    /// The chunks.
    pub cold: Part,
    /// Packed receipts; its readings are messages.
    pub audit: Part,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Counts and measures; reads every page's header on SQLite.
///
/// # Errors
/// Database errors.
pub fn sizes(view: &mut View<'_>) -> Result<Sizes> {
    let conn = &mut *view.conn;
    let hot = readings::table.count().get_result(conn)?;
    let cold = number(conn, "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) AS number FROM chunks")?;
    let packed = number(conn, "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) AS number FROM receipts")?;
    Ok(Sizes {
        hot: Part { readings: hot, bytes: bytes(conn, "readings")? },
        cold: Part { readings: cold, bytes: bytes(conn, "chunks")? },
        audit: Part { readings: packed, bytes: bytes(conn, "receipts")? },
    })
}

/// How many rows are stored of one patient, in the journal and in chunks; one on its way from there to here counts
/// twice.
///
/// # Errors
/// Database errors.
pub fn stored_of(view: &mut View<'_>, patient_key: i64) -> Result<i64> {
    let conn = &mut *view.conn;
    let hot: i64 = readings::table.filter(readings::patient_key.eq(patient_key)).count().get_result(conn)?;
    let cold = format!(
        "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) AS number FROM chunks WHERE patient_key = {patient_key}"
    );
    Ok(hot + number(conn, &cold)?)
}

impl Part {
    /// Bytes per reading, in thousandths; 0 when there is none.
    #[must_use]
    pub const fn per_thousand(&self) -> i64 {
        match self.readings {
            0 => 0,
            readings => self.bytes.saturating_mul(1_000) / readings,
        }
    }
}

fn number(conn: &mut Conn, query: &str) -> Result<i64> {
    Ok(diesel::sql_query(query).get_result::<Number>(conn)?.number)
}

fn bytes(conn: &mut Conn, table: &str) -> Result<i64> {
    let query = match conn {
        Conn::Sqlite(_) => format!(
            "SELECT CAST(COALESCE(SUM(pgsize), 0) AS BIGINT) AS number FROM dbstat \
             WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = '{table}')"
        ),
        Conn::Pg(_) => format!("SELECT pg_total_relation_size('{table}')::bigint AS number"),
    };
    number(conn, &query)
}
