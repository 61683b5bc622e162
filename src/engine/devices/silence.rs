//! Tells open pages once when a device has gone quiet, so that nobody takes silence for health.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::{Module, Progress};
use domain::{DeviceId, Instant};
use store::{Store, devices};

/// A bound device not heard from for this long counts as silent.
pub const SILENT_AFTER: Duration = Duration::from_secs(900);
/// How often it looks.
const EVERY: Duration = Duration::from_secs(10);

/// Silence as a module.
pub struct Silence {
    store: Store,
    known: BTreeSet<DeviceId>,
}

impl Silence {
    /// Watches the devices in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, known: BTreeSet::new() }
    }
}

impl Module for Silence {
    fn name(&self) -> &'static str {
        "silence"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let silent = self.store.read(|view| devices::silent(view, now.minus(SILENT_AFTER)))?;
        let silent: BTreeSet<DeviceId> = silent.into_iter().collect();
        let changed: Vec<DeviceId> = silent.symmetric_difference(&self.known).copied().collect();
        changed.iter().for_each(|device| self.store.announce("device.changed", device));
        self.known = silent;
        Ok(Progress { did: changed.len(), more: false })
    }
}
