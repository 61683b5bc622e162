//! Packets the gateway writes itself, beside those of the protocol core: the few whose wording
//! (reason strings) or numbers (announced, not enforced) the core would not give them.

use super::backend::Protocol;
use mqtt_protocol_core::mqtt;
use mqtt_protocol_core::mqtt::connection::GenericEvent;
use mqtt_protocol_core::mqtt::packet::{
    GenericPacketTrait as _, Packet, Property, ReasonString, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{
    ConnectReasonCode, ConnectReturnCode, DisconnectReasonCode, MqttError,
};

/// The protocol state machine of one connection.
pub(crate) type Core = mqtt::Connection<mqtt::role::Server>;
pub(crate) type Event = GenericEvent<u16>;

/// Longest reason string, bytes: people read it.
const REASON_BYTES: usize = 512;

pub(crate) const PINGRESP: [u8; 2] = [0xd0, 0];

/// A packet of two bytes of packet identifier and nothing else: success.
pub(crate) fn short(first: u8, packet_id: u16) -> [u8; 4] {
    let [high, low] = packet_id.to_be_bytes();
    [first, 2, high, low]
}

/// A reason string property; none when the text cannot be one.
pub(crate) fn reason(text: &str) -> Option<Property> {
    let mut end = text.len().min(REASON_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    ReasonString::new(text).ok().map(Property::from)
}

/// DISCONNECT of MQTT 5, without its reason string where the device takes only smaller packets.
pub(crate) fn disconnect(code: u8, text: &str, max_bytes: u32) -> Vec<u8> {
    let code = DisconnectReasonCode::try_from(code).unwrap_or(DisconnectReasonCode::UnspecifiedError);
    let with = v5_0::Disconnect::builder().reason_code(code).props(Vec::from_iter(reason(text))).build();
    match with {
        Ok(packet) if fits(packet.size(), max_bytes) => packet.to_continuous_buffer(),
        _ => v5_0::Disconnect::builder()
            .reason_code(code)
            .build()
            .map(|p| p.to_continuous_buffer())
            .unwrap_or_default(),
    }
}

/// CONNACK that refuses: the MQTT 5 code with its reason, or what 3.1.1 has for it.
pub(crate) fn refuse(protocol: Protocol, code: u8, text: &str) -> Vec<u8> {
    match protocol {
        Protocol::V5 => {
            let code = ConnectReasonCode::try_from(code).unwrap_or(ConnectReasonCode::UnspecifiedError);
            let packet = v5_0::Connack::builder().session_present(false).reason_code(code);
            packet
                .props(Vec::from_iter(reason(text)))
                .build()
                .map(|p| p.to_continuous_buffer())
                .unwrap_or_default()
        }
        Protocol::V311 => {
            let code = match code {
                0x84 => ConnectReturnCode::UnacceptableProtocolVersion,
                0x85 => ConnectReturnCode::IdentifierRejected,
                0x88 | 0x89 => ConnectReturnCode::ServerUnavailable,
                0x86 => ConnectReturnCode::BadUserNameOrPassword,
                _ => ConnectReturnCode::NotAuthorized,
            };
            let packet = v3_1_1::Connack::builder().session_present(false).return_code(code).build();
            packet.map(|p| p.to_continuous_buffer()).unwrap_or_default()
        }
    }
}

/// The MQTT 5 code and words for what the core found wrong.
pub(crate) fn fault(error: MqttError) -> (u8, &'static str) {
    match error {
        MqttError::MalformedPacket | MqttError::InsufficientBytes => (0x81, "malformed packet"),
        MqttError::PacketTooLarge => (0x95, "packet larger than the announced maximum"),
        MqttError::TopicAliasInvalid => (0x94, "topic alias unknown or above the announced maximum"),
        MqttError::TopicFilterInvalid => (0x8f, "topic filter invalid"),
        MqttError::TopicNameInvalid => (0x90, "topic name invalid"),
        MqttError::ClientIdentifierNotValid => (0x85, "client identifier not valid"),
        MqttError::BadUserNameOrPassword => (0x86, "user name or password malformed"),
        MqttError::UnsupportedProtocolVersion => (0x84, "MQTT 3.1.1 and 5 are spoken here"),
        _ => (0x82, "protocol error"),
    }
}

/// Appends what the core wants sent; `Err` when it refused to send.
pub(crate) fn sent(events: Vec<Event>, out: &mut Vec<u8>) -> Result<(), MqttError> {
    for event in events {
        match event {
            GenericEvent::RequestSendPacket { packet, .. } => out.extend_from_slice(&bytes_of(&packet)),
            GenericEvent::NotifyError(error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn bytes_of(packet: &Packet) -> Vec<u8> {
    packet.to_continuous_buffer()
}

pub(crate) fn fits(bytes: usize, max_bytes: u32) -> bool {
    u32::try_from(bytes).is_ok_and(|b| b <= max_bytes)
}

/// The number of a reason code.
pub(crate) fn number<C: TryFrom<u8> + PartialEq>(code: C) -> u8 {
    (0..=u8::MAX).find(|n| C::try_from(*n).is_ok_and(|c| c == code)).unwrap_or(0x80)
}
