//! The schema is changed by one process alone: while other nodes serve from it, it is refused.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::nodes;
use crate::db::conn::{Conn, Url};
use crate::db::error::{Error, Result};
use crate::db::migrate::{Fit, Taken, fit, migrate, require_current};
use crate::db::pools::server;

/// As [`migrate`], on a connection of its own; refuses a newer schema, and one that other nodes are using.
/// What a former process of `home` left behind counts for nothing: whoever runs this holds its data directory.
///
/// # Errors
/// [`Error::Schema`] naming the nodes that serve, or that another process changes the schema; as [`migrate`] and
/// `require_current`.
pub fn run(url: &Url, home: &str) -> Result<usize> {
    let mut conn = crate::open_one(url)?;
    server::require_own(&mut conn, url)?;
    if let Fit::Ahead(_) = fit(&mut conn)? {
        require_current(&mut conn)?;
    }
    let ran = alone(&mut conn, home).and_then(|()| migrate(&mut conn));
    // The server notices a closed connection when it does: the node that starts next must not find this one, refused
    // or not.
    if let Conn::Pg(conn) = &mut conn {
        conn.batch_execute("SELECT pg_advisory_unlock_all()")?;
    }
    ran
}

/// Takes the schema for this connection alone, until it closes; refuses while another node serves from it. On SQLite
/// the data directory has one holder.
fn alone(conn: &mut Conn, home: &str) -> Result<()> {
    let Conn::Pg(conn) = conn else { return Ok(()) };
    let taken: Taken = diesel::sql_query(
        "SELECT pg_try_advisory_lock(hashtext('zelo.schema'), hashtext(current_schema())) AS taken",
    )
    .get_result(conn)?;
    if !taken.taken {
        let why = "another process changes this database's schema, or a node is just starting: try again in a minute";
        return Err(Error::Schema(why.into()));
    }
    none_serve(&nodes::others(conn, home)?)
}

/// Refuses, before anything is done for it, to change a schema that nodes serve from but the one of `home`.
///
/// # Errors
/// [`Error::Schema`] naming them; it cannot be reached; database errors.
pub fn require_alone(url: &Url, home: &str) -> Result<()> {
    let Conn::Pg(mut conn) = crate::open_one(url)? else { return Ok(()) };
    none_serve(&nodes::others(&mut conn, home)?)
}

fn none_serve(serving: &str) -> Result<()> {
    if serving.is_empty() {
        return Ok(());
    }
    Err(Error::Schema(format!(
        "other nodes serve from this database: {serving}. A node of another version must not work on a changed schema: stop \
         them all, migrate, start them with the new program; one that was lost is gone a minute after it last spoke"
    )))
}

#[cfg(test)]
mod tests {
    use diesel_migrations::MigrationHarness;

    use super::*;
    use crate::db::conn::on;
    use crate::db::migrate::POSTGRES;
    use crate::health::nodes::Node;
    use crate::testing::stores;
    use crate::{Opener, Tx, Urgency};
    use domain::Clock;

    #[test]
    fn a_schema_that_another_node_serves_from_is_not_changed_and_a_changed_one_seats_nobody() {
        for store in stores() {
            let Url::Postgres(_) = store.url() else { continue };
            let now = Clock::System.now();
            let house = |f: &dyn Fn(&mut Tx<'_>) -> Result<u8>| {
                store.keep_house(Urgency::Urgent, "test", now, |tx| f(tx))
            };
            let node = |id: &str, home: &str| Node { id: id.into(), home: home.into(), number: None };
            let take = |id: &str, home: &str| {
                house(&|tx| nodes::take(tx, &node(id, home), nodes::Clocks::agree(now)))
            };
            assert_eq!(take("a", "one:/data").unwrap(), 0);
            let mut conn = Opener { url: store.url().clone(), read_only: false }.open().unwrap();
            let Conn::Pg(c) = &mut conn else { unreachable!() };
            drop(c.revert_last_migration(POSTGRES).unwrap());

            // What a refusal leaves behind would be gone again in the blink of an eye: asked at once, and often.
            for _ in 0..50 {
                let refused = run(store.url(), "two:/data").unwrap_err().to_string();
                let message = take("b", "two:/data").unwrap_err().to_string();
                assert!(refused.contains("0 (one:/data)") && refused.contains("stop"), "{refused}");
                assert!(message.contains("behind"), "{message}");
            }
            assert!(matches!(fit(&mut conn).unwrap(), Fit::Behind(1)), "nothing was done");

            alone(&mut conn, "one:/data").unwrap();
            let message = run(store.url(), "two:/data").unwrap_err().to_string();
            assert!(message.contains("another process"), "{message}");
            let message = take("b", "two:/data").unwrap_err().to_string();
            assert!(message.contains("being changed"), "{message}");
            on!(&mut conn, |c| c.batch_execute("SELECT pg_advisory_unlock_all()")).unwrap();

            // Its own former process holds nobody up.
            assert_eq!(run(store.url(), "one:/data").unwrap(), 1);
            assert_eq!(take("b", "two:/data").unwrap(), 1);
        }
    }
}
