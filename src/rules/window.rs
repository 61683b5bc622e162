//! How well a stretch is covered by readings, in constant memory: recent instants as bits on a fixed grid. Slots are
//! counted from the epoch, so the same readings set the same bits whatever came before.
//!
//! ```text
//! slots back   255 ..... 240 ........... 128   127 .................. 1   0
//!            +------------------------------+ +-----------------------------+
//!            |          far: u128           | |         near: u128          |
//!            +------------------------------+ +-----------------------------+
//! bit          127 ..... 112 ............. 0   127 .................. 1   0
//!                         |                                              |
//!                         start of the longest stretch      newest reading
//!
//! 1 Hz on a one-minute grid (a slot is 250 ms), the newest at the right:
//!     near = ...0001 0001 0001 0001
//! The next reading, four slots later, shifts all bits left by four, the top four of near into far, and sets bit 0.
//! ```

use std::time::Duration;

use domain::Instant;

/// Slots in the longest stretch: a quarter of a second each for a stretch of a minute.
const SLOTS: i64 = 240;
/// A stretch is never asked for more samples than this.
const ENOUGH: u32 = 60;
/// Coverage counts time in parts of a slot. 2,520 is the least common multiple of 1 to 10, so an interval divides
/// evenly by up to ten expected samples, and by many larger numbers.
const PART: u64 = 2_520;

/// Which slots of the last stretch hold a reading. Bit 0 of `near` is the slot of the newest.
///
/// **Coverage** of the stretch `[to - lasting, to]`, all of it in slots:
/// 1. The *intervals* lie between neighbouring occupied slots; of an interval that begins before the stretch only the
///    part within it counts. Readings in one slot count once.
/// 2. The *cadence* is the smallest interval such that intervals no longer than it fill a sixth of the
///    time of all intervals. So a stray double reading does not make a five-minute sensor a fast one, and
///    a fast one is known by ten seconds in a minute. It is never finer than a sixtieth of the stretch: sixty
///    readings are enough, and a device that sends more at times is not asked for more at others.
/// 3. Each interval *expects* (length - 1) / cadence samples, rounded, at least one; the one slot off allows for the
///    grid. It *has* one sample.
/// 4. Coverage is the share of the stretch for which samples are there: an interval counts with its length divided
///    by the samples it expects. A single interval counts as covered; its maximum length is `max_gap`'s concern.
///
/// 61 readings at 1 Hz give 60 of 60; with twelve in a row missing 48 of 60, the 80 % of the seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    slot: i64,
    newest: i64,
    far: u128,
    near: u128,
}

impl Window {
    /// For stretches no longer than `longest`.
    pub(super) fn new(longest: Duration) -> Self {
        let slot = (micros(longest) / SLOTS).max(1);
        Self { slot, newest: i64::MIN, far: 0, near: 0 }
    }

    /// A reading at `at`, not before the last one.
    #[inline]
    pub(super) fn mark(&mut self, at: Instant) {
        let slot = at.micros().div_euclid(self.slot);
        let passed = u32::try_from(slot.saturating_sub(self.newest)).unwrap_or(u32::MAX);
        (self.far, self.near) = match passed {
            0 => (self.far, self.near),
            1..128 => (self.far << passed | self.near >> (128 - passed), self.near << passed),
            128..256 => (self.near << (passed - 128), 0),
            256.. => (0, 0),
        };
        self.near |= 1;
        self.newest = slot;
    }

    /// Whether the stretch of `lasting` microseconds up to the newest reading holds `percent` of the samples that its
    /// cadence leads one to expect.
    pub(super) fn covered(&self, lasting: i64, percent: u8) -> bool {
        let span = u32::try_from((lasting / self.slot).min(SLOTS)).unwrap_or(0);
        // How many intervals there are of each length in slots, 0 to 240.
        let mut counts = [0_u32; 241];
        let (mut oldest, mut widest) = (0, 0);
        let mut slot = self.next_occupied(0);
        while slot <= span {
            if let Some(count) = count_of(&mut counts, slot - oldest) {
                *count += 1;
            }
            (widest, oldest) = (widest.max(slot - oldest), slot);
            slot = self.next_occupied(slot);
        }
        if oldest == 0 {
            return true;
        }
        let cadence = cadence(&counts, oldest).max(span / ENOUGH).max(1);
        let mut has = time_held(span - oldest, cadence);
        for (interval, count) in (0..=widest).zip(counts).filter(|(_, count)| *count > 0) {
            has += u64::from(count) * time_held(interval, cadence);
        }
        has * 100 >= u64::from(span) * PART * u64::from(percent)
    }

    /// The first occupied slot older than `slot`; 256 when there is none.
    const fn next_occupied(&self, slot: u32) -> u32 {
        let next = slot + 1;
        if next >= 128 {
            let older = self.far >> (next - 128);
            return if older == 0 { 256 } else { next + older.trailing_zeros() };
        }
        match self.near >> next {
            0 => 128 + self.far.trailing_zeros(),
            older => next + older.trailing_zeros(),
        }
    }
}

fn count_of(counts: &mut [u32; 241], interval: u32) -> Option<&mut u32> {
    counts.get_mut(usize::try_from(interval).unwrap_or(usize::MAX))
}

/// The smallest interval such that those no longer than it fill a sixth of `time`.
fn cadence(counts: &[u32; 241], time: u32) -> u32 {
    let mut filled = 0;
    for (interval, count) in (0_u32..).zip(counts) {
        filled += interval * count;
        if filled * 6 >= time {
            return interval;
        }
    }
    time
}

/// The part of an interval, in parts of a slot, that its one sample covers.
fn time_held(interval: u32, cadence: u32) -> u64 {
    let expected = (2 * interval.saturating_sub(1) + cadence) / (2 * cadence);
    u64::from(interval) * PART / u64::from(expected.max(1))
}

/// A span in microseconds, saturating.
pub(super) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn covered(lasting: i64, percent: u8, at_millis: impl IntoIterator<Item = i64>) -> bool {
        let mut window = Window::new(Duration::from_micros(u64::try_from(lasting).unwrap()));
        at_millis.into_iter().for_each(|at| window.mark(Instant::from_millis(at)));
        window.covered(lasting, percent)
    }

    #[test]
    fn a_hole_of_twelve_in_a_minute_of_seconds_is_just_covered_and_thirteen_is_not() {
        let with_hole = |hole: i64| (0..=60).filter(move |s| !(20..20 + hole).contains(s)).map(|s| s * 1_000);
        assert!(covered(MINUTE, 100, with_hole(0)));
        assert!(covered(MINUTE, 80, with_hole(12)));
        assert!(!covered(MINUTE, 81, with_hole(12)));
        assert!(!covered(MINUTE, 80, with_hole(13)));
    }

    #[test]
    fn losses_are_seen_through_any_pattern() {
        let every = |n: i64| (0..=60).filter(move |s| s % n != 1).map(|s| s * 1_000);
        assert!(covered(MINUTE, 80, every(6)));
        assert!(!covered(MINUTE, 80, every(4)), "one of four lost");
        assert!(!covered(MINUTE, 80, every(3)), "one of three lost");
        let two_holes = (0..=60).filter(|s| !(5..25).contains(s) && !(30..55).contains(s));
        assert!(!covered(MINUTE, 80, two_holes.map(|s| s * 1_000)), "ten seconds of sixty");
    }

    #[test]
    fn jitter_double_readings_and_any_cadence_do_not_cost_coverage() {
        let jitter = [0, 180, -210, 90, -60, 240, -130];
        let wobble = (0_i64..).zip(jitter.into_iter().cycle());
        assert!(covered(MINUTE, 90, wobble.take(62).map(|(s, j)| s * 1_000 + j)), "jitter");
        assert!(covered(MINUTE, 100, (0..=60).flat_map(|s| [s * 1_000, s * 1_000 + 40])), "doubles");
        assert!(covered(MINUTE, 100, (0..=6_000).map(|c| c * 10)), "100 Hz");
        assert!(covered(MINUTE, 100, [0, 30_000, 60_000]), "two a minute");
        let minutes = |list: &'static [i64]| list.iter().map(|m| m * 60_000);
        assert!(covered(15 * MINUTE, 100, minutes(&[0, 5, 10, 15])), "a five-minute sensor");
        assert!(covered(15 * MINUTE, 100, minutes(&[0, 5, 6, 10, 11, 15])), "and two extra readings");
        assert!(covered(15 * MINUTE, 80, minutes(&[0, 4, 10, 15])), "and jitter of a minute");
    }

    #[test]
    fn a_device_that_sends_more_at_times_is_not_asked_for_more_at_others() {
        for hz in [2, 5, 25] {
            let dense = |second: i64| second % 15 < 5;
            let bursts = (0..=60_000_i64).step_by(1_000 / hz);
            let bursts = bursts.filter(move |ms| dense(ms / 1_000) || ms % 1_000 == 0);
            assert!(covered(MINUTE, 100, bursts), "{hz} Hz for five seconds of fifteen, else 1 Hz");
            let late = (0..=60_000_i64).step_by(1_000 / hz).filter(|ms| *ms < 30_000 || ms % 1_000 == 0);
            assert!(covered(MINUTE, 100, late), "{hz} Hz for half a minute, then 1 Hz");
            let lost = (0..=60_000_i64).step_by(1_000 / hz).filter(|ms| !(20_000..34_000).contains(ms));
            assert!(!covered(MINUTE, 80, lost), "{hz} Hz with fourteen seconds lost");
        }
    }

    #[test]
    fn the_grid_wherever_it_lies_sees_the_same_minute() {
        for offset in 0..250 {
            let hole =
                |n: i64| (0..=60).filter(move |s| !(20..20 + n).contains(s)).map(move |s| s * 1_000 + offset);
            assert!(covered(MINUTE, 80, hole(12)) && !covered(MINUTE, 80, hole(13)), "offset {offset}");
        }
    }
}
