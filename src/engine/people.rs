//! Returns to the queue the cases of people who can no longer answer. What the transaction of their departure did not
//! return is returned here, a few cases a transaction, until none is left.

use std::time::Duration;

use super::{Module, Progress};
use domain::Instant;
use store::on_call::absences;
use store::people::departures;
use store::{Store, Urgency};

/// How often it looks for cases held by somebody who cannot answer, whatever the cause.
const LOOKS: Duration = Duration::from_secs(60);

/// Departures as a module.
pub struct Departures {
    store: Store,
    looked: Option<Instant>,
}

impl Departures {
    /// Works on the departures in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, looked: None }
    }

    fn house<T>(
        &self,
        now: Instant,
        f: impl FnOnce(&mut store::Tx<'_>) -> store::Result<T>,
    ) -> store::Result<T> {
        self.store.keep_house(Urgency::Urgent, "departures", now, f)
    }

    /// Finds people who cannot answer although no departure was noted for them: at the start, and now and then.
    fn look(&mut self, now: Instant) -> store::Result<()> {
        if self.looked.is_some_and(|at| at <= now && now.since(at) < LOOKS) {
            return Ok(());
        }
        let overlooked = self.store.read(departures::overlooked)?;
        if !overlooked.is_empty() {
            self.house(now, |tx| departures::note(tx, &overlooked))?;
        }
        self.looked = Some(now);
        Ok(())
    }

    /// Begins absences that are due. It looks in each cycle: until an absence has begun, a red may rest on somebody who
    /// is away, and nobody else is called.
    fn begin(&self, now: Instant) -> store::Result<usize> {
        let begun = self.store.read(|view| absences::begun(view, now))?;
        for (id, user) in &begun {
            self.house(now, |tx| absences::begin(tx, *id, *user))?;
        }
        Ok(begun.len())
    }
}

impl Module for Departures {
    fn name(&self) -> &'static str {
        "departures"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        self.look(now)?;
        let began = self.begin(now)?;
        if !self.store.read(departures::any)? {
            return Ok(Progress { did: began, more: began > 0 });
        }
        let did = began + self.house(now, departures::work)?;
        Ok(Progress { did, more: did > 0 })
    }
}
