//! Consent: the state per purpose with its history, and the acts. A staff member acts for a patient who is there;
//! the log says whose hand it was.

pub(crate) mod terms;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use consent::{Giver, Purpose, Record, Rejected, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, Paging, Reply};
use crate::http::fault::Fault;
use crate::privacy::pseudonyms;
use domain::{Can, ConsentId, Instant, PatientId, Role};
use store::consents::ledger;
use store::consents::{self, Hand, Outcome};
use store::patients::audience::Requested;
use store::privacy::accesses::What;
use store::{Cursor, Error, Subject, Tx};

/// Where a patient's consent stands for one purpose.
#[derive(Serialize, ToSchema)]
#[schema(as = Consent)]
pub(crate) struct Standing {
    #[schema(value_type = String)]
    purpose: Purpose,
    #[schema(value_type = String)]
    state: State,
    /// Grows with every change.
    epoch: i64,
    /// Since when.
    #[schema(value_type = String)]
    at: Instant,
    term_sha256: Option<String>,
    /// Readings measured before it are not covered.
    #[schema(value_type = Option<String>)]
    measured_from: Option<Instant>,
    #[schema(value_type = Option<String>)]
    valid_until: Option<Instant>,
}

impl From<&Record> for Standing {
    fn from(record: &Record) -> Self {
        Self {
            purpose: record.purpose,
            state: record.state,
            epoch: record.epoch,
            at: Instant::from_micros(record.since),
            term_sha256: record.term_sha256.map(hex::encode),
            measured_from: record.first_granted_at.map(|_| Instant::from_micros(record.measured_from)),
            valid_until: record.valid_until.map(Instant::from_micros),
        }
    }
}

/// One act of the history.
#[derive(Serialize, ToSchema)]
pub(crate) struct Past {
    #[schema(value_type = String)]
    id: ConsentId,
    #[schema(value_type = String)]
    purpose: Purpose,
    /// `granted`, `refused`, `revoked`, …
    action: &'static str,
    #[schema(value_type = String)]
    at: Instant,
    epoch: i64,
    /// Whose will it was: `subject`, `guardian`, …
    giver: &'static str,
    /// Who carried it out.
    actor: Option<String>,
}

impl From<consents::Entry> for Past {
    fn from(entry: consents::Entry) -> Self {
        Self {
            id: entry.id,
            purpose: entry.event.purpose,
            action: entry.event.act.action().as_str(),
            at: Instant::from_micros(entry.event.at),
            epoch: entry.epoch,
            giver: entry.event.giver.as_str(),
            actor: entry.actor,
        }
    }
}

/// A patient's consents.
#[derive(Serialize, ToSchema)]
pub(crate) struct Consents {
    /// One row per purpose that was ever asked.
    items: Vec<Standing>,
    /// What led there, oldest first.
    history: Vec<Past>,
    /// Pages the history.
    #[schema(value_type = Option<String>)]
    next: Option<Cursor>,
}

/// Where a patient's consents stand, and how they came to.
#[utoipa::path(get, path = "/api/v1/patients/{id}/consents", tag = "consents", params(("id" = String, Path), Paging), responses((status = 200, body = Consents)))]
pub(crate) async fn state(call: Call, id: Path<Requested<PatientId>>, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let ask = paging.ask()?;
        let (ledger, page) = desk.read(|view| {
            let patient = desk.viewer.visible(view, *id)?;
            desk.sight.saw(patient.id(), What::Consents);
            let mut page = consents::history(view, patient, &ask)?;
            for entry in &mut page.items {
                entry.actor = match entry.actor.take() {
                    Some(actor) => Some(pseudonyms::actor(view, &desk.viewer, actor)?),
                    None => None,
                };
            }
            Ok((ledger::of(view, patient.key())?, page))
        })?;
        Reply::ok(&Consents {
            items: ledger.records().iter().map(Standing::from).collect(),
            history: page.items.into_iter().map(Past::from).collect(),
            next: page.next,
        })
    })
    .await
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// A yes to the text whose hash is given.
    Grant,
    /// A no.
    Refuse,
    /// A yes is taken back.
    Revoke,
}

/// An act of consent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConsentChoice)]
pub(crate) struct Choice {
    purpose: String,
    action: Action,
    /// For a grant: the text that was shown, 64 hexadecimal digits.
    term_sha256: Option<String>,
    /// For a patient's first grant: how far back readings are covered.
    #[schema(value_type = Option<String>)]
    measured_from: Option<Instant>,
}

/// What an act led to.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentEvent)]
pub(crate) struct Made {
    #[schema(value_type = String)]
    id: ConsentId,
    #[schema(value_type = String)]
    purpose: Purpose,
    #[schema(value_type = String)]
    state: State,
    epoch: i64,
    #[schema(value_type = String)]
    at: Instant,
    term_sha256: Option<String>,
}

/// Grants, refuses or revokes. Revoking twice answers 200 with the same epoch.
#[utoipa::path(post, path = "/api/v1/patients/{id}/consents", tag = "consents", params(("id" = String, Path)), request_body = Choice,
    responses((status = 201, body = Made), (status = 200, body = Made), (status = 409, description = "E_STALE_TERM, E_TRANSITION"), (status = 422, description = "E_UNKNOWN_PURPOSE, E_NOT_ASKED: nobody is asked for this purpose")))]
pub(crate) async fn act(call: Call, id: Path<Requested<PatientId>>, body: Body<Choice>) -> Answer {
    call.run(move |desk| {
        let id = desk.read(|view| desk.viewer.visible(view, *id))?.id();
        let right = if body.value.action == Action::Revoke { Can::RevokeConsent } else { Can::AssistConsent };
        desk.viewer.must(right)?;
        let mut rejected = None;
        let done = desk.create(&body.bytes, |tx| {
            let outcome = carry_out(tx, desk.viewer.role, id, &body.value, &mut rejected)?;
            let status = if outcome.changed { StatusCode::CREATED } else { StatusCode::OK };
            let Outcome { id: event, record, .. } = outcome;
            let made = Made {
                id: event,
                purpose: record.purpose,
                state: record.state,
                epoch: record.epoch,
                at: Instant::from_micros(record.since),
                term_sha256: record.term_sha256.map(hex::encode),
            };
            Ok((Subject::Patient(id), status, made))
        });
        if let Some(rejected) = rejected {
            // The attempt counts although its transaction is gone.
            desk.write(|tx| Ok(consents::rejected(tx, id, &rejected)?))?;
        }
        done
    })
    .await
}

fn hand(role: Role) -> Hand {
    let giver = if role == Role::Patient { Giver::Subject } else { Giver::StaffAssisted };
    let evidence = serde_json::json!({ "by": role.name(), "assisted": role != Role::Patient });
    Hand { giver, evidence: Some(evidence) }
}

fn purpose_of(choice: &Choice) -> Result<Purpose, Fault> {
    Purpose::parse(&choice.purpose).ok_or_else(|| Fault::new(crate::Code::UnknownPurpose))
}

fn carry_out(
    tx: &mut Tx<'_>,
    role: Role,
    patient: PatientId,
    choice: &Choice,
    rejected: &mut Option<Rejected>,
) -> Result<Outcome, Fault> {
    let (purpose, hand) = (purpose_of(choice)?, hand(role));
    let done = match choice.action {
        Action::Grant => {
            let text = choice.term_sha256.as_deref();
            let hash =
                text.ok_or_else(|| Fault::invalid("term_sha256", "a grant names the text it says yes to"))?;
            let mut sha256 = [0_u8; 32];
            hex::decode_to_slice(hash, &mut sha256)
                .map_err(|_not_hex| Fault::invalid("term_sha256", "64 hexadecimal digits"))?;
            let measured_from = choice.measured_from.map(Instant::micros);
            let grant = consent::Grant { measured_from, ..consent::Grant::of(sha256) };
            consents::grant(tx, patient, purpose, grant, &hand)
        }
        Action::Refuse => consents::refuse(tx, patient, purpose, &hand),
        Action::Revoke => consents::revoke(tx, patient, purpose, &hand),
    };
    if let Err(Error::Rejected(why)) = &done {
        *rejected = Some(*why);
    }
    Ok(done?)
}
