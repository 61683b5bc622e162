//! The receipt of one message: 32 bytes, keyed by the patient's audit key, over who sent it, under which consent
//! it was judged, what was decided and what was measured. It proves the stored readings without showing them.

use ring::hmac;
use uuid::Uuid;

use super::merkle::Hash;

/// Opens the signed bytes; a new meaning needs a new word.
const DOMAIN: &[u8] = b"zelo-receipt-v1";

/// What is true of the whole message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// The device that sent it.
    pub device: Uuid,
    /// The consent epoch it was judged under.
    pub epoch: u64,
    /// The decision's code; 0 is a permit for all of it.
    pub decision: u8,
    /// The second of reception, since the epoch.
    pub received_s: i64,
    /// Its place among the device's messages of that second: the node's slot in the high 4 bits.
    pub ordinal: u16,
}

/// One reading as the receipt sees it: the stored, canonical form. The order of the fields is the order of
/// readings in a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// [`domain::Signal::code`].
    pub signal: i16,
    /// When it was measured, microseconds since the epoch.
    pub at: i64,
    /// `f64::to_bits` of the value as sent.
    pub value: u64,
    /// Unit and flags, packed by the store.
    pub attrs: u16,
}

/// Writes receipts into one reused buffer.
#[derive(Debug, Default)]
pub struct Scribe {
    bytes: Vec<u8>,
}

impl Scribe {
    /// The receipt of `message` with `readings`, in whatever order they come. `key` is the patient's audit
    /// key, built once and cached.
    pub fn receipt(&mut self, key: &hmac::Key, message: &Message, readings: &[Line]) -> Hash {
        self.bytes.clear();
        self.head(message, readings.len());
        if readings.is_sorted() {
            readings.iter().for_each(|line| self.line(line));
        } else {
            let mut sorted = readings.to_vec();
            sorted.sort_unstable();
            sorted.iter().for_each(|line| self.line(line));
        }
        let mut receipt = [0; 32];
        receipt.copy_from_slice(hmac::sign(key, &self.bytes).as_ref());
        receipt
    }

    /// Domain ‖ device (16) ‖ epoch (8) ‖ decision (1) ‖ second (8) ‖ ordinal (2) ‖ readings (4), big-endian.
    fn head(&mut self, message: &Message, readings: usize) {
        self.bytes.extend_from_slice(DOMAIN);
        self.bytes.extend_from_slice(message.device.as_bytes());
        self.bytes.extend_from_slice(&message.epoch.to_be_bytes());
        self.bytes.push(message.decision);
        self.bytes.extend_from_slice(&message.received_s.to_be_bytes());
        self.bytes.extend_from_slice(&message.ordinal.to_be_bytes());
        self.bytes.extend_from_slice(&u32::try_from(readings).unwrap_or(u32::MAX).to_be_bytes());
    }

    /// Signal (2) ‖ instant (8) ‖ value (8) ‖ attributes (2), big-endian.
    fn line(&mut self, line: &Line) {
        self.bytes.extend_from_slice(&line.signal.to_be_bytes());
        self.bytes.extend_from_slice(&line.at.to_be_bytes());
        self.bytes.extend_from_slice(&line.value.to_be_bytes());
        self.bytes.extend_from_slice(&line.attrs.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[3; 32])
    }

    fn message() -> Message {
        let device = Uuid::from_bytes([1; 16]);
        Message { device, epoch: 17, decision: 0, received_s: 1_795_000_000, ordinal: 2 }
    }

    fn lines() -> Vec<Line> {
        let line = |signal, value: f64| Line { signal, at: 5, value: value.to_bits(), attrs: 0x0102 };
        vec![line(1, 128.0), line(4, 95.0), line(9, -0.5)]
    }

    #[test]
    fn the_receipt_is_the_hmac_over_the_documented_bytes() {
        let mut bytes = b"zelo-receipt-v1".to_vec();
        bytes.extend([1; 16]);
        bytes.extend(hex::decode("0000000000000011").unwrap());
        bytes.push(0);
        bytes.extend(1_795_000_000_i64.to_be_bytes());
        bytes.extend(hex::decode("000200000001").unwrap());
        bytes.extend(hex::decode("0001000000000000000540600000000000000102").unwrap());
        let expected = hmac::sign(&key(), &bytes);
        let first = &lines()[..1];
        assert_eq!(Scribe::default().receipt(&key(), &message(), first), expected.as_ref());
    }

    #[test]
    fn the_order_in_which_readings_come_changes_nothing() {
        let mut scribe = Scribe::default();
        let sorted = scribe.receipt(&key(), &message(), &lines());
        let mut turned = lines();
        turned.reverse();
        assert_eq!(scribe.receipt(&key(), &message(), &turned), sorted);
    }

    #[test]
    fn every_field_and_the_key_change_the_receipt() {
        let mut scribe = Scribe::default();
        let whole = scribe.receipt(&key(), &message(), &lines());
        let m = message();
        let others = [
            Message { device: Uuid::from_bytes([2; 16]), ..m },
            Message { epoch: 18, ..m },
            Message { decision: 1, ..m },
            Message { received_s: m.received_s + 1, ..m },
            Message { ordinal: 3, ..m },
        ];
        for other in others {
            assert_ne!(scribe.receipt(&key(), &other, &lines()), whole, "{other:?}");
        }
        for at in 0..3 {
            let l = lines()[at];
            for other in [
                Line { signal: l.signal + 1, ..l },
                Line { at: 6, ..l },
                Line { value: l.value ^ 1, ..l },
                Line { attrs: 0, ..l },
            ] {
                let mut changed = lines();
                changed[at] = other;
                assert_ne!(scribe.receipt(&key(), &m, &changed), whole, "{other:?}");
            }
        }
        assert_ne!(scribe.receipt(&key(), &m, &lines()[..2]), whole);
        let strange = hmac::Key::new(hmac::HMAC_SHA256, &[4; 32]);
        assert_ne!(scribe.receipt(&strange, &m, &lines()), whole);
    }
}
