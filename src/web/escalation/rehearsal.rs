//! A policy run over the last month's alerts, beside the version in force: for the editor page and for the API.

use std::time::Duration;

use crate::Code;
use crate::http::fault::Fault;
use crate::pages::shell::DEFAULT_ZONE;
use domain::Instant;
use domain::escalation::{Difference, DryRun, Policy, dry_run};
use domain::time::civil::Zone;
use store::escalation::history::{Staff, history};
use store::{View, versions};

/// The span that is looked back on: thirty days.
pub(crate) const SPAN: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What would have happened.
#[derive(Debug, Clone)]
pub(crate) struct Rehearsal {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// With the policy that was asked about.
    pub draft: DryRun,
    /// With the version in force; `None` for a policy that is new.
    pub in_force: Option<DryRun>,
}

impl Rehearsal {
    /// What the draft changes.
    #[must_use]
    pub(crate) fn difference(&self) -> Option<Difference> {
        self.in_force.as_ref().map(|before| self.draft.against(before))
    }
}

/// Escalations `policy` and the version in force under its id over the alerts of the last [`SPAN`], with today's people
/// and schedules.
///
/// # Errors
/// `E_INVALID` for a policy that cannot be run; store faults.
pub(crate) fn rehearse(view: &mut View<'_>, policy: &Policy, now: Instant) -> Result<Rehearsal, Fault> {
    policy.check().map_err(|faulty| faulty_field(&faulty))?;
    let from = now.minus(SPAN);
    let cases = history(view, from, now)?;
    let staff = Staff::load(view, now)?;
    let zone = Zone::parse(DEFAULT_ZONE.name()).map_err(|_unknown| Fault::new(Code::Internal))?;
    let advanced = |policy: &Policy| dry_run(policy, &cases, now, zone, &mut |step, at| staff.find(step, at));
    let in_force = versions::in_force::<Policy>(view, &policy.id, now)?;
    let draft = advanced(policy);
    Ok(Rehearsal { from, to: now, draft, in_force: in_force.map(|version| advanced(&version.body)) })
}

/// What is wrong with a policy, by the name of its field.
#[must_use]
pub(crate) fn faulty_field(faulty: &domain::escalation::Faulty) -> Fault {
    use domain::escalation::Faulty;
    let step = |number: &usize, field: &str| match number {
        0 => format!("nobody_reached.{field}"),
        number => format!("steps[{}].{field}", number - 1),
    };
    let field = match faulty {
        Faulty::NoSteps | Faulty::TooManySteps => "steps".to_owned(),
        Faulty::NoTargets(number) | Faulty::CannotAnswer(number, _) => step(number, "targets"),
        Faulty::Minutes(number, _) => step(number, "minutes"),
        Faulty::Repeat(_) => "repeat".to_owned(),
        Faulty::Wait(name, _) => (*name).to_owned(),
    };
    Fault::invalid(&field, &faulty.to_string())
}
