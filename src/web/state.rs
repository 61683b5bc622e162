//! What every handler leans on, filled once by `app`. The device edge and the engine are seen through traits:
//! this room knows neither.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::attachments::memory::Uploads;
use super::health::readiness::Readiness;
use super::http::streams::Streams;
use super::people::checks::Checks;
use super::privacy::shown::Shown;
use audit::Signer as LogSigner;
use domain::certificate::Certificate;
use domain::messages::Channel;
use domain::messages::network::Networks;
use domain::people::token::Signer;
use domain::{Clock, DeviceId, Instant, Role};
use store::{Store, View};

/// The gateway, as the people's edge sees it.
pub trait Edge: Send + Sync {
    /// Whether a device is connected to this node.
    fn connected(&self, device: DeviceId) -> bool;
    /// A command waits for a device: send it when it is connected.
    fn push_command(&self, device: DeviceId);
    /// Devices connected to this node.
    fn connections(&self) -> usize;
    /// The bound address where devices connect, and whether over TLS (preferred when both listen); `None`
    /// without a gateway on this node.
    fn address(&self) -> Option<(SocketAddr, bool)> {
        None
    }
    /// Counts since the start, by name: `messages_received`, `readings_stored`. Never a value of a person.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// No device edge: tests, and nodes that serve people only.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEdge;

impl Edge for NoEdge {
    fn connected(&self, _device: DeviceId) -> bool {
        false
    }

    fn push_command(&self, _device: DeviceId) {}

    fn connections(&self) -> usize {
        0
    }
}

/// One engine module, as status page and metrics show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name.
    pub name: &'static str,
    /// When it last ran.
    pub last_run_at: Option<Instant>,
    /// How long that took.
    pub took: Duration,
    /// Cycles since the start.
    pub runs: u64,
    /// Things done since the start.
    pub did: u64,
    /// The last error, as long as it stands.
    pub error: Option<String>,
}

/// A mail server, a mailbox or a program that is left alone for a while; a channel's provider is named by
/// [`EngineView::breakers`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// On which channel.
    pub channel: Channel,
    /// What is left alone.
    pub what: Rests,
    /// Since when.
    pub since: Instant,
    /// Until when: then one message asks whether it is back.
    pub until: Instant,
    /// What the last attempt came to, as in `smtp_421`.
    pub why: &'static str,
}

/// What is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rests {
    /// The mail server behind a domain.
    Domain(String),
    /// A person's mailbox or a program, by the id of the user or the webhook.
    Recipient(String),
}

/// The engine, as the people's edge sees it.
pub trait EngineView: Send + Sync {
    /// Every module, by name.
    fn modules(&self) -> Vec<Module>;
    /// Modules that have not come round without an error since `late`.
    fn silent(&self, _now: Instant, _long: Duration) -> Vec<&'static str> {
        Vec::new()
    }
    /// Until when each channel's provider is left alone; `None`: it is asked.
    fn breakers(&self) -> Vec<(Channel, Option<Instant>)> {
        Vec::new()
    }
    /// Of those behind the providers, whoever is left alone.
    fn resting(&self) -> Vec<Resting> {
        Vec::new()
    }
    /// By how many milliseconds this node's clock is off when it stands aside for nodes that are right.
    fn aside(&self) -> Option<i64> {
        None
    }
    /// By how many milliseconds this node's clock is off from the database's, from two seconds on.
    fn clock_off(&self) -> Option<i64> {
        None
    }
    /// Whether the node has a number among its peers, and writes under it.
    fn takes_part(&self) -> bool {
        true
    }
    /// How many log lines could not be written since the start.
    fn log_lines_lost(&self) -> u64 {
        0
    }
    /// When the auditor last finished a look; `None`: never, or too long ago.
    ///
    /// # Errors
    /// Database errors.
    fn heartbeat(&self, _view: &mut View<'_>, _now: Instant) -> store::Result<Option<Instant>> {
        Ok(None)
    }
}

/// No engine on this node.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEngine;

impl EngineView for NoEngine {
    fn modules(&self) -> Vec<Module> {
        Vec::new()
    }
}

/// What `app` puts together.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Signs access tokens and device tokens.
    pub tokens: Arc<Signer>,
    /// The legal bases that the organisation declared.
    pub bases: consent::Bases,
    /// The log's key; `None` until the log was opened.
    pub log_signer: Option<LogSigner>,
    /// The device edge.
    pub edge: Arc<dyn Edge>,
    /// The engine.
    pub engine: Arc<dyn EngineView>,
    /// The name of this node.
    pub node: String,
    /// Roles that may not be without a second factor.
    pub factor_roles: Vec<Role>,
    /// The private networks that webhooks may call.
    pub webhook_networks: Networks,
    /// The certificates that this node shows.
    pub certificates: Vec<Certificate>,
}

/// What every handler leans on.
pub struct State {
    /// The database.
    pub store: Store,
    /// Where `now` comes from.
    pub clock: Clock,
    /// When this node began.
    pub started_at: Instant,
    /// Signs access tokens and device tokens.
    pub tokens: Arc<Signer>,
    /// The legal bases that the organisation declared.
    pub bases: consent::Bases,
    /// The log's key; `None` until the log was opened.
    pub log_signer: Option<LogSigner>,
    /// The device edge.
    pub edge: Arc<dyn Edge>,
    /// The engine.
    pub engine: Arc<dyn EngineView>,
    /// The name of this node.
    pub node: String,
    /// Roles that may not be without a second factor.
    pub factor_roles: Vec<Role>,
    /// The private networks that webhooks may call.
    pub webhook_networks: Networks,
    /// The certificates that this node shows.
    pub certificates: Vec<Certificate>,
    /// Password checks wait here.
    pub(super) checks: Arc<Checks>,
    /// Turns true when the server stops: streams end then.
    pub(super) stopping: watch::Sender<bool>,
    /// Whether the node was told to end, and who asks whether it is ready.
    pub(super) readiness: Readiness,
    /// Live streams that are open.
    pub(super) streams: Arc<Streams>,
    /// Whose readings may be shown, for the live streams.
    pub(super) shown: Shown,
    /// The memory for files that come in.
    pub(super) uploads: Uploads,
}

impl State {
    /// From its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            store,
            clock,
            tokens,
            bases,
            log_signer,
            edge,
            engine,
            node,
            factor_roles,
            webhook_networks,
            certificates,
        } = parts;
        Self {
            store,
            started_at: clock.now(),
            clock,
            tokens,
            bases,
            log_signer,
            edge,
            engine,
            node,
            factor_roles,
            webhook_networks,
            certificates,
            checks: Checks::new(),
            stopping: watch::Sender::new(false),
            readiness: Readiness::default(),
            streams: Arc::default(),
            shown: Shown::default(),
            uploads: Uploads::default(),
        }
    }

    /// The present instant.
    #[must_use]
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }
}
