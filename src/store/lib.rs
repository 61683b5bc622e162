//! The only crate that knows the database: sealed rows, one writer, an audit entry with every change.

pub mod alerts;
pub mod attachments;
pub mod audit;
pub(crate) mod calendars;
pub mod consents;
pub mod db;
pub mod devices;
pub mod escalation;
pub mod health;
pub mod home;
pub mod jobs;
pub mod keys;
pub mod kpis;
pub mod live;
pub mod messages;
pub mod on_call;
pub mod patients;
pub mod people;
pub mod privacy;
pub mod readings;
pub mod rules;
pub mod sla;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod versions;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::Connection;
use diesel::r2d2::R2D2Connection;
use tokio::sync::{broadcast, watch};

pub use crate::db::conn::{Conn, Opener, Url};
pub use crate::db::error::{Error, Result};
pub use crate::db::page::before::Before;
pub use crate::db::page::{Ask, Cursor, Page};
pub use crate::db::turn::gate::Urgency;
pub use crate::db::tx::act::Act;
pub use crate::db::tx::{Actor, Signalled, Touched, Tx, View};
pub use crate::keys::seal::Place;
pub use crate::keys::secret::Secret;
pub use crate::patients::keyed::Keyed;
pub use keys::{Class, Keyring, Subject};

use crate::alerts::passed::Passed;
use crate::db::pools::{Pool, Want};
use crate::db::turn::gate::Gate;
use crate::keys::kek::Keks;
use domain::{Clock, Instant};
use health::Health;
use supervise::Threads;

/// The database and its keys. Cheap to clone; calls block, so async code hands them to a blocking thread.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// This process among the nodes on one database.
    name: String,
    url: Url,
    read: Pool,
    write: Writer,
    keys: Keyring,
    signals: broadcast::Sender<Signalled>,
    touched: Mutex<Vec<Touched>>,
    /// Announcements made here that the other nodes have still to be told.
    announced: Mutex<BTreeSet<(&'static str, String)>>,
    commits: AtomicU64,
    want: Want,
    health: Health,
    passed: Passed,
    threads: Threads,
    /// Whether what other nodes commit is heard as it happens.
    hears: watch::Sender<bool>,
}

enum Writer {
    One(Gate),
    Many(Pool),
}

const READERS: u32 = 4;
const PG_WRITERS: u32 = 8;
/// Changes that may wait for whoever holds copies in memory; with more, all copies count as changed.
const TOUCHED: usize = 4_096;
/// What is to be found out when the answer to a commit is lost with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commit {
    /// Whether the commit holds: a person waits for the answer.
    Sure,
    /// Nothing: the work is done again, and doing it twice changes nothing.
    Plain,
}

/// How often an act is tried when PostgreSQL aborts it for another transaction's sake.
const TRIES: usize = 5;
/// After this long an act is not tried again, and whoever waits is told.
const TRIES_WITHIN: Duration = Duration::from_secs(5);
/// The pause before an aborted act is tried again.
const STEP_BACK: Duration = Duration::from_millis(20);

impl Store {
    /// Opens a database whose schema is current.
    ///
    /// # Errors
    /// It cannot be reached, its schema does not fit, or its keys are not those in `keys`.
    pub fn open(url: &Url, keks: Keks) -> Result<Self> {
        let mut conn = open_one(url)?;
        db::pools::server::require_own(&mut conn, url)?;
        db::migrate::require_current(&mut conn)?;
        Self::assemble(url, conn, keks)
    }

    /// Opens a database and brings its schema to this program's version first.
    ///
    /// # Errors
    /// As [`Store::open`], and a migration that fails.
    pub fn open_migrated(url: &Url, keks: Keks) -> Result<Self> {
        let mut conn = open_one(url)?;
        db::pools::server::require_own(&mut conn, url)?;
        if let db::migrate::Fit::Ahead(_) = db::migrate::fit(&mut conn)? {
            db::migrate::require_current(&mut conn)?;
        }
        db::migrate::migrate(&mut conn)?;
        Self::assemble(url, conn, keks)
    }

    /// Opens a data directory's SQLite file with the keys beside it, for the demo and for tests.
    ///
    /// # Errors
    /// As [`Store::open_migrated`].
    pub fn open_dir(dir: &Path) -> Result<Self> {
        let url = Url::Sqlite(dir.join("zelo.db"));
        Self::open_migrated(&url, Keks::load(&dir.join("keys"))?)
    }

    fn assemble(url: &Url, mut conn: Conn, keks: Keks) -> Result<Self> {
        db::init::fit_keys(&mut conn, &keks, Clock::System.now())?;
        let name = domain::id::uuid_at(Clock::System.now()).to_string();
        let (session, want) = (db::waits::session_name(&name), Want::default());
        let opener = |read_only| Opener { url: url.named(&session), read_only };
        let read = Pool::open(opener(true), READERS, &want)?;
        let write = match url {
            Url::Sqlite(_) => Writer::One(Gate::new(conn)),
            Url::Postgres(_) => Writer::Many(Pool::open(opener(false), PG_WRITERS, &want)?),
        };
        let (signals, _) = broadcast::channel(4_096);
        let store = Self {
            inner: Arc::new(Inner {
                name,
                url: url.clone(),
                read,
                write,
                keys: Keyring::new(keks),
                signals,
                touched: Mutex::default(),
                announced: Mutex::default(),
                commits: AtomicU64::new(0),
                want,
                health: Health::default(),
                passed: Passed::default(),
                threads: Threads::default(),
                hears: watch::Sender::new(true),
            }),
        };
        live::listen::start(&store.inner)?;
        db::checkpoint::start(&store.inner)?;
        Ok(store)
    }

    /// A name that no other process on this database has.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Where the data is.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.inner.url
    }

    /// The unwrapped keys.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> &Keyring {
        &self.inner.keys
    }

    /// The threads of this node.
    #[must_use]
    pub fn threads(&self) -> &Threads {
        &self.inner.threads
    }

    /// Names and ids of what was committed, as it is committed.
    #[must_use]
    pub fn signals(&self) -> broadcast::Receiver<Signalled> {
        self.inner.signals.subscribe()
    }

    /// Whether what other nodes commit is heard here as it happens; false: copies may be old, and signals late.
    #[must_use]
    pub fn hears(&self) -> watch::Receiver<bool> {
        self.inner.hears.subscribe()
    }

    /// Tells listeners of something that is not stored (such as new readings of a patient): here at once, at other
    /// nodes a moment later and once for however often it was announced meanwhile.
    pub fn announce(&self, name: &'static str, subject: impl ToString) {
        let subject = subject.to_string();
        if let Url::Postgres(_) = &self.inner.url {
            let mut announced = self.inner.announced.lock().unwrap_or_else(PoisonError::into_inner);
            announced.insert((name, subject.clone()));
        }
        self.inner.pass_on(Signalled { id: 0, name, subject });
    }

    /// How many transactions were committed: a wake-up for whoever compares it.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.commits.load(Ordering::Relaxed)
    }

    /// Runs `f` on a read-only connection.
    ///
    /// # Errors
    /// [`Error::Busy`] when none becomes free in time, and what `f` says.
    pub fn read<T>(&self, f: impl FnOnce(&mut View<'_>) -> Result<T>) -> Result<T> {
        let mut conn = self.inner.read.get()?;
        f(&mut View { conn: &mut conn, keys: &self.inner.keys })
    }

    /// Runs `f` in a transaction that must leave an audit entry. When PostgreSQL aborts the transaction for another's
    /// sake, `f` runs again in a new one, for up to five seconds; nothing of the first try remains.
    ///
    /// # Errors
    /// What `f` says (nothing is stored), or [`Error::Unaudited`].
    pub fn write<T>(
        &self,
        actor: Actor,
        now: Instant,
        mut f: impl FnMut(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let (mut tries, began) = (TRIES, std::time::Instant::now());
        let again = |error: &Error| match self.url() {
            Url::Postgres(_) => error.may_pass() && began.elapsed() < TRIES_WITHIN,
            Url::Sqlite(_) => matches!(error, Error::GivenUp),
        };
        loop {
            let done = self.transact(Urgency::Urgent, actor, Commit::Sure, now, |tx| {
                let out = f(tx)?;
                if tx.entries == 0 { Err(Error::Unaudited) } else { Ok(out) }
            });
            tries -= 1;
            match done {
                // Let the other transaction take the rows first: without the pause both might collide in the same way
                // again.
                Err(error) if tries > 0 && again(&error) => std::thread::park_timeout(STEP_BACK),
                done => return done,
            }
        }
    }

    /// As [`Store::write`], with a single try, so that an abort by PostgreSQL is seen.
    ///
    /// # Errors
    /// As [`Store::write`], and [`Error::may_pass`].
    #[cfg(any(test, feature = "testing"))]
    pub fn once<T>(&self, actor: Actor, now: Instant, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.transact(Urgency::Urgent, actor, Commit::Plain, now, f)
    }

    /// Runs housekeeping that changes nothing an auditor would ask for (session clocks, sequencing, rolls,
    /// the ingest commit with its receipts).
    ///
    /// # Errors
    /// What `f` says; nothing is stored then.
    pub fn keep_house<T>(
        &self,
        urgency: Urgency,
        module: &'static str,
        now: Instant,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        self.transact(urgency, Actor::System(module), Commit::Plain, now, f)
    }

    fn transact<T>(
        &self,
        urgency: Urgency,
        actor: Actor,
        sort: Commit,
        now: Instant,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let done = match &self.inner.write {
            Writer::One(gate) => {
                let mut turn = gate.enter(urgency);
                // A transaction that could not be ended, as on a full disk, would swallow all that follow on this
                // connection.
                if turn.conn.is_broken() {
                    *turn.conn = open_one(&self.inner.url)?;
                }
                self.commit(&mut turn.conn, actor, sort, now, f)
            }
            Writer::Many(pool) => {
                let mut lent = pool.get()?;
                let done = self.commit(&mut lent, actor, sort, now, f);
                if let Err(Error::ReadOnly) = &done {
                    self.inner.want.outlive(std::time::Instant::now());
                }
                done
            }
        };
        self.inner.health.wrote(&done);
        done
    }

    fn commit<T>(
        &self,
        conn: &mut Conn,
        actor: Actor,
        sort: Commit,
        now: Instant,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let keys = &self.inner.keys;
        let mut after = None;
        let mut fresh = Vec::new();
        let (mut whole, mut number) = (None, None);
        let done = conn.transaction(|conn| {
            if let Actor::User { .. } | Actor::Operator = actor {
                db::waits::still::a_person_acts(conn)?;
            }
            let mut tx = Tx::new(View { conn, keys }, actor, now);
            // A panic is rolled back like an error and reported as one: left open, the transaction would swallow what
            // others commit on this connection.
            let out = catch_unwind(AssertUnwindSafe(|| f(&mut tx))).unwrap_or(Err(Error::Panicked));
            let out = out.and_then(|out| {
                db::tx::act::Logged::write(&mut tx)?;
                kpis::facts::save(&mut tx)?;
                live::signals::save(&mut tx)?;
                live::listen::announce(&mut tx, &self.inner.name)?;
                if sort == Commit::Sure {
                    number = db::doubt::number(tx.conn)?;
                }
                Ok(out)
            });
            fresh = std::mem::take(&mut tx.fresh);
            self.inner.passed.note(&tx.wanted, now, std::time::Instant::now());
            after = Some((tx.signals, tx.touched, tx.destroyed));
            whole = Some(out?);
            Ok::<(), Error>(())
        });
        let committed = match (done, number) {
            // The connection was lost during the commit: only the database knows whether it holds.
            (Err(Error::Lost), Some(number)) if whole.is_some() => {
                match db::doubt::holds(&self.inner.url, number) {
                    Some(true) => Ok(()),
                    Some(false) => Err(Error::Lost),
                    None => Err(Error::Unsure),
                }
            }
            (done, _) => done,
        };
        let out = committed.and_then(|()| whole.ok_or(Error::Unsure)).inspect_err(|_lost| {
            fresh.iter().for_each(|(subject, class, id, _)| keys.lose(*subject, *class, *id));
        })?;
        if let Some((signals, touched, destroyed)) = after {
            fresh.iter().for_each(|(subject, class, id, key)| keys.remember(*subject, *class, *id, key));
            destroyed.iter().for_each(|(subject, class)| keys.forget(*subject, *class));
            // While the turn to write is still held: the next ingest commit must see it.
            self.inner.forget(touched);
            // On PostgreSQL the signal comes back through the database, to this node as to every other.
            if let Url::Sqlite(_) = &self.inner.url {
                signals.into_iter().for_each(|signal| self.inner.pass_on(signal));
            }
        }
        self.inner.commits.fetch_add(1, Ordering::Relaxed);
        Ok(out)
    }

    /// Drops copies in this process that a change made elsewhere has outdated.
    pub fn forget(&self, touched: Touched) {
        self.inner.forget([touched]);
    }

    /// The changes since the last call, for whoever must drop copies.
    #[must_use]
    pub fn take_touched(&self) -> Vec<Touched> {
        std::mem::take(&mut *self.inner.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn forget(&self, touched: impl IntoIterator<Item = Touched>) {
        let mut all = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(touched);
        // The next commit of readings takes them. Until then, beyond a limit, drop everything.
        if all.len() > TOUCHED {
            all.clear();
            all.push(Touched::Everything);
        }
    }

    fn pass_on(&self, signal: Signalled) {
        let _nobody_listens = self.signals.send(signal);
    }
}

fn open_one(url: &Url) -> Result<Conn> {
    Opener { url: url.clone(), read_only: false }.open().map_err(|error| Error::Open(error.to_string()))
}
