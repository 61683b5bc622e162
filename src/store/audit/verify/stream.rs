//! Reads every receipt of some seconds once: packed seconds in their order, then those still open.

use std::collections::VecDeque;
use std::ops::Range;

use diesel::prelude::*;

use crate::View;
use crate::db::error::{Error, Result};
use crate::db::schema::{audit_entries as entries, receipts, receipts_open as open};
use audit::pack::Pack;

/// Packs read at once.
const PAGE: i64 = 32;

/// The receipts of one second, or of a part of it.
pub(in crate::audit) struct Second {
    pub second: i64,
    pub pack: Pack,
    /// The row of its entry; none while it is open.
    entry: Option<i64>,
}

impl Second {
    /// The leaf that commits to it.
    pub(crate) fn leaf(&self, view: &mut View<'_>) -> Result<Option<u64>> {
        let Some(entry) = self.entry else { return Ok(None) };
        let leaf: Option<Option<i64>> =
            entries::table.find(entry).select(entries::leaf).get_result(view.conn).optional()?;
        Ok(leaf.flatten().and_then(|leaf| u64::try_from(leaf).ok()))
    }
}

/// Reads on, page by page.
pub(in crate::audit) struct Receipts {
    page: VecDeque<Second>,
    packed: Option<(i64, i16)>,
    open: Option<i64>,
    seconds: Range<i64>,
}

impl Receipts {
    /// Those of some seconds.
    pub(crate) fn within(seconds: Range<i64>) -> Self {
        let before = (seconds.start.saturating_sub(1), i16::MAX);
        Self { page: VecDeque::new(), packed: Some(before), open: Some(i64::MIN), seconds }
    }

    /// Whether there is no receipt at all.
    pub(crate) fn none(view: &mut View<'_>) -> Result<bool> {
        let packed: Option<i64> =
            receipts::table.select(receipts::second).limit(1).get_result(view.conn).optional()?;
        let waiting: Option<i64> = open::table.select(open::id).limit(1).get_result(view.conn).optional()?;
        Ok(packed.is_none() && waiting.is_none())
    }

    pub(crate) fn next(&mut self, view: &mut View<'_>) -> Result<Option<Second>> {
        while self.page.is_empty() && (self.packed.is_some() || self.open.is_some()) {
            match self.packed {
                Some((second, part)) => self.packed(view, second, part)?,
                None => self.open(view)?,
            }
        }
        Ok(self.page.pop_front())
    }

    fn packed(&mut self, view: &mut View<'_>, second: i64, part: i16) -> Result<()> {
        let later = receipts::second.eq(second).and(receipts::part.gt(part));
        let rows: Vec<(i64, i16, i64, Vec<u8>)> = receipts::table
            .filter(receipts::second.ge(second).and(receipts::second.lt(self.seconds.end)))
            .filter(receipts::second.gt(second).or(later))
            .order((receipts::second, receipts::part))
            .limit(PAGE)
            .select((receipts::second, receipts::part, receipts::entry, receipts::pack))
            .load(view.conn)?;
        self.packed = rows.last().map(|(second, part, ..)| (*second, *part));
        for (second, part, entry, bytes) in rows {
            let pack = Pack::decode(&bytes)
                .map_err(|_cut| Error::corrupt("receipts.pack").in_row(format_args!("{second}:{part}")))?;
            self.page.push_back(Second { second, pack, entry: Some(entry) });
        }
        Ok(())
    }

    fn open(&mut self, view: &mut View<'_>) -> Result<()> {
        let rows: Vec<(i64, i64, Vec<u8>)> = open::table
            .filter(open::id.gt(self.open.unwrap_or(i64::MAX)))
            .filter(open::second.ge(self.seconds.start).and(open::second.lt(self.seconds.end)))
            .order(open::id)
            .limit(PAGE)
            .select((open::id, open::second, open::pack))
            .load(view.conn)?;
        self.open = rows.last().map(|(id, ..)| *id);
        for (id, second, bytes) in rows {
            let pack =
                Pack::decode(&bytes).map_err(|_cut| Error::corrupt("receipts_open.pack").in_row(id))?;
            self.page.push_back(Second { second, pack, entry: None });
        }
        Ok(())
    }
}
