//! The loop of one connection: moves bytes between socket and session, and waits for whatever
//! comes first. An idle connection holds no buffer; it reads into one that its thread shares.

use super::answer::Farewell;
use super::backend::{Backend, Command, Credentials, DeviceEvent, EndReason, Protocol, Share};
use super::limits::Options;
use super::mailbox::{Mail, Mailbox};
use super::metrics::Metrics;
use super::registry::Registry;
use super::session::{End, Session};
use super::strangers::{Stranger, Strangers};
use super::wire;
use crate::room::Room;
use bytes::Bytes;
use std::borrow::Cow;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

mod login;
mod socket;

use socket::{SCRATCH_BYTES, part, read_with, write};

/// How far ahead a token's end is trusted to the monotonic clock before asking again.
const RECHECK: Duration = Duration::from_secs(600);
/// Bytes a second at which a packet may arrive at the slowest.
const SLOWEST_BYTES: usize = 4096;
/// What is read of a connection of which nothing waits, where the room of all is full: who brings little is served beside
/// a flood.
const CALM_BYTES: usize = 1024;
/// A deadline that never comes.
const NEVER: Duration = Duration::from_secs(86_400);

/// What devices hear when the house stops.
pub(crate) const STOPPING: &str = "the server is stopping: connect again in a moment";

/// What all connections share.
pub(crate) struct Context<B> {
    pub(crate) backend: Arc<B>,
    pub(crate) options: Options,
    pub(crate) registry: Registry,
    pub(crate) room: Arc<Room>,
    pub(crate) seats: Arc<Room>,
    pub(crate) strangers: Arc<Strangers>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Waits until the house stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

/// A place in the registry. Leaving it, however that happens, tells the backend.
struct Seat<B: Backend> {
    cx: Arc<Context<B>>,
    device: Uuid,
    mailbox: Arc<Mailbox>,
    will: Option<Bytes>,
    reason: EndReason,
    share: Share,
}

impl<B: Backend> Drop for Seat<B> {
    fn drop(&mut self) {
        let (device, session) = (self.device, self.mailbox.session());
        self.cx.registry.leave(device, session);
        self.mailbox.close();
        let clean = self.reason == EndReason::Device(0);
        let will = self.will.take().filter(|_will| !clean);
        let at = self.cx.backend.now();
        let (reason, share) = (self.reason, Arc::clone(&self.share));
        self.cx.backend.event(DeviceEvent::Disconnected { device, session, reason, will, at, share });
    }
}

type Asking = Pin<Box<dyn Future<Output = Vec<Command>> + Send>>;

/// A connection whose device is logged in.
struct Live<S, B: Backend> {
    io: S,
    cx: Arc<Context<B>>,
    session: Box<Session>,
    seat: Seat<B>,
    mail: Mail,
    asking: Option<Asking>,
    keep_alive: Option<Duration>,
    expires_at: Option<i64>,
    heard: Instant,
    /// Since when the socket is not read.
    deaf: Option<Instant>,
    drain_until: Option<Instant>,
    /// When to look again whether the token has ended.
    token_check: Option<Instant>,
    /// Which packet is on its way, and until when it must be whole.
    arriving: Option<(u32, Instant)>,
}

/// Serves one connection to its end.
pub(crate) async fn serve<S, B>(
    mut io: S,
    cx: Arc<Context<B>>,
    stranger: Stranger,
    certificate: Option<Credentials>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    B: Backend,
{
    let welcome =
        Box::pin(timeout(cx.options.connect_timeout, login::login(&mut io, &cx, stranger, certificate)))
            .await;
    let Ok(Some(welcome)) = welcome else { return };
    let mut live = Live {
        io,
        session: welcome.session,
        seat: welcome.seat,
        mail: Mail::default(),
        asking: None,
        keep_alive: welcome.keep_alive,
        expires_at: welcome.expires_at,
        heard: Instant::now(),
        deaf: None,
        drain_until: None,
        token_check: None,
        arriving: None,
        cx,
    };
    live.check_token();
    // A session that joined after the stop was broadcast has not heard it.
    if *live.cx.stopping.borrow() {
        let farewell = Farewell { code: 0x8b, reason: Cow::Borrowed(STOPPING) };
        live.session.leave(farewell, EndReason::Stopping);
    }
    if !welcome.rest.is_empty() {
        let now = live.cx.backend.now();
        live.session.feed(&welcome.rest, now);
    }
    drop(welcome.rest);
    let end = live.run().await;
    Box::pin(live.finish(end)).await;
}

impl<S, B> Live<S, B>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    B: Backend,
{
    async fn run(&mut self) -> End {
        let alarm = sleep_until(self.next_deadline());
        tokio::pin!(alarm);
        loop {
            self.hand_over().await;
            if let Err(reason) = self.write().await {
                return End { farewell: None, reason };
            }
            if let Some(end) = self.session.take_end() {
                return end;
            }
            let (reading, full) = self.may_read();
            let most = reading.unwrap_or(0);
            // What has begun has its room already, and so little needs none.
            let regardless = self.session.arriving().is_some() || most == CALM_BYTES;
            let next = self.next_deadline();
            if next < alarm.deadline() {
                alarm.as_mut().reset(next);
            }
            let Self { io, cx, session, mail, asking, .. } = self;
            let mailbox = Arc::clone(&session.mailbox);
            tokio::select! { biased;
                () = poll_fn(|task| mailbox.poll_take(task, mail)) => session.open(mail),
                pending = answered(asking) => {
                    *asking = None;
                    session.add_commands(pending);
                }
                () = alarm.as_mut() => {
                    self.on_alarm();
                    alarm.as_mut().reset(self.next_deadline());
                }
                read = with_space(&cx.room, regardless, read_with(io, most, |bytes| feed(session, &*cx.backend, bytes))), if reading.is_some() => {
                    match read {
                        Some(Ok(0) | Err(_)) => session.end_as(None, EndReason::Lost),
                        Some(Ok(_)) => self.heard = Instant::now(),
                        None => {}
                    }
                }
                () = cx.room.space(), if full => {}
            }
        }
    }

    /// How much to read of the socket, and whether only the room of all connections forbids more.
    fn may_read(&mut self) -> (Option<usize>, bool) {
        let free = !self.session.is_leaving()
            && self.session.in_flight_bytes() < self.cx.options.max_in_flight_bytes;
        // A packet that has begun has its room already.
        let space = self.cx.room.has_space() || self.session.arriving().is_some();
        let most = if space { SCRATCH_BYTES } else { CALM_BYTES };
        let reading = (free && (space || self.session.in_flight_bytes() == 0)).then_some(most);
        if reading.is_some() {
            if self.deaf.take().is_some() {
                // What it sent meanwhile was not looked at; that is not its silence.
                self.heard = Instant::now();
            }
        } else {
            self.deaf.get_or_insert_with(Instant::now);
        }
        self.watch_arriving();
        if self.session.is_leaving() {
            let until = Instant::now() + drain_timeout(&self.cx);
            self.drain_until = Some(self.drain_until.map_or(until, |set| set.min(until)));
        }
        (reading, free && reading.is_none())
    }

    /// Gives the backend what the session collected; acknowledges while it waits for room.
    async fn hand_over(&mut self) {
        let Self { io, cx, session, mail, asking, .. } = self;
        for event in session.events.drain(..) {
            cx.backend.event(event);
        }
        for foreign in std::mem::take(&mut session.foreign) {
            if let Some(body) = cx.backend.foreign_topic(&foreign) {
                session.notice(&body);
            }
        }
        if asking.is_none() && session.downlink.take_ask() {
            let (backend, device) = (Arc::clone(&cx.backend), session.device);
            *asking = Some(Box::pin(async move { backend.pending(device).await }));
        }
        if session.batch.is_empty() {
            return;
        }
        let deliver = cx.backend.deliver(std::mem::take(&mut session.batch));
        let late = sleep(cx.options.room_timeout);
        tokio::pin!(deliver, late);
        let mailbox = Arc::clone(&session.mailbox);
        loop {
            tokio::select! { biased;
                () = deliver.as_mut() => return,
                () = poll_fn(|task| mailbox.poll_take(task, mail)) => {
                    session.open(mail);
                    let written = write(io, &mut session.out, &mailbox, cx.options.write_timeout).await;
                    if let Err(reason) = written {
                        session.end_as(None, reason);
                    }
                    if session.has_ended() {
                        return;
                    }
                    let drained = Instant::now() + drain_timeout(cx);
                    if session.is_leaving() && drained < late.deadline() {
                        late.as_mut().reset(drained);
                    }
                }
                () = late.as_mut() => {
                    session.stop_draining();
                    session.end_as(Some(no_room()), EndReason::NotStored);
                    return;
                }
            }
        }
    }

    async fn write(&mut self) -> Result<(), EndReason> {
        let Self { io, cx, session, .. } = self;
        if session.out.is_empty() {
            return Ok(());
        }
        let mailbox = Arc::clone(&session.mailbox);
        write(io, &mut session.out, &mailbox, cx.options.write_timeout).await
    }

    fn on_alarm(&mut self) {
        let now = Instant::now();
        if self.drain_until.is_some_and(|until| until <= now) {
            self.session.stop_draining();
        }
        if self.token_check.is_some_and(|at| at <= now) {
            self.check_token();
        }
        let too_long = self.deaf.is_some_and(|since| since + self.cx.options.room_timeout <= now);
        if too_long && !self.session.is_leaving() {
            self.session.end_as(Some(no_room()), EndReason::NotStored);
        }
        if self.arriving.is_some_and(|(_, until)| until <= now) {
            let reason = Cow::Borrowed("a packet was begun and not finished in time");
            self.session.end_as(Some(Farewell { code: 0x80, reason }), EndReason::Silent);
        }
        let silent = self.keep_alive.is_some_and(|limit| self.heard + limit <= now);
        if silent && self.deaf.is_none() {
            let farewell =
                Farewell { code: 0x8d, reason: Cow::Borrowed("silent for one and a half keep-alives") };
            self.session.end_as(Some(farewell), EndReason::Silent);
        }
    }

    /// A packet must arrive whole in time: nobody else can use its room. A socket that is not read is not its fault.
    fn watch_arriving(&mut self) {
        self.arriving = match (self.session.arriving(), self.arriving) {
            _ if self.deaf.is_some() => None,
            (Some((packet, _)), Some((known, until))) if packet == known => Some((packet, until)),
            (Some((packet, bytes)), _) => {
                let slowest = Duration::from_secs(u64::try_from(bytes / SLOWEST_BYTES).unwrap_or(u64::MAX));
                Some((packet, Instant::now() + self.cx.options.room_timeout + slowest))
            }
            (None, _) => None,
        };
    }

    /// Ends the session of a token that has ended, or plans the next look: the wall clock may step.
    fn check_token(&mut self) {
        let Some(at) = self.expires_at else { return };
        let left = u64::try_from(at.saturating_sub(self.cx.backend.now())).unwrap_or(0);
        if left > 0 {
            self.token_check = Some(Instant::now() + Duration::from_micros(left).min(RECHECK));
            return;
        }
        self.token_check = None;
        let reason = Cow::Borrowed("the device's token or certificate has ended: connect with a new one");
        self.session.leave(Farewell { code: 0x87, reason }, EndReason::TokenEnded);
    }

    /// The nearest moment at which something must be looked at.
    fn next_deadline(&self) -> Instant {
        let silent = self.keep_alive.filter(|_limit| self.deaf.is_none()).map(|limit| self.heard + limit);
        let waiting = self.deaf.filter(|_since| self.drain_until.is_none());
        let deaf = waiting.map(|since| since + self.cx.options.room_timeout);
        let arriving = self.arriving.map(|(_, until)| until);
        let all = [silent, deaf, arriving, self.token_check, self.drain_until];
        all.into_iter().flatten().min().unwrap_or_else(|| Instant::now() + NEVER)
    }

    /// Says goodbye and lets it arrive: a socket closed over unread bytes would take it back.
    async fn finish(self, end: End) {
        let Self { mut io, cx, mut session, mut seat, .. } = self;
        seat.reason = end.reason;
        drop(seat);
        let Some(farewell) = end.farewell else { return };
        cx.metrics.disconnected(farewell.code);
        tracing::debug!(device.id = %session.device, code = farewell.code, reason = ?end.reason, "device disconnected");
        if session.manner.protocol == Protocol::V5 {
            session.out.extend(wire::disconnect(farewell.code, &farewell.reason, session.manner.max_bytes));
        }
        part(&mut io, &session.out).await;
    }
}

/// How long what is in flight may hold back a goodbye: a house that stops waits less.
fn drain_timeout<B>(cx: &Context<B>) -> Duration {
    if *cx.stopping.borrow() { cx.options.drain_timeout } else { cx.options.room_timeout }
}

fn no_room() -> Farewell {
    Farewell { code: 0x89, reason: Cow::Borrowed("no room for more messages in time: send them again later") }
}

fn feed<B: Backend>(session: &mut Session, backend: &B, bytes: &[u8]) {
    if !bytes.is_empty() {
        session.feed(bytes, backend.now());
    }
}

/// Reads only while there is room, which may have been filled since this read began to wait; `regardless` of it where that
/// is no matter.
async fn with_space(
    room: &Room,
    regardless: bool,
    read: impl Future<Output = io::Result<usize>>,
) -> Option<io::Result<usize>> {
    tokio::pin!(read);
    poll_fn(|task| {
        if regardless || room.has_space() { read.as_mut().poll(task).map(Some) } else { Poll::Ready(None) }
    })
    .await
}

async fn answered(asking: &mut Option<Asking>) -> Vec<Command> {
    match asking {
        Some(asking) => asking.await,
        None => pending().await,
    }
}
