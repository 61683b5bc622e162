//! Keeps this node's slot among the nodes on one PostgreSQL, and buries those that fell silent.

use std::time::Duration;

use super::{Module, Progress};
use crate::domain::Instant;
use crate::store::{self, Store, Urgency, Url, nodes};

/// How often a node says that it lives.
const EVERY: Duration = Duration::from_secs(10);

/// The slot as a module.
pub struct Seat {
    store: Store,
    slot: u8,
}

impl Seat {
    /// Keeps a slot that was taken.
    #[must_use]
    pub const fn new(store: Store, slot: u8) -> Self {
        Self { store, slot }
    }
}

impl Module for Seat {
    fn name(&self) -> &'static str {
        "seat"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let Url::Postgres(_) = self.store.url() else { return Ok(Progress::default()) };
        let (slot, id) = (self.slot, self.store.name());
        let did = self.store.keep_house(Urgency::Urgent, self.name(), now, |tx| nodes::beat(tx, slot, id))?;
        Ok(Progress { did, more: false })
    }
}
