//! Who answers when: rotations lived on the wall clock of a zone, temporary schedules instead of them, overrides
//! on top. Pure: the same schedule and the same window give the same shifts.

mod absence;
pub mod capacity;
mod check;
mod coverage;
mod doubt;
mod rotation;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::id::UserId;
use super::line::Line;
use super::rules::Name;
use super::time::Instant;
use super::time::civil::{Window, Zone, union};
pub use absence::{Absence, Absences, Away, Cover};
pub use check::Faulty;
pub use coverage::{Around, Fitness, Issue, LONGEST_CERTIFICATE, Need, gaps, issues};
pub use doubt::{Doubt, doubts_of};
pub use rotation::{Idle, Length, Rotation};

/// One version of a schedule; a change is a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The zone whose clock its people live by.
    pub zone: Zone,
    /// Those who take turns. Each puts one person on call at a time; several rotations, several people.
    pub rotations: Vec<Rotation>,
    /// Windows in which only their own shifts count.
    #[serde(default)]
    pub temporaries: Vec<Temporary>,
    /// Changes of single windows, applied in order.
    #[serde(default)]
    pub overrides: Vec<Override>,
}

/// A schedule as an organisation keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// Its name for people.
    pub name: Name,
    /// What it must hold; the linter measures it.
    pub need: Need,
    /// Who answers when.
    pub schedule: Schedule,
}

/// People who are paged together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its name for people.
    pub name: Name,
    /// Who.
    pub members: Vec<UserId>,
}

/// What a council of the profession keeps somebody under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// The council, as in `COREN-SP`.
    pub council: Line<40>,
    /// The number in its register.
    pub number: Line<40>,
}

/// A window with shifts of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temporary {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// Who, when.
    pub shifts: Vec<(UserId, Instant, Instant)>,
}

/// A change of who is on call in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// What changes.
    pub change: Change,
    /// When it was confirmed although whoever comes is away: it goes before the absences that were known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meant_at: Option<Instant>,
}

/// What an override does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// One more person.
    Add(UserId),
    /// Not this person.
    Remove(UserId),
    /// The second in place of the first, wherever the first is on call.
    Replace(UserId, UserId),
}

/// Why somebody is on call. The numbers are places in the schedule's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The turn in a rotation.
    Rotation(usize),
    /// A temporary schedule.
    Temporary(usize),
    /// An override.
    Override(usize),
    /// In place of somebody who is away.
    StandsInFor(UserId),
}

/// A person on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift {
    /// When.
    pub window: Window,
    /// Who.
    pub user: UserId,
    /// Why.
    pub because: Because,
}

impl Schedule {
    /// Who is on call in a window: in order of time, cut to the window, one shift where turns touch. Nobody who is away
    /// is, unless an override says that it is meant.
    #[must_use]
    pub fn shifts(&self, within: Window, away: Away<'_>) -> Vec<Shift> {
        let mut shifts = Vec::new();
        for (place, rotation) in self.rotations.iter().enumerate() {
            let turns = rotation.turns(self.zone, within);
            shifts.extend(turns.into_iter().map(|(user, window)| Shift {
                window,
                user,
                because: Because::Rotation(place),
            }));
        }
        for (place, temporary) in self.temporaries.iter().enumerate() {
            let window = Window { from: temporary.from, to: temporary.to };
            shifts = shifts.into_iter().flat_map(|shift| shift.without(window)).collect();
            shifts.extend(temporary.shifts.iter().filter_map(|(user, from, to)| {
                let window = Window { from: *from, to: *to }.meet(window)?.meet(within)?;
                Some(Shift { window, user: *user, because: Because::Temporary(place) })
            }));
        }
        for (place, over) in self.overrides.iter().enumerate() {
            let window = Window { from: over.from, to: over.to };
            shifts = over.change.apply(shifts, window, within, Because::Override(place));
        }
        joined(away.take_out(shifts, &self.overrides))
    }

    /// The first instant in a window at which other people are on call than at its start.
    #[must_use]
    pub fn next_change(&self, within: Window, away: Away<'_>) -> Option<Instant> {
        let shifts = self.shifts(within, away);
        let at = |at: Instant| -> BTreeSet<UserId> {
            shifts.iter().filter(|shift| shift.window.holds(at)).map(|shift| shift.user).collect()
        };
        let first = at(within.from);
        let edges: BTreeSet<Instant> =
            shifts.iter().flat_map(|shift| [shift.window.from, shift.window.to]).collect();
        edges.into_iter().find(|edge| within.from < *edge && *edge < within.to && at(*edge) != first)
    }

    /// Who is on call at an instant, and why.
    #[must_use]
    pub fn at(&self, at: Instant, away: Away<'_>) -> Vec<(UserId, Because)> {
        let now = Window { from: at, to: Instant::from_micros(at.micros().saturating_add(1)) };
        self.shifts(now, away).into_iter().map(|shift| (shift.user, shift.because)).collect()
    }
}

impl Shift {
    /// What is left of it outside a window.
    fn without(self, window: Window) -> Vec<Self> {
        let before = Window { to: self.window.to.min(window.from), ..self.window };
        let after = Window { from: self.window.from.max(window.to), ..self.window };
        let left = [before, after].into_iter().filter(|rest| rest.from < rest.to);
        left.map(|window| Self { window, ..self }).collect()
    }
}

impl Change {
    fn apply(self, shifts: Vec<Shift>, window: Window, within: Window, because: Because) -> Vec<Shift> {
        let (gone, comes) = match self {
            Self::Add(user) => {
                let added = window.meet(within).map(|window| Shift { window, user, because });
                return shifts.into_iter().chain(added).collect();
            }
            Self::Remove(user) => (user, None),
            Self::Replace(gone, comes) => (gone, Some(comes)),
        };
        let mut out = Vec::with_capacity(shifts.len() + 1);
        for shift in shifts {
            match (shift.user == gone, shift.window.meet(window)) {
                (true, Some(taken)) => {
                    out.extend(shift.without(window));
                    out.extend(comes.map(|user| Shift { window: taken, user, because }));
                }
                _ => out.push(shift),
            }
        }
        out
    }
}

fn joined(mut shifts: Vec<Shift>) -> Vec<Shift> {
    shifts.sort_unstable_by_key(|shift| (shift.user, shift.because, shift.window));
    let alike = shifts.chunk_by(|a, b| (a.user, a.because) == (b.user, b.because));
    let mut out: Vec<Shift> = alike
        .flat_map(|run| {
            let windows = union(run.iter().map(|shift| shift.window).collect());
            windows.into_iter().zip(run.iter().cycle()).map(|(window, shift)| Shift { window, ..*shift })
        })
        .collect();
    out.sort_unstable();
    out
}
