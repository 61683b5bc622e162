//! Appends entries: out of the right edge and a batch come the rows to write, bundles first, then tiles, then
//! the checkpoint. Nothing is written here; the same entries give the same rows, so a crash in between is
//! cured by doing it again.

use crate::entry::MAX_ENTRY;
use crate::merkle::{self, Hash};
use crate::note::{Checkpoint, Signer};

use super::{Bundle, Edge, FULL, Place, Row, TileReader, Unreadable, bundle_entry, bundle_prefix};

/// Why nothing can be appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Storage failed.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// What is stored does not lead to the checkpoint's root.
    #[error("the stored tiles do not lead to the checkpoint of {size} leaves: run `zelo audit verify`")]
    Broken {
        /// The checkpoint's size.
        size: u64,
    },
    /// An entry is larger than the log takes.
    #[error("entry {at} of the batch has {bytes} bytes; the log takes {MAX_ENTRY}")]
    TooLarge {
        /// Its place in the batch.
        at: usize,
        /// Its size.
        bytes: usize,
    },
    /// The key is not this log's.
    #[error("the key {key} cannot sign for the log {origin}")]
    Key {
        /// The key's name.
        key: String,
        /// The log's origin.
        origin: String,
    },
}

/// A tile or bundle to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where, and how wide. A full piece never changes again.
    pub place: Place,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What one append leaves to write, in this order.
#[derive(Debug, Clone)]
pub struct Written {
    /// Bundles of entries, first of all.
    pub bundles: Vec<Piece>,
    /// Tiles of hashes, after the bundles.
    pub tiles: Vec<Piece>,
    /// The signed checkpoint, last.
    pub checkpoint: String,
    /// What the checkpoint says.
    pub head: Checkpoint,
    /// The index of the batch's first entry.
    pub first: u64,
    /// The log after it: use it once the rows are committed.
    pub next: Appender,
}

/// A log at rest: its name, the right edge and the unfinished bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appender {
    origin: String,
    edge: Edge,
    bundle: Vec<u8>,
}

impl Appender {
    /// The log before its first entry.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), edge: Edge::default(), bundle: Vec::new() }
    }

    /// The log as stored at `head`. Rows beyond it, left by a crash, are not looked at.
    ///
    /// # Errors
    /// [`AppendError::Broken`] when the stored edge does not lead to the checkpoint's root.
    pub fn resume<R: TileReader + ?Sized>(reader: &R, head: &Checkpoint) -> Result<Self, AppendError> {
        let broken = || AppendError::Broken { size: head.size };
        let edge = Edge::load(reader, head.size)?.ok_or_else(broken)?;
        let bundle = open_bundle(reader, &edge)?.ok_or_else(broken)?;
        if edge.root() != head.root {
            return Err(broken());
        }
        Ok(Self { origin: head.origin.clone(), edge, bundle })
    }

    /// Entries in the log.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root over them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The rows that add `entries` (canonical bytes) to the log, and the checkpoint over them. `self` stays
    /// as it is; [`Written::next`] is the log afterwards.
    ///
    /// # Errors
    /// [`AppendError`] when an entry is too large or the key is not this log's.
    pub fn append<E: AsRef<[u8]>>(&self, entries: &[E], signer: &Signer) -> Result<Written, AppendError> {
        if signer.vkey().name() != self.origin {
            let (key, origin) = (signer.vkey().name().to_owned(), self.origin.clone());
            return Err(AppendError::Key { key, origin });
        }
        let mut next = self.clone();
        let (mut bundles, mut tiles) = (Vec::new(), Vec::new());
        for (at, entry) in entries.iter().map(AsRef::as_ref).enumerate() {
            let bytes = entry.len();
            let room = bytes <= MAX_ENTRY && bundle_entry(&mut next.bundle, entry).is_some();
            if !room {
                return Err(AppendError::TooLarge { at, bytes });
            }
            next.grow(merkle::leaf(entry), &mut bundles, &mut tiles);
        }
        next.unfinished(self.size(), &mut bundles, &mut tiles);
        let head = Checkpoint { origin: next.origin.clone(), size: next.size(), root: next.root() };
        Ok(Written { bundles, tiles, checkpoint: head.sign(signer), head, first: self.size(), next })
    }

    fn grow(&mut self, leaf: Hash, bundles: &mut Vec<Piece>, tiles: &mut Vec<Piece>) {
        let bundle = &mut self.bundle;
        self.edge.push(leaf, |grown| {
            if grown.tile.len() < usize::from(FULL) {
                return;
            }
            let place = |row| Place { row, index: grown.index, width: FULL };
            tiles.push(Piece { place: place(Row::Level(grown.level)), bytes: grown.tile.concat() });
            if grown.level == 0 {
                bundles.push(Piece { place: place(Row::Entries), bytes: std::mem::take(bundle) });
            }
        });
    }

    /// The pieces that are not full and were touched since the log had `before` entries.
    fn unfinished(&self, before: u64, bundles: &mut Vec<Piece>, tiles: &mut Vec<Piece>) {
        for (place, tile) in self.edge.unfinished() {
            let Row::Level(level) = place.row else { continue };
            let shift = 8 * u32::from(level);
            if self.size() >> shift == before >> shift {
                continue;
            }
            tiles.push(Piece { place, bytes: tile.concat() });
            if level == 0 {
                let place = Place { row: Row::Entries, ..place };
                bundles.push(Piece { place, bytes: self.bundle.clone() });
            }
        }
    }
}

/// The unfinished bundle of the stored log, when its entries are those of the edge.
fn open_bundle<R: TileReader + ?Sized>(reader: &R, edge: &Edge) -> Result<Option<Vec<u8>>, Unreadable> {
    let leaves = edge.tile(0);
    let width = u16::try_from(leaves.len()).unwrap_or(FULL);
    if width == 0 {
        return Ok(Some(Vec::new()));
    }
    let place = Place { row: Row::Entries, index: edge.size() / u64::from(FULL), width };
    let bytes = reader.read(place)?;
    let prefix = bytes.as_deref().and_then(|bytes| bundle_prefix(bytes, width));
    Ok(prefix
        .filter(|prefix| Bundle::new(prefix).map(merkle::leaf).eq(leaves.iter().copied()))
        .map(Into::into))
}
