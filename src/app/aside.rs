//! Sends the devices of a node that stands aside to another one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mqtt::gateway::Registry;

use store::health::standing::Standing;

/// DISCONNECT "use another server" (MQTT 5 §3.14.2.1).
const USE_ANOTHER_SERVER: u8 = 0x9c;
/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// Disconnects whoever is connected as long as the node stands aside.
pub(super) async fn watch(standing: Standing, registry: Arc<OnceLock<Registry>>) {
    let mut looks = tokio::time::interval(EVERY);
    loop {
        looks.tick().await;
        let sessions = registry.get().filter(|registry| registry.connected_count() > 0);
        if let (Some(_), Some(sessions)) = (standing.aside(), sessions) {
            sessions.disconnect_all(USE_ANOTHER_SERVER, "this node stands aside until its clock is right");
        }
    }
}
