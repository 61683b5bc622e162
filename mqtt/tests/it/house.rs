//! A backend in memory. What it answers is written in the payload: `ok`, `refuse`, `malformed`,
//! `quota`, `parts`, `lose`, `revoke`, `notice`, or `hold`, which waits for [`House::release`].

use bytes::Bytes;
use mqtt::gateway::{
    Accepting, Answer, Backend, Command, Credentials, Delivery, DeviceEvent, EndReason, Foreign, Gateway,
    Handle, Identity, Options, Outcome, Protocol, Refusal, RefusalCode, Reply,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) const TOKEN: &str = "the device's token";
pub(crate) const TOKEN_ID: Uuid = Uuid::from_u128(7);
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What happened, as a test compares it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Connected(Uuid, Protocol),
    Disconnected(Uuid, EndReason, Option<String>),
    Status(String),
    Reply(String),
    CommandAcked(Uuid, u8),
}

/// A message as the backend saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub payload: String,
    pub packet_id: Option<u16>,
    pub qos: u8,
    pub resent: bool,
    pub content_type: Option<String>,
    pub protocol: Protocol,
    pub session: u64,
}

pub(crate) struct House {
    events: UnboundedSender<Event>,
    since: Instant,
    seen: Mutex<Vec<Seen>>,
    withheld: Mutex<Vec<Reply>>,
    commands: Mutex<HashMap<Uuid, Vec<Command>>>,
    pub expires_in: Mutex<Option<Duration>>,
    pub full: Mutex<bool>,
}

impl House {
    fn answer(&self, payload: &[u8], reply: Reply) {
        let answer: Answer = match payload {
            b"refuse" => Outcome::Refused { code: "E_REFUSED".into(), reason: "LGPD art. 11".into() }.into(),
            b"malformed" => Outcome::Malformed { reason: "byte 3: expected a number".into() }.into(),
            b"quota" => Outcome::Quota { reason: "10,000 readings a message".into() }.into(),
            b"parts" => Outcome::Committed {
                refused: vec!["spo2".into()],
                quarantined: vec!["weight".into()],
                reason: String::new(),
            }
            .into(),
            b"lose" => return drop(reply),
            b"hold" => return self.withheld.lock().unwrap().push(reply),
            b"notice" => {
                Answer::from(Outcome::committed()).with_notice(Bytes::from_static(b"{\"code\":\"E_X\"}"))
            }
            b"revoke" => {
                Answer::from(Outcome::Refused { code: "E_REVOKED".into(), reason: "LGPD art. 8 §5".into() })
                    .then_disconnect(0x98, "consent revoked")
            }
            _ => Outcome::committed().into(),
        };
        reply.send(answer);
    }

    /// Answers what is withheld, last first.
    pub(crate) fn release(&self) {
        let withheld: Vec<Reply> = self.withheld.lock().unwrap().drain(..).rev().collect();
        for reply in withheld {
            reply.send(Outcome::committed());
        }
    }

    pub(crate) fn withheld(&self) -> usize {
        self.withheld.lock().unwrap().len()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn queue_command(&self, device: Uuid, payload: &'static str) -> Uuid {
        let id = Uuid::now_v7();
        let command = Command { id, payload: Bytes::from_static(payload.as_bytes()), content_type: None };
        self.commands.lock().unwrap().entry(device).or_default().push(command);
        id
    }
}

impl Backend for House {
    async fn authenticate(&self, credentials: Credentials) -> Result<Identity, Refusal> {
        let refuse = |reason: &str| Err(Refusal { code: RefusalCode::NotAuthorized, reason: reason.into() });
        let (device, token) = match credentials {
            Credentials::Token { device, token } if token == TOKEN => (device, Some(TOKEN_ID)),
            Credentials::Token { .. } => return refuse("token unknown"),
            Credentials::Certificate { token: Some(token), .. } if token != TOKEN => {
                return refuse("token unknown");
            }
            Credentials::Certificate { cn, .. } => match Uuid::parse_str(&cn) {
                Ok(device) => (device, None),
                Err(_) => return refuse("certificate without a device id"),
            },
        };
        let expires_in = *self.expires_in.lock().unwrap();
        let expires_at = expires_in.map(|d| self.now() + i64::try_from(d.as_micros()).unwrap());
        Ok(Identity { device, expires_at, token })
    }

    async fn deliver(&self, batch: Vec<Delivery>) {
        if *self.full.lock().unwrap() {
            std::future::pending::<()>().await;
        }
        for d in batch {
            let seen = Seen {
                payload: String::from_utf8_lossy(&d.payload).into_owned(),
                packet_id: d.packet_id,
                qos: d.qos,
                resent: d.resent,
                content_type: d.content_type.as_deref().map(str::to_owned),
                protocol: d.protocol,
                session: d.session,
            };
            self.seen.lock().unwrap().push(seen);
            self.answer(&d.payload, d.reply);
        }
    }

    fn event(&self, event: DeviceEvent) {
        let text = |b: &Bytes| String::from_utf8_lossy(b).into_owned();
        let event = match event {
            DeviceEvent::Connected { device, protocol, .. } => Event::Connected(device, protocol),
            DeviceEvent::Disconnected { device, reason, will, .. } => {
                Event::Disconnected(device, reason, will.as_ref().map(text))
            }
            DeviceEvent::Status { payload, reply, .. } => {
                self.answer(&payload, reply);
                Event::Status(text(&payload))
            }
            DeviceEvent::Reply { payload, reply, .. } => {
                self.answer(&payload, reply);
                Event::Reply(text(&payload))
            }
            DeviceEvent::CommandAcked { device, id, code, .. } => {
                if let Some(pending) = self.commands.lock().unwrap().get_mut(&device) {
                    pending.retain(|c| c.id != id);
                }
                Event::CommandAcked(id, code)
            }
        };
        drop(self.events.send(event));
    }

    fn foreign_topic(&self, foreign: &Foreign) -> Option<Bytes> {
        let hash: Vec<String> = foreign.payload_sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Bytes::from(format!("E_TOPIC {:?} {}", foreign.packet_id, hash.concat())))
    }

    async fn pending(&self, device: Uuid) -> Vec<Command> {
        self.commands.lock().unwrap().get(&device).cloned().unwrap_or_default()
    }

    fn now(&self) -> i64 {
        1_763_769_600_000_000 + i64::try_from(self.since.elapsed().as_micros()).unwrap()
    }
}

/// A gateway with a house behind it.
pub(crate) struct Edge {
    pub house: Arc<House>,
    pub handle: Handle,
    events: UnboundedReceiver<Event>,
}

impl Edge {
    pub(crate) fn new() -> Self {
        Self::with(|_options| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::under(change, |mut accepting| tokio::spawn(accepting()))
    }

    /// A gateway whose accepting is run by `run`.
    pub(crate) fn under(
        change: impl FnOnce(&mut Options),
        run: impl FnOnce(Box<dyn FnMut() -> Accepting + Send>) -> tokio::task::JoinHandle<()>,
    ) -> Self {
        let mut options = Options { listen: ([127, 0, 0, 1], 0).into(), ..Options::default() };
        change(&mut options);
        let (sender, events) = unbounded_channel();
        let house = Arc::new(House {
            events: sender,
            since: Instant::now(),
            seen: Mutex::default(),
            withheld: Mutex::default(),
            commands: Mutex::default(),
            expires_in: Mutex::default(),
            full: Mutex::default(),
        });
        let handle = Gateway::start_under(options, Arc::clone(&house), run).unwrap();
        Self { house, handle, events }
    }

    /// The next event, in time.
    pub(crate) async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("the house is there")
    }

    /// The end of the only session, after its `Connected`.
    pub(crate) async fn ended(&mut self) -> (EndReason, Option<String>) {
        loop {
            if let Event::Disconnected(_, reason, will) = self.event().await {
                return (reason, will);
            }
        }
    }
}

pub(crate) fn device() -> Uuid {
    Uuid::now_v7()
}

pub(crate) fn topic(device: Uuid, leaf: &str) -> String {
    format!("zelo/v1/devices/{device}/{leaf}")
}
