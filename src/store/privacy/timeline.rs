//! Who learned a patient's name behind a pseudonym, and who took a copy of their data, back in time.

use diesel::prelude::*;

use super::accesses::{COLUMNS, NotedAccess, Raw, from_row};
use crate::db::conn::literally;
use crate::db::error::Result;
use crate::db::schema::looks;
use crate::{Before, View};

/// Reveals and copies before a place, the newest first; those that were refused too.
///
/// # Errors
/// Database errors.
pub fn before(
    view: &mut View<'_>,
    patient_key: i64,
    before: &Before,
    limit: i64,
) -> Result<Vec<NotedAccess>> {
    let same = looks::id.lt(before.number());
    let rows: Vec<Raw> = looks::table
        .filter(looks::patient_key.eq(patient_key).and(literally("looks.what IN ('reveal', 'export')")))
        .filter(looks::at.le(before.at).and(looks::at.lt(before.at).or(same)))
        .order((looks::at.desc(), looks::id.desc()))
        .limit(limit)
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(from_row).collect()
}
