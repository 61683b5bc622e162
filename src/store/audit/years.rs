//! The trees of the log, one a year: which they are, and which holds a given entry. `leaf` counts through all years;
//! a place in a tree begins at 0 each year.

use chrono::{Datelike, TimeZone, Utc};
use diesel::prelude::*;

use super::rows::stored;
use super::{Head, Rows, broken};
use crate::db::error::{Error, Result};
use crate::db::schema::{audit_checkpoints as checkpoints, audit_years as years};
use crate::{Tx, View};
use audit::note::{Checkpoint, Signer, Vkey};
use domain::Instant;

/// One year's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Year {
    pub year: i64,
    /// The key it is verified with; its name is the log's origin.
    pub vkey: Vkey,
    /// The number, through all years, of its first entry.
    pub first: u64,
}

impl Year {
    /// Its newest checkpoint, unopened, and when it was signed.
    pub(super) fn note(&self, view: &mut View<'_>) -> Result<Option<(String, i64)>> {
        let rows = checkpoints::table.filter(checkpoints::year.eq(self.year)).order(checkpoints::size.desc());
        Ok(rows.select((checkpoints::note, checkpoints::at)).first(view.conn).optional()?)
    }

    /// Its newest signed state.
    pub(super) fn head(&self, view: &mut View<'_>) -> Result<Option<Head>> {
        let Some((note, at)) = self.note(view)? else { return Ok(None) };
        let checkpoint = Checkpoint::open(&note, &self.vkey).map_err(broken)?;
        let (year, first) = (self.year, self.first);
        Ok(Some(Head { checkpoint, note, at: Instant::from_micros(at), year, first }))
    }

    /// Whether the key at hand is this log's, under whatever year's name.
    pub(super) fn trusts(&self, key: &Vkey) -> Result<()> {
        if self.vkey.same_key(key) {
            return Ok(());
        }
        Err(Error::Log(format!("the log {} is verified with another key than {key}", self.vkey.name())))
    }

    /// The signing key under this year's name.
    pub(super) fn signer(&self, signer: &Signer) -> Result<Signer> {
        self.trusts(signer.vkey())?;
        signer.named(self.vkey.name()).map_err(broken)
    }

    /// Whether its time is over: no entry of `at` belongs into it.
    pub(super) fn is_over(&self, at: Instant) -> bool {
        year_of(at) > self.year
    }
}

/// Every year, the oldest first.
pub(super) fn all(view: &mut View<'_>) -> Result<Vec<Year>> {
    let columns = (years::year, years::vkey, years::first_leaf);
    let rows: Vec<Row> = years::table.order(years::year).select(columns).load(view.conn)?;
    rows.into_iter().map(read).collect()
}

/// The year that is written; none before the log was opened.
pub(super) fn newest(view: &mut View<'_>) -> Result<Option<Year>> {
    let columns = (years::year, years::vkey, years::first_leaf);
    let row: Option<Row> =
        years::table.order(years::year.desc()).select(columns).first(view.conn).optional()?;
    row.map(read).transpose()
}

/// The year that holds entry `leaf`, or would.
pub(super) fn of(view: &mut View<'_>, leaf: u64) -> Result<Option<Year>> {
    let Ok(leaf) = i64::try_from(leaf) else { return Ok(None) };
    let row: Option<Row> = years::table
        .filter(years::first_leaf.le(leaf))
        .order(years::first_leaf.desc())
        .select((years::year, years::vkey, years::first_leaf))
        .first(view.conn)
        .optional()?;
    row.map(read).transpose()
}

type Row = (i64, String, i64);

fn read((year, vkey, first): Row) -> Result<Year> {
    let vkey = vkey.parse().map_err(|_not_a_key| Error::corrupt("audit_years.vkey").in_row(year))?;
    let first =
        u64::try_from(first).map_err(|_range| Error::corrupt("audit_years.first_leaf").in_row(year))?;
    Ok(Year { year, vkey, first })
}

/// Opens a year.
pub(super) fn insert(tx: &mut Tx<'_>, year: &Year) -> Result<()> {
    diesel::insert_into(years::table)
        .values((
            years::year.eq(year.year),
            years::vkey.eq(year.vkey.to_string()),
            years::first_leaf.eq(stored(year.first)?),
            years::opened_at.eq(tx.now().micros()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The year of an instant, in UTC.
pub(super) fn year_of(at: Instant) -> i64 {
    at.utc().map_or(1970, |at| i64::from(at.year()))
}

/// The first instant after `year`, in UTC.
pub(super) fn end_of(year: i64) -> Instant {
    let next = i32::try_from(year).ok().and_then(|year| year.checked_add(1));
    let next = next.and_then(|next| Utc.with_ymd_and_hms(next, 1, 1, 0, 0, 0).single());
    next.map_or(Instant::MAX, |next| Instant::from_secs(next.timestamp()))
}

/// Entries by their number through all years.
pub(super) struct Entries<'v, 'c> {
    rows: Rows<'v, 'c>,
    years: Vec<Year>,
}

impl<'v, 'c> Entries<'v, 'c> {
    pub(super) fn new(view: &'v mut View<'c>) -> Result<Self> {
        let years = all(view)?;
        Ok(Self { rows: Rows::new(view, 0), years })
    }

    /// The canonical bytes of entry `leaf`; none beyond the end.
    pub(super) fn entry(&self, leaf: u64) -> Result<Option<Vec<u8>>> {
        let held = self.years.iter().rev().find(|year| year.first <= leaf);
        held.map_or(Ok(None), |year| self.rows.entry(year.year, leaf - year.first))
    }
}
