//! Patients: names and contacts for the roles that reach people, the CPF in full only where it is worked with.

pub(crate) mod timeline;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, IfMatch, List, Paging, Reply};
use crate::http::code::Code;
use crate::http::fault::Fault;
use domain::time::civil::Zone;
use domain::{Cns, Cpf, Email, Instant, Name, PatientId, PatientIdentity, Phone, Role};
use store::Subject;
use store::patients::audience::Requested;
use store::patients::{self, Details, Patient};
use store::privacy::accesses::What;

/// A patient as a viewer may see them.
#[derive(Serialize, ToSchema)]
#[schema(as = Patient)]
pub(crate) struct Seen {
    #[schema(value_type = String)]
    id: PatientId,
    /// Null once erased, like everything that identifies.
    name: Option<String>,
    birth_date: Option<String>,
    /// Masked unless the viewer works with it.
    cpf: Option<String>,
    cns: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    zone: String,
    language: String,
    #[schema(value_type = String)]
    created_at: Instant,
    #[schema(value_type = Option<String>)]
    blocked_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    erased_at: Option<Instant>,
    version: i64,
}

impl Seen {
    pub(crate) fn of(patient: Patient, role: Role) -> Self {
        let whole = matches!(role, Role::Clinician | Role::Admin | Role::Patient);
        let who = patient.identity;
        let cpf = |cpf: &Cpf| if whole { cpf.as_str().to_owned() } else { cpf.masked() };
        Self {
            id: patient.id,
            name: who.as_ref().map(|who| who.name.as_str().to_owned()),
            birth_date: who.as_ref().map(|who| who.birth_date.to_string()),
            cpf: who.as_ref().and_then(|who| who.cpf.as_ref().map(cpf)),
            cns: who.as_ref().filter(|_| whole).and_then(|who| Some(who.cns.as_ref()?.as_str().to_owned())),
            email: who.as_ref().and_then(|who| Some(who.email.as_ref()?.as_str().to_owned())),
            phone: who.as_ref().and_then(|who| Some(who.phone.as_ref()?.as_str().to_owned())),
            zone: patient.zone,
            language: patient.language,
            created_at: patient.created_at,
            blocked_at: patient.blocked_at,
            erased_at: patient.erased_at,
            version: patient.version,
        }
    }
}

/// A patient to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPatient {
    #[schema(value_type = String)]
    name: Name,
    /// `YYYY-MM-DD`.
    #[schema(value_type = String)]
    birth_date: NaiveDate,
    #[schema(value_type = Option<String>)]
    cpf: Option<Cpf>,
    #[schema(value_type = Option<String>)]
    cns: Option<Cns>,
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    #[schema(value_type = Option<String>)]
    phone: Option<Phone>,
    /// IANA; America/Sao_Paulo by default.
    zone: Option<String>,
    /// `pt-BR` by default, or `en`.
    language: Option<String>,
}

/// What is corrected; what is absent stays.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PatientChange)]
pub(crate) struct Corrections {
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    #[schema(value_type = Option<String>)]
    birth_date: Option<NaiveDate>,
    #[schema(value_type = Option<String>)]
    cpf: Option<Cpf>,
    #[schema(value_type = Option<String>)]
    cns: Option<Cns>,
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    #[schema(value_type = Option<String>)]
    phone: Option<Phone>,
    zone: Option<String>,
    language: Option<String>,
}

fn zone(given: Option<String>, otherwise: &str) -> Result<String, Fault> {
    let zone = given.unwrap_or_else(|| otherwise.to_owned());
    let known = Zone::parse(&zone).is_ok();
    if known { Ok(zone) } else { Err(Fault::invalid("zone", "an IANA time zone, such as America/Sao_Paulo")) }
}

fn language(given: Option<String>, otherwise: &str) -> Result<String, Fault> {
    match given.as_deref().unwrap_or(otherwise) {
        known @ ("pt-BR" | "en") => Ok(known.to_owned()),
        _ => Err(Fault::invalid("language", "pt-BR or en")),
    }
}

/// Patients in the order in which they came.
#[utoipa::path(get, path = "/api/v1/patients", tag = "patients", params(Paging), responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let ask = paging.ask()?;
        let page = desk.read(|view| Ok(patients::page(view, &desk.viewer.audience, &ask)?))?;
        page.items.iter().for_each(|patient| desk.sight.saw(patient.id, What::Contacts));
        Reply::ok(&List::of(page, |patient| Seen::of(patient, desk.viewer.role)))
    })
    .await
}

/// One patient.
#[utoipa::path(get, path = "/api/v1/patients/{id}", tag = "patients", params(("id" = String, Path)), responses((status = 200, body = Seen), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<Requested<PatientId>>) -> Answer {
    call.run(move |desk| {
        let patient = desk.read(|view| Ok(patients::get(view, &desk.viewer.audience, *id)?))?;
        let version = patient.version;
        Ok(Reply::ok(&Seen::of(patient, desk.viewer.role))?.at(version))
    })
    .await
}

/// Registers a patient. Nothing of theirs is stored until they grant it.
#[utoipa::path(post, path = "/api/v1/patients", tag = "patients", request_body = NewPatient, responses((status = 201, body = Seen), (status = 409)))]
pub(crate) async fn create(call: Call, body: Body<NewPatient>) -> Answer {
    call.run(move |desk| {
        let NewPatient { name, birth_date, cpf, cns, email, phone, zone: tz, language: lang } = body.value;
        let identity = PatientIdentity { name, birth_date, cpf, cns, email, phone };
        let details =
            Details { identity, zone: zone(tz, "America/Sao_Paulo")?, language: language(lang, "pt-BR")? };
        desk.create(&body.bytes, |tx| {
            let patient = patients::insert(tx, &details)?;
            let id = patient.id;
            Ok((Subject::Patient(id), StatusCode::CREATED, Seen::of(patient, desk.viewer.role)))
        })
    })
    .await
}

/// Corrects a patient's details (LGPD art. 18 III). `If-Match` names the version that was seen.
#[utoipa::path(patch, path = "/api/v1/patients/{id}", tag = "patients", params(("id" = String, Path)), request_body = Corrections, responses((status = 200, body = Seen), (status = 412), (status = 428)))]
pub(crate) async fn patch(
    call: Call,
    id: Path<Requested<PatientId>>,
    expected: IfMatch,
    body: Body<Corrections>,
) -> Answer {
    call.run(move |desk| {
        let patient = desk.write(|tx| {
            let before = patients::get(tx, &desk.viewer.audience, *id)?;
            let id = before.id;
            let version = expected.or(before.version)?;
            let details = corrected(before, body.value.clone())?;
            Ok(patients::update(tx, id, version, &details)?)
        })?;
        let version = patient.version;
        Ok(Reply::ok(&Seen::of(patient, desk.viewer.role))?.at(version))
    })
    .await
}

fn corrected(before: Patient, new: Corrections) -> Result<Details, Fault> {
    let Some(who) = before.identity else { return Err(Code::Erased.into()) };
    let identity = PatientIdentity {
        name: new.name.unwrap_or(who.name),
        birth_date: new.birth_date.unwrap_or(who.birth_date),
        cpf: new.cpf.or(who.cpf),
        cns: new.cns.or(who.cns),
        email: new.email.or(who.email),
        phone: new.phone.or(who.phone),
    };
    Ok(Details {
        identity,
        zone: zone(new.zone, &before.zone)?,
        language: language(new.language, &before.language)?,
    })
}
