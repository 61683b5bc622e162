//! Patients by name, CPF or CNS, and their registration.

use actix_web::web::{Form, Query};
use chrono::NaiveDate;
use consent::{Purpose, State};
use serde::Deserialize;

use super::search::{Number, Wanted};
use crate::Section;
use crate::alerts::cases::MOST;
use crate::alerts::page::queue::level;
use crate::http::fault::Fault;
use crate::pages::shell::address;
use crate::pages::visit::{Answer, Room, Visit};
use crate::pages::{Paging, Total};
use crate::patients::view::list::{self as pages, Row};
use domain::time::civil::Zone;
use domain::{Can, PatientIdentity};
use store::consents::ledger;
use store::db::page::Cursor;
use store::devices::{self, bindings};
use store::patients::{Details, Patient};
use store::privacy::accesses::What;
use store::{Ask, View, patients};

/// How many patients a page of the list holds.
const SHOWN: usize = 100;
/// How many names are opened for one page of a search: they are sealed, so a search opens each.
const WINDOW: usize = 1_000;

/// `?q=&cursor=`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    cursor: String,
}

/// `/patients`.
pub(crate) async fn list(visit: Visit, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Patients, move |room| {
            let view = room.read(|view| fill(view, room, &asked))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room, asked: &Asked) -> Result<pages::View, Fault> {
    let (found, paging) = match Number::of(&asked.q) {
        Some(number) => (named(view, room, &number)?.into_iter().collect(), Paging::default()),
        None => window(view, room, asked)?,
    };
    let keys: Vec<i64> = found.iter().map(|patient| patient.key).collect();
    let granted = ledger::those_in(view, &keys, Purpose::TelemetryCollect, State::Granted)?;
    let mut cases = room.cases();
    let open = if room.viewer.may(Can::SeeAlerts) { cases.queue(view, MOST)? } else { Vec::new() };
    let mut rows = Vec::new();
    for patient in found {
        let Some(who) = patient.identity else { continue };
        room.sight.saw(patient.id, What::Contacts);
        let mine: Vec<_> = open.iter().filter(|alert| alert.patient_key == patient.key).collect();
        cases.show(mine.iter().copied());
        let (mut seen_at, mut online) = (None, false);
        for bound in bindings::open_of_patient(view, patient.key)? {
            let device = devices::get(view, bound.device)?;
            online |= device.online || room.state.edge.connected(device.id);
            seen_at = seen_at.max(device.last_seen_at);
        }
        rows.push(Row {
            patient: patient.id,
            name: String::from(who.name),
            phone: who.phone.map(String::from),
            email: who.email.map(String::from),
            level: mine.iter().filter_map(|alert| level(alert)).max(),
            collecting: granted.contains(&patient.key),
            seen_at,
            online,
        });
    }
    rows.sort_by_key(|row| row.name.to_lowercase());
    Ok(pages::View { q: asked.q.trim().to_owned(), rows, paging })
}

/// The one patient with this number whom this reader may see.
///
/// # Errors
/// Store faults.
pub(crate) fn named(view: &mut View<'_>, room: &Room, number: &Number) -> Result<Option<Patient>, Fault> {
    let audience = &room.viewer.audience;
    Ok(match number {
        Number::Cpf(cpf) => patients::find_by_cpf(view, audience, cpf)?,
        Number::Cns(cns) => patients::find_by_cns(view, audience, cns)?,
    })
}

/// Those of one stretch of all patients, in the order in which they came, whose name is meant.
fn window(view: &mut View<'_>, room: &Room, asked: &Asked) -> Result<(Vec<Patient>, Paging), Fault> {
    let audience = &room.viewer.audience;
    let wanted = Wanted::of(&asked.q);
    let limit = if wanted.is_empty() { SHOWN } else { WINDOW };
    let ask = Ask { limit, ..crate::pages::ask(&asked.cursor) };
    let page = patients::page(view, audience, &ask)?;
    let first = page
        .items
        .first()
        .map(|patient| Cursor { at: patient.created_at.micros(), id: patient.id.to_string() });
    let before = match first {
        Some(first) => patients::page_before(view, audience, &first, limit)?,
        None => None,
    };
    let at = |cursor: Cursor| {
        let cursor = if cursor == Cursor::start() { String::new() } else { cursor.to_string() };
        address("/patients", &[("q", &asked.q), ("cursor", &cursor)])
    };
    let paging = Paging {
        seen: u64::try_from(page.items.len()).unwrap_or(0),
        total: Total::counted(patients::count(view, audience)?),
        before: before.map(at),
        after: page.next.map(at),
    };
    let named =
        |patient: &Patient| patient.identity.as_ref().is_some_and(|who| wanted.fits(who.name.as_str()));
    Ok((page.items.into_iter().filter(named).collect(), paging))
}

/// What registering sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    name: String,
    birth_date: String,
    cpf: String,
    email: String,
    phone: String,
    zone: String,
}

impl Sent {
    fn details(&self) -> Result<Details, Fault> {
        let birth = NaiveDate::parse_from_str(self.birth_date.trim(), "%Y-%m-%d");
        let identity = PatientIdentity {
            name: self.name.parse().map_err(|_not_one| Fault::invalid("name", "a name"))?,
            birth_date: birth.map_err(|_not_one| Fault::invalid("birth_date", "a day"))?,
            cpf: optional("cpf", &self.cpf)?,
            cns: None,
            email: optional("email", &self.email)?,
            phone: optional("phone", &self.phone)?,
        };
        let zone = self.zone.trim();
        if Zone::parse(zone).is_err() {
            return Err(Fault::invalid("zone", "an IANA zone, such as America/Sao_Paulo"));
        }
        Ok(Details { identity, zone: zone.to_owned(), language: "pt-BR".to_owned() })
    }
}

fn optional<T: std::str::FromStr>(field: &str, text: &str) -> Result<Option<T>, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_not_one| Fault::invalid(field, "not one"))
}

/// POST `/patients`: registers, then shows the patient.
pub(crate) async fn register(visit: Visit, sent: Form<Sent>) -> Answer {
    visit
        .act(move |room| {
            let details = sent.details()?;
            let twice = |error| Fault::from(error).with("field", "cpf");
            let patient = room.write(|tx| patients::insert(tx, &details).map_err(twice))?;
            Ok(format!("/patients/{}", patient.id))
        })
        .await
}
