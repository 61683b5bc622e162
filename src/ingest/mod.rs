//! From a delivery to its answer: decode and hold against bounds ([`admit`]), then one commit for whatever is
//! queued ([`commit`]), and only then the answers.

pub mod admit;
pub mod answer;
mod beyond;
pub mod bounds;
pub mod commit;
pub mod normal;
pub mod parts;
mod roster;
mod stray;
mod units;

use std::iter::Peekable;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mqtt::gateway::Delivery;
use mqtt::{Held, Room};
use tokio::sync::mpsc;

use crate::domain::Clock;
use crate::rules::Watchlist;
use crate::store::standing::Standing;
use crate::store::{self, Store};
use crate::supervise::Watched;
use admit::Admitted;

/// Room for this many messages between the gateway and the commit…
const QUEUE: usize = 16_384;
/// …and for this many bytes of what they become once they are read: a message that decodes into many readings weighs
/// more than its payload.
const QUEUE_BYTES: usize = 96 * 1024 * 1024;
/// What a byte of payload becomes at most, and what a message costs beside it.
const GROWS: usize = 12;
const MESSAGE_BYTES: usize = 512;
/// A connection waits for room for so many of its messages at once, and for so many bytes of what they become.
const TOGETHER: usize = 64;
const TOGETHER_BYTES: usize = 1024 * 1024;
/// One commit takes at most this many messages…
const GROUP_MESSAGES: usize = 4_096;
/// …and about this many readings.
const GROUP_READINGS: usize = 16_000;
/// How long one commit may take, with all its attempts.
const AT_MOST: Duration = Duration::from_secs(60);
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
    queue: mpsc::Sender<Queued>,
    room: Arc<Room>,
    stats: Arc<Stats>,
}

/// A message on its way to the commit; the last of those that came together holds their room.
struct Queued {
    admitted: Admitted,
    held: Option<Held>,
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
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        let stats = Arc::new(Stats::default());
        let threads = store.threads().clone();
        let mut committer = commit::Committer::new(store, clock, options, Arc::clone(&stats))?;
        let thread = threads
            .start("ingest", AT_MOST, move |watched| run(&mut committer, &mut waiting, watched))
            .map_err(|source| store::Error::Io { what: "the ingest thread cannot start".into(), source })?;
        let room = Arc::new(Room::new(QUEUE_BYTES));
        Ok((Self { queue, room, stats }, thread))
    }

    /// Takes the telemetry of one wake-up of one connection; waits for room. What comes together stays together: it is
    /// committed and answered at once.
    pub async fn take(&self, batch: Vec<Delivery>) {
        let mut batch = batch.into_iter().peekable();
        while batch.len() > 0 {
            let together = part(&mut batch);
            let count = together.len();
            // Before they are read: what waits for room waits as it came.
            let mut held = Some(self.room.hold(together.iter().map(weight).sum()).await);
            self.stats.queued.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
            // A closed queue drops the deliveries: not stored, the device sends them again.
            let Ok(room) = self.queue.reserve_many(count).await else { return };
            for (left, (place, delivery)) in (0..count).rev().zip(room.zip(together)) {
                let held = if left == 0 { held.take() } else { None };
                place.send(Queued { admitted: Admitted::from(delivery), held });
            }
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

fn run(committer: &mut commit::Committer, waiting: &mut mpsc::Receiver<Queued>, watched: &Watched) {
    let mut group = Vec::with_capacity(GROUP_MESSAGES);
    let mut held = Vec::new();
    // After a panic: what it took with it is unanswered, and comes again.
    committer.begin();
    loop {
        watched.rests();
        let Some(first) = waiting.blocking_recv() else { return };
        watched.works();
        let mut readings = 0;
        let mut next = Some(first);
        while let Some(Queued { admitted, held: share }) = next {
            readings += admitted.size();
            group.push(admitted);
            held.extend(share);
            let more = group.len() < GROUP_MESSAGES && readings < GROUP_READINGS;
            next = if more { waiting.try_recv().ok() } else { None };
        }
        // Unanswered is not stored: a node that stops before it takes part again took nothing.
        if committer.may_commit(watched) {
            committer.commit(&mut group);
        }
        group.clear();
        held.clear();
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
    fn what_waits_for_the_commit_is_weighed_by_what_it_becomes() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (queue, mut waiting) = mpsc::channel(QUEUE);
            let room = Arc::new(Room::new(200_000));
            let ingest = Ingest { queue, room: Arc::clone(&room), stats: Arc::default() };
            ingest.take(vec![delivery(10_000)]).await;
            assert_eq!(room.used(), 10_000 * GROWS + MESSAGE_BYTES);
            let second = tokio::spawn(async move { ingest.take(vec![delivery(10_000)]).await });
            tokio::task::yield_now().await;
            assert!(!second.is_finished(), "it waits as it came, and is not lost");
            // Committed and answered.
            drop(waiting.recv().await);
            second.await.unwrap();
            drop(waiting.recv().await);
            assert_eq!(room.used(), 0);
        });
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
