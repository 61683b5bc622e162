//! Alerts locked until the transaction ends. Whoever changes an alert reads it through here first, and so never sees
//! half of another's change. On SQLite there is one writer.

use diesel::prelude::*;

use super::stored::{COLUMNS, Row, StoredAlert};
use crate::consents::permits;
use crate::db::conn::literally;
use crate::db::error::{Error, Result};
use crate::db::schema::alerts;
use crate::db::turn;
use crate::db::turn::locks::Lock;
use crate::{Conn, Tx};
use domain::AlertId;

/// Locks and reads one alert.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub(crate) fn lock(tx: &mut Tx<'_>, id: AlertId) -> Result<StoredAlert> {
    tx.lock(Lock::Alert(id));
    let row = alerts::table.find(id.to_string()).select(COLUMNS);
    let row: Option<Row> = match &mut *tx.conn {
        Conn::Pg(conn) => row.for_update().get_result(conn).optional()?,
        Conn::Sqlite(conn) => row.get_result(conn).optional()?,
    };
    row.ok_or(Error::NotFound("alert"))?.read()
}

/// Locks a patient's alerts that are unresolved or whose episode goes on, in the order of ids, so that two such
/// transactions cannot deadlock.
///
/// # Errors
/// Database errors.
pub(crate) fn hold_unresolved_of(tx: &mut Tx<'_>, patient_key: i64) -> Result<Vec<StoredAlert>> {
    let rows = alerts::table
        .filter(alerts::patient_key.eq(patient_key))
        .filter(literally("(alerts.state <> 'resolved' OR alerts.ended_at IS NULL)"))
        .order(alerts::id)
        .select(COLUMNS);
    let rows: Vec<Row> = match &mut *tx.conn {
        Conn::Pg(conn) => rows.for_update().load(conn)?,
        Conn::Sqlite(conn) => rows.load(conn)?,
    };
    let held = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    held.iter().for_each(|alert| tx.lock(Lock::Alert(alert.id())));
    Ok(held)
}

/// Locks those of these alerts that nobody else holds, waiting for none. The others are noted as passed over.
///
/// # Errors
/// Database errors.
pub(crate) fn hold_free(tx: &mut Tx<'_>, ids: &[String]) -> Result<Vec<AlertId>> {
    let rows = alerts::table.filter(alerts::id.eq_any(ids)).order(alerts::id).select(alerts::id);
    let rows: Vec<String> = match &mut *tx.conn {
        Conn::Pg(conn) => rows.for_update().skip_locked().load(conn)?,
        Conn::Sqlite(conn) => rows.load(conn)?,
    };
    let held: Vec<AlertId> = rows.iter().filter_map(|id| id.parse().ok()).collect();
    held.iter().for_each(|id| tx.lock(Lock::Alert(*id)));
    let wanted = ids.iter().filter_map(|id| id.parse().ok());
    tx.wanted.extend(wanted.map(|id: AlertId| (id, held.contains(&id))));
    Ok(held)
}

/// As [`hold_free`], with the consents of their patients locked first: what the engine needs before it calls anybody.
/// Ids of no alert are returned too: their rows cannot be processed, and nobody holds them.
///
/// # Errors
/// Database errors.
pub(crate) fn hold_to_call(tx: &mut Tx<'_>, subjects: &[String]) -> Result<Vec<String>> {
    turn::share(tx)?;
    let known: Vec<(String, i64)> = alerts::table
        .filter(alerts::id.eq_any(subjects))
        .select((alerts::id, alerts::patient_key))
        .load(tx.conn)?;
    permits::lock(tx, &known.iter().map(|(_, key)| *key).collect::<Vec<_>>())?;
    let known: Vec<String> = known.into_iter().map(|(id, _)| id).collect();
    let mut held: Vec<String> = hold_free(tx, &known)?.iter().map(ToString::to_string).collect();
    held.extend(subjects.iter().filter(|subject| !known.contains(subject)).cloned());
    Ok(held)
}
