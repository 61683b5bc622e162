//! What the escalations of a patient's cases did, back in time.

use diesel::prelude::*;

use super::{ALERT, Stepped, stepped};
use crate::db::conn::literally;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::{escalation_steps as steps, escalations};
use crate::{Before, View};
use domain::{AlertId, PatientId};

/// A step of the escalation of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientStep {
    /// Its number.
    pub id: i64,
    /// The alert; `None`: the escalation is of another kind of case.
    pub alert: Option<AlertId>,
    /// What was done.
    pub did: Stepped,
}

/// What the escalations of a patient's cases did before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn before(
    view: &mut View<'_>,
    patient: PatientId,
    before: &Before,
    limit: i64,
) -> Result<Vec<PatientStep>> {
    type Raw = ((i64, String, String, String), (i64, i64, String, Option<i64>, i64, String));
    let same = steps::id.lt(before.number());
    let rows: Vec<Raw> = steps::table
        .inner_join(escalations::table)
        .filter(steps::patient_id.eq(patient.to_string()))
        .filter(literally("escalation_steps.patient_id IS NOT NULL"))
        .filter(steps::at.le(before.at).and(steps::at.lt(before.at).or(same)))
        .order((steps::at.desc(), steps::id.desc()))
        .limit(limit)
        .select((
            (steps::id, escalations::id, escalations::kind, escalations::subject),
            (steps::at, steps::due_at, steps::did, steps::step, steps::round, steps::people),
        ))
        .load(view.conn)?;
    let read = |((id, row, kind, subject), did): Raw| {
        let alert = (kind == ALERT).then(|| subject.parse()).transpose();
        let alert = alert.map_err(|_not_an_id| Error::corrupt("escalations.subject").in_row(&row))?;
        Ok(PatientStep { id, alert, did: stepped(did).in_row(id)? })
    };
    rows.into_iter().map(read).collect()
}
