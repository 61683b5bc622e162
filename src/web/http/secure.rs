//! HTTPS. A connection has its place from its first byte, before its TLS greeting: who does not finish the greeting waits
//! like anybody else, and leaves when others need the place.

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::{HttpService, Request, Response};
use actix_server::Server;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::dev::AppConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connections::{self, Connections, Seat};

/// What the server needs beside the application.
pub(crate) struct Door {
    pub(crate) connections: Arc<Connections>,
    /// For the head of a request.
    pub(crate) head: Duration,
    /// Seconds that open answers have when the server stops.
    pub(crate) grace: u64,
    /// Turns true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Serves an application over TLS.
///
/// # Errors
/// The listener cannot be used.
pub(crate) fn run<F, I, S, B>(
    listener: TcpListener,
    mut tls: rustls::ServerConfig,
    door: Door,
    application: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let Door { connections, head, grace, stopping } = door;
    let service = move || {
        let (acceptor, connections, stopping) =
            (acceptor.clone(), Arc::clone(&connections), stopping.clone());
        let application = application().into_factory().map_err(|error| error.into().error_response());
        // The only way to say that links lead to https, from outside the crate.
        let config = AppConfig::__priv_test_new(true, address.to_string(), address);
        let http = HttpService::build()
            .keep_alive(connections::KEEP_ALIVE)
            .client_request_timeout(head)
            .client_disconnect_timeout(connections::FAREWELL)
            .graceful_shutdown_signal(move || {
                let mut stopping = stopping.clone();
                async move { drop(stopping.wait_for(|stopping| *stopping).await) }
            })
            .on_connect_ext(|greeted: &Greeted, data: &mut actix_http::Extensions| {
                if let Some(seat) = greeted.seat.borrow_mut().take() {
                    data.insert(seat);
                }
            })
            .finish(map_config(application, move |()| config.clone()));
        let greeting = move |socket: TcpStream| greet(socket, acceptor.clone(), Arc::clone(&connections));
        fn_service(greeting).and_then(http.map_err(drop))
    };
    let server = Server::build().workers(super::serve::WORKERS).disable_signals().shutdown_timeout(grace);
    Ok(server.listen("https", listener, service)?.run())
}

async fn greet(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    connections: Arc<Connections>,
) -> Result<(Greeted, actix_http::Protocol, Option<SocketAddr>), ()> {
    let seat = connections.seat(&socket, connections::GREETING).ok_or(())?;
    let peer = socket.peer_addr().ok();
    let accepted = tokio::time::timeout(connections::GREETING, acceptor.accept(socket)).await;
    let Ok(Ok(stream)) = accepted else { return Err(()) };
    seat.is_greeted();
    Ok((Greeted { stream, seat: RefCell::new(Some(seat)) }, actix_http::Protocol::Http1, peer))
}

/// A connection after its greeting, with its place until its requests have it.
struct Greeted {
    stream: TlsStream<TcpStream>,
    seat: RefCell<Option<Seat>>,
}

impl AsyncRead for Greeted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Greeted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
