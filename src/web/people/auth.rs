//! Who asks. A bearer token or the dashboard's cookie, both backed by the same session row, which is read again
//! with every request: a killed session ends at the next one.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{self, Data};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use consent::{AlertEvaluate, Context, Datum, Permit, Purpose, Request, TelemetryCollect};
use std::future::{Ready, ready};

pub(crate) use crate::http::address::{Site, address, site};
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::http::problem;
use crate::state::State;
use domain::{Can, Instant, PatientId, Role, SessionId, UserId};
use store::consents::ledger;
use store::patients::audience::Audience;
use store::people::sessions::{self, Session};
use store::people::users;
use store::{Actor, Store, Urgency, View, patients};

/// Who is signed in, as of this request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Viewer {
    /// Who.
    pub id: UserId,
    /// As what.
    pub role: Role,
    /// By which session.
    pub session: SessionId,
    /// For the role `patient`: which one.
    pub patient: Option<PatientId>,
    /// Whom they may see.
    pub audience: Audience,
    /// The name as the shell shows it; empty once erased.
    pub name: String,
    /// Whether they may only set the second factor that their role demands.
    pub enrolling: bool,
}

impl Viewer {
    /// The viewer as the store writes them down.
    #[must_use]
    pub(crate) const fn actor(&self) -> Actor {
        Actor::User { id: self.id, role: self.role }
    }

    /// Whether they hold a right.
    #[must_use]
    pub(crate) fn may(&self, right: Can) -> bool {
        right.held_by(self.role)
    }

    /// The viewer as the shell of a page shows them.
    #[must_use]
    pub(crate) fn in_shell(&self) -> crate::pages::shell::Viewer {
        crate::pages::shell::Viewer { name: self.name.clone(), role: self.role }
    }

    /// # Errors
    /// `E_ROLE` without the right.
    pub(crate) fn must(&self, right: Can) -> Result<(), Fault> {
        if self.may(right) { Ok(()) } else { Err(Code::Role.into()) }
    }
}

/// The viewer that the gate of the route let through.
impl FromRequest for Viewer {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<Self>().cloned();
        ready(known.ok_or_else(|| problem::error(request, Code::SignIn)))
    }
}

/// What a request shows of who it is.
#[derive(Debug, Clone)]
enum Shown {
    Bearer(String),
    Cookie(String),
}

fn shown(request: &HttpRequest) -> Option<Shown> {
    if let Some(header) = request.headers().get(header::AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Shown::Bearer(token.trim().to_owned()));
    }
    let site = site(request);
    request.cookie(site.cookie()).map(|cookie| Shown::Cookie(cookie.value().to_owned()))
}

/// The network that asks: an IPv4 address, or the /64 that one IPv6 customer has; empty: not known.
#[must_use]
pub(crate) fn network(request: &HttpRequest) -> String {
    address(request).map_or_else(String::new, |ip| crate::http::connections::network(ip).to_string())
}

/// Who asks, if anybody known does.
///
/// # Errors
/// `E_BUSY` or `E_INTERNAL` when the store cannot say.
pub(crate) async fn identify(request: &HttpRequest) -> Result<Option<Viewer>, Fault> {
    let (Some(shown), Some(state)) = (shown(request), request.app_data::<Data<State>>()) else {
        return Ok(None);
    };
    let state = Data::clone(state);
    web::block(move || known(&state, &shown)).await.map_err(|_stopped| Fault::new(Code::Busy))?
}

fn known(state: &State, shown: &Shown) -> Result<Option<Viewer>, Fault> {
    let now = state.now();
    let found = match shown {
        Shown::Bearer(token) => {
            let Ok(claims) = state.tokens.user(token, now) else { return Ok(None) };
            let session = state.store.read(|view| sessions::live(view, claims.sid, now))?;
            session.filter(|session| session.user == claims.sub)
        }
        Shown::Cookie(secret) => state
            .store
            .read(|view| sessions::find(view, secret, now))?
            .filter(|session| session.kind != sessions::Kind::Program),
    };
    let Some(session) = found else { return Ok(None) };
    let user = state.store.read(|view| users::get(view, session.user))?;
    if user.disabled_at.is_some() || user.held.is_some() {
        return Ok(None);
    }
    keep_alive(&state.store, &session, now);
    Ok(Some(Viewer {
        audience: user.audience(),
        id: user.id,
        role: user.role,
        session: session.id,
        patient: user.patient,
        enrolling: session.kind == sessions::Kind::Enrolment,
        name: user.identity.map_or_else(String::new, |who| who.name.as_str().to_owned()),
    }))
}

fn keep_alive(store: &Store, session: &Session, now: Instant) {
    if !sessions::is_due(session, now) {
        return;
    }
    let noted = store.keep_house(Urgency::Patient, "sessions", now, |tx| sessions::touch(tx, session));
    if let Err(error) = noted {
        // The request goes on: at worst the session ends as idle.
        tracing::warn!(%error, "a session's use could not be noted");
    }
}

/// The purposes that a role may name (DESIGN §5, the matrix).
#[must_use]
pub(crate) const fn purposes(role: Role) -> &'static [Purpose] {
    match role {
        Role::Clinician | Role::Patient => &[Purpose::TelemetryCollect, Purpose::AlertEvaluate],
        Role::Agent | Role::Technician => &[Purpose::AlertEvaluate],
        Role::Manager | Role::Auditor | Role::Dpo | Role::Admin | Role::Service => &[],
    }
}

/// The permit to show a patient's readings to this viewer, now. What was measured before it reaches is left out
/// by the store, or by `Permit::covers`.
///
/// # Errors
/// The refusal of the consent decision, with its article; `E_NOT_FOUND`.
pub(crate) fn permit_display(
    view: &mut View<'_>,
    state: &State,
    viewer: &Viewer,
    patient_key: i64,
) -> Result<Permit<AlertEvaluate>, Fault> {
    // What is stored about a person is theirs to see, whatever the staff may see of it (LGPD art. 18 II).
    let own = viewer.role == Role::Patient;
    decided(view, state, Asks { purposes: purposes(viewer.role), own, datum: Datum::Reading }, patient_key)
}

/// What is asked for, and as whom.
struct Asks {
    purposes: &'static [Purpose],
    own: bool,
    datum: Datum,
}

/// The permit to tell what judgement found of a patient: level, rule and finding, no reading. The right to see alerts is
/// the route's; here the patient decides.
///
/// # Errors
/// As [`permit_display`].
pub(crate) fn permit_finding(
    view: &mut View<'_>,
    state: &State,
    patient_key: i64,
) -> Result<Permit<AlertEvaluate>, Fault> {
    let asks = Asks { purposes: &[Purpose::AlertEvaluate], own: false, datum: Datum::Finding };
    decided(view, state, asks, patient_key)
}

/// The permit to look at what a patient's devices sent and nobody believed yet.
///
/// # Errors
/// As [`permit_display`].
pub(crate) fn permit_collected(
    view: &mut View<'_>,
    state: &State,
    viewer: &Viewer,
    patient_key: i64,
) -> Result<Permit<TelemetryCollect>, Fault> {
    let asks = Asks { purposes: purposes(viewer.role), own: false, datum: Datum::Reading };
    decided(view, state, asks, patient_key)
}

fn decided<P: consent::Typed>(
    view: &mut View<'_>,
    state: &State,
    asks: Asks,
    patient_key: i64,
) -> Result<Permit<P>, Fault> {
    let now = state.now();
    let records = ledger::of(view, patient_key)?;
    let subject = patients::subject(view, patient_key, now)?;
    let person = Context::person(now.micros(), asks.purposes);
    let context = Context { data: &[asks.datum], own: asks.own, ..person };
    let request = Request { bases: &state.bases, records: &records, subject: &subject, context: &context };
    Ok(consent::decide::<P>(&request)?)
}
