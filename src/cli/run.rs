//! `zelo serve` and `zelo demo`: the running house, from the first open file to the last word on SIGTERM.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use consent::Bases;
use mqtt::gateway::TlsOptions;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::args::Serve;
use super::certificates;
use super::commands::backup;
use super::desk::require_initialised;
use super::ears::Ears;
use super::error::{Error, Result};
use super::out::{Out, note};
use super::process::raise_descriptors;
use super::revocations;
use crate::app::{Node, NodeOptions};
use crate::config::{Options, TlsFiles};
use crate::observe;
use domain::messages::network::Networks;
use domain::people::token::Signer;
use domain::{Clock, Role};
use lab::demo::{self, Ready};
use notify::Post;
use notify::mailbox::{Mailbox, Reports};
use store::health::nodes::Clocks;
use store::home::{Home, whereabouts};
use store::keys::kek::Keks;
use store::keys::signing;
use store::{Store, Url};
use supervise::blocking;

/// SIGTERM answers within ten seconds: whatever still runs after this is left.
const PATIENCE: Duration = Duration::from_secs(7);
/// A node that was asked to end is given ten seconds by whoever asked.
const ENDS_WITHIN: Duration = Duration::from_secs(9);
/// What of the log is still to be written has so long.
const FLUSH: Duration = Duration::from_millis(500);

/// Runs the demo until it is told to stop.
pub(super) fn demo(
    options: &Options,
    dir: Option<&str>,
    speed: f64,
    out: Out,
    ears: Ears,
    clock: &Clock,
) -> Result<()> {
    demo::playhead::Playhead::new(speed, clock.now()).map_err(|fault| Error::Usage(fault.to_string()))?;
    keeps_its_own_database(options, "demo")?;
    let mut options = options.clone();
    options.notify.webhook_networks = Networks::this_host().and(options.notify.webhook_networks);
    let options = &options;
    note("Preparing the demo's clinic…");
    let prepared = demo::prepare(dir.map(Path::new), clock)?;
    let (store, tokens) = (prepared.store.clone(), Arc::clone(&prepared.tokens));
    let keys = prepared.home.keys();
    prepared.home.require_restored()?;
    take_stock(&store, prepared.home.dir(), clock)?;
    let (runtime, end_signals) = ears.under(store.threads());
    let mut stop = end_signals.to_end();
    runtime.block_on(async {
        if *stop.borrow() {
            return Ok(());
        }
        let node = open(options, &store, tokens, &keys, clock, Vec::new()).await?;
        end_signals.serves();
        let keeping = keep_revocations(&store, prepared.home.dir());
        let ready = Ready {
            http: url(options, node.http()),
            mqtt: node.mqtt().to_string(),
            mqtts: node.mqtt_tls().map(|bound| bound.to_string()),
            users: &prepared.cast.users,
            devices: &prepared.cast.devices,
        };
        out.say(&ready, &ready.words());
        let played = demo::replay(loopback(node.mqtt()), &prepared, speed, clock.clone(), stop.clone()).await;
        // Faster than 1, the playback ends before the demo does.
        let _stopped = stop.wait_for(|stop| *stop).await;
        end_in_any_case(None)?;
        close(node, &store, prepared.home.dir(), keeping, options.drain).await;
        played.map_err(Error::from)
    })
}

/// A command that fills a SQLite file of its own says so, instead of leaving another database aside in silence.
///
/// # Errors
/// Another database is set.
pub(super) fn keeps_its_own_database(options: &Options, command: &str) -> Result<()> {
    if options.database == Url::Sqlite(options.data_dir.join("zelo.db")) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "`zelo {command}` keeps a SQLite file of its own in its data directory; leave out --database-url, \
         ZELO_DATABASE_URL and database_url, or run `zelo init` and `zelo serve --database-url …` for another database"
    )))
}

/// Runs a node until it is told to stop.
pub(super) fn serve(options: &Options, asked: &Serve, out: Out, ears: Ears, clock: &Clock) -> Result<()> {
    let home = Home::existing(&options.data_dir)?;
    home.require_restored()?;
    if asked.migrate {
        let ran = backup::bring_up(options, &home, None, clock)?;
        note(&format!("{ran} schema version(s) applied"));
    }
    let store = Store::open(&options.database, Keks::load(&home.keys())?)?;
    Clocks::set(&store, clock)?;
    require_initialised(&store)?;
    let tokens = Arc::new(signing::load(&home.keys())?);
    signing::agree(&store, &tokens, &whereabouts(&options.data_dir), clock.now())?;
    let caught = take_stock(&store, home.dir(), clock)?;
    tracing::debug!(caught, "revocations.log is caught up");
    let (runtime, end_signals) = ears.under(store.threads());
    let mut stop = end_signals.to_end();
    runtime.block_on(async {
        if *stop.borrow() {
            return Ok(());
        }
        let demanded = options.factor_roles.clone();
        let node = open(options, &store, tokens, &home.keys(), clock, demanded).await?;
        end_signals.serves();
        let keeping = keep_revocations(&store, home.dir());
        #[cfg(debug_assertions)]
        asked.strike.iter().for_each(|thread| store.threads().strike(thread, u32::MAX));
        let (http, mqtt) = (url(options, node.http()), node.mqtt().to_string());
        let mut words = format!("{http}\nMQTT {mqtt}");
        let mut ready = serde_json::json!({ "http": http, "mqtt": mqtt });
        if let (Some(bound), Some(line)) = (node.mqtt_tls(), ready.as_object_mut()) {
            words.push_str(&format!("\nMQTT TLS {bound}"));
            line.insert("mqtts".to_owned(), bound.to_string().into());
        }
        if let (Some(bound), Some(line)) = (node.metrics(), ready.as_object_mut()) {
            words.push_str(&format!("\nmetrics http://{bound}/metrics"));
            line.insert("metrics".to_owned(), format!("http://{bound}/metrics").into());
        }
        out.say(&ready, &words);
        let ill = tokio::select! {
            _stopped = stop.wait_for(|stop| *stop) => None,
            thread = store.threads().given_up() => Some(thread),
        };
        end_in_any_case(ill)?;
        close(node, &store, home.dir(), keeping, options.drain).await;
        if let Err(error) = store.keep_ends(clock.now()) {
            tracing::error!(%error, "the end of a thread is in this log only");
        }
        ill.map_or(Ok(()), |thread| Err(Error::Ailing(thread)))
    })
}

/// Closing in order may wait for a database that does not answer, or a thread that is too ill: past its time the process
/// ends all the same. What was acknowledged is on the disk already.
fn end_in_any_case(ill: Option<&'static str>) -> Result<()> {
    let end = move || {
        let fault = ill.map(Error::Ailing);
        std::thread::park_timeout(if fault.is_some() { PATIENCE * 2 } else { ENDS_WITHIN });
        let words =
            fault.as_ref().map_or_else(|| "what still waited was left".to_owned(), ToString::to_string);
        note(&format!("zelo: {words}"));
        observe::flush(FLUSH);
        std::process::exit(fault.map_or(0, |fault| i32::from(fault.exit_code())));
    };
    let started = std::thread::Builder::new().name("end".into()).spawn(end);
    started.map(drop).map_err(|source| Error::Failed(format!("no thread is left to end by: {source}")))
}

async fn open(
    options: &Options,
    store: &Store,
    tokens: Arc<Signer>,
    keys: &Path,
    clock: &Clock,
    factor_roles: Vec<Role>,
) -> Result<Node> {
    let certificates = certificates::read(options)?;
    certificates::report(&certificates, clock.now());
    // The keys lie in the data directory, and so does what is stored outside the database.
    let dir = keys.parent().unwrap_or(keys).to_owned();
    let asked = NodeOptions {
        http: options.http,
        metrics: options.metrics,
        http_tls: https(options)?,
        behind_proxy: options.behind_proxy,
        mqtt: options.mqtt,
        mqtt_tls: tls(options)?,
        descriptors: raise_descriptors(),
        factor_roles,
        number: options.node,
        home: whereabouts(&options.data_dir),
        bases: Bases::default(),
        post: post(options, store)?,
        webhook_networks: options.notify.webhook_networks.clone(),
        certificates,
        stored_head: Arc::new(move || revocations::signed_head(&dir).map_err(|fault| fault.to_string())),
    };
    let started = Node::start(store, clock, tokens, keys, asked).await;
    started.map_err(|fault| Error::Failed(format!("{fault:#}")))
}

/// The ways out of the house. What marks our messages outlives a restart: bounces of older ones are known again.
fn post(options: &Options, store: &Store) -> Result<Post> {
    let secret = store.read(|view| view.blind("notify.marks", ""))?;
    let channels = notify::from_options(&options.notify, &secret)
        .map_err(|fault| Error::Failed(format!("e-mail cannot be set up: {fault}")))?;
    let bounces = match (&options.notify.imap, &options.notify.smtp) {
        (Some(imap), Some(smtp)) => {
            let mailbox = Mailbox::new(imap, &smtp.from, &secret)
                .map_err(|fault| Error::Failed(format!("bounces cannot be read: {fault}")))?;
            let mailbox: Arc<dyn Reports> = Arc::new(mailbox);
            Some(mailbox)
        }
        _ => None,
    };
    Ok(Post { channels, base_url: options.notify.base_url.clone().unwrap_or_default(), bounces })
}

/// Holds the database against `revocations.log` before anybody is let in.
fn take_stock(store: &Store, dir: &Path, clock: &Clock) -> Result<usize> {
    if let Some(restored) = revocations::heal(store, dir, clock.now())? {
        note(&format!(
            "The database is older than revocations.log: it was put back by hand. {} withdrawal(s) took hold again; \
             `audit verify` and `doctor` are red until `zelo audit acknowledge`.",
            restored.replayed
        ));
    }
    revocations::complete(store, dir, clock.now())
}

/// How long `revocations.log` may lag behind what is not a consent.
const CATCH_UP_EVERY: Duration = Duration::from_secs(5);

/// Appends to `revocations.log` after each revocation's commit, and what else was withdrawn soon after.
fn keep_revocations(store: &Store, dir: &Path) -> JoinHandle<()> {
    let (watched, dir) = (store.clone(), dir.to_owned());
    store.threads().task("revocations.log", move || keep_on(watched.clone(), dir.clone()))
}

async fn keep_on(store: Store, dir: PathBuf) {
    let mut announced = store.signals();
    let mut soon = tokio::time::interval(CATCH_UP_EVERY);
    loop {
        let heard = tokio::select! {
            heard = announced.recv() => heard,
            _ = soon.tick() => Err(RecvError::Lagged(0)),
        };
        match heard {
            Ok(signal) if signal.name != "consent.changed" => continue,
            Err(RecvError::Closed) => return,
            // Missed some, or some time went by: the file is caught up all the same.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
        }
        let (store, dir) = (store.clone(), dir.clone());
        let caught = blocking(move || {
            let caught = revocations::catch_up(&store, &dir);
            // A database that does not answer says nothing of the file, and is told by itself.
            store.file_is_behind(caught.is_err() && store.ailment().is_none());
            caught
        });
        if let Err(fault) = caught.await {
            tracing::error!(%fault, "revocations.log is behind");
        }
    }
}

async fn close(node: Node, store: &Store, dir: &Path, keeping: JoinHandle<()>, drain: Duration) {
    note("Stopping…");
    let until = tokio::time::Instant::now() + PATIENCE;
    node.drain(drain).await;
    keeping.abort();
    if tokio::time::timeout_at(until, node.stop()).await.is_err() {
        tracing::warn!("something still ran and was left");
    }
    if let Err(fault) = revocations::catch_up(store, dir) {
        tracing::warn!(%fault, "revocations.log is not caught up; the next start does it");
    }
}

/// What a browser on this machine opens.
fn url(options: &Options, bound: SocketAddr) -> String {
    let scheme = if options.http_tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", loopback(bound))
}

fn https(options: &Options) -> Result<Option<ServerConfig>> {
    let Some(TlsFiles { cert, key }) = &options.http_tls else { return Ok(None) };
    let fault = |path: &Path, why: &dyn std::fmt::Display| Error::Usage(format!("{}: {why}", path.display()));
    let chain: std::result::Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
    let chain = chain.map_err(|why| fault(cert, &why))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| fault(key, &why))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|why| fault(cert, &why))?;
    Ok(Some(config))
}

fn tls(options: &Options) -> Result<Option<TlsOptions>> {
    let Some((listen, files)) = &options.mqtt_tls else { return Ok(None) };
    let read = |path: &Path| std::fs::read(path).map_err(|source| Error::io("cannot read", path, &source));
    let client_ca_pem = options.mqtt_client_ca.as_deref().map(read).transpose()?;
    Ok(Some(TlsOptions {
        listen: *listen,
        certificates_pem: read(&files.cert)?,
        key_pem: read(&files.key)?,
        client_ca_pem,
    }))
}

/// The address a client on this machine connects to.
fn loopback(bound: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let ip = if bound.is_ipv4() {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        std::net::Ipv6Addr::LOCALHOST.into()
    };
    SocketAddr::new(ip, bound.port())
}
