//! A session's way up: publishes become deliveries with a place in the order of answers, answers
//! become acknowledgements in that order.

use super::super::ack;
use super::super::answer::{Answer, Outcome, Reply};
use super::super::backend::{Delivery, DeviceEvent, EndReason, Foreign, Protocol};
use super::super::limits;
use super::super::strict;
use super::super::subscribe::{self, Request};
use super::super::topic::Up;
use super::super::wire::short;
use super::Session;
use bytes::Bytes;
use mqtt_protocol_core::mqtt::ArcPayload;
use mqtt_protocol_core::mqtt::packet::{Packet, Property, Qos, v3_1_1, v5_0};
use std::borrow::Cow;
use std::sync::Arc;

/// From this payload size on the packet's memory is shared instead of copied.
const COPY_BYTES: usize = 4096;
const PUBCOMP: u8 = 0x70;

const FOREIGN: &str = "publish to your own zelo/v1/devices/{id}/telemetry, …/status or …/replies";
const RETAINED: &str = "retained messages are not kept: publish without the retain flag";
const NOT_STORED: &str = "message not stored: send it again";

/// A PUBLISH of either protocol.
struct Incoming<'p> {
    topic: &'p str,
    qos: Qos,
    dup: bool,
    packet_id: Option<u16>,
    content_type: Option<&'p str>,
    payload: &'p ArcPayload,
}

impl Session {
    pub(super) fn publish_v311(&mut self, p: &v3_1_1::Publish) {
        if let Err(error) = strict::publish_v311(p) {
            return self.end_for(error);
        }
        // 3.1.1 cannot be told that nothing is retained; §3.3.1.3 lets a server discard it.
        self.publish(&Incoming {
            topic: p.topic_name(),
            qos: p.qos(),
            dup: p.dup(),
            packet_id: p.packet_id(),
            content_type: None,
            payload: p.payload(),
        });
    }

    pub(super) fn publish_v5(&mut self, p: &v5_0::Publish) {
        if let Err(error) = strict::publish_v5(p) {
            return self.end_for(error);
        }
        if p.retain() {
            return self.end_with(0x9a, RETAINED);
        }
        let content_type = p.props().iter().find_map(|property| match property {
            Property::ContentType(v) => Some(v.val()),
            _ => None,
        });
        self.publish(&Incoming {
            topic: p.topic_name(),
            qos: p.qos(),
            dup: p.dup(),
            packet_id: p.packet_id(),
            content_type,
            payload: p.payload(),
        });
    }

    fn publish(&mut self, p: &Incoming<'_>) {
        if p.packet_id == Some(0) {
            return self.end_with(0x82, "packet identifier 0");
        }
        let qos = match p.qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce => 1,
            Qos::ExactlyOnce => 2,
        };
        let Some(up) = Up::parse(p.topic, self.device) else {
            return self.refuse_topic(p, qos);
        };
        let bytes = limits::cost(p.payload.len());
        let resent = p.packet_id.is_some_and(|id| p.dup || self.flight.holds(id));
        let number = self.flight.push(p.packet_id, qos, bytes);
        let reply = Reply::new(&self.mailbox, number, bytes);
        let (device, session) = (self.device, self.mailbox.session());
        let payload = owned(p.payload);
        match up {
            Up::Status => self.events.push(DeviceEvent::Status { device, session, payload, reply }),
            Up::Replies => self.events.push(DeviceEvent::Reply { device, session, payload, reply }),
            Up::Telemetry => {
                let content_type = p.content_type.map(|kind| self.intern(kind));
                let delivery = Delivery {
                    device,
                    session,
                    packet_id: p.packet_id,
                    qos,
                    resent,
                    content_type,
                    payload,
                    received_at: self.received_at,
                    protocol: self.manner.protocol,
                    reply,
                };
                self.batch.push(delivery);
            }
        }
    }

    fn refuse_topic(&mut self, p: &Incoming<'_>, qos: u8) {
        if self.downlink.hears_notices() {
            let hash = ring::digest::digest(&ring::digest::SHA256, p.payload.as_slice());
            let mut payload_sha256 = [0; 32];
            payload_sha256.copy_from_slice(hash.as_ref());
            self.foreign.push(Foreign { packet_id: p.packet_id, payload_sha256 });
        }
        let number = self.flight.push(p.packet_id, qos, 0);
        let outcome = Outcome::Refused { code: Cow::Borrowed("E_TOPIC"), reason: FOREIGN.to_owned() };
        self.flight.settle(number, outcome.into());
        self.acknowledge();
    }

    /// A fleet names one content type; it is stored once per connection, not once per message.
    fn intern(&mut self, kind: &str) -> Arc<str> {
        match &self.content_type {
            Some(known) if **known == *kind => Arc::clone(known),
            _ => Arc::clone(self.content_type.insert(Arc::from(kind))),
        }
    }

    /// Acknowledges from the oldest on as far as answers have come.
    pub(super) fn acknowledge(&mut self) {
        while self.end.is_none()
            && let Some((slot, answer)) = self.flight.next_answered()
        {
            let Answer { outcome, extra } = answer;
            let Some(code) = ack::code(&outcome) else {
                let farewell = super::Farewell { code: 0x80, reason: Cow::Borrowed(NOT_STORED) };
                return self.end_as(Some(farewell), EndReason::NotStored);
            };
            self.metrics.refused(code);
            ack::write(&mut self.core, &mut self.out, self.manner, &slot, &outcome);
            if let Some(extra) = extra {
                if let Some(body) = &extra.notice {
                    self.notice(body);
                }
                if let Some(farewell) = extra.farewell {
                    let reason = EndReason::House(farewell.code);
                    self.leave(farewell, reason);
                }
            }
        }
    }

    /// A QoS 2 message came again before PUBREL: it is not delivered again.
    pub(super) fn repeat(&mut self, packet_id: u16) {
        if !self.flight.holds_qos2(packet_id) {
            ack::repeat_pubrec(&mut self.out, packet_id);
        }
    }

    /// PUBREL: the identifier is free again.
    pub(super) fn complete(&mut self, packet_id: u16) {
        let packet = match self.manner.protocol {
            Protocol::V311 => v3_1_1::Pubcomp::builder().packet_id(packet_id).build().map(Packet::from),
            Protocol::V5 => v5_0::Pubcomp::builder().packet_id(packet_id).build().map(Packet::from),
        };
        if let Ok(packet) = packet {
            drop(self.core.send(packet));
            self.out.extend_from_slice(&short(PUBCOMP, packet_id));
        }
    }

    pub(super) fn request(&mut self, request: &Request) {
        let answered = subscribe::answer(
            request,
            &mut self.core,
            &mut self.out,
            &mut self.downlink,
            self.manner,
            self.device,
        );
        if let Err(error) = answered {
            self.end_for(error);
        }
    }

    /// PUBACK for a message down.
    pub(super) fn acked(&mut self, packet_id: u16, code: u8) {
        if let Some(id) = self.downlink.acked(packet_id) {
            let share = Arc::clone(&self.share);
            self.events.push(DeviceEvent::CommandAcked { device: self.device, id, code, share });
        }
        self.pump();
    }

    pub(super) fn pump(&mut self) {
        self.downlink.pump(&mut self.core, &mut self.out, self.manner, self.device);
    }

    pub(crate) fn notice(&mut self, body: &Bytes) {
        self.downlink.notice(&mut self.core, &mut self.out, self.manner, self.device, body);
    }
}

fn owned(payload: &ArcPayload) -> Bytes {
    if payload.len() < COPY_BYTES {
        Bytes::copy_from_slice(payload.as_slice())
    } else {
        Bytes::from_owner(SharedPayload(payload.clone()))
    }
}

/// A payload inside its packet.
struct SharedPayload(ArcPayload);

impl AsRef<[u8]> for SharedPayload {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}
