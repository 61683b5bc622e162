//! `zelo patient`: whom the clinic cares for.

use serde_json::json;

use crate::cli::acts::Acts;
use crate::cli::args::Patient;
use crate::cli::desk::read;
use crate::cli::error::{Error, Result};
use crate::cli::out::Out;
use domain::PatientIdentity;
use domain::time::civil::Zone;
use store::patients::Details;

pub(in crate::cli) fn run(acts: &dyn Acts, out: Out, command: Patient) -> Result<()> {
    match command {
        Patient::Add { name, born, cpf, cns, email, phone, zone, language } => {
            if Zone::parse(&zone).is_err() {
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
            let id = acts.add_patient(&details)?;
            out.say(&json!({ "id": id }), &id.to_string());
        }
        Patient::List { names } => {
            for mut patient in acts.patients()? {
                patient.name = patient.name.filter(|_| names);
                let name = patient.name.as_deref().unwrap_or_default();
                let words = format!("{}  {}  {name}", patient.id, patient.created_at);
                out.say(&patient, words.trim_end());
            }
        }
    }
    Ok(())
}
