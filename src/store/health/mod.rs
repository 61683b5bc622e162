//! Watches whether the database answers and takes writes. A thread looks all the time, so a question is answered at
//! once and costs nothing.

pub mod clock;
pub mod lapses;
pub mod nodes;
pub mod schema;
pub mod standing;
pub mod waiting;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant as Moment};

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::alerts::passed::PassedOver;
use super::db::conn::Lasting;
use super::db::pools::Short;
use super::db::schema::settings;
use super::db::settings::INSTANCE;
use super::db::waits::still::{self, Slow};
use super::db::waits::{self, Waits};
use super::{Act, Conn, Error, Inner, Result, Store, Urgency, open_one};
use domain::{Clock, Instant};
use supervise::Watched;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(400);
/// A look without an answer for this long counts as a database that is away.
const SILENT: Duration = Duration::from_millis(1_500);
/// A database that refused a write counts as well again after this long without a refusal; each look tries a write.
const REFUSED: Duration = Duration::from_secs(4);
/// How long a look may take before its thread counts as stuck.
pub(super) const AT_MOST: Duration = Duration::from_secs(10);
/// Room that SQLite needs on the disk beside its file; with less, the next commits fail.
const ROOM: u64 = 1 << 20;

/// What is wrong with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    /// It does not answer.
    Silent,
    /// Its disk is full.
    Full,
    /// It answers and refuses to write.
    ReadOnly,
}

impl Ailment {
    /// What it is and what to do, for whoever keeps the node alive.
    #[must_use]
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Silent => "the database does not answer",
            Self::Full => "the database's disk is full: make room, it goes on by itself",
            Self::ReadOnly => "the database refuses to write: look at its disk and its log",
        }
    }
}

/// A problem that an operator should fix, with words that say how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The words.
    pub words: String,
    /// Whether it keeps the node from its work.
    pub stops: bool,
}

/// What was seen of the database.
#[derive(Default)]
pub(super) struct Health(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// When it last answered a look; `None`: nobody looks.
    answered: Option<Moment>,
    no_room: bool,
    /// The file beside the database that repeats what was withdrawn cannot be written.
    behind: bool,
    /// Why and when the database itself last refused a write.
    refused: Option<(Ailment, Moment)>,
    /// A statement that waits for a lock whose holder is idle.
    waits: Option<Waits>,
    /// Statements of this node that arrive slowly.
    slow: Option<Slow>,
    /// Alerts that the engine skips.
    passed: Option<PassedOver>,
    /// How many of the server's connections are in use, and how many it has.
    used: Option<Used>,
}

#[derive(Debug, Clone, Copy, QueryableByName)]
struct Used {
    #[diesel(sql_type = BigInt)]
    used: i64,
    #[diesel(sql_type = BigInt)]
    of: i64,
}

impl Health {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records how a transaction ended. A success says little: on a full disk, writes that need no new page still
    /// succeed.
    pub(super) fn wrote<T>(&self, done: &Result<T>) {
        if let Some(why) = done.as_ref().err().and_then(refusal) {
            self.seen().refused = Some((why, Moment::now()));
        }
    }

    fn ailment(&self, now: Moment) -> Option<Ailment> {
        let seen = self.seen();
        if seen.answered.is_some_and(|at| now.saturating_duration_since(at) > SILENT) {
            return Some(Ailment::Silent);
        }
        let lately = |at: Moment| now.saturating_duration_since(at) < REFUSED;
        let refused = seen.refused.filter(|(_, at)| lately(*at)).map(|(why, _)| why);
        if seen.no_room { Some(Ailment::Full) } else { refused }
    }
}

/// Whether an error says that the database takes no writes from anybody.
const fn refusal(error: &Error) -> Option<Ailment> {
    match error {
        Error::Full => Some(Ailment::Full),
        Error::ReadOnly => Some(Ailment::ReadOnly),
        _ => None,
    }
}

impl Store {
    /// Records whether `revocations.log` could not be written when it should have been.
    pub fn file_is_behind(&self, behind: bool) {
        self.inner.health.seen().behind = behind;
    }

    /// The problems of the database and of the files beside it, at most two seconds old.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        let now = Moment::now();
        let (short, ailment) = (self.inner.want.short(now), self.ailment());
        // Lack of a connection does not mean that the database is away.
        let silent = ailment == Some(Ailment::Silent);
        let ailment = ailment.filter(|_ailment| !silent || short.is_none());
        let (waits, slow, used, behind) = {
            let seen = self.inner.health.seen();
            (seen.waits.clone(), seen.slow, seen.used.map(|Used { used, of }| (used, of)), seen.behind)
        };
        let limit = self.inner.want.limit();
        let ailment = ailment.map(|ailment| Trouble { words: ailment.words().to_owned(), stops: true });
        let short =
            short.map(|short| Trouble { words: limit.words(used), stops: silent || short == Short::Starved });
        // A wait for a single row that one person wants stops nobody else.
        let stops = |waits: &Waits| waits.whole || self.threads().are_at_work(waits::LONG);
        let waits = waits.map(|waits| Trouble { stops: stops(&waits), words: waits.words() });
        let behind = behind.then(|| Trouble {
            words: "revocations.log cannot be written: look at the data directory's disk and rights"
                .to_owned(),
            stops: false,
        });
        // A thread that is held up by it is reported by name (`supervise`), and makes the node not ready.
        let slow = slow.map(|slow| Trouble { words: slow.words(), stops: false });
        ailment.into_iter().chain(short).chain(waits).chain(slow).chain(behind).collect()
    }

    /// The problem of the database, at most two seconds old.
    #[must_use]
    pub fn ailment(&self) -> Option<Ailment> {
        self.inner.health.ailment(Moment::now())
    }

    /// Alerts that the engine skips because another session holds them, as last seen.
    #[must_use]
    pub fn passed_over(&self) -> Option<PassedOver> {
        self.inner.health.seen().passed
    }

    /// Begins to look, on a thread of its own that ends with the store.
    ///
    /// # Errors
    /// The thread cannot start.
    pub fn watch_health(&self) -> std::io::Result<()> {
        let mut seen = self.inner.health.seen();
        if seen.answered.is_none() {
            seen.answered = Some(Moment::now());
            drop(seen);
            let (inner, mut eye) = (Arc::downgrade(&self.inner), Eye::default());
            drop(self.inner.threads.start("health", AT_MOST, move |watched| {
                while let Some(store) = store(&inner) {
                    watched.works();
                    look(&store, &mut eye, watched);
                    drop(store);
                    watched.rests();
                    std::thread::park_timeout(EVERY);
                }
            })?);
        }
        Ok(())
    }
}

impl Store {
    /// Records the unexpected ends of threads. Returns how many.
    ///
    /// # Errors
    /// Database errors; they are written down the next time.
    pub fn keep_ends(&self, now: Instant) -> Result<usize> {
        let ends = self.threads().take_ends();
        if ends.is_empty() {
            return Ok(0);
        }
        let recorded = self.keep_house(Urgency::Urgent, "supervise", now, |tx| {
            ends.iter().try_for_each(|end| {
                let body =
                    serde_json::json!({ "thread": end.thread, "times": end.times, "for_good": end.for_good });
                tx.audit(&Act::new("node.thread_ended").public(body))
            })
        });
        let count = ends.len();
        if recorded.is_err() {
            self.threads().give_back(ends);
        }
        recorded.map(|()| count)
    }
}

fn store(inner: &Weak<Inner>) -> Option<Store> {
    inner.upgrade().map(|inner| Store { inner })
}

/// The watcher. It has a connection of its own, for those of the pool may all be busy.
#[derive(Default)]
struct Eye {
    conn: Option<Lasting>,
    waits: waits::Watch,
    still: still::Watch,
}

/// The database's state when it was looked at.
#[derive(Default)]
struct Answer {
    waits: Option<Waits>,
    slow: Option<Slow>,
    used: Option<Used>,
    passed: Option<PassedOver>,
}

fn look(store: &Store, eye: &mut Eye, watched: &Watched) {
    let room = store.url().file().is_none_or(has_room);
    let short = store.inner.want.short(Moment::now()).is_some();
    let answers = eye.asks(store, short);
    if let Err(error) = &answers {
        eye.conn = None;
        tracing::debug!(%error, "the database did not answer a look");
        if let Error::Open(message) = error {
            store.inner.want.failed(message, Moment::now());
        }
    }
    if answers.is_ok() && !short {
        watched.works();
        store.refill();
    }
    let refused = {
        let mut seen = store.inner.health.seen();
        if let Ok(Answer { waits, slow, used, passed }) = &answers {
            seen.answered = Some(Moment::now());
            if let (None, Some(waits)) = (&seen.waits, waits) {
                tracing::warn!("{}", waits.words());
            }
            if let (None, Some(passed)) = (&seen.passed, passed) {
                tracing::error!("{}", passed.words());
            }
            if let (None, Some(slow)) = (&seen.slow, slow) {
                tracing::warn!("{}", slow.words());
            }
            (seen.waits, seen.slow) = (waits.clone(), *slow);
            (seen.used, seen.passed) = (used.or(seen.used), *passed);
        }
        if seen.no_room == room {
            tracing::warn!(room, "the room on the database's disk");
        }
        seen.no_room = !room;
        seen.refused.is_some_and(|(_, at)| at.elapsed() < REFUSED)
    };
    if refused && room && answers.is_ok() {
        watched.works();
        // Where nobody else writes, the refusal of this write is recorded like any other.
        let tried = store.keep_house(Urgency::Patient, "health", Clock::System.now(), |tx| {
            diesel::update(settings::table.find(INSTANCE))
                .set(settings::value.eq(settings::value))
                .execute(tx.conn)?;
            Ok(())
        });
        tracing::debug!(again = tried.is_ok(), "a write was tried");
    }
}

impl Eye {
    /// Asks the database the regular questions: who waits, which alerts are skipped, and, when connections are short,
    /// how many are in use.
    fn asks(&mut self, store: &Store, short: bool) -> Result<Answer> {
        let opened = match self.conn.take() {
            Some(opened) if !store.inner.want.outlived(opened.opened) => self.conn.insert(opened),
            _ => self.conn.insert(open_one(store.url())?.into()),
        };
        match &mut **opened {
            Conn::Pg(conn) => {
                let own = waits::session_name(store.name());
                let slow = self.still.look(conn, &own)?;
                let waits = self.waits.look(conn, &own)?;
                let used = if short { Some(diesel::sql_query(USED).get_result(conn)?) } else { None };
                let passed = store.inner.passed.look(conn, Moment::now());
                Ok(Answer { waits, slow, used, passed })
            }
            Conn::Sqlite(conn) => {
                settings::table.select(settings::value).limit(1).load::<String>(conn)?;
                Ok(Answer::default())
            }
        }
    }
}

const USED: &str = "SELECT COUNT(*) AS used, current_setting('max_connections')::BIGINT AS of FROM pg_stat_activity \
     WHERE backend_type = 'client backend'";

/// Whether the disk under a file has room. If that cannot be determined, the writes will tell.
fn has_room(file: &Path) -> bool {
    #[cfg(unix)]
    if let Ok(disk) = rustix::fs::statvfs(file) {
        return disk.f_bavail.saturating_mul(disk.f_frsize) >= ROOM;
    }
    true
}
