//! What will go wrong in the coming month, with every schedule and policy of the house in view.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{absences, people};
use crate::View;
use crate::db::error::Result;
use crate::escalation::paging::{self, LeftOut};
use crate::versions;
use domain::escalation::{Policy, Target};
use domain::on_call::{Absences, Around, Duty, Fitness, Issue, Need, Shift, issues};
use domain::time::civil::Window;
use domain::{Instant, UserId};

/// How far ahead it looks.
pub(super) const AHEAD: Duration = Duration::from_secs(30 * 86_400);

/// The house as the linter sees it at an instant.
#[derive(Debug)]
pub struct Linter {
    within: Window,
    people: BTreeMap<UserId, Fitness>,
    absences: Absences,
    shifts: BTreeMap<String, Vec<Shift>>,
    /// By schedule: those that a policy calls before it.
    before: BTreeMap<String, BTreeSet<String>>,
    /// Those that a policy calls by a step that asks for a certificate.
    certified: BTreeSet<String>,
    calls_out: bool,
}

impl Linter {
    /// Looks once at everything that is in force.
    ///
    /// # Errors
    /// Database errors.
    pub fn of(view: &mut View<'_>, now: Instant) -> Result<Self> {
        let within = Window { from: now, to: now.plus(AHEAD) };
        let duties = versions::all_in_force::<Duty>(view, now)?;
        let absences = absences::after(view, now)?;
        let unfold = |stored: versions::Version<Duty>| {
            let shifts = stored.body.schedule.shifts(within, absences.in_schedule(&stored.name));
            (stored.name, shifts)
        };
        let shifts = duties.into_iter().map(unfold).collect();
        let mut before: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let policies = versions::all_in_force::<Policy>(view, now)?;
        let certified = ask_a_certificate(&policies);
        for policy in policies {
            let mut earlier = BTreeSet::new();
            for step in &policy.body.steps {
                let here: BTreeSet<String> = step.targets.iter().filter_map(schedule).collect();
                for id in &here {
                    let first = earlier.iter().filter(|one| *one != id).cloned();
                    before.entry(id.clone()).or_default().extend(first);
                }
                earlier.extend(here);
            }
        }
        let (people, calls_out) = (people(view)?, paging::calls_out(view)?);
        Ok(Self { within, people, absences, shifts, before, certified, calls_out })
    }

    /// Whether a call leaves the house at all. Where none does, no schedule reaches anybody, and the status page says
    /// why.
    #[must_use]
    pub const fn calls_out(&self) -> bool {
        self.calls_out
    }

    /// What will go wrong with a schedule, the loudest first.
    #[must_use]
    pub fn problems(&self, id: &str, duty: &Duty) -> Vec<Issue> {
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<Shift> {
            let others = self.shifts.iter().filter(|(name, _)| *name != id && wanted(name));
            others.flat_map(|(_, shifts)| shifts).copied().collect()
        };
        let (elsewhere, earlier) = (of(&|_| true), self.before.get(id));
        let before = of(&|name| earlier.is_some_and(|names| names.contains(name)));
        let around = Around { people: &self.people, elsewhere: &elsewhere, before: &before };
        let shifts = duty.schedule.shifts(self.within, self.absences.in_schedule(id));
        let certificate = duty.need.certificate || self.certified.contains(id);
        let mut found = issues(&shifts, self.within, Need { certificate, ..duty.need }, around);
        found.extend(duty.schedule.beside_turns(self.within));
        found.sort_unstable();
        found
    }
}

/// What will go wrong with a schedule in the next 30 days, the loudest first.
///
/// # Errors
/// Database errors.
pub fn problems(view: &mut View<'_>, id: &str, duty: &Duty, now: Instant) -> Result<Vec<Issue>> {
    Ok(Linter::of(view, now)?.problems(id, duty))
}

/// The policies with a step that names people of whom nobody may answer a call now, each with the step, from 1. Who is
/// in a schedule changes by the hour: what is missing there is the schedule's own problem.
///
/// # Errors
/// Database errors.
pub fn dead_steps(view: &mut View<'_>, now: Instant) -> Result<Vec<(String, usize)>> {
    let mut dead = Vec::new();
    for policy in versions::all_in_force::<Policy>(view, now)? {
        for (place, step) in policy.body.steps.iter().enumerate() {
            if step.targets.iter().any(|target| schedule(target).is_some()) {
                continue;
            }
            let named = paging::candidates(view, step, now)?;
            let may =
                |left_out: Option<LeftOut>| matches!(left_out, None | Some(LeftOut::Twice | LeftOut::Absent));
            if !named.is_empty() && !named.iter().any(|one| may(one.left_out)) {
                dead.push((policy.name.clone(), place + 1));
            }
        }
    }
    Ok(dead)
}

/// The schedules that a policy calls by a step that leaves out whoever has no certificate.
pub(super) fn ask_a_certificate(policies: &[versions::Version<Policy>]) -> BTreeSet<String> {
    let steps =
        policies.iter().flat_map(|stored| stored.body.steps.iter().chain([&stored.body.nobody_reached]));
    let asking = steps.filter(|step| step.certificate);
    asking.flat_map(|step| step.targets.iter().filter_map(schedule)).collect()
}

fn schedule(target: &Target) -> Option<String> {
    match target {
        Target::Schedule(id) => Some(id.clone()),
        Target::Person(_) | Target::Role(_) | Target::Team(_) => None,
    }
}
