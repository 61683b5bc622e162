//! One logged-in device: packets in, answers in, bytes and deliveries out. No I/O and no waiting
//! here; the connection loop moves the bytes and asks the backend.

use super::ack::Manner;
use super::answer::Farewell;
use super::backend::{Command, Delivery, DeviceEvent, EndReason, Foreign, Share};
use super::downlink::Downlink;
use super::flight::Flight;
use super::framing::{Fault, Framing};
use super::mailbox::{Mail, Mailbox, Order};
use super::metrics::Metrics;
use super::subscribe::Request;
use super::wire::{self, Core};
use crate::room::Reservation;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::GenericEvent;
use mqtt_protocol_core::mqtt::packet::Packet;
use mqtt_protocol_core::mqtt::result_code::MqttError;
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

mod acks;
mod uplink;

/// A packet that has begun is weighed when more than this is still to come.
const UNWEIGHED_BYTES: usize = 4096;

/// A packet that has begun.
struct Arriving {
    packet: u32,
    bytes: usize,
    _held: Reservation,
}

/// PUBACK, PUBREC and PUBCOMP: what a device says of messages down.
const fn is_answer(kind: u8) -> bool {
    matches!(kind, 4 | 5 | 7)
}

/// How a connection ends.
pub(crate) struct End {
    /// What an MQTT 5 device is told; `None`: nothing, it said goodbye itself or is gone.
    pub(crate) farewell: Option<Farewell>,
    pub(crate) reason: EndReason,
}

pub(crate) struct Session {
    pub(crate) device: Uuid,
    pub(crate) manner: Manner,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Telemetry to hand to the backend.
    pub(crate) batch: Vec<Delivery>,
    /// Everything else to tell the backend.
    pub(crate) events: Vec<DeviceEvent>,
    /// Publishes on topics of others, of which the device wants to hear.
    pub(crate) foreign: Vec<Foreign>,
    /// Bytes to write.
    pub(crate) out: Vec<u8>,
    pub(crate) downlink: Downlink,
    core: Core,
    framing: Framing,
    /// A packet that is the session's own to judge, as far as it has come.
    aside: Vec<u8>,
    arriving: Option<Arriving>,
    packets: u32,
    share: Share,
    flight: Flight,
    content_type: Option<Arc<str>>,
    received_at: i64,
    metrics: Arc<Metrics>,
    leaving: Option<End>,
    end: Option<End>,
}

impl Session {
    pub(crate) fn new(
        core: Core,
        framing: Framing,
        manner: Manner,
        device: Uuid,
        mailbox: Arc<Mailbox>,
        metrics: Arc<Metrics>,
        share: Share,
    ) -> Self {
        Self {
            device,
            manner,
            mailbox,
            batch: Vec::new(),
            events: Vec::new(),
            foreign: Vec::new(),
            out: Vec::new(),
            downlink: Downlink::default(),
            core,
            framing,
            aside: Vec::new(),
            arriving: None,
            packets: 0,
            share,
            flight: Flight::default(),
            content_type: None,
            received_at: 0,
            metrics,
            leaving: None,
            end: None,
        }
    }

    /// Takes what was read at `now`. What follows a fault or a DISCONNECT is not looked at.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], now: i64) {
        self.received_at = now;
        let (read, waiting) = (bytes.len(), self.batch.len());
        while !bytes.is_empty() && self.end.is_none() {
            match self.framing.piece(bytes) {
                Ok((piece, rest)) => {
                    if is_answer(self.framing.kind()) {
                        self.answered(piece);
                    } else {
                        self.recv(piece);
                    }
                    self.weigh();
                    bytes = rest;
                }
                Err(Fault::TooLarge) => self.end_with(0x95, "packet larger than the announced maximum"),
                Err(Fault::Malformed) => self.end_with(0x81, "malformed fixed header"),
            }
        }
        let messages = self.batch.len().saturating_sub(waiting);
        self.metrics
            .read(u64::try_from(messages).unwrap_or(u64::MAX), u64::try_from(read).unwrap_or(u64::MAX));
    }

    /// The packet that has begun and holds room until it is whole: which, and its bytes.
    pub(crate) fn arriving(&self) -> Option<(u32, usize)> {
        self.arriving.as_ref().map(|arriving| (arriving.packet, arriving.bytes))
    }

    /// A large packet takes its room as soon as its length is known; whole, it takes it as a message or not at all.
    fn weigh(&mut self) {
        if self.framing.is_between() {
            self.arriving = None;
        } else if self.arriving.is_none() && self.framing.left() > UNWEIGHED_BYTES {
            self.packets = self.packets.wrapping_add(1);
            let bytes = self.framing.left();
            let held = self.mailbox.room().hold_now(bytes);
            self.arriving = Some(Arriving { packet: self.packets, bytes, _held: held });
        }
    }

    /// Takes answers and orders, and leaves `mail` empty.
    pub(crate) fn open(&mut self, mail: &mut Mail) {
        for (number, answer) in mail.answers.drain(..) {
            self.flight.settle(number, answer);
        }
        self.acknowledge();
        for order in mail.orders.drain(..) {
            match order {
                Order::Commands => self.downlink.ask_again(),
                Order::Notice(body) => self.notice(&body),
                Order::Close { farewell, end, drain: true } => self.leave(farewell, end),
                Order::Close { farewell, end, drain: false } => self.end_as(Some(farewell), end),
            }
        }
        mail.shrink();
    }

    /// Takes what the backend has pending and sends what the device has room for.
    pub(crate) fn add_commands(&mut self, pending: Vec<Command>) {
        self.downlink.add(pending);
        self.pump();
    }

    /// No more reading; the farewell follows the last answer in flight.
    pub(crate) fn leave(&mut self, farewell: Farewell, reason: EndReason) {
        if self.leaving.is_none() {
            self.leaving = Some(End { farewell: Some(farewell), reason });
        }
    }

    /// Ends with what is in flight unanswered; the first reason stands.
    pub(crate) fn end_as(&mut self, farewell: Option<Farewell>, reason: EndReason) {
        if self.end.is_none() {
            self.end = Some(End { farewell, reason });
        }
    }

    /// A fault of the device.
    fn end_with(&mut self, code: u8, text: &'static str) {
        let farewell = Farewell { code, reason: Cow::Borrowed(text) };
        self.end_as(Some(farewell), EndReason::Protocol(code));
    }

    /// A fault that the core or the rules of MQTT name.
    fn end_for(&mut self, error: MqttError) {
        let (code, text) = wire::fault(error);
        self.end_with(code, text);
    }

    /// Waiting for `leaving` is over.
    pub(crate) fn stop_draining(&mut self) {
        if let Some(End { farewell, reason }) = self.leaving.take() {
            self.end_as(farewell, reason);
        }
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// How it ends, once everything that must be sent before is in `out`.
    pub(crate) fn take_end(&mut self) -> Option<End> {
        if self.end.is_none() && self.flight.is_empty() {
            self.stop_draining();
        }
        self.end.take()
    }

    /// Bytes that wait for an answer.
    pub(crate) fn in_flight_bytes(&self) -> usize {
        self.flight.bytes()
    }

    fn recv(&mut self, piece: &[u8]) {
        for event in self.core.recv(&mut Cursor::new(piece)) {
            match event {
                GenericEvent::NotifyPacketReceived(packet) => self.packet(packet),
                // The core answers a repeated QoS 2 message by itself, also when the first is not
                // committed yet: then the answer of the first must speak for both.
                GenericEvent::RequestSendPacket { packet: Packet::V3_1_1Pubrec(p), .. } => {
                    self.repeat(p.packet_id())
                }
                GenericEvent::RequestSendPacket { packet: Packet::V5_0Pubrec(p), .. } => {
                    self.repeat(p.packet_id())
                }
                GenericEvent::NotifyError(error) => self.end_for(error),
                // Its DISCONNECT is replaced by ours, which says why; timers are the loop's.
                _ => {}
            }
        }
    }

    fn packet(&mut self, packet: Packet) {
        match packet {
            Packet::V3_1_1Publish(p) => self.publish_v311(&p),
            Packet::V5_0Publish(p) => self.publish_v5(&p),
            Packet::V3_1_1Puback(p) => self.acked(p.packet_id(), 0),
            Packet::V5_0Puback(p) => self.acked(p.packet_id(), p.reason_code().map_or(0, wire::number)),
            Packet::V3_1_1Pubrel(p) => self.complete(p.packet_id()),
            Packet::V5_0Pubrel(p) => self.complete(p.packet_id()),
            Packet::V3_1_1Subscribe(p) => self.request(&Request::SubscribeV311(p)),
            Packet::V5_0Subscribe(p) => self.request(&Request::SubscribeV5(p)),
            Packet::V3_1_1Unsubscribe(p) => self.request(&Request::UnsubscribeV311(p)),
            Packet::V5_0Unsubscribe(p) => self.request(&Request::UnsubscribeV5(p)),
            Packet::V3_1_1Pingreq(_) | Packet::V5_0Pingreq(_) => self.out.extend_from_slice(&wire::PINGRESP),
            Packet::V3_1_1Disconnect(_) => self.end_as(None, EndReason::Device(0)),
            Packet::V5_0Disconnect(p) => {
                let code = p.reason_code().map_or(0, wire::number);
                self.end_as(None, EndReason::Device(code));
            }
            _ => self.end_with(0x82, "packet not expected from a device"),
        }
    }
}
