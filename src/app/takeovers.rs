//! One live session per device across nodes: who let a device in says so, and every other node ends the older
//! session that it may still hold. What that session left in flight is judged by replay.

use std::sync::{Arc, OnceLock};

use mqtt::gateway::Registry;
use tokio::sync::broadcast::error::RecvError;

use domain::{Clock, DeviceId};
use store::devices::bindings;
use store::patients::audience::Audience;
use store::{Result, Store, Touched, Tx};
use supervise::blocking;

const CONNECTED: &str = "device.connected";

/// Tells every node of a device's session.
pub(super) fn announce(tx: &mut Tx<'_>, device: DeviceId, session: u64) {
    tx.tell_nodes(CONNECTED, format!("{device} {session}"));
}

/// Ends what is older here; ends itself with the store's last signal.
pub(super) async fn watch(store: Store, clock: Clock, registry: Arc<OnceLock<Registry>>) {
    let mut signals = store.signals();
    loop {
        let (device, session) = match signals.recv().await {
            Ok(signal) if signal.name == CONNECTED => match parse(&signal.subject) {
                Some(both) => both,
                None => continue,
            },
            // A session that is missed here ends with its keep-alive.
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        if registry.get().is_some_and(|registry| registry.superseded(device.0, session)) {
            let (asked, now) = (store.clone(), clock.now());
            let patient = blocking(move || asked.read(|view| patient(view, device, now)));
            if let Ok(Some(patient)) = patient.await {
                store.forget(Touched::Patient(patient));
            }
        }
    }
}

fn parse(subject: &str) -> Option<(DeviceId, u64)> {
    let (device, session) = subject.split_once(' ')?;
    Some((device.parse().ok()?, session.parse().ok()?))
}

fn patient(view: &mut store::View<'_>, device: DeviceId, now: domain::Instant) -> Result<Option<i64>> {
    let key = Audience::program().device(view, device)?.key();
    Ok(bindings::at(view, key, now)?.map(|binding| binding.patient_key))
}
