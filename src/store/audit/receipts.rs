//! Receipts: what the commit writes for its messages, and what the sequencer packs per second.

use diesel::prelude::*;

use crate::db::error::{Error, Result};
use crate::db::schema::{receipts, receipts_open};
use crate::db::tx::{Tx, View};
use audit::pack::Pack;

/// Writes the receipts of one commit.
///
/// # Errors
/// Database errors.
pub fn append(tx: &mut Tx<'_>, second: i64, node: u8, pack: &Pack) -> Result<()> {
    if pack.0.is_empty() {
        return Ok(());
    }
    diesel::insert_into(receipts_open::table)
        .values((
            receipts_open::second.eq(second),
            receipts_open::node.eq(i16::from(node)),
            receipts_open::count.eq(i64::try_from(pack.0.len()).unwrap_or(i64::MAX)),
            receipts_open::pack.eq(pack.encode()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The last second that has a receipt; a fresh process must not write into it.
///
/// # Errors
/// Database errors.
pub fn last_second(view: &mut View<'_>) -> Result<Option<i64>> {
    let open: Option<i64> =
        receipts_open::table.select(diesel::dsl::max(receipts_open::second)).get_result(view.conn)?;
    let packed: Option<i64> =
        receipts::table.select(diesel::dsl::max(receipts::second)).get_result(view.conn)?;
    Ok(open.max(packed))
}

/// A second whose receipts are whole and not packed yet.
pub struct Second {
    /// Which.
    pub second: i64,
    /// Its receipts, in the order they were committed.
    pub pack: Pack,
    /// The rows they came from.
    rows: Vec<i64>,
}

/// A second this far ahead is of a clock that was set back, here or at another node: it is packed as it is, and what
/// comes to it later is a further part of it.
pub(crate) const AHEAD: i64 = 5;

/// Seconds before `before`, or far ahead of it, that wait to be packed, oldest first, at most `limit` rows of them.
///
/// # Errors
/// Database errors; unreadable receipts.
pub fn waiting(view: &mut View<'_>, before: i64, limit: i64) -> Result<Vec<Second>> {
    let mut query = receipts_open::table
        .filter(receipts_open::second.lt(before).or(receipts_open::second.gt(before + AHEAD)))
        .order((receipts_open::second, receipts_open::id))
        .limit(limit)
        .select((receipts_open::second, receipts_open::id, receipts_open::pack))
        .load::<(i64, i64, Vec<u8>)>(view.conn)?;
    if i64::try_from(query.len()).is_ok_and(|n| n == limit) {
        // The last second may be cut: leave it for the next round, unless it is all there is.
        let last = query.last().map(|(second, ..)| *second);
        if query.first().map(|(second, ..)| *second) != last {
            query.retain(|(second, ..)| Some(*second) != last);
        }
    }
    let mut seconds: Vec<Second> = Vec::new();
    for (second, id, bytes) in query {
        let pack = Pack::decode(&bytes).map_err(|_cut| Error::corrupt("receipts_open.pack").in_row(id))?;
        match seconds.last_mut().filter(|open| open.second == second) {
            Some(open) => {
                open.pack.0.extend(pack.0);
                open.rows.push(id);
            }
            None => seconds.push(Second { second, pack, rows: vec![id] }),
        }
    }
    Ok(seconds)
}

/// Packs a second behind the audit entry `entry`.
///
/// # Errors
/// Database errors.
pub(crate) fn pack(tx: &mut Tx<'_>, second: &Second, entry: i64) -> Result<()> {
    let parts: i64 =
        receipts::table.filter(receipts::second.eq(second.second)).count().get_result(tx.conn)?;
    diesel::insert_into(receipts::table)
        .values((
            receipts::second.eq(second.second),
            receipts::part.eq(i16::try_from(parts).map_err(|_range| Error::corrupt("receipts.part"))?),
            receipts::count.eq(i64::try_from(second.pack.0.len()).unwrap_or(i64::MAX)),
            receipts::entry.eq(entry),
            receipts::pack.eq(second.pack.encode()),
        ))
        .execute(tx.conn)?;
    for rows in second.rows.chunks(500) {
        diesel::delete(receipts_open::table.filter(receipts_open::id.eq_any(rows.to_vec())))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// How many commits have receipts that wait to be packed.
///
/// # Errors
/// Database errors.
pub fn open(view: &mut View<'_>) -> Result<i64> {
    Ok(receipts_open::table.count().get_result(view.conn)?)
}
