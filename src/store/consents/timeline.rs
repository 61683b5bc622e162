//! A patient's answers, back in time.

use diesel::prelude::*;

use super::{COLUMNS, Entry, Row, events, read};
use crate::db::error::Result;
use crate::{Before, View};

/// A patient's answers before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn before(view: &mut View<'_>, patient_key: i64, before: &Before, limit: i64) -> Result<Vec<Entry>> {
    let same = events::id.lt(&before.id);
    let rows: Vec<Row> = events::table
        .filter(events::patient_key.eq(patient_key))
        .filter(events::at.le(before.at).and(events::at.lt(before.at).or(same)))
        .order((events::at.desc(), events::id.desc()))
        .limit(limit)
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(read).collect()
}
