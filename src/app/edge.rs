//! The backend that the gateway asks: it decides which devices may connect, hands telemetry to ingest, and passes what
//! happens to devices on to the thread that writes it down.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use consent::{Purpose, Records};
use mqtt::gateway::{
    Backend, Command, Credentials, Delivery, DeviceEvent, Foreign, Identity, Refusal, RefusalCode, Registry,
};
use tokio::sync::mpsc;

use super::scribe::Scribe;
use domain::people::token::{self, Signer};
use domain::{Clock, DeviceId, Instant};
use ingest::Ingest;
use store::consents::ledger;
use store::devices::{self, bindings, commands};
use store::health::nodes;
use store::health::standing::Standing;
use store::{Store, Touched, Url};
use supervise::Watched;

/// How long the `device-events` thread may work in one go before it is reported as stuck.
const AT_MOST: std::time::Duration = std::time::Duration::from_secs(60);

/// Answers the gateway's questions about devices.
pub(super) struct Edge {
    store: Store,
    clock: Clock,
    tokens: Arc<Signer>,
    ingest: Ingest,
    events: mpsc::UnboundedSender<DeviceEvent>,
    standing: Standing,
}

impl Edge {
    /// Starts the backend and the thread that writes device events down. The thread ends with the gateway.
    ///
    /// # Errors
    /// The thread cannot start.
    pub(super) fn start(
        store: Store,
        clock: Clock,
        tokens: Arc<Signer>,
        ingest: Ingest,
        registry: Arc<OnceLock<Registry>>,
        standing: &Standing,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (events, mut waiting) = mpsc::unbounded_channel();
        let scribe = Scribe::new(store.clone(), clock.clone(), registry, standing.clone());
        let mut events_left = Vec::new();
        let run = move |watched: &Watched| scribe.run(&mut waiting, &mut events_left, watched);
        let thread = store.threads().start("device-events", AT_MOST, run)?;
        Ok((Self { store, clock, tokens, ingest, events, standing: standing.clone() }, thread))
    }

    /// Decides whether a device may connect. The clock of a machine that was suspended shows an old time until it is
    /// corrected, so a refusal that depends on the time stands only if it also holds at a time the database has
    /// confirmed.
    fn admit(&self, device: DeviceId, token: Option<&str>) -> Result<Identity, Refusal> {
        if self.standing.aside().is_some() {
            let reason = "this node stands aside until its clock is right: another one serves".to_owned();
            return Err(Refusal { code: RefusalCode::ServerBusy, reason });
        }
        let refusal = match self.look_up(device, token, self.clock.now()) {
            Err(Refused::AsOf(refusal)) => refusal,
            done => return done.map_err(Refused::refusal),
        };
        // On SQLite there is no database server whose clock could confirm the time.
        if let Url::Sqlite(_) = self.store.url() {
            return Err(refusal);
        }
        match self.store.read(|view| nodes::prove(view, self.store.name(), &self.clock)) {
            Ok(proven) => self.look_up(device, token, proven.at()).map_err(Refused::refusal),
            Err(error) => {
                tracing::error!(%error, "the time at which a device is refused could not be asked for");
                Err(later())
            }
        }
    }

    fn look_up(&self, device: DeviceId, token: Option<&str>, now: Instant) -> Result<Identity, Refused> {
        let refused = |reason: &str| Refusal { code: RefusalCode::NotAuthorized, reason: reason.to_owned() };
        let mut expires_at = None;
        let mut token_id = None;
        if let Some(token) = token {
            let claims = self.tokens.device(token, now).map_err(|why| {
                let refusal = refused("the device token is not valid");
                match why {
                    token::Refused::Expired | token::Refused::Early => Refused::AsOf(refusal),
                    token::Refused::Invalid | token::Refused::Key => Refused::Always(refusal),
                }
            })?;
            if claims.sub != device {
                return Err(Refused::Always(refused("the device token is another device's")));
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
            let binding = bindings::at(view, known.key, now)?;
            let revoked = match &binding {
                Some(binding) => ledger::of(view, binding.patient_key)?
                    .record(Purpose::TelemetryCollect)
                    .is_some_and(|row| row.state == consent::State::Revoked),
                None => false,
            };
            Ok((known.disabled_at.is_none() && valid, revoked, binding.map(|binding| binding.patient_key)))
        });
        if let (Ok((true, false, Some(patient))), Url::Postgres(_)) = (&found, self.store.url()) {
            // Another node may have judged this patient's readings until now: drop the copies in memory and begin with
            // what is stored.
            self.store.forget(Touched::Patient(*patient));
        }
        let unknown = || refused("the device is not enrolled, disabled, or its token was revoked");
        match found {
            Ok((true, false, _)) => {
                Ok(Identity { device: device.0, expires_at, token: token_id.map(|id| id.0) })
            }
            Ok((true, true, _)) => Err(Refused::AsOf(refused("E_REVOKED LGPD art. 8 §5"))),
            Ok((false, ..)) => Err(Refused::AsOf(unknown())),
            Err(store::Error::NotFound(_)) => Err(Refused::Always(unknown())),
            Err(error) => {
                tracing::error!(%error, "a device could not be looked up");
                Err(Refused::Always(later()))
            }
        }
    }
}

/// Why a device is refused.
enum Refused {
    /// The refusal holds at any time.
    Always(Refusal),
    /// The refusal holds as of the instant of the look-up: looked up at another time, the device might be admitted.
    AsOf(Refusal),
}

impl Refused {
    fn refusal(self) -> Refusal {
        match self {
            Self::Always(refusal) | Self::AsOf(refusal) => refusal,
        }
    }
}

fn later() -> Refusal {
    Refusal { code: RefusalCode::ServerBusy, reason: "try again later".into() }
}

/// The backend as the gateway holds it: shared, so that look-ups that block can leave the gateway's threads.
pub(super) struct Door(pub Arc<Edge>);

impl Backend for Door {
    async fn authenticate(&self, credentials: Credentials) -> Result<Identity, Refusal> {
        let edge = Arc::clone(&self.0);
        let looked_up = tokio::task::spawn_blocking(move || match credentials {
            Credentials::Token { device, token } => edge.admit(DeviceId(device), Some(&token)),
            Credentials::Certificate { cn, not_after, token, .. } => match cn.parse::<DeviceId>() {
                // A token sent along with a certificate must name the same device.
                Ok(device) => edge.admit(device, token.as_deref()).map(|identity| Identity {
                    expires_at: Some(identity.expires_at.map_or(not_after, |end| end.min(not_after))),
                    ..identity
                }),
                Err(_not_an_id) => Err(Refusal {
                    code: RefusalCode::NotAuthorized,
                    reason: "the certificate's common name is not one device id".into(),
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
        // Sending fails only while stopping: a reply that is dropped unanswered tells the device "not stored".
        drop(self.0.events.send(event));
    }

    fn foreign_topic(&self, foreign: &Foreign) -> Option<Bytes> {
        Some(foreign_topic(self.0.clock.now(), foreign))
    }

    async fn pending(&self, device: uuid::Uuid) -> Vec<Command> {
        let (store, now) = (self.0.store.clone(), self.0.clock.now());
        let waiting = tokio::task::spawn_blocking(move || {
            store.read(|view| commands::waiting(view, DeviceId(device), now))
        });
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

/// The notice to a device that published to a topic of somebody else (docs/MQTT.md, notices).
fn foreign_topic(now: Instant, foreign: &Foreign) -> Bytes {
    let notice = serde_json::json!({
        "at": now, "code": "E_TOPIC", "basis": "", "packet_id": foreign.packet_id,
        "payload_sha256": hex::encode(foreign.payload_sha256), "signals": [],
    });
    Bytes::from(notice.to_string())
}
