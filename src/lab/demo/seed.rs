//! Puts the invented clinic into an empty database: people, sign-ins, devices with tokens, bindings, consents.

use std::time::Duration;

use chrono::NaiveDate;
use consent::{Giver, Grant, Purpose};
use serde::{Deserialize, Serialize};

use super::clinic::{Answer, PATIENTS, Person, STAFF, Wearable};
use super::duty;
use domain::people::password::{self, Cost};
use domain::people::token::Signer;
use domain::{DeviceId, DeviceIdentity, Instant, PatientId, PatientIdentity, Role, StaffIdentity};
use store::consents::Hand;
use store::consents::{self, terms};
use store::db::settings;
use store::devices::{self, bindings};
use store::patients::Details;
use store::people::users;
use store::people::users::NewUser;
use store::{Actor, Store, Tx, patients};

/// Consents and bindings reach back before every recording's first row.
pub const REACH: Duration = Duration::from_secs(200 * 86_400);

/// What the terminal shows and programs need: shown again, unchanged, at every later start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoCast {
    /// One sign-in per role but `service`.
    pub users: Vec<DemoUser>,
    /// Those without a replaying client last.
    pub devices: Vec<DemoDevice>,
}

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoUser {
    /// The role's name.
    pub role: String,
    /// What to sign in with.
    pub email: String,
    /// Made by chance when the demo was seeded.
    pub password: String,
}

/// A device and what it connects with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoDevice {
    /// The MQTT user name.
    pub device_id: DeviceId,
    /// The MQTT password.
    pub token: String,
    /// Whom it measures.
    pub patient_id: PatientId,
    /// Whether the demo runs a client for it.
    pub replayed: bool,
}

/// Why the clinic could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A password could not be made.
    #[error(transparent)]
    Password(#[from] password::Refused),
    /// A token could not be signed.
    #[error(transparent)]
    Token(#[from] domain::people::token::Refused),
    /// The invented clinic is not in its form.
    #[error("the demo's clinic is not in its form: {0}")]
    Form(&'static str),
}

/// Seeds the clinic in one transaction. The database must be initialised and empty of people.
///
/// # Errors
/// [`SeedError`]; nothing is stored then.
pub fn seed(store: &Store, signer: &Signer, now: Instant) -> Result<DemoCast, SeedError> {
    // Argon2 takes its time: not while the database waits.
    let mut sign_ins = Vec::new();
    for (role, name, email) in STAFF {
        let password = password::passphrase()?;
        let hash = password::hash(&password, &[], Cost::STANDARD)?;
        sign_ins.push((
            DemoUser { role: role.name().to_owned(), email: email.to_owned(), password },
            role,
            name,
            hash,
        ));
    }
    let mut fault = None;
    let cast = store.write(Actor::System("demo"), now, |tx| {
        let made = clinic(tx, signer, now, &sign_ins);
        made.map_err(|error| match error {
            SeedError::Store(error) => error,
            other => {
                fault = Some(other);
                store::Error::Conflict("the demo's clinic could not be made")
            }
        })
    });
    match (cast, fault) {
        (_, Some(fault)) => Err(fault),
        (cast, None) => Ok(cast?),
    }
}

type SignIn = (DemoUser, Role, &'static str, String);

fn clinic(
    tx: &mut Tx<'_>,
    signer: &Signer,
    now: Instant,
    sign_ins: &[SignIn],
) -> Result<DemoCast, SeedError> {
    settings::set(tx, settings::KIND, "demo")?;
    let mut cast = DemoCast { users: Vec::new(), devices: Vec::new() };
    let mut first = None;
    for person in &PATIENTS {
        let patient = patients::insert(tx, &details(person)?)?.id;
        first = first.or(Some(patient));
        answer(tx, patient, person.answer, now)?;
        for (n, wearable) in person.wearables.iter().enumerate() {
            cast.devices.push(enrol(tx, signer, now, patient, wearable, n == 0)?);
        }
    }
    let mut staff = Vec::new();
    for (shown, role, name, hash) in sign_ins {
        let new = NewUser {
            identity: StaffIdentity {
                name: name.parse().map_err(|_not_valid| SeedError::Form("a name"))?,
                email: shown.email.parse().map_err(|_not_valid| SeedError::Form("an e-mail address"))?,
            },
            role: *role,
            password: Some(hash.clone()),
            patient: first.filter(|_| *role == Role::Patient),
        };
        staff.push((*role, users::insert(tx, &new)?.id));
        cast.users.push(shown.clone());
    }
    duty::seed(tx, &staff, now)?;
    Ok(cast)
}

fn details(person: &Person) -> Result<Details, SeedError> {
    let (year, month, day) = person.born;
    Ok(Details {
        identity: PatientIdentity {
            name: person.name.parse().map_err(|_not_valid| SeedError::Form("a name"))?,
            birth_date: NaiveDate::from_ymd_opt(year, month, day).ok_or(SeedError::Form("a birth date"))?,
            cpf: Some(person.cpf.parse().map_err(|_not_valid| SeedError::Form("a CPF"))?),
            cns: None,
            email: None,
            phone: None,
        },
        zone: "America/Sao_Paulo".to_owned(),
        language: "pt-BR".to_owned(),
    })
}

fn answer(tx: &mut Tx<'_>, patient: PatientId, answer: Answer, now: Instant) -> Result<(), SeedError> {
    let by = Hand::from(Giver::Subject);
    // Parents stand before their children in the list.
    for purpose in Purpose::ASKED {
        let Some(term) = terms::current(tx, *purpose)?.into_iter().next() else { continue };
        match answer {
            Answer::Silent => {}
            Answer::Refused => {
                consents::refuse(tx, patient, *purpose, &by)?;
            }
            Answer::Granted => {
                let mut sha256 = [0_u8; 32];
                hex::decode_to_slice(&term.text_sha256, &mut sha256)
                    .map_err(|_not_hex| SeedError::Form("a term"))?;
                let grant = Grant { measured_from: Some(now.minus(REACH).micros()), ..Grant::of(sha256) };
                consents::grant(tx, patient, *purpose, grant, &by)?;
            }
        }
    }
    Ok(())
}

fn enrol(
    tx: &mut Tx<'_>,
    signer: &Signer,
    now: Instant,
    patient: PatientId,
    wearable: &Wearable,
    preferred: bool,
) -> Result<DemoDevice, SeedError> {
    let identity =
        DeviceIdentity { label: wearable.label.into(), model: wearable.model.into(), serial: None };
    let device = devices::insert(tx, &identity)?.id;
    bindings::bind(tx, device, patient, now.minus(REACH), preferred)?;
    let jti = devices::issue_token(tx, device, None)?;
    let token = signer.for_device(device, jti, None, now)?;
    Ok(DemoDevice { device_id: device, token, patient_id: patient, replayed: wearable.part.is_some() })
}

#[cfg(test)]
mod tests {
    use consent::{Records, State};

    use super::*;
    use domain::people::token::fresh_key;
    use store::consents::ledger;
    use store::db::page::Ask;
    use store::patients::audience::Audience;
    use store::people::users as accounts;
    use store::testing::{NOW, stores};

    #[test]
    fn the_clinic_is_whole_consents_reach_back_and_idle_devices_come_last() {
        for store in stores() {
            let signer = Signer::new(&fresh_key().unwrap()).unwrap();
            let cast = seed(&store, &signer, NOW).unwrap();
            assert_eq!((cast.users.len(), cast.devices.len()), (8, 13));
            let idle: Vec<bool> = cast.devices.iter().map(|device| device.replayed).collect();
            assert_eq!(idle.iter().position(|replayed| !replayed), Some(11));
            assert_eq!(settings_kind(&store).as_deref(), Some("demo"));
            for user in &cast.users {
                let email = user.email.parse().unwrap();
                let account = store.read(|view| accounts::find_by_email(view, &email)).unwrap().unwrap();
                assert_eq!(account.user.role.name(), user.role);
                assert!(password::verify(&user.password, &account.password.unwrap()));
            }
            for device in &cast.devices {
                let claims = signer.device(&device.token, NOW).unwrap();
                assert!(store.read(|v| devices::token_is_valid(v, claims.sub, claims.jti, NOW)).unwrap());
            }
            let states: Vec<Option<State>> = PATIENTS
                .iter()
                .zip(
                    store
                        .read(|view| patients::page(view, &Audience::program(), &Ask::default()))
                        .unwrap()
                        .items,
                )
                .map(|(_, patient)| {
                    let ledger = store.read(|view| ledger::of(view, patient.key)).unwrap();
                    ledger.record(Purpose::TelemetryCollect).map(|record| record.state)
                })
                .collect();
            let count = |state| states.iter().filter(|s| **s == state).count();
            assert_eq!((count(None), count(Some(State::Refused)), count(Some(State::Granted))), (1, 1, 10));
        }
    }

    fn settings_kind(store: &Store) -> Option<String> {
        store.read(|view| settings::get(view, settings::KIND)).unwrap()
    }
}
