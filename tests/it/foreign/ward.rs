//! One demo that all foreign clients share, one at a time, and its beds: a patient with a device that nobody replays.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::node::{Device, Node};
use crate::support::until::until;

static SHARED: Mutex<Weak<Node>> = Mutex::new(Weak::new());
static TURN: Mutex<()> = Mutex::new(());
static NUMBER: AtomicI64 = AtomicI64::new(1);
/// Instants (milliseconds) are handed out once, so that no two clients claim the same reading.
static NEXT: Mutex<i64> = Mutex::new(0);

const PURPOSES: [&str; 3] = ["telemetry.collect", "alert.evaluate", "alert.escalate"];

pub(super) struct Bed {
    pub device: Device,
}

pub(super) struct Ward {
    node: Arc<Node>,
    pub clinician: Api,
    technician: Api,
    bed: Bed,
    refusing: Bed,
    _turn: MutexGuard<'static, ()>,
}

impl Ward {
    /// Waits for its turn; the demo ends when nobody waits any more.
    pub(super) fn enter() -> Self {
        let node = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let node = Arc::new(Node::demo());
                *shared = Arc::downgrade(&node);
                node
            })
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (clinician, technician) = (node.as_role("clinician"), node.as_role("technician"));
        let devices = &node.ready.devices;
        let free = devices.iter().rfind(|device| !device.replayed).expect("a device that nobody replays");
        let refusing =
            devices.iter().find(|device| state(&clinician, &device.patient_id).as_deref() == Some("refused"));
        let refusing = refusing.expect("a patient who refused has a device");
        let (bed, refusing) = (Bed { device: free.clone() }, Bed { device: refusing.clone() });
        let ward = Self { bed, refusing, clinician, technician, node, _turn: turn };
        ward.grant(&ward.bed);
        ward
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn bed(&self) -> &Bed {
        &self.bed
    }

    /// The bed of the patient who refused.
    pub(super) fn refusing_bed(&self) -> &Bed {
        &self.refusing
    }

    /// A number that no other client of this run has.
    pub(super) fn number(&self) -> i64 {
        NUMBER.fetch_add(1, Ordering::Relaxed)
    }

    /// An instant that no other reading of this run has.
    pub(super) fn instant(&self) -> i64 {
        self.instants(1)
    }

    /// The first of `count` milliseconds, from now on, that no other reading of this run has: what was measured
    /// before the latest grant would be refused.
    pub(super) fn instants(&self, count: i64) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "a wearable has its own clock")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let now = i64::try_from(now).unwrap();
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        let first = now.max(*next);
        *next = first + count;
        first
    }

    /// The readings of `spo2` among `count` milliseconds from `first`.
    pub(super) fn readings(&self, bed: &Bed, first: i64, count: i64) -> Vec<Value> {
        let time =
            |ms: i64| chrono::DateTime::from_timestamp_millis(ms).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ");
        self.clinician.list(&format!(
            "/api/v1/patients/{}/readings?signal=spo2&limit=1000&from={}&to={}",
            bed.device.patient_id,
            time(first),
            time(first + count)
        ))
    }

    pub(super) fn grant(&self, bed: &Bed) {
        for purpose in PURPOSES {
            let terms = self.clinician.list(&format!("/api/v1/terms?purpose={purpose}"));
            let current = terms.iter().find(|term| term["current"] == true).expect("a current term");
            let said = self.say(
                bed,
                &json!({"purpose": purpose, "action": "grant", "term_sha256": current["text_sha256"]}),
            );
            assert!(said.is_good(), "{said:?}");
        }
        until("the grant", Duration::from_secs(5), || {
            (state(&self.clinician, &bed.device.patient_id).as_deref() == Some("granted")).then_some(())
        });
    }

    pub(super) fn revoke(&self, bed: &Bed) {
        let said = self.say(bed, &json!({"purpose": "telemetry.collect", "action": "revoke"}));
        assert!(said.is_good(), "{said:?}");
    }

    /// The bed's device with another valid token, and the token's id.
    pub(super) fn another_token(&self, bed: &Bed) -> (Device, String) {
        let path = format!("/api/v1/devices/{}/tokens", bed.device.device_id);
        let given = self.technician.post(&path, &json!({})).with(201);
        let text = |member: &str| given[member].as_str().unwrap().to_owned();
        (Device { token: text("token"), ..bed.device.clone() }, text("token_id"))
    }

    pub(super) fn revoke_token(&self, device: &Device, token: &str) {
        self.technician.delete(&format!("/api/v1/devices/{}/tokens/{token}", device.device_id)).with(204);
    }

    fn say(&self, bed: &Bed, what: &Value) -> crate::support::api::Answer {
        self.clinician.post(&format!("/api/v1/patients/{}/consents", bed.device.patient_id), what)
    }
}

/// How a patient's consent to be measured stands.
fn state(api: &Api, patient: &str) -> Option<String> {
    let consents = api.list(&format!("/api/v1/patients/{patient}/consents"));
    let collect = consents.iter().find(|consent| consent["purpose"] == "telemetry.collect")?;
    collect["state"].as_str().map(str::to_owned)
}
