//! Reds that were found too late to page and still stand at the newest reading of their series: they page as new ones.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Text};

use super::holds;
use super::{StoredAlert, save};
use crate::alerts;
use crate::consents::permits;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::tx::act::Act as Entry;
use crate::db::tx::{Tx, View};
use domain::{AlertId, AlertState, Level, Signal};

/// At most so many in one look.
const MOST: i64 = 1_000;

/// A red that was found late and stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateRed {
    /// Which.
    pub id: AlertId,
    /// The patient's surrogate key.
    pub patient_key: i64,
    /// The signal that it is about.
    pub signal: Signal,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    patient_key: i64,
    #[diesel(sql_type = SmallInt)]
    signal: i16,
}

// The first three conditions are those of the index, letter by letter. What waits to be judged again is not known yet.
const STANDING: &str = "SELECT id, patient_key, signal FROM alerts \
    WHERE retrospective = TRUE AND ended_at IS NULL AND level = 2 AND state <> 'resolved' AND NOT EXISTS \
    (SELECT 1 FROM reevaluations r WHERE r.patient_key = alerts.patient_key AND r.signal = alerts.signal) \
    ORDER BY id";

/// Late reds that do not page yet and whose series is judged up to its newest reading.
///
/// # Errors
/// Database errors.
pub fn standing(view: &mut View<'_>) -> Result<Vec<LateRed>> {
    let rows: Vec<Row> = diesel::sql_query(format!("{STANDING} LIMIT {MOST}")).load(view.conn)?;
    rows.into_iter()
        .map(|row| {
            Ok(LateRed {
                id: row.id.parse().map_err(|_not_an_id| Error::corrupt("alerts.id").in_row(&row.id))?,
                patient_key: row.patient_key,
                signal: Signal::from_code(row.signal)
                    .ok_or(Error::corrupt("alerts.signal"))
                    .in_row(&row.id)?,
            })
        })
        .collect()
}

/// Makes it page like a new red, if it still stands.
///
/// # Errors
/// Database errors.
pub fn page(tx: &mut Tx<'_>, id: AlertId) -> Result<bool> {
    let key = alerts::get(tx, id)?.patient_key;
    // Consents before the alert: the order of every act.
    permits::lock(tx, &[key])?;
    let stored = holds::lock(tx, id)?;
    if !stands(&stored) {
        return Ok(false);
    }
    let mut next = stored.clone();
    next.retrospective = false;
    let body = serde_json::json!({ "alert": id, "level": "red" });
    let entry = Entry::new("alert.judged").purpose("alert.evaluate").code("still_true").body(body);
    save(tx, &stored, next, entry)?;
    Ok(true)
}

fn stands(alert: &StoredAlert) -> bool {
    let case = &alert.case;
    alert.retrospective
        && alert.episode.ended_at.is_none()
        && case.facts.level == Level::Red
        && case.state != AlertState::Resolved
}
