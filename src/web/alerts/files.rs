//! Files on an alert's case: what is asked before one is shown or attached. Names and bytes are treated as the case's
//! notes are: without the permit to show the alert, or once it was hidden, they are hidden too, and none is attached.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::alerts::cases::{Case, Cases};
use crate::attachments::download::{Allowed, respond};
use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use crate::privacy::sight::Sight;
use crate::state::State;
use domain::attachments::AttachedTo;
use domain::{AlertId, AttachmentId};
use store::View;
use store::attachments::{self, Attachment};
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::What;

/// Who asks about the files of an alert, and from where.
pub(crate) struct Asker<'a> {
    pub(crate) state: &'a Data<State>,
    pub(crate) viewer: &'a Viewer,
    pub(crate) sight: &'a Sight,
    pub(crate) now: domain::Instant,
}

impl Asker<'_> {
    fn cases(&self) -> Cases<'_> {
        Cases::new(self.state, self.now, self.sight, &self.viewer.audience)
    }

    /// An alert of somebody whom they may see, whose words may be shown now.
    ///
    /// # Errors
    /// `E_NOT_FOUND`; the refusal of the decision, which is a look that was refused; store faults.
    pub(crate) fn open(
        &self,
        view: &mut View<'_>,
        asked: Requested<AlertId>,
    ) -> Result<(Visible<AlertId>, Case), Fault> {
        let alert = self.viewer.audience.alert(view, asked)?;
        let case = self.cases().find(view, alert.id())?;
        if let Err(fault) = case.judged() {
            self.sight.refused(case.patient, What::Attachments, fault.code.name());
            return Err(fault.clone());
        }
        Ok((alert, case))
    }

    /// A file of an alert, to be handed out.
    ///
    /// # Errors
    /// As [`Asker::open`]; `E_NOT_FOUND` for one that is not there, or was removed.
    pub(crate) fn file(
        &self,
        view: &mut View<'_>,
        asked: Requested<AlertId>,
        file: Requested<AttachmentId>,
    ) -> Result<Attachment, Fault> {
        let (alert, _case) = self.open(view, asked)?;
        let file = self.viewer.audience.attachment(view, file)?;
        let found = attachments::get(view, AttachedTo::Alert(alert.id()), file.id())?;
        match found.removed {
            None => Ok(found),
            Some(_) => Err(store::Error::NotFound("attachment").into()),
        }
    }
}

/// The answer with a file's bytes, after it was written down that they are handed out. With each piece it is asked again
/// whether the alert may be shown.
pub(crate) fn hand_out(state: &Data<State>, viewer: &Viewer, file: Attachment) -> HttpResponse {
    let AttachedTo::Alert(alert) = file.to;
    let (shared, viewer) = (Data::clone(state), viewer.clone());
    let allowed: Arc<Allowed> = Arc::new(move |view: &mut View<'_>| {
        let (sight, now) = (Sight::default(), shared.now());
        let asker = Asker { state: &shared, viewer: &viewer, sight: &sight, now };
        asker.open(view, alert.into()).map(drop)
    });
    respond(state, file, allowed)
}
