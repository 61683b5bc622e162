//! Patients by name, and their registration.

use actix_web::web::{Form, Query};
use chrono::NaiveDate;
use consent::{Purpose, State};
use serde::Deserialize;

use super::queue::level;
use super::visit::{Answer, Room, Visit};
use crate::domain::{Can, PatientIdentity};
use crate::store::patients::Details;
use crate::store::{Ask, View, alerts, bindings, devices, ledger, patients};
use crate::web::Section;
use crate::web::fault::Fault;
use crate::web::pages::patients::{self as pages, Row};

/// Patients searched through: names are sealed, so a search reads them all.
const SEARCHED: usize = 1_000;

/// `?q=&cursor=`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    cursor: String,
}

/// `/patients`.
pub async fn list(visit: Visit, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Patients, move |room| {
            let view = room.read(|view| fill(view, room, &asked))?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn fill(view: &mut View<'_>, room: &Room, asked: &Asked) -> Result<pages::View, Fault> {
    let wanted = asked.q.trim().to_lowercase();
    let ask = Ask {
        limit: if wanted.is_empty() { crate::store::page::USUAL } else { SEARCHED },
        ..super::devices::ask(&asked.cursor)
    };
    let page = patients::page(view, &ask)?;
    let granted = ledger::in_state(view, Purpose::TelemetryCollect, &[State::Granted])?;
    let filter = alerts::Filter { unresolved: true, ..alerts::Filter::default() };
    let open = if room.viewer.may(Can::SeeAlerts) { alerts::page(view, filter, 1_000)? } else { Vec::new() };
    let mut rows = Vec::new();
    for patient in page.items {
        let Some(who) = patient.identity else { continue };
        if !who.name.as_str().to_lowercase().contains(&wanted) {
            continue;
        }
        let mine = open.iter().filter(|alert| alert.patient_key == patient.key);
        let mut seen_at = None;
        for bound in bindings::open_of_patient(view, patient.key)? {
            seen_at = seen_at.max(devices::get(view, bound.device)?.last_seen_at);
        }
        rows.push(Row {
            patient: patient.id,
            name: String::from(who.name),
            phone: who.phone.map(String::from),
            email: who.email.map(String::from),
            level: mine.map(|alert| level(&alert.case)).max(),
            collecting: granted.iter().any(|(key, _)| *key == patient.key),
            seen_at,
        });
    }
    rows.sort_by_key(|row| row.name.to_lowercase());
    Ok(pages::View { q: asked.q.clone(), rows, next: page.next.map(|next| next.to_string()), refused: None })
}

/// What registering sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
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
        if zone.parse::<chrono_tz::Tz>().is_err() {
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
pub async fn register(visit: Visit, sent: Form<Sent>) -> Answer {
    visit
        .act(move |room| {
            let details = sent.details()?;
            let patient = room.write(|tx| Ok(patients::insert(tx, &details)?))?;
            Ok(format!("/patients/{}", patient.id))
        })
        .await
}
