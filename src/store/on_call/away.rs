//! Who is away when, as it is stored.

use diesel::prelude::*;

use super::absence_parts::{self, Part};
use crate::View;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::absences as rows;
use domain::on_call::{Absence, Absences};
use domain::time::civil::Window;
use domain::{AbsenceId, Instant};

/// A stored absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAbsence {
    /// Its id.
    pub id: AbsenceId,
    /// What it says.
    pub absence: Absence,
    /// Who recorded it, as [`crate::Actor::name`] writes it.
    pub noted_by: String,
    /// Its parts, where a change added some.
    pub(super) parts: Vec<Part>,
}

impl StoredAbsence {
    /// As whoever unfolds a schedule meets it.
    pub(super) fn unfolded(&self) -> Vec<Absence> {
        absence_parts::unfolded(&self.absence, &self.parts)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
pub(super) struct Row {
    id: String,
    user_id: String,
    from_at: i64,
    until_at: i64,
    known_at: i64,
    noted_by: String,
    covers: String,
    parts: Option<String>,
}

impl Row {
    pub(super) fn read(self) -> Result<StoredAbsence> {
        let id = self.id.clone();
        self.parse().in_row(id)
    }

    fn parse(self) -> Result<StoredAbsence> {
        let parts = match &self.parts {
            Some(text) => serde_json::from_str(text).map_err(|_shape| Error::corrupt("absences.parts"))?,
            None => Vec::new(),
        };
        let absence = Absence {
            user: self.user_id.parse().map_err(|_not_an_id| Error::corrupt("absences.user_id"))?,
            window: Window {
                from: Instant::from_micros(self.from_at),
                to: Instant::from_micros(self.until_at),
            },
            known_at: Instant::from_micros(self.known_at),
            covers: serde_json::from_str(&self.covers).map_err(|_shape| Error::corrupt("absences.covers"))?,
        };
        let id = self.id.parse().map_err(|_not_an_id| Error::corrupt("absences.id"))?;
        Ok(StoredAbsence { id, absence, noted_by: self.noted_by, parts })
    }
}

/// Absences that are not over at an instant, in the order of their ends.
///
/// # Errors
/// Database errors.
pub fn list(view: &mut View<'_>, from: Instant) -> Result<Vec<StoredAbsence>> {
    let later = rows::table.filter(rows::until_at.gt(from.micros())).order((rows::until_at, rows::id));
    later.select(Row::as_select()).load(view.conn)?.into_iter().map(Row::read).collect()
}

/// Whoever is away at an instant or after it, for whoever unfolds a schedule from there on.
///
/// # Errors
/// Database errors.
pub fn after(view: &mut View<'_>, from: Instant) -> Result<Absences> {
    Ok(Absences::new(list(view, from)?.iter().flat_map(StoredAbsence::unfolded).collect()))
}

/// One of them.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(view: &mut View<'_>, id: AbsenceId) -> Result<StoredAbsence> {
    let row = rows::table.find(id.to_string()).select(Row::as_select()).first(view.conn).optional()?;
    row.ok_or(Error::NotFound("absence"))?.read()
}
