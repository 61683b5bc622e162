//! `/me`: a patient's own readings, consents and devices, and who has looked.

use actix_web::web::Query;

use super::people::short;
use super::readings::{self, Asked};
use super::visit::{Answer, Look, Room, Visit};
use super::{consents, devices};
use crate::audit::ActorKind;
use crate::domain::PatientId;
use crate::store::{Subject, View, log, patients};
use crate::web::fault::Fault;
use crate::web::pages::portal::{self as pages, Look as Looked};
use crate::web::pages::readings::Readings;
use crate::web::{Code, Section};

/// Looks shown.
const SHOWN: usize = 20;

/// `/me`, or one of its parts.
pub async fn show(visit: Visit, asked: Query<Asked>, request: actix_web::HttpRequest) -> Answer {
    let me = visit.viewer.patient.ok_or_else(|| Fault::new(Code::NotFound).of(&request))?;
    let part = if visit.is_part() { asked.part.clone() } else { String::new() };
    let wants_readings = part.is_empty() || part == "readings";
    let look = if wants_readings { visit.look(me).await? } else { Look::NotYours };
    visit
        .page(Section::Me, move |room| {
            let view = room.read(|view| fill(view, room, me, look, &asked, wants_readings))?;
            let shell = &room.shell;
            Ok(match part.as_str() {
                "readings" => pages::readings(shell, &view),
                "consents" => pages::consents(shell, &view),
                "devices" => pages::devices(shell, &view),
                _ => pages::page(shell, &view),
            })
        })
        .await
}

fn fill(
    view: &mut View<'_>,
    room: &Room,
    me: PatientId,
    look: Look,
    asked: &Asked,
    wants_readings: bool,
) -> Result<pages::View, Fault> {
    let patient = patients::get(view, me)?;
    let name = patient.identity.map_or_else(String::new, |who| short(who.name.as_str()));
    let readings = match wants_readings {
        true => readings::fill(view, room, me, look, asked, "/me")?,
        false => Readings::NotYours,
    };
    Ok(pages::View {
        patient: me,
        name,
        readings,
        consents: consents::fill(view, room, me)?,
        devices: devices::of_patient(view, room, me)?,
        looks: looks(view, room, me)?,
    })
}

/// Entries of the log about this patient's data being read; the log knows the reader only as a tag.
fn looks(view: &mut View<'_>, room: &Room, me: PatientId) -> Result<Vec<Looked>, Fault> {
    let w = room.words();
    let filter = log::Filter {
        kind: Some("access.read"),
        subject: Some(Subject::Patient(me)),
        ..log::Filter::default()
    };
    let slice = log::page(view, &filter, None, SHOWN)?;
    let entries = slice.lines.into_iter().filter_map(|line| line.entry);
    Ok(entries
        .map(|entry| Looked {
            at: entry.at,
            who: match entry.actor.kind {
                ActorKind::Subject => w.say("look-you"),
                ActorKind::System | ActorKind::Device => w.say("the-system"),
                ActorKind::User => w.say("look-staff"),
            },
            what: w.say("look-readings"),
        })
        .collect())
}
