//! Subtree roots out of stored tiles, for proofs: each tile is read once.

use std::collections::HashMap;

use crate::merkle::{Hash, Nodes, root_of};

use super::{FULL, Place, Row, TileReader, Unreadable, hashes};

/// Why a proof cannot be made from the tiles.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// Storage failed.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A tile is missing or too short for the size.
    #[error("the audit log has no whole {0}: verify the log before proving from it")]
    Missing(String),
}

/// The nodes of a stored tree of a known size.
pub struct TileNodes<'r, R: TileReader + ?Sized> {
    reader: &'r R,
    size: u64,
    read: HashMap<(u8, u64), Vec<Hash>>,
}

impl<'r, R: TileReader + ?Sized> TileNodes<'r, R> {
    /// Over the tiles of a tree of `size` leaves.
    pub fn new(reader: &'r R, size: u64) -> Self {
        Self { reader, size, read: HashMap::new() }
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], TileError> {
        if !self.read.contains_key(&(level, index)) {
            let items = self.size >> (8 * u32::from(level));
            let left = items.saturating_sub(index * u64::from(FULL));
            let place =
                Place { row: Row::Level(level), index, width: u16::try_from(left).unwrap_or(FULL).min(FULL) };
            let tile = self.reader.read(place)?.and_then(|bytes| hashes(&bytes, place.width));
            let tile = tile.ok_or_else(|| TileError::Missing(place.to_string()))?;
            self.read.insert((level, index), tile);
        }
        Ok(self.read.get(&(level, index)).map_or(&[], Vec::as_slice))
    }
}

impl<R: TileReader + ?Sized> Nodes for TileNodes<'_, R> {
    type Error = TileError;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, TileError> {
        let level = u8::try_from(height / 8).unwrap_or(u8::MAX);
        let first = index << (height % 8);
        let tile = self.tile(level, first / u64::from(FULL))?;
        let from = usize::try_from(first % u64::from(FULL)).unwrap_or(usize::MAX);
        let below = tile.get(from..from.saturating_add(1 << (height % 8)));
        below.map(root_of).ok_or_else(|| TileError::Missing(format!("subtree {height}/{index}")))
    }
}
