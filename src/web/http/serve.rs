//! The HTTP server: two workers over the route table, and an end within five seconds even while dashboards
//! listen.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use tokio::net::TcpSocket;

use super::address::Site;
use super::connections::{self, Connections, Limits};
use super::guard::{self, Transport};
use super::openapi;
use super::route::{self, Row};
use super::secure::{self, Door};
use crate::health::metrics::Counted;
use crate::state::State;

/// How long open answers may take to end.
const GRACE_SECS: u64 = 3;

/// Threads that serve requests.
pub(crate) const WORKERS: usize = 2;
/// Connections the kernel may hold before they are accepted.
const BACKLOG: u32 = 1_024;
/// Connections of programs, beside so many of people: few of each kind, and none takes long to read what it asked for. A
/// worker that is busy with others may be late to read what one asks.
fn of_programs(people: Limits) -> Limits {
    Limits {
        all: (people.all / 8).clamp(16, 32),
        // All may be one monitor's.
        network: usize::MAX,
        head: Duration::from_secs(10),
        pause: Duration::from_secs(5),
        rate: 64 * 1_024,
    }
}

/// Where and how.
pub struct Options {
    /// The address; port 0 picks a free one.
    pub http: SocketAddr,
    /// Where programs that count ask without signing in: metrics and probes, nothing else.
    pub metrics: Option<SocketAddr>,
    /// A certificate with its key: HTTPS here.
    pub tls: Option<rustls::ServerConfig>,
    /// A proxy that we trust stands before us, speaks TLS and names the address that asks.
    pub behind_proxy: bool,
    /// The cookie may only travel over TLS; false on plain loopback.
    pub secure_cookie: bool,
    /// How many connections, and how slow.
    pub limits: Limits,
}

/// A server that runs.
pub struct Running {
    /// The bound address.
    pub address: SocketAddr,
    /// The bound address of metrics, where they have one of their own.
    pub metrics: Option<SocketAddr>,
    handle: ServerHandle,
    counting: Option<ServerHandle>,
    state: Data<State>,
    ended: tokio::task::JoinHandle<()>,
    keeper: tokio::task::JoinHandle<()>,
}

impl Running {
    /// From now on the node is not ready. Goes on serving for a while where somebody asks whether it is, so that a balancer
    /// sees it before the ports close.
    pub async fn drain(&self, a_while: Duration) {
        if self.state.readiness.ends() {
            tokio::time::sleep(a_while).await;
        }
    }

    /// Ends streams, waits a little for open answers, then closes.
    pub async fn stop(self) {
        self.state.stopping.send_replace(true);
        self.handle.stop(true).await;
        if let Some(counting) = self.counting {
            counting.stop(false).await;
        }
        self.keeper.abort();
        drop(self.ended.await);
    }
}

/// Binds and begins to serve. Call it on a tokio runtime.
///
/// # Errors
/// The address cannot be bound.
pub fn serve(state: State, options: Options) -> io::Result<Running> {
    let Options { http, metrics, tls, behind_proxy, secure_cookie, limits } = options;
    let state = Data::new(state);
    let clock = Data::new(state.clock.clone());
    let site = Data::new(Site { secure_cookie, behind_proxy });
    let transport = Data::new(if tls.is_some() || behind_proxy { Transport::Tls } else { Transport::Plain });
    let shared = Data::clone(&state);
    let connections = Connections::new(limits, behind_proxy);
    let seated = Arc::clone(&connections);
    let application = move || {
        App::new()
            .app_data(Data::clone(&shared))
            .app_data(Data::clone(&clock))
            .app_data(Data::clone(&site))
            .app_data(Data::clone(&transport))
            .configure(guard::limits)
            .wrap(Compress::default())
            .wrap(from_fn(guard::stand))
            .wrap(from_fn(crate::health::metrics::note))
            .wrap(from_fn(connections::pace))
            .configure(|config| everything(config, crate::routes::rows()))
    };
    let listener = listen(http)?;
    let address = listener.local_addr()?;
    let server = match tls {
        Some(tls) => {
            let stopping = state.stopping.subscribe();
            let door = Door { connections: seated, head: limits.head, grace: GRACE_SECS, stopping };
            secure::run(listener, tls, door, application)?
        }
        None => HttpServer::new(application)
            .workers(WORKERS)
            .on_connect(move |io, data| seated.admit(io, data))
            .client_request_timeout(limits.head)
            .client_disconnect_timeout(connections::FAREWELL)
            .keep_alive(connections::KEEP_ALIVE)
            .disable_signals()
            .shutdown_timeout(GRACE_SECS)
            .listen(listener)?
            .run(),
    };
    let handle = server.handle();
    let counting = metrics.map(|address| count(address, &state, of_programs(limits))).transpose()?;
    let threads = state.store.threads().clone();
    let keeper = threads.task("connections", move || Arc::clone(&connections).keep());
    let metrics = counting.as_ref().map(|(address, _)| *address);
    let counting = counting.map(|(_, server)| server);
    Ok(Running { address, metrics, handle, state, ended: threads.once("http", server), keeper, counting })
}

/// Metrics and probes on an address of their own.
fn count(address: SocketAddr, state: &Data<State>, limits: Limits) -> io::Result<(SocketAddr, ServerHandle)> {
    let listener = listen(address)?;
    let (bound, state, threads) = (listener.local_addr()?, Data::clone(state), state.store.threads().clone());
    let connections = Connections::new(limits, false);
    let seated = Arc::clone(&connections);
    drop(threads.task("counters", move || Arc::clone(&connections).keep()));
    let counted = Data::new(Counted::default());
    // Nobody stands before this address.
    let site = Data::new(Site { secure_cookie: false, behind_proxy: false });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&state))
            .app_data(Data::clone(&site))
            .app_data(Data::clone(&counted))
            .wrap(from_fn(connections::sort))
            .wrap(from_fn(connections::pace))
            .route("/metrics", web::get().to(crate::health::metrics::open))
            .route("/healthz", web::get().to(crate::health::probes::healthz))
            .route("/healthz/engine", web::get().to(crate::health::probes::healthz_engine))
            .route("/readyz", web::get().to(crate::health::probes::readyz))
    })
    .workers(1)
    .on_connect(move |io, data| seated.admit(io, data))
    .client_request_timeout(limits.head)
    .client_disconnect_timeout(connections::FAREWELL)
    .keep_alive(connections::KEEP_ALIVE)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let handle = server.handle();
    drop(threads.once("metrics", server));
    Ok((bound, handle))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Mounts rows, and an answer for everything else.
pub(crate) fn everything(config: &mut web::ServiceConfig, rows: Vec<Row>) {
    route::mount(config, rows, openapi::takes_body);
    crate::assets::mount(config);
    config.default_service(web::to(route::nowhere));
}
