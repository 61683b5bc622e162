//! What hangs on a person before they are blocked: their turns on call, the teams and the policies that name them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http::fault::Fault;
use crate::on_call::page::schedules::name;
use crate::pages::visit::Room;
use crate::people::view::users::{Shift, Ties};
use domain::UserId;
use domain::escalation::{Policy, Target};
use domain::on_call::{Duty, Team};
use domain::time::civil::Window;
use store::on_call::absences;
use store::{View, versions};

/// How far ahead turns are looked at.
const AHEAD: Duration = Duration::from_secs(14 * 24 * 3_600);

/// Of everybody on whom something hangs, what.
///
/// # Errors
/// Store faults.
pub(crate) fn all(view: &mut View<'_>, room: &Room) -> Result<BTreeMap<UserId, Ties>, Fault> {
    let (now, lang) = (room.now, room.words().lang);
    let absences = absences::after(view, now)?;
    let mut ties: BTreeMap<UserId, Ties> = BTreeMap::new();
    for duty in versions::all_in_force::<Duty>(view, now)? {
        let away = absences.in_schedule(&duty.name);
        for turn in duty.body.schedule.shifts(Window { from: now, to: now.plus(AHEAD) }, away) {
            let shift = Shift {
                schedule: name(&duty.body.name, lang),
                from: turn.window.from,
                to: turn.window.to,
                is_now: turn.window.holds(now),
            };
            ties.entry(turn.user).or_default().shifts.push(shift);
        }
    }
    let teams = versions::all_in_force::<Team>(view, now)?;
    for team in &teams {
        for user in &team.body.members {
            ties.entry(*user).or_default().teams.push(name(&team.body.name, lang));
        }
    }
    for policy in versions::all_in_force::<Policy>(view, now)? {
        let steps = policy.body.steps.iter().chain([&policy.body.nobody_reached]);
        let mut called: Vec<UserId> = Vec::new();
        for target in steps.flat_map(|step| &step.targets) {
            match target {
                Target::Person(user) => called.push(*user),
                Target::Team(id) => {
                    let team = teams.iter().find(|team| team.name == *id);
                    called.extend(team.into_iter().flat_map(|team| team.body.members.iter().copied()));
                }
                Target::Role(_) | Target::Schedule(_) => {}
            }
        }
        called.sort_unstable();
        called.dedup();
        for user in called {
            ties.entry(user).or_default().policies.push(name(&policy.body.name, lang));
        }
    }
    for tie in ties.values_mut() {
        tie.shifts.sort_by_key(|shift| (shift.from, shift.to));
    }
    Ok(ties)
}
