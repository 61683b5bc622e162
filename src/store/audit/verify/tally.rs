//! Compares a table's number of rows for each patient with what the log says.

use std::collections::HashMap;

use crate::db::error::{Error, Result};
use crate::keys::seal::Broken;
use crate::{Class, Subject, View, patients};
use audit::verify::Break;
use domain::PatientId;

/// The first patient with more or fewer rows (`stored`, by surrogate key) than the log says, put into words by `words`.
/// Nothing can be attributed to a person who was erased.
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

/// Whether nothing can be attributed to a person any more.
///
/// # Errors
/// Database errors.
pub(in crate::audit) fn is_erased(view: &mut View<'_>, patient: PatientId) -> Result<bool> {
    match view.key(Subject::Patient(patient), Class::Audit) {
        Err(Error::Sealed(Broken::KeyDestroyed, _)) => Ok(true),
        // A person without a usable key has rows all the same.
        Err(Error::Sealed(..)) | Ok(_) => Ok(false),
        Err(error) => Err(error),
    }
}
