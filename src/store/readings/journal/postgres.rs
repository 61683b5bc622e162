//! The journal on PostgreSQL: one prepared statement over arrays, whatever the number of rows.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, SmallInt};

use super::backend::{ReadingStore, Share, in_order};
use super::row::{Identity, Row};

const SLICE: usize = 5_000;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = BigInt)]
    patient_key: i64,
    #[diesel(sql_type = SmallInt)]
    signal: i16,
    #[diesel(sql_type = BigInt)]
    device_key: i64,
    #[diesel(sql_type = BigInt)]
    masked: i64,
    #[diesel(sql_type = SmallInt)]
    attrs: i16,
    #[diesel(sql_type = BigInt)]
    received: i64,
}

impl From<Found> for Row {
    fn from(found: Found) -> Self {
        let Found { at, patient_key, signal, device_key, masked, attrs, received } = found;
        Self { at, patient_key, signal, device_key, masked, attrs, received }
    }
}

/// The four columns of an identity, each as an array.
#[derive(Default)]
struct Identities {
    at: Vec<i64>,
    patient_key: Vec<i64>,
    signal: Vec<i16>,
    device_key: Vec<i64>,
}

impl Identities {
    fn of(identities: impl Iterator<Item = Identity>) -> Self {
        let mut out = Self::default();
        for (at, patient_key, signal, device_key) in identities {
            out.at.push(at);
            out.patient_key.push(patient_key);
            out.signal.push(signal);
            out.device_key.push(device_key);
        }
        out
    }
}

const INSERT: &str = "INSERT INTO readings (at, patient_key, signal, device_key, masked, attrs, received) \
    SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], \
    $6::smallint[], $7::bigint[]) ON CONFLICT DO NOTHING";

// Each identity is looked up by the primary key, whatever the planner believes of the table: a roll empties the
// journal, VACUUM notes so, and until the next ANALYZE a join with a full journal would be planned as one with an empty
// table: each of its rows held against each identity. OFFSET 0 keeps the lookup from becoming such a join.
macro_rules! looked_up {
    ($what:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM UNNEST($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[]) \
             AS w (at, patient_key, signal, device_key) CROSS JOIN LATERAL (SELECT ctid, readings.* FROM readings \
             WHERE readings.at = w.at AND readings.patient_key = w.patient_key AND readings.signal = w.signal \
             AND readings.device_key = w.device_key OFFSET 0) AS r"
        )
    };
}

const FIND: &str = looked_up!("r.at, r.patient_key, r.signal, r.device_key, r.masked, r.attrs, r.received");

const REMOVE: &str = concat!("DELETE FROM readings WHERE ctid = ANY (ARRAY (", looked_up!("r.ctid"), "))");

impl ReadingStore for PgConnection {
    fn insert(&mut self, rows: &[Row]) -> QueryResult<Vec<usize>> {
        let sorted: Vec<&Row> = in_order(rows).into_iter().filter_map(|place| rows.get(place)).collect();
        let keys = Identities::of(sorted.iter().map(|row| row.identity()));
        let masked: Vec<i64> = sorted.iter().map(|row| row.masked).collect();
        let attrs: Vec<i16> = sorted.iter().map(|row| row.attrs).collect();
        let received: Vec<i64> = sorted.iter().map(|row| row.received).collect();
        let new = diesel::sql_query(INSERT)
            .bind::<Array<BigInt>, _>(&keys.at)
            .bind::<Array<BigInt>, _>(&keys.patient_key)
            .bind::<Array<SmallInt>, _>(&keys.signal)
            .bind::<Array<BigInt>, _>(&keys.device_key)
            .bind::<Array<BigInt>, _>(&masked)
            .bind::<Array<SmallInt>, _>(&attrs)
            .bind::<Array<BigInt>, _>(&received)
            .execute(self)?;
        Ok(if new < rows.len() { (0..rows.len()).collect() } else { Vec::new() })
    }

    fn find(&mut self, identities: &[Identity]) -> QueryResult<Vec<Row>> {
        let keys = Identities::of(identities.iter().copied());
        let found: Vec<Found> = diesel::sql_query(FIND)
            .bind::<Array<BigInt>, _>(&keys.at)
            .bind::<Array<BigInt>, _>(&keys.patient_key)
            .bind::<Array<SmallInt>, _>(&keys.signal)
            .bind::<Array<BigInt>, _>(&keys.device_key)
            .load(self)?;
        Ok(found.into_iter().map(Row::from).collect())
    }

    fn remove(&mut self, rows: &[Row], _share: Share) -> QueryResult<()> {
        for slice in rows.chunks(SLICE) {
            let keys = Identities::of(slice.iter().map(Row::identity));
            diesel::sql_query(REMOVE)
                .bind::<Array<BigInt>, _>(&keys.at)
                .bind::<Array<BigInt>, _>(&keys.patient_key)
                .bind::<Array<SmallInt>, _>(&keys.signal)
                .bind::<Array<BigInt>, _>(&keys.device_key)
                .execute(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel::sql_types::Text;

    use super::*;
    use crate::testing::{foreign, stores};
    use crate::{Conn, Url};

    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }

    fn plan(conn: &mut PgConnection, statement: &str, rows: &[Row]) -> String {
        let keys = Identities::of(rows.iter().map(Row::identity));
        let lines: Vec<Line> = diesel::sql_query(format!("EXPLAIN (COSTS OFF) {statement}"))
            .bind::<Array<BigInt>, _>(&keys.at)
            .bind::<Array<BigInt>, _>(&keys.patient_key)
            .bind::<Array<SmallInt>, _>(&keys.signal)
            .bind::<Array<BigInt>, _>(&keys.device_key)
            .load(conn)
            .unwrap();
        lines.into_iter().map(|line| line.line + "\n").collect()
    }

    #[test]
    fn a_journal_that_was_empty_when_it_was_last_looked_at_is_not_walked_for_each_reading() {
        let homes = stores();
        let on_postgres = |home: &&crate::testing::Home| matches!(home.url(), Url::Postgres(_));
        let Some(home) = homes.iter().find(on_postgres) else { return };
        let Conn::Pg(mut conn) = foreign(home, "VACUUM readings") else { unreachable!() };
        let row = |n: i64| Row {
            at: n,
            patient_key: n % 500,
            signal: 1,
            device_key: 1,
            masked: n,
            attrs: 0,
            received: n,
        };
        let rows: Vec<Row> = (0..30_000).map(row).collect();
        for some in rows.chunks(10_000) {
            assert!(conn.insert(some).unwrap().is_empty());
        }
        for statement in [FIND, REMOVE] {
            let plan = plan(&mut conn, statement, &rows[..SLICE]);
            assert!(!plan.contains("Seq Scan") && plan.contains("Index"), "{plan}");
        }
        let asked: Vec<Identity> = rows[..SLICE].iter().map(Row::identity).collect();
        assert_eq!(conn.find(&asked).unwrap().len(), SLICE);
        conn.remove(&rows[SLICE..], Share { parts: 1, part: 0 }).unwrap();
        let all: Vec<Identity> = rows.iter().map(Row::identity).collect();
        let mut left: Vec<i64> = conn.find(&all).unwrap().iter().map(|row| row.masked).collect();
        left.sort_unstable();
        assert_eq!(left, (0..5_000).collect::<Vec<i64>>());
        conn.batch_execute("TRUNCATE readings").unwrap();
    }
}
