//! Checks the rows of entries against the leaves of the tree: each leaf has one row, of its kind, and each row has its
//! leaf.

use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use crate::View;
use crate::audit::rows::stored;
use crate::db::error::{Error, Result};
use crate::db::schema::audit_entries as entries;
use audit::Entry;
use audit::verify::Break;
use domain::Instant;

/// Rows read at once.
const PAGE: i64 = 1_024;

/// The rows of the leaves that a walk is at.
#[derive(Default)]
pub(in crate::audit) struct Placed {
    from: i64,
    page: Vec<(Option<i64>, i64, String, i64, bool)>,
}

impl Placed {
    /// The row of leaf `index`, which is `entry`, or what is wrong with it.
    pub(crate) fn row(
        &mut self,
        view: &mut View<'_>,
        index: u64,
        entry: &Entry,
    ) -> Result<std::result::Result<i64, Break>> {
        let leaf = stored(index)?;
        if leaf >= self.from + PAGE || self.page.is_empty() {
            self.from = leaf;
            self.page = entries::table
                .filter(entries::leaf.ge(leaf).and(entries::leaf.lt(leaf + PAGE)))
                .order(entries::leaf)
                .select((entries::leaf, entries::id, entries::kind, entries::at, entries::entry.is_null()))
                .load(view.conn)?;
        }
        let place = self.page.binary_search_by_key(&Some(leaf), |row| row.0).ok();
        let what = match place.and_then(|place| self.page.get(place)) {
            Some((_, _, said, ..)) if said != entry.kind.name() => "its row has another kind",
            Some((_, _, _, at, _)) if !same_time(entry, *at) => "its row has another time",
            Some((_, row, .., true)) => return Ok(Ok(*row)),
            Some(_) => "its row still has bytes of its own",
            None => "it has no row",
        };
        Ok(Err(Break { index: Some(index), what: what.to_owned() }))
    }
}

/// Entries are stamped to the millisecond, rows to the microsecond.
pub(in crate::audit) const fn same_time(entry: &Entry, at: i64) -> bool {
    entry.at.millis() == Instant::from_micros(at).millis()
}

/// How many rows have a place in the tree.
pub(in crate::audit) fn sealed(view: &mut View<'_>) -> Result<i64> {
    Ok(entries::table.filter(entries::leaf.is_not_null()).select(count_star()).get_result(view.conn)?)
}

/// Checks that no row claims a place beyond a log of `size` entries.
pub(in crate::audit) fn placed(view: &mut View<'_>, size: u64) -> Result<Option<Break>> {
    let last: Option<i64> = entries::table.select(max(entries::leaf)).get_result(view.conn)?;
    let beyond = last.and_then(|leaf| u64::try_from(leaf).ok()).filter(|leaf| *leaf >= size);
    Ok(beyond.map(|leaf| Break {
        index: Some(leaf),
        what: format!("a row claims this place; the log has {size} entries"),
    }))
}

/// An entry that has no place yet: its row, kind, time and bytes.
type Waiting = (i64, String, i64, Vec<u8>);

/// The entries after row `after` that have no place yet, a page of them.
pub(in crate::audit) fn waiting(view: &mut View<'_>, after: i64) -> Result<Vec<Waiting>> {
    let rows: Vec<(i64, String, i64, Option<Vec<u8>>)> = entries::table
        .filter(entries::leaf.is_null().and(entries::id.gt(after)))
        .order(entries::id)
        .limit(PAGE)
        .select((entries::id, entries::kind, entries::at, entries::entry))
        .load(view.conn)?;
    let whole = |(row, kind, at, bytes): (i64, String, i64, Option<Vec<u8>>)| {
        let bytes = bytes.ok_or_else(|| Error::corrupt("audit_entries.entry").in_row(row))?;
        Ok((row, kind, at, bytes))
    };
    rows.into_iter().map(whole).collect()
}
