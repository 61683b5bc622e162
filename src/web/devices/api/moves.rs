//! Devices that change hands: how many readings a change of a binding moves, which moves there were, and what waits for
//! whoever wore a device. Counts, signals and instants; never a value.

use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, List, Reply};
use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use domain::{DeviceId, Instant, PatientId};
use store::devices::bindings::Binding;
use store::devices::moves::{self, Counted};
use store::devices::unbound;
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::What;
use store::{Error, View, patients};

/// Moves of a device that are listed.
const LISTED: i64 = 100;

/// How many readings change hands.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Moving {
    /// So many, counted up to 10,000.
    readings: usize,
    /// Whether there are more.
    more: bool,
}

impl From<Counted> for Moving {
    fn from(counted: Counted) -> Self {
        let Counted { readings, more } = counted;
        Self { readings, more }
    }
}

/// From whom readings of a device were taken that a binding from `from` on would give: whoever binds it shows them to
/// somebody else.
///
/// # Errors
/// Database errors.
pub(crate) fn taken_from(
    view: &mut View<'_>,
    viewer: &Viewer,
    device: Visible<DeviceId>,
    from: Instant,
) -> Result<Vec<PatientId>, Fault> {
    let moves = moves::of_device(view, &viewer.audience, device.key(), LISTED)?;
    let taken = moves.iter().filter(|one| !one.gives && one.to > from);
    Ok(taken.map(|one| patients::id_of(view, one.patient_key)).collect::<Result<_, _>>()?)
}

/// How many readings a binding from `from` on would give.
///
/// # Errors
/// Database errors.
pub(crate) fn coming(
    view: &mut View<'_>,
    device: Visible<DeviceId>,
    from: Instant,
) -> Result<Counted, Fault> {
    Ok(moves::coming(view, device.key(), from)?)
}

/// How many readings an end of a device's binding at an instant would take from whose it is; counted before the change, which
/// everybody waits for. None where there is nothing to end: the change says why.
///
/// # Errors
/// Database errors.
pub(crate) fn leaving(
    view: &mut View<'_>,
    device: DeviceId,
    of: Option<PatientId>,
    at: Instant,
    now: Instant,
) -> Result<Counted, Fault> {
    match moves::ending(view, device, of, at, now) {
        Ok((_, counted)) => Ok(counted),
        Err(Error::Conflict(_) | Error::NotFound(_)) => Ok(Counted::default()),
        Err(error) => Err(error.into()),
    }
}

/// Whose binding, and when.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct When {
    /// Who is meant; else the one whose the device is.
    #[param(value_type = Option<String>)]
    patient_id: Option<Requested<PatientId>>,
    /// Now by default.
    #[param(value_type = Option<String>)]
    at: Option<Instant>,
}

/// What an end of a device's binding would do.
#[derive(Serialize, ToSchema)]
#[schema(as = BindingEndAhead)]
pub(crate) struct Ending {
    /// Whose the device is.
    #[schema(value_type = String)]
    patient_id: PatientId,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    at: Instant,
    /// How many readings would not be the patient's any more.
    moving: Moving,
}

/// What ending a device's binding at an instant would do; nothing is changed.
#[utoipa::path(get, path = "/api/v1/devices/{id}/unbind", tag = "devices", params(("id" = String, Path), When), responses((status = 200, body = Ending), (status = 404), (status = 409)))]
pub(crate) async fn ending(call: Call, id: Path<Requested<DeviceId>>, when: Query<When>) -> Answer {
    call.run(move |desk| {
        let at = when.at.unwrap_or(desk.now);
        desk.read(|view| {
            let device = desk.viewer.audience.device(view, *id)?.id();
            let of = when.patient_id.map(|asked| desk.viewer.audience.patient(view, asked)).transpose()?;
            let (binding, counted) = moves::ending(view, device, of.map(Visible::id), at, desk.now)?;
            desk.sight.saw(binding.patient, What::Identity);
            let Binding { patient, from, .. } = binding;
            Reply::ok(&Ending { patient_id: patient, from, at, moving: counted.into() })
        })
    })
    .await
}

/// What waits of one signal for whoever wore the device: no value, for there is nobody to permit a look.
#[derive(Serialize, ToSchema)]
#[schema(as = NobodysReadings)]
pub(crate) struct Waiting {
    signal: &'static str,
    readings: i64,
    /// When the first was measured.
    #[schema(value_type = String)]
    from: Instant,
    /// When the last was measured.
    #[schema(value_type = String)]
    to: Instant,
    /// When the first of them goes.
    #[schema(value_type = String)]
    expires_at: Instant,
}

/// What a device measured while it was nobody's (`E_NOT_BOUND`): given to whom a binding that covers it names.
#[utoipa::path(get, path = "/api/v1/devices/{id}/quarantine", tag = "devices", params(("id" = String, Path)), responses((status = 200, body = List<Waiting>), (status = 404)))]
pub(crate) async fn quarantine(call: Call, id: Path<Requested<DeviceId>>) -> Answer {
    call.run(move |desk| {
        desk.read(|view| {
            let key = desk.viewer.audience.device(view, *id)?.key();
            let waiting = unbound::of_device(view, key)?.into_iter();
            let items = waiting.map(|waiting| Waiting {
                signal: waiting.signal.name(),
                readings: waiting.readings,
                from: waiting.from,
                to: waiting.to,
                expires_at: waiting.expires_at,
            });
            Reply::ok(&List::whole(items.collect()))
        })
    })
    .await
}

/// Readings that a change of a binding took from a patient or gave to one.
#[derive(Serialize, ToSchema)]
#[schema(as = MovedReadings)]
pub(crate) struct Moved {
    /// Whom they were taken from or given to.
    #[schema(value_type = String)]
    patient_id: PatientId,
    /// `taken` or `given`.
    what: &'static str,
    /// Measured from here…
    #[schema(value_type = String)]
    from: Instant,
    /// …to here; absent: as long as it was measured.
    #[schema(value_type = Option<String>)]
    to: Option<Instant>,
    /// How many so far.
    readings: i64,
    /// How many the patient did not permit to be stored: they wait on.
    refused: i64,
    #[schema(value_type = String)]
    asked_at: Instant,
    /// Absent while it goes on.
    #[schema(value_type = Option<String>)]
    done_at: Option<Instant>,
}

/// Which readings of a device changed hands, the newest first; the last hundred changes.
#[utoipa::path(get, path = "/api/v1/devices/{id}/moves", tag = "devices", params(("id" = String, Path)), responses((status = 200, body = List<Moved>), (status = 404)))]
pub(crate) async fn list(call: Call, id: Path<Requested<DeviceId>>) -> Answer {
    call.run(move |desk| {
        desk.read(|view| {
            let key = desk.viewer.audience.device(view, *id)?.key();
            let mut items = Vec::new();
            for one in moves::of_device(view, &desk.viewer.audience, key, LISTED)? {
                let patient_id = patients::id_of(view, one.patient_key)?;
                desk.sight.saw(patient_id, What::Identity);
                items.push(Moved {
                    patient_id,
                    what: if one.gives { "given" } else { "taken" },
                    from: one.from,
                    to: (one.to < Instant::MAX).then_some(one.to),
                    readings: one.moved,
                    refused: one.refused,
                    asked_at: one.created_at,
                    done_at: one.done_at,
                });
            }
            Reply::ok(&List::whole(items))
        })
    })
    .await
}
