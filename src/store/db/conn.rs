//! One connection type over both backends, and the pools that hand it out.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Instant as Moment;

use diesel::connection::SimpleConnection;
use diesel::expression::SqlLiteral;
use diesel::pg::PgConnection;
use diesel::r2d2::R2D2Connection;
use diesel::sql_types::Bool;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError};

pub use multi::Conn;

mod multi {
    use diesel::pg::PgConnection;
    use diesel::sqlite::SqliteConnection;

    /// A connection to either backend. Ordinary code runs on the enum; `on!` gives a body to both arms
    /// where the enum refuses (upsert, batch insert, locking).
    #[derive(diesel::MultiConnection)]
    pub enum Conn {
        /// PostgreSQL.
        Pg(PgConnection),
        /// SQLite.
        Sqlite(SqliteConnection),
    }
}

// Read one row by its key with `get_result`: `first` binds a LIMIT, and SQLite prepares a statement anew each time a
// bound LIMIT is set.

/// Runs the same body on the concrete connection of either backend.
macro_rules! on {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::Conn::Pg($c) => $body,
            $crate::Conn::Sqlite($c) => $body,
        }
    };
}
pub(crate) use on;

/// The rows of a query, locked until the transaction ends. Rows that another node holds are waited for, or skipped with
/// `skip_locked`; on SQLite there is one writer.
macro_rules! held {
    ($tx:expr, $row:ty, $rows:expr $(, $skip:ident)?) => {
        match &mut *$tx.conn {
            $crate::Conn::Pg(conn) => {
                $rows.select(<$row>::as_select()).for_update()$(.$skip())?.load::<$row>(conn)?
            }
            $crate::Conn::Sqlite(conn) => $rows.select(<$row>::as_select()).load::<$row>(conn)?,
        }
    };
}
pub(crate) use held;

/// Inserts rows in their order. On PostgreSQL in one statement, since each statement is a round trip; on SQLite one by
/// one, since a statement that stays prepared is quicker there. `or_skip` leaves out rows that exist.
macro_rules! insert_all {
    ($tx:expr, $table:expr, $rows:expr $(, $or_skip:ident)?) => {
        match (&mut *$tx.conn, $rows.as_slice()) {
            ($crate::Conn::Pg(conn), rows) if rows.len() > 1 => {
                for some in rows.chunks($crate::db::conn::AT_ONCE) {
                    let insert = diesel::insert_into($table).values(some);
                    $crate::db::conn::insert_all!(@run insert, conn $(, $or_skip)?);
                }
            }
            ($crate::Conn::Pg(conn), rows) => {
                for row in rows {
                    let insert = diesel::insert_into($table).values(row);
                    $crate::db::conn::insert_all!(@run insert, conn $(, $or_skip)?);
                }
            }
            ($crate::Conn::Sqlite(conn), rows) => {
                for row in rows {
                    let insert = diesel::insert_into($table).values(row);
                    $crate::db::conn::insert_all!(@run insert, conn $(, $or_skip)?);
                }
            }
        }
    };
    (@run $insert:expr, $conn:expr) => { $insert.execute($conn)? };
    (@run $insert:expr, $conn:expr, or_skip) => { $insert.on_conflict_do_nothing().execute($conn)? };
}
pub(crate) use insert_all;

/// Rows in one statement: PostgreSQL takes 65,535 values.
pub(crate) const AT_ONCE: usize = 1_000;

/// A condition in the very words of a partial index: a bound value would hide the index from the planner.
pub(crate) fn literally(condition: &str) -> SqlLiteral<Bool> {
    diesel::dsl::sql(condition)
}

/// Where the data is, by the URL's scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Url {
    /// `sqlite://path/to/file` (relative or absolute).
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`, as libpq takes it.
    Postgres(String),
}

impl Url {
    /// Reads a database URL.
    ///
    /// # Errors
    /// Any scheme but `sqlite`, `postgres` and `postgresql`: diesel would take it for a file name.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            if path.is_empty() {
                return Err("the database URL names no file: write sqlite://path/to/zelo.db".into());
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err("the database URL must begin with sqlite:// or postgres://".into())
    }

    /// The same database, with what its sessions are called at the server. SQLite has none.
    pub(crate) fn named(&self, session: &str) -> Self {
        match self {
            Self::Sqlite(_) => self.clone(),
            Self::Postgres(url) => {
                let joint = if url.contains('?') { '&' } else { '?' };
                // Of two names libpq takes the last.
                Self::Postgres(format!("{url}{joint}application_name={session}"))
            }
        }
    }

    /// The file of a SQLite database.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

/// Opens connections for a pool.
#[derive(Debug, Clone)]
pub struct Opener {
    /// Where to.
    pub url: Url,
    /// Whether a statement that writes must fail.
    pub read_only: bool,
}

// The store's own thread moves the log; SQLite would at 256 MiB.
const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; \
     PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA cache_size=-32768; \
     PRAGMA wal_autocheckpoint=65536; PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY;";

/// Connection parameters unless the URL sets them: a connection whose other side is gone ends within seconds instead of
/// a quarter of an hour.
const TIMEOUTS: [(&str, &str); 6] = [
    ("connect_timeout", "5"),
    ("keepalives", "1"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

const READS: &str = "SET default_transaction_read_only = on; SET statement_timeout = '60s'";

/// A node that stands still in the middle of a transaction (a frozen process, a paused machine) loses the transaction:
/// a revocation at another node may wait for its locks. And what is acknowledged is on the server's disk, whatever the
/// server, the database or the role is set to.
const WRITES: &str = "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '5s'; \
     DO $$ BEGIN IF current_setting('synchronous_commit') = 'off' THEN SET synchronous_commit = on; END IF; END $$";

/// Each session of this program shares this lock for its whole life: other programs' sessions are told apart by it.
const OURS: &str = "SELECT pg_advisory_lock_shared(hashtext('zelo.session'), 0)";

/// A session that waits for work may be idle for hours and must not be ended, whatever the role or the server is set
/// to. PostgreSQL before 14 ends no idle session and does not know the setting.
const NEVER_TOO_IDLE: &str = "DO $$ BEGIN PERFORM set_config('idle_session_timeout', '0', false); \
     EXCEPTION WHEN undefined_object THEN NULL; END $$";

/// Asks for the server's complaints in English, by which a full disk is known: diesel keeps no SQLSTATE. A role may ask
/// that if it is a superuser, or from PostgreSQL 15 on by `GRANT SET ON PARAMETER lc_messages`; others are answered in
/// the server's language.
const IN_ENGLISH: &str = "DO $$ BEGIN PERFORM set_config('lc_messages', 'C', false); \
     EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

/// The URL with a time limit for every wait on the network.
pub(crate) fn patient(url: &str) -> String {
    let (_, asked) = url.split_once('?').unwrap_or((url, ""));
    let asked_for = |name: &str| asked.split('&').any(|pair| pair.split('=').next() == Some(name));
    let missing = TIMEOUTS.into_iter().filter(|(name, _)| !asked_for(name));
    missing.fold(url.to_owned(), |url, (name, value)| {
        let joint = if url.contains('?') { '&' } else { '?' };
        format!("{url}{joint}{name}={value}")
    })
}

impl Opener {
    /// A fresh connection.
    ///
    /// # Errors
    /// What the backend says.
    pub fn open(&self) -> Result<Conn, ConnectionError> {
        match &self.url {
            Url::Postgres(url) => {
                let mut conn = PgConnection::establish(&patient(url))?;
                let setup = if self.read_only { READS } else { WRITES };
                for words in [setup, OURS, NEVER_TOO_IDLE, IN_ENGLISH] {
                    conn.batch_execute(words).map_err(ConnectionError::CouldntSetupConfiguration)?;
                }
                Ok(Conn::Pg(conn))
            }
            Url::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
                conn.batch_execute(SQLITE_PRAGMAS).map_err(ConnectionError::CouldntSetupConfiguration)?;
                if self.read_only {
                    conn.batch_execute("PRAGMA query_only=ON; PRAGMA cache_size=-8192;")
                        .map_err(ConnectionError::CouldntSetupConfiguration)?;
                }
                Ok(Conn::Sqlite(conn))
            }
        }
    }
}

/// A connection that stays open for long, with when it was opened.
pub struct Lasting {
    conn: Conn,
    pub(crate) opened: Moment,
    /// Whether the pool is not to have it back.
    pub(crate) given_up: bool,
}

impl From<Conn> for Lasting {
    fn from(conn: Conn) -> Self {
        Self { conn, opened: Moment::now(), given_up: false }
    }
}

impl Deref for Lasting {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Lasting {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl r2d2::ManageConnection for Opener {
    type Connection = Lasting;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Lasting, Self::Error> {
        // As of before: what the server is told while it is opened may hold for it or not.
        let opened = Moment::now();
        let conn = self.open().map_err(diesel::r2d2::Error::ConnectionError)?;
        Ok(Lasting { opened, ..conn.into() })
    }

    fn is_valid(&self, lasting: &mut Lasting) -> Result<(), Self::Error> {
        lasting.ping().map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, lasting: &mut Lasting) -> bool {
        lasting.given_up || lasting.is_broken()
    }
}

#[cfg(test)]
mod tests {
    use diesel::RunQueryDsl as _;

    use super::*;

    #[test]
    fn every_wait_for_the_network_ends_and_the_url_has_the_last_word() {
        let plain = patient("postgres://zelo@db/zelo");
        assert!(plain.starts_with("postgres://zelo@db/zelo?connect_timeout=5&keepalives=1&"), "{plain}");
        assert!(plain.ends_with("&tcp_user_timeout=10000"), "{plain}");
        let own = patient("postgres://zelo@db/zelo?sslmode=verify-full&tcp_user_timeout=3000");
        assert!(own.contains("tcp_user_timeout=3000&connect_timeout") && !own.contains("10000"), "{own}");
    }

    #[test]
    fn what_is_written_is_on_the_disk_and_nobody_waits_for_one_that_stands_still() {
        let homes = crate::testing::stores();
        let postgres = homes.iter().find_map(|home| match home.url() {
            Url::Postgres(url) => Some(url.clone()),
            Url::Sqlite(_) => None,
        });
        let Some(url) = postgres else { return };
        let joint = if url.contains('?') { '&' } else { '?' };
        for (asked, expected) in [("off", "on"), ("remote_apply", "remote_apply")] {
            let url = Url::Postgres(format!("{url}{joint}options=-csynchronous_commit%3D{asked}"));
            let Conn::Pg(mut conn) = (Opener { url, read_only: false }).open().unwrap() else {
                unreachable!()
            };
            let words = "current_setting('synchronous_commit') || ' ' || current_setting('idle_in_transaction_session_timeout')";
            let set = diesel::dsl::sql::<diesel::sql_types::Text>(words);
            assert_eq!(
                diesel::select(set).get_result::<String>(&mut conn).unwrap(),
                format!("{expected} 5s")
            );
        }
    }

    #[test]
    fn a_session_that_waits_for_work_is_ended_by_nobody_and_an_old_server_is_served_all_the_same() {
        let postgres = |home: &crate::testing::Home| match home.url() {
            Url::Postgres(url) => Some(url.clone()),
            Url::Sqlite(_) => None,
        };
        let homes = crate::testing::stores();
        let Some(url) = homes.iter().find_map(postgres) else { return };
        let joint = if url.contains('?') { '&' } else { '?' };
        let idle = Url::Postgres(format!("{url}{joint}options=-cidle_session_timeout%3D2s"));
        for read_only in [false, true] {
            let Conn::Pg(mut conn) = (Opener { url: idle.clone(), read_only }).open().unwrap() else {
                unreachable!()
            };
            let set = diesel::dsl::sql::<diesel::sql_types::Text>("current_setting('idle_session_timeout')");
            assert_eq!(diesel::select(set).get_result::<String>(&mut conn).unwrap(), "0");
            // What a server says that does not know a setting.
            conn.batch_execute(&NEVER_TOO_IDLE.replace("idle_session", "idle_unknown")).unwrap();
        }
    }

    #[test]
    fn the_server_is_asked_for_english_and_a_role_that_may_not_ask_is_served_all_the_same() {
        let postgres = |home: &crate::testing::Home| match home.url() {
            Url::Postgres(url) => Some(url.clone()),
            Url::Sqlite(_) => None,
        };
        let homes = crate::testing::stores();
        let Some(url) = homes.iter().find_map(postgres) else { return };
        let joint = if url.contains('?') { '&' } else { '?' };
        for (role, spoken) in [("", "C"), ("%20-crole%3Dpg_monitor", "POSIX")] {
            let url = Url::Postgres(format!("{url}{joint}options=-clc_messages%3DPOSIX{role}"));
            let Conn::Pg(mut conn) = (Opener { url, read_only: true }).open().unwrap() else {
                unreachable!()
            };
            let language = diesel::dsl::sql::<diesel::sql_types::Text>("current_setting('lc_messages')");
            assert_eq!(diesel::select(language).get_result::<String>(&mut conn).unwrap(), spoken);
        }
    }
}
