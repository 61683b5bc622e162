//! One roll at a time. On SQLite the data directory belongs to one process and the chunks are compared before
//! they are written; on PostgreSQL nodes also hold an advisory lock, named after the schema.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::db::error::{Error, Result};
use crate::{Conn, Opener, Store, Tx, Url};

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// The right to roll; given back when dropped, or when this node dies.
pub(crate) struct RollLock {
    session: Option<Conn>,
}

impl RollLock {
    /// `None` when another node has it.
    pub(crate) fn take(store: &Store) -> Result<Option<Self>> {
        let Url::Postgres(_) = store.url() else { return Ok(Some(Self { session: None })) };
        let opener = Opener { url: store.url().clone(), read_only: false };
        let mut session = opener.open().map_err(|error| Error::Open(error.to_string()))?;
        let taken: Taken = diesel::sql_query(
            "SELECT pg_try_advisory_lock(hashtext('zelo.roll'), hashtext(current_schema())) AS taken",
        )
        .get_result(&mut session)?;
        Ok(taken.taken.then_some(Self { session: Some(session) }))
    }

    /// Gives the space of removed rows to those that come next, on PostgreSQL: autovacuum looks once a minute, a
    /// busy journal is rolled every few seconds. Never in a transaction; left out while autovacuum is at it. The
    /// file is not shortened here: that would stop who writes.
    pub(crate) fn reclaim(&mut self) -> Result<()> {
        if let Some(session) = &mut self.session {
            session.batch_execute("VACUUM (SKIP_LOCKED, TRUNCATE false, INDEX_CLEANUP on) readings")?;
        }
        Ok(())
    }

    /// Makes transactions that write chunks wait for each other, should a node have lost its right unnoticed.
    pub(crate) fn serialise(tx: &mut Tx<'_>) -> Result<()> {
        if let Conn::Pg(conn) = &mut *tx.conn {
            diesel::sql_query(
                "SELECT pg_advisory_xact_lock(hashtext('zelo.roll.write'), hashtext(current_schema()))",
            )
            .execute(conn)?;
        }
        Ok(())
    }
}

impl Drop for RollLock {
    /// A closed connection gives its locks back only when the server notices: the next roll must not find this one.
    fn drop(&mut self) {
        if let Some(session) = &mut self.session {
            let unlock = "SELECT pg_advisory_unlock(hashtext('zelo.roll'), hashtext(current_schema()))";
            if let Err(error) = session.batch_execute(unlock) {
                tracing::warn!(%error, "the right to roll could not be given back; it ends with the connection");
            }
        }
    }
}
