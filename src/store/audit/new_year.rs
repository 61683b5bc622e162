//! New Year, in UTC: the tree of the year that is over gets its last entry and its final checkpoint, the tree of the
//! new one its first, which names that checkpoint. One transaction, so there is never a log without a tree to write.

use diesel::prelude::*;

use super::sequence::{OpenLog, write};
use super::years::{self, Year};
use super::{broken, key, rows};
use crate::db::error::{Error, Result};
use crate::db::schema::audit_entries as entries;
use crate::{Act, Tx};
use audit::note::in_year;
use audit::tile::Appender;
use audit::years::{Opened, Previous, Sealed};

/// Appends the last entries of the year that `held` writes, closes its tree and opens that of the present year.
pub(super) fn turn(
    tx: &mut Tx<'_>,
    held: &OpenLog,
    mut last: Vec<Vec<u8>>,
    before: Option<(u64, i64)>,
) -> Result<OpenLog> {
    let year = years::year_of(tx.now());
    let plain = i32::try_from(year).map_err(|_range| Error::corrupt("the year"))?;
    let name = in_year(held.signer.vkey().name(), plain).map_err(broken)?;
    let signer = held.signer.named(&name).map_err(broken)?;

    let next = Sealed { next: signer.vkey().to_string() };
    let body = serde_json::to_value(next).map_err(|_shape| Error::corrupt("the end of a log"))?;
    let size = held.log.size() + u64::try_from(last.len()).unwrap_or(u64::MAX);
    last.push(placed(tx, &Act::new("log.sealed").public(body), held.year.first + size)?);
    let closed = held.log.append(&last, &held.signer).map_err(broken)?;
    write(tx, held.year.year, &closed, before)?;

    let first = held.year.first + closed.head.size;
    let opened = Year { year, vkey: signer.vkey().clone(), first };
    years::insert(tx, &opened)?;
    let previous = Previous { checkpoint: closed.checkpoint, vkey: held.year.vkey.to_string() };
    let body = Opened { previous: Some(previous), vkey: opened.vkey.to_string() };
    let entry = placed(tx, &key::opened_act(&body)?, first)?;
    let begun = Appender::new(&name).append(&[entry], &signer).map_err(broken)?;
    write(tx, year, &begun, None)?;
    key::renamed(tx, &opened.vkey)?;
    Ok(OpenLog { year: opened, signer, note: Some(begun.checkpoint), log: begun.next })
}

/// Writes the row of an entry that takes its place at once; returns its bytes.
fn placed(tx: &mut Tx<'_>, act: &Act<'_>, leaf: u64) -> Result<Vec<u8>> {
    let bytes = act.encode(tx)?;
    diesel::insert_into(entries::table)
        .values((
            entries::at.eq(tx.now().micros()),
            entries::kind.eq(act.kind()),
            entries::leaf.eq(Some(rows::stored(leaf)?)),
        ))
        .execute(tx.conn)?;
    Ok(bytes)
}
