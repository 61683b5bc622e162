//! A command that was left at one node reaches the device at whatever node it is connected to.

use std::sync::{Arc, OnceLock};

use mqtt::gateway::Registry;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use store::Store;

/// Listens to what is committed and wakes the session; ends with the store's last signal.
pub(super) async fn watch(store: Store, registry: Arc<OnceLock<Registry>>) {
    let mut signals = store.signals();
    loop {
        match signals.recv().await {
            Ok(signal) if signal.name == "device.commanded" => {
                let device: Result<Uuid, _> = signal.subject.parse();
                if let (Ok(device), Some(registry)) = (device, registry.get()) {
                    registry.push_command(device);
                }
            }
            // A command that is missed here is asked for with the next one, or the next session.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
