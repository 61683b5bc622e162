//! A revoked consent, and a device put out of use, end live sessions as soon as that is committed.

use std::sync::{Arc, OnceLock};

use consent::{Purpose, Records, State};
use mqtt::gateway::Registry;
use tokio::sync::broadcast::error::RecvError;

use crate::domain::{DeviceId, PatientId};
use crate::store::{Error, Result, Signalled, Store, View, bindings, devices, ledger, patients};

/// DISCONNECT "administrative action" (MQTT 5 §3.14.2.1).
const ADMINISTRATIVE_ACTION: u8 = 0x98;
const REVOKED: &str = "E_REVOKED LGPD art. 8 §5";
const OUT_OF_USE: &str = "the device was put out of use";

/// A device whose session is to end, and what it is told.
type Ending = (DeviceId, &'static str);

/// What may have ended sessions.
enum Changed {
    Consents(PatientId),
    Device(DeviceId),
    /// Signals were missed: anything.
    Anything,
}

/// Listens to what is committed and disconnects; ends with the store's last signal.
pub async fn watch(store: Store, registry: Arc<OnceLock<Registry>>) {
    let mut signals = store.signals();
    loop {
        let changed = match signals.recv().await {
            Ok(signal) => changed_by(&signal),
            Err(RecvError::Lagged(_missed)) => Some(Changed::Anything),
            Err(RecvError::Closed) => return,
        };
        let (Some(changed), Some(registry)) = (changed, registry.get()) else { continue };
        // Devices change all the time, mostly by leaving.
        if matches!(changed, Changed::Device(device) if !registry.is_connected(device.0)) {
            continue;
        }
        let store = store.clone();
        let endings = tokio::task::spawn_blocking(move || store.read(|view| endings(view, &changed))).await;
        match endings {
            Ok(Ok(endings)) => {
                for (device, reason) in endings {
                    registry.disconnect(device.0, ADMINISTRATIVE_ACTION, reason);
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "the sessions that are to end could not be read"),
            Err(_stopped) => {}
        }
    }
}

fn changed_by(signal: &Signalled) -> Option<Changed> {
    match signal.name {
        "consent.changed" => signal.subject.parse().ok().map(Changed::Consents),
        "device.changed" => signal.subject.parse().ok().map(Changed::Device),
        _ => None,
    }
}

fn endings(view: &mut View<'_>, changed: &Changed) -> Result<Vec<Ending>> {
    match *changed {
        Changed::Consents(patient) => Ok(told(revoked_of(view, patient)?, REVOKED)),
        Changed::Device(device) => match devices::get(view, device) {
            Ok(found) if found.disabled_at.is_none() => Ok(Vec::new()),
            Ok(_) | Err(Error::NotFound(_)) => Ok(vec![(device, OUT_OF_USE)]),
            Err(error) => Err(error),
        },
        Changed::Anything => {
            let mut all = told(all_revoked(view)?, REVOKED);
            all.extend(told(devices::disabled_online(view)?, OUT_OF_USE));
            Ok(all)
        }
    }
}

fn told(devices: Vec<DeviceId>, reason: &'static str) -> Vec<Ending> {
    devices.into_iter().map(|device| (device, reason)).collect()
}

fn revoked_of(view: &mut View<'_>, patient: PatientId) -> Result<Vec<DeviceId>> {
    let key = patients::key_of(view, patient)?;
    let state = ledger::of(view, key)?.record(Purpose::TelemetryCollect).map(|row| row.state);
    if state == Some(State::Revoked) { bound(view, key) } else { Ok(Vec::new()) }
}

fn all_revoked(view: &mut View<'_>) -> Result<Vec<DeviceId>> {
    let mut all = Vec::new();
    for (key, _) in ledger::in_state(view, Purpose::TelemetryCollect, &[State::Revoked])? {
        all.extend(bound(view, key)?);
    }
    Ok(all)
}

fn bound(view: &mut View<'_>, patient_key: i64) -> Result<Vec<DeviceId>> {
    let bindings = bindings::open_of_patient(view, patient_key)?;
    bindings.iter().map(|binding| devices::id_of(view, binding.device_key)).collect()
}
