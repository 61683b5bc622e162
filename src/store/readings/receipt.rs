//! Which message brought a reading.

use std::ops::Range;

/// The message that brought a reading: which of its device's messages, in which second, on which node.
/// Stored as `second << 16 | node << 12 | ordinal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiptRef(i64);

impl ReceiptRef {
    /// The most messages of one device that a second can name.
    pub const ORDINALS: u16 = 1 << 12;

    /// Names a message; `None` when the node needs more than 4 bits or the ordinal more than 12.
    #[must_use]
    pub fn new(second: i64, node: u8, ordinal: u16) -> Option<Self> {
        let fits = node < 16 && ordinal < Self::ORDINALS && second.abs() < 1 << 47;
        fits.then(|| Self((second << 16) | (i64::from(node) << 12) | i64::from(ordinal)))
    }

    /// From the stored number.
    #[must_use]
    pub const fn from_stored(stored: i64) -> Self {
        Self(stored)
    }

    /// The stored number.
    #[must_use]
    pub(crate) const fn stored(self) -> i64 {
        self.0
    }

    /// The stored numbers of the messages of these seconds.
    pub(crate) const fn of(seconds: &Range<i64>) -> Range<i64> {
        seconds.start.saturating_mul(1 << 16)..seconds.end.saturating_mul(1 << 16)
    }

    /// The second it was received in, since the epoch.
    #[must_use]
    pub const fn second(self) -> i64 {
        self.0 >> 16
    }

    /// The node that received it.
    #[must_use]
    pub(crate) fn node(self) -> u8 {
        u8::try_from((self.0 >> 12) & 0xf).unwrap_or(0)
    }

    /// Whether the same node numbered it later. Numbers of one node never go back.
    #[must_use]
    pub(crate) fn is_after(self, other: Self) -> bool {
        self.node() == other.node() && self.0 > other.0
    }

    /// Which message of its device in that second: the node in the high 4 bits, so that two nodes never name two
    /// messages alike, and its number there in the others.
    #[must_use]
    pub fn ordinal(self) -> u16 {
        u16::try_from(self.0 & 0xffff).unwrap_or(0)
    }
}
