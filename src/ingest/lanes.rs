//! The queues before the commit. Who brings much at once waits in one of their own, so that a device that is on time
//! does not wait behind a week of a thousand others; the commit serves both in turn. And a single message of a device of
//! which nothing waits has a way in that nobody fills with more: in a flood of thousands it is in the next commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mqtt::gateway::Delivery;
use mqtt::{Reservation, Room};
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
/// A message that is all that a device has waiting comes alone, unless it becomes more than this…
const ALONE_BYTES: usize = 32 * 1024;
/// …and has this room of its own.
const ALONE_LANE_BYTES: usize = 16 * 1024 * 1024;
/// One commit takes at most this many messages, and before them what came alone: as many at most…
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
    pub held: Option<(Reservation, Place)>,
}

/// One queue's way in.
#[derive(Clone)]
pub(super) struct Entrance {
    queue: mpsc::Sender<Queued>,
    room: Arc<Room>,
}

impl Entrance {
    fn open(messages: usize, bytes: usize) -> (Self, mpsc::Receiver<Queued>) {
        let (queue, taken) = mpsc::channel(messages);
        (Self { queue, room: Arc::new(Room::new(bytes)) }, taken)
    }
}

/// The ways in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Entrances {
    alone: Entrance,
    on_time: Entrance,
    arrears: Entrance,
    waiting: Arc<Waiting>,
}

impl Entrances {
    /// Waits for room, and hands over what came together from one device. What it becomes is read once there is room.
    pub(crate) async fn enter(&self, together: Vec<Delivery>, bytes: usize, stats: &Stats) {
        let Some(device) = together.first().map(|delivery| delivery.device) else { return };
        let place = self.waiting.place(device, bytes).await;
        let count = together.len();
        let entrance = match place.lane {
            Lane::Arrears => &self.arrears,
            Lane::OnTime if place.first && count == 1 && bytes <= ALONE_BYTES => &self.alone,
            Lane::OnTime => &self.on_time,
        };
        let mut held = Some((entrance.room.hold(bytes).await, place));
        // A closed queue drops the deliveries: not stored, the device sends them again.
        let Ok(room) = entrance.queue.reserve_many(count).await else { return };
        Stats::add(&stats.queued, count);
        for (left, (slot, delivery)) in (0..count).rev().zip(room.zip(together)) {
            let held = if left == 0 { held.take() } else { None };
            slot.send(Queued { admitted: Admitted::from(delivery), held });
        }
    }
}

/// The queues, as the commit takes from them.
pub(super) struct Lanes {
    alone: mpsc::Receiver<Queued>,
    on_time: mpsc::Receiver<Queued>,
    arrears: mpsc::Receiver<Queued>,
}

impl Lanes {
    /// With so many bytes of room in each lane.
    pub(crate) fn open(bytes: usize) -> (Entrances, Self) {
        let (one, alone) = Entrance::open(GROUP_MESSAGES, ALONE_LANE_BYTES);
        let ((two, on_time), (three, arrears)) = (Entrance::open(QUEUE, bytes), Entrance::open(QUEUE, bytes));
        let entrances = Entrances { alone: one, on_time: two, arrears: three, waiting: Arc::default() };
        (entrances, Self { alone, on_time, arrears })
    }

    /// Waits for the next message of any; `None`: nobody can bring one any more.
    pub(crate) async fn next(&mut self) -> Option<(Lane, Queued)> {
        tokio::select! {
            biased;
            Some(first) = self.alone.recv() => Some((Lane::OnTime, first)),
            Some(first) = self.on_time.recv() => Some((Lane::OnTime, first)),
            Some(first) = self.arrears.recv() => Some((Lane::Arrears, first)),
            else => None,
        }
    }

    /// What waits in the other lane than the one that was just served.
    pub(crate) fn after(&mut self, served: Lane) -> Option<(Lane, Queued)> {
        let first = match served {
            Lane::OnTime => return self.arrears.try_recv().ok().map(|first| (Lane::Arrears, first)),
            Lane::Arrears => self.alone.try_recv().or_else(|_empty| self.on_time.try_recv()),
        };
        first.ok().map(|first| (Lane::OnTime, first))
    }

    /// Fills a group with what waits in one lane.
    pub(crate) fn gather(&mut self, lane: Lane, first: Queued, group: &mut Group) {
        let most = if lane == Lane::OnTime { ON_TIME_READINGS } else { ARREARS_READINGS };
        let (mut next, mut readings) = (Some(first), 0);
        while let Some(queued) = next {
            // What came alone stands before what its device brought after it, which is not seen before it.
            while lane == Lane::OnTime
                && let Ok(alone) = self.alone.try_recv()
            {
                readings += group.take(alone);
            }
            readings += group.take(queued);
            let more = group.messages.len() < GROUP_MESSAGES && readings < most;
            let queue = if lane == Lane::OnTime { &mut self.on_time } else { &mut self.arrears };
            next = if more { queue.try_recv().ok() } else { None };
        }
    }
}

/// What one commit takes, and the room and places that are free once it is answered.
#[derive(Default)]
pub(super) struct Group {
    pub messages: Vec<Admitted>,
    held: Vec<(Reservation, Place)>,
}

impl Group {
    /// How many readings it brings.
    fn take(&mut self, Queued { admitted, held }: Queued) -> usize {
        let readings = admitted.size();
        self.messages.push(admitted);
        self.held.extend(held);
        readings
    }

    pub(crate) fn clear(&mut self) {
        self.messages.clear();
        self.held.clear();
    }
}

/// What waits of one device.
#[derive(Debug)]
struct Share {
    bytes: usize,
    lane: Lane,
    /// Notified once none of it waits.
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
        let first = share.bytes == 0;
        share.bytes += bytes;
        Ok(Place { waiting: Arc::clone(self), device, bytes, lane: share.lane, first })
    }
}

/// What came together from one device, until it is answered.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Arc<Waiting>,
    device: Uuid,
    bytes: usize,
    lane: Lane,
    /// Nothing of the device waited before it.
    first: bool,
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
            let (lane, first) = lanes.next().await.unwrap();
            lanes.gather(lane, first, &mut group);
            assert_eq!(who(&group), [expected], "who is on time finds room beside the others");
            group.clear();
            tokio::task::yield_now().await;
        }
        second.await.unwrap();
        let used = |entrance: &Entrance| entrance.room.used();
        assert_eq!([&entrances.alone, &entrances.on_time, &entrances.arrears].map(used), [0; 3]);
        assert!(entrances.waiting.shares().is_empty());
    }

    #[tokio::test]
    async fn who_is_on_time_waits_for_one_commit_of_a_backlog_and_the_backlog_for_one_of_theirs() {
        let (entrances, mut lanes) = Lanes::open(LANE_BYTES);
        for device in 1..=20 {
            bring(&entrances, delivery(device, 1, readings(400))).await;
        }
        let (mut served, first) = lanes.next().await.unwrap();
        for device in 100..200 {
            bring(&entrances, delivery(device, 1, readings(1))).await;
        }
        let mut group = Group::default();
        lanes.gather(served, first, &mut group);
        assert_eq!(who(&group), [1, 2, 3], "about a thousand readings");
        for expected in [(100..200).collect(), vec![4, 5, 6]] {
            group.clear();
            let (lane, first) = lanes.after(served).unwrap();
            served = lane;
            lanes.gather(lane, first, &mut group);
            let mut who = who(&group);
            who.sort_unstable();
            assert_eq!(who, expected);
        }
    }

    #[tokio::test]
    async fn a_single_message_is_in_the_next_commit_however_many_bring_more() {
        let (entrances, mut lanes) = Lanes::open(100_000);
        // A flood: each brings some together, so many that most of them wait for room.
        for device in 1..=40 {
            let (entrances, some) =
                (entrances.clone(), [1, 2, 3].map(|packet| delivery(device, packet, vec![b' '; 900])));
            tokio::spawn(async move {
                let bytes = some.iter().map(weight).sum();
                entrances.enter(some.into(), bytes, &Stats::default()).await;
            });
        }
        tokio::task::yield_now().await;
        bring(&entrances, delivery(99, 1, readings(1))).await;
        let mut group = Group::default();
        let (lane, first) = lanes.next().await.unwrap();
        lanes.gather(lane, first, &mut group);
        assert_eq!(who(&group).first(), Some(&99));
    }

    #[tokio::test]
    async fn what_came_alone_is_taken_before_what_its_device_brought_after_it() {
        let (entrances, mut lanes) = Lanes::open(LANE_BYTES);
        for packet in 1..=3 {
            bring(&entrances, delivery(1, packet, readings(1))).await;
        }
        let mut group = Group::default();
        // As when it looked at what came alone just before there was any.
        let second = lanes.on_time.recv().await.unwrap();
        lanes.gather(Lane::OnTime, second, &mut group);
        let packets: Vec<_> = group.messages.iter().map(|message| message.packet_id.unwrap()).collect();
        assert_eq!(packets, [1, 2, 3]);
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
                    let (lane, first) = match lanes.after(served) {
                        Some(next) => next,
                        None => lanes.next().await.unwrap(),
                    };
                    served = lane;
                    let mut group = Group::default();
                    lanes.gather(lane, first, &mut group);
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
