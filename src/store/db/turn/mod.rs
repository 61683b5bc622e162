//! The turn between people and telemetry on PostgreSQL; on SQLite the gate gives it. Transactions that write readings
//! or rely on a consent share it; a transaction that changes what a person allows takes it whole. PostgreSQL grants it
//! in the order of asking, so a revocation waits for what is in flight and for nothing that comes after. Row locks
//! alone do not give that: those who share a row pass by whoever waits to change it. Ask for the turn first, before any
//! other lock.

pub(crate) mod gate;
pub(crate) mod locks;

use diesel::prelude::*;

use super::error::Result;
use super::turn::locks::Lock;
use crate::{Conn, Tx};

/// Shares the turn until the transaction ends, unless it holds it already.
///
/// # Errors
/// Database errors.
pub fn share(tx: &mut Tx<'_>) -> Result<()> {
    if tx.holds_turn() {
        return Ok(());
    }
    ask(tx, Lock::Turn, "pg_advisory_xact_lock_shared")
}

/// Takes the turn until the transaction ends.
///
/// # Errors
/// Database errors.
pub(crate) fn take(tx: &mut Tx<'_>) -> Result<()> {
    ask(tx, Lock::WholeTurn, "pg_advisory_xact_lock")
}

fn ask(tx: &mut Tx<'_>, turn: Lock, how: &str) -> Result<()> {
    tx.lock(turn);
    if let Conn::Pg(conn) = &mut *tx.conn {
        let lock = format!("SELECT {how}(hashtext('zelo.turn'), hashtext(current_schema()))");
        diesel::sql_query(lock).execute(conn)?;
    }
    Ok(())
}
