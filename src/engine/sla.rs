//! SLA clocks: warns when little time is left, records the breach when it is over, and begins the policy for that case.
//! What is due is read from rows, so a restart loses nothing and a second node takes what the first does not.

use std::time::Duration;

use super::{Module, Progress};
use domain::Instant;
use store::{Store, Urgency, sla};

/// Clocks worked off in one transaction.
const BATCH: i64 = 64;
/// A transaction takes no further clock after this: readings and people wait for their turn.
const TURN: Duration = Duration::from_millis(8);

/// The clocks as a module.
pub struct Deadline {
    store: Store,
}

impl Deadline {
    /// The SLA clocks of this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Module for Deadline {
    fn name(&self) -> &'static str {
        "deadline"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        if !self.store.read(|view| sla::any_due(view, now))? {
            return Ok(Progress::default());
        }
        let done =
            self.store.keep_house(Urgency::Patient, self.name(), now, |tx| sla::work(tx, BATCH, TURN))?;
        if done.spoiled > 0 {
            tracing::error!(count = done.spoiled, "SLA clocks were set aside: look at the engine's page");
        }
        Ok(Progress { did: done.acts.len(), more: done.more })
    }
}
