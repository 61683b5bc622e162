//! `zelo patient`: whom the clinic cares for.

use serde_json::json;

use crate::cli::args::Patient;
use crate::cli::desk::{Desk, read};
use crate::cli::error::{Error, Result};
use crate::domain::PatientIdentity;
use crate::store::patients::{self, Details};

pub(in crate::cli) fn run(desk: &Desk, command: Patient) -> Result<()> {
    match command {
        Patient::Add { name, born, cpf, cns, email, phone, zone, language } => {
            if zone.parse::<chrono_tz::Tz>().is_err() {
                return Err(Error::Usage(format!(
                    "{zone:?} is not a time zone: write it as America/Sao_Paulo"
                )));
            }
            let identity = PatientIdentity {
                name: read("--name", &name)?,
                birth_date: read("--born", &born)?,
                cpf: cpf.map(|text| read("--cpf", &text)).transpose()?,
                cns: cns.map(|text| read("--cns", &text)).transpose()?,
                email: email.map(|text| read("--email", &text)).transpose()?,
                phone: phone.map(|text| read("--phone", &text)).transpose()?,
            };
            let details = Details { identity, zone, language };
            let id = desk.write(|tx| patients::insert(tx, &details))?.id;
            desk.out.say(&json!({ "id": id }), &id.to_string());
        }
        Patient::List { names } => {
            for patient in desk.all(patients::page)? {
                let name = patient.identity.as_ref().filter(|_| names).map(|who| who.name.as_str());
                let words = format!("{}  {}  {}", patient.id, patient.created_at, name.unwrap_or_default());
                let mut json = json!({ "id": patient.id, "created_at": patient.created_at });
                if let (Some(name), Some(row)) = (name, json.as_object_mut()) {
                    row.insert("name".into(), name.into());
                }
                desk.out.say(&json, words.trim_end());
            }
        }
    }
    Ok(())
}
