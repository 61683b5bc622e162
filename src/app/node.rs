//! A whole node: the house and its pages on one store, started in order and stopped in reverse.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mqtt::gateway::{Registry, TlsOptions};

use super::{House, Options, Signers};
use domain::certificate::Certificate;
use domain::messages::Channel;
use domain::messages::network::Networks;
use domain::people::token::Signer;
use domain::{Clock, DeviceId, Instant, Role};
use engine::Status;
use engine::audit::verification::StoredHead;
use engine::health::auditor;
use engine::messages::outbox::{Breakers, Rest, Whom};
use ingest::Stats;
use notify::Post;
use store::health::standing::Standing;
use store::{Store, View, audit};

/// Where a node listens and what it trusts.
pub struct NodeOptions {
    /// HTTP; port 0 picks a free one.
    pub http: SocketAddr,
    /// Metrics and probes without signing in.
    pub metrics: Option<SocketAddr>,
    /// HTTPS instead of HTTP.
    pub http_tls: Option<rustls::ServerConfig>,
    /// A proxy that speaks TLS stands before us.
    pub behind_proxy: bool,
    /// MQTT; port 0 picks a free one.
    pub mqtt: SocketAddr,
    /// MQTT over TLS.
    pub mqtt_tls: Option<TlsOptions>,
    /// How many descriptors the process may have: people, devices, and strangers at either door have a share each.
    pub descriptors: u64,
    /// Roles that may not be without a second factor.
    pub factor_roles: Vec<Role>,
    /// This node's number, 0 to 15; none: on PostgreSQL a free one, on SQLite 0.
    pub number: Option<u8>,
    /// The machine and the data directory, as other nodes name this one.
    pub home: String,
    /// What the organisation declared for each purpose.
    pub bases: consent::Bases,
    /// By which ways people and programs are reached.
    pub post: Post,
    /// The private networks that webhooks may call.
    pub webhook_networks: Networks,
    /// The certificates of both doors.
    pub certificates: Vec<Certificate>,
    /// The checkpoint that is stored outside the database.
    pub stored_head: StoredHead,
}

/// A running node.
pub struct Node {
    house: House,
    web: web::Running,
}

impl Node {
    /// Starts ingest, engine, gateway, pages. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// A port is taken, the store cannot be read, the audit log does not hold together.
    pub async fn start(
        store: &Store,
        clock: &Clock,
        tokens: Arc<Signer>,
        keys: &Path,
        options: NodeOptions,
    ) -> anyhow::Result<Self> {
        let NodeOptions {
            http,
            metrics,
            http_tls,
            behind_proxy,
            mqtt,
            mqtt_tls,
            descriptors,
            factor_roles,
            number,
            home,
            bases,
            post,
            webhook_networks,
            certificates,
            stored_head,
        } = options;
        let signer = {
            let (store, keys, now) = (store.clone(), keys.to_owned(), clock.now());
            tokio::task::spawn_blocking(move || audit::open(&store, &keys, now)).await??
        };
        let log_signer = signer.clone();
        let signers = Signers { tokens: Arc::clone(&tokens), log: signer };
        let house = House::start(
            store,
            clock,
            signers,
            Options {
                mqtt,
                mqtt_tls,
                descriptors,
                node: number,
                home,
                bases: bases.clone(),
                post,
                stored_head,
            },
        )
        .await?;
        let state = web::State::new(web::Parts {
            store: store.clone(),
            clock: clock.clone(),
            tokens,
            bases,
            log_signer: Some(log_signer),
            edge: Arc::new(EdgeView {
                registry: house.registry.clone(),
                ingest: Arc::clone(house.ingest.stats()),
                plain: house.gateway.local_addr(),
                tls: house.gateway.tls_addr(),
            }),
            engine: Arc::new(EngineView {
                status: house.engine.clone(),
                breakers: house.breakers.clone(),
                standing: house.standing.clone(),
            }),
            node: house
                .standing
                .number()
                .map_or_else(|| "aside".to_owned(), |number| format!("node-{number}")),
            factor_roles,
            webhook_networks,
            certificates,
        });
        let secure_cookie = http_tls.is_some() || behind_proxy;
        let limits = web::Limits::of_descriptors(descriptors);
        let served = web::serve(
            state,
            web::Options { http, metrics, tls: http_tls, behind_proxy, secure_cookie, limits },
        );
        match served {
            Ok(web) => Ok(Self { house, web }),
            Err(source) => {
                house.stop().await;
                Err(anyhow::anyhow!(
                    "cannot listen for HTTP on {http}: {source}; choose another address with --http"
                ))
            }
        }
    }

    /// The bound address of HTTP.
    #[must_use]
    pub const fn http(&self) -> SocketAddr {
        self.web.address
    }

    /// The bound address of metrics, where they have one of their own.
    #[must_use]
    pub const fn metrics(&self) -> Option<SocketAddr> {
        self.web.metrics
    }

    /// The bound address of MQTT.
    #[must_use]
    pub fn mqtt(&self) -> SocketAddr {
        self.house.gateway.local_addr()
    }

    /// The bound address of MQTT over TLS, where it listens.
    #[must_use]
    pub fn mqtt_tls(&self) -> Option<SocketAddr> {
        self.house.gateway.tls_addr()
    }

    /// Says that it ends, and goes on for a while where somebody asks.
    pub async fn drain(&self, a_while: Duration) {
        self.web.drain(a_while).await;
    }

    /// Stops: pages first, then the gateway, what is queued is committed, the engine last.
    pub async fn stop(self) {
        self.web.stop().await;
        self.house.stop().await;
    }
}

/// The gateway and the ingest as the pages see them.
struct EdgeView {
    registry: Registry,
    ingest: Arc<Stats>,
    plain: SocketAddr,
    tls: Option<SocketAddr>,
}

impl web::Edge for EdgeView {
    fn connected(&self, device: DeviceId) -> bool {
        self.registry.is_connected(device.0)
    }

    fn push_command(&self, device: DeviceId) {
        self.registry.push_command(device.0);
    }

    fn connections(&self) -> usize {
        self.registry.connected_count()
    }

    fn address(&self) -> Option<(SocketAddr, bool)> {
        Some(self.tls.map_or((self.plain, false), |secure| (secure, true)))
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        use std::sync::atomic::Ordering::Relaxed;
        let stats = &self.ingest;
        vec![
            ("messages", stats.messages.load(Relaxed)),
            ("readings_stored", stats.readings.load(Relaxed)),
            ("messages_refused", stats.refused.load(Relaxed)),
            ("parts_quarantined", stats.quarantined.load(Relaxed)),
            ("commits", stats.commits.load(Relaxed)),
            ("messages_not_stored", stats.not_stored.load(Relaxed)),
            ("messages_queued", stats.queued.load(Relaxed)),
        ]
    }
}

/// The engine as the pages see it.
struct EngineView {
    status: Status,
    breakers: Breakers,
    standing: Standing,
}

impl web::EngineView for EngineView {
    fn log_lines_lost(&self) -> u64 {
        crate::observe::lost()
    }

    fn modules(&self) -> Vec<web::Module> {
        let modules = self.status.modules().into_iter();
        modules
            .map(|(name, module)| web::Module {
                name,
                last_run_at: module.last_run_at,
                took: module.took,
                runs: module.runs,
                did: module.did,
                error: module.error,
            })
            .collect()
    }

    fn silent(&self, now: Instant, long: Duration) -> Vec<&'static str> {
        self.status.silent(now, long)
    }

    fn breakers(&self) -> Vec<(Channel, Option<Instant>)> {
        self.breakers.open_until()
    }

    fn resting(&self) -> Vec<web::Resting> {
        let row = |Rest { whom, since, until, why }: Rest| {
            let (channel, what) = match whom {
                Whom::Provider(_) => return None,
                Whom::Domain(name) => (Channel::Email, web::Rests::Domain(name)),
                Whom::Recipient(channel, id) => (channel, web::Rests::Recipient(id)),
            };
            Some(web::Resting { channel, what, since, until, why })
        };
        self.breakers.resting().into_iter().filter_map(row).collect()
    }

    fn aside(&self) -> Option<i64> {
        self.standing.aside()
    }

    fn clock_off(&self) -> Option<i64> {
        self.standing.off()
    }

    fn takes_part(&self) -> bool {
        self.standing.takes_part()
    }

    fn heartbeat(&self, view: &mut View<'_>, now: Instant) -> store::Result<Option<Instant>> {
        auditor::heartbeat(view, now)
    }
}
