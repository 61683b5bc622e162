//! From a request to an answer: who asks, the store on a blocking thread, the access entry ahead of health data,
//! the stored answer of a repeated call.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse};
use consent::{AlertEvaluate, Permit};
use serde::Serialize;
use std::future::{Ready, ready};

use super::super::state::State;
use super::code::Code;
use super::fault::Fault;
use super::problem::{self, Refusal};
use crate::alerts::cases::Cases;
use crate::people::auth::{Viewer, permit_display};
use crate::people::checks::{Turn, Who};
use crate::people::sign_in;
use crate::privacy::sight::Sight;
use domain::{Instant, PatientId};
use store::db::idempotency;
use store::patients::audience::{Requested, Visible};
use store::{Subject, Tx, View};

/// What a handler gives.
pub(crate) type Answer = Result<HttpResponse, Refusal>;

/// A request that the gate of its route let through.
pub(crate) struct Call {
    request: HttpRequest,
    state: Data<State>,
    sight: Sight,
    /// Who asks.
    pub viewer: Viewer,
}

impl FromRequest for Call {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let viewer = request.extensions().get::<Viewer>().cloned();
        let state = request.app_data::<Data<State>>().cloned();
        ready(match (viewer, state) {
            (Some(viewer), Some(state)) => {
                Ok(Self { request: request.clone(), state, sight: Sight::of(request), viewer })
            }
            _ => Err(problem::error(request, Code::SignIn)),
        })
    }
}

impl Call {
    /// Works on a blocking thread.
    ///
    /// # Errors
    /// What `work` says, in the form that the reader wants.
    pub(crate) async fn run(
        self,
        work: impl FnOnce(&Desk) -> Result<Reply, Fault> + Send + 'static,
    ) -> Answer {
        let desk = self.desk();
        let done = blocking(move || work(&desk)).await;
        finish(&self.request, done)
    }

    /// Works on a blocking thread for an answer that is not JSON.
    ///
    /// # Errors
    /// What `work` says.
    pub(crate) async fn gather<T: Send + 'static>(
        self,
        work: impl FnOnce(&Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let desk = self.desk();
        blocking(move || work(&desk)).await
    }

    /// Shows a patient's readings: decided first, witnessed second, read under the permit of that moment, and
    /// not given out when a revocation came in between.
    ///
    /// # Errors
    /// `E_NOT_FOUND` for somebody else's patient, the refusal of the decision, `E_AUDIT`, what `work` says.
    pub(crate) async fn show(
        self,
        patient: Requested<PatientId>,
        work: impl FnOnce(&mut View<'_>, i64, &Permit<AlertEvaluate>) -> Result<Reply, Fault> + Send + 'static,
    ) -> Answer {
        let (first, ahead, desk) = (self.desk(), self.desk(), self.desk());
        let decided = blocking(move || first.may_show(patient)).await;
        let witnessed = match decided {
            Ok(patient) => {
                let ahead = ahead.sight.witness_ahead(&ahead.state, &ahead.viewer, patient.id()).await;
                ahead.map(|()| patient)
            }
            Err(fault) => Err(fault),
        };
        let done = match witnessed {
            Ok(patient) => blocking(move || desk.shown(patient, work)).await,
            Err(fault) => Err(fault),
        };
        finish(&self.request, done)
    }

    /// The present instant.
    #[must_use]
    pub(crate) fn now(&self) -> Instant {
        self.state.now()
    }

    /// Waits for leave to hash a password.
    pub(crate) async fn turn(&self) -> Result<Turn, Refusal> {
        self.state.checks.turn(Who::Known).await.map_err(|fault| fault.of(&self.request))
    }

    fn desk(&self) -> Desk {
        // A key that cannot be read is a key that is refused, not one that is not there.
        let key = self.request.headers().get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
        Desk {
            state: Data::clone(&self.state),
            viewer: self.viewer.clone(),
            now: self.state.now(),
            sight: self.sight.clone(),
            route: format!("{} {}", self.request.method(), self.request.path()),
            key: key.map(str::to_owned),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    web::block(work).await.map_err(|_stopped| Fault::new(Code::Busy))?
}

fn finish(request: &HttpRequest, done: Result<Reply, Fault>) -> Answer {
    done.map(Reply::into_response).map_err(|fault| fault.of(request))
}

/// Where a handler's work is done.
pub(crate) struct Desk {
    /// What every handler leans on.
    pub state: Data<State>,
    /// Who asks.
    pub viewer: Viewer,
    /// The instant of the request.
    pub now: Instant,
    /// What the request shows of whom.
    pub sight: Sight,
    route: String,
    key: Option<String>,
}

impl Desk {
    /// Alerts as this viewer may see them now.
    #[must_use]
    pub(crate) fn cases(&self) -> Cases<'_> {
        Cases::new(&self.state, self.now, &self.sight, &self.viewer.audience)
    }

    /// Whether the viewer showed who they are within the last minutes.
    ///
    /// # Errors
    /// `E_STEP_UP`.
    pub(crate) fn stepped_up(&self) -> Result<(), Fault> {
        sign_in::stepped_up(&self.state, &self.viewer, self.now)
    }

    /// Reads.
    ///
    /// # Errors
    /// What `work` says; store faults.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut View<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        self.state.store.read(|view| Ok(work(view)))?
    }

    /// Changes as the viewer; a fault undoes it.
    ///
    /// # Errors
    /// What `work` says; store faults.
    pub(crate) fn write<T>(&self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut raised = None;
        let done = self.state.store.write(self.viewer.actor(), self.now, |tx| {
            raised = None;
            work(tx).map_err(|fault| {
                let undone = fault.undone();
                raised = Some(fault);
                undone
            })
        });
        match raised {
            Some(fault) => Err(fault),
            None => Ok(done?),
        }
    }

    /// Creates something, or answers as before when the same call came with the same `Idempotency-Key`. The
    /// answer is stored under the key of whom `work` names.
    ///
    /// # Errors
    /// `E_IDEMPOTENCY` for another body under that key; what `work` says; store faults.
    pub(crate) fn create<T: Serialize>(
        &self,
        body: &[u8],
        mut work: impl FnMut(&mut Tx<'_>) -> Result<(Subject, StatusCode, T), Fault>,
    ) -> Result<Reply, Fault> {
        let actor = self.viewer.actor().name();
        let key = self.key.as_deref();
        if key.is_some_and(|key| key.is_empty() || key.len() > 255) {
            return Err(Fault::invalid("Idempotency-Key", "1 to 255 characters"));
        }
        let call = key.map(|key| idempotency::Call { actor: &actor, route: &self.route, key, body });
        if let Some(call) = &call
            && let Some(stored) = self.state.store.read(|view| idempotency::find(view, call))?
        {
            return Ok(Reply::repeated(stored));
        }
        let mut meanwhile = None;
        let done = self.write(|tx| {
            // The same call at the same moment: the second waits here for the first, finds its answer, changes nothing.
            meanwhile = match &call {
                Some(call) => idempotency::begin(tx, call)?,
                None => None,
            };
            if meanwhile.is_some() {
                return Err(Fault::new(Code::Idempotency));
            }
            let (about, status, made) = work(tx)?;
            let reply = Reply::with(status, &made)?;
            if let Some(call) = &call {
                let answer = idempotency::Answer { status: status.as_u16(), body: reply.body.clone() };
                idempotency::insert(tx, call, about, &answer)?;
            }
            Ok(reply)
        });
        meanwhile.map_or(done, |stored| Ok(Reply::repeated(stored)))
    }

    fn may_show(&self, asked: Requested<PatientId>) -> Result<Visible<PatientId>, Fault> {
        self.read(|view| {
            let patient = self.viewer.visible(view, asked)?;
            permit_display(view, &self.state, &self.viewer, patient.key()).map(|_permit| patient)
        })
    }

    fn shown(
        &self,
        patient: Visible<PatientId>,
        work: impl FnOnce(&mut View<'_>, i64, &Permit<AlertEvaluate>) -> Result<Reply, Fault>,
    ) -> Result<Reply, Fault> {
        let key = patient.key();
        self.read(|view| {
            let permit = permit_display(view, &self.state, &self.viewer, key)?;
            let reply = work(view, key, &permit)?;
            permit_display(view, &self.state, &self.viewer, key).map(|_still| reply)
        })
    }
}

/// What goes back.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    version: Option<i64>,
    kind: &'static str,
}

const JSON: &str = "application/json";

impl Reply {
    /// 200 with plain text.
    #[must_use]
    pub(crate) fn text(text: String) -> Self {
        let kind = "text/plain; charset=utf-8";
        Self { status: StatusCode::OK, body: text.into_bytes(), version: None, kind }
    }

    /// 200 with a body.
    ///
    /// # Errors
    /// `E_INTERNAL` for a value that has no JSON form.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, Fault> {
        Self::with(StatusCode::OK, body)
    }

    /// Any status with a body.
    ///
    /// # Errors
    /// As [`Reply::ok`].
    pub(crate) fn with(status: StatusCode, body: &impl Serialize) -> Result<Self, Fault> {
        let body = serde_json::to_vec(body).map_err(|_shape| Fault::new(Code::Internal))?;
        Ok(Self { status, body, version: None, kind: JSON })
    }

    /// What the same call was answered before.
    fn repeated(answer: idempotency::Answer) -> Self {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::CREATED);
        Self { status, body: answer.body, version: None, kind: JSON }
    }

    /// 204.
    #[must_use]
    pub(crate) const fn none() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: Vec::new(), version: None, kind: JSON }
    }

    /// With the version as ETag.
    #[must_use]
    pub(crate) const fn at(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }

    fn into_response(self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        if let Some(version) = self.version
            && let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\""))
        {
            answer.insert_header((header::ETAG, tag));
        }
        if self.body.is_empty() { answer.finish() } else { answer.content_type(self.kind).body(self.body) }
    }
}
