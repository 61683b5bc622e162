//! A revoked consent ends the sessions of the person's devices as soon as it is committed.

use std::sync::{Arc, OnceLock};

use consent::{Purpose, Records, State};
use mqtt::gateway::Registry;
use tokio::sync::broadcast::error::RecvError;

use crate::domain::{DeviceId, PatientId};
use crate::store::{Result, Store, bindings, devices, ledger, patients};

/// DISCONNECT "administrative action" (MQTT 5 §3.14.2.1).
const ADMINISTRATIVE_ACTION: u8 = 0x98;
const REASON: &str = "E_REVOKED LGPD art. 8 §5";

/// Listens to what is committed and disconnects; ends with the store's last signal.
pub async fn watch(store: Store, registry: Arc<OnceLock<Registry>>) {
    let mut signals = store.signals();
    loop {
        let revoked = match signals.recv().await {
            Ok(signal) if signal.name == "consent.changed" => {
                let Ok(patient) = signal.subject.parse::<PatientId>() else { continue };
                let store = store.clone();
                tokio::task::spawn_blocking(move || store.read(|view| revoked_of(view, patient))).await
            }
            Ok(_other) => continue,
            Err(RecvError::Lagged(_missed)) => {
                let store = store.clone();
                tokio::task::spawn_blocking(move || store.read(all_revoked)).await
            }
            Err(RecvError::Closed) => return,
        };
        match (revoked, registry.get()) {
            (Ok(Ok(devices)), Some(registry)) => {
                for device in devices {
                    registry.disconnect(device.0, ADMINISTRATIVE_ACTION, REASON);
                }
            }
            (Ok(Err(error)), _) => {
                tracing::error!(%error, "the devices of a revoked consent could not be read")
            }
            _ => {}
        }
    }
}

fn revoked_of(view: &mut crate::store::View<'_>, patient: PatientId) -> Result<Vec<DeviceId>> {
    let key = patients::key_of(view, patient)?;
    let state = ledger::of(view, key)?.record(Purpose::TelemetryCollect).map(|row| row.state);
    if state == Some(State::Revoked) { bound(view, key) } else { Ok(Vec::new()) }
}

fn all_revoked(view: &mut crate::store::View<'_>) -> Result<Vec<DeviceId>> {
    let mut all = Vec::new();
    for (key, _) in ledger::in_state(view, Purpose::TelemetryCollect, &[State::Revoked])? {
        all.extend(bound(view, key)?);
    }
    Ok(all)
}

fn bound(view: &mut crate::store::View<'_>, patient_key: i64) -> Result<Vec<DeviceId>> {
    let bindings = bindings::open_of_patient(view, patient_key)?;
    bindings.iter().map(|binding| devices::id_of(view, binding.device_key)).collect()
}
