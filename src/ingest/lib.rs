//! From a delivery to its answer: decode and hold against bounds ([`admit`]), then one commit for whatever is
//! queued ([`commit`]), and only then the answers.

pub mod admit;
pub mod answer;
mod beyond;
pub mod bounds;
pub mod commit;
mod lanes;
pub mod normal;
pub mod parts;
mod roster;
mod stray;
mod units;
mod wearer;

use std::iter::Peekable;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mqtt::gateway::Delivery;

use ::domain::Clock;
use ::rules::Watchlist;
use ::store::{self, Store};
use ::supervise::Watched;
use lanes::{Entrances, Group, Lanes};
use store::health::standing::Standing;

/// What a byte of payload becomes at most, and what a message costs beside it.
const GROWS: usize = 12;
const MESSAGE_BYTES: usize = 512;
/// A connection waits for room for so many of its messages at once, and for so many bytes of what they become.
const TOGETHER: usize = 64;
const TOGETHER_BYTES: usize = 1024 * 1024;
/// A commit that takes longer, with all its attempts, is reported: no reading is taken meanwhile.
const AT_MOST: Duration = Duration::from_secs(10);
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
    entrances: Entrances,
    stats: Arc<Stats>,
}

/// What is watched, shared by the commit and the engine's replays.
pub type SharedWatchlist = Arc<Mutex<Watchlist>>;

/// How the commit runs.
pub struct Options {
    /// This node's place, and its number in the references of its receipts.
    pub standing: Standing,
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
        let (entrances, mut lanes) = Lanes::open(lanes::LANE_BYTES);
        let failed = |source| store::Error::Io { what: "the ingest thread cannot start".into(), source };
        // Without a driver: it only waits for what the connections' tasks send.
        let waits = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
        let stats = Arc::new(Stats::default());
        let threads = store.threads().clone();
        let mut committer = commit::Committer::new(store, clock, options, Arc::clone(&stats))?;
        let run = move |watched: &Watched| run(&mut committer, &waits, &mut lanes, watched);
        let thread = threads.start("ingest", AT_MOST, run).map_err(failed)?;
        Ok((Self { entrances, stats }, thread))
    }

    /// Takes the telemetry of one wake-up of one connection; waits for room. What comes together stays together: it is
    /// committed and answered at once.
    pub async fn take(&self, batch: Vec<Delivery>) {
        let mut batch = batch.into_iter().peekable();
        while batch.len() > 0 {
            let together = part(&mut batch);
            // Before they are read: what waits for room waits as it came.
            let bytes = together.iter().map(weight).sum();
            self.entrances.enter(together, bytes, &self.stats).await;
        }
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }
}

/// The next messages that are taken together, a large one alone.
fn part(batch: &mut Peekable<std::vec::IntoIter<Delivery>>) -> Vec<Delivery> {
    let mut bytes = 0;
    let mut together: Vec<Delivery> = Vec::with_capacity(batch.len().min(TOGETHER));
    while together.len() < TOGETHER {
        let fits = |next: &Delivery| together.is_empty() || bytes + weight(next) <= TOGETHER_BYTES;
        let Some(next) = batch.next_if(fits) else { break };
        bytes += weight(&next);
        together.push(next);
    }
    together
}

/// What a message takes of the queue's room.
fn weight(delivery: &Delivery) -> usize {
    delivery.payload.len().saturating_mul(GROWS).saturating_add(MESSAGE_BYTES)
}

fn run(
    committer: &mut commit::Committer,
    waits: &tokio::runtime::Runtime,
    lanes: &mut Lanes,
    watched: &Watched,
) {
    let mut group = Group::default();
    let mut served = None;
    // After a panic: what it took with it is unanswered, and comes again.
    committer.begin();
    loop {
        watched.rests();
        // The other queue has its turn after each commit, so that neither waits for the other's end.
        let next = served.and_then(|served| lanes.after(served)).or_else(|| waits.block_on(lanes.next()));
        let Some((lane, first)) = next else { return };
        watched.works();
        lanes.gather(lane, first, &mut group);
        // Unanswered is not stored: a node that stops before it takes part again took nothing.
        if committer.may_commit(watched) {
            committer.commit(&mut group.messages);
        } else {
            committer.turn_away(&mut group.messages);
        }
        group.clear();
        served = Some(lane);
    }
}

/// The lock on what is watched; a poisoned one is taken over, the series it held are replayed.
pub fn lock(watch: &SharedWatchlist) -> std::sync::MutexGuard<'_, Watchlist> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqtt::gateway::{Protocol, Reply};

    use super::*;

    fn delivery(bytes: usize) -> Delivery {
        Delivery {
            device: uuid::Uuid::nil(),
            session: 1,
            packet_id: Some(1),
            qos: 1,
            resent: false,
            content_type: None,
            payload: Bytes::from(vec![b' '; bytes]),
            received_at: 0,
            protocol: Protocol::V5,
            reply: Reply::unheard(),
        }
    }

    #[test]
    fn small_messages_wait_together_and_a_large_one_alone() {
        let sizes = [vec![100; 100], vec![200_000, 100]].concat();
        let mut batch = sizes.into_iter().map(delivery).collect::<Vec<_>>().into_iter().peekable();
        let parts: Vec<usize> =
            std::iter::from_fn(|| Some(part(&mut batch).len()).filter(|n| *n > 0)).collect();
        assert_eq!(parts, [64, 36, 1, 1]);
    }
}
