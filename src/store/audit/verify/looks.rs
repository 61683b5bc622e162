//! Checks the accesses in the log against the table that answers "who saw my data?": each access in an entry has its
//! unchanged row, and no row is there without an entry.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::bodies::StoredBody;
use super::tally;
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::looks as rows;
use crate::keys::seal::{Broken, Place};
use crate::privacy::accesses::Said;
use crate::{Class, Subject, View, patients};
use audit::tag::tag;
use audit::verify::Break;
use audit::{Entry, EntryType};
use domain::PatientId;

/// Microseconds of the millisecond that an entry names.
const MILLISECOND: i64 = 1_000;

/// Counts the accesses of each patient.
#[derive(Default)]
pub(in crate::audit) struct Looks {
    told: HashMap<i64, i64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
struct Row {
    patient_key: i64,
    viewer: String,
    role: String,
    what: String,
    code: String,
    listed: bool,
}

impl Looks {
    /// Whether an entry is about an access.
    pub(crate) const fn speak(kind: EntryType) -> bool {
        matches!(kind, EntryType::AccessRead | EntryType::AccessReveal | EntryType::AccessExport)
    }

    /// Checks one access entry, whose body is `kept`, against its rows.
    pub(crate) fn see(
        &mut self,
        view: &mut View<'_>,
        index: Option<u64>,
        entry: &Entry,
        kept: Option<StoredBody>,
    ) -> Result<Option<Break>> {
        let (whose, sealed) = match kept {
            Some(StoredBody::Whole(whose, sealed)) => (whose, sealed),
            Some(StoredBody::Changed(what)) => return Ok(Some(Break { index, what })),
            Some(StoredBody::Gone) | None => return Ok(None),
        };
        let id = entry.id.to_string();
        let said: Said = view.open_json(Place::new("audit_bodies", "bytes", &id), &sealed)?;
        let stored = at(view, entry)?;
        let mut wanted: Vec<(PatientId, &str)> = Vec::new();
        if let Subject::Patient(patient) = whose {
            wanted.extend(said.what.iter().map(|what| (patient, what.as_str())));
        } else {
            for (what, seen) in &said.seen {
                wanted.extend(seen.iter().map(|patient| (*patient, what.as_str())));
            }
            if said.seen.is_empty() {
                return self.of_old(view, index, entry, &said, &stored);
            }
        }
        let is_list = wanted.first().is_some_and(|(one, _)| wanted.iter().any(|(other, _)| other != one));
        for (patient, what) in wanted {
            let key = patients::key_of(view, patient)?;
            let mut found = false;
            for row in stored.iter().filter(|row| (row.patient_key, row.what.as_str()) == (key, what)) {
                found = found || row.listed == is_list && is_of(view, entry, &said, row)?;
            }
            if !found {
                let what = format!("the look at {what} of patient {patient} is not what the log says");
                return Ok(Some(Break { index, what }));
            }
            *self.told.entry(key).or_default() += 1;
        }
        Ok(None)
    }

    /// A list from before entries said what of whom: its rows are those of the people whom it names.
    fn of_old(
        &mut self,
        view: &mut View<'_>,
        index: Option<u64>,
        entry: &Entry,
        said: &Said,
        stored: &[Row],
    ) -> Result<Option<Break>> {
        for patient in said.listed() {
            let key = patients::key_of(view, patient)?;
            let mut found = 0;
            for row in stored.iter().filter(|row| row.patient_key == key && said.what.contains(&row.what)) {
                found += i64::from(is_of(view, entry, said, row)?);
            }
            if found == 0 {
                let what = format!("the look at patient {patient} is missing");
                return Ok(Some(Break { index, what }));
            }
            *self.told.entry(key).or_default() += found;
        }
        Ok(None)
    }

    /// Checks that no access is without an entry.
    pub(crate) fn end(&self, view: &mut View<'_>) -> Result<Option<Break>> {
        let counts: Vec<(i64, i64)> = on!(&mut *view.conn, |c| rows::table
            .group_by(rows::patient_key)
            .select((rows::patient_key, count_star()))
            .load(c))?;
        tally::differs(view, counts, &self.told, |patient, stored, told| {
            format!("patient {patient} was looked at {stored} times; the log speaks of {told}")
        })
    }
}

/// The rows of an entry's instant.
fn at(view: &mut View<'_>, entry: &Entry) -> Result<Vec<Row>> {
    let from = entry.at.millis().saturating_mul(MILLISECOND);
    Ok(rows::table
        .filter(rows::at.ge(from).and(rows::at.lt(from.saturating_add(MILLISECOND))))
        .select(Row::as_select())
        .load(view.conn)?)
}

/// Whether a row belongs to the actor of an entry, with its outcome.
fn is_of(view: &mut View<'_>, entry: &Entry, said: &Said, row: &Row) -> Result<bool> {
    if entry.code.as_deref().unwrap_or_default() != row.code
        || said.role.as_ref().is_some_and(|role| *role != row.role)
    {
        return Ok(false);
    }
    let Some(acted) = entry.actor.tag else { return Ok(Subject::parse(&row.viewer).is_none()) };
    let Some(viewer @ Subject::User(_)) = Subject::parse(&row.viewer) else { return Ok(false) };
    match view.key(viewer, Class::Audit) {
        Ok(key) => Ok(tag(key.tag_mac(), entry.nonce, entry.kind) == acted),
        // Their identity is gone with their key.
        Err(Error::Sealed(Broken::KeyDestroyed, _)) => Ok(true),
        Err(Error::Sealed(Broken::NoKey, _)) => Ok(false),
        Err(error) => Err(error),
    }
}
