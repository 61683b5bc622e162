//! The load generator's own MQTT 5: three packets out, four in, nothing that would cost more than what is measured.

/// Length of the payload's digits never changes, so that a packet's length never does.
const VALUES: usize = 2;

/// CONNECT with a device's credentials and a clean start.
#[must_use]
pub(crate) fn connect(device: &str, token: &str) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, "MQTT");
    // Version 5; user name, password, clean start; keep-alive 600 s; no properties.
    body.extend([5, 0b1100_0010, 0x02, 0x58, 0]);
    for part in [device, device, token] {
        text(&mut body, part);
    }
    framed(0x10, &body)
}

/// One message of three readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message {
    /// Measured at, milliseconds since the epoch.
    pub ts: i64,
    /// Beats, saturation, breaths: two digits each.
    pub values: [u8; 3],
}

impl Message {
    /// The `n`th message of a device: calm values that no rule minds, each instant once.
    #[must_use]
    pub(crate) fn nth(device: usize, n: i64, start: i64, step: i64) -> Self {
        let turn = i64::try_from(device).unwrap_or(0).wrapping_mul(7).wrapping_add(n);
        let within = |from: u8, many: i64| from + u8::try_from(turn.rem_euclid(many)).unwrap_or(0);
        Self { ts: start + n * step, values: [within(60, 38), within(94, 6), within(12, 8)] }
    }
}

/// A device's PUBLISH, of which only identifier, instant and values change.
pub(crate) struct Publisher {
    head: Vec<u8>,
}

impl Publisher {
    /// QoS 1 on the device's telemetry topic.
    #[must_use]
    pub(crate) fn new(device: &str) -> Self {
        let mut head = Vec::new();
        text(&mut head, &format!("zelo/v1/devices/{device}/telemetry"));
        let message = Message { ts: 1_000_000_000_000, values: [60, 94, 12] };
        let mut tail = vec![0, 0, 0];
        json(&mut tail, message);
        let mut packet = vec![0x32];
        length(&mut packet, head.len() + tail.len());
        packet.extend(head);
        Self { head: packet }
    }

    /// Appends the packet.
    pub(crate) fn write(&self, out: &mut Vec<u8>, id: u16, message: Message) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&id.to_be_bytes());
        out.push(0);
        json(out, message);
    }
}

/// A whole PUBLISH of any payload: QoS 1, no properties.
#[must_use]
pub(crate) fn publish(device: &str, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(payload.len() + 80);
    text(&mut body, &format!("zelo/v1/devices/{device}/telemetry"));
    body.extend_from_slice(&id.to_be_bytes());
    body.push(0);
    body.extend_from_slice(payload);
    framed(0x32, &body)
}

fn json(out: &mut Vec<u8>, message: Message) {
    let [heart, oxygen, breath] = message.values;
    out.extend_from_slice(br#"{"ts":"#);
    digits(out, message.ts, 13);
    for (name, value) in [
        (&br#","values":{"heart_rate":"#[..], heart),
        (&br#","spo2":"#[..], oxygen),
        (&br#","respiratory_rate":"#[..], breath),
    ] {
        out.extend_from_slice(name);
        digits(out, i64::from(value), VALUES);
    }
    out.extend_from_slice(b"}}");
}

fn digits(out: &mut Vec<u8>, mut number: i64, width: usize) {
    let from = out.len();
    out.resize(from + width, b'0');
    for place in out.iter_mut().skip(from).rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// The gateway's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// CONNACK and its code.
    Connack(u8),
    /// PUBACK: identifier and code.
    Puback(u16, u8),
    /// DISCONNECT and its code.
    Disconnect(u8),
    /// Anything else.
    Other,
}

/// The first whole packet of `bytes`, and how long it is.
#[must_use]
pub(crate) fn next(bytes: &[u8]) -> Option<(usize, Heard)> {
    let (kind, rest) = bytes.split_first()?;
    let (mut size, mut shift, mut header) = (0_usize, 0, 1);
    for byte in rest {
        size |= usize::from(byte & 0x7f) << shift;
        (shift, header) = (shift + 7, header + 1);
        if byte & 0x80 == 0 {
            let body = bytes.get(header..header + size)?;
            return Some((header + size, heard(*kind, body)));
        }
    }
    None
}

fn heard(kind: u8, body: &[u8]) -> Heard {
    match (kind >> 4, body) {
        (2, [_session, code, ..]) => Heard::Connack(*code),
        (4, [high, low]) => Heard::Puback(u16::from_be_bytes([*high, *low]), 0),
        (4, [high, low, code, ..]) => Heard::Puback(u16::from_be_bytes([*high, *low]), *code),
        (14, []) => Heard::Disconnect(0),
        (14, [code, ..]) => Heard::Disconnect(*code),
        _ => Heard::Other,
    }
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    length(&mut out, body.len());
    out.extend_from_slice(body);
    out
}

fn length(out: &mut Vec<u8>, mut size: usize) {
    loop {
        let low = u8::try_from(size & 0x7f).unwrap_or(0);
        size >>= 7;
        out.push(if size == 0 { low } else { low | 0x80 });
        if size == 0 {
            return;
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publish_is_as_long_as_it_says_and_carries_json() {
        let device = "0193a4a0-0000-7000-8000-000000000001";
        let mut packet = Vec::new();
        let message = Message::nth(3, 41, 1_795_348_800_000, 1_000);
        Publisher::new(device).write(&mut packet, 258, message);
        assert_eq!(next(&packet), Some((packet.len(), Heard::Other)));
        let from = packet.iter().position(|byte| *byte == b'{').unwrap();
        let json: serde_json::Value = serde_json::from_slice(&packet[from..]).unwrap();
        assert_eq!(json["ts"], 1_795_348_841_000_i64);
        assert_eq!(json["values"]["heart_rate"], u64::from(message.values[0]));
        assert_eq!(json["values"].as_object().unwrap().len(), 3);
        assert_eq!(packet[from - 3..from], [1, 2, 0]);
    }

    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let answers = [0x20, 3, 0, 0, 0, 0x40, 2, 1, 2, 0x40, 4, 0, 7, 0x87, 0, 0xe0, 1];
        let (size, first) = next(&answers).unwrap();
        assert_eq!((size, first), (5, Heard::Connack(0)));
        assert_eq!(next(&answers[5..]), Some((4, Heard::Puback(258, 0))));
        assert_eq!(next(&answers[9..]), Some((6, Heard::Puback(7, 0x87))));
        assert_eq!(next(&answers[15..]), None);
    }
}
