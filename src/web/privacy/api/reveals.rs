//! Who stands behind a pseudonym: a DPO knows one person at a time under a reason, an auditor once a DPO has agreed.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, Desk, List, Paging, Reply};
use crate::http::fault::Fault;
use crate::privacy::pseudonyms;
use domain::{Can, Instant, PatientId, PatientIdentity, RevealId};
use store::patients::audience::Requested;
use store::privacy::accesses::What;
use store::privacy::reveals;
use store::{Subject, View};

/// Why somebody is to be known.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RevealReason)]
pub(crate) struct Why {
    /// The number of the request that asks for it; the log keeps it, sealed.
    reason: String,
}

/// A request to know who stands behind a pseudonym.
#[derive(Serialize, ToSchema)]
#[schema(as = Reveal)]
pub(crate) struct Asked {
    #[schema(value_type = String)]
    id: RevealId,
    /// As this viewer knows the patient.
    #[schema(value_type = String)]
    patient_id: PatientId,
    /// Who asks, as this viewer knows them.
    #[schema(value_type = String)]
    asked_by: uuid::Uuid,
    /// Null once the person was erased.
    reason: Option<String>,
    #[schema(value_type = String)]
    asked_at: Instant,
    /// `asked`, `approved`, `refused`, `over`.
    state: &'static str,
    #[schema(value_type = Option<String>)]
    decided_at: Option<Instant>,
}

/// Who stands behind a pseudonym.
#[derive(Serialize, ToSchema)]
#[schema(as = RevealedPerson)]
pub(crate) struct Known {
    /// The patient's own id.
    #[schema(value_type = String)]
    patient_id: PatientId,
    name: String,
    #[schema(value_type = String)]
    birth_date: chrono::NaiveDate,
    /// All but six digits are hidden.
    cpf: Option<String>,
}

impl Known {
    fn of(patient_id: PatientId, who: &PatientIdentity) -> Self {
        let (name, birth_date) = (who.name.as_str().to_owned(), who.birth_date);
        Self { patient_id, name, birth_date, cpf: who.cpf.as_ref().map(domain::Cpf::masked) }
    }
}

fn shown(view: &mut View<'_>, desk: &Desk, reveal: reveals::Reveal) -> Result<Asked, Fault> {
    desk.sight.saw(reveal.patient, What::Looks);
    Ok(Asked {
        id: reveal.id,
        patient_id: pseudonyms::shown(view, &desk.viewer, reveal.patient)?,
        asked_by: pseudonyms::shown(view, &desk.viewer, PatientId(reveal.asker.0))?.0,
        reason: reveal.reason,
        asked_at: reveal.asked_at,
        state: reveal.state.name(),
        decided_at: reveal.decided.map(|(_, at)| at),
    })
}

/// Reveals who a patient is, to a DPO; an auditor's request waits for one (202).
#[utoipa::path(post, path = "/api/v1/patients/{id}/reveals", tag = "audit", params(("id" = String, Path)), request_body = Why,
    responses((status = 201, body = Known), (status = 202, body = Asked), (status = 403, description = "E_STEP_UP, E_ERASED"), (status = 404), (status = 422, description = "E_REASON")))]
pub(crate) async fn create(call: Call, id: Path<Requested<PatientId>>, body: Body<Why>) -> Answer {
    call.run(move |desk| {
        let id = desk.read(|view| desk.viewer.visible(view, *id))?.id();
        if desk.viewer.may(Can::ApproveReveals) {
            desk.stepped_up()?;
            // Never from a stored answer: each reveal is an entry of its own.
            let who = desk.write(|tx| Ok(reveals::at_once(tx, id, &body.value.reason)?))?;
            return Reply::with(StatusCode::CREATED, &Known::of(id, &who));
        }
        desk.create(&body.bytes, |tx| {
            let reveal = reveals::ask(tx, id, &body.value.reason)?;
            Ok((Subject::Patient(id), StatusCode::ACCEPTED, shown(tx, desk, reveal)?))
        })
    })
    .await
}

/// Requests to know who somebody is: for auditors their own, for a DPO all, in the order in which they came.
#[utoipa::path(get, path = "/api/v1/reveals", tag = "audit", params(Paging), responses((status = 200, body = List<Asked>)))]
pub(crate) async fn list(call: Call, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let ask = paging.ask()?;
        let own = (!desk.viewer.may(Can::ApproveReveals)).then_some(desk.viewer.id);
        desk.read(|view| {
            let page = reveals::page(view, &desk.viewer.audience, own, &ask, desk.now)?;
            let mut items = Vec::with_capacity(page.items.len());
            for reveal in page.items {
                items.push(shown(view, desk, reveal)?);
            }
            Reply::ok(&List { items, next: page.next })
        })
    })
    .await
}

/// Agrees that an auditor may know who somebody is, for a day.
#[utoipa::path(post, path = "/api/v1/reveals/{id}/approve", tag = "audit", params(("id" = String, Path)),
    responses((status = 200, body = Asked), (status = 403, description = "E_FOUR_EYES, E_STEP_UP"), (status = 404), (status = 409)))]
pub(crate) async fn approve(call: Call, id: Path<Requested<RevealId>>) -> Answer {
    call.run(move |desk| decide(desk, *id, true)).await
}

/// Says no to an auditor's request.
#[utoipa::path(post, path = "/api/v1/reveals/{id}/refuse", tag = "audit", params(("id" = String, Path)),
    responses((status = 200, body = Asked), (status = 403, description = "E_FOUR_EYES, E_STEP_UP"), (status = 404), (status = 409)))]
pub(crate) async fn refuse(call: Call, id: Path<Requested<RevealId>>) -> Answer {
    call.run(move |desk| decide(desk, *id, false)).await
}

fn decide(desk: &Desk, asked: Requested<RevealId>, approved: bool) -> Result<Reply, Fault> {
    desk.stepped_up()?;
    let asked = desk.write(|tx| {
        let id = desk.viewer.audience.reveal(tx, asked)?.id();
        let reveal = reveals::decide(tx, id, approved)?;
        shown(tx, desk, reveal)
    })?;
    Reply::ok(&asked)
}

/// Who it is, for the auditor whose request a DPO agreed to. Each call is an entry, and the person sees it.
#[utoipa::path(post, path = "/api/v1/reveals/{id}/open", tag = "audit", params(("id" = String, Path)),
    responses((status = 200, body = Known), (status = 403, description = "E_FOUR_EYES, E_STEP_UP"), (status = 404)))]
pub(crate) async fn open(call: Call, id: Path<Requested<RevealId>>) -> Answer {
    call.run(move |desk| {
        let reveal = desk.read(|view| {
            let id = desk.viewer.audience.reveal(view, *id)?.id();
            Ok(reveals::get(view, id, desk.now)?)
        })?;
        let opened = desk.stepped_up().and_then(|()| desk.write(|tx| Ok(reveals::open(tx, reveal.id)?)));
        let (reveal, who) = pseudonyms::revealed(&desk.sight, reveal.patient, opened)?;
        Reply::ok(&Known::of(reveal.patient, &who))
    })
    .await
}
