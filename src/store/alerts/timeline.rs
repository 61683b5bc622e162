//! A patient's alerts, back in time: when each was raised, and what was done with it.

use diesel::prelude::*;

use super::stored::{COLUMNS, Row, StoredAlert};
use crate::db::conn::literally;
use crate::db::error::{Error, Result};
use crate::db::schema::{alert_acts, alerts};
use crate::{Before, View};
use domain::{AlertId, Instant, UserId};

/// A patient's alerts that were raised before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn raised_before(
    view: &mut View<'_>,
    patient_key: i64,
    before: &Before,
    limit: i64,
) -> Result<Vec<StoredAlert>> {
    let same = alerts::id.lt(&before.id);
    let rows: Vec<Row> = alerts::table
        .filter(alerts::patient_key.eq(patient_key))
        .filter(alerts::raised_at.le(before.at).and(alerts::raised_at.lt(before.at).or(same)))
        .order((alerts::raised_at.desc(), alerts::id.desc()))
        .limit(limit)
        .select(COLUMNS)
        .load(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// Something done with one of a patient's alerts; without its note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientAct {
    /// Its number.
    pub id: i64,
    /// The alert.
    pub alert: AlertId,
    /// When.
    pub at: Instant,
    /// By whom ([`crate::Actor::name`]).
    pub actor: String,
    /// What.
    pub act: String,
    /// How it ended the alert.
    pub outcome: Option<String>,
    /// Whom it was about.
    pub whom: Option<UserId>,
}

/// What was done with a patient's alerts before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn acts_before(
    view: &mut View<'_>,
    patient_key: i64,
    before: &Before,
    limit: i64,
) -> Result<Vec<PatientAct>> {
    type Raw = (i64, String, i64, String, String, Option<String>, Option<String>);
    let same = alert_acts::id.lt(before.number());
    let rows: Vec<Raw> = alert_acts::table
        .filter(alert_acts::patient_key.eq(patient_key).and(literally("alert_acts.act <> 'cut'")))
        .filter(alert_acts::at.le(before.at).and(alert_acts::at.lt(before.at).or(same)))
        .order((alert_acts::at.desc(), alert_acts::id.desc()))
        .limit(limit)
        .select((
            alert_acts::id,
            alert_acts::alert_id,
            alert_acts::at,
            alert_acts::actor,
            alert_acts::act,
            alert_acts::outcome,
            alert_acts::whom,
        ))
        .load(view.conn)?;
    let read = |(id, alert, at, actor, act, outcome, whom): Raw| {
        let alert = alert.parse().map_err(|_not_an_id| Error::corrupt("alert_acts.alert_id").in_row(id))?;
        let whom = whom.and_then(|id| id.parse().ok());
        Ok(PatientAct { id, alert, at: Instant::from_micros(at), actor, act, outcome, whom })
    };
    rows.into_iter().map(read).collect()
}
