//! The words between the gateway and the rest of the house: what a device brings ([`Credentials`],
//! [`Delivery`], [`DeviceEvent`]) and what the house must be able to do with it ([`Backend`]).

use super::answer::Reply;
use crate::room::Reservation;
use bytes::Bytes;
use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use uuid::Uuid;

/// What the gateway needs from the house. All methods are called from connection tasks.
pub trait Backend: Send + Sync + 'static {
    /// Decides who a connecting device is, before its CONNACK. Must answer within the connect
    /// timeout; a device that waits longer is disconnected.
    ///
    /// # Errors
    /// The [`Refusal`] becomes the CONNACK code and, on MQTT 5, its reason string.
    fn authenticate(
        &self,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Identity, Refusal>> + Send;

    /// Takes the telemetry of one wake-up of one connection, in receive order. Waits only for
    /// room in the backend's queue; the answers come by each [`Delivery::reply`]. While it waits
    /// nothing is read from that device; after the room timeout (30 s) the connection closes
    /// and what was not taken is dropped unacknowledged.
    fn deliver(&self, batch: Vec<Delivery>) -> impl Future<Output = ()> + Send;

    /// Told of everything else that happens at a device. Must not block, and may keep the event as long as it needs:
    /// each holds its share of a room ([`Reply`], [`Share`]), so that what waits is bounded in bytes.
    fn event(&self, event: DeviceEvent);

    /// The notice for a publish on a topic that is not the device's own; a 3.1.1 device is told in no other way. Asked
    /// only for a device that listens to its notices; must not block.
    fn foreign_topic(&self, foreign: &Foreign) -> Option<Bytes>;

    /// The commands a device has not acknowledged yet, oldest first, at most a few dozen at once:
    /// asked after it subscribed to its commands, after [`super::Registry::push_command`], and
    /// again whenever all commands of the last answer were acknowledged. One whose
    /// [`DeviceEvent::CommandAcked`] was told must not be among them: it is skipped, and a page full
    /// of such commands would hide those behind it until the next `push_command`.
    fn pending(&self, device: Uuid) -> impl Future<Output = Vec<Command>> + Send;

    /// Now, in microseconds since the epoch, UTC.
    fn now(&self) -> i64;
}

/// The protocol level a device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// MQTT 3.1.1 (protocol level 4).
    V311,
    /// MQTT 5 (protocol level 5).
    V5,
}

/// What a device shows to prove who it is. Not `Debug`: a token must not reach a log.
pub enum Credentials {
    /// User name (the device id, already parsed) and password (the device token).
    Token {
        /// The device id given as user name.
        device: Uuid,
        /// The password.
        token: String,
    },
    /// A client certificate whose chain and validity rustls has verified.
    Certificate {
        /// The one common name of the subject: the device id. Empty where there is none, or more than one.
        cn: String,
        /// SHA-256 of the certificate's DER bytes, for revocation by fingerprint.
        fingerprint: [u8; 32],
        /// The password shown beside it: then it must be that device's token too.
        token: Option<String>,
        /// The end of its validity, microseconds since the epoch, UTC.
        not_after: i64,
    },
}

/// Who a device is.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// The device.
    pub device: Uuid,
    /// When its token or certificate ends (microseconds since the epoch, UTC): the connection then gets
    /// DISCONNECT 0x87. `None`: never.
    pub expires_at: Option<i64>,
    /// The token it showed, by which [`super::Registry::end_token`] finds the session. `None`: a certificate.
    pub token: Option<Uuid>,
}

/// Why a device may not connect.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What kind of refusal it is.
    pub code: RefusalCode,
    /// What and why, for the reason string of an MQTT 5 CONNACK.
    pub reason: String,
}

/// The kinds of refusal at CONNECT: MQTT 5 reason code / 3.1.1 return code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// Wrong, ended or revoked credentials: 0x87 / 5.
    NotAuthorized,
    /// Known but locked out, for example because consent was revoked: 0x8A / 5.
    Banned,
    /// Try again later: 0x89 / 3.
    ServerBusy,
}

/// One telemetry message. It is acknowledged only by what its [`Reply`] is told.
#[must_use = "a delivery that is dropped closes the device's connection unacknowledged"]
pub struct Delivery {
    /// The device that sent it.
    pub device: Uuid,
    /// The connection it came by; never used twice.
    pub session: u64,
    /// The packet identifier of a QoS 1 or 2 message.
    pub packet_id: Option<u16>,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Whether MQTT says that it was sent before: the DUP flag, or a packet identifier of this session whose message
    /// still waits for its acknowledgement. QoS 0 is never sent again.
    pub resent: bool,
    /// The content type of an MQTT 5 message.
    pub content_type: Option<Arc<str>>,
    /// The payload, at most the maximum packet size.
    pub payload: Bytes,
    /// When it was read from the socket, microseconds since the epoch, UTC.
    pub received_at: i64,
    /// The protocol of the connection.
    pub protocol: Protocol,
    /// Where the answer goes.
    pub reply: Reply,
}

/// A session's share of the room of seats, held by each of its events until it is dropped.
pub type Share = Arc<Reservation>;

/// A publish on a topic that is not the device's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The packet identifier of a QoS 1 or 2 message.
    pub packet_id: Option<u16>,
    /// SHA-256 of what it sent.
    pub payload_sha256: [u8; 32],
}

/// What happens at a device besides telemetry.
pub enum DeviceEvent {
    /// A device connected. Events of two sessions of one device may cross: the higher session
    /// number is the later one, and the `Disconnected` of the older may come after this.
    Connected {
        /// The device.
        device: Uuid,
        /// Its session.
        session: u64,
        /// What it speaks.
        protocol: Protocol,
        /// When, microseconds since the epoch, UTC.
        at: i64,
        /// Its share.
        share: Share,
    },
    /// A session ended.
    Disconnected {
        /// The device.
        device: Uuid,
        /// Its session.
        session: u64,
        /// Why.
        reason: EndReason,
        /// The will it left, unless it disconnected cleanly.
        will: Option<Bytes>,
        /// When, microseconds since the epoch, UTC.
        at: i64,
        /// Its share.
        share: Share,
    },
    /// A publish on `…/status`, acknowledged when `reply` is told so.
    Status {
        /// The device.
        device: Uuid,
        /// Its session.
        session: u64,
        /// What it says.
        payload: Bytes,
        /// Where the answer goes.
        reply: Reply,
    },
    /// A publish on `…/replies` (what became of a command), acknowledged when `reply` is told so.
    Reply {
        /// The device.
        device: Uuid,
        /// Its session.
        session: u64,
        /// What it says.
        payload: Bytes,
        /// Where the answer goes.
        reply: Reply,
    },
    /// A command reached the device (its PUBACK came).
    CommandAcked {
        /// The device.
        device: Uuid,
        /// The command.
        id: Uuid,
        /// The reason code of the PUBACK; from 0x80 on the device refused the command.
        code: u8,
        /// Its session's share.
        share: Share,
    },
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The device said goodbye; its reason code (0x00 clean, 0x04 with will).
    Device(u8),
    /// The device sent what the protocol does not allow; the code it was told.
    Protocol(u8),
    /// The house ended it ([`super::Registry::disconnect`] or an answer's farewell); the code.
    House(u8),
    /// The same device connected again.
    TakenOver,
    /// Its token ended.
    TokenEnded,
    /// It was silent for longer than one and a half keep-alives.
    Silent,
    /// A message could not be stored, or there was no room for it in time.
    NotStored,
    /// It did not take what was written to it in time.
    NotReading,
    /// The connection broke.
    Lost,
    /// The gateway stops.
    Stopping,
}

/// A message down to a device, stored by the backend until `CommandAcked`.
#[derive(Debug, Clone)]
pub struct Command {
    /// Which command.
    pub id: Uuid,
    /// What is published on `…/commands`.
    pub payload: Bytes,
    /// The content type an MQTT 5 device is told.
    pub content_type: Option<Cow<'static, str>>,
}
