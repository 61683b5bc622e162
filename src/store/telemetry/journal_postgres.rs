//! The journal on PostgreSQL: one prepared statement over arrays, whatever the number of rows.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, SmallInt};

use super::{Identity, ReadingStore, Row, Share, in_order};

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

const FIND: &str = "SELECT r.at, r.patient_key, r.signal, r.device_key, r.masked, r.attrs, r.received \
    FROM readings r JOIN UNNEST($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[]) \
    AS w (at, patient_key, signal, device_key) USING (at, patient_key, signal, device_key)";

const REMOVE: &str = "DELETE FROM readings r USING UNNEST($1::bigint[], $2::bigint[], $3::smallint[], \
    $4::bigint[]) AS w (at, patient_key, signal, device_key) WHERE r.at = w.at \
    AND r.patient_key = w.patient_key AND r.signal = w.signal AND r.device_key = w.device_key";

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
