//! Tests over whole logs: the tree at the borders of its tiles, crashes, tampering, and one message's proof.

mod entries;
mod export;
mod log;
mod message;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::tile::{Appender, Piece, Row, Written};
use super::{Actor, ActorKind, Checkpoint, Entry, EntryType, Nonce, Signer};
use domain::Instant;

const ORIGIN: &str = "zelo.clinic/audit/2026";

type Rows = BTreeMap<(Row, u64), Vec<u8>>;

fn signer() -> Signer {
    Signer::from_seed(ORIGIN, &[7; 32]).unwrap()
}

fn bare(i: u32, kind: EntryType) -> Entry {
    let mut nonce = [0; 16];
    nonce[..4].copy_from_slice(&i.to_be_bytes());
    let at = Instant::from_millis(1_795_000_000_000 + i64::from(i));
    let actor = Actor { kind: ActorKind::System, tag: None };
    Entry::new(kind, Uuid::from_bytes(nonce), at, Nonce(nonce), actor)
}

/// Small canonical JSON, cheap enough for tens of thousands.
fn small(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(|i| format!("{{\"i\":{i}}}").into_bytes()).collect()
}

fn put(rows: &mut Rows, pieces: &[Piece]) {
    for piece in pieces {
        rows.insert((piece.place.row, piece.place.index), piece.bytes.clone());
    }
}

fn apply(rows: &mut Rows, written: &Written) {
    put(rows, &written.bundles);
    put(rows, &written.tiles);
}

/// A log of `entries`, appended in batches of `step`, and its checkpoint.
fn log_of(entries: &[Vec<u8>], step: usize) -> (Rows, String) {
    let (mut rows, mut log) = (Rows::new(), Appender::new(ORIGIN));
    let mut checkpoint = Checkpoint::empty(ORIGIN).sign(&signer());
    for batch in entries.chunks(step) {
        let written = log.append(batch, &signer()).unwrap();
        apply(&mut rows, &written);
        (log, checkpoint) = (written.next, written.checkpoint);
    }
    (rows, checkpoint)
}
