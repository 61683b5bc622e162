//! C2SP tlog-tiles: where hashes and entries lie (height 8), and how a bundle of entries is written. A tile or
//! bundle of less than 256 items is a prefix of the wider ones that replace it.

pub mod append;
pub mod dir;
pub mod edge;
pub mod nodes;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

pub use append::{AppendError, Appender, Piece, Written};
pub use dir::Dir;
pub use edge::Edge;
pub use nodes::TileNodes;

use super::merkle::Hash;
use super::note::decimal;

/// Items in a full tile or bundle.
pub const FULL: u16 = 256;

/// Which row of pieces: the hashes of one level, or the entries themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// Log entries, length-prefixed.
    Entries,
    /// Hashes of subtrees of 256^level leaves.
    Level(u8),
}

/// One tile or bundle and how many items of it are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The row.
    pub row: Row,
    /// Which piece of the row, from zero.
    pub index: u64,
    /// Items meant, 1 to 256.
    pub width: u16,
}

impl fmt::Display for Place {
    /// The path: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Row::Entries => f.write_str("tile/entries/")?,
            Row::Level(level) => write!(f, "tile/{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        while let Some(group) = groups.pop() {
            let more = !groups.is_empty();
            write!(f, "{}{group:03}{}", if more { "x" } else { "" }, if more { "/" } else { "" })?;
        }
        if self.width < FULL { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// The text is not the path of a tile or bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a tile path: expected tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>]")]
pub struct NotAPlace;

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(path: &str) -> Result<Self, NotAPlace> {
        let place = read_path(path).ok_or(NotAPlace)?;
        if place.to_string() == path { Ok(place) } else { Err(NotAPlace) }
    }
}

fn read_path(path: &str) -> Option<Place> {
    let (row, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let row = match row {
        "entries" => Row::Entries,
        level => Row::Level(u8::try_from(decimal(level)?).ok().filter(|level| *level < 64)?),
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => {
            (number, u16::try_from(decimal(width)?).ok().filter(|w| (1..FULL).contains(w))?)
        }
        None => (rest, FULL),
    };
    let mut index = 0_u64;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group).parse::<u64>().ok()?;
        index = index.checked_mul(1000)?.checked_add(digits)?;
    }
    Some(Place { row, index, width })
}

/// Storage failed while reading `path`.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path} of the audit log: check the storage and try again")]
pub struct Unreadable {
    /// The path of the piece.
    pub path: String,
    /// The storage's error.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// Where pieces are read from.
pub trait TileReader {
    /// The bytes at `place`, of `place.width` items or more (a wider piece begins with the narrower); `None`
    /// when there is no such piece.
    ///
    /// # Errors
    /// [`Unreadable`] when storage fails.
    fn read(&self, place: Place) -> Result<Option<Vec<u8>>, Unreadable>;
}

/// Pieces in memory, the widest of each.
impl TileReader for BTreeMap<(Row, u64), Vec<u8>> {
    fn read(&self, place: Place) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.get(&(place.row, place.index)).cloned())
    }
}

/// The pieces of one row in a tree of `size` leaves: all full but perhaps the last.
pub fn places(row: Row, size: u64) -> impl Iterator<Item = Place> {
    let items = match row {
        Row::Entries => size,
        Row::Level(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
    };
    (0..items.div_ceil(u64::from(FULL))).map(move |index| {
        let left = items - index * u64::from(FULL);
        Place { row, index, width: u16::try_from(left).unwrap_or(FULL).min(FULL) }
    })
}

/// Every tile of hashes in a tree of `size` leaves, lowest level first.
pub fn tiles(size: u64) -> impl Iterator<Item = Place> {
    (0..8).flat_map(move |level| places(Row::Level(level), size))
}

/// The first `width` hashes of a tile; `None` when it holds fewer.
#[must_use]
pub fn hashes(tile: &[u8], width: u16) -> Option<Vec<Hash>> {
    let (all, _rest) = tile.as_chunks::<32>();
    all.get(..usize::from(width)).map(<[Hash]>::to_vec)
}

/// Adds one entry to a bundle: its length as a big-endian u16, then its bytes. `None` beyond 65,535 bytes.
#[must_use]
pub fn bundle_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    bundle.extend(u16::try_from(entry.len()).ok()?.to_be_bytes());
    bundle.extend(entry);
    Some(())
}

/// The entries of a bundle, in order. Ends early, with [`Bundle::rest`] not empty, where a length does not fit.
#[derive(Debug, Clone)]
pub struct Bundle<'a>(&'a [u8]);

impl<'a> Bundle<'a> {
    /// Over the bytes of a bundle.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Bundle<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.0 = rest;
        Some(entry)
    }
}

/// The bytes of the first `width` entries of a bundle; `None` when it holds fewer.
#[must_use]
pub fn bundle_prefix(bundle: &[u8], width: u16) -> Option<&[u8]> {
    let mut entries = Bundle::new(bundle);
    (0..width).try_for_each(|_| entries.next().map(|_entry| ()))?;
    bundle.get(..bundle.len() - entries.rest().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification_and_read_back() {
        for (row, index, width, path) in [
            (Row::Level(0), 1_234_067, 256, "tile/0/x001/x234/067"),
            (Row::Level(0), 0, 256, "tile/0/000"),
            (Row::Level(1), 0, 17, "tile/1/000.p/17"),
            (Row::Entries, 273, 112, "tile/entries/273.p/112"),
            (Row::Entries, 1_000, 256, "tile/entries/x001/000"),
            (Row::Level(63), 999, 1, "tile/63/999.p/1"),
        ] {
            let place = Place { row, index, width };
            assert_eq!(place.to_string(), path);
            assert_eq!(path.parse(), Ok(place));
        }
    }

    #[test]
    fn a_path_that_is_not_canonical_is_not_a_path() {
        for path in [
            "tile/00/000",
            "tile/64/000",
            "tile/0/0",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/000.p/256",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/data/000",
            "tile/0/../1",
            "tile/0/+01",
            "/tile/0/000",
        ] {
            assert_eq!(path.parse::<Place>(), Err(NotAPlace), "{path}");
        }
    }

    #[test]
    fn seventy_thousand_leaves_make_the_tiles_the_specification_counts() {
        let widths = |row| places(row, 70_000).map(|p| p.width).collect::<Vec<_>>();
        let level0 = widths(Row::Level(0));
        assert_eq!((level0.iter().filter(|w| **w == 256).count(), level0.last()), (273, Some(&112)));
        assert_eq!(widths(Row::Level(1)), [256, 17]);
        assert_eq!(widths(Row::Level(2)), [1]);
        assert_eq!(widths(Row::Entries), level0);
        assert_eq!(tiles(70_000).count(), 274 + 2 + 1);
        assert_eq!(tiles(0).count(), 0);
    }

    #[test]
    fn a_bundle_gives_back_its_entries_and_knows_where_it_breaks() {
        let mut bundle = Vec::new();
        for entry in [&b"one"[..], b"", b"three"] {
            bundle_entry(&mut bundle, entry).unwrap();
        }
        assert_eq!(Bundle::new(&bundle).collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert_eq!(bundle_prefix(&bundle, 2), Some(&bundle[..7]));
        assert_eq!(bundle_prefix(&bundle, 4), None);
        let mut cut = Bundle::new(&bundle[..bundle.len() - 1]);
        assert_eq!(cut.by_ref().count(), 2);
        assert!(!cut.rest().is_empty());
        assert!(bundle_entry(&mut bundle, &vec![0; 65_536]).is_none());
    }
}
