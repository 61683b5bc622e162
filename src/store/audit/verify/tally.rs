//! The rows of a table, counted by patient, against what the log speaks of.

use std::collections::HashMap;

use crate::db::error::{Error, Result};
use crate::keys::seal::Broken;
use crate::{Class, Subject, View, patients};
use audit::verify::Break;
use domain::PatientId;

/// The first patient of whom more or fewer rows (`stored`, by surrogate key) are there than the log speaks of, said by
/// `words`. Of somebody who was erased nothing can be attributed.
///
/// # Errors
/// Database errors.
pub(in crate::audit) fn differs(
    view: &mut View<'_>,
    stored: Vec<(i64, i64)>,
    told: &HashMap<i64, i64>,
    words: impl Fn(PatientId, i64, i64) -> String,
) -> Result<Option<Break>> {
    for (key, rows) in stored {
        let seen = told.get(&key).copied().unwrap_or(0);
        if seen == rows {
            continue;
        }
        let patient = patients::id_of(view, key)?;
        if !is_erased(view, patient)? {
            return Ok(Some(Break { index: None, what: words(patient, rows, seen) }));
        }
    }
    Ok(None)
}

/// Whether nothing of a person can be attributed any more.
///
/// # Errors
/// Database errors.
pub(in crate::audit) fn is_erased(view: &mut View<'_>, patient: PatientId) -> Result<bool> {
    match view.key(Subject::Patient(patient), Class::Audit) {
        Err(Error::Sealed(Broken::KeyDestroyed)) => Ok(true),
        // Whoever has no key that opens has rows all the same.
        Err(Error::Sealed(_)) | Ok(_) => Ok(false),
        Err(error) => Err(error),
    }
}
