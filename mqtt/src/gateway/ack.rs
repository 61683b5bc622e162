//! Outcomes as PUBACK (QoS 1) and PUBREC (QoS 2). The plain success is four bytes and no
//! allocation beyond the core's own book-keeping; everything else says what and why.

use super::answer::Outcome;
use super::backend::Protocol;
use super::flight::Slot;
use super::wire::{self, Core, fits, short};
use mqtt_protocol_core::mqtt::packet::{Properties, Property, UserProperty, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::{PubackReasonCode, PubrecReasonCode};

const PUBACK: u8 = 0x40;
const PUBREC: u8 = 0x50;

/// How a device wants to be spoken to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) protocol: Protocol,
    /// Whether reason strings and user properties are welcome (Request Problem Information).
    pub(crate) explain: bool,
    /// Largest packet the device takes, bytes.
    pub(crate) max_bytes: u32,
}

/// The reason code of an outcome; `None` for the one that must not be acknowledged.
pub(crate) fn code(outcome: &Outcome) -> Option<u8> {
    match outcome {
        Outcome::Committed { .. } => Some(0x00),
        Outcome::Refused { .. } => Some(0x87),
        Outcome::Malformed { .. } => Some(0x99),
        Outcome::Quota { .. } => Some(0x97),
        Outcome::NotStored => None,
    }
}

/// Appends the acknowledgement of a message to `out`.
pub(crate) fn write(core: &mut Core, out: &mut Vec<u8>, manner: Manner, slot: &Slot, outcome: &Outcome) {
    let (Some(id), Some(code)) = (slot.packet_id, code(outcome)) else { return };
    let qos2 = slot.qos == 2;
    if manner.protocol == Protocol::V311 {
        release_v311(core, id, qos2);
    } else if code == 0 && is_whole(outcome) {
        release_v5(core, id, qos2);
    } else {
        let bytes = if qos2 {
            pubrec(core, manner, id, code, outcome)
        } else {
            puback(core, manner, id, code, outcome)
        };
        out.extend_from_slice(&bytes);
        return;
    }
    out.extend_from_slice(&short(if qos2 { PUBREC } else { PUBACK }, id));
}

/// Says again that a QoS 2 message was taken.
pub(crate) fn repeat_pubrec(out: &mut Vec<u8>, packet_id: u16) {
    out.extend_from_slice(&short(PUBREC, packet_id));
}

fn is_whole(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Committed { refused, quarantined, .. } if refused.is_empty() && quarantined.is_empty())
}

/// The core forgets the identifier; the bytes are ours, so its events are not needed.
fn release_v311(core: &mut Core, id: u16, qos2: bool) {
    if !qos2 && let Ok(packet) = v3_1_1::Puback::builder().packet_id(id).build() {
        drop(core.send(packet.into()));
    }
}

fn release_v5(core: &mut Core, id: u16, qos2: bool) {
    if !qos2 && let Ok(packet) = v5_0::Puback::builder().packet_id(id).build() {
        drop(core.send(packet.into()));
    }
}

fn puback(core: &mut Core, manner: Manner, id: u16, code: u8, outcome: &Outcome) -> Vec<u8> {
    let code = PubackReasonCode::try_from(code).unwrap_or(PubackReasonCode::UnspecifiedError);
    let bare = || v5_0::Puback::builder().packet_id(id).reason_code(code);
    let explained = bare().props(explanation(manner, outcome)).build().ok();
    let packet = explained.filter(|p| fits(p.size(), manner.max_bytes)).or_else(|| bare().build().ok());
    packet.map(|p| written(core, p.to_continuous_buffer(), p.into())).unwrap_or_default()
}

fn pubrec(core: &mut Core, manner: Manner, id: u16, code: u8, outcome: &Outcome) -> Vec<u8> {
    let code = PubrecReasonCode::try_from(code).unwrap_or(PubrecReasonCode::UnspecifiedError);
    let bare = || v5_0::Pubrec::builder().packet_id(id).reason_code(code);
    let explained = bare().props(explanation(manner, outcome)).build().ok();
    let packet = explained.filter(|p| fits(p.size(), manner.max_bytes)).or_else(|| bare().build().ok());
    packet.map(|p| written(core, p.to_continuous_buffer(), p.into())).unwrap_or_default()
}

fn written(core: &mut Core, bytes: Vec<u8>, packet: mqtt_protocol_core::mqtt::packet::Packet) -> Vec<u8> {
    drop(core.send(packet));
    bytes
}

fn explanation(manner: Manner, outcome: &Outcome) -> Properties {
    if !manner.explain {
        return Properties::new();
    }
    match outcome {
        Outcome::Committed { refused, quarantined, reason } => {
            let refused = refused.iter().map(|signal| ("refused", signal));
            let quarantined = quarantined.iter().map(|signal| ("quarantined", signal));
            let parts = refused.chain(quarantined);
            parts
                .filter_map(|(what, signal)| UserProperty::new(what, signal.as_ref()).ok())
                .map(Property::from)
                .chain(
                    Some(reason).filter(|reason| !reason.is_empty()).and_then(|reason| wire::reason(reason)),
                )
                .collect()
        }
        Outcome::Refused { code, reason } if reason.is_empty() => Vec::from_iter(wire::reason(code)),
        Outcome::Refused { code, reason } => Vec::from_iter(wire::reason(&format!("{code} {reason}"))),
        Outcome::Malformed { reason } | Outcome::Quota { reason } => Vec::from_iter(wire::reason(reason)),
        Outcome::NotStored => Properties::new(),
    }
}
