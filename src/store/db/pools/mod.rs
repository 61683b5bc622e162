//! The pools that hand out connections, and what they know of a server that has none left for them.

pub(crate) mod server;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use diesel::ConnectionError;
use r2d2::PooledConnection;

use super::conn::Opener;
use super::error::{Error, Result};
use crate::{Store, Writer};

/// A caller that waits longer for a connection gets an error.
const POOL_WAIT: Duration = Duration::from_secs(5);
/// When a caller has waited longer for one that the server refuses, the node cannot do its work.
const STARVES: Duration = Duration::from_secs(1);
/// A pool that wants a connection and is refused asks again within 2.5 s: the server has some again after so long.
const REFUSED: Duration = Duration::from_secs(4);
/// How long a node that starts waits for each connection that it may need later.
const TAKES: Duration = Duration::from_millis(500);
/// How long a pool that asked in vain for what it lost leaves it at that.
const AGAIN: Duration = Duration::from_secs(30);

/// How long a connection stays open at least on which the server takes no writes.
const OUTLIVES: Duration = Duration::from_secs(1);

/// How PostgreSQL, in the languages we know, says that it has no connection. Its SQLSTATE 53300 does not come through.
const NONE_LEFT: [&str; 6] = [
    "too many clients",
    "too many connections",
    "remaining connection slots",
    "muitos clientes",
    "muitas conexões",
    "vagas de conex",
];

/// Whose limit of connections is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// All that there are.
    Server,
    /// The share of this node's role.
    Role,
    /// The share of the database.
    Database,
}

impl Limit {
    /// What a server means that was asked for a connection; `None`: something else than that it has none.
    fn of(message: &str) -> Option<Self> {
        let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if !says(&NONE_LEFT) {
            return None;
        }
        Some(if says(&["connections for role", "conexões para role", "conexões para a role"]) {
            Self::Role
        } else if says(&["connections for database", "conexões para banco", "conexões para o banco"]) {
            Self::Database
        } else {
            Self::Server
        })
    }

    /// What it is and what to do; `used` of the server's connections are in use, of so many.
    pub(crate) fn words(self, used: Option<(i64, i64)>) -> String {
        let (detail, raise) = match self {
            Self::Server => {
                let used = used.map(|(used, of)| format!(" ({used} of {of} are in use)"));
                (used.unwrap_or_default(), "raise max_connections")
            }
            Self::Role => (
                " for this node's role (it says: too many connections for role, 53300)".to_owned(),
                "ALTER ROLE … CONNECTION LIMIT gives it more",
            ),
            Self::Database => (
                " for this node's database (it says: too many connections for database, 53300)".to_owned(),
                "ALTER DATABASE … CONNECTION LIMIT gives it more",
            ),
        };
        format!(
            "the database server has no free connection{detail}: {raise}, or let others use fewer; a node uses up to 16"
        )
    }
}

/// Connections that are wanted and missing. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Want(Arc<Mutex<Wanted>>);

#[derive(Debug, Default)]
struct Wanted {
    /// When the server last answered that it has none, and of what.
    refused: Option<(Moment, Limit)>,
    /// The callers that wait, and since when.
    waiting: Vec<Moment>,
    /// When somebody last had waited too long.
    starved: Option<Moment>,
    /// Connections that were opened before are given up: the server took no writes.
    outlived: Option<Moment>,
}

/// How short of connections this node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// Everybody has one; the next may get none.
    Some,
    /// Somebody waits for one.
    Starved,
}

impl Want {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a connection that could not be opened.
    pub(crate) fn failed(&self, message: &str, now: Moment) {
        let mut wanted = self.wanted();
        if let Some(limit) = Limit::of(message) {
            if wanted.short(now).is_none() {
                tracing::error!(said = message, "{}", limit.words(None));
            }
            wanted.refused = Some((now, limit));
        } else {
            tracing::debug!(said = message, "a connection to the database failed");
        }
    }

    /// Whether the server refuses connections that this node wants.
    pub(crate) fn short(&self, now: Moment) -> Option<Short> {
        self.wanted().short(now)
    }

    /// Notes that the server took no writes: what was opened until now is given up as soon as somebody would have it. A
    /// connection may keep that for ever which the server was set to when it was opened, or end at a server that was
    /// left since. While it lasts new ones are opened once a second and no more often.
    pub(crate) fn outlive(&self, now: Moment) {
        let mut wanted = self.wanted();
        if wanted.outlived.is_none_or(|at| now.saturating_duration_since(at) >= OUTLIVES) {
            wanted.outlived = Some(now);
        }
    }

    /// Whether a connection that was opened then is given up.
    pub(crate) fn outlived(&self, opened: Moment) -> bool {
        self.wanted().outlived.is_some_and(|at| opened <= at)
    }

    /// What the server last answered that it has no more of.
    pub(crate) fn limit(&self) -> Limit {
        self.wanted().refused.map_or(Limit::Server, |(_, limit)| limit)
    }
}

impl Wanted {
    fn short(&self, now: Moment) -> Option<Short> {
        let lately = |at: Moment| now.saturating_duration_since(at) < REFUSED;
        if !self.refused.is_some_and(|(at, _)| lately(at)) {
            return None;
        }
        let starves = self.waiting.iter().any(|since| now.saturating_duration_since(*since) >= STARVES);
        Some(if starves || self.starved.is_some_and(lately) { Short::Starved } else { Short::Some })
    }
}

impl r2d2::HandleError<diesel::r2d2::Error> for Want {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        let message = match error {
            diesel::r2d2::Error::ConnectionError(ConnectionError::BadConnection(message)) => message,
            other => other.to_string(),
        };
        self.failed(&message, Moment::now());
    }
}

/// Connections that stay open.
pub(crate) struct Pool {
    connections: r2d2::Pool<Opener>,
    want: Want,
    /// Whether it is to hold all that it may: of a node that serves.
    whole: AtomicBool,
    /// When it last asked in vain for one that it lost.
    in_vain: Mutex<Option<Moment>>,
}

/// A caller that waits.
struct Waiting<'w>(&'w Want, Moment);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let (mut wanted, now) = (self.0.wanted(), Moment::now());
        if let Some(place) = wanted.waiting.iter().position(|since| *since == self.1) {
            wanted.waiting.swap_remove(place);
        }
        if now.saturating_duration_since(self.1) >= STARVES {
            wanted.starved = Some(now);
        }
    }
}

impl Pool {
    /// A pool of at most `size`, with its first connection.
    ///
    /// # Errors
    /// [`Error::Open`]: there is none.
    pub(crate) fn open(opener: Opener, size: u32, want: &Want) -> Result<Self> {
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(POOL_WAIT)
            // What is given up is taken by others where connections are short.
            .idle_timeout(None)
            .max_lifetime(None)
            .error_handler(Box::new(want.clone()))
            .build(opener)
            .map_err(|error| Error::Open(error.to_string()))?;
        Ok(Self { connections, want: want.clone(), whole: AtomicBool::new(false), in_vain: Mutex::default() })
    }

    /// A connection, as soon as one is free.
    ///
    /// # Errors
    /// [`Error::Busy`] when none becomes free in time.
    pub(crate) fn get(&self) -> Result<PooledConnection<Opener>> {
        while let Some(free) = self.connections.try_get() {
            if let Some(good) = self.good(free) {
                return Ok(good);
            }
        }
        let now = Moment::now();
        self.want.wanted().waiting.push(now);
        let _waiting = Waiting(&self.want, now);
        loop {
            let left = POOL_WAIT.saturating_sub(now.elapsed());
            let free = self.connections.get_timeout(left).map_err(|_timeout| Error::Busy)?;
            if let Some(good) = self.good(free) {
                return Ok(good);
            }
        }
    }

    /// One that is not given up; such a one is closed.
    fn good(&self, mut free: PooledConnection<Opener>) -> Option<PooledConnection<Opener>> {
        free.given_up = self.want.outlived(free.opened);
        (!free.given_up).then_some(free)
    }

    /// Opens what it may need, as far as the server lets it. Says how many are open.
    fn fill(&self) -> u32 {
        self.whole.store(true, Ordering::Relaxed);
        let all = 0..self.connections.max_size();
        let taken: Vec<_> = all.map_while(|_| self.connections.get_timeout(TAKES).ok()).collect();
        drop(taken);
        self.connections.state().connections
    }

    /// Opens one of those that it lost, as after a restart of the server, while nobody wants any: what is open is held
    /// for that moment. r2d2 opens one only for whoever finds none free.
    fn refill(&self) {
        let (state, now) = (self.connections.state(), Moment::now());
        let mut in_vain = self.in_vain.lock().unwrap_or_else(PoisonError::into_inner);
        // r2d2 goes on by itself where it was refused, and those who work do not wait for that.
        let lately = in_vain.is_some_and(|last| now.saturating_duration_since(last) < AGAIN);
        let lacks = state.connections < self.connections.max_size();
        if !self.whole.load(Ordering::Relaxed)
            || !lacks
            || lately
            || state.idle_connections < state.connections
        {
            return;
        }
        let idle: Vec<_> = std::iter::from_fn(|| self.connections.try_get()).collect();
        let opened = self.connections.get_timeout(TAKES);
        *in_vain = opened.is_err().then_some(now);
        tracing::debug!(
            opened = opened.is_ok(),
            idle = idle.len(),
            "a connection that was lost is opened again"
        );
    }
}

impl Store {
    /// Opens every connection that this node may need and keeps them, so that it is told at the start where the server
    /// has too few, and nobody else takes them later. Nothing on SQLite.
    pub fn take_connections(&self) {
        if let Writer::Many(write) = &self.inner.write {
            let (writers, readers) = (write.fill(), self.inner.read.fill());
            tracing::debug!(writers, readers, "connections to the database");
        }
    }

    /// Opens what the pools of a node lost. Nothing on SQLite.
    pub(crate) fn refill(&self) {
        if let Writer::Many(write) = &self.inner.write {
            write.refill();
            self.inner.read.refill();
        }
    }

    /// How many connections are open to write and to read.
    #[cfg(test)]
    pub(crate) fn connections(&self) -> (u32, u32) {
        let Writer::Many(write) = &self.inner.write else { return (0, 0) };
        (write.connections.state().connections, self.inner.read.connections.state().connections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_what_the_server_refuses_starves_and_who_has_one_does_not() {
        let (want, began) = (Want::default(), Moment::now());
        let later = |millis| began + Duration::from_millis(millis);
        want.wanted().waiting.push(began);
        assert_eq!(want.short(later(1_500)), None, "a pool at work is no server without connections");
        want.failed("connection refused", later(0));
        assert_eq!(want.short(later(100)), None, "nor is one that is away");
        want.failed("FATAL:  sorry, too many clients already", later(0));
        assert_eq!(want.short(later(900)), Some(Short::Some));
        assert_eq!(want.short(later(1_000)), Some(Short::Starved));
        drop(Waiting(&want, began));
        assert_eq!(want.short(later(1_000)), Some(Short::Some));
        assert_eq!(want.short(later(4_000)), None, "it has some again");
    }

    #[test]
    fn what_was_opened_while_the_server_took_no_writes_is_given_up_and_no_more_than_once_a_second() {
        let (want, began) = (Want::default(), Moment::now());
        let later = |millis| began + Duration::from_millis(millis);
        assert!(!want.outlived(began));
        want.outlive(later(10));
        assert!(want.outlived(began) && !want.outlived(later(11)));
        want.outlive(later(900));
        assert!(!want.outlived(later(11)), "not yet again");
        want.outlive(later(1_010));
        assert!(want.outlived(later(1_010)) && !want.outlived(later(1_011)));
    }

    #[test]
    fn whose_share_is_in_use_is_told_with_what_gives_it_more() {
        for (message, limit, raise) in [
            ("FATAL:  sorry, too many clients already", Limit::Server, "raise max_connections"),
            (
                "FATAL:  remaining connection slots are reserved for …",
                Limit::Server,
                "(13 of 200 are in use)",
            ),
            ("FATAL:  desculpe, muitos clientes conectados", Limit::Server, "raise max_connections"),
            ("FATAL:  too many connections for role \"z\"", Limit::Role, "ALTER ROLE … CONNECTION LIMIT"),
            ("FATAL:  muitas conexões para role \"z\"", Limit::Role, "too many connections for role, 53300"),
            ("FATAL:  too many connections for database \"z\"", Limit::Database, "ALTER DATABASE …"),
            ("FATAL:  muitas conexões para banco de dados \"z\"", Limit::Database, "53300"),
        ] {
            assert_eq!(Limit::of(message), Some(limit), "{message}");
            let words = limit.words(Some((13, 200)));
            assert!(words.contains(raise), "{words}");
            assert_eq!(words.contains("max_connections"), limit == Limit::Server, "{words}");
        }
        assert_eq!(Limit::of("connection refused"), None);
    }
}
