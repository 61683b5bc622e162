//! The engine runs modules in cycles. A module takes no input and may run twice: it reads what is due from the store,
//! so a restart loses nothing and a wake-up carries no data.

pub mod alerts;
pub mod audit;
pub mod consents;
pub mod devices;
pub mod escalation;
pub mod health;
pub mod housekeeping;
pub mod jobs;
pub mod messages;
pub mod on_call;
pub mod people;
pub mod readings;
pub mod rules;
pub mod sla;
mod status;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use domain::time::Looked;
use domain::{Clock, Instant};
use store::health::standing::Standing;
use supervise::Threads;

pub use status::{ModuleStatus, Status};

/// The result of one cycle of a module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many things were done.
    pub did: usize,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// A part of the engine.
pub trait Module: Send {
    /// Its name in the program's log and in the metrics.
    fn name(&self) -> &'static str;

    /// The shortest interval between runs; zero: in each cycle. A module that has more to do, or failed, runs in the
    /// next cycle.
    fn every(&self) -> Duration {
        Duration::ZERO
    }

    /// One short cycle.
    ///
    /// # Errors
    /// Errors of the store; the cycle is tried again.
    fn run(&mut self, now: Instant) -> store::Result<Progress>;
}

/// How long a lane waits for a wake-up before it looks by itself: what is due by time alone is found within this.
const TICK: Duration = Duration::from_millis(250);
/// Minimum pause between cycles; commits wake the lane far more often than there is work.
const REST: Duration = Duration::from_millis(40);
/// How long one cycle of a lane may take before the watchdog reports the thread as stuck.
const AT_MOST: Duration = Duration::from_secs(120);

/// Wakes the engine and stops it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Wake(Arc<(Mutex<Called>, Condvar)>);

#[derive(Default)]
struct Called {
    times: u64,
    stop: bool,
}

impl Wake {
    /// Wakes every lane after a commit.
    pub fn wake(&self) {
        let (called, changed) = &*self.0;
        called.lock().unwrap_or_else(PoisonError::into_inner).times += 1;
        changed.notify_all();
    }

    /// Ends every lane after its cycle.
    pub fn stop(&self) {
        let (called, changed) = &*self.0;
        called.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        changed.notify_all();
    }

    /// Pauses, or returns at once when the engine stops. A wake-up does not shorten the pause.
    fn pause(&self, rest: Duration) {
        let (called, changed) = &*self.0;
        let called = called.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_timeout_while(called, rest, |called| !called.stop));
    }

    fn stopped(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).stop
    }

    /// Waits for a wake-up after the one numbered `seen`, at most `at_most`. Returns the number of wake-ups so far;
    /// `None` to stop.
    fn wait(&self, seen: u64, at_most: Duration) -> Option<u64> {
        let (called, changed) = &*self.0;
        let called = called.lock().unwrap_or_else(PoisonError::into_inner);
        let (called, _timed_out) = changed
            .wait_timeout_while(called, at_most, |called| !called.stop && called.times == seen)
            .unwrap_or_else(PoisonError::into_inner);
        (!called.stop).then_some(called.times)
    }
}

/// The modules of one thread, in the order they run.
pub struct Lane {
    name: &'static str,
    modules: Vec<Paced>,
    /// The lane pauses while the node does not take part. `None`: it always runs.
    standing: Option<Standing>,
}

/// A module, and when it last had nothing left to do, by the steady clock: setting the wall clock neither starves nor
/// floods it.
struct Paced {
    module: Box<dyn Module>,
    rested: Option<Duration>,
}

impl Paced {
    fn is_due(&self, steady: Duration) -> bool {
        self.rested.is_none_or(|rested| steady.saturating_sub(rested) >= self.module.every())
    }
}

impl Lane {
    /// A lane of modules.
    #[must_use]
    pub fn new(name: &'static str, modules: Vec<Box<dyn Module>>) -> Self {
        let modules = modules.into_iter().map(|module| Paced { module, rested: None }).collect();
        Self { name, modules, standing: None }
    }

    /// The same lane, which pauses while the node does not take part or it is unknown whether its clock is right.
    #[must_use]
    pub fn under(self, standing: Standing) -> Self {
        Self { standing: Some(standing), ..self }
    }

    /// Whether to pause now. Looks for a step of the clock first: nothing is done at a time that may be wrong.
    fn rests(&self, looked: &mut Looked, clock: &Clock) -> bool {
        let Some(standing) = &self.standing else { return false };
        if looked.again(clock).is_some() {
            standing.doubt();
        }
        !standing.takes_part()
    }

    /// Runs every module that is due once, at `now` and at `steady` on the steady clock. Returns whether any has more
    /// to do.
    pub fn cycle(&mut self, now: Instant, steady: Duration, status: &Status) -> bool {
        let mut more = false;
        for paced in self.modules.iter_mut().filter(|paced| paced.is_due(steady)) {
            let Paced { module, rested } = paced;
            let began = Moment::now();
            // A module that panics is treated like one that fails: it is tried again, and the others go on.
            let done = catch_unwind(AssertUnwindSafe(|| module.run(now)))
                .unwrap_or(Err(store::Error::corrupt("an engine module panicked")));
            *rested = done.as_ref().is_ok_and(|progress| !progress.more).then_some(steady);
            match &done {
                Ok(progress) => more |= progress.more,
                Err(error) => {
                    let cause = std::error::Error::source(error);
                    tracing::error!(module = module.name(), %error, ?cause, "an engine module failed; it is tried again");
                }
            }
            status.record(module.name(), now, began.elapsed(), &done);
        }
        more
    }

    /// Runs cycles on a thread of its own until stopped.
    ///
    /// # Errors
    /// The thread cannot start.
    pub fn start(
        mut self,
        threads: &Threads,
        clock: Clock,
        wake: Wake,
        status: Status,
    ) -> std::io::Result<std::thread::JoinHandle<()>> {
        threads.start(self.name, AT_MOST, move |watched| {
            let (mut seen, mut looked) = (0, Looked::at(&clock));
            while !wake.stopped() {
                watched.rests();
                if self.rests(&mut looked, &clock) {
                    wake.pause(TICK);
                    continue;
                }
                watched.works();
                let more = self.cycle(clock.now(), clock.steady(), &status);
                if more {
                    continue;
                }
                watched.rests();
                match wake.wait(seen, TICK) {
                    Some(times) => seen = times,
                    None => return,
                }
                wake.pause(REST);
            }
        })
    }
}
