//! Schedules and teams, stored in versions.

use crate::versions::Versioned;
use domain::UserId;
use domain::on_call::{Duty, Team};

impl Versioned for Duty {
    const KIND: &'static str = "schedule";

    fn called(&self) -> Vec<UserId> {
        // An override of the past keeps whoever it named; a call leaves out who could not answer it.
        self.schedule.rotations.iter().flat_map(|rotation| rotation.people.iter().copied()).collect()
    }
}

impl Versioned for Team {
    const KIND: &'static str = "team";

    fn called(&self) -> Vec<UserId> {
        self.members.clone()
    }
}
