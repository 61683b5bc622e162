//! What is being watched right now: one machine per rule on each judged series, in memory. A series that
//! is not known (after a start, after late data) buffers what arrives until a replay makes it known.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::episode::Change;
use super::machine::{Arrival, JudgedReading, Machine};
use super::speaker::Speaker;
use domain::{Instant, Rule, Signal};

/// One patient's signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The patient's surrogate key.
    pub patient_key: i64,
    /// The signal.
    pub signal: Signal,
}

/// How many readings of a stretch a finding is made from.
const STRETCH: usize = 96;
/// How many readings a series may hold back while its machines are made; past it, another look at the store finds
/// them.
const BUFFER: usize = 2_048;

enum Series {
    Known { speaker: Speaker, machines: Vec<Machine>, recent: VecDeque<JudgedReading> },
    Replaying { from: Instant, arrived: Vec<JudgedReading>, dropped: Option<Late> },
}

/// What became of a reading.
#[derive(Debug, PartialEq)]
pub enum Seen {
    /// Judged in order; these rules changed something.
    Judged(Vec<(usize, Change)>),
    /// The series must be replayed from this reading on.
    Replay,
    /// The replay under way takes it in.
    Held,
    /// A device that comes before it speaks for the patient.
    OtherSource,
}

/// What was held back for a replay.
#[derive(Debug, PartialEq)]
pub enum Arrived {
    /// All that arrived.
    All(Vec<JudgedReading>),
    /// More than memory holds: the store has it, between these instants.
    TooMuch(Late),
    /// The series was forgotten meanwhile: it is to be begun again.
    Forgotten,
}

/// The machines of every judged series.
pub struct Watchlist {
    rules: Arc<[Rule]>,
    series: HashMap<SeriesKey, Series>,
    asked: HashSet<SeriesKey>,
    marked: HashMap<SeriesKey, Late>,
}

/// Where late data lies: nothing older than `from` and nothing newer than `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// The earliest instant.
    pub from: Instant,
    /// The latest instant.
    pub until: Instant,
}

impl Late {
    /// One instant.
    #[must_use]
    pub const fn at(at: Instant) -> Self {
        Self { from: at, until: at }
    }

    /// What holds both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), until: self.until.max(other.until) }
    }

    /// Whether it holds all of the other.
    #[must_use]
    pub fn holds(self, other: Self) -> bool {
        self.from <= other.from && other.until <= self.until
    }
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

    /// Looks at one reading of a series.
    pub fn see(&mut self, key: SeriesKey, reading: JudgedReading) -> Seen {
        let seen = self.judge(key, reading);
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

    /// Whether a mark that asks for all of this already stands; if not, remembers that it does from now on. Only true
    /// where no other node settles what this one marked.
    pub fn stands(&mut self, key: SeriesKey, late: Late) -> bool {
        match self.marked.entry(key) {
            Entry::Occupied(earlier) if earlier.get().holds(late) => true,
            Entry::Occupied(mut earlier) => {
                let both = earlier.get().and(late);
                earlier.insert(both);
                false
            }
            Entry::Vacant(none) => {
                none.insert(late);
                false
            }
        }
    }

    /// The marks for this series are being worked off: what comes late from now on is marked anew.
    pub fn taken(&mut self, key: SeriesKey) {
        self.asked.remove(&key);
        self.marked.remove(&key);
    }

    fn judge(&mut self, key: SeriesKey, reading: JudgedReading) -> Seen {
        let rules = &self.rules;
        match self.series.get_mut(&key) {
            None => Seen::Replay,
            Some(Series::Replaying { from, .. }) if reading.at < *from => Seen::Replay,
            Some(Series::Replaying { arrived, dropped, .. }) => {
                if arrived.len() < BUFFER {
                    arrived.push(reading);
                } else {
                    let late = Late::at(reading.at);
                    *dropped = Some(dropped.map_or(late, |known| known.and(late)));
                }
                Seen::Held
            }
            Some(Series::Known { speaker, machines, recent }) => {
                if speaker.is_spoken_for(&*recent, &reading) {
                    return Seen::OtherSource;
                }
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

    /// The readings since `from` that are still in memory: what a finding is made from.
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

    /// Whether the machines of a series go on.
    #[must_use]
    pub fn knows(&self, key: SeriesKey) -> bool {
        matches!(self.series.get(&key), Some(Series::Known { .. }))
    }

    /// The machines of this series are being made anew: what arrives and is not older than `from`, where the replay
    /// begins, is held back for it. What was held back before is forgotten.
    pub fn begin(&mut self, key: SeriesKey, from: Instant) {
        self.series.insert(key, Series::Replaying { from, arrived: Vec::new(), dropped: None });
    }

    /// What arrived since [`Watchlist::begin`].
    pub fn arrived(&mut self, key: SeriesKey) -> Arrived {
        match self.series.get_mut(&key) {
            Some(Series::Replaying { dropped: Some(dropped), arrived, .. }) => {
                let waiting = arrived.iter().map(|reading| Late::at(reading.at));
                Arrived::TooMuch(waiting.fold(*dropped, Late::and))
            }
            Some(Series::Replaying { arrived, .. }) => Arrived::All(std::mem::take(arrived)),
            _ => Arrived::Forgotten,
        }
    }

    /// The replay ended: the series is known, with one machine per rule on its signal in the order of the rules.
    pub fn know(&mut self, key: SeriesKey, speaker: Speaker, machines: Vec<Machine>, tail: &[JudgedReading]) {
        let skip = tail.len().saturating_sub(STRETCH);
        let recent = tail.iter().skip(skip).copied().collect();
        self.series.insert(key, Series::Known { speaker, machines, recent });
    }

    /// Forgets one series: its next reading asks for a replay.
    pub fn forget(&mut self, key: SeriesKey) {
        self.marked.remove(&key);
        self.series.remove(&key);
    }

    /// A replay that is given up: what would be held back for it asks for another.
    pub fn abandon(&mut self, key: SeriesKey) {
        if matches!(self.series.get(&key), Some(Series::Replaying { .. })) {
            self.forget(key);
        }
    }

    /// This node is to take what is marked of a series.
    pub fn ask(&mut self, key: SeriesKey) {
        self.asked.insert(key);
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

    /// How many series are known, and how many wait for a replay.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let known = self.series.values().filter(|s| matches!(s, Series::Known { .. })).count();
        (known, self.series.len() - known)
    }
}
