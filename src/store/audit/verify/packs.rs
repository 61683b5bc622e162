//! Checks the receipts of each second against the entry that commits to them.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::View;
use crate::db::error::Result;
use crate::db::schema::receipts;
use audit::Entry;
use audit::pack::Pack;
use audit::verify::Break;

/// Counts the packs that entries commit to.
#[derive(Default)]
pub(in crate::audit) struct Packs {
    seen: i64,
}

impl Packs {
    /// Checks one `telemetry.batch` entry, stored as row `row`, against its pack.
    pub(crate) fn see(
        &mut self,
        view: &mut View<'_>,
        index: Option<u64>,
        row: i64,
        entry: &Entry,
    ) -> Result<Option<Break>> {
        self.seen += 1;
        let broken = |what: String| Ok(Some(Break { index, what }));
        let Some(batch) = entry.batch else {
            return broken("the entry is not a batch of telemetry".to_owned());
        };
        let second = batch.second;
        let packs: Vec<(i64, i64, Vec<u8>)> = receipts::table
            .filter(receipts::second.eq(second).and(receipts::entry.eq(row)))
            .select((receipts::entry, receipts::count, receipts::pack))
            .load(view.conn)?;
        let Some((_, count, pack)) = packs.into_iter().find(|(entry, ..)| *entry == row) else {
            return broken(format!("the receipts of second {second} are missing"));
        };
        match Pack::decode(&pack) {
            Ok(pack) if pack.batch(second) == batch && u64::try_from(count) == Ok(batch.n) => Ok(None),
            Ok(_other) => broken(format!("the receipts of second {second} are not those of its entry")),
            Err(cut) => broken(format!("second {second}: {cut}")),
        }
    }

    /// Checks that no pack is without an entry.
    pub(crate) fn end(&self, view: &mut View<'_>) -> Result<Option<Break>> {
        let stored: i64 = receipts::table.select(count_star()).get_result(view.conn)?;
        let what = format!("{stored} packs of receipts are stored; the log speaks of {}", self.seen);
        Ok((stored != self.seen).then_some(Break { index: None, what }))
    }
}
