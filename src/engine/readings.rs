//! Folds closed spans of the journal into chunks.

use super::{Module, Progress};
use domain::Instant;
use store::{Store, readings};

/// The roll as a module.
pub struct Roll {
    store: Store,
    last: Instant,
}

impl Roll {
    /// The roll of this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, last: Instant::from_micros(0) }
    }
}

impl Module for Roll {
    fn name(&self) -> &'static str {
        "roll"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        // A last pass in the future was recorded on a wrong clock: roll now.
        self.last = self.last.min(now);
        let Some(until) = self.store.read(|view| readings::due(view, now, self.last))? else {
            return Ok(Progress::default());
        };
        let rolled = readings::roll(&self.store, now, until)?;
        if !rolled.more {
            self.last = now;
        }
        Ok(Progress { did: rolled.readings, more: rolled.more })
    }
}
