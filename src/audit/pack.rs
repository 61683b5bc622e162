//! The receipts of one second, packed: about 36 bytes a message, one Merkle root for the log. A receipt's path to
//! that root and the leaf's path to the checkpoint prove one message without any other.

use super::entry::{Batch, Digest, Entry};
use super::kind::EntryType;
use super::merkle::{self, Hash, Leaves};
use super::note::{Checkpoint, NoteError, Vkey};
use super::proof::{Broken, LeafProof};

/// One message in the pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipted {
    /// The store's short key of the device.
    pub device_key: u64,
    /// Its place among the device's messages of the second: the node's slot in the high 4 bits.
    pub ordinal: u16,
    /// The decision's code; 0 is a permit for all of it.
    pub decision: u8,
    /// Readings refused; always 0 when the decision is 0.
    pub refused: u32,
    /// See [`super::receipt`].
    pub receipt: Hash,
}

/// The bytes are not a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the receipts of this second are cut or altered at byte {at}")]
pub struct NotAPack {
    /// Where reading stopped.
    pub at: usize,
}

impl Receipted {
    /// Its bytes: device key and ordinal as varints, the decision, the refused count as a varint where the
    /// decision is not 0, the receipt.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(40);
        self.encode(&mut bytes);
        bytes
    }

    fn encode(&self, to: &mut Vec<u8>) {
        varint(to, self.device_key);
        varint(to, u64::from(self.ordinal));
        to.push(self.decision);
        if self.decision != 0 {
            varint(to, u64::from(self.refused));
        }
        to.extend_from_slice(&self.receipt);
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let device_key = read_varint(from)?;
        let ordinal = u16::try_from(read_varint(from)?).ok()?;
        let (decision, rest) = from.split_first()?;
        *from = rest;
        let refused = if *decision == 0 { 0 } else { u32::try_from(read_varint(from)?).ok()? };
        let (receipt, rest) = from.split_first_chunk::<32>()?;
        *from = rest;
        Some(Self { device_key, ordinal, decision: *decision, refused, receipt: *receipt })
    }
}

/// The messages of one second, in the order of their commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pack(pub Vec<Receipted>);

impl Pack {
    /// The bytes to store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 37);
        self.0.iter().for_each(|message| message.encode(&mut bytes));
        bytes
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// [`NotAPack`] where they stop making sense.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotAPack> {
        let mut rest = bytes;
        let mut messages = Vec::with_capacity(bytes.len() / 36);
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            messages.push(Receipted::decode(&mut rest).ok_or(NotAPack { at })?);
        }
        Ok(Self(messages))
    }

    /// The RFC 6962 root over the messages' bytes.
    #[must_use]
    pub fn root(&self) -> Hash {
        merkle::root_of(&self.leaves())
    }

    /// What the `telemetry.batch` leaf of `second` says of this pack.
    #[must_use]
    pub fn batch(&self, second: i64) -> Batch {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let permits = self.0.iter().filter(|message| message.decision == 0).count();
        let denies = count(self.0.len() - permits);
        Batch { denies, n: count(self.0.len()), permits: count(permits), root: self.root(), second }
    }

    /// The path of message `position` to the pack's root; `None` when there is no such message.
    #[must_use]
    pub fn path(&self, position: usize) -> Option<Vec<Hash>> {
        self.0.get(position)?;
        let leaves = self.leaves();
        let (at, size) = (u64::try_from(position).ok()?, u64::try_from(leaves.len()).ok()?);
        let Ok(path) = merkle::inclusion(&mut Leaves(&leaves), at, size);
        Some(path)
    }

    fn leaves(&self) -> Vec<Hash> {
        let mut bytes = Vec::with_capacity(40);
        let hashed = self.0.iter().map(|message| {
            bytes.clear();
            message.encode(&mut bytes);
            merkle::leaf(&bytes)
        });
        hashed.collect()
    }
}

/// Everything that proves one message: it is in its second, and its second is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageProof {
    /// The message.
    pub message: Receipted,
    /// Its place in the pack.
    pub position: u64,
    /// Its path to the pack's root.
    pub path: Vec<Hash>,
    /// The canonical bytes of the `telemetry.batch` entry.
    pub entry: Vec<u8>,
    /// That entry's path to a signed checkpoint.
    pub leaf: LeafProof,
}

impl MessageProof {
    /// Checks both paths and the checkpoint's signature, and says what the batch says of its second.
    ///
    /// # Errors
    /// [`Broken`] when a path, the entry or the signature does not hold.
    pub fn verify(&self, key: &Vkey) -> Result<(Batch, Checkpoint), Broken> {
        let head = self.leaf.verify(&self.entry, key)?;
        let batch = Entry::read(&self.entry)?;
        let (EntryType::TelemetryBatch, Some(batch)) = (batch.kind, batch.batch) else {
            return Err(NoteError::Malformed("the entry is not a batch of telemetry").into());
        };
        let leaf = merkle::leaf(&self.message.encoded());
        merkle::verify_inclusion(&leaf, self.position, batch.n, &self.path, &batch.root)?;
        Ok((batch, head))
    }

    /// The digest of the batch entry, as other records name it.
    #[must_use]
    pub fn entry_digest(&self) -> Digest {
        Digest::of(&self.entry)
    }
}

/// LEB128, little end first.
fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(u8::try_from(value & 0x7F).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).unwrap_or(0));
}

/// Only the shortest form of a number is read, so that a message has one encoding.
fn read_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        let bits = u64::from(byte & 0x7F);
        let placed = bits << shift;
        if placed >> shift != bits || (*byte == 0 && shift > 0) {
            return None;
        }
        value |= placed;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
