//! The right edge of a tiled tree: on each level the hashes of the tile that is not full yet. It grows leaf by
//! leaf, tells each new hash as it appears, and knows the root.

use crate::merkle::{self, Frontier, Hash};

use super::{FULL, Place, Row, TileReader, Unreadable, hashes};

/// The hashes right of the last full tile, level by level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A hash that came to be: the last of `tile`, which is the piece `index` of `level`.
#[derive(Debug, Clone, Copy)]
pub struct Grown<'a> {
    /// The level.
    pub level: u8,
    /// Which tile of the level.
    pub index: u64,
    /// The hashes of that tile so far, 1 to 256.
    pub tile: &'a [Hash],
}

impl Edge {
    /// The edge of a stored tree of `size` leaves; `None` when a tile that it needs is missing or short.
    ///
    /// # Errors
    /// [`Unreadable`] when storage fails.
    pub fn load<R: TileReader + ?Sized>(reader: &R, size: u64) -> Result<Option<Self>, Unreadable> {
        let mut levels = Vec::new();
        for level in 0..8_u8 {
            let items = size >> (8 * u32::from(level));
            if items == 0 {
                break;
            }
            let width = u16::try_from(items % u64::from(FULL)).unwrap_or(0);
            if width == 0 {
                levels.push(Vec::new());
                continue;
            }
            let place = Place { row: Row::Level(level), index: items / u64::from(FULL), width };
            match reader.read(place)?.and_then(|bytes| hashes(&bytes, width)) {
                Some(tile) => levels.push(tile),
                None => return Ok(None),
            }
        }
        Ok(Some(Self { size, levels }))
    }

    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the unfinished tile of `level`.
    #[must_use]
    pub fn tile(&self, level: usize) -> &[Hash] {
        self.levels.get(level).map_or(&[], Vec::as_slice)
    }

    /// The unfinished tiles and where they lie.
    pub fn unfinished(&self) -> impl Iterator<Item = (Place, &[Hash])> {
        (0_u8..).zip(&self.levels).filter(|(_, tile)| !tile.is_empty()).map(|(level, tile)| {
            let index = self.size >> (8 * (u32::from(level) + 1)).min(63);
            let width = u16::try_from(tile.len()).unwrap_or(FULL);
            (Place { row: Row::Level(level), index, width }, tile.as_slice())
        })
    }

    /// Appends one leaf hash and tells every hash that comes to be, lowest level first.
    pub fn push(&mut self, leaf: Hash, mut on_grown: impl FnMut(Grown<'_>)) {
        let mut hash = leaf;
        for level in 0..8_u8 {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push(Vec::with_capacity(usize::from(FULL)));
            }
            let Some(tile) = self.levels.get_mut(at) else { break };
            tile.push(hash);
            let index = self.size >> (8 * (u32::from(level) + 1)).min(63);
            on_grown(Grown { level, index, tile });
            if tile.len() < usize::from(FULL) {
                break;
            }
            hash = merkle::root_of(tile);
            tile.clear();
        }
        self.size += 1;
    }

    /// The root of the tree so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = Vec::new();
        for tile in self.levels.iter().rev() {
            let mut frontier = Frontier::default();
            tile.iter().for_each(|hash| frontier.push(*hash));
            peaks.extend(frontier.peaks());
        }
        merkle::bag(&peaks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_has_the_root_of_the_frontier_across_tile_borders() {
        let (mut edge, mut frontier) = (Edge::default(), Frontier::default());
        for i in 0..66_000_u32 {
            if i % 257 == 0 || i > 65_500 {
                assert_eq!(edge.root(), frontier.root(), "size {i}");
            }
            let leaf = merkle::leaf(&i.to_be_bytes());
            edge.push(leaf, |_| ());
            frontier.push(leaf);
        }
    }
}
