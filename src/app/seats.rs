//! A node that lost its number and took another says again which devices are connected to it: whoever gave the old one
//! away counted them as gone.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mqtt::gateway::Registry;
use uuid::Uuid;

use domain::{Clock, DeviceId};
use store::health::nodes;
use store::health::standing::Standing;
use store::{Error, Result, Store, Urgency, devices};
use supervise::blocking;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(500);
/// Devices in one transaction.
const DEVICES: usize = 200;

/// Watches the number; never ends by itself.
pub(super) async fn watch(store: Store, clock: Clock, standing: Standing, registry: Arc<OnceLock<Registry>>) {
    let mut looks = tokio::time::interval(EVERY);
    // Announced anew after it failed midway; at the start hardly anybody is connected.
    let mut announced = None;
    loop {
        looks.tick().await;
        let (Some(slot), Some(sessions)) = (standing.number(), registry.get()) else { continue };
        if !standing.takes_part() || announced == Some(slot) {
            continue;
        }
        let (store, now, sessions) = (store.clone(), clock.now(), sessions.clone());
        let done = blocking(move || {
            sessions
                .connected()
                .chunks(DEVICES)
                .try_for_each(|some| announce(&store, now, slot, &sessions, some))
        });
        match done.await {
            Ok(()) => announced = Some(slot),
            Err(error) => tracing::warn!(%error, "connected devices were not told of yet; tried again"),
        }
    }
}

fn announce(store: &Store, now: domain::Instant, slot: u8, sessions: &Registry, some: &[Uuid]) -> Result<()> {
    store.keep_house(Urgency::Patient, "edge", now, |tx| {
        nodes::keep_seat(tx, slot, store.name())?;
        some.iter().filter(|device| sessions.is_connected(**device)).try_for_each(|device| {
            match devices::connected(tx, DeviceId(*device), slot) {
                // A device that was removed meanwhile.
                Err(Error::NotFound(_)) => Ok(()),
                done => done.map(drop),
            }
        })
    })?;
    // Whoever left in between was written down before this, or is now.
    let left: Vec<&Uuid> = some.iter().filter(|device| !sessions.is_connected(**device)).collect();
    if left.is_empty() {
        return Ok(());
    }
    store.keep_house(Urgency::Patient, "edge", now, |tx| {
        left.iter().try_for_each(|device| match devices::disconnected(tx, DeviceId(**device), slot) {
            Err(Error::NotFound(_)) => Ok(()),
            done => done,
        })
    })
}
