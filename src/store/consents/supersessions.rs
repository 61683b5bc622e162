//! Heavier texts (LGPD art. 8 §6) whose older grants are not all marked yet. From the commit of the publication on, a
//! grant of an older text permits no more than it will once it is marked: every reader of a row reads it through here.
//! The marking, a few rows at a time, only tidies up.

use consent::{Act, Applied, Change, Event, Purpose, Record, Records, apply};
use diesel::prelude::*;

use super::ledger;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::{supersessions, terms};
use crate::{Tx, View};
use domain::Instant;

/// A heavier text whose grants are not all marked yet.
pub(crate) struct Supersession {
    pub id: i64,
    pub purpose: Purpose,
    /// How heavy.
    pub to: Change,
    published_at: i64,
    /// The last patient whose grant was marked.
    pub after_key: i64,
}

/// Records that every grant of a text older than this instant's must be marked.
///
/// # Errors
/// Database errors.
pub(crate) fn begin(tx: &mut Tx<'_>, purpose: Purpose, to: Change) -> Result<()> {
    diesel::insert_into(supersessions::table)
        .values((
            supersessions::purpose.eq(purpose.as_str()),
            supersessions::change.eq(to.as_str()),
            supersessions::published_at.eq(tx.now().micros()),
            supersessions::after_key.eq(0_i64),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Those that are not finished, the oldest first.
///
/// # Errors
/// Database errors.
pub(crate) fn open(view: &mut View<'_>) -> Result<Vec<Supersession>> {
    let rows: Vec<(i64, String, String, i64, i64)> = supersessions::table
        .filter(supersessions::done_at.is_null())
        .order(supersessions::id)
        .select((
            supersessions::id,
            supersessions::purpose,
            supersessions::change,
            supersessions::published_at,
            supersessions::after_key,
        ))
        .load(view.conn)?;
    let read = |(id, purpose, change, published_at, after_key): (i64, String, String, i64, i64)| {
        Ok(Supersession {
            id,
            purpose: Purpose::parse(&purpose).ok_or(Error::corrupt("supersessions.purpose")).in_row(id)?,
            to: Change::parse(&change).ok_or(Error::corrupt("supersessions.change")).in_row(id)?,
            published_at,
            after_key,
        })
    };
    rows.into_iter().map(read).collect()
}

/// The rows as they stand now: a superseded one as its marking will leave it.
///
/// # Errors
/// Database errors.
pub(crate) fn heeded(view: &mut View<'_>, mut rows: Vec<(i64, Record)>) -> Result<Vec<(i64, Record)>> {
    for heavier in open(view)? {
        let texts = heavier.texts(view)?;
        for (_, record) in &mut rows {
            if heavier.is_over(record, &texts) {
                *record = heavier.marked(record);
            }
        }
    }
    Ok(rows)
}

/// The heaviest change that a row of a patient is still to be marked with.
///
/// # Errors
/// Database errors.
pub(crate) fn over(view: &mut View<'_>, patient_key: i64, purpose: Purpose) -> Result<Option<Change>> {
    let mut heaviest = None;
    for heavier in open(view)?.into_iter().filter(|heavier| heavier.purpose == purpose) {
        let texts = heavier.texts(view)?;
        let ledger = ledger::stored(view, patient_key)?;
        let record = ledger.record(purpose).filter(|record| heavier.is_over(record, &texts));
        if record.is_some_and(|record| heavier.marked(record) != *record) {
            heaviest = heaviest.max(Some(heavier.to));
        }
    }
    Ok(heaviest)
}

impl Supersession {
    /// The texts of its purpose that are not older: a grant of one of them is not superseded.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn texts(&self, view: &mut View<'_>) -> Result<Vec<Vec<u8>>> {
        Ok(terms::table
            .filter(terms::purpose.eq(self.purpose.as_str()).and(terms::published_at.ge(self.published_at)))
            .select(terms::text_sha256)
            .load(view.conn)?)
    }

    /// Whether a row names a text older than this one; `texts` are those that are not.
    fn is_over(&self, record: &Record, texts: &[Vec<u8>]) -> bool {
        let named = |hash: [u8; 32]| texts.iter().any(|text| text.as_slice() == hash);
        record.purpose == self.purpose && !record.term_sha256.is_some_and(named)
    }

    /// How far it is marked; `done` when nobody is left.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn reached(&self, tx: &mut Tx<'_>, last: Option<i64>, done: Option<Instant>) -> Result<()> {
        diesel::update(supersessions::table.find(self.id))
            .set((
                supersessions::after_key.eq(last.unwrap_or(self.after_key)),
                supersessions::done_at.eq(done.map(Instant::micros)),
            ))
            .execute(tx.conn)?;
        Ok(())
    }

    /// The row as the marking will leave it. The epoch stays: it counts events, and this one is still to come.
    fn marked(&self, record: &Record) -> Record {
        let event = Event::new(self.purpose, self.published_at, Act::Superseded(self.to));
        match apply(Some(record), &event) {
            Ok(Applied::Changed(next)) => Record { epoch: record.epoch, ..next },
            Ok(Applied::Unchanged) | Err(_) => record.clone(),
        }
    }
}
