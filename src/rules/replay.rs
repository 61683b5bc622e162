//! The same story in any order: a reading newer than the head is stepped in place; one that is not leaves
//! `reevaluate(from)`, and a replay from there tells what the clean stream would have told.
//!
//! Why it is enough: a change at an instant follows from readings up to it, so what was said before `from`
//! stands; and the state just before `from` follows from the level in force there and from the readings
//! and cuts of one lookback.

use crate::domain::{Instant, Rule};

use super::episode::{Change, Episode};
use super::machine::{JudgedReading, Machine};

/// What a replay tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The episode in force just before `from`, as it goes on, and every later one. Ascending.
    pub episodes: Vec<Episode>,
    /// The machine at the last reading: it replaces the one that stepped in place.
    pub machine: Machine,
}

/// Judges again from `from` on.
///
/// - `before`: stored episodes, at least every one that [reaches](Episode::reaches) `from`, retracted ones
///   left out. Only what they said before `from` is used.
/// - `cuts`: the instants of all [cuts](Machine::cut) at or after `from - lookback`, ascending, those of
///   merged and retracted episodes too.
/// - `readings`: all of the signal (and source) from `from - lookback` to the newest, merged by identity,
///   ascending by (instant, device).
#[must_use]
pub fn replay(
    rule: &Rule,
    before: &[Episode],
    cuts: &[Instant],
    readings: impl IntoIterator<Item = JudgedReading>,
    from: Instant,
) -> Replayed {
    let mut readings = readings.into_iter().peekable();
    let warm_up = std::iter::from_fn(|| readings.next_if(|r| r.at < from));
    let (past, later) = cuts.split_at(cuts.partition_point(|cut| *cut < from));
    let in_force = before.iter().filter_map(|e| e.before(from)).find(|e| e.ended_at.is_none());
    let mut machine = Machine::resume(rule, in_force.as_ref(), warm_up, past);

    let mut told = Told { rule, episodes: Vec::from_iter(in_force) };
    let mut later = later.iter().copied().peekable();
    for reading in readings {
        while let Some(cut) = later.next_if(|cut| *cut < reading.at) {
            told.hear(machine.cut(cut));
        }
        told.hear(machine.step(&reading));
    }
    later.for_each(|cut| told.hear(machine.cut(cut)));
    Replayed { episodes: told.episodes, machine }
}

struct Told<'r> {
    rule: &'r Rule,
    episodes: Vec<Episode>,
}

impl Told<'_> {
    fn hear(&mut self, change: Option<Change>) {
        let Some(change) = change else { return };
        match Episode::opened(self.rule, &change) {
            Some(episode) => self.episodes.push(episode),
            None => self.episodes.iter_mut().next_back().into_iter().for_each(|e| e.apply(&change)),
        }
    }
}
