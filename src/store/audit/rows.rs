//! Tiles and bundles as rows.

use std::cell::RefCell;

use diesel::prelude::*;

use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::{audit_bundles as bundles, audit_tiles as tiles};
use crate::{Tx, View};
use audit::tile::{Bundle, FULL, Piece, Place, Row, TileReader, Unreadable};

/// Reads the pieces of one year's stored tree.
pub struct Rows<'v, 'c> {
    view: RefCell<&'v mut View<'c>>,
    year: i64,
    last: RefCell<Option<(i64, i64, Vec<u8>)>>,
}

impl<'v, 'c> Rows<'v, 'c> {
    /// Over the rows of `year` that `view` sees.
    pub const fn new(view: &'v mut View<'c>, year: i64) -> Self {
        Self { view: RefCell::new(view), year, last: RefCell::new(None) }
    }

    /// Runs `f` on the view between two reads.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut View<'c>) -> T) -> T {
        f(&mut self.view.borrow_mut())
    }

    /// The entry at `place` of a year; `None` when its bundle does not hold it. Keeps the last bundle at hand.
    pub(super) fn entry(&self, year: i64, place: u64) -> Result<Option<Vec<u8>>> {
        let index = stored(place / u64::from(FULL))?;
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(of, held, _)| (*of, *held) != (year, index)) {
            *last = self.bundle(year, index)?.map(|bytes| (year, index, bytes));
        }
        let within = usize::try_from(place % u64::from(FULL)).unwrap_or(usize::MAX);
        Ok(last.as_ref().and_then(|(.., bytes)| Bundle::new(bytes).nth(within)).map(<[u8]>::to_vec))
    }

    fn bundle(&self, year: i64, index: i64) -> QueryResult<Option<Vec<u8>>> {
        let row = bundles::table.find((year, index)).select(bundles::bytes);
        row.first(self.view.borrow_mut().conn).optional()
    }

    fn tile(&self, level: u8, index: i64) -> QueryResult<Option<Vec<u8>>> {
        tiles::table
            .find((self.year, i16::from(level), index))
            .select(tiles::bytes)
            .get_result(self.view.borrow_mut().conn)
            .optional()
    }
}

impl TileReader for Rows<'_, '_> {
    fn read(&self, place: Place) -> std::result::Result<Option<Vec<u8>>, Unreadable> {
        let Ok(index) = i64::try_from(place.index) else { return Ok(None) };
        let found = match place.row {
            Row::Entries => self.bundle(self.year, index),
            Row::Level(level) => self.tile(level, index),
        };
        found.map_err(|source| Unreadable { path: place.to_string(), source: source.into() })
    }
}

/// A leaf or a piece's number as the database holds it.
pub(super) fn stored(index: u64) -> Result<i64> {
    i64::try_from(index).map_err(|_range| Error::corrupt("a place in the audit log"))
}

/// Writes a piece of a year's tree over the narrower one before it.
pub(super) fn put(tx: &mut Tx<'_>, year: i64, piece: &Piece) -> Result<()> {
    let index = stored(piece.place.index)?;
    let (width, bytes) = (i64::from(piece.place.width), piece.bytes.as_slice());
    match piece.place.row {
        Row::Entries => {
            let set = (bundles::width.eq(width), bundles::bytes.eq(bytes));
            on!(&mut *tx.conn, |conn| diesel::insert_into(bundles::table)
                .values((bundles::year.eq(year), bundles::idx.eq(index), set))
                .on_conflict((bundles::year, bundles::idx))
                .do_update()
                .set(set)
                .execute(conn))?;
        }
        Row::Level(level) => {
            let set = (tiles::width.eq(width), tiles::bytes.eq(bytes));
            on!(&mut *tx.conn, |conn| diesel::insert_into(tiles::table)
                .values((tiles::year.eq(year), tiles::level.eq(i16::from(level)), tiles::idx.eq(index), set))
                .on_conflict((tiles::year, tiles::level, tiles::idx))
                .do_update()
                .set(set)
                .execute(conn))?;
        }
    }
    Ok(())
}
