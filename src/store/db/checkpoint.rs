//! Moves SQLite's write-ahead log into its file beside the writer. Left to SQLite, the commit that finds the log long
//! pays for all of it, and every reading behind it waits.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::{Conn, Error, Inner, Result, Store, Urgency, Url, Writer, open_one};
use supervise::Watched;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(100);
/// A log of so many bytes is worth moving at once…
const WORTH: u64 = 4 << 20;
/// …a shorter one after so many looks.
const LOOKS: u32 = 50;
/// Pages in the log past which it must begin anew: the rest is moved in a turn to write, while nobody adds to it.
const LONG: i64 = 8_192;

/// How long one move may take.
const AT_MOST: Duration = Duration::from_secs(120);

#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = BigInt)]
    log: i64,
}

/// Starts the thread; it ends with the store. Nothing on PostgreSQL.
///
/// # Errors
/// The database cannot be opened, or the thread not started.
pub(crate) fn start(inner: &Arc<Inner>) -> Result<()> {
    let Url::Sqlite(path) = &inner.url else { return Ok(()) };
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    let (log, mut conn) = (PathBuf::from(log), open_one(&inner.url)?);
    let weak = Arc::downgrade(inner);
    inner
        .threads
        .start("checkpoint", AT_MOST, move |watched| run(&weak, &mut conn, &log, watched))
        .map(drop)
        .map_err(|source| Error::Io { what: "the checkpoint thread cannot start".into(), source })
}

fn run(inner: &Weak<Inner>, conn: &mut Conn, log: &PathBuf, watched: &Watched) {
    let (mut seen, mut looks) = (0, 0);
    loop {
        watched.rests();
        std::thread::park_timeout(EVERY);
        let Some(inner) = inner.upgrade() else { return };
        watched.works();
        looks += 1;
        let commits = inner.commits.load(Ordering::Relaxed);
        let long = || std::fs::metadata(log).is_ok_and(|log| log.len() >= WORTH);
        if commits == seen || (looks < LOOKS && !long()) {
            continue;
        }
        (seen, looks) = (commits, 0);
        if let Err(error) = checkpoint(&inner, conn) {
            tracing::warn!(%error, "the write-ahead log was not moved; it is tried again");
        }
    }
}

fn checkpoint(inner: &Inner, conn: &mut Conn) -> Result<()> {
    let Writer::One(gate) = &inner.write else { return Ok(()) };
    if passive(conn)? > LONG {
        // What came meanwhile, so that little is left for the turn.
        passive(conn)?;
        let _turn = gate.enter(Urgency::Patient);
        passive(conn)?;
    }
    Ok(())
}

/// Moves what no reader needs any more; never waits, and nobody waits for it. Returns the pages of the log as it
/// began: whether more came since, it does not say.
fn passive(conn: &mut Conn) -> Result<i64> {
    let moved: Moved = diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(conn)?;
    Ok(moved.log)
}

impl Store {
    /// Runs `f` with commits that do not wait for the disk, and waits for it once, when `f` is done: for a store that
    /// is made in one go and made anew when the machine dies meanwhile. PostgreSQL waits as ever.
    ///
    /// # Errors
    /// What `f` says; database errors.
    pub fn in_one_go<T, E: From<Error>>(
        &self,
        f: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.tell_sqlite("PRAGMA synchronous=OFF")?;
        let done = f();
        self.tell_sqlite("PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)")?;
        done
    }

    fn tell_sqlite(&self, pragmas: &str) -> Result<()> {
        let Writer::One(gate) = &self.inner.write else { return Ok(()) };
        Ok(gate.enter(Urgency::Urgent).conn.batch_execute(pragmas)?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant as Moment;

    use super::*;
    use crate::testing::{NOW, bare};

    #[test]
    fn the_log_is_moved_beside_the_writer_and_begins_anew() {
        let home = bare().swap_remove(0);
        let log = home.dir().join("zelo.db-wal");
        let write = |sql: &str| {
            let sql = sql.to_owned();
            home.keep_house(Urgency::Patient, "test", NOW, |tx| Ok(tx.conn.batch_execute(&sql)?)).unwrap();
        };
        write("CREATE TABLE filler (bytes BLOB)");
        let mut conn = open_one(home.url()).unwrap();
        assert!(passive(&mut conn).unwrap() > 0);
        let began = Moment::now();
        let mut written = 0_u64;
        // Many times what the log may hold, with the writer always busy.
        while written < 40 && began.elapsed() < Duration::from_secs(60) {
            write("DELETE FROM filler; INSERT INTO filler VALUES (randomblob(6000000))");
            written += 1;
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let long = std::fs::metadata(&log).unwrap().len();
        assert!(long < written * 6_000_000, "{long} bytes after {written} writes of six million");
    }

    #[test]
    fn what_is_made_in_one_go_lies_on_the_disk_when_it_is_done() {
        let home = bare().swap_remove(0);
        let synchronous = || {
            #[derive(QueryableByName)]
            struct Found {
                #[diesel(sql_type = BigInt)]
                synchronous: i64,
            }
            let ask = diesel::sql_query("SELECT synchronous FROM pragma_synchronous");
            let look = |tx: &mut crate::Tx<'_>| Ok(ask.get_result::<Found>(tx.conn)?.synchronous);
            home.keep_house(Urgency::Patient, "test", NOW, look)
        };
        let log = home.dir().join("zelo.db-wal");
        let meanwhile = home.in_one_go(|| {
            home.keep_house(Urgency::Patient, "test", NOW, |tx| {
                Ok(tx.conn.batch_execute("CREATE TABLE filler (bytes BLOB)")?)
            })?;
            synchronous()
        });
        assert_eq!((meanwhile.unwrap(), std::fs::metadata(&log).unwrap().len()), (0, 0));
        assert_eq!(synchronous().unwrap(), 2, "each commit waits again");
    }
}
