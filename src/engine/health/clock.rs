//! Notices steps of the wall clock: within a cycle while the program runs, and at the start when the clock is behind
//! the newest entry. The engine measures its own pauses on the steady clock, so a step delays none of them.

use crate::messages::outbox::Breakers;
use crate::{Module, Progress};
use domain::time::{Looked, Step};
use domain::{Clock, Instant};
use store::health::clock;
use store::health::clock::Back;
use store::{Store, Urgency};

/// The clock watch as a module.
pub struct Watch {
    store: Store,
    clock: Clock,
    breakers: Breakers,
    looked: Option<Looked>,
    /// A step that was noticed and not recorded yet.
    noticed: Option<Step>,
}

impl Watch {
    /// Watches this clock for this store.
    #[must_use]
    pub const fn new(store: Store, clock: Clock, breakers: Breakers) -> Self {
        Self { store, clock, breakers, looked: None, noticed: None }
    }

    /// Plans again.
    fn replan(&self, step: Step) -> store::Result<usize> {
        let house = |f: &dyn Fn(&mut store::Tx<'_>) -> store::Result<usize>| {
            self.store.keep_house(Urgency::Urgent, self.name(), self.clock.now(), |tx| f(tx))
        };
        let mut did = house(&|tx| clock::begin(tx, step))?;
        if let Some(back) = Back::of_step(step) {
            did += each_alert(&self.store, &self.clock, self.name(), back)?;
        }
        house(&|tx| clock::finish(tx, step, did).map(|()| 0))?;
        Ok(did)
    }

    fn look(&mut self, now: Instant) -> store::Result<Option<Step>> {
        match &mut self.looked {
            Some(looked) => Ok(looked.again(&self.clock)),
            None => {
                let (written, pending) =
                    self.store.read(|view| Ok((clock::written(view)?, clock::pending(view)?)))?;
                self.looked = Some(Looked::at(&self.clock));
                if pending.is_some() {
                    return Ok(pending);
                }
                let behind = written.map(|last| last.since(now)).filter(|behind| *behind > clock::BEHIND);
                let by_ms =
                    |behind: std::time::Duration| i64::try_from(behind.as_millis()).unwrap_or(i64::MAX);
                Ok(behind.map(|behind| Step { at: now, by_ms: -by_ms(behind) }))
            }
        }
    }
}

/// Brings back the plans of each alert in a transaction of its own, so that a person who acts on one waits for that one
/// only. Returns how many plans.
pub(crate) fn each_alert(
    store: &Store,
    wall: &Clock,
    module: &'static str,
    back: Back,
) -> store::Result<usize> {
    let (mut did, mut after) = (0, String::new());
    loop {
        let now = wall.now();
        let found = store.read(|view| clock::ahead(view, back, now, &after))?;
        let Some(last) = found.last() else { return Ok(did) };
        after = last.to_string();
        for alert in found {
            did +=
                store.keep_house(Urgency::Urgent, module, wall.now(), |tx| clock::replan(tx, alert, back))?;
        }
    }
}

impl Module for Watch {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        if let Some(step) = self.look(now)? {
            tracing::error!(by_ms = step.by_ms, at = %step.at, "the wall clock was stepped; look at the time service");
            self.breakers.clear();
            // A second step before the first was recorded adds to it.
            let before = self.noticed.map_or(0, |step| step.by_ms);
            self.noticed = Some(Step { by_ms: before.saturating_add(step.by_ms), ..step });
        }
        let Some(step) = self.noticed else { return Ok(Progress::default()) };
        let did = self.replan(step)?;
        self.noticed = None;
        Ok(Progress { did: did + 1, more: false })
    }
}
