//! By which id a viewer knows a patient: auditors and the DPO by a pseudonym of their own, all others by the id.

use super::sight::Sight;
use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use domain::{PatientId, Role, UserId};
use store::View;
use store::patients::audience::{Requested, Visible};
use store::people::users;
use store::privacy::accesses::What;
use store::privacy::pseudonyms;

/// Whether a viewer knows people by pseudonyms.
#[must_use]
pub(crate) const fn knows_none(viewer: &Viewer) -> bool {
    matches!(viewer.role, Role::Auditor | Role::Dpo)
}

impl Viewer {
    /// The patient whom they mean by an id, among those whom they may see.
    ///
    /// # Errors
    /// `E_NOT_FOUND`; store faults.
    pub(crate) fn visible(
        &self,
        view: &mut View<'_>,
        asked: Requested<PatientId>,
    ) -> Result<Visible<PatientId>, Fault> {
        let meant = meant(view, self, asked)?;
        Ok(self.audience.patient(view, meant)?)
    }
}

/// The id under which a viewer is shown a patient.
///
/// # Errors
/// Store faults.
pub(crate) fn shown(view: &mut View<'_>, viewer: &Viewer, patient: PatientId) -> Result<PatientId, Fault> {
    Ok(if knows_none(viewer) { pseudonyms::of(view, viewer.id, patient)? } else { patient })
}

/// The id under which a viewer is shown somebody of the staff.
///
/// # Errors
/// Store faults.
pub(crate) fn staff(view: &mut View<'_>, viewer: &Viewer, user: UserId) -> Result<UserId, Fault> {
    if !knows_none(viewer) {
        return Ok(user);
    }
    Ok(UserId(pseudonyms::of(view, viewer.id, PatientId(user.0))?.0))
}

/// Who acted on what is a patient's, as a viewer may know them: staff by their id, a patient's own account as
/// [`shown`] would have it.
///
/// # Errors
/// Store faults.
pub(crate) fn actor(view: &mut View<'_>, viewer: &Viewer, actor: String) -> Result<String, Fault> {
    let user: Option<UserId> = actor.strip_prefix("user:").and_then(|id| id.parse().ok());
    match user.filter(|_| knows_none(viewer)) {
        Some(id) if users::role_of(view, id)? == Some(Role::Patient) => {
            Ok(format!("user:{}", pseudonyms::of(view, viewer.id, PatientId(id.0))?))
        }
        _ => Ok(actor),
    }
}

/// The patient whom a viewer means by an id; an audience says whether they may see them.
///
/// # Errors
/// Store faults.
pub(crate) fn meant(
    view: &mut View<'_>,
    viewer: &Viewer,
    asked: Requested<PatientId>,
) -> Result<Requested<PatientId>, Fault> {
    Ok(if knows_none(viewer) { pseudonyms::meant(view, viewer.id, asked)? } else { asked })
}

/// What came of revealing who a patient is: one that was refused is a refused look.
///
/// # Errors
/// Those of `done`.
pub(crate) fn revealed<T>(sight: &Sight, patient: PatientId, done: Result<T, Fault>) -> Result<T, Fault> {
    done.inspect_err(|fault| sight.refused(patient, What::Reveal, fault.code.name()))
}
