//! Counters of the gateway. Connections add once per wake-up, never once per message, so that
//! counting does not cost what is counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter for each MQTT 5 reason code.
struct ByCode([AtomicU64; 256]);

impl Default for ByCode {
    fn default() -> Self {
        Self(std::array::from_fn(|_code| AtomicU64::new(0)))
    }
}

impl ByCode {
    fn add(&self, code: u8) {
        if let Some(counter) = self.0.get(usize::from(code)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn seen(&self) -> Vec<(u8, u64)> {
        let counts = (0..=u8::MAX).zip(&self.0);
        counts.map(|(code, n)| (code, n.load(Ordering::Relaxed))).filter(|(_code, n)| *n > 0).collect()
    }
}

#[derive(Default)]
pub(crate) struct Metrics {
    open: AtomicU64,
    accepted: AtomicU64,
    turned_away: AtomicU64,
    crashed: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
    answered: ByCode,
    refused_connects: ByCode,
    disconnects: ByCode,
}

/// The counters since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Open sockets, logged in or not.
    pub connections: u64,
    /// Sockets accepted.
    pub accepted: u64,
    /// Sockets closed because others needed the place, or at once for want of one.
    pub turned_away: u64,
    /// Connection tasks that panicked: always 0, or there is a fault in the gateway or its backend.
    pub crashed: u64,
    /// Telemetry messages received.
    pub messages: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes read and not yet answered, now.
    pub in_flight_bytes: u64,
    /// Publishes answered with a code other than 0x00 (3.1.1 devices do not see it).
    pub refused: Vec<(u8, u64)>,
    /// CONNECTs refused, by MQTT 5 code.
    pub refused_connects: Vec<(u8, u64)>,
    /// Connections ended by the gateway, by MQTT 5 code.
    pub disconnects: Vec<(u8, u64)>,
}

impl Metrics {
    pub(crate) fn opened(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn crashed(&self) {
        self.crashed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, messages: u64, bytes: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, code: u8) {
        if code != 0 {
            self.answered.add(code);
        }
    }

    pub(crate) fn refused_connect(&self, code: u8) {
        self.refused_connects.add(code);
    }

    pub(crate) fn disconnected(&self, code: u8) {
        self.disconnects.add(code);
    }

    pub(crate) fn snapshot(&self, in_flight: usize) -> Snapshot {
        Snapshot {
            connections: self.open.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            turned_away: self.turned_away.load(Ordering::Relaxed),
            crashed: self.crashed.load(Ordering::Relaxed),
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            in_flight_bytes: u64::try_from(in_flight).unwrap_or(u64::MAX),
            refused: self.answered.seen(),
            refused_connects: self.refused_connects.seen(),
            disconnects: self.disconnects.seen(),
        }
    }
}
