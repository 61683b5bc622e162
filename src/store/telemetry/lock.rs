//! One roll at a time. On SQLite the data directory belongs to one process and the chunks are compared before
//! they are written; on PostgreSQL nodes also hold an advisory lock, named after the schema.

use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::store::error::{Error, Result};
use crate::store::{Conn, Opener, Store, Tx, Url};

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// The right to roll; given back when dropped, or when this node dies.
pub(in crate::store) struct RollLock {
    _session: Option<Conn>,
}

impl RollLock {
    /// `None` when another node has it.
    pub fn take(store: &Store) -> Result<Option<Self>> {
        let Url::Postgres(_) = store.url() else { return Ok(Some(Self { _session: None })) };
        let opener = Opener { url: store.url().clone(), read_only: false };
        let mut session = opener.open().map_err(|error| Error::Open(error.to_string()))?;
        let taken: Taken = diesel::sql_query(
            "SELECT pg_try_advisory_lock(hashtext('zelo.roll'), hashtext(current_schema())) AS taken",
        )
        .get_result(&mut session)?;
        Ok(taken.taken.then_some(Self { _session: Some(session) }))
    }

    /// Makes transactions that write chunks wait for each other, should a node have lost its right unnoticed.
    pub fn serialise(tx: &mut Tx<'_>) -> Result<()> {
        if let Conn::Pg(conn) = &mut *tx.conn {
            diesel::sql_query(
                "SELECT pg_advisory_xact_lock(hashtext('zelo.roll.write'), hashtext(current_schema()))",
            )
            .execute(conn)?;
        }
        Ok(())
    }
}
