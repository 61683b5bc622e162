//! By which id a viewer knows a patient: auditors and the DPO by a pseudonym of their own, all others by the id.

use super::auth::Viewer;
use super::fault::Fault;
use super::sight::Sight;
use crate::domain::{PatientId, Role};
use crate::store::accesses::What;
use crate::store::{View, pseudonyms};

/// Whether a viewer knows people by pseudonyms.
#[must_use]
pub const fn knows_none(viewer: &Viewer) -> bool {
    matches!(viewer.role, Role::Auditor | Role::Dpo)
}

/// The id under which a viewer is shown a patient.
///
/// # Errors
/// Store faults.
pub fn shown(view: &mut View<'_>, viewer: &Viewer, patient: PatientId) -> Result<PatientId, Fault> {
    Ok(if knows_none(viewer) { pseudonyms::of(view, viewer.id, patient)? } else { patient })
}

/// The patient whom a viewer means by an id.
///
/// # Errors
/// Store faults.
pub fn meant(view: &mut View<'_>, viewer: &Viewer, said: PatientId) -> Result<PatientId, Fault> {
    Ok(if knows_none(viewer) { pseudonyms::meant(view, viewer.id, said)? } else { said })
}

/// What came of revealing who a patient is: one that was refused is a refused look.
///
/// # Errors
/// Those of `done`.
pub fn revealed<T>(sight: &Sight, patient: PatientId, done: Result<T, Fault>) -> Result<T, Fault> {
    done.inspect_err(|fault| sight.refused(patient, What::Reveal, fault.code.name()))
}
