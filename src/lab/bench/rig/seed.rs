//! Many patients with a device each, consents granted from long ago, in few transactions.

use std::time::Duration;

use anyhow::Context as _;
use chrono::NaiveDate;
use consent::{Giver, Grant, Purpose};
use serde::{Deserialize, Serialize};

use domain::people::token::Signer;
use domain::{DeviceId, DeviceIdentity, Instant, PatientId, PatientIdentity};
use store::consents::terms;
use store::consents::{self, Hand};
use store::devices::{self, bindings};
use store::patients::{self, Details};
use store::{Actor, Store, Tx};

/// Patients in one transaction.
const GROUP: usize = 500;
/// How far back consents and bindings reach.
const REACH: Duration = Duration::from_secs(60 * 86_400);
/// What is asked of readings: collected, and judged.
const PURPOSES: [Purpose; 3] = [Purpose::TelemetryCollect, Purpose::AlertEvaluate, Purpose::AlertEscalate];

/// A device that may connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enrolled {
    /// MQTT user name.
    pub id: String,
    /// MQTT password.
    pub token: String,
    /// Whom it measures.
    pub patient: PatientId,
}

impl Enrolled {
    /// Its id as the house writes it.
    ///
    /// # Errors
    /// It was never one.
    pub(crate) fn device(&self) -> anyhow::Result<DeviceId> {
        self.id.parse().context("a device id")
    }
}

/// Seeds `count` patients with a device each.
///
/// # Errors
/// Database errors.
pub(crate) fn many(
    store: &Store,
    signer: &Signer,
    count: usize,
    now: Instant,
) -> anyhow::Result<Vec<Enrolled>> {
    let grants = store.read(|view| {
        let mut grants = Vec::new();
        for purpose in PURPOSES {
            let hash = terms::current(view, purpose)?.into_iter().next().map(|term| term.text_sha256);
            grants.push((purpose, hash));
        }
        Ok(grants)
    })?;
    let grants: Vec<(Purpose, [u8; 32])> = grants
        .into_iter()
        .map(|(purpose, hash)| Ok((purpose, bytes(hash.as_deref())?)))
        .collect::<anyhow::Result<_>>()?;
    let details = somebody()?;
    let mut enrolled = Vec::with_capacity(count);
    while enrolled.len() < count {
        let group = GROUP.min(count - enrolled.len());
        let made = store.write(Actor::System("bench"), now, |tx| {
            (0..group).map(|_| one(tx, &details, &grants, now)).collect::<store::Result<Vec<_>>>()
        })?;
        for (patient, device, jti) in made {
            let token = signer.for_device(device, jti, None, now)?;
            enrolled.push(Enrolled { id: device.to_string(), token, patient });
        }
    }
    Ok(enrolled)
}

fn one(
    tx: &mut Tx<'_>,
    details: &Details,
    grants: &[(Purpose, [u8; 32])],
    now: Instant,
) -> store::Result<(PatientId, DeviceId, domain::TokenId)> {
    let patient = patients::insert(tx, details)?.id;
    let from = now.minus(REACH);
    for (purpose, sha256) in grants {
        let grant = Grant { measured_from: Some(from.micros()), ..Grant::of(*sha256) };
        consents::grant(tx, patient, *purpose, grant, &Hand::from(Giver::Subject))?;
    }
    let identity = DeviceIdentity { label: "bench".into(), model: "bench".into(), serial: None };
    let device = devices::insert(tx, &identity)?.id;
    bindings::bind(tx, device, patient, from, true)?;
    Ok((patient, device, devices::issue_token(tx, device, None)?))
}

fn bytes(hash: Option<&str>) -> anyhow::Result<[u8; 32]> {
    let mut out = [0_u8; 32];
    hex::decode_to_slice(hash.context("the database has no terms")?, &mut out)?;
    Ok(out)
}

fn somebody() -> anyhow::Result<Details> {
    Ok(Details {
        identity: PatientIdentity {
            name: "Pessoa de Bancada".parse().ok().context("a name")?,
            birth_date: NaiveDate::from_ymd_opt(1980, 1, 1).context("a date")?,
            cpf: None,
            cns: None,
            email: None,
            phone: None,
        },
        zone: "America/Sao_Paulo".to_owned(),
        language: "pt-BR".to_owned(),
    })
}
