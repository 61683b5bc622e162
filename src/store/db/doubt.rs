//! A commit whose answer was lost on the way: PostgreSQL can say by the transaction's number whether it holds, and is
//! asked before the caller is answered.

use std::time::{Duration, Instant as Moment};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::error::Result;
use crate::{Conn, STEP_BACK, Url, open_one};

/// How long the database is asked; then the caller is told that the outcome is unknown.
const PATIENCE: Duration = Duration::from_secs(4);

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Nullable<BigInt>)]
    id: Option<i64>,
}

#[derive(QueryableByName)]
struct Standing {
    #[diesel(sql_type = Nullable<Text>)]
    word: Option<String>,
}

/// The number of a transaction on PostgreSQL, if it changed anything: asked as the last thing before its commit.
///
/// # Errors
/// Database errors.
pub(crate) fn number(conn: &mut Conn) -> Result<Option<i64>> {
    let Conn::Pg(conn) = conn else { return Ok(None) };
    let number: Number = diesel::sql_query("SELECT txid_current_if_assigned() AS id").get_result(conn)?;
    Ok(number.id)
}

/// Whether a transaction holds; `None`: the database did not say in time.
pub(crate) fn holds(url: &Url, number: i64) -> Option<bool> {
    let began = Moment::now();
    while began.elapsed() < PATIENCE {
        match look(url, number).ok().flatten().as_deref() {
            Some("committed") => return Some(true),
            Some("aborted") => return Some(false),
            // The server process has not noticed yet that its client is gone, or the database is down.
            _ => std::thread::park_timeout(STEP_BACK),
        }
    }
    None
}

fn look(url: &Url, number: i64) -> Result<Option<String>> {
    let mut conn = open_one(url)?;
    let asked = diesel::sql_query("SELECT txid_status($1) AS word").bind::<BigInt, _>(number);
    let standing: Standing = asked.get_result(&mut conn)?;
    Ok(standing.word)
}
