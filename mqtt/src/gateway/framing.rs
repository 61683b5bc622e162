//! Cuts the byte stream into packets just far enough to judge a fixed header before its body is
//! taken: reserved flags, size, and nothing but CONNECT first. The protocol core does the rest.

/// A fixed header that cannot be accepted, by the MQTT 5 code it is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 0x81: reserved flags, packet type 0 or an endless length.
    Malformed,
    /// 0x95: longer than allowed.
    TooLarge,
}

/// Where in the stream we are.
#[derive(Debug)]
pub(crate) struct Framing {
    max_bytes: usize,
    first: u8,
    header_bytes: u8,
    length: usize,
    body_left: usize,
}

impl Framing {
    pub(crate) fn new(max_bytes: u32) -> Self {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        Self { max_bytes, first: 0, header_bytes: 0, length: 0, body_left: 0 }
    }

    /// The packet type of the current packet, or of the last one between two.
    pub(crate) fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// Whether the last packet is whole and no other has begun.
    pub(crate) fn is_between(&self) -> bool {
        self.header_bytes == 0 && self.body_left == 0
    }

    /// Bytes of the current packet that are still to come; 0 while its header is read.
    pub(crate) fn left(&self) -> usize {
        self.body_left
    }

    /// The front part of `bytes` that belongs to the current packet; at most one packet.
    ///
    /// # Errors
    /// A header that must not be accepted; nothing more can be read after it.
    pub(crate) fn piece<'b>(&mut self, bytes: &'b [u8]) -> Result<(&'b [u8], &'b [u8]), Fault> {
        let mut used = 0;
        while self.body_left == 0 {
            let Some(&byte) = bytes.get(used) else { return Ok((bytes, &[])) };
            used += 1;
            if self.take_header(byte)? {
                self.body_left = std::mem::take(&mut self.length);
                self.header_bytes = 0;
                break;
            }
        }
        let body = self.body_left.min(bytes.len() - used);
        self.body_left -= body;
        Ok(bytes.split_at_checked(used + body).unwrap_or((bytes, &[])))
    }

    /// Whether that byte ended the header.
    fn take_header(&mut self, byte: u8) -> Result<bool, Fault> {
        let position = self.header_bytes;
        self.header_bytes += 1;
        if position == 0 {
            self.first = byte;
            return if flags_allowed(byte) { Ok(false) } else { Err(Fault::Malformed) };
        }
        self.length |= usize::from(byte & 0x7f) << (7 * (position - 1));
        if byte & 0x80 != 0 {
            return if position == 4 { Err(Fault::Malformed) } else { Ok(false) };
        }
        if self.length + usize::from(self.header_bytes) > self.max_bytes {
            return Err(Fault::TooLarge);
        }
        Ok(true)
    }
}

/// MQTT 5 §2.1.3: PUBLISH carries flags, PUBREL, SUBSCRIBE and UNSUBSCRIBE 0b0010, all others none.
fn flags_allowed(first: u8) -> bool {
    match first >> 4 {
        0 => false,
        3 => true,
        6 | 8 | 10 => first & 0x0f == 2,
        _ => first & 0x0f == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_cut_wherever_the_stream_breaks() {
        let stream = [0xc0, 0, 0x30, 3, 1, 2, 3, 0xc0, 0];
        for cut in 0..stream.len() {
            let mut framing = Framing::new(100);
            let mut packets = vec![Vec::new()];
            for mut part in [&stream[..cut], &stream[cut..]] {
                while !part.is_empty() {
                    let (piece, rest) = framing.piece(part).unwrap();
                    packets.last_mut().unwrap().extend_from_slice(piece);
                    part = rest;
                    if framing.is_between() {
                        packets.push(Vec::new());
                    }
                }
            }
            assert_eq!(packets, [&stream[..2], &stream[2..7], &stream[7..], &[]], "cut at {cut}");
        }
    }

    #[test]
    fn a_header_is_judged_before_its_body() {
        assert_eq!(Framing::new(100).piece(&[0x30, 98]).unwrap().0.len(), 2);
        assert_eq!(Framing::new(100).piece(&[0x30, 99]), Err(Fault::TooLarge));
        assert_eq!(Framing::new(u32::MAX).piece(&[0x30, 0xff, 0xff, 0xff, 0xff]), Err(Fault::Malformed));
        for first in [0x00, 0x0f, 0x11, 0x62 + 1, 0x80, 0xc1, 0xe1] {
            assert_eq!(Framing::new(100).piece(&[first]), Err(Fault::Malformed), "{first:#x}");
        }
    }
}
