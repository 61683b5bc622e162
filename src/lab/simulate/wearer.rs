//! One simulated patient's wearable: a glucose sensor or a wristband that measures every quarter of an hour, tells it
//! once an hour, and measures closer and tells at once while something is wrong. Messages are late, doubled and
//! shuffled as those of real ones are.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use super::chance::Chance;
use domain::{DeviceId, Instant};

/// Time moves in these steps.
pub(super) const STEP: Duration = Duration::from_secs(300);
const QUARTER: i64 = 900;
const HOUR: i64 = 3_600;
/// Days out of a hundred on which something goes wrong.
const EPISODES: u32 = 4;

/// Something goes wrong, for a while.
#[derive(Debug, Clone, Copy)]
struct Episode {
    from: Instant,
    to: Instant,
    /// Tenths of the unit.
    tenths: u32,
}

/// What the wearable measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Glucose,
    HeartRate,
}

/// A patient's wearable.
#[derive(Debug)]
pub(super) struct Wearer {
    /// Its id.
    pub device: DeviceId,
    kind: Kind,
    /// Seconds after the full hour at which it tells.
    phase: i64,
    chance: Chance,
    episodes: VecDeque<Episode>,
    pending: Vec<(Instant, u32)>,
    /// Messages that found no way yet.
    stuck: VecDeque<(Instant, String)>,
}

impl Wearer {
    /// The `n`-th patient's, for a run of some days.
    #[must_use]
    pub(super) fn new(device: DeviceId, n: u64, seed: u64, begin: Instant, days: u32) -> Self {
        let mut chance = Chance::of(seed, n, 1);
        let kind = if chance.percent(40) { Kind::Glucose } else { Kind::HeartRate };
        let mut episodes = VecDeque::new();
        for day in 0..days {
            if chance.percent(EPISODES) {
                let minute = 1_440 * day + 5 * chance.below(276);
                episodes.push_back(episode(kind, minute, begin, &mut chance));
            }
        }
        let phase = i64::from(chance.below(12)) * 300;
        Self { device, kind, phase, chance, episodes, pending: Vec::new(), stuck: VecDeque::new() }
    }

    /// What it sends at the end of a step.
    pub(super) fn step(&mut self, at: Instant) -> Vec<String> {
        let wrong = self.measure(at);
        let mut out = Vec::new();
        while self.stuck.front().is_some_and(|(due, _)| *due <= at) {
            out.extend(self.stuck.pop_front().map(|(_, message)| message));
        }
        if self.pending.is_empty() || !(wrong || at.secs().rem_euclid(HOUR) == self.phase) {
            return out;
        }
        let mut readings = std::mem::take(&mut self.pending);
        if self.chance.percent(5) {
            readings.reverse();
        }
        let message = self.written(&readings);
        if !wrong && self.chance.percent(1) {
            self.stuck.push_back((at.plus(STEP * 18), message));
            return out;
        }
        if self.chance.percent(2) {
            out.push(message.clone());
        }
        out.push(message);
        out
    }

    /// Measures until `at`; says whether something is wrong.
    fn measure(&mut self, at: Instant) -> bool {
        let settled = STEP * 6;
        while self.episodes.front().is_some_and(|one| one.to.plus(settled) < at) {
            self.episodes.pop_front();
        }
        let wrong = self.episodes.front().copied().filter(|one| one.from < at);
        let quarter = at.secs().rem_euclid(QUARTER) == 0;
        match (self.kind, wrong) {
            (Kind::Glucose, Some(one)) => {
                let tenths = if at <= one.to { one.tenths } else { 1_100 };
                let noise = self.chance.below(20);
                self.pending.push((at, tenths + noise));
            }
            (Kind::HeartRate, Some(one)) => {
                for back in (0..30_u64).rev() {
                    let then = at.minus(Duration::from_secs(10 * back));
                    let tenths = if then <= one.to { one.tenths } else { 780 };
                    self.pending.push((then, tenths + 10 * self.chance.below(3)));
                }
            }
            (Kind::Glucose, None) if quarter => {
                let tenths = 850 + self.chance.below(700);
                self.pending.push((at, tenths));
            }
            (Kind::HeartRate, None) if quarter => {
                // Once in a while somebody takes the stairs.
                let many = if self.chance.percent(1) { 30 } else { 1 };
                for back in (0..many).rev() {
                    let tenths = 580 + 10 * self.chance.below(34);
                    self.pending.push((at.minus(Duration::from_secs(10 * back)), tenths));
                }
            }
            (Kind::Glucose | Kind::HeartRate, None) => {}
        }
        wrong.is_some()
    }

    fn written(&self, readings: &[(Instant, u32)]) -> String {
        let signal = match self.kind {
            Kind::Glucose => "glucose",
            Kind::HeartRate => "heart_rate",
        };
        let mut text = String::with_capacity(readings.len() * 52);
        for (at, tenths) in readings {
            let joint = if text.is_empty() { '[' } else { ',' };
            let (whole, tenth) = (tenths / 10, tenths % 10);
            let ts = at.millis();
            let written = write!(text, "{joint}{{\"ts\":{ts},\"values\":{{\"{signal}\":{whole}.{tenth}}}}}");
            debug_assert!(written.is_ok(), "a String takes every write");
        }
        text.push(']');
        text
    }
}

fn episode(kind: Kind, minute: u32, begin: Instant, chance: &mut Chance) -> Episode {
    let red = chance.percent(25);
    let tenths = match (kind, chance.percent(50), red) {
        (Kind::Glucose, true, false) => 620,
        (Kind::Glucose, true, true) => 480,
        (Kind::Glucose, false, false) => 2_100,
        (Kind::Glucose, false, true) => 2_800,
        (Kind::HeartRate, _, false) => 1_080,
        (Kind::HeartRate, _, true) => 1_300,
    };
    let minutes = match kind {
        Kind::Glucose => 5 * chance.between(6, 24),
        Kind::HeartRate => 5 * chance.between(1, 6),
    };
    let from = begin.plus(Duration::from_secs(60 * u64::from(minute)));
    Episode { from, to: from.plus(Duration::from_secs(60 * u64::from(minutes))), tenths }
}
