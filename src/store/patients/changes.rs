//! What became of a patient's record: registered, corrected, blocked. When and by whom, never what it said.

use diesel::prelude::*;

use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::patient_changes;
use crate::{Ask, Before, Cursor, Page, Tx, View};
use domain::Instant;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Registered,
    /// Something in it was put right (LGPD art. 18 III).
    Corrected,
    /// Its use was stopped (LGPD art. 18 IV).
    Blocked,
    /// It may be used again.
    Unblocked,
}

impl Change {
    /// Every change.
    pub(crate) const ALL: [Self; 4] = [Self::Registered, Self::Corrected, Self::Blocked, Self::Unblocked];

    /// The stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Corrected => "corrected",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
        }
    }

    fn from_name(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|change| change.name() == name);
        known.ok_or(Error::corrupt("patient_changes.what"))
    }
}

/// A change as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Instant,
    /// What.
    pub what: Change,
    /// By whom ([`crate::Actor::name`]); `None`: it is older than these records.
    pub actor: Option<String>,
}

type Row = (i64, i64, String, Option<String>);

fn read((id, at, what, actor): Row) -> Result<Changed> {
    Ok(Changed { id, at: Instant::from_micros(at), what: Change::from_name(&what).in_row(id)?, actor })
}

const COLUMNS: (patient_changes::id, patient_changes::at, patient_changes::what, patient_changes::actor) =
    (patient_changes::id, patient_changes::at, patient_changes::what, patient_changes::actor);

pub(super) fn record(tx: &mut Tx<'_>, patient_key: i64, what: Change) -> Result<()> {
    diesel::insert_into(patient_changes::table)
        .values((
            patient_changes::patient_key.eq(patient_key),
            patient_changes::at.eq(tx.now().micros()),
            patient_changes::what.eq(what.name()),
            patient_changes::actor.eq(Some(tx.actor().name())),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The changes of one patient's record, oldest first.
///
/// # Errors
/// Database errors.
pub fn page(view: &mut View<'_>, patient_key: i64, ask: &Ask) -> Result<Page<Changed>> {
    let Cursor { at, id } = &ask.after;
    let last = id.parse::<i64>().unwrap_or(i64::MIN);
    let rows: Vec<Row> = patient_changes::table
        .filter(patient_changes::patient_key.eq(patient_key))
        .filter(patient_changes::at.ge(at).and(patient_changes::at.gt(at).or(patient_changes::id.gt(last))))
        .order((patient_changes::at, patient_changes::id))
        .limit(ask.reach())
        .select(COLUMNS)
        .load(view.conn)?;
    Page::of(rows, ask, |row| Cursor { at: row.1, id: row.0.to_string() }).try_map(read)
}

/// The changes of one patient's record before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn before(view: &mut View<'_>, patient_key: i64, before: &Before, limit: i64) -> Result<Vec<Changed>> {
    let same = patient_changes::id.lt(before.number());
    let rows: Vec<Row> = patient_changes::table
        .filter(patient_changes::patient_key.eq(patient_key))
        .filter(patient_changes::at.le(before.at).and(patient_changes::at.lt(before.at).or(same)))
        .order((patient_changes::at.desc(), patient_changes::id.desc()))
        .limit(limit)
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(read).collect()
}
