//! What a device says of messages down. A PUBACK that comes late or twice says nothing new and is ignored, as every
//! other broker does; the core would take it for a fault, so it sees only those that somebody waits for.

use super::super::backend::Protocol;
use super::super::strict;
use super::Session;
use mqtt_protocol_core::mqtt::packet::{Properties, v5_0};
use mqtt_protocol_core::mqtt::result_code::MqttError;

const PUBACK: u8 = 4;
const PUBREC: u8 = 5;
const PUBREL: u8 = 0x62;
/// MQTT 5 §3.6.2.1: no such packet identifier.
const NOT_FOUND: u8 = 0x92;
const REFUSED: u8 = 0x80;

impl Session {
    /// Takes a piece of a PUBACK, PUBREC or PUBCOMP; judges it once it is whole.
    pub(super) fn answered(&mut self, piece: &[u8]) {
        self.aside.extend_from_slice(piece);
        if !self.framing.is_between() {
            return;
        }
        let packet = std::mem::take(&mut self.aside);
        let length = packet.iter().skip(1).take_while(|byte| **byte >= 0x80).count() + 1;
        let body = packet.get(1 + length..).unwrap_or_default();
        let kind = self.framing.kind();
        match self.identified(kind, body) {
            Err(error) => self.end_for(error),
            Ok((id, _)) if kind == PUBACK && self.downlink.waits_for(id) => self.recv(&packet),
            // A QoS 1 message is not answered like one at QoS 2, which is never sent.
            Ok((id, _)) if self.downlink.waits_for(id) => self.end_for(MqttError::ProtocolError),
            Ok((id, code)) if kind == PUBREC && code < REFUSED => self.release_unknown(id),
            Ok(_) => {}
        }
    }

    /// Its packet identifier and reason code.
    fn identified(&self, kind: u8, body: &[u8]) -> Result<(u16, u8), MqttError> {
        let id = match body {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => return Err(MqttError::MalformedPacket),
        };
        if id == 0 {
            return Err(MqttError::ProtocolError);
        }
        if self.manner.protocol == Protocol::V311 {
            return if body.len() == 2 { Ok((id, 0)) } else { Err(MqttError::MalformedPacket) };
        }
        let (read, props) = match kind {
            PUBACK => v5_0::Puback::parse(body).map(|(p, read)| (read, p.props().clone()))?,
            PUBREC => v5_0::Pubrec::parse(body).map(|(p, read)| (read, p.props().clone()))?,
            _ => v5_0::Pubcomp::parse(body).map(|(p, read)| (read, p.props().clone()))?,
        };
        let props: Option<Properties> = props;
        strict::properties(props.as_deref().unwrap_or_default())?;
        if read == body.len() {
            Ok((id, body.get(2).copied().unwrap_or(0)))
        } else {
            Err(MqttError::MalformedPacket)
        }
    }

    fn release_unknown(&mut self, id: u16) {
        let [high, low] = id.to_be_bytes();
        match self.manner.protocol {
            Protocol::V311 => self.out.extend_from_slice(&[PUBREL, 2, high, low]),
            Protocol::V5 => self.out.extend_from_slice(&[PUBREL, 3, high, low, NOT_FOUND]),
        }
    }
}
