//! Wearables: enrolled, bound to a patient for a span, given tokens that are shown once.

pub(crate) mod commands;
pub(crate) mod moves;

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::moves::Moving;
use crate::devices::word::Word;
use crate::http::api::{Answer, Body, Call, Desk, List, MayBody, Paging, Reply};
use crate::http::code::Code;
use crate::http::fault::Fault;
use domain::{BindingId, DeviceId, DeviceIdentity, Inscription, Instant, PatientId, TokenId};
use store::devices::bindings::{self, Binding, Of};
use store::devices::moves::Counted;
use store::devices::{self, Device};
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::What;
use store::{Subject, Tx, View};

/// A device.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct Seen {
    #[schema(value_type = String)]
    id: DeviceId,
    #[schema(value_type = String)]
    label: Inscription,
    #[schema(value_type = String)]
    model: Inscription,
    #[schema(value_type = Option<String>)]
    serial: Option<Inscription>,
    /// At whom it is now.
    #[schema(value_type = Option<String>)]
    patient_id: Option<PatientId>,
    online: bool,
    #[schema(value_type = String)]
    created_at: Instant,
    #[schema(value_type = Option<String>)]
    disabled_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    last_seen_at: Option<Instant>,
    /// The newest battery level that it reported, by telemetry or on its `status` topic.
    battery: Option<Charged>,
    /// Its last message on its `status` topic, its will included.
    status: Option<DeviceStatus>,
    version: i64,
}

/// How full a battery was.
#[derive(Serialize, ToSchema)]
pub(crate) struct Charged {
    percent: f64,
    #[schema(value_type = Option<String>)]
    at: Option<Instant>,
}

/// A device's status message.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceStatus)]
pub(crate) struct DeviceStatus {
    /// Its words, cut to one short line.
    text: String,
    #[schema(value_type = Option<String>)]
    at: Option<Instant>,
}

fn seen(view: &mut View<'_>, desk: &Desk, device: Device) -> Result<Seen, Fault> {
    let binding = bindings::at(view, device.key, desk.now)?;
    let word = Word::of(view, device.id, device.key)?;
    Ok(Seen {
        battery: word.battery.map(|(percent, at)| Charged { percent, at }),
        status: word.status.map(|(text, at)| DeviceStatus { text, at }),
        id: device.id,
        label: device.identity.label,
        model: device.identity.model,
        serial: device.identity.serial,
        patient_id: binding.map(|binding| {
            desk.sight.saw(binding.patient, What::Identity);
            binding.patient
        }),
        online: device.online,
        created_at: device.created_at,
        disabled_at: device.disabled_at,
        last_seen_at: device.last_seen_at,
        version: device.version,
    })
}

/// Devices in the order in which they came.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", params(Paging), responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let ask = paging.ask()?;
        desk.read(|view| {
            let page = devices::page(view, &desk.viewer.audience, &ask)?;
            let next = page.next;
            let items = page.items.into_iter().map(|device| seen(view, desk, device));
            Reply::ok(&List { items: items.collect::<Result<_, _>>()?, next })
        })
    })
    .await
}

/// One device.
#[utoipa::path(get, path = "/api/v1/devices/{id}", tag = "devices", params(("id" = String, Path)), responses((status = 200, body = Seen), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<Requested<DeviceId>>) -> Answer {
    call.run(move |desk| {
        desk.read(|view| {
            let id = desk.viewer.audience.device(view, *id)?.id();
            let device = devices::get(view, id)?;
            let version = device.version;
            Ok(Reply::ok(&seen(view, desk, device)?)?.at(version))
        })
    })
    .await
}

/// A device at a patient for a span.
#[derive(Serialize, ToSchema)]
#[schema(as = Binding)]
pub(crate) struct Bound {
    #[schema(value_type = String)]
    id: BindingId,
    #[schema(value_type = String)]
    device_id: DeviceId,
    #[schema(value_type = String)]
    patient_id: PatientId,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = Option<String>)]
    to: Option<Instant>,
    preferred: bool,
}

impl From<Binding> for Bound {
    fn from(binding: Binding) -> Self {
        let Binding { id, device, patient, from, to, preferred, .. } = binding;
        Self { id, device_id: device, patient_id: patient, from, to, preferred }
    }
}

/// A binding that was made or ended, and how many readings change hands by it: a worker moves them at once.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedBinding)]
pub(crate) struct Changed {
    #[serde(flatten)]
    bound: Bound,
    moving: Moving,
}

impl Changed {
    fn of(binding: Binding, counted: Counted) -> Self {
        Self { bound: binding.into(), moving: counted.into() }
    }
}

/// The devices a patient has and had.
#[utoipa::path(get, path = "/api/v1/patients/{id}/devices", tag = "devices", params(("id" = String, Path), Paging), responses((status = 200, body = List<Bound>)))]
pub(crate) async fn of_patient(call: Call, id: Path<Requested<PatientId>>, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let ask = paging.ask()?;
        let page = desk.read(|view| {
            let patient = desk.viewer.visible(view, *id)?;
            Ok(bindings::page(view, Of::Patient(patient.id()), &ask)?)
        })?;
        Reply::ok(&List::of(page, Bound::from))
    })
    .await
}

/// What is written on a device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDevice {
    #[schema(value_type = String)]
    label: Inscription,
    #[schema(value_type = String)]
    model: Inscription,
    #[schema(value_type = Option<String>)]
    serial: Option<Inscription>,
}

/// An enrolled device with its token, which is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceWithToken)]
pub(crate) struct Enrolled {
    #[schema(value_type = String)]
    id: DeviceId,
    /// The MQTT password.
    token: String,
    #[schema(value_type = String)]
    token_id: TokenId,
}

fn issue(tx: &mut Tx<'_>, desk: &Desk, id: DeviceId, expires: Option<Instant>) -> Result<Enrolled, Fault> {
    let token_id = devices::issue_token(tx, id, expires)?;
    let token = desk.state.tokens.for_device(id, token_id, expires, desk.now);
    Ok(Enrolled { id, token: token.map_err(|_key| Fault::new(Code::Internal))?, token_id })
}

/// Enrols a device and gives its first token.
#[utoipa::path(post, path = "/api/v1/devices", tag = "devices", request_body = NewDevice, responses((status = 201, body = Enrolled)))]
pub(crate) async fn create(call: Call, body: Body<NewDevice>) -> Answer {
    call.run(move |desk| {
        let NewDevice { label, model, serial } = body.value;
        let identity = DeviceIdentity { label, model, serial };
        desk.create(&body.bytes, |tx| {
            let id = devices::insert(tx, &identity)?.id;
            Ok((Subject::Device(id), StatusCode::CREATED, issue(tx, desk, id, None)?))
        })
    })
    .await
}

/// At whom, from when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBinding)]
pub(crate) struct Binder {
    #[schema(value_type = String)]
    patient_id: Requested<PatientId>,
    /// Now by default.
    #[schema(value_type = Option<String>)]
    from: Option<Instant>,
    /// Whether it becomes the patient's preferred source.
    #[serde(default)]
    preferred: bool,
}

/// Binds a device to a patient. What it measured from then on while it was nobody's is given to the patient, as far as
/// they permit it.
#[utoipa::path(post, path = "/api/v1/devices/{id}/bind", tag = "devices", params(("id" = String, Path)), request_body = Binder, responses((status = 201, body = Changed), (status = 409)))]
pub(crate) async fn bind(call: Call, id: Path<Requested<DeviceId>>, body: Body<Binder>) -> Answer {
    call.run(move |desk| {
        let Binder { patient_id, from, preferred } = body.value;
        let from = from.unwrap_or(desk.now);
        let (id, patient_id) = desk.read(|view| {
            let device = desk.viewer.audience.device(view, *id)?;
            Ok((device, desk.viewer.audience.patient(view, patient_id)?.id()))
        })?;
        let coming = desk.read(|view| moves::coming(view, id, from))?;
        let taken = desk.read(|view| moves::taken_from(view, &desk.viewer, id, from))?;
        taken.into_iter().for_each(|patient| desk.sight.saw(patient, What::Readings));
        desk.create(&body.bytes, |tx| {
            let bound = bindings::bind(tx, id.id(), patient_id, from, preferred)?;
            Ok((Subject::Patient(patient_id), StatusCode::CREATED, Changed::of(bound, coming)))
        })
    })
    .await
}

/// Whose, and until when.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BindingEnd)]
pub(crate) struct Unbinder {
    /// Whose binding is meant, also one that ended later than it should have: refused when the device is not at them then.
    /// Else that of whoever has it when the call arrives.
    #[schema(value_type = Option<String>)]
    patient_id: Option<Requested<PatientId>>,
    /// Now by default.
    #[schema(value_type = Option<String>)]
    at: Option<Instant>,
}

/// Ends a device's binding. What it measured from then on is not the patient's any more: it waits for whoever wore it.
#[utoipa::path(post, path = "/api/v1/devices/{id}/unbind", tag = "devices", params(("id" = String, Path)), request_body = Option<Unbinder>, responses((status = 200, body = Changed), (status = 404), (status = 409)))]
pub(crate) async fn unbind(call: Call, id: Path<Requested<DeviceId>>, body: MayBody<Unbinder>) -> Answer {
    call.run(move |desk| {
        let MayBody(sent, bytes) = body;
        let Unbinder { patient_id: of, at } = sent.unwrap_or_default();
        let at = at.unwrap_or(desk.now);
        let (id, of) = desk.read(|view| {
            let device = desk.viewer.audience.device(view, *id)?.id();
            let of = of.map(|asked| desk.viewer.audience.patient(view, asked)).transpose()?;
            Ok((device, of.map(Visible::id)))
        })?;
        let leaving = desk.read(|view| moves::leaving(view, id, of, at, desk.now))?;
        desk.create(&bytes, |tx| {
            let bound = bindings::unbind(tx, id, of, at)?;
            Ok((Subject::Patient(bound.patient), StatusCode::OK, Changed::of(bound, leaving)))
        })
    })
    .await
}

/// Ends a device's right to connect, every token with it, and its session at once.
#[utoipa::path(post, path = "/api/v1/devices/{id}/disable", tag = "devices", params(("id" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn disable(call: Call, id: Path<Requested<DeviceId>>) -> Answer {
    call.run(move |desk| {
        desk.write(|tx| {
            let id = desk.viewer.audience.device(tx, *id)?.id();
            Ok(devices::disable(tx, id)?)
        })?;
        Ok(Reply::none())
    })
    .await
}

/// Gives a disabled device its right to connect back; it needs a new token.
#[utoipa::path(post, path = "/api/v1/devices/{id}/enable", tag = "devices", params(("id" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn enable(call: Call, id: Path<Requested<DeviceId>>) -> Answer {
    call.run(move |desk| {
        desk.write(|tx| {
            let id = desk.viewer.audience.device(tx, *id)?.id();
            Ok(devices::enable(tx, id)?)
        })?;
        Ok(Reply::none())
    })
    .await
}

/// Until when a token counts.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDeviceToken)]
pub(crate) struct NewToken {
    /// Until revoked by default.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Instant>,
}

/// Gives a device another token; two count at once.
#[utoipa::path(post, path = "/api/v1/devices/{id}/tokens", tag = "devices", params(("id" = String, Path)), request_body = NewToken, responses((status = 201, body = Enrolled), (status = 409)))]
pub(crate) async fn issue_token(call: Call, id: Path<Requested<DeviceId>>, body: Body<NewToken>) -> Answer {
    call.run(move |desk| {
        let expires = body.value.expires_at;
        if expires.is_some_and(|end| end <= desk.now) {
            return Err(Fault::invalid("expires_at", "it lies after now"));
        }
        desk.create(&body.bytes, |tx| {
            let id = desk.viewer.audience.device(tx, *id)?.id();
            Ok((Subject::Device(id), StatusCode::CREATED, issue(tx, desk, id, expires)?))
        })
    })
    .await
}

/// Revokes one token; the session that came with it ends at once.
#[utoipa::path(delete, path = "/api/v1/devices/{id}/tokens/{token}", tag = "devices", params(("id" = String, Path), ("token" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn revoke_token(call: Call, path: Path<(Requested<DeviceId>, TokenId)>) -> Answer {
    call.run(move |desk| {
        let (device, token) = *path;
        desk.write(|tx| {
            let device = desk.viewer.audience.device(tx, device)?.id();
            Ok(devices::revoke_token(tx, device, token)?)
        })?;
        Ok(Reply::none())
    })
    .await
}
