//! The house behind the gateway: who may connect, where telemetry goes, what becomes of the rest.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use consent::{Purpose, Records};
use mqtt::gateway::{
    Backend, Command, Credentials, Delivery, DeviceEvent, Identity, Outcome, Refusal, RefusalCode, Registry,
};
use tokio::sync::mpsc;

use super::takeovers;
use crate::domain::token::Signer;
use crate::domain::{Clock, CommandId, DeviceId, Instant};
use crate::ingest::Ingest;
use crate::store::{Result, Store, Touched, Urgency, Url, bindings, commands, devices, ledger};

/// Events waiting to be written down in one transaction.
const EVENTS: usize = 1_024;
/// Attempts to write them down.
const ATTEMPTS: u32 = 5;

/// What the gateway asks.
pub struct Edge {
    store: Store,
    clock: Clock,
    tokens: Arc<Signer>,
    ingest: Ingest,
    events: mpsc::UnboundedSender<DeviceEvent>,
}

impl Edge {
    /// The backend, and the thread that writes down what happens at devices. The thread ends with the gateway.
    ///
    /// # Errors
    /// The thread cannot start.
    pub fn start(
        store: Store,
        clock: Clock,
        tokens: Arc<Signer>,
        ingest: Ingest,
        registry: Arc<OnceLock<Registry>>,
        slot: u8,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (events, waiting) = mpsc::unbounded_channel();
        let scribe = Scribe { store: store.clone(), clock: clock.clone(), registry, slot };
        let thread =
            std::thread::Builder::new().name("device-events".into()).spawn(move || scribe.run(waiting))?;
        Ok((Self { store, clock, tokens, ingest, events }, thread))
    }

    fn admit(
        &self,
        device: DeviceId,
        token: Option<&str>,
        now: Instant,
    ) -> std::result::Result<Identity, Refusal> {
        let refused = |reason: &str| Refusal { code: RefusalCode::NotAuthorized, reason: reason.to_owned() };
        let mut expires_at = None;
        let mut token_id = None;
        if let Some(token) = token {
            let claims =
                self.tokens.device(token, now).map_err(|_why| refused("the device token is not valid"))?;
            if claims.sub != device {
                return Err(refused("the device token is another device's"));
            }
            expires_at = claims.exp.map(|exp| Instant::from_secs(exp).micros());
            token_id = Some(claims.jti);
        }
        let found = self.store.read(|view| {
            let known = devices::get(view, device)?;
            let valid = match token_id {
                Some(id) => devices::token_is_valid(view, device, id, now)?,
                None => true,
            };
            let key = devices::key_of(view, device)?;
            let binding = bindings::at(view, key, now)?;
            let revoked = match &binding {
                Some(binding) => ledger::of(view, binding.patient_key)?
                    .record(Purpose::TelemetryCollect)
                    .is_some_and(|row| row.state == consent::State::Revoked),
                None => false,
            };
            Ok((known.disabled_at.is_none() && valid, revoked, binding.map(|binding| binding.patient_key)))
        });
        if let (Ok((true, false, Some(patient))), Url::Postgres(_)) = (&found, self.store.url()) {
            // Another node may have judged meanwhile: this one begins with what is stored.
            self.store.forget(Touched::Patient(*patient));
        }
        match found {
            Ok((true, false, _)) => {
                Ok(Identity { device: device.0, expires_at, token: token_id.map(|id| id.0) })
            }
            Ok((true, true, _)) => Err(refused("E_REVOKED LGPD art. 8 §5")),
            Ok((false, ..)) | Err(crate::store::Error::NotFound(_)) => {
                Err(refused("the device is not enrolled, disabled, or its token was revoked"))
            }
            Err(error) => {
                tracing::error!(%error, "a device could not be looked up");
                Err(Refusal { code: RefusalCode::ServerBusy, reason: "try again later".into() })
            }
        }
    }
}

/// The gateway's view of the house: shared, so that blocking look-ups can leave its threads.
pub struct Door(pub Arc<Edge>);

impl Backend for Door {
    async fn authenticate(&self, credentials: Credentials) -> std::result::Result<Identity, Refusal> {
        let edge = Arc::clone(&self.0);
        let now = edge.clock.now();
        let looked_up = tokio::task::spawn_blocking(move || match credentials {
            Credentials::Token { device, token } => edge.admit(DeviceId(device), Some(&token), now),
            Credentials::Certificate { cn, not_after, .. } => match cn.parse::<DeviceId>() {
                Ok(device) => edge
                    .admit(device, None, now)
                    .map(|identity| Identity { expires_at: Some(not_after), ..identity }),
                Err(_not_an_id) => Err(Refusal {
                    code: RefusalCode::NotAuthorized,
                    reason: "the certificate's common name is not a device id".into(),
                }),
            },
        });
        looked_up.await.unwrap_or_else(|_cancelled| {
            Err(Refusal { code: RefusalCode::ServerBusy, reason: "the gateway stops".into() })
        })
    }

    async fn deliver(&self, batch: Vec<Delivery>) {
        self.0.ingest.take(batch).await;
    }

    fn event(&self, event: DeviceEvent) {
        // Only fails while stopping: an unanswered reply then says not stored.
        drop(self.0.events.send(event));
    }

    async fn pending(&self, device: uuid::Uuid) -> Vec<Command> {
        let store = self.0.store.clone();
        let waiting =
            tokio::task::spawn_blocking(move || store.read(|view| commands::waiting(view, DeviceId(device))));
        match waiting.await {
            Ok(Ok(waiting)) => waiting
                .into_iter()
                .map(|command| Command {
                    id: command.id.0,
                    payload: Bytes::from(
                        serde_json::json!({ "id": command.id, "command": command.body }).to_string(),
                    ),
                    content_type: Some("application/json".into()),
                })
                .collect(),
            Ok(Err(error)) => {
                tracing::error!(%error, "the commands of a device could not be read");
                Vec::new()
            }
            Err(_cancelled) => Vec::new(),
        }
    }

    fn now(&self) -> i64 {
        self.0.clock.now().micros()
    }
}

/// Writes down what happens at devices.
struct Scribe {
    store: Store,
    clock: Clock,
    registry: Arc<OnceLock<Registry>>,
    slot: u8,
}

impl Scribe {
    fn run(&self, mut waiting: mpsc::UnboundedReceiver<DeviceEvent>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut events = vec![first];
            while events.len() < EVENTS
                && let Ok(next) = waiting.try_recv()
            {
                events.push(next);
            }
            let written = self.keep(&events);
            match written {
                Ok(()) => {
                    let now = self.clock.now();
                    events.into_iter().for_each(|event| self.answer(event, now));
                }
                Err(error) => tracing::error!(%error, "device events could not be written"),
            }
        }
    }

    /// In one transaction; again where another node's stood in its way.
    fn keep(&self, events: &[DeviceEvent]) -> Result<()> {
        let mut attempts = ATTEMPTS;
        loop {
            let kept = self.store.keep_house(Urgency::Patient, "edge", self.clock.now(), |tx| {
                for event in events {
                    match self.write(tx, event) {
                        // A device that was removed meanwhile has nothing to be written down.
                        Ok(()) | Err(crate::store::Error::NotFound(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            });
            attempts -= 1;
            match kept {
                Err(error) if error.may_pass() && attempts > 0 => {}
                kept => return kept,
            }
        }
    }

    fn write(&self, tx: &mut crate::store::Tx<'_>, event: &DeviceEvent) -> Result<()> {
        match event {
            DeviceEvent::Connected { device, session, .. } => {
                devices::connected(tx, DeviceId(*device), self.slot)?;
                takeovers::announce(tx, DeviceId(*device), *session);
                Ok(())
            }
            DeviceEvent::Disconnected { device, will, .. } => {
                let still = self.registry.get().is_some_and(|registry| registry.is_connected(*device));
                if let Some(will) = will {
                    devices::report_status(tx, DeviceId(*device), will)?;
                }
                if still { Ok(()) } else { devices::disconnected(tx, DeviceId(*device), self.slot) }
            }
            DeviceEvent::Status { device, payload, .. } => {
                devices::report_status(tx, DeviceId(*device), payload)
            }
            DeviceEvent::Reply { device, payload, .. } => {
                let Ok(reply) = serde_json::from_slice::<serde_json::Value>(payload) else { return Ok(()) };
                let id =
                    reply.get("id").and_then(|id| id.as_str()).and_then(|id| id.parse::<CommandId>().ok());
                match id {
                    Some(id) => commands::reply(tx, DeviceId(*device), id, &reply),
                    None => Ok(()),
                }
            }
            DeviceEvent::CommandAcked { device, id, .. } => {
                commands::acknowledge(tx, DeviceId(*device), CommandId(*id))
            }
            DeviceEvent::WrongTopic { .. } => Ok(()),
        }
    }

    fn answer(&self, event: DeviceEvent, now: Instant) {
        match event {
            DeviceEvent::Status { reply, .. } | DeviceEvent::Reply { reply, .. } => {
                reply.send(Outcome::committed())
            }
            DeviceEvent::WrongTopic { device, packet_id, payload, .. } => {
                if let Some(registry) = self.registry.get() {
                    registry.notice(device, foreign_topic(now, packet_id, &payload));
                }
            }
            _ => {}
        }
    }
}

/// The notice that a message went to a topic of somebody else (docs/MQTT.md, notices).
fn foreign_topic(now: Instant, packet_id: Option<u16>, payload: &[u8]) -> Bytes {
    let hash = ring::digest::digest(&ring::digest::SHA256, payload);
    let notice = serde_json::json!({
        "at": now, "code": "E_TOPIC", "basis": "", "packet_id": packet_id,
        "payload_sha256": hex::encode(hash), "signals": [],
    });
    Bytes::from(notice.to_string())
}
