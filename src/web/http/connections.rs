//! The connections of people and programs. Each phase of a request has an end, and HTTP never takes the descriptors
//! that devices need: beyond its share, the connection that has waited longest for its own request goes first.
//!
//! The server underneath knows a deadline for the head of a request and for silence between two. The rest is here: a
//! body that drips, an answer that nobody takes, a second head that never ends.
//!
//! Where only programs ask ([`sort`]), each kind has its own places: whoever counts and does not read takes none from those
//! who ask whether the node is well.

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant as Moment};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream as Socket;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::Stream;

use super::address::{address, site};

/// How many connections there may be, and how long each phase of a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of each kind; people are all of one. Each takes two descriptors: its own, and the one by which it is closed from
    /// outside.
    pub all: usize,
    /// From one network: an IPv4 address, or the /64 of an IPv6 one. Behind a proxy it is the network for which the
    /// proxy asks (the last address of `X-Forwarded-For`).
    pub network: usize,
    /// The head of a request, from its first byte or from the end of the answer before.
    pub head: Duration,
    /// The body of a request, and the time that goes by while its answer is not taken.
    pub pause: Duration,
    /// Bytes a second that anybody can move; they lengthen `pause` for what is large.
    pub rate: u64,
}

/// What a connection is for, as far as it has said where only programs ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// Nothing yet, or a request of people.
    #[default]
    Any,
    /// Whether the node is well. It is never closed for another one before it is answered.
    Probe,
    /// How much it does.
    Count,
}

impl Kind {
    fn of(path: &str) -> Self {
        match path {
            "/healthz" | "/healthz/engine" | "/readyz" => Self::Probe,
            _ => Self::Count,
        }
    }
}

/// Between two requests of one connection.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// From the first byte of a TLS connection to its end of greeting.
pub(crate) const GREETING: Duration = Duration::from_secs(3);
/// How long what a client still sends is thrown away after a refusal.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);
/// How often deadlines are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long a probe waits for a place where all others are being answered, and how often it looks.
const A_MOMENT: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(20);

impl Limits {
    /// For a process that may open so many descriptors: a quarter of them is for HTTP, the rest for devices and files.
    #[must_use]
    pub fn of_descriptors(descriptors: u64) -> Self {
        let all = usize::try_from(descriptors / 8).unwrap_or(usize::MAX).clamp(64, 4_096);
        Self {
            all,
            network: (all / 4).max(64),
            head: Duration::from_secs(10),
            pause: Duration::from_secs(10),
            rate: 16 * 1_024,
        }
    }
}

/// One connection, as it stands.
struct Row {
    socket: TcpStream,
    network: IpAddr,
    kind: Kind,
    /// Since when it is in this phase.
    since: Moment,
    /// When it is closed; `None`: its answer is still being made, which is ours to end.
    until: Option<Moment>,
    /// Whether it may go to make room: its request is not complete, or its answer is out.
    yields: bool,
}

#[derive(Default)]
struct Table {
    next: u64,
    rows: HashMap<u64, Row>,
    networks: HashMap<IpAddr, usize>,
}

impl Table {
    fn close(&mut self, id: u64) {
        if let Some(row) = self.forget(id) {
            // Both ends are told; the server's own handle ends with its next look.
            let _gone_already = row.socket.shutdown(Shutdown::Both);
        }
    }

    fn forget(&mut self, id: u64) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        if let Some(count) = self.networks.get_mut(&row.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.networks.remove(&row.network);
            }
        }
        Some(row)
    }

    fn count(&self, kind: Kind) -> usize {
        self.rows.values().filter(|row| row.kind == kind).count()
    }

    /// Of those the one that has been in its phase for longest.
    fn oldest(&self, of: impl Fn(&Row) -> bool) -> Option<u64> {
        self.rows.iter().filter(|(_, row)| of(row)).min_by_key(|(_, row)| row.since).map(|(id, _)| *id)
    }

    /// The one that has waited longest for its own request, of one network or of all.
    fn longest(&self, network: Option<IpAddr>) -> Option<u64> {
        self.oldest(|row| {
            row.yields && row.kind == Kind::Any && network.is_none_or(|network| row.network == network)
        })
    }

    /// The one of this kind that goes for a new one: that was answered, that takes its answer, and of those that count even
    /// one that is being answered.
    fn least(&self, kind: Kind) -> Option<u64> {
        let of = |phase: fn(&Row) -> bool| self.oldest(|row| row.kind == kind && phase(row));
        let waits = || (kind == Kind::Count).then(|| of(|_any| true)).flatten();
        of(|row| row.yields).or_else(|| of(|row| row.until.is_some())).or_else(waits)
    }
}

/// Every connection of this node's HTTP server.
pub(crate) struct Connections {
    limits: Limits,
    by_network: bool,
    table: Mutex<Table>,
}

impl Connections {
    /// Without any yet.
    #[must_use]
    pub(crate) fn new(limits: Limits, behind_proxy: bool) -> Arc<Self> {
        Arc::new(Self { limits, by_network: !behind_proxy, table: Mutex::default() })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Behind a proxy a connection is of the network that its request comes from. A network that holds its part already
    /// gives up the one that has waited longest for its own request; `false`: it has none to give.
    fn asks_for(&self, id: u64, network: IpAddr) -> bool {
        let mut table = self.table();
        if table.rows.get(&id).is_none_or(|row| row.network == network) {
            return true;
        }
        if table.networks.get(&network).copied().unwrap_or(0) >= self.limits.network {
            let Some(longest) = table.longest(Some(network)) else { return false };
            table.close(longest);
        }
        if let Some(row) = table.forget(id) {
            table.rows.insert(id, Row { network, ..row });
            *table.networks.entry(network).or_default() += 1;
        }
        true
    }

    /// Seats a new connection without TLS.
    pub(crate) fn admit(self: &Arc<Self>, io: &dyn Any, data: &mut Extensions) {
        if let Some(seat) = io.downcast_ref::<Socket>().and_then(|socket| self.seat(socket, self.limits.head))
        {
            data.insert(seat);
        }
    }

    /// A place for a new connection, which has so long for what it says first; when there is no room, the one that has
    /// waited longest for its own request leaves.
    pub(crate) fn seat(self: &Arc<Self>, socket: &Socket, first: Duration) -> Option<Seat> {
        let (network, now) = (network(socket.peer_addr().ok()?.ip()), Moment::now());
        let handle = handle(socket).ok()?;
        let mut table = self.table();
        let theirs = table.networks.get(&network).copied().unwrap_or(0);
        let crowded = self.by_network && theirs >= self.limits.network;
        if crowded || table.count(Kind::Any) >= self.limits.all {
            match table.longest(crowded.then_some(network)) {
                Some(id) => table.close(id),
                None => {
                    let _gone_already = handle.shutdown(Shutdown::Both);
                    return None;
                }
            }
        }
        table.next += 1;
        let id = table.next;
        let until = Some(now + first);
        let row = Row { socket: handle, network, kind: Kind::Any, since: now, until, yields: true };
        table.rows.insert(id, row);
        *table.networks.entry(network).or_default() += 1;
        Some(Seat(Place { id, connections: Arc::clone(self) }))
    }

    /// It is of this kind by what it asks; when its kind has no room, another one of it leaves. `false`: none can, for now.
    fn sorts(&self, id: u64, kind: Kind) -> bool {
        let mut table = self.table();
        if table.rows.get(&id).is_none_or(|row| row.kind == kind) {
            return true;
        }
        if table.count(kind) >= self.limits.all {
            let Some(least) = table.least(kind) else { return false };
            table.close(least);
        }
        if let Some(row) = table.rows.get_mut(&id) {
            row.kind = kind;
        }
        true
    }

    /// Closes what is past its deadline.
    fn sweep(&self, now: Moment) {
        let mut table = self.table();
        let past = |row: &Row| row.until.is_some_and(|until| until <= now);
        let late: Vec<u64> = table.rows.iter().filter(|(_, row)| past(row)).map(|(id, _)| *id).collect();
        late.into_iter().for_each(|id| table.close(id));
    }

    /// Sweeps until it is dropped.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.sweep(Moment::now());
        }
    }
}

/// IPv6 hands a whole /64 to each customer.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        four => four,
    }
}

/// A second handle of the same socket, by which it is closed.
fn handle(socket: &Socket) -> std::io::Result<TcpStream> {
    use std::os::fd::AsFd;
    Ok(TcpStream::from(socket.as_fd().try_clone_to_owned()?))
}

/// Lives as long as its connection.
pub(crate) struct Seat(Place);

impl Seat {
    /// The TLS greeting is over: its first request is awaited.
    pub(crate) fn is_greeted(&self) {
        let now = Moment::now();
        self.0.note(Some(now + self.0.connections.limits.head), true, now);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _row = self.0.connections.table().forget(self.0.id);
    }
}

/// Where a connection sits.
#[derive(Clone)]
struct Place {
    id: u64,
    connections: Arc<Connections>,
}

impl Place {
    fn note(&self, until: Option<Moment>, yields: bool, now: Moment) {
        if let Some(row) = self.connections.table().rows.get_mut(&self.id) {
            (row.until, row.yields) = (until, yields);
            row.since = now;
        }
    }

    /// When somebody who began then and moved so many bytes is too slow.
    fn due(&self, began: Moment, bytes: u64) -> Option<Moment> {
        let Limits { pause, rate, .. } = self.connections.limits;
        Some(began + pause + Duration::from_secs(bytes / rate.max(1)))
    }

    /// The answer is being made: no deadline of the client's runs.
    fn serve(&self) {
        self.note(None, false, Moment::now());
    }
}

/// The body of a request on its way in.
struct Incoming {
    body: Payload,
    place: Place,
    began: Moment,
    bytes: u64,
}

impl Stream for Incoming {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(chunk))) => {
                this.bytes += u64::try_from(chunk.len()).unwrap_or(0);
                this.place.note(this.place.due(this.began, this.bytes), true, this.began);
            }
            Poll::Ready(_) => this.place.serve(),
            Poll::Pending => {}
        }
        polled
    }
}

/// The body of an answer on its way out.
struct Outgoing {
    body: BoxBody,
    place: Place,
    /// Handed over since the last pause of its maker.
    bytes: u64,
}

impl MessageBody for Outgoing {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(cx);
        match &polled {
            // It is asked for again once the client has taken enough of this.
            Poll::Ready(Some(Ok(chunk))) => {
                this.bytes = u64::try_from(chunk.len()).unwrap_or(0);
                let now = Moment::now();
                this.place.note(this.place.due(now, this.bytes), false, now);
            }
            Poll::Pending => this.place.serve(),
            Poll::Ready(_) => {}
        }
        polled
    }
}

impl Drop for Outgoing {
    /// What was handed over last is still being taken, and then the next request is awaited.
    fn drop(&mut self) {
        let now = Moment::now();
        let until = self.place.due(now + self.place.connections.limits.head.max(KEEP_ALIVE), self.bytes);
        self.place.note(until, true, now);
    }
}

/// The middleware, outermost: says in which phase the request's connection is.
///
/// # Errors
/// Those of the services within.
pub(crate) async fn pace(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(place) = request.request().conn_data::<Seat>().map(|seat| seat.0.clone()) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    if site(request.request()).behind_proxy
        && let Some(from) = address(request.request())
        && !place.connections.asks_for(place.id, network(from))
    {
        place.connections.table().close(place.id);
    }
    match request.take_payload() {
        Payload::None => place.serve(),
        body => {
            let began = Moment::now();
            place.note(place.due(began, 0), true, began);
            let incoming: Pin<Box<dyn Stream<Item = _>>> =
                Box::pin(Incoming { body, place: place.clone(), began, bytes: 0 });
            request.set_payload(Payload::from(incoming));
        }
    }
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| BoxBody::new(Outgoing { body: body.boxed(), place, bytes: 0 })))
}

/// The middleware, within [`pace`], where only programs ask: the request's connection has a place of its kind from now on.
///
/// # Errors
/// Those of the services within.
pub(crate) async fn sort(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let place = request.request().conn_data::<Seat>().map(|seat| seat.0.clone());
    if let Some(Place { id, connections }) = place {
        let (kind, until) = (Kind::of(request.path()), Moment::now() + A_MOMENT);
        while !connections.sorts(id, kind) {
            if Moment::now() >= until {
                connections.table().close(id);
                break;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
    next.call(request).await
}
