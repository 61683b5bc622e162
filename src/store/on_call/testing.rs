//! People and schedules for tests of what is on call.

#![expect(clippy::unwrap_used, reason = "these are tests' own, and panic as tests do")]

use std::time::Duration;

use chrono::NaiveDateTime;

use crate::people::users::{self, NewUser};
use crate::testing::NOW;
use crate::{Actor, Store};
use domain::on_call::{Duty, Idle, Length, Need, Rotation, Schedule};
use domain::rules::Name;
use domain::time::civil::Zone;
use domain::{Role, StaffIdentity, UserId};

/// Somebody who may be on call.
pub fn person(store: &Store, role: Role) -> UserId {
    let email = format!("{}@clinica.example", UserId::new(NOW));
    let identity = StaffIdentity { name: "Ana Lima".parse().unwrap(), email: email.parse().unwrap() };
    let new = NewUser { identity, role, password: None, patient: None };
    store.write(Actor::Operator, NOW, |tx| users::insert(tx, &new)).unwrap().id
}

/// Turns of one length.
pub fn rotation(starts: NaiveDateTime, length: Length, people: &[UserId]) -> Rotation {
    Rotation {
        name: "Semana".into(),
        starts,
        ends: None,
        lengths: vec![length],
        people: people.to_vec(),
        hours: None,
        overlap_minutes: 0,
        idle_turns: Idle::Skipped,
    }
}

/// A schedule of São Paulo without a certificate.
pub fn duty(rotations: Vec<Rotation>) -> Duty {
    Duty {
        name: Name { pt: "Plantão".into(), en: "On call".into() },
        need: Need {
            certificate: false,
            most_in_a_week: Duration::from_secs(168 * 3_600),
            averaged_weeks: 1,
        },
        schedule: Schedule {
            zone: Zone::SAO_PAULO,
            rotations,
            temporaries: Vec::new(),
            overrides: Vec::new(),
        },
    }
}
