//! Devices: the list, one of them, its pairing, and the acts upon it.

use actix_web::HttpRequest;
use actix_web::web::{Form, Path, Query};
use serde::Deserialize;

use crate::devices::api::moves as handed;
use crate::devices::view::pairing;
use crate::devices::view::{self as pages, Link, Offer, State};
use crate::devices::word::Word;
use crate::http::fault::Fault;
use crate::on_call::page::schedule::local;
use crate::pages::shell::address;
use crate::pages::visit::{Answer, Room, Visit};
use crate::pages::{Choice, Paging, Total};
use crate::patients::page::search::Number;
use crate::people::page::names::People;
use crate::{Code, Section};
use domain::line::NotALine;
use domain::time::civil::Zone;
use domain::{Can, CommandId, DeviceId, DeviceIdentity, Inscription, Instant, PatientId, Reason};
use store::db::page::USUAL;
use store::devices::bindings::{self, Binding, Of};
use store::devices::{self, commands, moves, unbound};
use store::devices::{Device, TokenRow};
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::What;
use store::{Ask, Cursor, Page, Tx, View, patients};

/// Away for longer than this counts as silent.
const SILENT: std::time::Duration = std::time::Duration::from_secs(3_600);
/// Tokens shown of a device.
const TOKENS: i64 = 10;
/// Commands shown of a device.
const COMMANDS: i64 = 10;
/// Moves of readings shown of a device.
const MOVES: i64 = 10;
/// Most patients that a form offers by name.
const OFFERED: i64 = 500;

/// `?cursor=`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// The `next` of the page before.
    pub cursor: String,
}

/// `/devices`, or its rows.
pub(crate) async fn list(visit: Visit, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Devices, move |room| {
            let view = room.read(|view| fill(view, room, &asked))?;
            Ok(if room.is_part { pages::rows(&room.shell, &view) } else { pages::page(&room.shell, &view) })
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room, asked: &Asked) -> Result<pages::View, Fault> {
    let page = devices::page(view, &room.viewer.audience, &crate::pages::ask(&asked.cursor))?;
    let paging = paging(view, room, &page)?;
    let mut people = People::default();
    let mut rows = Vec::new();
    for device in page.items {
        let bound = bindings::open_of_device(view, device.key)?;
        rows.push(link(view, room, device, bound.as_ref(), &mut people)?);
    }
    rows.sort_by_key(|link| match link.state {
        State::Silent => 0,
        State::Waiting => 1,
        State::Away => 2,
        State::Connected => 3,
        State::Disabled => 4,
    });
    let may_manage = room.viewer.may(Can::ManageDevices);
    let patients = if may_manage { offered(view, room)? } else { Offer::default() };
    Ok(pages::View { rows, paging, may_manage, patients })
}

/// Where a stretch of the list stands between the others.
fn paging(view: &mut View<'_>, room: &Room, page: &Page<Device>) -> Result<Paging, Fault> {
    let first = page.items.first();
    let first = first.map(|device| Cursor { at: device.created_at.micros(), id: device.id.to_string() });
    let before = match first {
        Some(first) => devices::page_before(view, &room.viewer.audience, &first, USUAL)?,
        None => None,
    };
    let at = |cursor: &Cursor| {
        let cursor = if *cursor == Cursor::start() { String::new() } else { cursor.to_string() };
        address("/devices", &[("cursor", &cursor)])
    };
    Ok(Paging {
        seen: u64::try_from(page.items.len()).unwrap_or(0),
        total: Total::counted(devices::count(view, &room.viewer.audience)?),
        before: before.as_ref().map(at),
        after: page.next.as_ref().map(at),
    })
}

/// The patients by name; where there are too many to choose from, the reader types a number.
fn offered(view: &mut View<'_>, room: &Room) -> Result<Offer, Fault> {
    let audience = &room.viewer.audience;
    if patients::count(view, audience)? > OFFERED {
        return Ok(Offer { patients: Vec::new(), typed: true });
    }
    let limit = usize::try_from(OFFERED).unwrap_or(0);
    let page = patients::page(view, audience, &Ask { limit, ..Ask::default() })?;
    let known = page.items.into_iter().filter_map(|patient| {
        Some(Choice { value: patient.id.to_string(), label: String::from(patient.identity?.name) })
    });
    let mut known: Vec<Choice> = known.collect();
    known.sort_by_key(|choice| choice.label.to_lowercase());
    Ok(Offer { patients: known, typed: false })
}

/// A device with whom it measures, as this viewer may know it.
///
/// # Errors
/// Store faults.
pub(crate) fn link(
    view: &mut View<'_>,
    room: &Room,
    device: Device,
    bound: Option<&Binding>,
    people: &mut People,
) -> Result<Link, Fault> {
    let patient = match bound.filter(|bound| bound.to.is_none()) {
        None => None,
        Some(bound) => Some((bound.patient, people.patient(view, room, bound.patient)?)),
    };
    let silent = device.last_seen_at.is_some_and(|seen| room.now.since(seen) > SILENT);
    let state = match (device.disabled_at, device.online || room.state.edge.connected(device.id)) {
        (Some(_), _) => State::Disabled,
        (None, true) => State::Connected,
        (None, false) if device.first_seen_at.is_none() => State::Waiting,
        (None, false) if silent => State::Silent,
        (None, false) => State::Away,
    };
    let word = Word::of(view, device.id, device.key)?;
    Ok(Link {
        device: device.id,
        name: device.identity.label.into(),
        state,
        seen_at: device.last_seen_at,
        battery: word.battery.map(|(percent, _)| percent),
        status: word.status,
        patient,
        to: bound.and_then(|bound| bound.to),
        preferred: bound.is_some_and(|bound| bound.preferred),
    })
}

/// `/devices/{id}`.
pub(crate) async fn show(visit: Visit, id: Path<Requested<DeviceId>>) -> Answer {
    let id = *id;
    visit
        .page(Section::Devices, move |room| {
            let view = room.read(|view| detail(view, room, id))?;
            Ok(if room.is_part {
                pages::detail_part(&room.shell, &view)
            } else {
                pages::detail(&room.shell, &view)
            })
        })
        .await
}

fn detail(view: &mut View<'_>, room: &Room, asked: Requested<DeviceId>) -> Result<pages::Detail, Fault> {
    let audience = &room.viewer.audience;
    let id = audience.device(view, asked)?.id();
    let device = devices::get(view, id)?;
    let device_key = device.key;
    let bindings = bindings::of_device(view, audience, device_key)?;
    let mut people = People::default();
    let mut spans = Vec::new();
    for bound in bindings.iter().rev() {
        let name = people.patient(view, room, bound.patient)?;
        spans.push(pages::Binding { patient: bound.patient, name, from: bound.from, to: bound.to });
    }
    let mut moved = Vec::new();
    for one in moves::of_device(view, audience, device_key, MOVES)? {
        let patient = patients::id_of(view, one.patient_key)?;
        moved.push(pages::Moved {
            patient,
            name: people.patient(view, room, patient)?,
            gives: one.gives,
            readings: one.moved,
            refused: one.refused,
            from: one.from,
            is_open: one.done_at.is_none(),
        });
    }
    let open = bindings.iter().rev().find(|bound| bound.to.is_none());
    let may_manage = room.viewer.may(Can::ManageDevices);
    Ok(pages::Detail {
        link: link(view, room, device, open, &mut people)?,
        bindings: spans,
        nobodys: if may_manage { unbound::of_device(view, device_key)? } else { Vec::new() },
        moves: if may_manage { moved } else { Vec::new() },
        tokens: devices::tokens(view, device_key, TOKENS)?.into_iter().map(token).collect(),
        commands: commands::newest(view, device_key, COMMANDS)?
            .iter()
            .map(|given| command(room, given))
            .collect(),
        may_manage,
        patients: if may_manage { offered(view, room)? } else { Offer::default() },
    })
}

fn command(room: &Room, given: &commands::Command) -> pages::Command {
    let state = given.state(room.now);
    let at = match state {
        commands::State::Waiting => given.created_at,
        commands::State::Acknowledged => given.acknowledged_at.unwrap_or(given.created_at),
        commands::State::Refused(_) => given.refused.map_or(given.created_at, |(at, _)| at),
        commands::State::Cancelled => given.cancelled_at.unwrap_or(given.created_at),
        commands::State::Expired => given.expires_at.unwrap_or(given.created_at),
    };
    pages::Command { id: given.id, body: given.body.to_string(), state, given_at: given.created_at, at }
}

fn token(row: TokenRow) -> pages::Token {
    pages::Token {
        id: row.id,
        created_at: row.issued_at,
        ends_at: row.expires_at,
        revoked_at: row.revoked_at,
    }
}

/// What enrolling sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Enrolment {
    name: String,
    patient_id: String,
}

/// POST `/devices`: enrols, binds when a patient is chosen, and goes on to the device.
pub(crate) async fn enrol(visit: Visit, sent: Form<Enrolment>) -> Answer {
    visit
        .act(move |room| {
            let label: Inscription =
                sent.name.parse().map_err(|why: NotALine| Fault::invalid("name", &why.to_string()))?;
            let identity = DeviceIdentity { model: label.clone(), label, serial: None };
            let id = room.write(|tx| {
                let patient = chosen(tx, room, &sent.patient_id)?;
                let device = devices::insert(tx, &identity)?;
                if let Some(patient) = patient {
                    bind_to(tx, device.id, patient, room.now)?;
                }
                Ok(device.id)
            })?;
            Ok(format!("/devices/{id}"))
        })
        .await
}

/// The patient who was chosen by name, or named by a CPF, a CNS or an id.
fn chosen(view: &mut View<'_>, room: &Room, text: &str) -> Result<Option<Visible<PatientId>>, Fault> {
    let audience = &room.viewer.audience;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(asked) = text.parse::<Requested<PatientId>>() {
        return Ok(Some(audience.patient(view, asked)?));
    }
    let nobody = || Fault::invalid("patient_id", "one of the patients");
    let number = Number::of(text).ok_or_else(nobody)?;
    let found = crate::patients::page::list::named(view, room, &number)?.ok_or_else(nobody)?;
    Ok(Some(audience.patient(view, found.id)?))
}

fn bind_to(
    tx: &mut Tx<'_>,
    device: DeviceId,
    patient: Visible<PatientId>,
    from: Instant,
) -> Result<(), Fault> {
    let first = bindings::open_of_patient(tx, patient.key())?.is_empty();
    bindings::bind(tx, device, patient.id(), from, first)
        .map(drop)
        .map_err(|error| Fault::from(error).with("field", "patient_id"))
}

/// POST `/devices/{id}/commands/{command}/cancel`: takes a command back that the device has not answered.
pub(crate) async fn cancel_command(visit: Visit, path: Path<(Requested<DeviceId>, CommandId)>) -> Answer {
    let (device, command) = path.into_inner();
    visit
        .act(move |room| {
            room.write(|tx| {
                let device = room.viewer.audience.device(tx, device)?.id();
                Ok(commands::cancel(tx, device, command)?)
            })?;
            Ok(format!("/devices/{device}"))
        })
        .await
}

/// What the forms of one device send.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    patient_id: String,
    reason: String,
    at: String,
    sure: String,
}

impl Sent {
    /// Since when, as the reader's clock shows it: now by default.
    fn at(&self, room: &Room) -> Result<Instant, Fault> {
        if self.at.trim().is_empty() {
            return Ok(room.now);
        }
        let zone = Zone::parse(room.words().zone.name()).unwrap_or(Zone::SAO_PAULO);
        local(zone, &self.at).ok_or_else(|| Fault::invalid("day", "a day and an hour"))
    }
}

/// What leaves a patient with an end in the past is shown before it does.
fn asked_again(room: &Room, device: DeviceId, of: Option<PatientId>, at: Instant) -> Result<(), Fault> {
    let (_, leaving) = room.read(|view| Ok(moves::ending(view, device, of, at, room.now)?))?;
    if leaving.readings == 0 {
        return Ok(());
    }
    let doubt = serde_json::json!({
        "kind": "readings_leave", "readings": leaving.readings, "more": leaving.more, "since": at,
    });
    Err(Fault::new(Code::Doubt).with("doubts", vec![doubt]))
}

/// POST `/devices/{id}/{bind|unbind|disable}`.
pub(crate) async fn act(visit: Visit, path: Path<(Requested<DeviceId>, String)>, sent: Form<Sent>) -> Answer {
    let (id, name) = path.into_inner();
    visit
        .act(move |room| {
            let reasoned = sent.reason.parse().is_ok_and(|why: Reason| why.chars().count() >= 3);
            if name != "bind" && !reasoned {
                return Err(Fault::new(Code::ReasonMissing).with("field", "reason"));
            }
            let device = room.read(|view| Ok(room.viewer.audience.device(view, id)?))?;
            let id = device.id();
            match name.as_str() {
                "bind" => {
                    let missing = || Fault::invalid("patient_id", "one of the patients");
                    let from = sent.at(room)?;
                    let taken = room.read(|view| handed::taken_from(view, &room.viewer, device, from))?;
                    taken.into_iter().for_each(|patient| room.sight.saw(patient, What::Readings));
                    room.write(|tx| {
                        let patient = chosen(tx, room, &sent.patient_id)?.ok_or_else(missing)?;
                        bind_to(tx, id, patient, from)
                    })?;
                }
                "unbind" => {
                    let at = sent.at(room)?;
                    let missing = |_not_an_id| Fault::invalid("patient_id", "whose binding ends");
                    let of: Requested<PatientId> = sent.patient_id.parse().map_err(missing)?;
                    let of = room.read(|view| Ok(room.viewer.audience.patient(view, of)?))?;
                    let of = Some(of.id());
                    if at < room.now && sent.sure.is_empty() {
                        asked_again(room, id, of, at)?;
                    }
                    room.write(|tx| Ok(bindings::unbind(tx, id, of, at)?))?;
                }
                "disable" => {
                    room.write(|tx| Ok(devices::disable(tx, id)?))?;
                }
                _ => return Err(Code::NotFound.into()),
            }
            Ok(format!("/devices/{id}"))
        })
        .await
}

/// `/devices/{id}/pairing`: the light; never the token.
pub(crate) async fn pairing(visit: Visit, id: Path<Requested<DeviceId>>, request: HttpRequest) -> Answer {
    let (id, host) = (*id, host(&request));
    visit
        .page(Section::Devices, move |room| {
            let view = room.read(|view| light(view, room, id, &host, None))?;
            Ok(if room.is_part {
                pairing::light(&room.shell, &view)
            } else {
                pairing::page(&room.shell, &view)
            })
        })
        .await
}

/// POST `/devices/{id}/pairing`: a token, shown in this one answer.
pub(crate) async fn pair(visit: Visit, id: Path<Requested<DeviceId>>, request: HttpRequest) -> Answer {
    let (id, host) = (*id, host(&request));
    visit
        .page(Section::Devices, move |room| {
            let token = room.write(|tx| {
                let id = room.viewer.audience.device(tx, id)?.id();
                let row = devices::issue_token(tx, id, None)?;
                let token = room.state.tokens.for_device(id, row, None, room.now);
                token.map_err(|_key| Fault::new(Code::Internal))
            })?;
            let view = room.read(|view| light(view, room, id, &host, Some(token)))?;
            Ok(pairing::page(&room.shell, &view))
        })
        .await
}

/// The host of this site as the reader reached it, without the port.
fn host(request: &HttpRequest) -> String {
    let reached = request.connection_info().host().to_owned();
    match reached.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
        _ => reached,
    }
}

fn light(
    view: &mut View<'_>,
    room: &Room,
    asked: Requested<DeviceId>,
    host: &str,
    token: Option<String>,
) -> Result<pairing::View, Fault> {
    let id = room.viewer.audience.device(view, asked)?.id();
    let device = devices::get(view, id)?;
    let (mqtt, tls) = match room.state.edge.address() {
        // Bound to every address of the machine, none of which says where it is: the one that the reader used.
        Some((bound, tls)) if bound.ip().is_unspecified() => (format!("{host}:{}", bound.port()), tls),
        Some((bound, tls)) => (bound.to_string(), tls),
        None => ("127.0.0.1:1883".to_owned(), false),
    };
    Ok(pairing::View {
        device: id,
        name: device.identity.label.into(),
        mqtt,
        tls,
        connected_at: if device.online { device.last_seen_at } else { None },
        token,
        ends_at: None,
    })
}

/// The devices that a patient has and had, those in use first.
///
/// # Errors
/// Store faults.
pub(crate) fn of_patient(view: &mut View<'_>, room: &Room, patient: PatientId) -> Result<Vec<Link>, Fault> {
    let page = bindings::page(view, Of::Patient(patient), &Ask::default())?;
    let mut people = People::default();
    let mut links = Vec::new();
    for bound in page.items.iter().rev() {
        let device = devices::get(view, bound.device)?;
        links.push(link(view, room, device, Some(bound), &mut people)?);
    }
    links.sort_by_key(|link| link.to.is_some());
    Ok(links)
}
