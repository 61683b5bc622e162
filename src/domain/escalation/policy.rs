//! A policy as data: who is paged in which order, and how long each has to answer. A run keeps the version it
//! started with; a change is a new version.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::rules::Name;
use crate::{Can, Role};

/// One version of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its lasting id, as in `red_alert`.
    pub id: String,
    /// Counts up from 1.
    pub version: u32,
    /// Its name for people.
    pub name: Name,
    /// Minutes before the first step.
    #[serde(default)]
    pub starts_after: u32,
    /// From the first to be paged to the last.
    pub steps: Vec<Step>,
    /// How often the whole policy is run again before nobody was reached.
    #[serde(default)]
    pub repeat: u8,
    /// Minutes after which an acknowledged case that nobody resolved pages again; `None`: never.
    pub acknowledged_for: Option<u32>,
    /// Who is paged when nobody was reached, every so many minutes, until a named person takes it.
    pub nobody_reached: Step,
}

/// A step: people, and how long they have to answer before the next ones are paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Who; everybody found among them is paged.
    pub targets: Vec<Target>,
    /// Minutes to answer.
    pub minutes: u32,
    /// Only people with a valid certificate.
    #[serde(default)]
    pub certificate: bool,
    /// When nobody is found, go on at once instead of losing the minutes.
    #[serde(default = "yes")]
    pub skip_if_empty: bool,
}

const fn yes() -> bool {
    true
}

/// Whom a step means.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A person.
    Person(UserId),
    /// Everybody of a role.
    Role(Role),
    /// Whoever is on call in a schedule, by its lasting id.
    Schedule(String),
    /// Everybody of a team, by its lasting id.
    Team(String),
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Faulty {
    /// No step.
    #[error("the policy has no step; give it at least one")]
    NoSteps,
    /// More steps than anybody escalates.
    #[error("the policy has more than {MOST_STEPS} steps")]
    TooManySteps,
    /// A step without people.
    #[error("step {0} has no targets; name a person, a role, a schedule or a team")]
    NoTargets(usize),
    /// A step that calls a role which could not answer.
    #[error("step {0} calls the role {role}, which may not answer an alert; call one of {able}", role = .1.name(), able = able())]
    CannotAnswer(usize, Role),
    /// A step that never ends, or at once.
    #[error("step {0} gives {1} minutes; give 1 to {MOST_MINUTES}")]
    Minutes(usize, u32),
    /// Too often.
    #[error("the policy repeats {0} times; at most {MOST_REPEATS}")]
    Repeat(u8),
    /// A wait without an end.
    #[error("{0} is {1} minutes; at most {MOST_MINUTES}")]
    Wait(&'static str, u32),
}

fn able() -> String {
    Can::AnswerCalls.roles().iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

const MOST_STEPS: usize = 20;
const MOST_REPEATS: u8 = 9;
/// A week: every wait has an end.
const MOST_MINUTES: u32 = 7 * 24 * 60;

impl Policy {
    /// Whether it can be escalated.
    ///
    /// # Errors
    /// [`Faulty`] names the step (from 1; 0 is the one for nobody reached).
    pub fn check(&self) -> Result<(), Faulty> {
        if self.steps.is_empty() {
            return Err(Faulty::NoSteps);
        }
        if self.steps.len() > MOST_STEPS {
            return Err(Faulty::TooManySteps);
        }
        if self.repeat > MOST_REPEATS {
            return Err(Faulty::Repeat(self.repeat));
        }
        for (what, minutes) in
            [("starts_after", Some(self.starts_after)), ("acknowledged_for", self.acknowledged_for)]
        {
            if let Some(minutes) = minutes.filter(|minutes| *minutes > MOST_MINUTES) {
                return Err(Faulty::Wait(what, minutes));
            }
        }
        for (number, step) in std::iter::once(&self.nobody_reached).chain(&self.steps).enumerate() {
            if step.targets.is_empty() {
                return Err(Faulty::NoTargets(number));
            }
            let deaf = step.targets.iter().find_map(|target| match target {
                Target::Role(role) => (!Can::AnswerCalls.held_by(*role)).then_some(*role),
                _ => None,
            });
            if let Some(role) = deaf {
                return Err(Faulty::CannotAnswer(number, role));
            }
            if step.minutes == 0 || step.minutes > MOST_MINUTES {
                return Err(Faulty::Minutes(number, step.minutes));
            }
        }
        Ok(())
    }

    /// How long it takes from the start until nobody was reached, when everybody is found and nobody answers.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        let once: u64 = self.steps.iter().map(|step| u64::from(step.minutes)).sum();
        Duration::from_secs(60 * (u64::from(self.starts_after) + once * (u64::from(self.repeat) + 1)))
    }
}

impl Step {
    /// How long its people have.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.minutes))
    }
}

/// The policies that every installation starts with: the red alert (clinician on call, backup, coordination,
/// manager), the three levels of 2, 4 and 8 hours, and the complexity matrix of 15, 30 and 45 minutes.
#[must_use]
pub fn seeds() -> Vec<Policy> {
    let on_call = |schedule: &str| vec![Target::Schedule(schedule.into())];
    let role = |role: Role| vec![Target::Role(role)];
    let duty_manager = || vec![Target::Schedule("duty_manager".into()), Target::Role(Role::Manager)];
    let step = |targets, minutes| Step { targets, minutes, certificate: false, skip_if_empty: true };
    let certified = |targets, minutes| Step { certificate: true, ..step(targets, minutes) };
    let policy = |id: &str, pt: &'static str, en: &'static str, steps: Vec<Step>| Policy {
        id: id.into(),
        version: 1,
        name: Name { pt: pt.into(), en: en.into() },
        starts_after: 0,
        steps,
        repeat: 0,
        acknowledged_for: None,
        nobody_reached: step(duty_manager(), 15),
    };
    let frontline = || step(role(Role::Agent), 15);
    let technician = || step(role(Role::Technician), 30);
    let clinician = || step(role(Role::Clinician), 45);
    let manager = || step(role(Role::Manager), 60);
    vec![
        Policy {
            acknowledged_for: Some(30),
            nobody_reached: step(duty_manager(), 5),
            ..policy(
                "red_alert",
                "Alerta vermelho",
                "Red alert",
                vec![
                    certified(on_call("clinician_on_call"), 5),
                    certified(on_call("clinician_backup"), 5),
                    step(on_call("coordination"), 5),
                    step(role(Role::Manager), 5),
                ],
            )
        },
        Policy {
            starts_after: 120,
            ..policy(
                "standard",
                "Atendimento padrão: 2 h, 4 h, 8 h",
                "Standard service: 2 h, 4 h, 8 h",
                vec![
                    step(role(Role::Agent), 120),
                    step(vec![Target::Role(Role::Technician), Target::Role(Role::Clinician)], 240),
                    step(role(Role::Manager), 60),
                ],
            )
        },
        policy(
            "complexity_low",
            "Complexidade baixa: atendimento em 15 min",
            "Low complexity: front line in 15 min",
            vec![frontline(), technician(), clinician(), manager()],
        ),
        policy(
            "complexity_medium",
            "Complexidade média: técnico em 30 min",
            "Medium complexity: technician in 30 min",
            vec![technician(), clinician(), manager()],
        ),
        policy(
            "complexity_high",
            "Complexidade alta: clínico em 45 min",
            "High complexity: clinician in 45 min",
            vec![clinician(), manager()],
        ),
    ]
}
