//! An episode: what judgement says happened, as a list of changes folds into it. Two runs are equal when
//! their sets of episodes are.

use serde::{Deserialize, Serialize};

use domain::alerts::Facts;
use domain::rules::Kind;
use domain::{Instant, Level, Rule};

/// What one step changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An episode opened.
    Opened {
        /// Yellow or red.
        level: Level,
        /// The first reading of the stretch that raised it.
        started_at: Instant,
        /// The reading that completed the stretch.
        at: Instant,
    },
    /// It rose, or stepped down.
    LevelChanged {
        /// The reading that completed the stretch.
        at: Instant,
        /// The level from then on.
        level: Level,
    },
    /// It ended.
    Ended {
        /// The reading that completed the safe stretch; of a cut, the newest reading there was.
        at: Instant,
        /// Whether a person cut it.
        by_hand: bool,
    },
}

/// From one raise to its clear. At most one is open per patient and rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// The rule's id.
    pub rule: String,
    /// The rule's version.
    pub version: u32,
    /// The first reading of the stretch that raised it. JSON: microseconds, since replays compare exactly.
    #[serde(with = "exact")]
    pub started_at: Instant,
    /// Each level and the instant from which it was in force; the first is the raise. Never empty.
    pub levels: Vec<LevelAt>,
    /// When it ended; `None` while it lasts.
    #[serde(with = "exact_or_none")]
    pub ended_at: Option<Instant>,
    /// Whether a person ended it.
    pub by_hand: bool,
}

/// A level from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelAt {
    /// From when.
    #[serde(with = "exact")]
    pub at: Instant,
    /// Which.
    pub level: Level,
}

impl Episode {
    /// What an [`Change::Opened`] opens; `None` for other changes.
    #[must_use]
    pub fn opened(rule: &Rule, change: &Change) -> Option<Self> {
        let Change::Opened { level, started_at, at } = *change else { return None };
        Some(Self {
            rule: rule.id.clone(),
            version: rule.version,
            started_at,
            levels: vec![LevelAt { at, level }],
            ended_at: None,
            by_hand: false,
        })
    }

    /// Folds a later change in.
    pub fn apply(&mut self, change: &Change) {
        match *change {
            Change::Opened { .. } => {}
            Change::LevelChanged { at, level } => self.levels.push(LevelAt { at, level }),
            Change::Ended { at, by_hand } => (self.ended_at, self.by_hand) = (Some(at), by_hand),
        }
    }

    /// The level in force; of an ended one, the last.
    #[must_use]
    pub fn level(&self) -> Level {
        self.levels.last().map_or(Level::Green, |last| last.level)
    }

    /// The worst level.
    #[must_use]
    pub fn peak(&self) -> Level {
        self.levels.iter().map(|l| l.level).max().unwrap_or(Level::Green)
    }

    /// When it was raised: the first instant at which anyone could know.
    #[must_use]
    pub fn raised_at(&self) -> Instant {
        self.levels.first().map_or(self.started_at, |first| first.at)
    }

    /// When it first reached its worst level.
    #[must_use]
    pub(crate) fn peaked_at(&self) -> Instant {
        let peak = self.peak();
        self.levels.iter().find(|l| l.level == peak).map_or(self.started_at, |l| l.at)
    }

    /// Whether it rests on a value too extreme to be believed alone: yellow, raised before the rule's own duration.
    #[must_use]
    pub(crate) fn is_suspicion(&self, rule: &Rule) -> bool {
        let Kind::Threshold(t) = &rule.kind;
        self.peak() == Level::Yellow && self.raised_at().since(self.started_at) < t.yellow.lasting
    }

    /// Its part in an alert case.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let (level, peak) = (self.level(), self.peak());
        Facts { started_at: self.started_at, ended_at: self.ended_at, level, peak }
    }

    /// As it was just before `from`, if it had been raised by then.
    #[must_use]
    pub fn before(&self, from: Instant) -> Option<Self> {
        let levels: Vec<_> = self.levels.iter().copied().filter(|l| l.at < from).collect();
        let ended_at = self.ended_at.filter(|at| *at < from);
        let by_hand = self.by_hand && ended_at.is_some();
        (!levels.is_empty()).then(|| Self { levels, ended_at, by_hand, ..self.clone() })
    }

    /// The level in force just after `at`.
    #[must_use]
    pub(crate) fn level_after(&self, at: Instant) -> Level {
        if self.ended_at.is_some_and(|end| end <= at) {
            return Level::Green;
        }
        self.levels.iter().rev().find(|l| l.at <= at).map_or(Level::Green, |l| l.level)
    }

    /// Whether late data at `from` could change it.
    #[must_use]
    pub fn reaches(&self, from: Instant) -> bool {
        self.ended_at.is_none_or(|at| at >= from)
    }
}

mod exact {
    use serde::{Deserialize, Deserializer, Serializer};

    use domain::Instant;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
    pub(super) fn serialize<S: Serializer>(at: &Instant, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_i64(at.micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Instant, D::Error> {
        i64::deserialize(d).map(Instant::from_micros)
    }
}

mod exact_or_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use domain::Instant;

    pub(super) fn serialize<S: Serializer>(at: &Option<Instant>, s: S) -> Result<S::Ok, S::Error> {
        at.map(Instant::micros).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Instant>, D::Error> {
        Ok(Option::<i64>::deserialize(d)?.map(Instant::from_micros))
    }
}
