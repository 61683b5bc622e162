//! What MQTT forbids and the protocol core lets pass: characters that no string should hold, wildcards in a topic,
//! filters and flags that cannot be. The numbers are those of the conformance statements; an `m` marks 3.1.1 alone, a `v` 5 alone.

use mqtt_protocol_core::mqtt::packet::{MqttString, Property, Qos, SubEntry, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::MqttError;

pub(crate) type Checked = Result<(), MqttError>;

/// Bits of the connect flags.
const RESERVED: u8 = 0x01;
const WILL: u8 = 0x04;
const WILL_QOS: u8 = 0x18;
const WILL_RETAIN: u8 = 0x20;
/// Of a subscription's options MQTT 3.1.1 knows the QoS alone.
const NOT_QOS: u8 = 0xfc;
const NO_LOCAL: u8 = 0x04;

/// A CONNECT of MQTT 3.1.1.
pub(crate) fn connect_v311(p: &v3_1_1::Connect) -> Checked {
    flags(&p.to_continuous_buffer())?;
    texts([Some(p.client_id()), p.will_topic(), p.user_name()])
}

/// A CONNECT of MQTT 5.
pub(crate) fn connect_v5(p: &v5_0::Connect) -> Checked {
    flags(&p.to_continuous_buffer())?;
    texts([Some(p.client_id()), p.will_topic(), p.user_name()])?;
    properties(p.props())?;
    properties(p.will_props())?;
    let has = |wanted: fn(&Property) -> bool| p.props().iter().any(wanted);
    let data_without_method = has(|property| matches!(property, Property::AuthenticationData(_)))
        && !has(|property| matches!(property, Property::AuthenticationMethod(_)));
    if data_without_method { Err(MqttError::ProtocolError) } else { Ok(()) }
}

/// A PUBLISH of MQTT 3.1.1.
pub(crate) fn publish_v311(p: &v3_1_1::Publish) -> Checked {
    resend(p.dup(), p.qos())?;
    topic(p.topic_name())
}

/// A PUBLISH of MQTT 5, its topic alias resolved.
pub(crate) fn publish_v5(p: &v5_0::Publish) -> Checked {
    resend(p.dup(), p.qos())?;
    topic(p.topic_name())?;
    properties(p.props())?;
    let from_a_server = |property: &Property| matches!(property, Property::SubscriptionIdentifier(_));
    // v3.3.4-6
    if p.props().iter().any(from_a_server) { Err(MqttError::ProtocolError) } else { Ok(()) }
}

/// The filters of a SUBSCRIBE of MQTT 3.1.1.
pub(crate) fn subscribe_v311(entries: &[SubEntry]) -> Checked {
    entries.iter().try_for_each(|entry| {
        filter(entry.topic_filter())?;
        // m3.8.3-4
        malformed_if(entry.sub_opts().to_buffer().iter().any(|options| options & NOT_QOS != 0))
    })
}

/// The filters and properties of a SUBSCRIBE of MQTT 5.
pub(crate) fn subscribe_v5(p: &v5_0::Subscribe) -> Checked {
    properties(p.props())?;
    p.entries().iter().try_for_each(|entry| {
        filter(entry.topic_filter())?;
        let no_local = entry.sub_opts().to_buffer().iter().any(|options| options & NO_LOCAL != 0);
        // v3.8.3-4
        if no_local && entry.topic_filter().starts_with("$share/") {
            return Err(MqttError::ProtocolError);
        }
        Ok(())
    })
}

/// The filters of an UNSUBSCRIBE.
pub(crate) fn unsubscribe(entries: &[MqttString]) -> Checked {
    entries.iter().try_for_each(|entry| filter(entry.as_str()))
}

/// The strings of properties, wherever they stand.
pub(crate) fn properties(props: &[Property]) -> Checked {
    props.iter().try_for_each(|property| match property {
        Property::ContentType(v) => text(v.val()),
        Property::AuthenticationMethod(v) => text(v.val()),
        Property::ReasonString(v) => text(v.val()),
        Property::UserProperty(v) => texts([Some(v.key()), Some(v.val())]),
        // v3.3.2-14
        Property::ResponseTopic(v) => topic(v.val()),
        _ => Ok(()),
    })
}

/// m1.5.3-2, v1.5.4-2: no string holds U+0000. The other control characters and the noncharacters should not be sent and
/// may be refused as malformed: they are. What is not UTF-8, surrogates with it, the core refuses.
fn text(text: &str) -> Checked {
    malformed_if(text.chars().any(|c| c.is_control() || is_noncharacter(c)))
}

/// U+FDD0 to U+FDEF, and the last two of each plane: no text has them.
fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    matches!(code, 0xfdd0..=0xfdef) || code & 0xfffe == 0xfffe
}

fn texts<const N: usize>(all: [Option<&str>; N]) -> Checked {
    all.into_iter().flatten().try_for_each(text)
}

/// 3.3.2-2, 4.7.3-1: a topic has a character, and none of them is a wildcard.
fn topic(name: &str) -> Checked {
    text(name)?;
    malformed_if(name.is_empty() || name.contains(['+', '#']))
}

/// 4.7.1-2, 4.7.1-3, 4.7.3-1: a filter has a character, and a wildcard fills its level; `#` is the last one.
fn filter(filter: &str) -> Checked {
    text(filter)?;
    let mut levels = filter.split('/').peekable();
    let mut whole = !filter.is_empty();
    while let Some(level) = levels.next() {
        whole &= level.len() == 1 || !level.contains(['+', '#']);
        whole &= level != "#" || levels.peek().is_none();
    }
    malformed_if(!whole)
}

/// 3.3.1-2: nothing is sent again at QoS 0.
fn resend(dup: bool, qos: Qos) -> Checked {
    malformed_if(dup && qos == Qos::AtMostOnce)
}

/// 3.1.2-3, 3.1.2-11 to 3.1.2-15: the reserved bit is 0; without a will its QoS and retain are 0; no QoS is 3.
fn flags(connect: &[u8]) -> Checked {
    // The remaining length is one to four bytes; name and level are seven.
    let length = connect.iter().skip(1).take_while(|byte| **byte >= 0x80).count() + 1;
    let flags = connect.get(1 + length + 7).copied().ok_or(MqttError::MalformedPacket)?;
    let without_will = flags & WILL == 0 && flags & (WILL_QOS | WILL_RETAIN) != 0;
    malformed_if(flags & RESERVED != 0 || without_will || flags & WILL_QOS == WILL_QOS)
}

const fn malformed_if(wrong: bool) -> Checked {
    if wrong { Err(MqttError::MalformedPacket) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_whole_levels() {
        for right in ["a", "/", "+", "#", "a/+/b", "a/#", "+/#", "$share/g/a", " "] {
            assert_eq!(filter(right), Ok(()), "{right:?}");
        }
        for wrong in ["", "a#", "#/a", "a/#/b", "+a", "a+/b", "a/b+", "##", "a\0"] {
            assert_eq!(filter(wrong), Err(MqttError::MalformedPacket), "{wrong:?}");
        }
    }

    #[test]
    fn topics_have_no_wildcard() {
        for wrong in ["", "a/+", "#", "a\0b"] {
            assert_eq!(topic(wrong), Err(MqttError::MalformedPacket), "{wrong:?}");
        }
        assert_eq!(topic("a/\u{feff}b"), Ok(()), "3 bytes of U+FEFF are a character like any other");
    }

    #[test]
    fn no_string_holds_control_characters_or_what_is_no_character() {
        let wrong = ["\u{1}", "\t", "\n", "\u{1f}", "\u{7f}", "\u{80}", "\u{9f}"];
        let none = ["\u{fdd0}", "\u{fdef}", "\u{fffe}", "\u{ffff}", "\u{1fffe}", "\u{10ffff}"];
        for odd in wrong.into_iter().chain(none) {
            assert_eq!(text(&format!("a{odd}b")), Err(MqttError::MalformedPacket), "{odd:?}");
        }
        for right in
            ["", " ", "~", "\u{a0}", "ação", "\u{fdcf}", "\u{fdf0}", "\u{fffd}", "\u{1f600}", "\u{202e}"]
        {
            assert_eq!(text(right), Ok(()), "{right:?}");
        }
    }
}
