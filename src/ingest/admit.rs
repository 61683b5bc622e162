//! What is known of a message before the store is asked: its readings, or where it is malformed.

use mqtt::gateway::{Delivery, Reply};
use mqtt::payload::{self, Malformed};
use ring::digest;

use super::normal::{Normalised, TakenBack, normalise};
use super::wearer::Wearer;
use domain::{DeviceId, Instant};

/// What a correction or a withdrawal costs a commit, in readings: it has its own row, log entry and replay.
const AMENDMENT: usize = 64;

/// A delivery, read.
pub struct Admitted {
    /// Who sent it.
    pub device: DeviceId,
    /// By which connection.
    pub session: u64,
    /// Its packet identifier.
    pub packet_id: Option<u16>,
    /// Whether MQTT says that it was sent before.
    pub resent: bool,
    /// When it was read from the socket.
    pub received_at: Instant,
    /// What it says.
    pub content: Content,
    /// The payload as it came: for its hash, and to be read again with another instant of reception.
    pub payload: bytes::Bytes,
    /// Its content type, for the same.
    pub content_type: Option<std::sync::Arc<str>>,
    /// Where the answer goes.
    pub reply: Reply,
    /// Which of the people that the message is of this share is of; `None`: it is whole.
    pub wearer: Option<Wearer>,
}

/// What a message says.
#[derive(Debug, Clone)]
pub enum Content {
    /// Readings, and what was left out of them.
    Readings {
        /// The readings and the rest.
        normal: Normalised,
        /// Whether an instant leans on the reception: a resend must find the first one's.
        unstamped: bool,
    },
    /// It cannot be read.
    Malformed(Malformed),
}

impl From<Delivery> for Admitted {
    fn from(delivery: Delivery) -> Self {
        let received_at = Instant::from_micros(delivery.received_at);
        let content = read(delivery.content_type.as_deref(), &delivery.payload, received_at);
        Self {
            device: DeviceId(delivery.device),
            session: delivery.session,
            packet_id: delivery.packet_id,
            resent: delivery.resent,
            received_at,
            content,
            payload: delivery.payload,
            content_type: delivery.content_type,
            reply: delivery.reply,
            wearer: None,
        }
    }
}

fn read(content_type: Option<&str>, payload: &[u8], received_at: Instant) -> Content {
    match payload::decode(content_type, payload) {
        Ok(samples) => Content::Readings {
            normal: normalise(&samples, received_at),
            unstamped: samples.leans_on_reception(),
        },
        Err(malformed) => Content::Malformed(malformed),
    }
}

impl Admitted {
    /// About how much work it brings, in readings.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.content {
            Content::Readings { normal, .. } => {
                let rows = normal.readings.len() + normal.quarantined.len();
                (rows + normal.amendments() * AMENDMENT).max(1)
            }
            Content::Malformed(_) => 1,
        }
    }

    /// The instants of all that it says of a patient: they tell whose the message is.
    pub fn instants(&self) -> impl Iterator<Item = Instant> {
        let normal = match &self.content {
            Content::Readings { normal, .. } => Some(normal),
            Content::Malformed(_) => None,
        };
        normal.into_iter().flat_map(Normalised::instants)
    }

    /// What it takes back.
    #[must_use]
    pub fn withdrawn(&self) -> &[TakenBack] {
        match &self.content {
            Content::Readings { normal, .. } => &normal.withdrawn,
            Content::Malformed(_) => &[],
        }
    }

    /// Reads it again as if it had come at `first`: a resend keeps the first reception's instants.
    #[must_use]
    pub(crate) fn as_received_at(&self, first: Instant) -> Content {
        let whole = read(self.content_type.as_deref(), &self.payload, first);
        self.wearer.iter().fold(whole, |content, wearer| wearer.of(content))
    }

    /// The same message as if it came at `now`, with nobody to answer.
    #[must_use]
    pub(crate) fn received_again(&self, now: Instant) -> Self {
        let content = self.as_received_at(now);
        Self { received_at: now, content, ..self.share(None) }
    }

    /// What of it is one person's, or all of it once more, with nobody to answer.
    #[must_use]
    pub fn share(&self, wearer: Option<Wearer>) -> Self {
        let whole = self.content.clone();
        Self {
            device: self.device,
            session: self.session,
            packet_id: self.packet_id,
            resent: self.resent,
            received_at: self.received_at,
            content: wearer.iter().fold(whole, |content, wearer| wearer.of(content)),
            payload: self.payload.clone(),
            content_type: self.content_type.clone(),
            reply: Reply::unheard(),
            wearer,
        }
    }

    /// SHA-256 of the payload.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &self.payload).as_ref());
        hash
    }
}
