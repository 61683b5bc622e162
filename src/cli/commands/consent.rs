//! `zelo consent`: what patients agreed to; the operator's hand counts as help by staff.

use consent::{Giver, Grant, Lang, Purpose};
use serde_json::json;

use crate::cli::args::Consent;
use crate::cli::desk::{Desk, instant, read};
use crate::cli::error::{Error, Result};
use crate::domain::{Instant, PatientId};
use crate::store::consents::{self, Outcome};
use crate::store::{ledger, patients, terms};

pub(in crate::cli) fn run(desk: &Desk, command: Consent) -> Result<()> {
    match command {
        Consent::Grant { patient, purpose, measured_from, lang } => {
            let (patient, purpose) = (read("patient", &patient)?, purpose_of(&purpose)?);
            let from = measured_from.map(|text| instant(&text)).transpose()?;
            let lang = Lang::parse(&lang).ok_or_else(|| Error::Usage("--lang is pt-BR or en".into()))?;
            let sha256 = term(desk, purpose, lang)?;
            let grant = Grant { measured_from: from.map(Instant::micros), ..Grant::of(sha256) };
            let outcome = desk.write(|tx| {
                consents::grant(tx, patient, purpose, grant.clone(), &Giver::StaffAssisted.into())
            })?;
            say(desk, purpose, &outcome);
        }
        Consent::Revoke { patient, purpose } => {
            let (patient, purpose): (PatientId, _) = (read("patient", &patient)?, purpose_of(&purpose)?);
            let outcome =
                desk.write(|tx| consents::revoke(tx, patient, purpose, &Giver::StaffAssisted.into()))?;
            super::super::revocations::catch_up(&desk.store, desk.home.dir())?;
            say(desk, purpose, &outcome);
        }
        Consent::List { patient } => {
            let patient: PatientId = read("patient", &patient)?;
            let key = desk.store.read(|view| patients::key_of(view, patient))?;
            let held = desk.store.read(|view| ledger::of(view, key))?;
            for purpose in Purpose::ALL {
                let Some(record) = consent::Records::record(&held, *purpose) else { continue };
                let words =
                    format!("{:<22} {:<10} epoch {}", purpose.as_str(), record.state.as_str(), record.epoch);
                desk.out.say(
                    &json!({ "purpose": purpose, "state": record.state, "epoch": record.epoch }),
                    &words,
                );
            }
        }
    }
    Ok(())
}

fn say(desk: &Desk, purpose: Purpose, outcome: &Outcome) {
    let record = &outcome.record;
    let json = json!({
        "id": outcome.id, "purpose": purpose, "state": record.state, "epoch": record.epoch,
        "term_sha256": record.term_sha256.map(hex::encode),
    });
    desk.out.say(
        &json,
        &format!("{purpose}: {} (epoch {})", record.state.as_str(), record.epoch, purpose = purpose.as_str()),
    );
}

fn purpose_of(text: &str) -> Result<Purpose> {
    Purpose::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
        Error::Usage(format!("{text:?} is not a purpose: {}", known.join(", ")))
    })
}

fn term(desk: &Desk, purpose: Purpose, lang: Lang) -> Result<[u8; 32]> {
    let current = desk.store.read(|view| terms::current(view, purpose))?;
    let term = current.into_iter().find(|term| term.lang == lang);
    let term = term.ok_or_else(|| Error::Missing(format!("no term stands for {}", purpose.as_str())))?;
    let mut sha256 = [0_u8; 32];
    hex::decode_to_slice(&term.text_sha256, &mut sha256).map_err(|fault| Error::Failed(fault.to_string()))?;
    Ok(sha256)
}
