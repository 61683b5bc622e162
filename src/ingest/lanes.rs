//! Two queues before the commit. Who brings much at once waits in one of their own, so that a device that is on time
//! does not wait behind a week of a thousand others; the commit serves both in turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mqtt::gateway::Delivery;
use mqtt::{Held, Room};
use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::Stats;
use super::admit::Admitted;

/// A device that brings more than this before it is answered is in arrears until none of it waits. In bytes of what
/// messages become.
const ON_TIME_BYTES: usize = 64 * 1024;
/// Room for this many messages between the gateway and the commit, in each lane…
const QUEUE: usize = 16_384;
/// …and for this many bytes of what they become once they are read: a message that decodes into many readings weighs
/// more than its payload.
pub(super) const LANE_BYTES: usize = 48 * 1024 * 1024;
/// One commit takes at most this many messages…
const GROUP_MESSAGES: usize = 4_096;
/// …and about this many readings of those who are on time…
const ON_TIME_READINGS: usize = 16_000;
/// …or this many of those in arrears: whoever is on time waits while they are written.
const ARREARS_READINGS: usize = 1_000;

/// Which queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    OnTime,
    Arrears,
}

/// A message on its way to the commit; the last of those that came together holds their room and their place.
pub(super) struct Queued {
    pub admitted: Admitted,
    pub held: Option<(Held, Place)>,
}

/// One queue's way in.
#[derive(Clone)]
pub(super) struct Entrance {
    queue: mpsc::Sender<Queued>,
    room: Arc<Room>,
}

impl Entrance {
    fn new(queue: mpsc::Sender<Queued>, bytes: usize) -> Self {
        Self { queue, room: Arc::new(Room::new(bytes)) }
    }
}

/// Both ways in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Entrances {
    on_time: Entrance,
    arrears: Entrance,
    waiting: Arc<Waiting>,
}

impl Entrances {
    /// Waits for room, and hands over what came together from one device. What it becomes is read once there is room.
    pub async fn enter(&self, together: Vec<Delivery>, bytes: usize, stats: &Stats) {
        let Some(device) = together.first().map(|delivery| delivery.device) else { return };
        let place = self.waiting.place(device, bytes).await;
        let entrance = if place.lane == Lane::OnTime { &self.on_time } else { &self.arrears };
        let mut held = Some((entrance.room.hold(bytes).await, place));
        let count = together.len();
        // A closed queue drops the deliveries: not stored, the device sends them again.
        let Ok(room) = entrance.queue.reserve_many(count).await else { return };
        Stats::add(&stats.queued, count);
        for (left, (slot, delivery)) in (0..count).rev().zip(room.zip(together)) {
            let held = if left == 0 { held.take() } else { None };
            slot.send(Queued { admitted: Admitted::from(delivery), held });
        }
    }
}

/// Both queues, as the commit takes from them.
pub(super) struct Lanes {
    on_time: mpsc::Receiver<Queued>,
    arrears: mpsc::Receiver<Queued>,
}

impl Lanes {
    /// With so many bytes of room in each lane.
    pub fn open(bytes: usize) -> (Entrances, Self) {
        let ((one, on_time), (other, arrears)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        let (one, other) = (Entrance::new(one, bytes), Entrance::new(other, bytes));
        (Entrances { on_time: one, arrears: other, waiting: Arc::default() }, Self { on_time, arrears })
    }

    /// Waits for the next message of either; `None`: nobody can bring one any more.
    pub async fn next(&mut self) -> Option<(Lane, Queued)> {
        tokio::select! {
            biased;
            Some(first) = self.on_time.recv() => Some((Lane::OnTime, first)),
            Some(first) = self.arrears.recv() => Some((Lane::Arrears, first)),
            else => None,
        }
    }

    /// What waits in the other queue than the one that was just served.
    pub fn after(&mut self, served: Lane) -> Option<(Lane, Queued)> {
        let (lane, queue) = match served {
            Lane::OnTime => (Lane::Arrears, &mut self.arrears),
            Lane::Arrears => (Lane::OnTime, &mut self.on_time),
        };
        queue.try_recv().ok().map(|first| (lane, first))
    }

    /// Fills a group with what waits in one queue.
    pub fn gather(&mut self, (lane, first): (Lane, Queued), group: &mut Group) {
        let (queue, most) = match lane {
            Lane::OnTime => (&mut self.on_time, ON_TIME_READINGS),
            Lane::Arrears => (&mut self.arrears, ARREARS_READINGS),
        };
        let (mut next, mut readings) = (Some(first), 0);
        while let Some(Queued { admitted, held }) = next {
            readings += admitted.size();
            group.messages.push(admitted);
            group.held.extend(held);
            let more = group.messages.len() < GROUP_MESSAGES && readings < most;
            next = if more { queue.try_recv().ok() } else { None };
        }
    }
}

/// What one commit takes, and the room and places that are free once it is answered.
#[derive(Default)]
pub(super) struct Group {
    pub messages: Vec<Admitted>,
    held: Vec<(Held, Place)>,
}

impl Group {
    pub fn clear(&mut self) {
        self.messages.clear();
        self.held.clear();
    }
}

/// What waits of one device.
#[derive(Debug)]
struct Share {
    bytes: usize,
    lane: Lane,
    /// Told once none of it waits.
    answered: Arc<Notify>,
}

/// What waits of each device, in either queue.
#[derive(Debug, Default)]
struct Waiting(Mutex<HashMap<Uuid, Share>>);

impl Waiting {
    fn shares(&self) -> MutexGuard<'_, HashMap<Uuid, Share>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for what a device brings now. Its messages stay in order: once in arrears, all that follows stands behind
    /// them until none of its waits, and who falls into arrears waits for what was on time (MQTT 5, 4.6:
    /// acknowledgements leave in the order of the messages).
    async fn place(self: &Arc<Self>, device: Uuid, bytes: usize) -> Place {
        loop {
            match self.try_place(device, bytes) {
                Ok(place) => return place,
                Err(answered) => answered.await,
            }
        }
    }

    fn try_place(self: &Arc<Self>, device: Uuid, bytes: usize) -> Result<Place, OwnedNotified> {
        let mut shares = self.shares();
        let share = shares.entry(device).or_insert_with(|| {
            let lane = if bytes > ON_TIME_BYTES { Lane::Arrears } else { Lane::OnTime };
            Share { bytes: 0, lane, answered: Arc::default() }
        });
        if share.lane == Lane::OnTime && share.bytes + bytes > ON_TIME_BYTES {
            return Err(Arc::clone(&share.answered).notified_owned());
        }
        share.bytes += bytes;
        Ok(Place { waiting: Arc::clone(self), device, bytes, lane: share.lane })
    }
}

/// What came together from one device, until it is answered.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Arc<Waiting>,
    device: Uuid,
    bytes: usize,
    lane: Lane,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shares = self.waiting.shares();
        let Some(share) = shares.get_mut(&self.device) else { return };
        share.bytes = share.bytes.saturating_sub(self.bytes);
        if share.bytes == 0
            && let Some(share) = shares.remove(&self.device)
        {
            share.answered.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqtt::gateway::{Protocol, Reply};
    use proptest::prelude::*;

    use super::super::weight;
    use super::*;

    fn delivery(device: u128, packet: u16, payload: Vec<u8>) -> Delivery {
        Delivery {
            device: Uuid::from_u128(device),
            session: 1,
            packet_id: Some(packet),
            qos: 1,
            resent: false,
            content_type: None,
            payload: Bytes::from(payload),
            received_at: 1_790_000_000_000_000,
            protocol: Protocol::V5,
            reply: Reply::unheard(),
        }
    }

    fn readings(count: usize) -> Vec<u8> {
        let reading = |at: usize| format!(r#"{{"ts":{},"heart_rate":72}}"#, 1_789_000_000_000 + at);
        format!("[{}]", (0..count).map(reading).collect::<Vec<_>>().join(",")).into_bytes()
    }

    async fn bring(entrances: &Entrances, delivery: Delivery) {
        let bytes = weight(&delivery);
        entrances.enter(vec![delivery], bytes, &Stats::default()).await;
    }

    fn who(group: &Group) -> Vec<u128> {
        group.messages.iter().map(|message| message.device.0.as_u128()).collect()
    }

    #[tokio::test]
    async fn what_waits_for_the_commit_is_weighed_by_what_it_becomes() {
        let (entrances, mut lanes) = Lanes::open(200_000);
        let large = delivery(1, 1, vec![b' '; 10_000]);
        let weighs = weight(&large);
        bring(&entrances, large).await;
        assert_eq!(entrances.arrears.room.used(), weighs);
        let second = tokio::spawn({
            let entrances = entrances.clone();
            async move { bring(&entrances, delivery(2, 1, vec![b' '; 10_000])).await }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished(), "it waits as it came, and is not lost");
        bring(&entrances, delivery(3, 1, vec![b' '; 100])).await;
        let mut group = Group::default();
        for expected in [3, 1, 2] {
            let next = lanes.next().await.unwrap();
            lanes.gather(next, &mut group);
            assert_eq!(who(&group), [expected], "who is on time finds room beside the others");
            group.clear();
            tokio::task::yield_now().await;
        }
        second.await.unwrap();
        assert_eq!((entrances.arrears.room.used(), entrances.on_time.room.used()), (0, 0));
        assert!(entrances.waiting.shares().is_empty());
    }

    #[tokio::test]
    async fn who_is_on_time_waits_for_one_commit_of_a_backlog_and_the_backlog_for_one_of_theirs() {
        let (entrances, mut lanes) = Lanes::open(LANE_BYTES);
        for device in 1..=20 {
            bring(&entrances, delivery(device, 1, readings(400))).await;
        }
        let first = lanes.next().await.unwrap();
        for device in 100..200 {
            bring(&entrances, delivery(device, 1, readings(1))).await;
        }
        let mut group = Group::default();
        let mut served = first.0;
        lanes.gather(first, &mut group);
        assert_eq!(who(&group), [1, 2, 3], "about a thousand readings");
        for expected in [(100..200).collect(), vec![4, 5, 6]] {
            group.clear();
            let next = lanes.after(served).unwrap();
            served = next.0;
            lanes.gather(next, &mut group);
            assert_eq!(who(&group), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever one device brings, and in whichever parts it is committed, it is taken in the order in which it came.
        #[test]
        fn the_messages_of_a_device_stay_in_their_order(
            sizes in prop::collection::vec(prop_oneof![10_usize..500, 4_000_usize..9_000], 1..60),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let taken = runtime.block_on(async {
                let (entrances, mut lanes) = Lanes::open(300_000);
                let count = sizes.len();
                tokio::spawn(async move {
                    for (packet, size) in (1..).zip(sizes) {
                        bring(&entrances, delivery(1, packet, vec![b' '; size])).await;
                    }
                });
                let (mut taken, mut served) = (Vec::new(), Lane::OnTime);
                while taken.len() < count {
                    let next = match lanes.after(served) {
                        Some(next) => next,
                        None => lanes.next().await.unwrap(),
                    };
                    served = next.0;
                    let mut group = Group::default();
                    lanes.gather(next, &mut group);
                    // More comes while it is committed.
                    for _ in 0..taken.len() % 7 {
                        tokio::task::yield_now().await;
                    }
                    taken.extend(group.messages.iter().map(|message| message.packet_id.unwrap()));
                }
                taken
            });
            prop_assert!(taken.is_sorted(), "{taken:?}");
        }
    }
}
