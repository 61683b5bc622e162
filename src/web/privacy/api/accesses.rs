//! Who saw a patient's data: one question, one answer for the patient, the DPO and the auditor.

use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, Reply};
use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use crate::privacy::pseudonyms;
use domain::{Instant, PatientId, Role, UserId};
use store::View;
use store::db::page::{MOST, USUAL};
use store::patients::audience::Requested;
use store::people::users;
use store::privacy::accesses::{self, What};

/// Which looks.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The `next` of the page before.
    before: Option<i64>,
    /// At most so many rows.
    limit: Option<usize>,
}

/// A look at a patient, or one that was refused.
#[derive(Serialize, ToSchema)]
#[schema(as = Access)]
pub(crate) struct Looked {
    #[schema(value_type = String)]
    at: Instant,
    /// By which role; null for the program and its operator.
    role: Option<&'static str>,
    /// By whom: an id; for the DPO and auditors a pseudonym of their own.
    #[schema(value_type = Option<String>)]
    viewer: Option<uuid::Uuid>,
    /// The name, for the patient and the DPO alone.
    name: Option<String>,
    /// `identity`, `contacts`, `consents`, `alerts`, `readings`, `looks`, `reveal` or `export`.
    what: &'static str,
    /// The code that refused it: nothing was shown.
    refused: Option<String>,
    /// As one of several in a list.
    listed: bool,
}

/// Looks, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Accesses)]
pub(crate) struct Looks {
    items: Vec<Looked>,
    /// Pass it as `before`; null at the first.
    next: Option<i64>,
}

/// Who looked at a patient, or was refused, the newest first.
#[utoipa::path(get, path = "/api/v1/patients/{id}/accesses", tag = "audit", params(("id" = String, Path), Wanted), responses((status = 200, body = Looks), (status = 404)))]
pub(crate) async fn list(call: Call, id: Path<Requested<PatientId>>, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| {
        let limit = wanted.limit.unwrap_or(USUAL).clamp(1, MOST);
        desk.read(|view| {
            let patient = desk.viewer.visible(view, *id)?;
            desk.sight.saw(patient.id(), What::Looks);
            let most = i64::try_from(limit).unwrap_or(i64::MAX);
            let (items, next) = shown(view, &desk.viewer, patient.key(), wanted.before, most)?;
            Reply::ok(&Looks { items, next })
        })
    })
    .await
}

/// A page of the looks at a patient as a viewer may know them, and the place of the last where there may be more.
///
/// # Errors
/// Store faults.
pub(crate) fn shown(
    view: &mut View<'_>,
    viewer: &Viewer,
    patient_key: i64,
    before: Option<i64>,
    most: i64,
) -> Result<(Vec<Looked>, Option<i64>), Fault> {
    let found = accesses::of_patient(view, patient_key, before, most)?;
    let next = found.last().filter(|_| i64::try_from(found.len()) == Ok(most)).map(|look| look.id);
    let mut items = Vec::with_capacity(found.len());
    for look in found {
        let (by, name) = match look.viewer {
            Some(user) => named(view, viewer, user)?,
            None => (None, None),
        };
        items.push(Looked {
            at: look.at,
            role: look.role.map(Role::name),
            viewer: by,
            name,
            what: look.what.name(),
            refused: look.refused,
            listed: look.listed,
        });
    }
    Ok((items, next))
}

/// Who looked: for the person themselves by id and name, for the DPO by a pseudonym and a colleague's name, for auditors
/// by a pseudonym.
fn named(
    view: &mut View<'_>,
    viewer: &Viewer,
    user: UserId,
) -> Result<(Option<uuid::Uuid>, Option<String>), Fault> {
    if viewer.role == Role::Patient {
        let name = users::get(view, user)?.identity.map(|who| String::from(who.name));
        return Ok((Some(user.0), name));
    }
    let name = if viewer.role == Role::Dpo { colleague(view, user)? } else { None };
    Ok((Some(pseudonyms::shown(view, viewer, PatientId(user.0))?.0), name))
}

/// The name of a colleague; a patient who looked at their own data is known to nobody by name.
fn colleague(view: &mut View<'_>, user: UserId) -> Result<Option<String>, Fault> {
    let user = users::get(view, user)?;
    Ok(user.identity.filter(|_| user.role != Role::Patient).map(|who| String::from(who.name)))
}
