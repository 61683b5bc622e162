//! One person's absence over all schedules: their turns, who stands in for each, and what stays uncovered.

use super::changes::edit;
use super::get;
use crate::domain::civil::{Window, union};
use crate::domain::on_call::{Change, Duty, Override, gaps};
use crate::domain::{Instant, UserId};
use crate::store::departures::{self, Why};
use crate::store::error::{Error, Result};
use crate::store::{Act, Subject, Tx, View, versions};

/// Somebody stands in for a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// In which schedule.
    pub schedule: String,
    /// For how long of it.
    pub window: Window,
    /// Who.
    pub by: UserId,
}

/// What became of an absence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Absence {
    /// The schedules that were changed, with their new versions.
    pub changed: Vec<(String, u32)>,
    /// Where nobody is on call now who was before.
    pub uncovered: Vec<(String, Window)>,
}

/// A person's turns in every schedule in a window, by schedule, in order of time.
///
/// # Errors
/// Database errors.
pub fn turns_of(
    view: &mut View<'_>,
    user: UserId,
    within: Window,
    now: Instant,
) -> Result<Vec<(String, Window)>> {
    let mut out = Vec::new();
    for held in versions::all_in_force::<Duty>(view, now)? {
        let own = held.body.schedule.shifts(within).into_iter().filter(|shift| shift.user == user);
        let turns = union(own.map(|shift| shift.window).collect());
        out.extend(turns.into_iter().map(|window| (held.name.clone(), window)));
    }
    Ok(out)
}

/// Takes a person off every schedule in a window, with whoever stands in, in one transaction. What nobody covers is
/// said, not refused: an absence comes whether somebody stands in or not. Where it has begun, the alerts that rest on
/// them go back to the queue.
///
/// # Errors
/// [`Error::Refused`] for an absence that is over, a cover that is none of their turns, or somebody who may not be on
/// call; [`Error::Conflict`] where there is no turn of theirs and nothing rests on them.
pub fn absent(tx: &mut Tx<'_>, user: UserId, within: Window, covers: &[Cover]) -> Result<Absence> {
    let now = tx.now();
    let begun = within.from <= now;
    let within = Window { from: within.from.max(now), to: within.to };
    if within.from >= within.to {
        return refused("this absence is over: look at its year");
    }
    let turns = turns_of(tx, user, within, now)?;
    let covers_a_turn = |cover: &Cover| {
        let own = turns.iter().filter(|(schedule, _)| *schedule == cover.schedule);
        let inside = |window: &Window| window.meet(cover.window) == Some(cover.window);
        cover.by != user && own.into_iter().any(|(_, window)| inside(window))
    };
    if !covers.iter().all(covers_a_turn) {
        return refused(
            "somebody stands in for what is no turn of theirs, or for themselves: ask for the turns again",
        );
    }
    let mut schedules: Vec<&String> = turns.iter().map(|(schedule, _)| schedule).collect();
    schedules.dedup();
    // Who is away now answers for nothing now. What begins later finds them with what they then have in hand.
    let gave_back = if begun { departures::leave(tx, user, Why::Absent)? } else { 0 };
    if schedules.is_empty() && gave_back == 0 {
        return Err(Error::Conflict("this person has no turn in that time"));
    }
    let mut done = Absence::default();
    for schedule in schedules {
        let seen = get(tx, schedule, now)?.version;
        let version = edit(tx, schedule, seen, |plan| {
            let own = covers.iter().filter(|cover| cover.schedule == *schedule);
            plan.overrides.extend(own.map(|cover| {
                let Window { from, to } = cover.window;
                Override { from, to, change: Change::Replace(user, cover.by) }
            }));
            // The rest, and whatever a later change of the rotation would give them.
            let Window { from, to } = within;
            plan.overrides.push(Override { from, to, change: Change::Remove(user) });
            Ok(())
        })?;
        done.changed.push((schedule.clone(), version));
        let plan = get(tx, schedule, now)?.body.schedule;
        for (_, window) in turns.iter().filter(|(named, _)| named == schedule) {
            let held: Vec<Window> = plan.shifts(*window).iter().map(|shift| shift.window).collect();
            let left = gaps(*window, held.into_iter());
            done.uncovered.extend(left.map(|gap| (schedule.clone(), gap)));
        }
    }
    let named: Vec<&String> = done.changed.iter().map(|(schedule, _)| schedule).collect();
    let body = serde_json::json!({
        "absent": user, "from": within.from, "to": within.to, "schedules": named,
        "uncovered": done.uncovered.len(),
    });
    tx.audit(&Act::new("shift.absent").about(Subject::User(user)).body(body))?;
    Ok(done)
}

fn refused<T>(what: &'static str) -> Result<T> {
    Err(Error::Refused { code: "E_INVALID", what })
}
