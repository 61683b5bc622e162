//! One patient for one viewer now, whole or part by part; and what clinicians decide on readings set aside.

use actix_web::web::{Form, Path, Query};
use chrono::Datelike;
use serde::Deserialize;
use uuid::Uuid;

use super::timeline;
use crate::Section;
use crate::alerts::page::finding::{self, RuleNames};
use crate::alerts::page::queue::{level, shown_level, shown_state};
use crate::consents::page as consents;
use crate::devices::page as devices;
use crate::http::fault::Fault;
use crate::pages::shell::{DEFAULT_ZONE, back};
use crate::pages::visit::{Answer, Look, Room, Visit, masked};
use crate::patients::view::patient::{self as pages, AlertLine, Contact, Part, Quarantined};
use crate::people::auth::{permit_collected, permit_display};
use crate::people::page::names::People;
use crate::privacy::pseudonyms;
use crate::readings::page::{self, Asked};
use crate::readings::view::Readings;
use domain::{Can, PatientId};
use store::patients::Patient;
use store::patients::audience::{Requested, Visible};
use store::privacy::accesses::What;
use store::readings::quarantine;
use store::{View, patients};

/// Items of the quarantine shown.
const SHOWN: i64 = 50;
/// Alerts shown: the others are in the queue's filter.
const LINES: usize = 12;

/// `/patients/{id}`, or one of its parts.
pub(crate) async fn show(visit: Visit, id: Path<Requested<PatientId>>, asked: Query<Asked>) -> Answer {
    let id = visit.visible(*id).await?;
    let part = Part::from_name(&asked.part).filter(|_| visit.is_part());
    // A look at readings is one where readings are shown: alerts and the quarantine say for themselves what they show.
    let shows = part.is_none_or(|part| part == Part::Readings) && visit.viewer.may(Can::SeeReadings);
    let look = if shows { visit.look(id).await? } else { Look::NotYours };
    visit
        .page(Section::Patients, move |room| {
            let view = room.read(|view| fill(view, room, id, look, part, &asked))?;
            Ok(match part {
                Some(part) => pages::part(&room.shell, &view, part),
                None => pages::page(&room.shell, &view),
            })
        })
        .await
}

fn fill(
    view: &mut View<'_>,
    room: &Room,
    found: Visible<PatientId>,
    look: Look,
    part: Option<Part>,
    asked: &Asked,
) -> Result<pages::View, Fault> {
    let id = found.id();
    let patient = patients::get(view, &room.viewer.audience, id)?;
    let wants = |wanted: Part| part.is_none_or(|part| part == wanted);
    let may = |right: Can, wanted: Part| wants(wanted) && room.viewer.may(right);
    let page = format!("/patients/{id}");
    let shown = pseudonyms::shown(view, &room.viewer, id)?;
    Ok(pages::View {
        patient: shown,
        name: People::default().patient(view, room, id)?,
        contact: room.viewer.may(Can::SeeContacts).then(|| contact(&patient, room)),
        readings: match wants(Part::Readings) {
            true => page::fill(view, room, found, look, asked, &page)?,
            false => Readings::NotYours,
        },
        alerts: match may(Can::SeeAlerts, Part::Alerts) {
            true => Some(lines(view, room, &patient)?),
            false => None,
        },
        consents: match may(Can::SeeConsents, Part::Consents) {
            true => Some(consents::fill(view, room, found)?),
            false => None,
        },
        devices: match may(Can::SeeDevices, Part::Devices) {
            true => Some(devices::of_patient(view, room, id)?),
            false => None,
        },
        quarantine: match may(Can::JudgeQuarantine, Part::Quarantine) {
            true => set_aside(view, room, &patient)?,
            false => None,
        },
        timeline: if wants(Part::Timeline) { timeline::brief(view, room, &patient)? } else { Vec::new() },
    })
}

/// How to reach a patient, their age and the clock where they live.
fn contact(patient: &Patient, room: &Room) -> Contact {
    room.sight.saw(patient.id, What::Contacts);
    let w = room.words();
    let who = patient.identity.as_ref();
    let zone: chrono_tz::Tz = patient.zone.parse().unwrap_or(DEFAULT_ZONE);
    let there = w.now.utc().map(|utc| utc.with_timezone(&zone));
    let age = who.zip(there).and_then(|(who, there)| {
        let today = there.date_naive();
        let before = (today.month(), today.day()) < (who.birth_date.month(), who.birth_date.day());
        u32::try_from(today.year() - who.birth_date.year() - i32::from(before)).ok()
    });
    let clock = there.map(|there| there.format("%H:%M").to_string());
    let here = w.now.utc().map(|utc| utc.with_timezone(&w.zone).format("%H:%M").to_string());
    Contact {
        age,
        email: who.and_then(|who| who.email.clone()).map(String::from),
        phone: who.and_then(|who| who.phone.clone()).map(String::from),
        zone: patient.zone.clone(),
        local_time: if clock == here { None } else { clock },
    }
}

fn lines(view: &mut View<'_>, room: &Room, patient: &Patient) -> Result<Vec<AlertLine>, Fault> {
    let mut cases = room.cases();
    // What waits for somebody first, then the newest.
    let mut found = cases.of_patient(view, patient.key, i64::try_from(LINES).unwrap_or(i64::MAX))?;
    found.truncate(LINES);
    cases.show(&found);
    let names = RuleNames::load(view, room.words().lang)?;
    let mut people = People::default();
    let mut lines = Vec::new();
    for case in found {
        let finding = match case.judged() {
            Ok(_) => Some(finding::sentence(view, room, &case, &names)?),
            Err(_hidden) => None,
        };
        let peak = case.judged().ok().map(|judged| shown_level(judged.peak));
        lines.push(AlertLine {
            alert: case.id,
            level: if case.ended_at.is_some() { peak } else { level(&case) },
            state: shown_state(case.state),
            finding,
            started_at: case.started_at,
            ended_at: case.ended_at,
            owner: people.owner(view, case.owner, room.viewer.id)?,
        });
    }
    Ok(lines)
}

/// What waits for a decision; hidden as a whole without the permits to keep and to show it.
fn set_aside(view: &mut View<'_>, room: &Room, patient: &Patient) -> Result<Option<Vec<Quarantined>>, Fault> {
    let collected = permit_collected(view, &room.state, &room.viewer, patient.key);
    let permits = collected
        .and_then(|collected| Ok((collected, permit_display(view, &room.state, &room.viewer, patient.key)?)));
    let (collected, display) = match permits {
        Ok(permits) => permits,
        Err(fault) => return masked(fault).map(|_hidden| None),
    };
    room.sight.saw(patient.id, What::Readings);
    let mut people = People::default();
    let mut items = Vec::new();
    for item in quarantine::waiting(view, &collected, &display, patient.key, SHOWN)? {
        let device = store::devices::id_of(view, item.device_key)?;
        let w = room.words();
        let value = item.reading.map(|reading| {
            format!("{} {}", crate::text::format::number(w.lang, reading.value, 1), reading.unit.ucum())
        });
        items.push(Quarantined {
            id: item.id.to_string(),
            signal: item.names.map(|(signal, _)| signal),
            at: item.names.map(|(_, at)| at),
            received_at: item.received_at,
            code: item.reason,
            value,
            device: people.device(view, device)?,
        });
    }
    Ok(Some(items))
}

/// What a decision on a reading set aside sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Decision {
    reason: String,
    back: String,
}

/// POST `/quarantine/{id}/{release|discard}`.
pub(crate) async fn judge(
    visit: Visit,
    path: Path<(Requested<Uuid>, String)>,
    sent: Form<Decision>,
) -> Answer {
    let (id, name) = path.into_inner();
    visit
        .act(move |room| {
            let released = match name.as_str() {
                "release" => true,
                "discard" => false,
                _ => return Err(crate::Code::NotFound.into()),
            };
            room.write(|tx| {
                crate::readings::api::quarantine::decide(
                    tx,
                    &room.state,
                    &room.viewer,
                    id,
                    released,
                    &sent.reason,
                )
            })?;
            let to = back(&sent.back).split('#').next().unwrap_or("/");
            Ok(format!("{to}#quarantine"))
        })
        .await
}
