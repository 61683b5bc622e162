//! Ends what rests on a legal basis that ended without the patient's act: a period that is over, a heavier text, a
//! birthday, a guardian's authority. A few patients per transaction, so that ingest does not wait for all of them.

use std::time::Duration;

use super::{Module, Progress};
use domain::Instant;
use store::consents::{self, basis};
use store::{Store, Urgency};

/// How often every patient with an unresolved alert is checked.
const EVERY: Duration = Duration::from_secs(5);

/// The ends of legal bases as a module.
pub struct Bases {
    store: Store,
    after: i64,
}

impl Bases {
    /// Watches the bases in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, after: 0 }
    }

    /// Ends a few grants that are due.
    fn grants(&self, now: Instant) -> store::Result<usize> {
        if !self.store.read(|view| consents::any_due(view, now))? {
            return Ok(0);
        }
        self.store.keep_house(Urgency::Patient, "bases", now, consents::end_due)
    }

    /// Settles patients whose basis ended by time alone, each in a transaction of its own.
    fn patients(&mut self, now: Instant) -> store::Result<usize> {
        let (astray, next) = self.store.read(|view| basis::astray(view, self.after, now))?;
        let mut did = 0;
        for key in astray {
            did +=
                self.store.keep_house(Urgency::Patient, "bases", now, |tx| basis::settle_alone(tx, key))?;
        }
        self.after = next.unwrap_or(0);
        Ok(did)
    }
}

impl Module for Bases {
    fn name(&self) -> &'static str {
        "bases"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let ended = self.grants(now)?;
        let settled = if ended > 0 { 0 } else { self.patients(now)? };
        Ok(Progress { did: ended + settled, more: ended > 0 || self.after > 0 })
    }
}
