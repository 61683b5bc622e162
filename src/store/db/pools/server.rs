//! Detects a pooler that gives each transaction another server session. This program cannot work behind one, for its
//! sessions hold locks and listen.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use crate::db::error::{Error, Result};
use crate::{Conn, Url, open_one};

const POOLED: &str = "the database's address is that of a pooler which gives each transaction another session (pgbouncer with \
     pool_mode = transaction or statement), and a node's sessions hold locks and listen: give the address of the server \
     itself, or set pool_mode = session for this database";

/// Holds two connections against each other, each of which must be a session of its own.
///
/// # Errors
/// [`Error::Schema`] naming what to do: two of them share one; [`Error::Open`]; database errors.
pub(crate) fn require_own(conn: &mut Conn, url: &Url) -> Result<()> {
    let Conn::Pg(one) = conn else { return Ok(()) };
    let shared = match compare(one, url) {
        // A question and its answer by two sessions.
        Err(Error::Database(error)) if error.to_string().contains("prepared statement") => true,
        compared => compared?,
    };
    if shared { Err(Error::Schema(POOLED.to_owned())) } else { Ok(()) }
}

fn compare(one: &mut PgConnection, url: &Url) -> Result<bool> {
    let first = session(one)?;
    let Conn::Pg(mut other) = open_one(url)? else { return Ok(false) };
    // What the first one let go the second is given, and so on.
    Ok(are_shared([first, session(&mut other)?, session(one)?, session(&mut other)?]))
}

/// Whether two connections that were asked in turn by which process of the server they are served show that they have
/// none of their own.
const fn are_shared([one, other, one_again, other_again]: [i32; 4]) -> bool {
    one == other || one != one_again || other != other_again
}

fn session(conn: &mut PgConnection) -> Result<i32> {
    Ok(diesel::select(diesel::dsl::sql::<Integer>("pg_backend_pid()")).get_result(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stores;

    #[test]
    fn connections_that_share_the_servers_sessions_are_refused_in_words_that_name_what_to_do() {
        assert!(!are_shared([7, 8, 7, 8]));
        for pooled in [[7, 7, 7, 7], [7, 8, 8, 7], [7, 8, 7, 7]] {
            assert!(are_shared(pooled), "{pooled:?}");
        }
        for words in ["pool_mode = transaction", "pool_mode = session", "address of the server itself"] {
            assert!(POOLED.contains(words), "{words}");
        }
        for home in stores() {
            let mut conn = open_one(home.url()).unwrap();
            require_own(&mut conn, home.url()).unwrap();
        }
    }
}
