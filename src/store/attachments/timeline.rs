//! A patient's files of one kind of subject, back in time: when each was attached, and when it was removed.

use diesel::prelude::*;

use super::Attachment;
use super::rows::{COLUMNS, Row};
use crate::db::error::Result;
use crate::db::schema::attachments;
use crate::{Before, View};

/// Files that were attached before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn attached_before(
    view: &mut View<'_>,
    patient_key: i64,
    kind: &str,
    before: &Before,
    limit: i64,
) -> Result<Vec<Attachment>> {
    let same = attachments::id.lt(&before.id);
    let rows: Vec<Row> = attachments::table
        .filter(attachments::patient_key.eq(patient_key).and(attachments::subject_kind.eq(kind)))
        .filter(attachments::at.le(before.at).and(attachments::at.lt(before.at).or(same)))
        .order((attachments::at.desc(), attachments::id.desc()))
        .limit(limit)
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(|row| row.read(view)).collect()
}

/// Files that were removed before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn removed_before(
    view: &mut View<'_>,
    patient_key: i64,
    kind: &str,
    before: &Before,
    limit: i64,
) -> Result<Vec<Attachment>> {
    let same = attachments::id.lt(&before.id);
    let rows: Vec<Row> = attachments::table
        .filter(attachments::patient_key.eq(patient_key).and(attachments::subject_kind.eq(kind)))
        .filter(attachments::removed_at.is_not_null())
        .filter(attachments::removed_at.le(before.at).and(attachments::removed_at.lt(before.at).or(same)))
        .order((attachments::removed_at.desc(), attachments::id.desc()))
        .limit(limit)
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(|row| row.read(view)).collect()
}
