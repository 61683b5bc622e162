//! From the first byte to CONNACK: reads CONNECT, asks the backend who this is, takes the seat.

use super::super::backend::{Backend, Credentials, DeviceEvent, EndReason, Protocol, Refusal, RefusalCode};
use super::super::greeting::{Greeting, Hello, Rejected};
use super::super::session::Session;
use super::super::strangers::Stranger;
use super::super::topic::Up;
use super::socket::{SCRATCH_BYTES, part, read_with};
use super::{Context, Seat, stopped};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

/// What a session takes of the room of seats beside its will: its two events and its commands' acknowledgements.
const SEAT_BYTES: usize = 512;

/// What a device hears that finds no place.
const FULL: &str = "as many devices as this server takes are connected: try again later";

/// A device that was let in.
pub(super) struct Welcome<B: Backend> {
    pub(super) session: Box<Session>,
    pub(super) seat: Seat<B>,
    pub(super) keep_alive: Option<Duration>,
    pub(super) expires_at: Option<i64>,
    /// What was read behind CONNECT.
    pub(super) rest: Vec<u8>,
}

/// Lets a device in or tells it why not. `None`: it is over. Until it is in, others may need its place.
pub(super) async fn login<S, B>(
    io: &mut S,
    cx: &Arc<Context<B>>,
    mut stranger: Stranger,
    certificate: Option<Credentials>,
) -> Option<Welcome<B>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    B: Backend,
{
    let mut stopping = cx.stopping.clone();
    let welcomed = tokio::select! {
        welcomed = welcome(io, cx, &mut stranger, certificate) => welcomed,
        () = stopped(&mut stopping) => return None,
    };
    match welcomed {
        Ok(welcome) => welcome,
        Err(rejected) => {
            cx.metrics.refused_connect(rejected.code);
            if !rejected.bytes.is_empty() {
                stranger.is_refused();
                stranger.greet(part(io, &rejected.bytes)).await;
            }
            None
        }
    }
}

async fn welcome<S, B>(
    io: &mut S,
    cx: &Arc<Context<B>>,
    stranger: &mut Stranger,
    certificate: Option<Credentials>,
) -> Result<Option<Welcome<B>>, Rejected>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    B: Backend,
{
    let mut greeting = Greeting::new(&cx.options);
    let read = stranger.greet(read_connect(io, &mut greeting)).await.transpose()?.flatten();
    let Some((mut hello, rest)) = read else { return Ok(None) };
    hello.check()?;
    let protocol = hello.manner.protocol;
    let credentials = hello.credentials(certificate).map_err(|refusal| refused(protocol, &refusal))?;
    if !stranger.is_asked() {
        return Ok(None);
    }
    let identity =
        cx.backend.authenticate(credentials).await.map_err(|refusal| refused(protocol, &refusal))?;
    let device = identity.device;
    // One that comes back takes the place of its own older session.
    if cx.registry.connected_count() >= cx.options.max_devices && !cx.registry.is_connected(device) {
        let full = Refusal { code: RefusalCode::ServerBusy, reason: FULL.to_owned() };
        return Err(refused(protocol, &full));
    }
    let will = own_will(&mut hello, device, cx.options.max_will_bytes)?;
    let connack = greeting.accept(&hello, &cx.options).map_err(|_too_small| Rejected::silent(0x95))?;

    // For its coming and its going: the session that ends need not wait to say so.
    let share = Arc::new(cx.seats.hold(SEAT_BYTES + will.as_ref().map_or(0, Bytes::len)).await);
    let at = cx.backend.now();
    let mailbox = cx.registry.join(device, identity.token, at);
    let seat = Seat {
        cx: Arc::clone(cx),
        device,
        mailbox: Arc::clone(&mailbox),
        will,
        reason: EndReason::Lost,
        share: Arc::clone(&share),
    };
    let session = mailbox.session();
    cx.backend.event(DeviceEvent::Connected { device, session, protocol, at, share: Arc::clone(&share) });
    let keep_alive_s = u64::from(hello.keep_alive_s(&cx.options));
    let keep_alive = (keep_alive_s > 0).then(|| Duration::from_millis(keep_alive_s * 1500));
    let mut session = Box::new(Session::new(
        greeting.core,
        greeting.framing,
        hello.manner,
        device,
        mailbox,
        Arc::clone(&cx.metrics),
        share,
    ));
    session.out = connack;
    Ok(Some(Welcome { session, seat, keep_alive, expires_at: identity.expires_at, rest }))
}

/// CONNECT and what was read behind it; `None` when the peer went away.
async fn read_connect<S: AsyncRead + Unpin>(
    io: &mut S,
    greeting: &mut Greeting,
) -> Result<Option<(Hello, Vec<u8>)>, Rejected> {
    loop {
        let mut fed = Ok(None);
        let read = read_with(io, SCRATCH_BYTES, |bytes| {
            fed = greeting.feed(bytes).map(|parsed| parsed.map(|(hello, rest)| (hello, rest.to_vec())));
        });
        if !matches!(read.await, Ok(bytes) if bytes > 0) {
            return Ok(None);
        }
        if let Some(parsed) = fed? {
            return Ok(Some(parsed));
        }
    }
}

/// The will, which must be on the device's own status topic.
fn own_will(hello: &mut Hello, device: Uuid, max_bytes: usize) -> Result<Option<Bytes>, Rejected> {
    let Some(will) = hello.will.take() else { return Ok(None) };
    if will.payload.len() > max_bytes {
        let reason = format!("E_QUOTA a will has at most {max_bytes} bytes");
        return Err(Rejected::with_reason(hello.manner.protocol, 0x97, &reason));
    }
    if Up::parse(&will.topic, device) == Some(Up::Status) {
        return Ok(Some(will.payload));
    }
    let reason = "E_TOPIC the will belongs on your own zelo/v1/devices/{id}/status";
    Err(Rejected::with_reason(hello.manner.protocol, 0x87, reason))
}

fn refused(protocol: Protocol, refusal: &Refusal) -> Rejected {
    let code = match refusal.code {
        RefusalCode::NotAuthorized => 0x87,
        RefusalCode::Banned => 0x8a,
        RefusalCode::ServerBusy => 0x89,
    };
    Rejected::with_reason(protocol, code, &refusal.reason)
}
