//! `zelo consent`: what patients agreed to; the operator's hand counts as help by staff.

use consent::{Lang, Purpose};

use crate::cli::acts::{Acts, ConsentChange};
use crate::cli::args::Consent;
use crate::cli::desk::{instant, read};
use crate::cli::error::{Error, Result};
use crate::cli::out::Out;

pub(in crate::cli) fn run(acts: &dyn Acts, out: Out, command: Consent) -> Result<()> {
    match command {
        Consent::Grant { patient, purpose, measured_from, lang } => {
            let (patient, purpose) = (read("patient", &patient)?, purpose_of(&purpose)?);
            let from = measured_from.as_deref().map(instant).transpose()?;
            let lang = Lang::parse(&lang).ok_or_else(|| Error::Usage("--lang is pt-BR or en".into()))?;
            show(out, &acts.grant(patient, purpose, lang, from)?);
        }
        Consent::Revoke { patient, purpose } => {
            show(out, &acts.revoke(read("patient", &patient)?, purpose_of(&purpose)?)?);
        }
        Consent::List { patient } => {
            for standing in acts.consents(read("patient", &patient)?)? {
                let (purpose, state) = (standing.purpose.as_str(), standing.state.as_str());
                out.say(&standing, &format!("{purpose:<22} {state:<10} epoch {}", standing.epoch));
            }
        }
    }
    Ok(())
}

fn show(out: Out, change: &ConsentChange) {
    out.say(
        change,
        &format!("{}: {} (epoch {})", change.purpose.as_str(), change.state.as_str(), change.epoch),
    );
}

fn purpose_of(text: &str) -> Result<Purpose> {
    Purpose::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
        Error::Usage(format!("{text:?} is not a purpose: {}", known.join(", ")))
    })
}
