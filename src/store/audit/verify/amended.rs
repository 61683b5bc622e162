//! Checks the `reading.amended` entries against the amendments: a missing amendment would silently put a wrong or
//! withdrawn value back in force.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use serde::Deserialize;

use super::bodies::StoredBody;
use super::tally;
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::schema::amendments;
use crate::keys::seal::Place;
use crate::{Subject, View, patients, readings};
use audit::Entry;
use audit::verify::Break;
use domain::PatientId;

/// The part of an entry that says how many readings it is about.
#[derive(Deserialize)]
struct Scope {
    #[serde(default = "one")]
    count: i64,
}

const fn one() -> i64 {
    1
}

/// Counts the entries of each patient.
#[derive(Default)]
pub(in crate::audit) struct Amended {
    leaves: HashMap<PatientId, i64>,
}

impl Amended {
    /// Counts one `reading.amended` entry by its body: it is about one amendment, or about as many as it says.
    pub(crate) fn see(
        &mut self,
        view: &mut View<'_>,
        entry: &Entry,
        stored: Option<&StoredBody>,
    ) -> Result<()> {
        if let Some(StoredBody::Whole(Subject::Patient(patient), sealed)) = stored {
            let id = entry.id.to_string();
            let scope: Scope = view.open_json(Place::new("audit_bodies", "bytes", &id), sealed)?;
            *self.leaves.entry(*patient).or_default() += scope.count;
        }
        Ok(())
    }

    /// Checks that there are as many amendments as the log says, and that no mark in clear hides a value.
    pub(crate) fn end(&self, view: &mut View<'_>) -> Result<Option<Break>> {
        let rows: Vec<(i64, i64)> = on!(&mut *view.conn, |c| amendments::table
            .group_by(amendments::patient_key)
            .select((amendments::patient_key, count_star()))
            .load(c))?;
        let mut unseen = self.leaves.clone();
        for (key, stored) in rows {
            let patient = patients::id_of(view, key)?;
            let seen = unseen.remove(&patient).unwrap_or(0);
            if seen != stored && !tally::is_erased(view, patient)? {
                return Ok(Some(differs(patient, stored, seen)));
            }
        }
        if let Some((patient, seen)) = unseen.into_iter().next() {
            return Ok(Some(differs(patient, 0, seen)));
        }
        if let Some(key) = readings::hidden(view)? {
            return recorded(view, key, "has a reading in force that is marked as if it were not").map(Some);
        }
        let Some(key) = readings::unmarked(view)? else { return Ok(None) };
        recorded(view, key, "has a reading that was put right and is marked as if it were not").map(Some)
    }
}

fn recorded(view: &mut View<'_>, key: i64, what: &str) -> Result<Break> {
    let patient = patients::id_of(view, key)?;
    Ok(Break { index: None, what: format!("patient {patient} {what}") })
}

fn differs(patient: PatientId, stored: i64, seen: i64) -> Break {
    let what = format!("patient {patient} has {stored} amended readings; the log speaks of {seen}");
    Break { index: None, what }
}
