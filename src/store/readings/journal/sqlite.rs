//! The journal on SQLite: statements of a fixed number of rows, so that diesel keeps them prepared (a `Vec`
//! insert or `sql_query` is parsed anew each time), and removal by time range, which touches a page once.

use std::ops::Range;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, SmallInt};
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::backend::{ReadingStore, Share, in_order};
use super::row::{Identity, Row};
use crate::db::schema::readings::dsl;

const MANY: usize = 100;
const SOME: usize = 10;

/// An insert of exactly `N` rows.
struct Insert<'a, const N: usize>(&'a [Row; N]);

impl<const N: usize> QueryFragment<Sqlite> for Insert<'_, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO readings (at, patient_key, signal, device_key, masked, attrs, received) VALUES ",
        );
        for (place, row) in self.0.iter().enumerate() {
            out.push_sql(if place == 0 { "(" } else { ",(" });
            out.push_bind_param::<BigInt, _>(&row.at)?;
            out.push_sql(",");
            out.push_bind_param::<BigInt, _>(&row.patient_key)?;
            out.push_sql(",");
            out.push_bind_param::<SmallInt, _>(&row.signal)?;
            out.push_sql(",");
            out.push_bind_param::<BigInt, _>(&row.device_key)?;
            out.push_sql(",");
            out.push_bind_param::<BigInt, _>(&row.masked)?;
            out.push_sql(",");
            out.push_bind_param::<SmallInt, _>(&row.attrs)?;
            out.push_sql(",");
            out.push_bind_param::<BigInt, _>(&row.received)?;
            out.push_sql(")");
        }
        out.push_sql(" ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl<const N: usize> QueryId for Insert<'_, N> {
    type QueryId = Insert<'static, N>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const N: usize> RunQueryDsl<SqliteConnection> for Insert<'_, N> {}

/// Inserts the leading rows in statements of `N` and tells how many that were.
fn insert_by<const N: usize>(
    conn: &mut SqliteConnection,
    rows: &[Row],
    from: usize,
    short: &mut Vec<Range<usize>>,
) -> QueryResult<usize> {
    let (groups, _) = rows.get(from..).unwrap_or_default().as_chunks::<N>();
    let mut at = from;
    for group in groups {
        if Insert(group).execute(conn)? < N {
            short.push(at..at + N);
        }
        at += N;
    }
    Ok(at)
}

/// A lookup of exactly `N` identities: one walk down the key each, in their order.
struct Find<'a, const N: usize>(&'a [Identity; N]);

impl<const N: usize> QueryFragment<Sqlite> for Find<'_, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("WITH w (at, patient_key, signal, device_key) AS (VALUES ");
        for (place, (at, patient_key, signal, device_key)) in self.0.iter().enumerate() {
            out.push_sql(if place == 0 { "(" } else { ",(" });
            out.push_bind_param::<BigInt, _>(at)?;
            out.push_sql(",");
            out.push_bind_param::<BigInt, _>(patient_key)?;
            out.push_sql(",");
            out.push_bind_param::<SmallInt, _>(signal)?;
            out.push_sql(",");
            out.push_bind_param::<BigInt, _>(device_key)?;
            out.push_sql(")");
        }
        // CROSS JOIN keeps the order of the loops: the journal is never walked.
        out.push_sql(
            ") SELECT r.at, r.patient_key, r.signal, r.device_key, r.masked, r.attrs, r.received \
             FROM w CROSS JOIN readings r ON r.at = w.at AND r.patient_key = w.patient_key \
             AND r.signal = w.signal AND r.device_key = w.device_key",
        );
        Ok(())
    }
}

impl<const N: usize> QueryId for Find<'_, N> {
    type QueryId = Find<'static, N>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const N: usize> Query for Find<'_, N> {
    type SqlType = (BigInt, BigInt, SmallInt, BigInt, BigInt, SmallInt, BigInt);
}

impl<const N: usize> RunQueryDsl<SqliteConnection> for Find<'_, N> {}

/// Looks the leading identities up in statements of `N`, and tells what is left.
fn find_by<'i, const N: usize>(
    conn: &mut SqliteConnection,
    identities: &'i [Identity],
    found: &mut Vec<Row>,
) -> QueryResult<&'i [Identity]> {
    let (groups, rest) = identities.as_chunks::<N>();
    for group in groups {
        found.extend(Find(group).load::<Row>(conn)?);
    }
    Ok(rest)
}

impl ReadingStore for SqliteConnection {
    fn insert(&mut self, rows: &[Row]) -> QueryResult<Vec<usize>> {
        let places = in_order(rows);
        let sorted: Vec<Row> = places.iter().filter_map(|place| rows.get(*place)).copied().collect();
        let mut short = Vec::new();
        let at = insert_by::<MANY>(self, &sorted, 0, &mut short)?;
        let at = insert_by::<SOME>(self, &sorted, at, &mut short)?;
        insert_by::<1>(self, &sorted, at, &mut short)?;
        let mut doubtful: Vec<usize> =
            short.into_iter().filter_map(|range| places.get(range)).flatten().copied().collect();
        doubtful.sort_unstable();
        Ok(doubtful)
    }

    fn find(&mut self, identities: &[Identity]) -> QueryResult<Vec<Row>> {
        let mut found = Vec::with_capacity(identities.len());
        let rest = find_by::<MANY>(self, identities, &mut found)?;
        let rest = find_by::<SOME>(self, rest, &mut found)?;
        find_by::<1>(self, rest, &mut found)?;
        Ok(found)
    }

    fn remove(&mut self, rows: &[Row], share: Share) -> QueryResult<()> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        let within = || dsl::at.between(first.at, last.at).and(share.holds());
        let key = (dsl::at, dsl::patient_key, dsl::signal, dsl::device_key);
        let there: Vec<Identity> = dsl::readings.filter(within()).select(key).order(key).load(self)?;
        if there.iter().copied().eq(rows.iter().map(Row::identity)) {
            diesel::delete(dsl::readings.filter(within())).execute(self)?;
            return Ok(());
        }
        for row in rows {
            diesel::delete(dsl::readings.find(row.identity())).execute(self)?;
        }
        Ok(())
    }
}
