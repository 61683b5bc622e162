//! Ends what has ended: snoozes, consents, quarantine, sign-ins, links, kept answers and signals.

use std::time::Duration;

use super::{Module, Progress};
use crate::domain::Instant;
use crate::store::{
    self, Store, Urgency, accesses, alerts, consents, idempotency, links, quarantine, rewrap, sessions,
    signals, telemetry, throttles,
};

/// How long open pages can resume their stream.
const SIGNALS_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long ended sign-ins and used links stay for the record.
const SIGN_INS_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);

/// Housekeeping as a module.
pub struct Housekeeping {
    store: Store,
}

impl Housekeeping {
    /// Keeps this store.
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
        let did = self.store.keep_house(Urgency::Patient, self.name(), now, |tx| {
            Ok(alerts::wake(tx, 500)?
                + quarantine::expire(tx)?
                + sessions::prune(tx, now.minus(SIGN_INS_KEPT))?
                + links::prune(tx, now.minus(SIGN_INS_KEPT))?
                + signals::prune(tx, now.minus(SIGNALS_KEPT))?
                + throttles::prune(tx)?
                + idempotency::prune(tx)?
                + accesses::prune(tx)?
                + telemetry::prune_unstamped(tx, now)?)
        })?;
        // On its own: it takes the turn of a person's act.
        let did = did + self.store.keep_house(Urgency::Urgent, self.name(), now, consents::expire)?;
        // On its own: it is about keys only, and nothing to do almost always.
        let did = did + self.store.keep_house(Urgency::Patient, self.name(), now, rewrap::rewrap)?;
        Ok(Progress { did, more: false })
    }
}
