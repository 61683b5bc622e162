//! Reading facts: all that came after a number, for a worker that remembers how far it read; or those of a time, for
//! people and programs.

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::page::{Ask, Cursor, Page};
use crate::db::schema::facts;
use crate::db::tx::View;
use domain::kpis::{Amount, Dimensions, Kind, Unit};
use domain::{Instant, UserId};

/// A fact as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Grows in the order of commits.
    pub id: i64,
    /// What happened.
    pub kind: Kind,
    /// To what, by its id; `None` once the person is erased or the fact is old.
    pub subject: Option<String>,
    /// Which time of those that it happened to the subject.
    pub occurrence: i64,
    /// When it happened.
    pub at: Instant,
    /// The day of that instant in the organisation's zone.
    pub date: NaiveDate,
    /// That zone (IANA), as it was when the fact was written.
    pub zone: String,
    /// Whose it is, by the patient's number; cleared with the subject.
    pub patient_key: Option<i64>,
    /// Who of staff did it; `None` too once they are erased or the fact is old.
    pub user: Option<UserId>,
    /// By what figures are grouped.
    pub dimensions: Dimensions,
    /// The number in it.
    pub amount: Option<Amount>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = facts)]
struct Row {
    id: i64,
    kind: String,
    subject: Option<String>,
    occurrence: i64,
    at: i64,
    local_date: String,
    zone: String,
    patient_key: Option<i64>,
    user_id: Option<String>,
    dimensions: String,
    value: Option<i64>,
    counted: Option<i64>,
    unit: Option<String>,
}

impl Row {
    fn open(self) -> Result<Recorded> {
        let id = self.id;
        self.parse().in_row(id)
    }

    fn parse(self) -> Result<Recorded> {
        let unit = |name: String| Unit::from_name(&name).ok_or(Error::corrupt("facts.unit"));
        let unit = self.unit.map(unit).transpose()?;
        let user = self.user_id.map(|id| id.parse()).transpose();
        let counted = self.counted;
        Ok(Recorded {
            id: self.id,
            kind: Kind::from_name(&self.kind).ok_or(Error::corrupt("facts.kind"))?,
            subject: self.subject,
            occurrence: self.occurrence,
            at: Instant::from_micros(self.at),
            date: self.local_date.parse().map_err(|_not_a_date| Error::corrupt("facts.local_date"))?,
            zone: self.zone,
            patient_key: self.patient_key,
            user: user.map_err(|_not_an_id| Error::corrupt("facts.user_id"))?,
            dimensions: serde_json::from_str(&self.dimensions)
                .map_err(|_shape| Error::corrupt("facts.dimensions"))?,
            amount: self.value.zip(unit).map(|(value, unit)| Amount { value, counted, unit }),
        })
    }
}

/// The facts behind a number, at most `limit`, in the order of commits: what a worker reads that has come to `after`.
/// None that commits later has a lower number.
///
/// # Errors
/// Database errors; a row that cannot be read.
pub fn since(view: &mut View<'_>, after: i64, limit: i64) -> Result<Vec<Recorded>> {
    let rows: Vec<Row> = facts::table
        .filter(facts::id.gt(after))
        .order(facts::id)
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::open).collect()
}

/// Which facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From when, inclusive.
    pub from: Instant,
    /// Until when, exclusive.
    pub to: Instant,
    /// Of which kind; `None`: of all.
    pub kind: Option<Kind>,
}

/// Facts of a time, in the order in which they happened. One that is recorded late may come before what was read already.
///
/// # Errors
/// Database errors; a row that cannot be read.
pub fn page(view: &mut View<'_>, which: Window, ask: &Ask) -> Result<Page<Recorded>> {
    let at = ask.after.at.max(which.from.micros());
    // At the beginning, and for a cursor from before the window, every number comes after it.
    let id = if at == ask.after.at { ask.after.id.parse().unwrap_or(i64::MIN) } else { i64::MIN };
    let query = facts::table
        .filter(facts::at.ge(at).and(facts::at.lt(which.to.micros())))
        .filter(facts::at.gt(at).or(facts::id.gt(id)))
        .order((facts::at, facts::id))
        .limit(ask.reach())
        .select(Row::as_select());
    let rows: Vec<Row> = match which.kind {
        Some(kind) => query.filter(facts::kind.eq(kind.name())).load(view.conn)?,
        None => query.load(view.conn)?,
    };
    Page::of(rows, ask, |row| Cursor { at: row.at, id: row.id.to_string() }).try_map(Row::open)
}
