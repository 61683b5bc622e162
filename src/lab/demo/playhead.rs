//! Where the playback is: at speed 1 it walks with the clock; faster, it starts an hour back, catches up and
//! stops at now. It never runs ahead: no reading comes from the future.

use std::time::Duration;

use domain::Instant;

/// How far back a faster playback starts.
pub const BACK: Duration = Duration::from_secs(3_600);

/// A speed that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the speed must be a number from 1 to 10000")]
pub struct NotASpeed;

/// Maps the clock to the playback.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playhead {
    started: Instant,
    begins: Instant,
    ends: Instant,
    speed: f64,
}

impl Playhead {
    /// A playback that starts at `now`.
    ///
    /// # Errors
    /// [`NotASpeed`] below 1 (it would never come to now) and above 10,000.
    pub fn new(speed: f64, now: Instant) -> Result<Self, NotASpeed> {
        if !(1.0..=10_000.0).contains(&speed) {
            return Err(NotASpeed);
        }
        if speed > 1.0 {
            let ends = now.plus(BACK.div_f64((speed - 1.0).max(1e-6)));
            Ok(Self { started: now, begins: now.minus(BACK), ends, speed })
        } else {
            Ok(Self { started: now, begins: now, ends: Instant::MAX, speed })
        }
    }

    /// Where the history ends and the playback starts.
    #[must_use]
    pub const fn begins(&self) -> Instant {
        self.begins
    }

    /// How far it has come at `now`.
    #[must_use]
    pub fn at(&self, now: Instant) -> Instant {
        self.begins.plus(now.since(self.started).mul_f64(self.speed)).min(now).min(self.ends)
    }

    /// Whether it has caught up with the clock and stops. At speed 1 it never does.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_secs(1_795_348_800);

    fn after(secs: u64) -> Instant {
        NOW.plus(Duration::from_secs(secs))
    }

    #[test]
    fn at_speed_one_it_walks_with_the_clock_and_never_ends() {
        let head = Playhead::new(1.0, NOW).unwrap();
        assert_eq!((head.begins(), head.at(NOW), head.at(after(90))), (NOW, NOW, after(90)));
        assert!(!head.is_over(after(1_000_000)));
    }

    #[test]
    fn faster_it_starts_an_hour_back_catches_up_and_stops_at_now() {
        let head = Playhead::new(61.0, NOW).unwrap();
        assert_eq!(head.begins(), NOW.minus(BACK));
        assert_eq!(head.at(after(10)), NOW.minus(BACK).plus(Duration::from_secs(610)));
        assert!(!head.is_over(after(59)));
        assert!(head.is_over(after(60)));
        assert_eq!(head.at(after(300)), after(60));
    }

    #[test]
    fn a_speed_below_one_and_no_number_are_refused() {
        for bad in [0.0, 0.5, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Playhead::new(bad, NOW), Err(NotASpeed), "{bad}");
        }
    }
}
