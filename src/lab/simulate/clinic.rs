//! The simulated clinic: patients who agreed, refused or were never asked, a wearable each, staff who take turns.

use std::collections::HashMap;
use std::time::Duration;

use chrono::NaiveDate;
use consent::{Giver, Grant, Purpose};

use super::chance::Chance;
use super::wearer::Wearer;
use super::{Plan, absences};
use crate::demo::seed::DemoUser;
use crate::error::{Error, Result};
use domain::escalation::Policy;
use domain::on_call::{Duty, Idle, Length, Need, Rotation, Schedule};
use domain::people::password::{self, Cost};
use domain::rules::Name;
use domain::time::civil::{Window, Zone, midnight};
use domain::{
    DeviceId, DeviceIdentity, Inscription, Instant, PatientId, PatientIdentity, Role, StaffIdentity, UserId,
};
use store::consents::Hand;
use store::consents::{self, terms};
use store::db::settings;
use store::devices::{self, bindings};
use store::patients::Details;
use store::people::users;
use store::people::users::NewUser;
use store::{Actor, Store, Tx, patients, versions};

/// Patients in one transaction.
const GROUP: u32 = 500;
/// Consents and bindings reach back before the first reading.
const REACH: Duration = Duration::from_secs(86_400);
const PURPOSES: [Purpose; 3] = [Purpose::TelemetryCollect, Purpose::AlertEvaluate, Purpose::AlertEscalate];

const STAFF: [(Role, u32); 7] = [
    (Role::Agent, 6),
    (Role::Technician, 2),
    (Role::Clinician, 6),
    (Role::Manager, 2),
    (Role::Auditor, 1),
    (Role::Dpo, 1),
    (Role::Admin, 1),
];

/// Everybody in the simulation.
pub(super) struct Clinic {
    pub(super) wearers: Vec<Wearer>,
    /// The patients' numbers.
    pub(super) numbers: HashMap<PatientId, u64>,
    /// The staff, in a fixed order.
    pub(super) staff: Vec<(UserId, Role)>,
    /// One sign-in a role.
    pub(super) users: Vec<DemoUser>,
    /// Who is away when.
    pub(super) absences: Vec<(UserId, Window)>,
}

impl Clinic {
    /// The place of a member in the staff's order.
    pub(super) fn place(&self, user: UserId) -> Option<u64> {
        self.staff.iter().position(|(id, _)| *id == user).and_then(|place| u64::try_from(place).ok())
    }

    /// Whether a member is away at an instant.
    pub(super) fn is_away(&self, user: UserId, at: Instant) -> bool {
        self.absences.iter().any(|(away, window)| *away == user && window.holds(at))
    }

    /// Some member of a role who is there at an instant.
    pub(super) fn some(&self, role: Role, at: Instant, chance: &mut Chance) -> Option<(UserId, Role)> {
        let there = |(id, held): &&(UserId, Role)| *held == role && !self.is_away(*id, at);
        let all: Vec<_> = self.staff.iter().filter(there).collect();
        let place = chance.below(u32::try_from(all.len()).unwrap_or(1));
        all.get(usize::try_from(place).unwrap_or(0)).map(|member| **member)
    }
}

/// Puts the clinic into a database that was initialised and holds nobody.
///
/// # Errors
/// The store refuses.
pub(super) fn found(store: &Store, plan: &Plan, begin: Instant) -> Result<Clinic> {
    let password = password::passphrase().map_err(|why| Error::Failed(why.to_string()))?;
    let hash = password::hash(&password, &[], plan.cost).map_err(|why| Error::Failed(why.to_string()))?;
    let (staff, users) = store.write(Actor::System("simulate"), begin, |tx| {
        settings::set(tx, settings::KIND, "simulation")?;
        let (staff, users) = employ(tx, &password, &hash)?;
        duties(tx, &staff, begin)?;
        uncertified(tx)?;
        Ok((staff, users))
    })?;
    let (mut wearers, mut numbers) = (Vec::new(), HashMap::new());
    let mut first = 0;
    while first < plan.patients {
        let last = (first + GROUP).min(plan.patients);
        let made = store.write(Actor::System("simulate"), begin, |tx| {
            let terms = current(tx)?;
            (first..last)
                .map(|n| admit(tx, plan, u64::from(n), &terms, begin))
                .collect::<store::Result<Vec<_>>>()
        })?;
        for (n, (patient, device)) in (u64::from(first)..).zip(made) {
            numbers.insert(patient, n);
            wearers.push(Wearer::new(device, n, plan.seed, begin, plan.days));
        }
        first = last;
    }
    let absences = absences::draw(store, &staff, plan, begin)?;
    Ok(Clinic { wearers, numbers, staff, users, absences })
}

type Staff = (Vec<(UserId, Role)>, Vec<DemoUser>);

fn employ(tx: &mut Tx<'_>, password: &str, hash: &str) -> store::Result<Staff> {
    let (mut staff, mut sign_ins) = (Vec::new(), Vec::new());
    for (role, count) in STAFF {
        for n in 1..=count {
            let email = format!("{}-{n}@simulacao.example", role.name());
            let identity = StaffIdentity {
                name: format!("{} Simulada {}", GIVEN.get(staff.len()).unwrap_or(&"Ana"), role.name())
                    .parse()
                    .map_err(|_form| store::Error::corrupt("a simulated name"))?,
                email: email.parse().map_err(|_form| store::Error::corrupt("a simulated address"))?,
            };
            let new = NewUser { identity, role, password: Some(hash.to_owned()), patient: None };
            staff.push((users::insert(tx, &new)?.id, role));
            if n == 1 {
                sign_ins.push(DemoUser {
                    role: role.name().to_owned(),
                    email,
                    password: password.to_owned(),
                });
            }
        }
    }
    Ok((staff, sign_ins))
}

/// Who is on call: turns of a day and of a week, one person at a time.
fn duties(tx: &mut Tx<'_>, staff: &[(UserId, Role)], begin: Instant) -> store::Result<()> {
    let of = |role: Role| -> Vec<UserId> {
        staff.iter().filter(|(_, held)| *held == role).map(|(id, _)| *id).collect()
    };
    let clinicians = of(Role::Clinician);
    let mut backup = clinicians.clone();
    backup.rotate_left(2);
    let mut coordination = clinicians.clone();
    coordination.truncate(2);
    for (id, pt, en, length, people) in [
        ("clinician_on_call", "Clínico de plantão", "Clinician on call", Length::Days(1), clinicians),
        ("clinician_backup", "Retaguarda", "Backup", Length::Days(1), backup),
        ("coordination", "Coordenação", "Coordination", Length::Weeks(1), coordination),
        ("duty_manager", "Gestão de plantão", "Duty manager", Length::Weeks(1), of(Role::Manager)),
    ] {
        let zone = Zone::SAO_PAULO;
        let rotation = Rotation {
            name: pt.into(),
            starts: midnight(zone.date(begin.minus(REACH * 8))),
            ends: None,
            lengths: vec![length],
            people,
            hours: None,
            overlap_minutes: 0,
            idle_turns: Idle::Skipped,
        };
        let schedule =
            Schedule { zone, rotations: vec![rotation], temporaries: Vec::new(), overrides: Vec::new() };
        let duty = Duty {
            name: Name { pt: pt.into(), en: en.into() },
            need: Need {
                certificate: false,
                most_in_a_week: Duration::from_secs(7 * 86_400),
                averaged_weeks: 1,
            },
            schedule,
        };
        versions::seed(tx, id, &duty)?;
    }
    Ok(())
}

/// This clinic keeps no certificates: its red policy asks for none.
fn uncertified(tx: &mut Tx<'_>) -> store::Result<()> {
    let now = tx.now();
    let Some(mut red) = versions::in_force::<Policy>(tx, store::escalation::RED, now)? else {
        return Ok(());
    };
    red.body.steps.iter_mut().for_each(|step| step.certificate = false);
    versions::publish(tx, &red.name, &red.body, red.version).map(drop)
}

type Terms = Vec<(Purpose, [u8; 32])>;

fn current(tx: &mut Tx<'_>) -> store::Result<Terms> {
    let mut out = Vec::new();
    for purpose in PURPOSES {
        if let Some(term) = terms::current(tx, purpose)?.into_iter().next() {
            let mut sha256 = [0_u8; 32];
            hex::decode_to_slice(&term.text_sha256, &mut sha256)
                .map_err(|_form| store::Error::corrupt("terms.text_sha256").in_row(term.id))?;
            out.push((purpose, sha256));
        }
    }
    Ok(out)
}

const GIVEN: [&str; 20] = [
    "Ana", "Bruno", "Carla", "Davi", "Elisa", "Fábio", "Gabriela", "Heitor", "Iara", "João", "Karina",
    "Lucas", "Marina", "Nelson", "Olívia", "Paulo", "Rita", "Sérgio", "Tânia", "Vera",
];
const MIDDLE: [&str; 10] =
    ["Alves", "Barros", "Costa", "Dias", "Farias", "Gomes", "Lima", "Moraes", "Nunes", "Prado"];

fn admit(
    tx: &mut Tx<'_>,
    plan: &Plan,
    n: u64,
    terms: &Terms,
    begin: Instant,
) -> store::Result<(PatientId, DeviceId)> {
    let mut chance = Chance::of(plan.seed, n, 2);
    let mut pick = |from: &[&'static str]| {
        let place = chance.below(u32::try_from(from.len()).unwrap_or(1));
        usize::try_from(place).ok().and_then(|place| from.get(place)).copied().unwrap_or("Ana")
    };
    let name = format!("{} {} Simulada", pick(&GIVEN), pick(&MIDDLE));
    let (year, month, day) = (chance.between(1940, 2004), chance.between(1, 12), chance.between(1, 28));
    let born = i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
    let identity = PatientIdentity {
        name: name.parse().map_err(|_form| store::Error::corrupt("a simulated name"))?,
        birth_date: born.ok_or(store::Error::corrupt("a simulated date"))?,
        cpf: None,
        cns: None,
        email: None,
        phone: None,
    };
    let details = Details { identity, zone: "America/Sao_Paulo".into(), language: "pt-BR".into() };
    let patient = patients::insert(tx, &details)?.id;
    let from = begin.minus(REACH);
    let answer = chance.below(100);
    for (purpose, sha256) in terms {
        let by = Hand::from(Giver::Subject);
        match answer {
            0..3 => {
                consents::refuse(tx, patient, *purpose, &by)?;
            }
            3..5 => {}
            _ => {
                let grant = Grant { measured_from: Some(from.micros()), ..Grant::of(*sha256) };
                consents::grant(tx, patient, *purpose, grant, &by)?;
            }
        }
    }
    let identity = DeviceIdentity {
        label: Inscription::mended(&format!("simulado {n}")),
        model: "simulado".into(),
        serial: None,
    };
    let device = devices::insert(tx, &identity)?.id;
    bindings::bind(tx, device, patient, from, true)?;
    Ok((patient, device))
}

/// Passwords of a simulation are hashed as any other; a test need not wait for it.
pub(super) const COST: Cost = Cost::STANDARD;
