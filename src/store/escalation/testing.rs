//! Rows of escalations as this program does not write them.

use diesel::prelude::*;

use crate::db::error::{Error, Result};
use crate::db::schema::escalations;
use crate::db::tx::Tx;
use domain::AlertId;

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
        serde_json::from_str(&record).map_err(|_shape| Error::Corrupt("escalations.record"))?;
    tx.unchanged();
    record.as_object_mut().map(|run| run.remove("pace"));
    diesel::update(row()).set(escalations::record.eq(record.to_string())).execute(tx.conn)?;
    Ok(())
}
