//! Accepts sockets, plain and TLS, starts a task for each and ends them all when the house stops.

use super::backend::Backend;
use super::connection::{Context, STOPPING, serve, stopped};
use super::limits::{Error, Options};
use super::metrics::Metrics;
use super::registry::Registry;
use super::strangers::{Stranger, Strangers};
use super::tls;
use crate::room::Room;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
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

/// Accepts and passes on, until the gateway stops.
pub type Accepting = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Gateway {
    /// Binds and serves. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error`] says which address or which part of the TLS material cannot be used.
    pub fn start<B: Backend>(options: Options, backend: Arc<B>) -> Result<Handle, Error> {
        Self::start_under(options, backend, |mut accepting| tokio::spawn(accepting()))
    }

    /// As [`Gateway::start`], where `run` runs what accepts, and makes it anew when it panics: connections and sockets
    /// outlive that.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub fn start_under<B: Backend>(
        options: Options,
        backend: Arc<B>,
        run: impl FnOnce(Box<dyn FnMut() -> Accepting + Send>) -> JoinHandle<()>,
    ) -> Result<Handle, Error> {
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
        let open = Some(Arc::new(Listeners { plain, secure }));
        let doors = Arc::new(Doors { open: Mutex::new(open), cx: Arc::new(cx), tasks: Mutex::default() });
        let task = run(Box::new(move || Box::pin(accept_all(Arc::clone(&doors), stopping.clone()))));
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

struct Listeners {
    plain: TcpListener,
    secure: Option<(TcpListener, TlsAcceptor)>,
}

/// Where devices come in, and the connections of those who did.
struct Doors<B> {
    /// `None`: the gateway stops.
    open: Mutex<Option<Arc<Listeners>>>,
    cx: Arc<Context<B>>,
    tasks: Mutex<JoinSet<()>>,
}

impl<B> Doors<B> {
    fn open(&self) -> MutexGuard<'_, Option<Arc<Listeners>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next connection that ended; waits as long as there is none.
    async fn next_end(&self) -> Result<(), JoinError> {
        poll_fn(|cx| match self.tasks().poll_join_next(cx) {
            Poll::Ready(Some(ended)) => Poll::Ready(ended),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Ends when every connection has.
    async fn all_end(&self) {
        while let Some(ended) = poll_fn(|cx| self.tasks().poll_join_next(cx)).await {
            note_crash(&ended, &self.cx);
        }
    }
}

async fn accept_all<B: Backend>(doors: Arc<Doors<B>>, mut stopping: watch::Receiver<bool>) {
    let open = doors.open().clone();
    if let Some(open) = open {
        tokio::select! {
            never = admit_all(&doors, &open) => match never {},
            () = stopped(&mut stopping) => {}
        }
    }
    // The ports are closed before anybody is told goodbye, so that who comes back comes back elsewhere.
    drop(doors.open().take());
    doors.cx.registry.close_all(0x8b, STOPPING);
    if timeout(STOP_TIMEOUT, doors.all_end()).await.is_err() {
        doors.tasks().abort_all();
        doors.all_end().await;
    }
}

async fn admit_all<B: Backend>(doors: &Doors<B>, open: &Listeners) -> Infallible {
    let cx = &doors.cx;
    loop {
        tokio::select! {
            accepted = open.plain.accept() => {
                if let Some((socket, stranger)) = admit(accepted, cx).await {
                    let open = Open::new(cx);
                    doors.tasks().spawn(async move {
                        let cx = Arc::clone(&open.0);
                        serve(socket, cx, stranger, None).await;
                    });
                }
            }
            accepted = accept_secure(open.secure.as_ref()) => {
                let (accepted, acceptor) = accepted;
                if let Some((socket, stranger)) = admit(accepted, cx).await {
                    let open = Open::new(cx);
                    doors.tasks().spawn(Box::pin(serve_secure(socket, acceptor.clone(), stranger, open)));
                }
            }
            ended = doors.next_end() => note_crash(&ended, cx),
        }
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
