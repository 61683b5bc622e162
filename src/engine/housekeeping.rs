//! Removes what has expired: snoozes, quarantine, sessions, links, stored answers, signals, jobs that are over, and whom
//! old facts are about.

use std::time::Duration;

use super::{Module, Progress};
use domain::Instant;
use store::db::idempotency;
use store::jobs::retention;
use store::keys::rewrap;
use store::kpis::facts;
use store::live::signals;
use store::people::{links, sessions, throttles};
use store::readings::{self, quarantine};
use store::{Store, Tx, Urgency, alerts};

/// How long open pages can resume their stream.
const SIGNALS_RETENTION: Duration = Duration::from_secs(24 * 3_600);
/// How long ended sessions and used links are retained.
const SIGN_INS_RETENTION: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How long a fact leads to the people in it: as long as somebody may claim damages for a service (CDC art. 27).
const FACTS_LINKED: Duration = Duration::from_secs(5 * 366 * 24 * 3_600);
/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);

/// A chore that did this much in one transaction has more to do: it goes on in the next cycle, so that others get a
/// turn in between.
const FULL: usize = 500;

type Chore = fn(&mut Tx<'_>, Instant) -> store::Result<usize>;

/// Each chore has a transaction of its own, so that one that fails does not hold up the others.
const CHORES: &[(&str, Urgency, Chore)] = &[
    ("snoozes", Urgency::Patient, |tx, _| alerts::wake(tx, 500)),
    ("quarantine", Urgency::Patient, |tx, _| quarantine::expire(tx)),
    ("sessions", Urgency::Patient, |tx, now| sessions::prune(tx, now.minus(SIGN_INS_RETENTION))),
    ("links", Urgency::Patient, |tx, now| links::prune(tx, now.minus(SIGN_INS_RETENTION))),
    ("signals", Urgency::Patient, |tx, now| signals::prune(tx, now.minus(SIGNALS_RETENTION))),
    ("facts", Urgency::Patient, |tx, now| facts::unlink_old(tx, now.minus(FACTS_LINKED))),
    ("throttles", Urgency::Patient, |tx, _| throttles::prune(tx)),
    ("answers", Urgency::Patient, |tx, _| idempotency::prune(tx)),
    ("keys", Urgency::Patient, |tx, _| rewrap::rewrap(tx)),
    ("unstamped", Urgency::Patient, readings::prune_unstamped),
    ("jobs", Urgency::Patient, |tx, now| retention::prune(tx, now.minus(retention::RETENTION))),
];

/// Housekeeping as a module.
pub struct Housekeeping {
    store: Store,
}

impl Housekeeping {
    /// Housekeeping for this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Module for Housekeeping {
    fn name(&self) -> &'static str {
        "housekeeping"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let (mut did, mut failed) = (self.store.keep_ends(now)?, None);
        let mut more = false;
        for (what, urgency, chore) in CHORES {
            match self.store.keep_house(*urgency, self.name(), now, |tx| chore(tx, now)) {
                Ok(count) => {
                    did += count;
                    more |= count >= FULL;
                }
                Err(error) => {
                    tracing::error!(%error, what, "a chore failed; the others go on");
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(Progress { did, more }), Err)
    }
}
