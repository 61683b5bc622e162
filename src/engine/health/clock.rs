//! Notices when the wall clock was stepped: within a cycle while the house runs, and at the start when it is behind what
//! was written. Pauses and paces of the engine are measured on the steady clock, so that nothing waits for it.

use crate::messages::outbox::Breakers;
use crate::{Module, Progress};
use domain::time::{Looked, Step};
use domain::{Clock, Instant};
use store::health::clock;
use store::health::clock::Back;
use store::{Store, Urgency};

/// The watch over the clock as a module.
pub struct Watch {
    store: Store,
    clock: Clock,
    breakers: Breakers,
    looked: Option<Looked>,
    /// Noticed and not written down yet.
    noticed: Option<Step>,
}

impl Watch {
    /// Watches over this clock for this store.
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

/// Plans again what hangs on alerts, each by itself: nobody who acts on one waits for all. Says how many plans.
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
            // Two steps before the first was written down are one.
            let before = self.noticed.map_or(0, |step| step.by_ms);
            self.noticed = Some(Step { by_ms: before.saturating_add(step.by_ms), ..step });
        }
        let Some(step) = self.noticed else { return Ok(Progress::default()) };
        let did = self.replan(step)?;
        self.noticed = None;
        Ok(Progress { did: did + 1, more: false })
    }
}
