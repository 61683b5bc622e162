//! What one request shows of whom. Handlers say it as they fill what they show; the gate of the route writes it to the
//! log before the answer goes out, and what cannot be written down is not shown.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{HttpMessage, HttpRequest};

use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use crate::state::State;
use domain::PatientId;
use store::privacy::accesses::{self, Look, What};

/// How long the entry of a look may take before nothing is shown (DESIGN §6).
const WITNESSED_WITHIN: Duration = Duration::from_secs(2);

/// The looks of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight(Arc<Mutex<BTreeSet<Look>>>);

impl Sight {
    /// Something of a patient is shown.
    pub(crate) fn saw(&self, patient: PatientId, what: What) {
        self.note(Look { patient, what, refused: None });
    }

    /// Something of a patient was asked for and is not shown.
    pub(crate) fn refused(&self, patient: PatientId, what: What, code: &'static str) {
        self.note(Look { patient, what, refused: Some(code) });
    }

    /// The looks of this request, as its gate will write them.
    #[must_use]
    pub(crate) fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// Puts a look at a patient's readings in the log ahead of reading them.
    ///
    /// # Errors
    /// `E_AUDIT` when it cannot be there in time.
    pub(crate) async fn witness_ahead(
        &self,
        state: &Data<State>,
        viewer: &Viewer,
        patient: PatientId,
    ) -> Result<(), Fault> {
        let look = Look { patient, what: What::Readings, refused: None };
        witness(state, viewer, "", BTreeSet::from([look])).await
    }

    fn note(&self, look: Look) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(look);
    }

    /// Whether nothing was shown yet.
    #[must_use]
    pub(crate) fn is_silent(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// What was said so far.
    #[must_use]
    pub(crate) fn taken(&self) -> BTreeSet<Look> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts looks in the log; `list` is the address that showed them.
///
/// # Errors
/// `E_AUDIT` when they cannot be there in time: then nothing may be shown.
pub(crate) async fn witness(
    state: &Data<State>,
    viewer: &Viewer,
    list: &'static str,
    looks: BTreeSet<Look>,
) -> Result<(), Fault> {
    if looks.is_empty() {
        return Ok(());
    }
    let (state, actor) = (Data::clone(state), viewer.actor());
    let written = web::block(move || accesses::witness(&state.store, actor, Some(list), &looks, state.now()));
    match tokio::time::timeout(WITNESSED_WITHIN, written).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => {
            tracing::error!(%error, "an access could not be written to the log: nothing is shown");
            Err(Code::Audit.into())
        }
        Ok(Err(_)) | Err(_) => Err(Code::Audit.into()),
    }
}
