//! Who is on call at an instant, in all schedules.

use std::collections::BTreeSet;

use super::away;
use crate::db::error::Result;
use crate::{View, versions};
use domain::on_call::Duty;
use domain::{Instant, UserId};

/// Everybody on call in some schedule at an instant.
///
/// # Errors
/// Database errors.
pub fn on_duty(view: &mut View<'_>, at: Instant) -> Result<BTreeSet<UserId>> {
    Ok(present(view, at)?.into_iter().map(|(_, user)| user).collect())
}

/// The same, by schedule.
///
/// # Errors
/// Database errors.
pub fn present(view: &mut View<'_>, at: Instant) -> Result<BTreeSet<(String, UserId)>> {
    let schedules = versions::all_in_force::<Duty>(view, at)?;
    let absences = away::after(view, at)?;
    let present = schedules.iter().flat_map(|duty| {
        let there = duty.body.schedule.at(at, absences.in_schedule(&duty.name));
        there.into_iter().map(|(user, _)| (duty.name.clone(), user))
    });
    Ok(present.collect())
}
