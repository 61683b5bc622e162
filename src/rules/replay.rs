//! The same story in any order: a reading newer than the head is stepped in place; one that is not leaves
//! `reevaluate(from, until)`, and a replay from there yields what the clean stream would have yielded.
//!
//! Why it is enough: a change at an instant follows from readings up to it, so what was reported before `from`
//! stands; and the state just before `from` follows from the level in force there and from the readings
//! and cuts of one lookback. For the same reason a replay may stop before the head: one lookback after the
//! last late reading, where its level is the stored one, both go on alike.

use std::collections::VecDeque;

use domain::{Instant, Level, Rule};

use super::episode::{Change, Episode};
use super::finding::Finding;
use super::machine::{JudgedReading, Machine};

/// How many readings of one lookback are remembered for a finding: of a faster series the newest.
const REMEMBERED: usize = 1_024;

/// An episode as a replay tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedEpisode {
    /// What happened.
    pub episode: Episode,
    /// What its worst level rests on; `None` when that was reached before the replay began, or after it met
    /// what is stored: then it is known already.
    pub finding: Option<Finding>,
}

/// A replay under way, fed with readings as they are read: what it keeps of them is bounded.
#[derive(Debug, Clone)]
pub struct Replay {
    rule: Rule,
    from: Instant,
    machine: Machine,
    episodes: Vec<ReplayedEpisode>,
    cuts: VecDeque<Instant>,
    recent: VecDeque<JudgedReading>,
}

/// What a replay tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The episode in force just before `from`, as it goes on, and every later one. Ascending.
    pub episodes: Vec<ReplayedEpisode>,
    /// The machine at the last reading: it replaces the one that stepped in place.
    pub machine: Machine,
}

impl Replay {
    /// Judges again from `from` on.
    ///
    /// - `before`: stored episodes, at least every one that [reaches](Episode::reaches) `from`, retracted ones
    ///   left out. Only what they said before `from` is used.
    /// - `cuts`: the instants of all [cuts](Machine::cut) at or after `from - lookback`, ascending, those of
    ///   merged and retracted episodes too.
    #[must_use]
    pub fn new(rule: &Rule, before: &[Episode], cuts: &[Instant], from: Instant) -> Self {
        let in_force = before.iter().filter_map(|e| e.before(from)).find(|e| e.ended_at.is_none());
        let machine = Machine::at(rule, in_force.as_ref().map_or(Level::Green, Episode::level));
        let episodes =
            in_force.into_iter().map(|episode| ReplayedEpisode { episode, finding: None }).collect();
        let cuts = cuts.iter().copied().collect();
        Self { rule: rule.clone(), from, machine, episodes, cuts, recent: VecDeque::new() }
    }

    /// The rule that judges.
    #[must_use]
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// How many episodes there are so far.
    #[must_use]
    pub const fn episode_count(&self) -> usize {
        self.episodes.len()
    }

    /// Hears the next reading of the signal (and source): from `from - lookback` on, ascending by (instant, device).
    pub fn hear(&mut self, reading: &JudgedReading) {
        while let Some(cut) = self.cuts.front().copied().filter(|cut| *cut < reading.at) {
            self.cuts.pop_front();
            self.cut(cut);
        }
        self.remember(reading);
        if reading.at < self.from {
            self.machine.see(reading);
        } else if let Some(change) = self.machine.step(reading) {
            self.tell(&change);
        }
    }

    /// The end: no reading comes after.
    #[must_use]
    pub fn end(mut self) -> Replayed {
        while let Some(cut) = self.cuts.pop_front() {
            self.cut(cut);
        }
        Replayed { episodes: self.episodes, machine: self.machine }
    }

    /// The episodes up to `at`, the instant of the last reading heard, with what is stored for afterwards: `None`
    /// where the two are not at the same level, or where the stored ones only then become worse than the replayed ones.
    /// From here on both go on alike if no late reading lies within one lookback before `at`.
    #[must_use]
    pub fn met(&self, stored: &[Episode], at: Instant) -> Option<Vec<ReplayedEpisode>> {
        let going_on = stored.iter().find(|stored| stored.level_after(at) > Level::Green);
        if going_on.map_or(Level::Green, |stored| stored.level_after(at)) != self.machine.level() {
            return None;
        }
        let mut episodes = self.episodes.clone();
        if let (Some(stored), Some(last)) = (going_on, episodes.last_mut()) {
            let worst = last.episode.peak();
            last.episode.levels.extend(stored.levels.iter().filter(|level| level.at > at));
            (last.episode.ended_at, last.episode.by_hand) = (stored.ended_at, stored.by_hand);
            if last.episode.peak() > worst {
                return None;
            }
        }
        Some(episodes)
    }

    fn cut(&mut self, at: Instant) {
        if at < self.from {
            self.machine.rest();
        } else if let Some(change) = self.machine.cut(at) {
            self.tell(&change);
        }
    }

    fn remember(&mut self, reading: &JudgedReading) {
        let oldest = reading.at.minus(self.rule.lookback());
        while self.recent.front().is_some_and(|first| first.at < oldest) || self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(*reading);
    }

    fn tell(&mut self, change: &Change) {
        let known = match Episode::opened(&self.rule, change) {
            Some(episode) => {
                self.episodes.push(ReplayedEpisode { episode, finding: None });
                Level::Green
            }
            None => {
                let Some(last) = self.episodes.last_mut() else { return };
                let known = last.episode.peak();
                last.episode.apply(change);
                known
            }
        };
        let Some(last) = self.episodes.last_mut() else { return };
        if last.episode.peak() > known {
            last.finding = Some(found(&self.rule, &last.episode, self.recent.make_contiguous()));
        }
    }
}

/// What an episode's worst level rests on: from the first reading of the stretch to the one that completed it.
fn found(rule: &Rule, episode: &Episode, recent: &[JudgedReading]) -> Finding {
    let (worst, until) = (episode.peak(), episode.peaked_at());
    let from = match worst {
        Level::Red => until.minus(rule.lookback()).max(episode.started_at),
        _ => episode.started_at,
    };
    let stretch = recent.get(recent.partition_point(|reading| reading.at < from)..).unwrap_or(&[]);
    Finding::of_episode(rule, episode, worst, stretch)
}

/// Judges again from `from` on, all at once: see [`Replay`].
#[must_use]
pub fn replay(
    rule: &Rule,
    before: &[Episode],
    cuts: &[Instant],
    readings: impl IntoIterator<Item = JudgedReading>,
    from: Instant,
) -> Replayed {
    let mut replay = Replay::new(rule, before, cuts, from);
    readings.into_iter().for_each(|reading| replay.hear(&reading));
    replay.end()
}
