//! The composition root: builds the rooms, starts them in order, stops them in reverse. It holds no rule.

mod aside;
mod commands;
mod edge;
mod node;
mod revocations;
mod scribe;
mod seats;
mod takeovers;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use mqtt::gateway::{self, Gateway, Registry, TlsOptions};

use ::rules::Watchlist;
use audit::note;
use domain::people::token::Signer;
use domain::{Clock, messages};
use edge::{Door, Edge};
use engine::alerts::late_reds;
use engine::audit::verification::{StoredHead, Verification};
use engine::devices::{moves, silence};
use engine::health::{auditor, clock as clock_watch, seat};
use engine::jobs::Jobs;
use engine::messages::{bounces, outbox};
use engine::on_call::{coverage, handover};
use engine::{
    Lane, Status, Wake, audit as seal, consents, escalation, housekeeping, people, readings,
    rules as reevaluate, sla as deadline,
};
use ingest::Ingest;
pub use node::{Node, NodeOptions};
use notify::Post;
use store::escalation::{self as escalations, paging};
use store::health::nodes;
use store::health::nodes::{Clocks, Node as Own};
use store::health::standing::{Place, Standing};
use store::{Store, Tx, Urgency, Url, devices, on_call, rules, sla};

/// What is started and where.
pub struct Options {
    /// MQTT, plain.
    pub mqtt: SocketAddr,
    /// MQTT over TLS.
    pub mqtt_tls: Option<TlsOptions>,
    /// How many descriptors the process may have.
    pub descriptors: u64,
    /// This node's number, 0 to 15; none: on PostgreSQL a free one, on SQLite 0.
    pub node: Option<u8>,
    /// The machine and the data directory, as other nodes name this one.
    pub home: String,
    /// What the organisation declared for each purpose.
    pub bases: consent::Bases,
    /// By which ways people and programs are reached.
    pub post: Post,
    /// The checkpoint that is stored outside the database.
    pub stored_head: StoredHead,
}

/// The keys that sign.
pub struct Signers {
    /// Signs tokens.
    pub tokens: Arc<Signer>,
    /// Signs checkpoints of the audit log.
    pub log: note::Signer,
}

/// The running house, without its pages.
pub struct House {
    /// The gateway.
    pub gateway: gateway::Handle,
    /// Its sessions.
    pub registry: Registry,
    /// The door of telemetry, for its counts.
    pub ingest: Ingest,
    /// The engine's status.
    pub engine: Status,
    /// How the providers of messages are doing.
    pub breakers: outbox::Breakers,
    /// Wakes the engine.
    pub wake: Wake,
    threads: Vec<JoinHandle<()>>,
    ingest_thread: JoinHandle<()>,
    watchers: Vec<tokio::task::JoinHandle<()>>,
    /// Whether this node takes part, and under which number.
    pub standing: Standing,
    seat: (Store, Clock),
}

impl House {
    /// Starts ingest, engine and gateway on a store. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// A port is taken, the store cannot be read, the audit log does not hold together.
    pub async fn start(
        store: &Store,
        clock: &Clock,
        signers: Signers,
        options: Options,
    ) -> anyhow::Result<Self> {
        let own = Own { id: store.name().to_owned(), home: options.home, number: options.node };
        let e_mail = options.post.channels.iter().any(|way| way.channel() == messages::Channel::Email);
        let (rules, place) = {
            let (store, own, clock) = (store.clone(), own.clone(), clock.clone());
            let now = clock.now();
            tokio::task::spawn_blocking(move || {
                store.take_connections();
                store.keep_house(Urgency::Urgent, "start", now, |tx| {
                    rules::seed(tx)?;
                    on_call::seed(tx)?;
                    escalations::seed(tx)?;
                    outbox::seed(tx)?;
                    sla::seed(tx)?;
                    paging::send_e_mail(tx, e_mail)?;
                    let place = match store.url() {
                        Url::Postgres(_) => place(tx, &own, &clock)?,
                        Url::Sqlite(_) => {
                            devices::all_offline(tx)?;
                            Place::Seated(own.number.unwrap_or(0))
                        }
                    };
                    Ok((rules::in_force(tx)?, place))
                })
            })
            .await??
        };
        let standing = Standing::new(place);
        let watch = Arc::new(Mutex::new(Watchlist::new(rules.into())));
        let (engine, wake) = (Status::default(), Wake::default());
        let committed = wake.clone();
        let (ingest, ingest_thread) = Ingest::start(
            store.clone(),
            clock.clone(),
            ingest::Options {
                standing: standing.clone(),
                bases: options.bases.clone(),
                watch: Arc::clone(&watch),
                committed: Box::new(move || committed.wake()),
            },
        )?;
        let breakers = outbox::Breakers::default();
        let kinds: Vec<Box<dyn engine::jobs::Kind>> =
            vec![Box::new(Verification::new(signers.log.vkey().clone(), options.stored_head))];
        let jobs = Jobs::new(store.clone(), clock.clone(), kinds, wake.clone(), engine.clone());
        let prompt = Lane::new(
            "engine",
            vec![
                Box::new(clock_watch::Watch::new(store.clone(), clock.clone(), breakers.clone())),
                Box::new(reevaluate::Reevaluate::new(
                    store.clone(),
                    options.bases.clone(),
                    Arc::clone(&watch),
                )),
                Box::new(late_reds::LateReds::new(store.clone(), watch)),
                Box::new(people::Departures::new(store.clone())),
                Box::new(escalation::Escalate::new(store.clone())),
                Box::new(deadline::Deadline::new(store.clone())),
                Box::new(handover::Handover::new(store.clone())),
                Box::new(coverage::Coverage::new(store.clone())),
                Box::new(silence::Silence::new(store.clone())),
                Box::new(consents::Bases::new(store.clone())),
                Box::new(housekeeping::Housekeeping::new(store.clone())),
                Box::new(seal::Seal::new(store.clone(), signers.log)?),
            ],
        );
        let patient = Lane::new(
            "engine-roll",
            vec![
                Box::new(moves::Moves::new(store.clone(), options.bases)),
                Box::new(readings::Roll::new(store.clone())),
            ],
        );
        let audits =
            Lane::new("engine-audit", vec![Box::new(auditor::Auditor::new(store.clone(), engine.clone()))]);
        let post = options.post.channels.into_iter().map(|channel| {
            let base_url = options.post.base_url.clone();
            let way = outbox::Outbox::new(store.clone(), channel, breakers.clone(), base_url);
            Lane::new("outbox", vec![Box::new(way)])
        });
        // Waiting for a mail server holds up nobody else.
        let back = options.post.bounces.map(|mailbox| {
            Lane::new("bounces", vec![Box::new(bounces::Bounces::new(store.clone(), mailbox))])
        });
        let working = [prompt, patient, audits].into_iter().chain(post).chain(back);
        let seat = seat::Seat::new(store.clone(), clock.clone(), standing.clone(), own);
        // The one lane that goes on while the node stands aside: it knows when the clock is right again.
        let watching = Lane::new("engine-seat", vec![Box::new(seat)]);
        let lanes: Vec<Lane> = working.map(|lane| lane.under(standing.clone())).chain([watching]).collect();
        let registry = Arc::new(OnceLock::new());
        let (edge, scribe) = Edge::start(
            store.clone(),
            clock.clone(),
            signers.tokens,
            ingest.clone(),
            Arc::clone(&registry),
            &standing,
        )?;
        let threads = store.threads().clone();
        let gateway = Gateway::start_under(
            gateway::Options { listen: options.mqtt, tls: options.mqtt_tls, ..gateway::Options::default() }
                .of_descriptors(options.descriptors),
            Arc::new(Door(Arc::new(edge))),
            move |accepting| threads.task("mqtt", accepting),
        )?;
        let sessions = gateway.registry().clone();
        drop(registry.set(sessions.clone()));
        let watchers = watchers(store, clock, &standing, &registry);
        let mut threads = vec![scribe, jobs.under(standing.clone()).start(store.threads())?];
        for lane in lanes {
            threads.push(lane.start(store.threads(), clock.clone(), wake.clone(), engine.clone())?);
        }
        store.watch_health()?;
        Ok(Self {
            gateway,
            registry: sessions,
            ingest,
            engine,
            breakers,
            wake,
            threads,
            ingest_thread,
            watchers,
            standing,
            seat: (store.clone(), clock.clone()),
        })
    }

    /// Stops in reverse: no new telemetry, what is queued is committed and answered, the engine ends.
    pub async fn stop(self) {
        self.gateway.stop().await;
        self.watchers.iter().for_each(tokio::task::JoinHandle::abort);
        drop(self.ingest);
        drop(self.registry);
        self.seat.0.threads().close();
        self.wake.stop();
        self.standing.close();
        let (threads, ingest, standing, (store, clock)) =
            (self.threads, self.ingest_thread, self.standing, self.seat);
        let ended = tokio::task::spawn_blocking(move || {
            let ingest = std::iter::once(ingest);
            ingest.chain(threads).for_each(|thread| drop(thread.join()));
            if let Some(number) = standing.number() {
                leave(&store, number, clock.now());
            }
        });
        if tokio::time::timeout(std::time::Duration::from_secs(8), ended).await.is_err() {
            tracing::warn!(
                "a part of the house did not end in 8 s; what it did is durable or will be done again"
            );
        }
    }
}

/// What carries signals of other parts, and of other nodes, to the sessions here.
fn watchers(
    store: &Store,
    clock: &Clock,
    standing: &Standing,
    registry: &Arc<OnceLock<Registry>>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let all = || (store.clone(), clock.clone(), standing.clone(), Arc::clone(registry));
    let threads = store.threads();
    let (a, b, c, d, e) = (all(), all(), all(), all(), all());
    vec![
        threads.task("takeovers", move || takeovers::watch(a.0.clone(), a.1.clone(), Arc::clone(&a.3))),
        threads.task("commands", move || commands::watch(b.0.clone(), Arc::clone(&b.3))),
        threads.task("aside", move || aside::watch(c.2.clone(), Arc::clone(&c.3))),
        threads.task("seats", move || seats::watch(e.0.clone(), e.1.clone(), e.2.clone(), Arc::clone(&e.3))),
        threads.task("revocations", move || revocations::watch(d.0.clone(), d.1.clone(), Arc::clone(&d.3))),
    ]
}

/// Where a node begins: aside when its clock is wrong and another node's is right, else under its number.
fn place(tx: &mut Tx<'_>, own: &Own, clock: &Clock) -> store::Result<Place> {
    let clocks = Clocks::compare(tx, clock)?;
    match nodes::astray(tx, &own.id, clocks)? {
        Some(by_ms) => {
            tracing::error!(
                by_ms,
                "this node's clock is off, and another node agrees with the database: it begins aside, judges nothing, \
                 calls nobody and takes no telemetry. Set the clock (NTP); it joins by itself"
            );
            Ok(Place::Aside { by_ms })
        }
        None => Ok(Place::Seated(nodes::begin(tx, own, clocks)?)),
    }
}

/// Gives the slot back, so that the next node need not wait until it is silent.
fn leave(store: &Store, slot: u8, now: domain::Instant) {
    let left = store.keep_house(Urgency::Urgent, "stop", now, |tx| nodes::leave(tx, slot, store.name()));
    if let Err(error) = left {
        tracing::warn!(%error, "the node's slot could not be given back; it is free in a minute");
    }
}
