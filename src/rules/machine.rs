//! One rule on one patient: a small state machine over event time. What it knows of the past is bounded
//! ([`Rule::lookback`]), which is what makes any late reading repairable.

use domain::rules::{Condition, Kind, Op};
use domain::{DeviceId, Flags, Instant, Level, Measured, Rule};

use super::episode::Change;
use super::window::{Window, micros};

/// A reading as rules see it: `value` in the signal's canonical unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedReading {
    /// When it was measured.
    pub at: Instant,
    /// The canonical value; for `LOW` and `HIGH` the sensor's bound.
    pub value: f64,
    /// What else is known of it.
    pub flags: Flags,
    /// Who measured it.
    pub device: DeviceId,
}

impl From<&Measured> for JudgedReading {
    fn from(measured: &Measured) -> Self {
        let reading = &measured.reading;
        Self { at: reading.at, value: reading.canonical(), flags: reading.flags, device: measured.device }
    }
}

impl JudgedReading {
    /// What is compared: `LOW` lies below every line, `HIGH` above. `None` for what is not a number: it neither
    /// raises nor clears and counts as absent, though a gap that it leaves is a gap.
    #[must_use]
    #[inline]
    pub const fn compared(&self) -> Option<f64> {
        if self.value.is_nan() {
            None
        } else if self.flags.has(Flags::LOW) {
            Some(f64::NEG_INFINITY)
        } else if self.flags.has(Flags::HIGH) {
            Some(f64::INFINITY)
        } else {
            Some(self.value)
        }
    }
}

/// What to do with a reading that just came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Newer than the head: step.
    InOrder,
    /// Not newer: leave a `reevaluate(from = its instant)`. At the head's own instant too, when it is of
    /// another device: the lowest device id wins there, which only a replay can tell.
    Late,
    /// Says nothing to a rule.
    Absent,
}

/// One patient and one rule. Copy it, keep it, drop it: all it knows can be read again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    level: Level,
    coverage: u8,
    max_gap: i64,
    head: Option<Instant>,
    yellow: Watch,
    red: Watch,
    step_down: Watch,
    clear: Watch,
    window: Window,
}

impl Machine {
    /// Green, and without a past.
    #[must_use]
    pub fn new(rule: &Rule) -> Self {
        let Kind::Threshold(t) = &rule.kind;
        Self {
            level: Level::Green,
            coverage: t.min_coverage,
            max_gap: micros(t.max_gap),
            head: None,
            yellow: Watch::of(t.yellow, true),
            red: Watch::of(t.red, true),
            step_down: Watch::of(t.step_down, false),
            clear: Watch::of(t.clear, false),
            window: Window::new(t.longest()),
        }
    }

    /// At a level, and without a past: whoever goes on from here first [sees](Machine::see) one lookback.
    #[must_use]
    pub(super) fn at(rule: &Rule, level: Level) -> Self {
        Self { level, ..Self::new(rule) }
    }

    /// The level in force.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The instant of the newest reading that counted.
    #[must_use]
    pub const fn head(&self) -> Option<Instant> {
        self.head
    }

    /// Where a reading that just came belongs. Whether it was stored before is the store's to say.
    #[must_use]
    pub(crate) fn arrival(&self, reading: &JudgedReading) -> Arrival {
        match (reading.compared(), self.head) {
            (None, _) => Arrival::Absent,
            (Some(_), Some(head)) if reading.at <= head => Arrival::Late,
            (Some(_), _) => Arrival::InOrder,
        }
    }

    /// Judges one reading. Of several at one instant the first counts: hand them in ascending by device.
    /// Anything not newer than the head changes nothing.
    #[inline]
    pub fn step(&mut self, reading: &JudgedReading) -> Option<Change> {
        if !self.see(reading) {
            return None;
        }
        self.raised(reading).or_else(|| self.lowered(reading.at))
    }

    /// A person resolved the alert while the data had not ended it: the episode ends at the newest reading
    /// and what is still bad must hold its full time anew to open another. The caller keeps `at` for
    /// replays, for good.
    pub fn cut(&mut self, at: Instant) -> Option<Change> {
        self.rest();
        let ended = (self.level > Level::Green).then_some(Change::Ended { at, by_hand: true });
        self.level = Level::Green;
        ended
    }

    /// What holds must hold its full time anew.
    pub(super) fn rest(&mut self) {
        for watch in [&mut self.yellow, &mut self.red, &mut self.step_down, &mut self.clear] {
            watch.since = None;
        }
    }

    /// Takes a reading in without judging. False when it counts as absent.
    #[inline]
    pub(super) fn see(&mut self, reading: &JudgedReading) -> bool {
        let Some(value) = reading.compared() else { return false };
        let at = reading.at;
        let joined = match self.head {
            Some(head) if at <= head => return false,
            Some(head) => at.micros().saturating_sub(head.micros()) <= self.max_gap,
            None => false,
        };
        self.head = Some(at);
        self.window.mark(at);
        let suspect = reading.flags.is_suspect();
        self.yellow.see(value, at, joined, suspect);
        self.red.see(value, at, joined, suspect);
        self.step_down.see(value, at, joined, suspect);
        self.clear.see(value, at, joined, suspect);
        true
    }

    #[inline]
    fn raised(&mut self, reading: &JudgedReading) -> Option<Change> {
        let at = reading.at;
        // Too extreme to be believed is not too extreme to be reported: yellow at once, and somebody measures again.
        let suspected = reading.flags.is_suspect() && self.yellow.holds();
        let (level, watch) = if self.level < Level::Red && self.proven(&self.red, at) {
            (Level::Red, self.red)
        } else if self.level < Level::Yellow && (suspected || self.proven(&self.yellow, at)) {
            (Level::Yellow, self.yellow)
        } else {
            return None;
        };
        let opens = self.level == Level::Green;
        self.level = level;
        Some(if opens {
            Change::Opened { level, started_at: self.began(&watch, at), at }
        } else {
            Change::LevelChanged { at, level }
        })
    }

    #[inline]
    fn lowered(&mut self, at: Instant) -> Option<Change> {
        if self.level > Level::Green && self.proven(&self.clear, at) {
            self.level = Level::Green;
            return Some(Change::Ended { at, by_hand: false });
        }
        if self.level == Level::Red && self.proven(&self.step_down, at) {
            self.level = Level::Yellow;
            return Some(Change::LevelChanged { at, level: Level::Yellow });
        }
        None
    }

    #[inline]
    fn proven(&self, watch: &Watch, at: Instant) -> bool {
        watch.newest == Newest::Counts
            && watch.since.is_some_and(|since| {
                at.micros().saturating_sub(since.micros()) >= watch.lasting
                    && self.window.covered(watch.lasting, self.coverage)
            })
    }

    /// The first reading of the stretch. Of one that waited for coverage, only the part that proved it:
    /// otherwise an episode's start could depend on an unbounded past.
    fn began(&self, watch: &Watch, at: Instant) -> Instant {
        let proof = at.micros().saturating_sub(watch.lasting);
        match watch.since {
            Some(since) if since.micros() >= proof.saturating_sub(self.max_gap) => since,
            _ => Instant::from_micros(proof),
        }
    }
}

/// One condition and since when it holds without a gap.
///
/// A suspect reading is believed for the worse, and for the better only when a second one agrees:
/// - it goes on with a stretch that it holds for, and a stretch that it begins waits for a second reading;
/// - one that speaks against a stretch of a condition that raises leaves it standing, two in a row end it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Watch {
    op: Op,
    raises: bool,
    newest: Newest,
    line: f64,
    lasting: i64,
    since: Option<Instant>,
}

/// What the newest reading is to a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newest {
    /// It holds, and counts in full.
    Counts,
    /// It holds, suspect and the first of its stretch: nothing is proven by it alone.
    Alone,
    /// It does not hold, but is suspect and the first to say so.
    Differs,
}

impl Watch {
    fn of(condition: Condition, raises: bool) -> Self {
        Self {
            op: condition.op,
            raises,
            newest: Newest::Counts,
            line: condition.value,
            lasting: micros(condition.lasting),
            since: None,
        }
    }

    #[inline]
    fn see(&mut self, value: f64, at: Instant, joined: bool, suspect: bool) {
        let since = self.since.filter(|_| joined);
        (self.since, self.newest) = match (self.op.holds(value, self.line), since) {
            (true, Some(since)) => (Some(since), Newest::Counts),
            (true, None) if suspect => (Some(at), Newest::Alone),
            (true, None) => (Some(at), Newest::Counts),
            (false, Some(since)) if suspect && self.raises && self.newest != Newest::Differs => {
                (Some(since), Newest::Differs)
            }
            (false, _) => (None, Newest::Counts),
        };
    }

    /// Whether the newest reading holds.
    const fn holds(&self) -> bool {
        self.since.is_some() && !matches!(self.newest, Newest::Differs)
    }
}
