//! What each backend does best of its own.

use diesel::QueryResult;
use diesel::dsl::sql;
use diesel::expression::{SqlLiteral, UncheckedBind};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::row::{Identity, Row};

/// The journal in the form that each backend does best.
pub(crate) trait ReadingStore {
    /// Inserts what is not there yet; of two rows with one identity the first. Returns places among which are
    /// all rows that were there already (or twice in `rows`).
    fn insert(&mut self, rows: &[Row]) -> QueryResult<Vec<usize>>;

    /// The rows that the journal holds under these identities.
    fn find(&mut self, identities: &[Identity]) -> QueryResult<Vec<Row>>;

    /// Removes these rows by identity, given in its order. A row of the share with another identity stays, whenever it
    /// came. Quickest when they are all that the share has between the first and the last instant.
    fn remove(&mut self, rows: &[Row], share: Share) -> QueryResult<()>;
}

/// The places of rows in the order of their identity, equal ones as given: neighbours in the journal's tree are
/// written one after the other, and two writers of the same rows wait for each other instead of deadlocking.
pub(crate) fn in_order(rows: &[Row]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by_key(|place| rows.get(*place).map(Row::identity));
    places
}

/// The patients whose key leaves `part` when divided by `parts`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub parts: i64,
    pub part: i64,
}

type Bound = <i64 as diesel::expression::AsExpression<BigInt>>::Expression;

type Holds = diesel::helper_types::Eq<UncheckedBind<SqlLiteral<BigInt>, Bound>, i64>;

impl Share {
    /// Everybody.
    pub(crate) const ALL: Self = Self { parts: 1, part: 0 };

    /// Whether a row's patient is one of them.
    pub(crate) fn holds(self) -> Holds {
        sql::<BigInt>("patient_key % ").bind::<BigInt, _>(self.parts).eq(self.part)
    }
}
