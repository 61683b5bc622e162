//! Who is connected: at most one live session per device id, whatever its client id. Other rooms
//! reach a device through here, by orders that its connection carries out.

use super::answer::Farewell;
use super::backend::EndReason;
use super::mailbox::{Mailbox, Order};
use super::metrics::{Metrics, Snapshot};
use crate::room::Room;
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// A cheap handle to all live sessions.
#[derive(Clone)]
pub struct Registry {
    seats: Arc<Mutex<HashMap<Uuid, Arc<Mailbox>>>>,
    next_session: Arc<AtomicU64>,
    room: Arc<Room>,
    metrics: Arc<Metrics>,
}

impl Registry {
    /// Sessions count up from `first_session` or the clock, whichever is higher: a restart does not use a number
    /// again, and of two sessions at two gateways the later has the higher number.
    pub(crate) fn new(first_session: u64, room: Arc<Room>, metrics: Arc<Metrics>) -> Self {
        let next_session = Arc::new(AtomicU64::new(first_session));
        Self { seats: Arc::default(), next_session, room, metrics }
    }

    /// A seat for a device that came at `now` (microseconds); who sat there before is told to go (0x8E).
    pub(crate) fn join(&self, device: Uuid, token: Option<Uuid>, now: i64) -> Arc<Mailbox> {
        let now = u64::try_from(now).unwrap_or(0);
        self.next_session.fetch_max(now, Ordering::Relaxed);
        let session = self.next_session.fetch_add(1, Ordering::Relaxed);
        let mailbox = Arc::new(Mailbox::new(session, token, Arc::clone(&self.room)));
        let before = self.seats().insert(device, Arc::clone(&mailbox));
        if let Some(older) = before {
            take_over(&older);
        }
        mailbox
    }

    /// The device has session `newer` at another gateway: an older one here is told to go (0x8E).
    /// Whether there was one.
    pub fn superseded(&self, device: Uuid, newer: u64) -> bool {
        let mailbox = self.seats().get(&device).cloned();
        mailbox.filter(|older| older.session() < newer).is_some_and(|older| {
            take_over(&older);
            true
        })
    }

    /// Frees the seat, unless a newer session has it.
    pub(crate) fn leave(&self, device: Uuid, session: u64) {
        let mut seats = self.seats();
        if seats.get(&device).is_some_and(|m| m.session() == session) {
            seats.remove(&device);
        }
    }

    /// Ends every session: what is in flight is answered first, for at most the drain timeout.
    pub(crate) fn close_all(&self, code: u8, reason: &'static str) {
        self.end_all(code, reason, &|| EndReason::Stopping);
    }

    /// Disconnects every device as [`Registry::disconnect`] does one; they may come back.
    pub fn disconnect_all(&self, code: u8, reason: &'static str) {
        self.end_all(code, reason, &|| EndReason::House(code));
    }

    fn end_all(&self, code: u8, reason: &'static str, end: &dyn Fn() -> EndReason) {
        let all: Vec<_> = self.seats().values().cloned().collect();
        for mailbox in all {
            let farewell = Farewell { code, reason: Cow::Borrowed(reason) };
            mailbox.order(Order::Close { farewell, end: end(), drain: true });
        }
    }

    /// Disconnects a device with an MQTT 5 reason code (3.1.1: closes) after what is in flight is
    /// answered. Whether it was connected.
    pub fn disconnect(&self, device: Uuid, code: u8, reason: impl Into<Cow<'static, str>>) -> bool {
        let farewell = Farewell { code, reason: reason.into() };
        self.order(device, Order::Close { farewell, end: EndReason::House(code), drain: true })
    }

    /// Disconnects the session that came with this token (0x87; 3.1.1: closes), after what is in flight is
    /// answered. One that came with another token, or with a certificate, stays. Whether there was one.
    pub fn end_token(&self, device: Uuid, token: Uuid, reason: impl Into<Cow<'static, str>>) -> bool {
        let mailbox = self.seats().get(&device).cloned();
        mailbox.filter(|session| session.token() == Some(token)).is_some_and(|session| {
            let farewell = Farewell { code: 0x87, reason: reason.into() };
            session.order(Order::Close { farewell, end: EndReason::TokenEnded, drain: true });
            true
        })
    }

    /// Says that there may be a new command: the connection asks the backend for pending ones.
    /// Whether the device is connected.
    pub fn push_command(&self, device: Uuid) -> bool {
        self.order(device, Order::Commands)
    }

    /// Publishes a body on the device's `…/notices`, where it subscribed and has room.
    /// Whether the device is connected.
    pub fn notice(&self, device: Uuid, body: Bytes) -> bool {
        self.order(device, Order::Notice(body))
    }

    /// Whether the device has a live session.
    #[must_use]
    pub fn is_connected(&self, device: Uuid) -> bool {
        self.seats().contains_key(&device)
    }

    /// The token with which the device's live session came: `Some(None)` for a certificate, `None` without a session.
    #[must_use]
    pub fn token_of(&self, device: Uuid) -> Option<Option<Uuid>> {
        self.seats().get(&device).map(|session| session.token())
    }

    /// The devices with a live session.
    #[must_use]
    pub fn connected(&self) -> Vec<Uuid> {
        self.seats().keys().copied().collect()
    }

    /// How many devices have a live session.
    #[must_use]
    pub fn connected_count(&self) -> usize {
        self.seats().len()
    }

    /// The counters since the start.
    #[must_use]
    pub fn metrics(&self) -> Snapshot {
        self.metrics.snapshot(self.room.used())
    }

    fn order(&self, device: Uuid, order: Order) -> bool {
        let mailbox = self.seats().get(&device).cloned();
        mailbox.is_some_and(|m| {
            m.order(order);
            true
        })
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Mailbox>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_over(older: &Mailbox) {
    let reason = Cow::Borrowed("session taken over: this device connected again");
    let farewell = Farewell { code: 0x8e, reason };
    older.order(Order::Close { farewell, end: EndReason::TakenOver, drain: false });
}
