//! Policies, stored in versions.

use crate::alerts::reds;
use crate::versions::Versioned;
use crate::{Result, View};
use domain::Instant;
use domain::UserId;
use domain::escalation::{Policy, Target};
use domain::on_call::{Duty, Team};

impl Versioned for Policy {
    const KIND: &'static str = "policy";

    fn fits_reds(&self, view: &mut View<'_>, name: &str, now: Instant) -> Result<()> {
        reds::policy(view, name, self, now)
    }

    fn called(&self) -> Vec<UserId> {
        let steps = self.steps.iter().chain([&self.nobody_reached]);
        let named = |target: &Target| match target {
            Target::Person(user) => Some(*user),
            _ => None,
        };
        steps.flat_map(|step| step.targets.iter().filter_map(named)).collect()
    }

    fn names(&self) -> Vec<(&'static str, &str)> {
        let steps = self.steps.iter().chain([&self.nobody_reached]);
        let targets = steps.flat_map(|step| &step.targets);
        let named = targets.filter_map(|target| match target {
            Target::Schedule(id) => Some((Duty::KIND, id.as_str())),
            Target::Team(id) => Some((Team::KIND, id.as_str())),
            Target::Person(_) | Target::Role(_) => None,
        });
        named.collect()
    }
}
