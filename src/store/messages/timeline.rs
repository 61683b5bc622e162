//! Messages to people about a patient, back in time.

use diesel::prelude::*;

use super::{Row, Stored};
use crate::db::conn::literally;
use crate::db::error::Result;
use crate::db::schema::messages;
use crate::{Before, View};
use domain::PatientId;

/// Messages to people about a patient that were planned before a place, the newest first. Calls to programs are not
/// among them.
///
/// # Errors
/// Database errors.
pub fn before(view: &mut View<'_>, patient: PatientId, before: &Before, limit: i64) -> Result<Vec<Stored>> {
    let same = messages::id.lt(before.number());
    let rows: Vec<Row> = messages::table
        .filter(messages::patient_id.eq(patient.to_string()))
        .filter(literally("messages.patient_id IS NOT NULL AND messages.channel <> 'webhook'"))
        .filter(messages::created_at.le(before.at).and(messages::created_at.lt(before.at).or(same)))
        .order((messages::created_at.desc(), messages::id.desc()))
        .limit(limit)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::open).collect()
}
