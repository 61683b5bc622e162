//! The knobs of the gateway, each with a bound that holds when nobody sets it.

use super::tls::TlsOptions;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// What one in-flight message costs beyond its payload.
const OVERHEAD_BYTES: usize = 256;

/// What a message of this payload length takes of the room while it waits for its answer.
pub(crate) const fn cost(payload: usize) -> usize {
    payload.saturating_add(OVERHEAD_BYTES)
}

/// How the gateway listens and what it bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where plain MQTT listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where MQTT over TLS listens, if anywhere.
    pub tls: Option<TlsOptions>,
    /// Largest packet taken, bytes; announced. Beyond: DISCONNECT 0x95.
    pub max_packet_bytes: u32,
    /// Receive maximum announced to MQTT 5 devices; one that ignores it is not punished.
    pub receive_maximum: u16,
    /// Bytes of one connection that may wait for an answer before its socket is no longer read.
    pub max_in_flight_bytes: usize,
    /// The same for all connections together, packets that are still arriving included.
    pub max_total_in_flight_bytes: usize,
    /// What all sessions may hold for the events of their lives, their wills included; a device that finds no room
    /// within the connect timeout is closed.
    pub max_seat_bytes: usize,
    /// Largest will taken, bytes.
    pub max_will_bytes: usize,
    /// From accept to CONNACK.
    pub connect_timeout: Duration,
    /// How long a write may stand still before the connection is dropped.
    pub write_timeout: Duration,
    /// How long a message may wait for room before the connection closes without an acknowledgement, and how long
    /// a session that is ended waits for the answers in flight.
    pub room_timeout: Duration,
    /// How long the stop of the house waits for the answers in flight.
    pub drain_timeout: Duration,
    /// Longest keep-alive, seconds; MQTT 5 devices that ask for none or for more are told this one.
    pub max_keep_alive_s: u16,
    /// Devices at once; a further one is told to come back (0x89).
    pub max_devices: usize,
    /// Connections at once that have not shown yet who they are. Beyond, the one that has kept us waiting longest is
    /// closed; where all wait for our word, the new one is.
    pub max_strangers: usize,
    /// The same for one network: an IPv4 address, or the /64 of an IPv6 one.
    pub max_strangers_of_network: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 1883)),
            tls: None,
            max_packet_bytes: 1024 * 1024,
            receive_maximum: 256,
            max_in_flight_bytes: 2 * 1024 * 1024,
            max_total_in_flight_bytes: 64 * 1024 * 1024,
            max_seat_bytes: 64 * 1024 * 1024,
            max_will_bytes: 8 * 1024,
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            room_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(2),
            max_keep_alive_s: 1200,
            max_devices: 100_000,
            max_strangers: 4_096,
            max_strangers_of_network: 2_048,
        }
    }
}

impl Options {
    /// For a process that may open so many descriptors: half of them are for devices, an eighth is for those who have not
    /// shown yet who they are. A quarter is for HTTP, the rest for files.
    #[must_use]
    pub fn of_descriptors(mut self, descriptors: u64) -> Self {
        let all = usize::try_from(descriptors).unwrap_or(usize::MAX);
        self.max_devices = (all / 2).max(64);
        self.max_strangers = (all / 8).clamp(64, 4_096);
        // A fleet behind one address may come back at once; a stranger at one address leaves as much to all others.
        self.max_strangers_of_network = self.max_strangers / 2;
        self
    }
}

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, not ours, or not permitted.
    #[error("listen for MQTT on {address}: {source}; choose another address with --mqtt HOST:PORT")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// A certificate or key file cannot be read.
    #[error("read {what} for MQTT over TLS from {path}: {source}")]
    Read {
        /// Which of the files.
        what: &'static str,
        /// Where.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// A certificate or key is not what it should be.
    #[error("use {what} for MQTT over TLS: {reason}")]
    Tls {
        /// Which of the parts.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
