//! One run of a job, as its kind sees it: where it begins, how far it is, and whether it is to go on.

use std::time::Duration;

use serde_json::Value;

use domain::{Clock, Instant};
use store::jobs::run::{self, Run, Word};
use store::{Error, Store, Urgency};

/// Progress is written once in so long, however often it is reported.
const WRITTEN_EVERY: Duration = Duration::from_secs(1);
/// The node's end is asked for once in so long.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// Why a run is over before its work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Somebody asked for its end.
    Cancelled,
    /// The node stops, or stands aside.
    Leaving,
    /// The job is no longer this run's.
    Gone,
}

/// A run under way.
pub struct Work<'a> {
    store: &'a Store,
    clock: &'a Clock,
    run: &'a Run,
    leaves: &'a dyn Fn() -> bool,
    beat: &'a dyn Fn(),
    done: u64,
    total: u64,
    until: Instant,
    written: Duration,
    asked: Option<Duration>,
    fresh: Option<Value>,
    over: Option<Over>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        store: &'a Store,
        clock: &'a Clock,
        run: &'a Run,
        leaves: &'a dyn Fn() -> bool,
        beat: &'a dyn Fn(),
    ) -> Self {
        Self {
            store,
            clock,
            run,
            leaves,
            beat,
            done: run.job.done,
            total: run.job.total,
            until: run.until,
            written: clock.steady(),
            asked: None,
            fresh: None,
            over: None,
        }
    }

    pub(super) const fn over(&self) -> Option<Over> {
        self.over
    }

    /// What the job begins with, or the last checkpoint of the run before.
    #[must_use]
    pub const fn checkpoint(&self) -> Option<&Value> {
        self.run.job.checkpoint.as_ref()
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// From here another run could go on: bounded, and nothing personal. It is written with the next progress.
    pub fn save(&mut self, checkpoint: Value) {
        self.fresh = Some(checkpoint);
    }

    /// So much is done of so much. What is done never grows less within a run.
    ///
    /// # Errors
    /// [`Error::Stopped`]: the work is to end where it is.
    pub fn reached(&mut self, done: u64, total: u64) -> store::Result<()> {
        if self.over.is_some() {
            return Err(Error::Stopped);
        }
        self.total = total;
        let steady = self.clock.steady();
        if self.asked.is_some_and(|asked| steady.saturating_sub(asked) < ASKED_EVERY) {
            return Ok(());
        }
        self.asked = Some(steady);
        self.done = self.done.max(done).min(total.max(self.done));
        self.over = if (self.leaves)() {
            // What was reached is worth a write: whoever takes over goes on from there.
            self.write(total);
            self.over.or(Some(Over::Leaving))
        } else if steady.saturating_sub(self.written) >= WRITTEN_EVERY {
            self.written = steady;
            self.write(total);
            self.over
        } else {
            None
        };
        if self.over.is_some() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Of how much it last was.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    fn write(&mut self, total: u64) {
        let (run, done, fresh) = (self.run, self.done, self.fresh.as_ref());
        let now = self.clock.now();
        let answer = self
            .store
            .keep_house(Urgency::Patient, super::NAME, now, |tx| run::report(tx, run, done, total, fresh));
        match answer {
            Ok(Word::On(until)) => {
                self.until = until;
                self.fresh = None;
                (self.beat)();
            }
            Ok(Word::Cancel) => self.over = Some(Over::Cancelled),
            Ok(Word::Gone) => self.over = Some(Over::Gone),
            // A database that is away for a moment ends no work; one that is away for a whole lease does, for another node
            // may have the job by then.
            Err(error) => {
                tracing::debug!(%error, "how far a job is could not be written");
                self.over = (now >= self.until).then_some(Over::Gone);
            }
        }
    }
}
