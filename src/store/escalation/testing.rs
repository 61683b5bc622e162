//! Rows of escalations as this program does not write them.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::conn::Conn;
use crate::db::error::{Error, Result};
use crate::db::schema::escalations;
use crate::db::tx::Tx;
use domain::AlertId;
use domain::id::uuid_at;

/// Writes what no program wrote into an alert's escalation.
pub fn break_row(tx: &mut Tx<'_>, alert: AlertId) -> Result<()> {
    let row = escalations::table.filter(escalations::subject.eq(alert.to_string()));
    diesel::update(row).set(escalations::record.eq("{")).execute(tx.conn)?;
    Ok(())
}

/// The escalation of an alert as it was stored before escalations had a pace.
pub fn forget_pace(tx: &mut Tx<'_>, alert: AlertId) -> Result<()> {
    let row = || escalations::table.filter(escalations::subject.eq(alert.to_string()));
    let record: String = row().select(escalations::record).first(tx.conn)?;
    let mut record: serde_json::Value =
        serde_json::from_str(&record).map_err(|_shape| Error::corrupt("escalations.record"))?;
    tx.unchanged();
    record.as_object_mut().map(|run| run.remove("pace"));
    diesel::update(row()).set(escalations::record.eq(record.to_string())).execute(tx.conn)?;
    Ok(())
}

/// As many escalations again like that of an alert, with whom they called, for alerts that there are not.
pub fn multiply(tx: &mut Tx<'_>, alert: AlertId, times: usize) -> Result<()> {
    let row = escalations::table.filter(escalations::subject.eq(alert.to_string()));
    let from: String = row.select(escalations::id).first(tx.conn)?;
    for _one in 0..times {
        let (id, subject) = (uuid_at(tx.now()).to_string(), AlertId::new(tx.now()).to_string());
        let numbered = |sql: &str| match tx.conn {
            Conn::Pg(_) => sql.to_owned(),
            Conn::Sqlite(_) => sql.replace('$', "?"),
        };
        let (case, steps) = (numbered(CASE), numbered(STEPS));
        let case = diesel::sql_query(case).bind::<Text, _>(&id).bind::<Text, _>(&subject);
        case.bind::<Text, _>(&from).execute(tx.conn)?;
        diesel::sql_query(steps).bind::<Text, _>(&id).bind::<Text, _>(&from).execute(tx.conn)?;
    }
    Ok(())
}

const CASE: &str = "INSERT INTO escalations \
    (id, kind, subject, patient_id, policy, policy_version, record, state, next_at, started_at, updated_at, fence) \
    SELECT $1, kind, $2, patient_id, policy, policy_version, record, state, next_at, started_at, updated_at, fence \
    FROM escalations WHERE id = $3";
const STEPS: &str = "INSERT INTO escalation_steps (escalation_id, fence, at, due_at, did, step, round, people) \
    SELECT $1, fence, at, due_at, did, step, round, people FROM escalation_steps WHERE escalation_id = $2";
