//! Instants in microseconds UTC, and the one clock. Everything else receives `now`. How long something takes or waits
//! is measured on the steady side of the clock, which no step of the wall clock moves.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant as Moment};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub mod civil;
mod follower;

pub use follower::Follower;

/// Microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Instant(i64);

impl Instant {
    /// The far past: before every reading.
    pub const MIN: Self = Self(i64::MIN);
    /// The far future.
    pub const MAX: Self = Self(i64::MAX);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch (saturating).
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// From milliseconds since the epoch (saturating).
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// `self + d`, saturating.
    #[must_use]
    pub fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    /// `self - d`, saturating.
    #[must_use]
    pub fn minus(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier`; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As a chrono date-time; `None` outside chrono's range.
    #[must_use]
    pub fn utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// RFC 3339 with milliseconds and `Z`, as the audit log and the API write it.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.utc().map_or_else(|| self.0.to_string(), |t| t.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// Reads RFC 3339.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self(t.timestamp_micros()))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 instant"))
    }
}

/// Clocks of nodes, and of the database, may be apart by so much.
pub const APART: Duration = Duration::from_secs(30);

/// Where `now` comes from: the system, the database that several nodes work on, or a hand that drives it (tests,
/// simulation).
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The database's clock, as long as the machine's own is not too far from it.
    Following(Arc<Follower>),
    /// Stands still until moved.
    Driven(Arc<Hands>),
}

/// The two sides of a driven clock, in microseconds.
#[derive(Debug)]
pub struct Hands {
    wall: AtomicI64,
    steady: AtomicI64,
}

impl Clock {
    /// A clock that stands at `start` until [`Clock::advance`].
    #[must_use]
    pub fn driven(start: Instant) -> Self {
        let hands = Hands { wall: AtomicI64::new(start.micros()), steady: AtomicI64::new(0) };
        Self::Driven(Arc::new(hands))
    }

    /// The machine's clock until it hears of another by [`Clock::follow`].
    #[must_use]
    pub fn following(machine: Self) -> Self {
        Self::Following(Arc::new(Follower::of(machine)))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        match self {
            Self::System => system_now(),
            Self::Following(follower) => follower.now(),
            Self::Driven(hands) => Instant(hands.wall.load(Ordering::SeqCst)),
        }
    }

    /// How long this clock has run: for pauses and paces. Steps of the wall clock do not move it.
    #[must_use]
    pub fn steady(&self) -> Duration {
        match self {
            Self::System => START.elapsed(),
            Self::Following(follower) => follower.machine().steady(),
            Self::Driven(hands) => {
                Duration::from_micros(u64::try_from(hands.steady.load(Ordering::SeqCst)).unwrap_or(0))
            }
        }
    }

    /// What the machine's own clock shows, whatever it follows.
    #[must_use]
    pub fn own(&self) -> Instant {
        match self {
            Self::System | Self::Driven(_) => self.now(),
            Self::Following(follower) => follower.machine().now(),
        }
    }

    /// Says what the clock that it may follow showed at some moment of the last `took`. Others follow none.
    pub fn follow(&self, other: Instant, took: Duration) {
        if let Self::Following(follower) = self {
            follower.follow(other, took);
        }
    }

    /// Whether it may have been wrong when it showed `shown`, as an answer proved since: a machine that was suspended shows
    /// an old time until somebody tells it.
    #[must_use]
    pub fn doubts(&self, shown: Instant) -> bool {
        if let Self::Following(follower) = self { follower.doubts(shown) } else { false }
    }

    /// Sets a driven clock's wall side forward or back, as somebody does with a machine's clock.
    pub fn step(&self, micros: i64) {
        if let Self::Driven(hands) = self {
            hands.wall.fetch_add(micros, Ordering::SeqCst);
        }
    }

    /// Moves a driven clock; the system's clock is left alone.
    pub fn advance(&self, d: Duration) {
        if let Self::Driven(hands) = self {
            let micros = i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
            hands.wall.fetch_add(micros, Ordering::SeqCst);
            hands.steady.fetch_add(micros, Ordering::SeqCst);
        }
    }
}

/// When this process first asked how long it runs.
static START: LazyLock<Moment> = LazyLock::new(Moment::now);

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn system_now() -> Instant {
    Instant(Utc::now().timestamp_micros())
}

/// A step of the wall clock: what it shows moved by more than the time that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When it was noticed, on the clock as it shows now.
    pub at: Instant,
    /// By how much, milliseconds; negative: back.
    pub by_ms: i64,
}

/// What both sides of a clock showed when it was last looked at.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    wall: Instant,
    steady: Duration,
}

/// A difference between the sides that a clock may show without having been stepped: slewing, a suspended thread.
const TOLERATED: Duration = Duration::from_secs(2);

impl Looked {
    /// Looks for the first time.
    #[must_use]
    pub fn at(clock: &Clock) -> Self {
        Self { wall: clock.now(), steady: clock.steady() }
    }

    /// Looks again: whether the wall clock was stepped since.
    pub fn again(&mut self, clock: &Clock) -> Option<Step> {
        let before = std::mem::replace(self, Self::at(clock));
        let expected = before.wall.plus(self.steady.saturating_sub(before.steady));
        let by = self.wall.micros().saturating_sub(expected.micros());
        let stepped = by.unsigned_abs() > u64::try_from(TOLERATED.as_micros()).unwrap_or(u64::MAX);
        stepped.then_some(Step { at: self.wall, by_ms: by / 1_000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_from_time_that_passes() {
        let clock = Clock::driven(Instant::from_secs(1_798_761_500));
        let mut looked = Looked::at(&clock);
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(looked.again(&clock), None);
        for by_ms in [-7_200_000, 7_200_000, 86_400_000, -30_000] {
            clock.advance(Duration::from_millis(250));
            clock.step(by_ms * 1_000);
            assert_eq!(looked.again(&clock), Some(Step { at: clock.now(), by_ms }));
            assert_eq!(looked.again(&clock), None, "a step is one step");
        }
        clock.step(1_000_000);
        assert_eq!(looked.again(&clock), None, "a second is slewed");
        assert_eq!(clock.steady(), Duration::from_secs(3_601), "and nothing of it moved the steady side");
    }
}
