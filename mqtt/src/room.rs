//! Room in bytes: what waits between two parts of the program is weighed, and who brings more waits for room. One
//! piece for every such place, so that a flood of whatever kind ends in back-pressure and never in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Who waits to read more is woken once so much is free: a few bytes would wake everybody for nothing.
const WORTH_WAKING: usize = 4096;

/// A number of bytes, shared by all who hold some. Who waits is served in the order of asking.
#[derive(Debug)]
pub struct Room {
    free: Semaphore,
    limit: usize,
    /// Bytes in use. What is handed to somebody who waits to read, and not used by them, is free all the same.
    used: AtomicUsize,
    /// Taken beyond the limit, by what had already arrived.
    owed: AtomicUsize,
}

impl Room {
    /// Room for `limit` bytes, at most 4 GiB.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = limit.min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
        Self { free: Semaphore::new(limit), limit, used: AtomicUsize::new(0), owed: AtomicUsize::new(0) }
    }

    /// Bytes in use now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether anything is free.
    #[must_use]
    pub fn has_space(&self) -> bool {
        self.used.load(Ordering::SeqCst) < self.limit
    }

    /// Waits until there is space again.
    pub async fn space(&self) {
        drop(self.free.acquire_many(permits(WORTH_WAKING.min(self.limit))).await);
    }

    /// Waits for `bytes`; for all of the room where that is less.
    pub async fn hold(self: &Arc<Self>, bytes: usize) -> Reservation {
        let bytes = bytes.min(self.limit);
        // Never closed, so there is always an answer.
        if let Ok(taken) = self.free.acquire_many(permits(bytes)).await {
            taken.forget();
        }
        self.used.fetch_add(bytes, Ordering::SeqCst);
        Reservation { room: Arc::clone(self), bytes }
    }

    /// Takes `bytes` at once, beyond the limit if need be: they have arrived already.
    pub fn hold_now(self: &Arc<Self>, bytes: usize) -> Reservation {
        self.take(bytes);
        Reservation { room: Arc::clone(self), bytes }
    }

    pub(crate) fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::SeqCst);
        let taken = self.free.forget_permits(bytes);
        if taken < bytes {
            self.owed.fetch_add(bytes - taken, Ordering::SeqCst);
        }
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::SeqCst);
        let pay = |owed: usize| (owed > 0).then(|| owed.saturating_sub(bytes));
        let owed = self.owed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, pay).unwrap_or(0);
        let free = bytes.saturating_sub(owed);
        if free > 0 {
            self.free.add_permits(free);
        }
    }
}

/// A share of a room, given back when it is dropped.
#[derive(Debug)]
#[must_use = "the share is given back when this is dropped"]
pub struct Reservation {
    room: Arc<Room>,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.room.give_back(self.bytes);
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_brings_more_waits_in_the_order_of_asking() {
        let room = Arc::new(Room::new(100));
        let first = room.hold(80).await;
        let waiting = |bytes| {
            let room = Arc::clone(&room);
            tokio::spawn(async move { room.hold(bytes).await })
        };
        let (large, small) = (waiting(90), waiting(10));
        tokio::task::yield_now().await;
        assert!(!large.is_finished() && !small.is_finished(), "the small one does not pass the large one");
        drop(first);
        drop(large.await.unwrap());
        drop(small.await.unwrap());
        assert_eq!(room.used(), 0);
        assert_eq!(room.hold(1_000).await.bytes, 100, "what is larger than the room gets all of it");
        assert_eq!(room.used(), 0);
    }

    #[test]
    fn what_arrived_is_counted_beyond_the_limit_and_paid_back_first() {
        let room = Arc::new(Room::new(100));
        let (first, second) = (room.hold_now(90), room.hold_now(90));
        assert_eq!((room.used(), room.has_space()), (180, false));
        drop(first);
        assert_eq!((room.used(), room.has_space()), (90, true));
        drop(second);
        assert_eq!((room.used(), room.has_space()), (0, true));
    }
}
