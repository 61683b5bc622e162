//! The audit log as a format: entries, receipts, the Merkle tree in C2SP tiles, signed checkpoints, proofs,
//! export and verification. Pure: rows come and go through [`tile::TileReader`] and plain bytes; keys and
//! instants are handed in. `VERIFY.md`, which every export carries, says how an outsider checks it.

pub mod bundle;
pub mod entry;
pub mod export;
pub mod jcs;
pub mod kind;
pub mod merkle;
pub mod note;
pub mod pack;
pub mod proof;
pub mod receipt;
pub mod restores;
pub mod tag;
pub mod tile;
pub mod verify;
pub mod years;

#[cfg(test)]
mod tests;

pub use entry::{Actor, ActorKind, Batch, Body, Decision, Digest, Entry, EntryError, MAX_ENTRY};
pub use kind::EntryType;
pub use merkle::Hash;
pub use note::{Checkpoint, Signer, Vkey};
pub use tag::{Nonce, Tag};
