//! From a delivery to its answer: decode and hold against bounds ([`admit`]), then one commit for whatever is
//! queued ([`commit`]), and only then the answers.

pub mod admit;
pub mod answer;
pub mod bounds;
pub mod commit;
pub mod normal;
pub mod parts;
mod roster;
mod units;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mqtt::gateway::Delivery;
use tokio::sync::mpsc;

use crate::domain::Clock;
use crate::rules::Watchlist;
use crate::store::{self, Store};
use admit::Admitted;

/// Room for this many messages between the gateway and the commit.
const QUEUE: usize = 16_384;
/// A connection waits for room for so many of its messages at once.
const TOGETHER: usize = 64;
/// One commit takes at most this many messages…
const GROUP_MESSAGES: usize = 4_096;
/// …and about this many readings.
const GROUP_READINGS: usize = 16_000;
/// How often one patient's new readings are announced to open pages at most.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);

/// What the ingest did since the start. Counts only: nothing about whom.
#[derive(Debug, Default)]
pub struct Stats {
    /// Messages answered.
    pub messages: AtomicU64,
    /// Readings stored.
    pub readings: AtomicU64,
    /// Messages refused whole.
    pub refused: AtomicU64,
    /// Parts set aside.
    pub quarantined: AtomicU64,
    /// Commits.
    pub commits: AtomicU64,
    /// Messages that could not be stored.
    pub not_stored: AtomicU64,
    /// Messages waiting.
    pub queued: AtomicU64,
}

impl Stats {
    fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// The door that deliveries come in by. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    queue: mpsc::Sender<Admitted>,
    stats: Arc<Stats>,
}

/// What is watched, shared by the commit and the engine's replays.
pub type SharedWatchlist = Arc<Mutex<Watchlist>>;

/// How the commit runs.
pub struct Options {
    /// This node's slot, 0 to 15, in the references of its receipts.
    pub node: u8,
    /// What the organisation declared for each purpose.
    pub bases: consent::Bases,
    /// The machines, shared with the engine.
    pub watch: SharedWatchlist,
    /// Called after each commit: the engine's wake-up.
    pub committed: Box<dyn Fn() + Send>,
}

impl Ingest {
    /// Starts the thread that commits. It ends when every clone of the returned door is dropped and the
    /// queue is empty.
    ///
    /// # Errors
    /// The store cannot be read, or the thread not started.
    pub fn start(
        store: Store,
        clock: Clock,
        options: Options,
    ) -> store::Result<(Self, std::thread::JoinHandle<()>)> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let stats = Arc::new(Stats::default());
        let mut committer = commit::Committer::new(store, clock, options, Arc::clone(&stats))?;
        let thread = std::thread::Builder::new()
            .name("ingest".into())
            .spawn(move || run(&mut committer, waiting))
            .map_err(|source| store::Error::Io { what: "the ingest thread cannot start".into(), source })?;
        Ok((Self { queue, stats }, thread))
    }

    /// Takes the telemetry of one wake-up of one connection; waits for room. What comes together stays together: it is
    /// committed and answered at once.
    pub async fn take(&self, batch: Vec<Delivery>) {
        let mut batch = batch.into_iter();
        while batch.len() > 0 {
            let admitted: Vec<Admitted> = batch.by_ref().take(TOGETHER).map(Admitted::from).collect();
            let count = admitted.len();
            self.stats.queued.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
            // A closed queue drops the deliveries: not stored, the device sends them again.
            let Ok(room) = self.queue.reserve_many(count).await else { return };
            room.zip(admitted).for_each(|(place, admitted)| place.send(admitted));
        }
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }
}

fn run(committer: &mut commit::Committer, mut waiting: mpsc::Receiver<Admitted>) {
    let mut group = Vec::with_capacity(GROUP_MESSAGES);
    while let Some(first) = waiting.blocking_recv() {
        let mut readings = first.size();
        group.push(first);
        while group.len() < GROUP_MESSAGES && readings < GROUP_READINGS {
            let Ok(next) = waiting.try_recv() else { break };
            readings += next.size();
            group.push(next);
        }
        committer.commit(&mut group);
        group.clear();
    }
}

/// The lock on what is watched; a poisoned one is taken over, the series it held are replayed.
pub fn lock(watch: &SharedWatchlist) -> std::sync::MutexGuard<'_, Watchlist> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}
