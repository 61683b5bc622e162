//! `/me`: a patient's own readings, consents and devices, and who has looked.

use actix_web::web::Query;

use crate::consents::page as consents;
use crate::devices::page as devices;
use crate::http::fault::Fault;
use crate::pages::shell;
use crate::pages::visit::{Answer, Look, Room, Visit};
use crate::people::page::names::{People, short};
use crate::privacy::view::portal::{self as pages, Look as Looked};
use crate::readings::page::{self, Asked};
use crate::readings::view::Readings;
use crate::{Code, Key, Section};
use domain::PatientId;
use store::db::settings;
use store::patients::Patient;
use store::patients::audience::Visible;
use store::privacy::accesses::{self, What};
use store::{View, patients};

/// Looks shown.
const SHOWN: i64 = 100;

/// `/me`, or one of its parts.
pub(crate) async fn show(visit: Visit, asked: Query<Asked>, request: actix_web::HttpRequest) -> Answer {
    let me = visit.viewer.patient.ok_or_else(|| Fault::new(Code::NotFound).of(&request))?;
    let part = if visit.is_part() { asked.part.clone() } else { String::new() };
    let wants_readings = part.is_empty() || part == "readings";
    let me = visit.visible(me.into()).await?;
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
    found: Visible<PatientId>,
    look: Look,
    asked: &Asked,
    wants_readings: bool,
) -> Result<pages::View, Fault> {
    let me = found.id();
    let patient = patients::get(view, &room.viewer.audience, me)?;
    room.sight.saw(me, What::Identity);
    let name = patient.identity.as_ref().map_or_else(String::new, |who| short(who.name.as_str()));
    let readings = match wants_readings {
        true => page::fill(view, room, found, look, asked, "/me")?,
        false => Readings::NotYours,
    };
    Ok(pages::View {
        patient: me,
        name,
        readings,
        consents: consents::fill(view, room, found)?,
        devices: devices::of_patient(view, room, me)?,
        looks: looks(view, room, &patient)?,
        officer: settings::officer(view)?.map(|officer| (officer.name, officer.contact)),
    })
}

/// Who looked at this patient, or was refused: by name and role, for it is theirs to know (LGPD art. 18).
fn looks(view: &mut View<'_>, room: &Room, patient: &Patient) -> Result<Vec<Looked>, Fault> {
    let w = room.words();
    let mut people = People::default();
    let mut listed = Vec::new();
    for look in accesses::of_patient(view, patient.key, None, SHOWN)? {
        let who = match (look.viewer, look.role) {
            (Some(id), _) if id == room.viewer.id => w.say("look-you"),
            (Some(id), Some(role)) => {
                w.two("look-who", "name", people.user(view, id)?, "role", w.say(shell::role_word(role)))
            }
            _ => w.say("the-system"),
        };
        listed.push(Looked {
            at: look.at,
            who,
            what: w.say(saw(look.what, look.refused.is_some())),
            refused: look.refused.is_some(),
        });
    }
    Ok(listed)
}

/// What of a person was looked at, or asked for in vain, in words.
#[must_use]
pub(crate) const fn saw(what: What, refused: bool) -> Key {
    match (what, refused) {
        (What::Identity, false) => Key("look-identity"),
        (What::Contacts, false) => Key("look-contacts"),
        (What::Consents, false) => Key("look-consents"),
        (What::Alerts, false) => Key("look-alerts"),
        (What::Readings, false) => Key("look-readings"),
        (What::Looks, false) => Key("look-looks"),
        (What::Reveal, false) => Key("look-reveal"),
        (What::Export, false) => Key("look-export"),
        (What::Attachments, false) => Key("look-attachments"),
        (What::Identity, true) => Key("tried-identity"),
        (What::Contacts, true) => Key("tried-contacts"),
        (What::Consents, true) => Key("tried-consents"),
        (What::Alerts, true) => Key("tried-alerts"),
        (What::Readings, true) => Key("tried-readings"),
        (What::Looks, true) => Key("tried-looks"),
        (What::Reveal, true) => Key("tried-reveal"),
        (What::Export, true) => Key("tried-export"),
        (What::Attachments, true) => Key("tried-attachments"),
    }
}
