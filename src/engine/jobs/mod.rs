//! Runs the jobs that people asked for, one at a time on this node, on a thread of its own: long work holds up neither a
//! cycle of the engine nor another module. What a job does is its [`Kind`]'s affair; a new kind is one file that has one,
//! and one line where the program is put together.

mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Moment};

use serde_json::Value;

use super::{Progress, Status, Wake};
use domain::Clock;
use store::health::standing::Standing;
use store::jobs::run::{self, End, Run};
use store::{Error, Store, Tx, Urgency};
use supervise::Threads;

use work::Over;
pub use work::Work;

/// Its name in the program's log and in the metrics.
const NAME: &str = "jobs";
/// How often it looks whether a job waits.
const EVERY: Duration = Duration::from_millis(500);
/// How long the work may be silent before the watchdog reports the thread as stuck: by then the lease is over.
const AT_MOST: Duration = run::LEASE;

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// In one word, as in `whole` or `broken`: it stands in the log and in clear.
    pub code: &'static str,
    /// Whole, in at most 4,096 bytes of JSON; it is sealed.
    pub result: Value,
}

/// A kind of job.
pub trait Kind: Send + Sync {
    /// Its name, such as `audit.verification`.
    fn name(&self) -> &'static str;

    /// Does the work from [`Work::checkpoint`] on, and says through [`Work::reached`] how far it is, a few times a second:
    /// that is where it hears that it must stop. It may be run again from any checkpoint, so what it does twice must
    /// change nothing.
    ///
    /// # Errors
    /// [`Error::Stopped`] as [`Work::reached`] gave it; any other: it is tried again later.
    fn run(&self, store: &Store, work: &mut Work<'_>) -> store::Result<Found>;

    /// What follows from it, in the transaction in which the job ends.
    ///
    /// # Errors
    /// Database errors: the job does not end then, and is done again.
    fn ended(&self, _tx: &mut Tx<'_>, _found: &Found) -> store::Result<()> {
        Ok(())
    }
}

/// Runs jobs.
pub struct Jobs {
    store: Store,
    clock: Clock,
    kinds: Vec<Box<dyn Kind>>,
    wake: Wake,
    standing: Option<Standing>,
    status: Status,
}

impl Jobs {
    /// Runs jobs of these kinds until the engine stops.
    #[must_use]
    pub fn new(store: Store, clock: Clock, kinds: Vec<Box<dyn Kind>>, wake: Wake, status: Status) -> Self {
        Self { store, clock, kinds, wake, standing: None, status }
    }

    /// The same, but only while the node takes part: one that stands aside puts back what it runs.
    #[must_use]
    pub fn under(self, standing: Standing) -> Self {
        Self { standing: Some(standing), ..self }
    }

    /// Takes the job that has waited longest and runs it. `beat` is called whenever the work shows that it goes on.
    ///
    /// # Errors
    /// Errors of the store, and of the work: it is tried again.
    pub fn turn(&self, beat: &dyn Fn()) -> store::Result<Progress> {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
        let now = self.clock.now();
        if !self.store.read(|view| run::is_due(view, &kinds, now))? {
            return Ok(Progress::default());
        }
        let claimed = self.keep(|tx| run::claim(tx, &kinds, self.store.name()))?;
        let Some(claimed) = claimed else { return Ok(Progress::default()) };
        let kind = self.kinds.iter().find(|kind| kind.name() == claimed.job.kind);
        let kind = kind.ok_or(Error::NotFound("kind of job"))?;
        self.run(kind.as_ref(), &claimed, beat).map(|()| Progress { did: 1, more: true })
    }

    fn run(&self, kind: &dyn Kind, claimed: &Run, beat: &dyn Fn()) -> store::Result<()> {
        let leaves = || self.leaves();
        let mut work = Work::new(&self.store, &self.clock, claimed, &leaves, beat);
        // A job that panics is treated like one that fails: the thread goes on with the others.
        let ran = catch_unwind(AssertUnwindSafe(|| kind.run(&self.store, &mut work)));
        let ran = ran.unwrap_or(Err(Error::Panicked));
        let (job, over, total) = (claimed.job.id, work.over(), work.total());
        let how = match (&ran, over) {
            (_, Some(Over::Gone)) => {
                tracing::warn!(%job, kind = kind.name(), "another node has the job by now: what was found here is dropped");
                return Ok(());
            }
            (Ok(found), _) => End::Done(found.code, &found.result, total),
            (Err(_stopped), Some(Over::Cancelled)) => End::Cancelled,
            (Err(_stopped), Some(Over::Leaving)) => End::PutBack,
            (Err(_failed), None) => End::PutOff,
        };
        let holds = self.keep(|tx| {
            let holds = run::end(tx, claimed, how)?;
            if let (true, Ok(found)) = (holds, &ran) {
                kind.ended(tx, found)?;
            }
            Ok(holds)
        })?;
        if !holds {
            tracing::warn!(%job, kind = kind.name(), "another node has the job by now: what was found here is refused");
        }
        match ran {
            Err(error) if over.is_none() => {
                let cause = std::error::Error::source(&error);
                tracing::error!(%job, kind = kind.name(), %error, ?cause, "a job failed; it is tried again");
                Err(error)
            }
            _recorded => Ok(()),
        }
    }

    fn keep<T>(&self, f: impl FnOnce(&mut Tx<'_>) -> store::Result<T>) -> store::Result<T> {
        self.store.keep_house(Urgency::Patient, NAME, self.clock.now(), f)
    }

    fn leaves(&self) -> bool {
        self.wake.stopped() || self.standing.as_ref().is_some_and(|standing| !standing.takes_part())
    }

    /// Runs jobs on a thread of its own until the engine stops. What is under way then is put back.
    ///
    /// # Errors
    /// The thread cannot start.
    pub fn start(self, threads: &Threads) -> std::io::Result<JoinHandle<()>> {
        let jobs = Arc::new(self);
        threads.start("engine-jobs", AT_MOST, move |watched| {
            while !jobs.wake.stopped() {
                watched.rests();
                jobs.wake.pause(EVERY);
                if jobs.leaves() {
                    continue;
                }
                watched.works();
                let began = Moment::now();
                let beat = || {
                    watched.works();
                    // A module that says nothing for long is late: this one is at work.
                    let goes_on = Ok(Progress { did: 0, more: true });
                    jobs.status.record(NAME, jobs.clock.now(), began.elapsed(), &goes_on);
                };
                let done = jobs.turn(&beat);
                jobs.status.record(NAME, jobs.clock.now(), began.elapsed(), &done);
            }
        })
    }
}
