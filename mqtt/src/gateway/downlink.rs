//! Down to the device: commands, stored by the backend until their PUBACK, and notices, sent when
//! there is room for them. Holds at most a window of commands; the rest stays in the backend.

use super::ack::Manner;
use super::backend::{Command, Protocol};
use super::topic::Down;
use super::wire::{self, Core};
use bytes::Bytes;
use mqtt_protocol_core::mqtt::packet::{ContentType, Packet, Property, Qos, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::MqttError;
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// Messages down that may wait for their PUBACK, whatever the device allows.
const WINDOW: usize = 32;
/// Bytes that wait to be written beyond which no notice is added to them.
const NOTICES_OUT_BYTES: usize = 256 * 1024;
/// Commands remembered as done, so that an answer of the backend that crossed the PUBACK is not sent again.
const REMEMBERED: usize = 256;

#[derive(Default)]
pub(crate) struct Downlink {
    commands_qos: Option<u8>,
    notices_qos: Option<u8>,
    queue: VecDeque<Command>,
    unacked: HashMap<u16, Option<Uuid>>,
    done: VecDeque<Uuid>,
    ask: bool,
    /// The last answer brought something new, so there may be more behind it.
    more: bool,
}

impl Downlink {
    pub(crate) fn subscribe(&mut self, topic: Down, qos: u8) {
        match topic {
            Down::Commands => {
                self.commands_qos = Some(qos);
                self.ask = true;
            }
            Down::Notices => self.notices_qos = Some(qos),
        }
    }

    /// Whether there was such a subscription.
    pub(crate) fn unsubscribe(&mut self, topic: Down) -> bool {
        match topic {
            Down::Commands => self.commands_qos.take().is_some(),
            Down::Notices => self.notices_qos.take().is_some(),
        }
    }

    pub(crate) fn ask_again(&mut self) {
        self.ask = true;
    }

    /// Whether the backend should be asked for pending commands now.
    pub(crate) fn take_ask(&mut self) -> bool {
        self.commands_qos.is_some() && std::mem::take(&mut self.ask)
    }

    /// Takes what is pending, but for what this session has sent already.
    pub(crate) fn add(&mut self, pending: Vec<Command>) {
        for command in pending {
            let known = self.done.contains(&command.id)
                || self.unacked.values().any(|id| *id == Some(command.id))
                || self.queue.iter().any(|c| c.id == command.id);
            if !known {
                self.more = true;
                self.queue.push_back(command);
            }
        }
    }

    /// Whether a message with this identifier waits for its PUBACK.
    pub(crate) fn waits_for(&self, packet_id: u16) -> bool {
        self.unacked.contains_key(&packet_id)
    }

    /// Whether the device listens to its notices.
    pub(crate) fn hears_notices(&self) -> bool {
        self.notices_qos.is_some()
    }

    /// The command a PUBACK belongs to, if it was one.
    pub(crate) fn acked(&mut self, packet_id: u16) -> Option<Uuid> {
        let command = self.unacked.remove(&packet_id).flatten();
        if let Some(id) = command {
            self.remember(id);
        }
        if self.more && self.queue.is_empty() && self.unacked.values().all(Option::is_none) {
            self.more = false;
            self.ask = true;
        }
        command
    }

    /// Sends queued commands while the device has room for them.
    pub(crate) fn pump(&mut self, core: &mut Core, out: &mut Vec<u8>, manner: Manner, device: Uuid) {
        let Some(qos) = self.commands_qos else { return };
        while !self.queue.is_empty() && (qos == 0 || self.has_room(core)) {
            let Some(command) = self.queue.pop_front() else { return };
            let topic = Down::Commands.topic(device);
            let content_type = command.content_type.as_deref();
            match publish(core, out, manner, &topic, qos, &command.payload, content_type) {
                Ok(Some(packet_id)) => {
                    self.unacked.insert(packet_id, Some(command.id));
                }
                // Too large for this device, or sent at QoS 0: not again in this session.
                Ok(None) | Err(_) => self.remember(command.id),
            }
        }
    }

    /// Publishes a notice, or drops it where the device did not subscribe or has no room.
    pub(crate) fn notice(
        &mut self,
        core: &mut Core,
        out: &mut Vec<u8>,
        manner: Manner,
        device: Uuid,
        body: &Bytes,
    ) {
        let Some(qos) = self.notices_qos else { return };
        if out.len() > NOTICES_OUT_BYTES || (qos > 0 && !self.has_room(core)) {
            return;
        }
        let topic = Down::Notices.topic(device);
        if let Ok(Some(packet_id)) = publish(core, out, manner, &topic, qos, body, Some("application/json")) {
            self.unacked.insert(packet_id, None);
        }
    }

    fn has_room(&self, core: &Core) -> bool {
        self.unacked.len() < WINDOW && core.get_receive_maximum_vacancy_for_send() != Some(0)
    }

    fn remember(&mut self, id: Uuid) {
        if self.done.len() >= REMEMBERED {
            self.done.pop_front();
        }
        self.done.push_back(id);
    }
}

fn publish(
    core: &mut Core,
    out: &mut Vec<u8>,
    manner: Manner,
    topic: &str,
    qos: u8,
    payload: &Bytes,
    content_type: Option<&str>,
) -> Result<Option<u16>, MqttError> {
    let packet_id = if qos == 0 { None } else { Some(core.acquire_packet_id()?) };
    let sent =
        build(manner, topic, packet_id, payload, content_type).and_then(|p| wire::sent(core.send(p), out));
    if let (Err(_), Some(id)) = (&sent, packet_id) {
        drop(core.release_packet_id(id));
    }
    sent.map(|()| packet_id)
}

fn build(
    manner: Manner,
    topic: &str,
    packet_id: Option<u16>,
    payload: &Bytes,
    content_type: Option<&str>,
) -> Result<Packet, MqttError> {
    let qos = if packet_id.is_some() { Qos::AtLeastOnce } else { Qos::AtMostOnce };
    match manner.protocol {
        Protocol::V311 => {
            let mut packet = v3_1_1::Publish::builder().topic_name(topic)?.qos(qos).payload(payload.to_vec());
            if let Some(id) = packet_id {
                packet = packet.packet_id(id);
            }
            packet.build().map(Packet::from)
        }
        Protocol::V5 => {
            let mut packet = v5_0::Publish::builder().topic_name(topic)?.qos(qos).payload(payload.to_vec());
            if let Some(id) = packet_id {
                packet = packet.packet_id(id);
            }
            if let Some(kind) = content_type {
                packet = packet.props(vec![Property::from(ContentType::new(kind)?)]);
            }
            packet.build().map(Packet::from)
        }
    }
}
