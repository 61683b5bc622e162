//! What is being watched right now: one machine per rule on each judged series, in memory. A series that
//! is not known (after a start, after late data) buffers what arrives until a replay makes it known.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::episode::Change;
use super::machine::{Arrival, JudgedReading, Machine};
use crate::domain::{Instant, Rule, Signal};

/// One patient's signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The patient's surrogate key.
    pub patient_key: i64,
    /// The signal.
    pub signal: Signal,
}

/// How many readings of a stretch a finding is told from.
const STRETCH: usize = 96;
/// How many readings a series may hold back while it is being replayed; past it the replay starts anew.
const BUFFER: usize = 20_000;

enum Series {
    Known { source: i64, machines: Vec<Machine>, recent: VecDeque<JudgedReading> },
    Replaying { arrived: Vec<(i64, JudgedReading)>, overflowed: bool, marks: i64 },
}

/// What became of a reading.
#[derive(Debug, PartialEq)]
pub enum Seen {
    /// Judged in order; these rules changed something.
    Judged(Vec<(usize, Change)>),
    /// The series must be replayed from this reading on.
    Replay,
    /// Not the source that this series is judged by.
    OtherSource,
}

/// The machines of every judged series.
pub struct Watchlist {
    rules: Arc<[Rule]>,
    series: HashMap<SeriesKey, Series>,
    asked: HashSet<SeriesKey>,
    marked: HashMap<SeriesKey, Instant>,
}

impl Watchlist {
    /// Watches with these rules.
    #[must_use]
    pub fn new(rules: Arc<[Rule]>) -> Self {
        Self { rules, series: HashMap::new(), asked: HashSet::new(), marked: HashMap::new() }
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Arc<[Rule]> {
        &self.rules
    }

    /// Whether any rule looks at `signal`.
    #[must_use]
    pub fn judges(&self, signal: Signal) -> bool {
        self.rules.iter().any(|rule| rule.signal == signal)
    }

    /// Looks at one reading of a series, from the device with surrogate key `device`.
    pub fn see(&mut self, key: SeriesKey, device: i64, reading: JudgedReading) -> Seen {
        let seen = self.judge(key, device, reading);
        if seen == Seen::Replay {
            self.asked.insert(key);
        }
        seen
    }

    /// Whether a replay of this series is asked for by what came in here.
    #[must_use]
    pub fn asks(&self, key: SeriesKey) -> bool {
        self.asked.contains(&key)
    }

    /// Whether a mark that asks for a replay from `from` on, or from before, already stands; if not, remembers
    /// that it does from now on. Only true where no other node settles what this one marked.
    pub fn stands(&mut self, key: SeriesKey, from: Instant) -> bool {
        match self.marked.entry(key) {
            Entry::Occupied(earlier) if *earlier.get() <= from => true,
            Entry::Occupied(mut later) => {
                later.insert(from);
                false
            }
            Entry::Vacant(none) => {
                none.insert(from);
                false
            }
        }
    }

    /// A mark for this series was written. Of what [`Watchlist::begin`] holds back, the marks are counted: a row
    /// with more than these was marked by somebody else.
    pub fn marked(&mut self, key: SeriesKey) {
        if let Some(Series::Replaying { marks, .. }) = self.series.get_mut(&key) {
            *marks += 1;
        }
    }

    /// How many marks came with what is held back for this series.
    #[must_use]
    pub fn marks(&self, key: SeriesKey) -> i64 {
        match self.series.get(&key) {
            Some(Series::Replaying { marks, .. }) => *marks,
            _ => 0,
        }
    }

    fn judge(&mut self, key: SeriesKey, device: i64, reading: JudgedReading) -> Seen {
        let rules = &self.rules;
        match self.series.get_mut(&key) {
            None => Seen::Replay,
            Some(Series::Replaying { arrived, overflowed, .. }) => {
                if arrived.len() < BUFFER {
                    arrived.push((device, reading));
                } else {
                    *overflowed = true;
                }
                Seen::Replay
            }
            Some(Series::Known { source, .. }) if *source != device => Seen::OtherSource,
            Some(Series::Known { machines, recent, .. }) => {
                if machines.iter().any(|machine| machine.arrival(&reading) == Arrival::Late) {
                    return Seen::Replay;
                }
                if recent.len() == STRETCH {
                    recent.pop_front();
                }
                recent.push_back(reading);
                let looking = rules.iter().enumerate().filter(|(_, rule)| rule.signal == key.signal);
                let changes = looking
                    .zip(machines.iter_mut())
                    .filter_map(|((index, _), machine)| machine.step(&reading).map(|change| (index, change)))
                    .collect();
                Seen::Judged(changes)
            }
        }
    }

    /// The readings since `from` that are still in memory: what a finding is told from.
    #[must_use]
    pub fn stretch(&self, key: SeriesKey, from: Instant) -> Vec<JudgedReading> {
        match self.series.get(&key) {
            Some(Series::Known { recent, .. }) => {
                recent.iter().filter(|reading| reading.at >= from).copied().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The instant of the newest reading of a known series.
    #[must_use]
    pub fn head(&self, key: SeriesKey) -> Option<Instant> {
        match self.series.get(&key) {
            Some(Series::Known { machines, .. }) => machines.iter().filter_map(Machine::head).max(),
            _ => None,
        }
    }

    /// A replay of this series begins: from now on arrivals are held back for it.
    pub fn begin(&mut self, key: SeriesKey) {
        self.series.insert(key, Series::Replaying { arrived: Vec::new(), overflowed: false, marks: 0 });
    }

    /// What arrived since [`Watchlist::begin`], with the device's key; `None` when it was too much (or the
    /// series was forgotten meanwhile): begin again.
    pub fn arrived(&mut self, key: SeriesKey) -> Option<Vec<(i64, JudgedReading)>> {
        match self.series.get_mut(&key) {
            Some(Series::Replaying { arrived, overflowed: false, .. }) => Some(std::mem::take(arrived)),
            _ => None,
        }
    }

    /// The replay ended: the series is known, judged by device `source`, one machine per rule on its signal
    /// in the order of the rules.
    pub fn know(&mut self, key: SeriesKey, source: i64, machines: Vec<Machine>, tail: &[JudgedReading]) {
        let skip = tail.len().saturating_sub(STRETCH);
        let recent = tail.iter().skip(skip).copied().collect();
        self.asked.remove(&key);
        self.marked.remove(&key);
        self.series.insert(key, Series::Known { source, machines, recent });
    }

    /// Forgets one series: its next reading asks for a replay.
    pub fn forget(&mut self, key: SeriesKey) {
        self.marked.remove(&key);
        self.series.remove(&key);
    }

    /// Forgets every series of a patient.
    pub fn forget_patient(&mut self, patient_key: i64) {
        self.marked.retain(|key, _| key.patient_key != patient_key);
        self.series.retain(|key, _| key.patient_key != patient_key);
    }

    /// Forgets every series.
    pub fn forget_all(&mut self) {
        self.marked.clear();
        self.series.clear();
    }

    /// Watches with other rules: everything is replayed.
    pub fn adopt(&mut self, rules: Arc<[Rule]>) {
        self.rules = rules;
        self.marked.clear();
        self.series.clear();
    }

    /// How many series are known, and how many wait for a replay.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let known = self.series.values().filter(|s| matches!(s, Series::Known { .. })).count();
        (known, self.series.len() - known)
    }
}
