//! Tiles and bundles as rows.

use std::cell::RefCell;

use diesel::prelude::*;

use crate::audit::tile::{Bundle, FULL, Piece, Place, Row, TileReader, Unreadable};
use crate::store::conn::on;
use crate::store::error::{Error, Result};
use crate::store::schema::{audit_bundles as bundles, audit_tiles as tiles};
use crate::store::{Tx, View};

/// Reads the pieces of the stored log.
pub struct Rows<'v, 'c> {
    view: RefCell<&'v mut View<'c>>,
    last: RefCell<Option<(i64, Vec<u8>)>>,
}

impl<'v, 'c> Rows<'v, 'c> {
    /// Over the rows that `view` sees.
    pub const fn new(view: &'v mut View<'c>) -> Self {
        Self { view: RefCell::new(view), last: RefCell::new(None) }
    }

    /// Runs `f` on the view between two reads.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut View<'c>) -> T) -> T {
        f(&mut self.view.borrow_mut())
    }

    /// The entry at `leaf`; `None` when its bundle does not hold it. Keeps the last bundle at hand.
    pub(super) fn entry(&self, leaf: u64) -> Result<Option<Vec<u8>>> {
        let index = stored(leaf / u64::from(FULL))?;
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(held, _)| *held != index) {
            *last = self.bundle(index)?.map(|bytes| (index, bytes));
        }
        let within = usize::try_from(leaf % u64::from(FULL)).unwrap_or(usize::MAX);
        Ok(last.as_ref().and_then(|(_, bytes)| Bundle::new(bytes).nth(within)).map(<[u8]>::to_vec))
    }

    pub(super) fn bundle(&self, index: i64) -> QueryResult<Option<Vec<u8>>> {
        bundles::table.find(index).select(bundles::bytes).first(self.view.borrow_mut().conn).optional()
    }

    fn tile(&self, level: u8, index: i64) -> QueryResult<Option<Vec<u8>>> {
        tiles::table
            .find((i16::from(level), index))
            .select(tiles::bytes)
            .first(self.view.borrow_mut().conn)
            .optional()
    }
}

impl TileReader for Rows<'_, '_> {
    fn read(&self, place: Place) -> std::result::Result<Option<Vec<u8>>, Unreadable> {
        let Ok(index) = i64::try_from(place.index) else { return Ok(None) };
        let found = match place.row {
            Row::Entries => self.bundle(index),
            Row::Level(level) => self.tile(level, index),
        };
        found.map_err(|source| Unreadable { path: place.to_string(), source: source.into() })
    }
}

/// A leaf or a piece's number as the database holds it.
pub(super) fn stored(index: u64) -> Result<i64> {
    i64::try_from(index).map_err(|_range| Error::Corrupt("a place in the audit log"))
}

/// Writes a piece over the narrower one before it.
pub(super) fn put(tx: &mut Tx<'_>, piece: &Piece) -> Result<()> {
    let index = stored(piece.place.index)?;
    let (width, bytes) = (i64::from(piece.place.width), piece.bytes.as_slice());
    match piece.place.row {
        Row::Entries => {
            let set = (bundles::width.eq(width), bundles::bytes.eq(bytes));
            on!(&mut *tx.conn, |conn| diesel::insert_into(bundles::table)
                .values((bundles::idx.eq(index), set))
                .on_conflict(bundles::idx)
                .do_update()
                .set(set)
                .execute(conn))?;
        }
        Row::Level(level) => {
            let set = (tiles::width.eq(width), tiles::bytes.eq(bytes));
            on!(&mut *tx.conn, |conn| diesel::insert_into(tiles::table)
                .values((tiles::level.eq(i16::from(level)), tiles::idx.eq(index), set))
                .on_conflict((tiles::level, tiles::idx))
                .do_update()
                .set(set)
                .execute(conn))?;
        }
    }
    Ok(())
}
