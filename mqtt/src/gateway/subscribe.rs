//! SUBSCRIBE and UNSUBSCRIBE: a device may listen to its own commands and notices, at QoS 1 at
//! most, and to nothing else.

use super::ack::Manner;
use super::downlink::Downlink;
use super::strict;
use super::topic::Down;
use super::wire::{self, Core, fits};
use mqtt_protocol_core::mqtt::packet::{
    MqttString, Packet, Property, SubEntry, SubscriptionIdentifier, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{
    MqttError, SubackReasonCode, SubackReturnCode, UnsubackReasonCode,
};
use uuid::Uuid;

const FOREIGN: &str = "E_TOPIC subscribe to your own zelo/v1/devices/{id}/commands and …/notices";

/// More than the bytes of a SUBACK beside its codes and its reason.
const HEADERS: usize = 16;

/// What asks: the packet, already known to carry a packet identifier and at least one filter.
pub(crate) enum Request {
    SubscribeV311(v3_1_1::Subscribe),
    SubscribeV5(v5_0::Subscribe),
    UnsubscribeV311(v3_1_1::Unsubscribe),
    UnsubscribeV5(v5_0::Unsubscribe),
}

/// Answers a request; `Err` is a fault of the device.
pub(crate) fn answer(
    request: &Request,
    core: &mut Core,
    out: &mut Vec<u8>,
    downlink: &mut Downlink,
    manner: Manner,
    device: Uuid,
) -> Result<(), MqttError> {
    let packet: Packet = match request {
        Request::SubscribeV311(p) => {
            strict::subscribe_v311(p.entries())?;
            let granted = listen(p.packet_id(), p.entries(), downlink, device)?;
            let codes = granted.into_iter().map(|qos| match qos {
                Some(0) => SubackReturnCode::SuccessMaximumQos0,
                Some(_) => SubackReturnCode::SuccessMaximumQos1,
                None => SubackReturnCode::Failure,
            });
            v3_1_1::Suback::builder().packet_id(p.packet_id()).return_codes(codes.collect()).build()?.into()
        }
        Request::SubscribeV5(p) => {
            strict::subscribe_v5(p)?;
            suback_v5(p, downlink, manner, device)?.into()
        }
        Request::UnsubscribeV311(p) => {
            unlisten(p.packet_id(), p.entries(), downlink, device)?;
            v3_1_1::Unsuback::builder().packet_id(p.packet_id()).build()?.into()
        }
        Request::UnsubscribeV5(p) => {
            strict::properties(p.props())?;
            let had = unlisten(p.packet_id(), p.entries(), downlink, device)?;
            let codes = had.into_iter().map(|had| {
                if had { UnsubackReasonCode::Success } else { UnsubackReasonCode::NoSubscriptionExisted }
            });
            v5_0::Unsuback::builder().packet_id(p.packet_id()).reason_codes(codes.collect()).build()?.into()
        }
    };
    wire::sent(core.send(packet), out)
}

fn suback_v5(
    p: &v5_0::Subscribe,
    downlink: &mut Downlink,
    manner: Manner,
    device: Uuid,
) -> Result<v5_0::Suback, MqttError> {
    let suback = v5_0::Suback::builder().packet_id(p.packet_id());
    if p.props()
        .iter()
        .any(|prop| matches!(prop, Property::SubscriptionIdentifier(SubscriptionIdentifier { .. })))
    {
        let codes = vec![SubackReasonCode::SubscriptionIdentifiersNotSupported; p.entries().len()];
        return suback.reason_codes(codes).build();
    }
    let granted = listen(p.packet_id(), p.entries(), downlink, device)?;
    let explain = granted.contains(&None)
        && manner.explain
        && fits(FOREIGN.len() + granted.len() + HEADERS, manner.max_bytes);
    let codes = granted.into_iter().map(|qos| match qos {
        Some(0) => SubackReasonCode::GrantedQos0,
        Some(_) => SubackReasonCode::GrantedQos1,
        None => SubackReasonCode::NotAuthorized,
    });
    let props = if explain { Vec::from_iter(wire::reason(FOREIGN)) } else { Vec::new() };
    suback.reason_codes(codes.collect()).props(props).build()
}

/// The granted QoS of each filter; `None` for a foreign one.
fn listen(
    packet_id: u16,
    entries: &[SubEntry],
    downlink: &mut Downlink,
    device: Uuid,
) -> Result<Vec<Option<u8>>, MqttError> {
    if packet_id == 0 || entries.is_empty() {
        return Err(MqttError::ProtocolError);
    }
    let grant = |entry: &SubEntry| {
        let topic = Down::parse(entry.topic_filter(), device)?;
        let qos = u8::from(entry.sub_opts().qos() != mqtt_protocol_core::mqtt::packet::Qos::AtMostOnce);
        downlink.subscribe(topic, qos);
        Some(qos)
    };
    Ok(entries.iter().map(grant).collect())
}

/// Whether each filter was subscribed to.
fn unlisten(
    packet_id: u16,
    entries: &[MqttString],
    downlink: &mut Downlink,
    device: Uuid,
) -> Result<Vec<bool>, MqttError> {
    if packet_id == 0 || entries.is_empty() {
        return Err(MqttError::ProtocolError);
    }
    strict::unsubscribe(entries)?;
    let leave = |filter: &MqttString| {
        Down::parse(filter.as_str(), device).is_some_and(|topic| downlink.unsubscribe(topic))
    };
    Ok(entries.iter().map(leave).collect())
}
