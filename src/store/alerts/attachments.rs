//! Files on an alert's case: whoever acts on alerts attaches them; whoever attached one, or a clinician, removes it.

use crate::attachments::{self, Attachment, NewAttachment};
use crate::db::error::{Error, Result};
use crate::patients;
use crate::patients::audience::Visible;
use crate::{Actor, Tx};
use domain::attachments::AttachedTo;
use domain::{AlertId, AttachmentId, Can, Reason, Role};

/// Attaches a file to an alert's case, also to one that is resolved: a report comes after the visit. The same bytes are
/// attached once; `false`: they were there.
///
/// # Errors
/// `E_ROLE` for who does not act on alerts; `E_ATTACHMENTS` for a case with as many files as it takes; database errors.
pub fn attach(
    tx: &mut Tx<'_>,
    alert: Visible<AlertId>,
    file: &NewAttachment<'_>,
) -> Result<(Attachment, bool)> {
    acts(tx)?;
    let patient = patients::id_of(tx, alert.patient_key())?;
    let done = attachments::insert(tx, AttachedTo::Alert(alert.id()), patient, file)?;
    if done.1 {
        tx.signal("alert.changed", alert.id())?;
    }
    Ok(done)
}

/// Removes a file from an alert's case.
///
/// # Errors
/// [`Error::NotFound`] where the case has no such file; `E_ROLE` for whoever neither attached it nor is a clinician;
/// database errors.
pub fn detach(
    tx: &mut Tx<'_>,
    alert: Visible<AlertId>,
    file: Visible<AttachmentId>,
    reason: &Reason,
) -> Result<Attachment> {
    acts(tx)?;
    let to = AttachedTo::Alert(alert.id());
    let found = attachments::get(tx, to, file.id())?;
    if !may_detach(tx.actor(), &found) {
        return Err(Error::Refused {
            code: "E_ROLE",
            what: "whoever attached a file removes it, or a clinician",
        });
    }
    attachments::remove(tx, &found, reason)?;
    tx.signal("alert.changed", alert.id())?;
    attachments::get(tx, to, file.id())
}

/// Whether somebody who acts on alerts may remove a file.
#[must_use]
pub fn may_detach(who: Actor, file: &Attachment) -> bool {
    matches!(who, Actor::User { role: Role::Clinician, .. }) || file.actor == who.name()
}

/// The route asks it too: here it holds for whoever calls.
fn acts(tx: &Tx<'_>) -> Result<()> {
    match tx.actor() {
        Actor::User { role, .. } if !Can::ActOnAlerts.held_by(role) => {
            Err(Error::Refused { code: "E_ROLE", what: "files are for whoever acts on alerts" })
        }
        _ => Ok(()),
    }
}
