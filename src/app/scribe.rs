//! Writes down what happens at devices beside telemetry, many events in one transaction. One that cannot be written
//! fails alone; while nothing can be written, what a device can say again is given back to it, and what only the
//! gateway knows is stored.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mqtt::gateway::{DeviceEvent, Outcome, Registry};
use tokio::sync::mpsc::UnboundedReceiver;

use super::takeovers;
use domain::{Clock, CommandId, DeviceId};
use store::devices::{self, commands, status};
use store::health::nodes;
use store::health::standing::Standing;
use store::{Error, Result, Store, Tx, Urgency};
use supervise::Watched;

/// Events written down in one transaction.
const EVENTS: usize = 1_024;
/// Attempts at once, where another node's transaction stood in the way.
const ATTEMPTS: u32 = 5;
/// A pause before what could not be written is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// The thread that writes down what happens at devices.
pub(super) struct Scribe {
    store: Store,
    clock: Clock,
    registry: Arc<OnceLock<Registry>>,
    standing: Standing,
}

impl Scribe {
    /// Writes for the node at this place.
    pub(super) const fn new(
        store: Store,
        clock: Clock,
        registry: Arc<OnceLock<Registry>>,
        standing: Standing,
    ) -> Self {
        Self { store, clock, registry, standing }
    }

    /// Works until the gateway has ended. Each event that waits holds its share of one of the gateway's rooms: what is
    /// here is bounded in bytes although the channel is not. What a panic leaves in `events` is taken up again.
    pub(super) fn run(
        &self,
        waiting: &mut UnboundedReceiver<DeviceEvent>,
        events: &mut Vec<DeviceEvent>,
        watched: &Watched,
    ) {
        loop {
            watched.rests();
            if events.is_empty() {
                let Some(first) = waiting.blocking_recv() else { return };
                events.push(first);
            }
            // Where the node stands aside it waits, and nothing is wrong with that.
            let _stops = self.standing.wait();
            watched.works();
            while events.len() < EVENTS
                && let Ok(next) = waiting.try_recv()
            {
                events.push(next);
            }
            while let Err(error) = self.keep(events) {
                tracing::error!(%error, events = events.len(), "device events could not be written; tried again");
                if waiting.is_closed() {
                    return;
                }
                watched.rests();
                std::thread::park_timeout(PAUSE);
                watched.works();
                while let Ok(next) = waiting.try_recv() {
                    events.push(next);
                }
                // Not stored: the device says it again.
                events.retain(only_we_know);
            }
        }
    }

    /// All at once; where one is at fault, each by itself. What is written is answered and leaves `events`.
    fn keep(&self, events: &mut Vec<DeviceEvent>) -> Result<()> {
        let slot = self.standing.wait().ok_or(Error::Busy)?;
        let written = match self.house(slot, |tx| {
            events.iter().try_for_each(|event| self.write(tx, slot, event)).map(|()| vec![true; events.len()])
        }) {
            Err(error) if error.is_the_rows() => self.house(slot, |tx| self.one_by_one(tx, slot, events))?,
            written => written?,
        };
        for (event, written) in events.drain(..).zip(written) {
            match event {
                DeviceEvent::Status { reply, .. } | DeviceEvent::Reply { reply, .. } if written => {
                    reply.send(Outcome::committed());
                }
                // Not stored, or nobody waits for an answer.
                _ => {}
            }
        }
        Ok(())
    }

    fn one_by_one(&self, tx: &mut Tx<'_>, slot: u8, events: &[DeviceEvent]) -> Result<Vec<bool>> {
        let one = |event: &DeviceEvent| match tx.item(|tx| self.write(tx, slot, event)) {
            Err(error) if error.is_the_rows() => {
                tracing::error!(%error, "an event of a device cannot be written down; it is left out");
                Ok(false)
            }
            done => done.map(|()| true),
        };
        events.iter().map(one).collect()
    }

    /// In one transaction; again where another node's stood in its way.
    fn house<T>(&self, slot: u8, f: impl Fn(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let mut attempts = ATTEMPTS;
        loop {
            let done = self.store.keep_house(Urgency::Patient, "edge", self.clock.now(), |tx| {
                nodes::keep_seat(tx, slot, self.store.name())?;
                f(tx)
            });
            attempts -= 1;
            match done {
                Err(error) if error.may_pass() && attempts > 0 => {}
                Err(Error::Unseated) => {
                    self.standing.doubt();
                    return Err(Error::Unseated);
                }
                done => return done,
            }
        }
    }

    fn write(&self, tx: &mut Tx<'_>, slot: u8, event: &DeviceEvent) -> Result<()> {
        let written = match event {
            DeviceEvent::Connected { device, session, .. } => devices::connected(tx, DeviceId(*device), slot)
                .map(|_first| {
                    takeovers::announce(tx, DeviceId(*device), *session);
                }),
            DeviceEvent::Disconnected { device, will, .. } => {
                self.gone(tx, slot, DeviceId(*device), will.as_deref())
            }
            DeviceEvent::Status { device, payload, .. } => status::report(tx, DeviceId(*device), payload),
            DeviceEvent::Reply { device, payload, .. } => replied(tx, DeviceId(*device), payload),
            DeviceEvent::CommandAcked { device, id, code, .. } => {
                commands::answered(tx, DeviceId(*device), CommandId(*id), *code)
            }
        };
        match written {
            // A device that was removed meanwhile has nothing to be written down.
            Err(Error::NotFound(_)) => Ok(()),
            written => written,
        }
    }

    fn gone(&self, tx: &mut Tx<'_>, slot: u8, device: DeviceId, will: Option<&[u8]>) -> Result<()> {
        if let Some(will) = will {
            status::report(tx, device, will)?;
        }
        let still = self.registry.get().is_some_and(|registry| registry.is_connected(device.0));
        if still { Ok(()) } else { devices::disconnected(tx, device, slot) }
    }
}

fn replied(tx: &mut Tx<'_>, device: DeviceId, payload: &[u8]) -> Result<()> {
    let Ok(reply) = serde_json::from_slice::<serde_json::Value>(payload) else { return Ok(()) };
    let id = reply.get("id").and_then(|id| id.as_str()).and_then(|id| id.parse::<CommandId>().ok());
    id.map_or(Ok(()), |id| commands::reply(tx, device, id, &reply))
}

/// Whether a device would never say it again.
const fn only_we_know(event: &DeviceEvent) -> bool {
    !matches!(event, DeviceEvent::Status { .. } | DeviceEvent::Reply { .. })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mqtt::Room;
    use mqtt::gateway::{EndReason, Protocol, Reply};

    use super::*;
    use domain::{DeviceIdentity, Instant};
    use store::devices::commands::State;
    use store::health::standing::Place;
    use store::testing::{NOW, destroy_keys, seated, stores};
    use store::{Actor, Ask, Subject};

    fn device(store: &Store) -> DeviceId {
        let identity = DeviceIdentity { label: "a".into(), model: "b".into(), serial: None };
        store.write(Actor::Operator, NOW, |tx| devices::insert(tx, &identity)).unwrap().id
    }

    fn scribe(store: &Store) -> Scribe {
        seated(store);
        Scribe::new(store.clone(), Clock::driven(NOW), Arc::default(), Standing::new(Place::Seated(0)))
    }

    fn status(device: DeviceId, text: &'static str) -> DeviceEvent {
        let payload = Bytes::from_static(text.as_bytes());
        DeviceEvent::Status { device: device.0, session: 1, payload, reply: Reply::unheard() }
    }

    fn connected(device: DeviceId) -> DeviceEvent {
        let share = Arc::new(Arc::new(Room::new(1)).hold_now(1));
        let (device, at) = (device.0, NOW.micros());
        DeviceEvent::Connected { device, session: 1, protocol: Protocol::V5, at, share }
    }

    /// One device whose key is gone took the events of everybody else with it.
    #[test]
    fn one_event_that_cannot_be_written_fails_alone() {
        for store in stores() {
            let (erased, well) = (device(&store), device(&store));
            destroy_keys(&store, Subject::Device(erased));
            let mut events = vec![status(erased, "low"), connected(well), status(well, "offline")];
            events.extend((0..1_021).map(|_| status(erased, "low")));
            scribe(&store).keep(&mut events).unwrap();
            assert!(events.is_empty());
            let (reported, online) =
                store.read(|view| Ok((status::last(view, well)?, devices::get(view, well)?.online))).unwrap();
            assert_eq!((reported, online), (Some((b"offline".to_vec(), Some(NOW))), true));
        }
    }

    #[test]
    fn a_will_is_kept_and_a_refusal_is_no_acknowledgement() {
        for store in stores() {
            let id = device(&store);
            let body = serde_json::json!({ "sync": true });
            let end = NOW.plus(Duration::from_secs(60));
            let give =
                || store.write(Actor::Operator, NOW, |tx| commands::insert(tx, id, &body, end)).unwrap();
            let (refused, taken) = (give(), give());
            let share = Arc::new(Arc::new(Room::new(1)).hold_now(1));
            let acked = |command: CommandId, code| DeviceEvent::CommandAcked {
                device: id.0,
                id: command.0,
                code,
                share: Arc::clone(&share),
            };
            let will = Some(Bytes::from_static(b"offline"));
            let lost = DeviceEvent::Disconnected {
                device: id.0,
                session: 1,
                reason: EndReason::Lost,
                will,
                at: NOW.micros(),
                share: Arc::clone(&share),
            };
            // The first answer stands, whichever it is.
            let answers = [(refused, 0x83), (refused, 0), (taken, 0x10), (taken, 0x97)];
            let mut events: Vec<DeviceEvent> =
                answers.into_iter().map(|(id, code)| acked(id, code)).collect();
            events.push(lost);
            scribe(&store).keep(&mut events).unwrap();
            let states = |now: Instant| {
                let page = store.read(|view| commands::page(view, id, &Ask::default())).unwrap();
                let state = |id| page.items.iter().find(|given| given.id == id).map(|given| given.state(now));
                [state(refused), state(taken)]
            };
            assert_eq!(states(NOW), [Some(State::Refused(0x83)), Some(State::Acknowledged)]);
            let reported = store.read(|view| status::last(view, id)).unwrap();
            assert_eq!(reported, Some((b"offline".to_vec(), Some(NOW))));
        }
    }
}
