//! From a page's request to its HTML: who looks, the store on a blocking thread, the access entry ahead of
//! health data, the whole page or the part that htmx asked for.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{self, Data};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse};

use crate::alerts::cases::{self, Cases};
use crate::http::fault::Fault;
use crate::http::problem::{self, Refusal};
use crate::pages::shell;
use crate::pages::{Html, Masked};
use crate::people::auth::{self, Viewer, permit_display};
use crate::privacy::sight::Sight;
use crate::state::State;
use crate::{Code, Section, Shell, Words};
use domain::{AlertId, Can, Instant, PatientId};
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::What;
use store::{Tx, View};

/// What a handler gives.
pub(crate) type Answer = Result<HttpResponse, Refusal>;

/// A page's request that the gate of its route let through.
pub(crate) struct Visit {
    request: HttpRequest,
    state: Data<State>,
    sight: Sight,
    /// Who looks.
    pub viewer: Viewer,
}

impl FromRequest for Visit {
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

/// What may be shown of one patient's health data, decided and witnessed ahead of reading it.
#[derive(Debug, Clone)]
pub(crate) enum Look {
    /// A permit holds and the look is in the log.
    Open,
    /// No permit.
    Masked(Masked),
    /// The access entry could not be written in time.
    Unrecorded,
    /// The viewer's role sees none.
    NotYours,
}

/// What becomes of a form that was sent.
pub(crate) enum Step {
    /// The page again, with what is wrong or what would be.
    Html(Html),
    /// Done: the reader goes on to this address.
    To(String),
}

impl Visit {
    /// Renders on a blocking thread.
    ///
    /// # Errors
    /// What `work` says, in the form that the reader wants.
    pub(crate) async fn page(
        self,
        section: Section,
        work: impl FnOnce(&Room) -> Result<Html, Fault> + Send + 'static,
    ) -> Answer {
        let room = self.room(section);
        let done = blocking(move || {
            let room = room.entered()?;
            work(&room)?.map_err(unrendered)
        })
        .await;
        match done {
            Ok(html) => Ok(html_of(html)),
            Err(fault) => Err(fault.of(&self.request)),
        }
    }

    /// Does something on a blocking thread that leads on, or to a page that says what is still wrong.
    ///
    /// # Errors
    /// What `work` says, in the form that the reader wants.
    pub(crate) async fn form(
        self,
        section: Section,
        work: impl FnOnce(&Room) -> Result<Step, Fault> + Send + 'static,
    ) -> Answer {
        let room = self.room(section);
        let done = blocking(move || {
            let room = room.entered()?;
            work(&room)
        })
        .await;
        match done.and_then(|step| match step {
            Step::Html(html) => html.map(html_of).map_err(unrendered),
            Step::To(to) => Ok(see_other(&to)),
        }) {
            Ok(answer) => Ok(answer),
            Err(fault) => Err(fault.of(&self.request)),
        }
    }

    /// Works on a blocking thread for an answer that is no page.
    ///
    /// # Errors
    /// What `work` says.
    pub(crate) async fn gather<T: Send + 'static>(
        self,
        work: impl FnOnce(&Room) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let room = self.room(Section::Elsewhere);
        blocking(move || work(&room)).await
    }

    /// Whether htmx asks for a part of the page.
    #[must_use]
    pub(crate) fn is_part(&self) -> bool {
        problem::wants_fragment(self.request.headers())
    }

    /// Gives a text to take away under `name`.
    ///
    /// # Errors
    /// What `work` says.
    pub(crate) async fn file(
        self,
        name: String,
        work: impl FnOnce(&Room) -> Result<String, Fault> + Send + 'static,
    ) -> Answer {
        let room = self.room(Section::Elsewhere);
        match blocking(move || work(&room)).await {
            Ok(text) => Ok(HttpResponse::Ok()
                .content_type("text/plain; charset=utf-8")
                .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
                .body(text)),
            Err(fault) => Err(fault.of(&self.request)),
        }
    }

    /// Does something, then sends the reader on (303): `work` says where to.
    ///
    /// # Errors
    /// What `work` says.
    pub(crate) async fn act(
        self,
        work: impl FnOnce(&Room) -> Result<String, Fault> + Send + 'static,
    ) -> Answer {
        let room = self.room(Section::Elsewhere);
        match blocking(move || work(&room)).await {
            Ok(to) if problem::wants_word(self.request.headers()) => {
                Ok(HttpResponse::NoContent().insert_header(("x-zelo-to", to)).finish())
            }
            Ok(to) => Ok(see_other(&to)),
            Err(fault) => Err(fault.of(&self.request)),
        }
    }

    /// A fault as this reader wants it.
    #[must_use]
    pub(crate) fn refuse(&self, fault: Fault) -> Refusal {
        fault.of(&self.request)
    }

    /// Decides what of a patient this viewer may see, and puts the look in the log when something is.
    ///
    /// # Errors
    /// `E_NOT_FOUND`; store faults.
    pub(crate) async fn look(&self, patient: Visible<PatientId>) -> Result<Look, Refusal> {
        self.looked(patient).await.map_err(|fault| fault.of(&self.request))
    }

    /// The patient whom this reader means by an id, among those whom they may see.
    ///
    /// # Errors
    /// `E_NOT_FOUND`; store faults.
    pub(crate) async fn visible(&self, asked: Requested<PatientId>) -> Result<Visible<PatientId>, Refusal> {
        let room = self.room(Section::Elsewhere);
        let meant = blocking(move || room.read(|view| room.viewer.visible(view, asked))).await;
        meant.map_err(|fault| fault.of(&self.request))
    }

    async fn looked(&self, patient: Visible<PatientId>) -> Result<Look, Fault> {
        if auth::purposes(self.viewer.role).is_empty() {
            return Ok(Look::NotYours);
        }
        let room = self.room(Section::Elsewhere);
        let decided = blocking(move || room.decide(patient)).await?;
        if let Some(masked) = decided {
            self.sight.refused(patient.id(), What::Readings, masked.code.name());
            return Ok(Look::Masked(masked));
        }
        let witnessed = self.sight.witness_ahead(&self.state, &self.viewer, patient.id()).await;
        Ok(if witnessed.is_ok() { Look::Open } else { Look::Unrecorded })
    }

    /// An alert of somebody whom this reader may see, and whose it is.
    ///
    /// # Errors
    /// `E_NOT_FOUND`; store faults.
    pub(crate) async fn alert(
        &self,
        asked: Requested<AlertId>,
    ) -> Result<(Visible<AlertId>, Visible<PatientId>), Fault> {
        let room = self.room(Section::Elsewhere);
        let found = move || {
            room.read(|view| {
                let alert = room.viewer.audience.alert(view, asked)?;
                let patient = cases::patient_of(view, alert.id())?;
                Ok((alert, room.viewer.audience.patient(view, patient)?))
            })
        };
        blocking(found).await
    }

    fn room(&self, section: Section) -> Room {
        let mut shell = shell::of(&self.request).at(section);
        shell.viewer = Some(self.viewer.in_shell());
        Room {
            state: Data::clone(&self.state),
            viewer: self.viewer.clone(),
            now: shell.words.now,
            sight: self.sight.clone(),
            is_part: self.is_part(),
            shell,
        }
    }
}

/// Where a page is put together.
pub(crate) struct Room {
    /// What every handler leans on.
    pub state: Data<State>,
    /// Who looks.
    pub viewer: Viewer,
    /// The instant of the request.
    pub now: Instant,
    /// What the request shows of whom.
    pub sight: Sight,
    /// Whether htmx asks for a part.
    pub is_part: bool,
    /// What surrounds the page.
    pub shell: Shell,
}

impl Room {
    /// Alerts as this reader may see them now.
    #[must_use]
    pub(crate) fn cases(&self) -> Cases<'_> {
        Cases::new(&self.state, self.now, &self.sight, &self.viewer.audience)
    }

    /// The reader's words.
    #[must_use]
    pub(crate) const fn words(&self) -> &Words {
        &self.shell.words
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

    /// Why a patient's readings are hidden from this viewer now; `None` when they are not.
    fn decide(&self, patient: Visible<PatientId>) -> Result<Option<Masked>, Fault> {
        self.read(|view| match permit_display(view, &self.state, &self.viewer, patient.key()) {
            Ok(_permit) => Ok(None),
            Err(fault) => masked(fault).map(Some),
        })
    }

    /// What comes before every page: what the reader was called to is read once they open it, and the rail gets its
    /// number.
    fn entered(mut self) -> Result<Self, Fault> {
        // A part is fetched for a tab that nobody may be looking at.
        if !self.is_part {
            let place = self.shell.path.split('?').next().unwrap_or_default();
            store::messages::seen::opened(&self.state.store, self.viewer.id, place, self.now)?;
        }
        if self.viewer.may(Can::SeeAlerts) {
            let red = self.read(|view| Ok(cases::red_open(view, &self.viewer.audience, cases::MOST)?))?;
            self.shell.red_open = Some(u32::try_from(red).unwrap_or(u32::MAX));
        }
        Ok(self)
    }
}

/// The refusal of a consent decision as the page says it.
///
/// # Errors
/// Any other fault, unchanged.
pub(crate) fn masked(fault: Fault) -> Result<Masked, Fault> {
    let is_decision = fault.more.contains_key("purpose") || fault.code == Code::NoRecord;
    if fault.code.status() != actix_web::http::StatusCode::FORBIDDEN
        || !is_decision && fault.code == Code::Role
    {
        return Err(fault);
    }
    let since = fault.more.get("since").and_then(serde_json::Value::as_str).and_then(Instant::parse);
    Ok(Masked { code: fault.code, since })
}

/// Works on a blocking thread.
///
/// # Errors
/// What `work` says; `E_BUSY`.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    web::block(work).await.map_err(|_stopped| Fault::new(Code::Busy))?
}

/// An HTML answer.
pub(crate) fn html_of(html: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html)
}

/// 303: the reader goes on to `to`.
pub(crate) fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// The formatter's failure, which no data of ours causes.
pub(crate) fn unrendered(error: askama::Error) -> Fault {
    tracing::error!(%error, "a page could not be rendered");
    Fault::new(Code::Internal)
}
