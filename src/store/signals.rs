//! What dashboards were told, for those that come back with a `Last-Event-ID`: names and ids only.

use diesel::prelude::*;

use super::error::Result;
use super::schema::signals;
use super::{Tx, View};
use crate::domain::Instant;

/// Something that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The event's id.
    pub id: i64,
    /// Its name, such as `alert.changed`.
    pub name: String,
    /// The id it concerns.
    pub subject: String,
}

/// What was told after the event `last`, oldest first; `None` when that event is not known (any more), so
/// that the listener must start anew.
///
/// # Errors
/// Database errors.
pub fn after(view: &mut View<'_>, last: i64, limit: i64) -> Result<Option<Vec<Told>>> {
    let known: Option<i64> = signals::table.find(last).select(signals::id).first(view.conn).optional()?;
    if known.is_none() {
        return Ok(None);
    }
    let rows: Vec<(i64, String, String)> = signals::table
        .filter(signals::id.gt(last))
        .order(signals::id)
        .limit(limit)
        .select((signals::id, signals::name, signals::subject))
        .load(view.conn)?;
    Ok(Some(rows.into_iter().map(|(id, name, subject)| Told { id, name, subject }).collect()))
}

/// The newest event's id; 0 when nothing was told yet.
///
/// # Errors
/// Database errors.
pub fn newest(view: &mut View<'_>) -> Result<i64> {
    let id: Option<i64> =
        signals::table.order(signals::id.desc()).select(signals::id).first(view.conn).optional()?;
    Ok(id.unwrap_or(0))
}

/// Forgets what was told before an instant.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>, before: Instant) -> Result<usize> {
    Ok(diesel::delete(signals::table.filter(signals::at.lt(before.micros()))).execute(tx.conn)?)
}
