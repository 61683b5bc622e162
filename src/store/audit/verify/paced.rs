//! Tells the pace of each bundle of entries before it is read, and reads no further once the walk is to stop.

use std::cell::{Cell, RefCell};

use crate::audit::Rows;
use crate::db::error::Result;
use crate::live::pace::Pace;
use audit::tile::{Place, Row, TileReader, Unreadable};

/// The rows of one tree, read at a pace.
pub(super) struct Paced<'r, 'v, 'c, 'p> {
    rows: &'r Rows<'v, 'c>,
    pace: RefCell<&'r mut Pace<'p>>,
    /// The entries of the bundle before, which were looked at by now.
    read: Cell<u64>,
    stopped: Cell<bool>,
}

impl<'r, 'v, 'c, 'p> Paced<'r, 'v, 'c, 'p> {
    pub(super) const fn new(rows: &'r Rows<'v, 'c>, pace: &'r mut Pace<'p>) -> Self {
        Self { rows, pace: RefCell::new(pace), read: Cell::new(0), stopped: Cell::new(false) }
    }

    /// The entries of the last bundle were looked at too.
    pub(super) fn end(&self) -> Result<()> {
        self.pace.borrow_mut().did(self.read.take())
    }

    /// Whether it could not be read because the walk was stopped.
    pub(super) const fn is_stopped(&self) -> bool {
        self.stopped.get()
    }
}

impl TileReader for Paced<'_, '_, '_, '_> {
    fn read(&self, place: Place) -> std::result::Result<Option<Vec<u8>>, Unreadable> {
        if place.row == Row::Entries {
            let before = self.read.replace(u64::from(place.width));
            if let Err(stopped) = self.pace.borrow_mut().did(before) {
                self.stopped.set(true);
                return Err(Unreadable { path: place.to_string(), source: stopped.into() });
            }
        }
        self.rows.read(place)
    }
}
