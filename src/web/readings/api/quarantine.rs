//! Readings set aside: shown to clinicians under a permit to collect, released or discarded with a reason.

use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Names;
use crate::http::api::{Answer, Body, Call, List, Paging, Reply};
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::people::auth::{Viewer, permit_collected, permit_display};
use crate::state::State;
use domain::{DeviceId, Instant, Line, PatientId};
use store::devices::bindings;
use store::patients::audience::Requested;
use store::readings;
use store::readings::quarantine;
use store::{Keyed, Tx, patients};

/// Something set aside.
#[derive(Serialize, ToSchema)]
#[schema(as = QuarantinedReading)]
pub(crate) struct Aside {
    #[schema(value_type = String)]
    id: Uuid,
    /// `E_CLOCK`, `E_IMPLAUSIBLE`, `E_CONFLICT`, `E_WITHDRAWN`, …
    reason: String,
    signal: Option<&'static str>,
    #[schema(value_type = Option<String>)]
    at: Option<Instant>,
    /// In the unit that it came in.
    value: Option<f64>,
    unit: Option<&'static str>,
    flags: Vec<&'static str>,
    #[schema(value_type = String)]
    device_id: DeviceId,
    #[schema(value_type = String)]
    received_at: Instant,
    /// When it goes.
    #[schema(value_type = String)]
    expires_at: Instant,
}

/// What waits for a decision on a patient, newest first.
#[utoipa::path(get, path = "/api/v1/patients/{id}/quarantine", tag = "quarantine", params(("id" = String, Path), Paging),
    responses((status = 200, body = List<Aside>), (status = 403, description = "No legal basis: code and article")))]
pub(crate) async fn list(call: Call, id: Path<Requested<PatientId>>, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let limit = i64::try_from(paging.limit()?).unwrap_or(i64::MAX);
        desk.read(|view| {
            let key = desk.viewer.visible(view, *id)?.key();
            let permit = permit_collected(view, &desk.state, &desk.viewer, key)?;
            let display = permit_display(view, &desk.state, &desk.viewer, key)?;
            let mut names = Names::default();
            let mut items = Vec::new();
            for item in quarantine::waiting(view, &permit, &display, key, limit)? {
                let (reading, about) = (item.reading, item.names);
                items.push(Aside {
                    id: item.id,
                    reason: item.reason,
                    signal: about.map(|(signal, _)| signal.name()),
                    at: about.map(|(_, at)| at),
                    value: reading.map(|reading| reading.value),
                    unit: reading.map(|reading| reading.unit.ucum()),
                    flags: reading.map_or_else(Vec::new, |reading| reading.flags.names()),
                    device_id: names.of(view, item.device_key)?,
                    received_at: item.received_at,
                    expires_at: item.expires_at,
                });
            }
            Reply::ok(&List::whole(items))
        })
    })
    .await
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    reason: String,
}

/// Releases a reading: it is the value in force at its instant, what stood there stays as superseded, and its series is
/// judged anew. Of a withdrawal (`E_WITHDRAWN`): the reading that it names is in force no more.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/release", tag = "quarantine", params(("id" = String, Path)), request_body = Reason, responses((status = 204)))]
pub(crate) async fn release(call: Call, id: Path<Requested<Uuid>>, body: Body<Reason>) -> Answer {
    decided(call, *id, true, body.value.reason).await
}

/// Discards a reading.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/discard", tag = "quarantine", params(("id" = String, Path)), request_body = Reason, responses((status = 204)))]
pub(crate) async fn discard(call: Call, id: Path<Requested<Uuid>>, body: Body<Reason>) -> Answer {
    decided(call, *id, false, body.value.reason).await
}

async fn decided(call: Call, id: Requested<Uuid>, released: bool, reason: String) -> Answer {
    call.run(move |desk| {
        desk.write(|tx| decide(tx, &desk.state, &desk.viewer, id, released, &reason))?;
        Ok(Reply::none())
    })
    .await
}

/// Decides on one item as the acting viewer; the pages use it too.
///
/// # Errors
/// `E_REASON` without one, `E_NOT_FOUND`, the refusal of consent.
pub(crate) fn decide(
    tx: &mut Tx<'_>,
    state: &State,
    viewer: &Viewer,
    asked: Requested<Uuid>,
    released: bool,
    reason: &str,
) -> Result<(), Fault> {
    let reason = reason.parse().ok().filter(|why: &Line<500>| why.chars().count() >= 3);
    let reason = reason.ok_or_else(|| Fault::new(Code::ReasonMissing).with("field", "reason"))?;
    let id = viewer.audience.quarantined(tx, asked)?.id();
    let item = quarantine::get(tx, id)?;
    let Some(key) = item.patient_key else { return Err(Code::State.into()) };
    let patient = Keyed { key, id: patients::id_of(tx, key)? };
    let permit = permit_collected(tx, state, viewer, key)?;
    if released {
        let Some((_, at)) = item.names else { return Err(Code::State.into()) };
        // Since it was set aside, the device may have turned out to be another's at that instant.
        let wearer = bindings::at(tx, item.device_key, at)?;
        if wearer.is_none_or(|wearer| wearer.patient_key != key) {
            return Err(Fault::new(Code::State).with("reason", "the device was not this patient's then"));
        }
        if !readings::put_in_force(tx, &permit, patient, &item)? {
            return Err(Fault::new(Code::State).with("reason", "what it takes back is not there any more"));
        }
    }
    Ok(quarantine::decide(tx, &item, patient.id, released, &reason)?)
}
