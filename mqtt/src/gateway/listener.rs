//! Accepts sockets, plain and TLS, starts a task for each and ends them all when the house stops.

use super::backend::Backend;
use super::connection::{Context, STOPPING, serve, stopped};
use super::limits::{Error, Options};
use super::metrics::Metrics;
use super::registry::Registry;
use super::strangers::{Stranger, Strangers};
use super::tls;
use crate::room::Room;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Connections the kernel may hold before they are accepted.
const BACKLOG: u32 = 4096;
/// A pause when the system has no descriptors left.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How long stopping may take before tasks are cut off.
const STOP_TIMEOUT: Duration = Duration::from_millis(4500);

/// The device edge.
pub struct Gateway;

/// A running gateway. Dropping it cuts all connections; [`Handle::stop`] says goodbye first.
pub struct Handle {
    local: SocketAddr,
    tls: Option<SocketAddr>,
    registry: Registry,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Gateway {
    /// Binds and serves. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error`] says which address or which part of the TLS material cannot be used.
    pub fn start<B: Backend>(options: Options, backend: Arc<B>) -> Result<Handle, Error> {
        let plain = bind(options.listen)?;
        let secure = match &options.tls {
            None => None,
            Some(tls) => Some((bind(tls.listen)?, TlsAcceptor::from(tls.server_config()?))),
        };
        let address = |listener: &TcpListener, asked| {
            listener.local_addr().map_err(|source| Error::Listen { address: asked, source })
        };
        let local = address(&plain, options.listen)?;
        let tls =
            secure.as_ref().map(|(listener, _acceptor)| address(listener, options.listen)).transpose()?;

        let (stop, stopping) = watch::channel(false);
        let room = Arc::new(Room::new(options.max_total_in_flight_bytes));
        let seats = Arc::new(Room::new(options.max_seat_bytes));
        let metrics = Arc::new(Metrics::default());
        let first_session = u64::try_from(backend.now()).unwrap_or(0).saturating_add(1);
        let registry = Registry::new(first_session, Arc::clone(&room), Arc::clone(&metrics));
        let strangers = Strangers::new(options.max_strangers, options.max_strangers_of_network);
        let cx = Context {
            backend,
            options,
            registry: registry.clone(),
            room,
            seats,
            strangers,
            metrics,
            stopping: stopping.clone(),
        };
        let task = tokio::spawn(accept_all(plain, secure, Arc::new(cx), stopping));
        Ok(Handle { local, tls, registry, stop, task })
    }
}

impl Handle {
    /// Where plain MQTT listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Where MQTT over TLS listens.
    #[must_use]
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls
    }

    /// The live sessions.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }

    /// Stops accepting, answers what is in flight, tells MQTT 5 devices 0x8B; within 5 s.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        drop((&mut self.task).await);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        // Inherited by each connection: a 3.1.1 device without keep-alive may vanish unseen.
        socket.set_keepalive(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| Error::Listen { address, source })
}

async fn accept_all<B: Backend>(
    plain: TcpListener,
    secure: Option<(TcpListener, TlsAcceptor)>,
    cx: Arc<Context<B>>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = plain.accept() => {
                if let Some((socket, stranger)) = admit(accepted, &cx).await {
                    let open = Open::new(&cx);
                    tasks.spawn(async move {
                        let cx = Arc::clone(&open.0);
                        serve(socket, cx, stranger, None).await;
                    });
                }
            }
            accepted = accept_secure(secure.as_ref()) => {
                let (accepted, acceptor) = accepted;
                if let Some((socket, stranger)) = admit(accepted, &cx).await {
                    let open = Open::new(&cx);
                    tasks.spawn(Box::pin(serve_secure(socket, acceptor.clone(), stranger, open)));
                }
            }
            Some(ended) = tasks.join_next() => note_crash(&ended, &cx),
            () = stopped(&mut stopping) => break,
        }
    }
    drop((plain, secure));
    cx.registry.close_all(0x8b, STOPPING);
    let ended = timeout(STOP_TIMEOUT, async {
        while let Some(ended) = tasks.join_next().await {
            note_crash(&ended, &cx);
        }
    })
    .await;
    if ended.is_err() {
        tasks.shutdown().await;
    }
}

/// A panic ends one connection and nothing else, but it must be seen.
fn note_crash<B>(ended: &Result<(), JoinError>, cx: &Context<B>) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        cx.metrics.crashed();
        tracing::error!("a connection task panicked; the device was disconnected");
    }
}

/// Counts a connection as long as it is open.
struct Open<B>(Arc<Context<B>>);

impl<B> Open<B> {
    fn new(cx: &Arc<Context<B>>) -> Self {
        cx.metrics.opened();
        Self(Arc::clone(cx))
    }
}

impl<B> Drop for Open<B> {
    fn drop(&mut self) {
        self.0.metrics.closed();
    }
}

async fn admit<B>(
    accepted: io::Result<(TcpStream, SocketAddr)>,
    cx: &Context<B>,
) -> Option<(TcpStream, Stranger)> {
    match accepted {
        Ok((socket, peer)) => {
            let seated = cx.strangers.seat(peer.ip());
            if seated.as_ref().is_none_or(|(_, made_room)| *made_room) {
                cx.metrics.turned_away();
            }
            let (stranger, _) = seated?;
            // Acknowledgements are small and must not wait for each other.
            drop(socket.set_nodelay(true));
            Some((socket, stranger))
        }
        Err(error) => {
            tracing::debug!(%error, "accept failed");
            sleep(EXHAUSTED).await;
            None
        }
    }
}

async fn accept_secure(
    secure: Option<&(TcpListener, TlsAcceptor)>,
) -> (io::Result<(TcpStream, SocketAddr)>, &TlsAcceptor) {
    match secure {
        Some((listener, acceptor)) => (listener.accept().await, acceptor),
        None => std::future::pending().await,
    }
}

async fn serve_secure<B: Backend>(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    mut stranger: Stranger,
    open: Open<B>,
) {
    let cx = Arc::clone(&open.0);
    let greeting = timeout(cx.options.connect_timeout, acceptor.accept(socket));
    let Some(Ok(Ok(stream))) = stranger.greet(greeting).await else { return };
    let certificate = tls::credentials(stream.get_ref().1.peer_certificates());
    serve(Box::new(stream), cx, stranger, certificate).await;
}
