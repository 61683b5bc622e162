//! One clock for all nodes on one database: its own. A node asks for it now and then and counts on with the steady side
//! of its machine's clock, so that neither a wrong wall clock here nor one that is set tells another time than the
//! others have.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{APART, Clock, Instant, TOLERATED};

/// How far the clock goes back for one answer, and never by more than a tenth of the time since the last: it goes on, however
/// often it is asked.
const BACK: i64 = 50_000;
/// So many spans in which it showed a wrong time are remembered: what was stamped in them waits for seconds at most.
const DOUBTED: usize = 4;

/// A machine's clock that follows another.
#[derive(Debug)]
pub struct Follower {
    machine: Clock,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    /// What it shows beyond the machine's steady side, microseconds; `None`: it shows what the machine's clock shows.
    ahead: Option<i64>,
    /// The latest it has shown since it was stepped.
    last: Instant,
    /// What the machine's steady side showed when the last answer was asked for, microseconds; `None`: nobody asked yet.
    asked: Option<i64>,
    /// What it showed when the last answer came.
    answered: i64,
    /// What it showed between two answers of which the second proved a step.
    doubted: VecDeque<RangeInclusive<Instant>>,
}

impl Pace {
    const fn new() -> Self {
        Self { ahead: None, last: Instant::MIN, asked: None, answered: 0, doubted: VecDeque::new() }
    }

    /// It shows something else from now on, by a step.
    fn step(&mut self, ahead: Option<i64>, doubted: Option<RangeInclusive<Instant>>) {
        self.doubted.extend(doubted);
        if self.doubted.len() > DOUBTED {
            self.doubted.pop_front();
        }
        (self.ahead, self.last) = (ahead, Instant::MIN);
    }
}

impl Follower {
    /// Shows what the machine's clock shows until it hears of another.
    pub(super) const fn of(machine: Clock) -> Self {
        Self { machine, pace: Mutex::new(Pace::new()) }
    }

    pub(super) const fn machine(&self) -> &Clock {
        &self.machine
    }

    pub(super) fn now(&self) -> Instant {
        let mut pace = self.pace();
        let Some(ahead) = pace.ahead else { return self.machine.now() };
        pace.last = pace.last.max(self.shows(ahead));
        pace.last
    }

    /// What the other clock showed at some moment of the last `took`. What such a question cannot tell apart changes
    /// nothing, however long it took; a step that is proven is taken at once, and less than a step so that time goes on. A
    /// clock that is further off than clocks may be is not followed: nobody knows which of the two is wrong.
    pub(super) fn follow(&self, other: Instant, took: Duration) {
        let unsure = i64::try_from(took.as_micros() / 2).unwrap_or(i64::MAX);
        let other = other.micros().saturating_add(unsure);
        let proven = |shown: i64| {
            let off = other.saturating_sub(shown);
            off.saturating_sub(off.clamp(-unsure, unsure))
        };
        let mut pace = self.pace();
        let own = self.machine.now().micros();
        let before = pace.ahead.unwrap_or_else(|| own.saturating_sub(self.steady()));
        let shown = self.shows(before);
        // An answer may have been read long after it was given, by a machine that stood still with it in its hand: what was
        // asked before that is what is sure.
        let steady = self.steady();
        let passed = steady.saturating_sub(std::mem::replace(&mut pace.answered, steady));
        let asked = steady.saturating_sub(i64::try_from(took.as_micros()).unwrap_or(i64::MAX));
        let since = pace.asked.replace(asked);
        let doubted = since.map(|since| Instant::from_micros(since.saturating_add(before))..=shown);
        if beyond(proven(own), APART) {
            if pace.ahead.is_some() && beyond(own.saturating_sub(shown.micros()), TOLERATED) {
                pace.step(None, doubted);
            }
            pace.ahead = None;
            return;
        }
        let off = proven(shown.micros());
        if beyond(off, TOLERATED) {
            pace.step(Some(before.saturating_add(off)), doubted);
        } else if pace.ahead.is_none() {
            (pace.ahead, pace.last) = (Some(before.saturating_add(off)), Instant::MIN);
        } else {
            pace.ahead = Some(before.saturating_add(off.max(-(passed / 10).clamp(0, BACK))));
        }
    }

    /// Whether it showed `shown` between two answers of which the second proved a step: it may have been wrong by then. A
    /// machine that was suspended shows an old time until somebody tells it.
    pub(super) fn doubts(&self, shown: Instant) -> bool {
        self.pace().doubted.iter().any(|span| span.contains(&shown))
    }

    fn shows(&self, ahead: i64) -> Instant {
        Instant::from_micros(self.steady().saturating_add(ahead))
    }

    fn steady(&self) -> i64 {
        i64::try_from(self.machine.steady().as_micros()).unwrap_or(i64::MAX)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn beyond(off: i64, most: Duration) -> bool {
    u128::from(off.unsigned_abs()) > most.as_micros()
}

#[cfg(test)]
mod tests {
    use super::super::Looked;
    use super::*;

    const START: Instant = Instant::from_secs(1_798_761_500);
    const SECOND: Duration = Duration::from_secs(1);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// A machine's clock that is behind by so much, and the one that follows with it.
    fn behind(by: Duration) -> (Clock, Clock) {
        let machine = Clock::driven(START.minus(by));
        let clock = Clock::following(machine.clone());
        (machine, clock)
    }

    #[test]
    fn clocks_that_follow_the_same_one_show_the_same_whatever_their_machines_show() {
        let (fast, slow) = (Clock::driven(START.plus(seconds(25))), Clock::driven(START.minus(seconds(25))));
        let both = [Clock::following(fast.clone()), Clock::following(slow.clone())];
        assert_eq!(both[0].now().since(both[1].now()), seconds(50), "before anybody has asked");
        both.iter().for_each(|clock| clock.follow(START, Duration::ZERO));
        assert!(both.iter().all(|clock| clock.now() == START));
        [&fast, &slow].iter().for_each(|machine| machine.advance(SECOND));
        assert!(both.iter().all(|clock| clock.now() == START.plus(SECOND)), "between two answers");
        assert_eq!(both[1].own(), START.minus(seconds(24)));
    }

    #[test]
    fn an_answer_that_waited_steps_no_clock_that_is_right_and_sends_none_away() {
        for by in [Duration::ZERO, seconds(25)] {
            let (machine, clock) = behind(by);
            clock.follow(START, Duration::ZERO);
            let mut looked = Looked::at(&clock);
            machine.advance(seconds(20));
            // Asked twenty seconds ago, answered at once, and heard of now.
            clock.follow(START, seconds(20));
            assert_eq!((clock.now(), looked.again(&clock)), (START.plus(seconds(20)), None));
        }
        let (machine, first) = behind(Duration::ZERO);
        machine.advance(seconds(8));
        first.follow(START, seconds(8));
        assert_eq!(first.now(), START.plus(seconds(8)), "the first answer proves no more");
    }

    #[test]
    fn what_a_suspended_machine_showed_since_its_last_answer_is_doubted_and_nothing_else_is() {
        let (machine, clock) = behind(Duration::ZERO);
        clock.follow(START, Duration::ZERO);
        let before = clock.now();
        machine.advance(SECOND);
        clock.follow(START.plus(SECOND), Duration::ZERO);
        // For twenty seconds both sides stood still, and then they went on for a moment.
        machine.advance(Duration::from_millis(300));
        let stamped = clock.now();
        clock.follow(stamped.plus(seconds(20)), Duration::ZERO);
        assert!(clock.doubts(stamped), "it is old, or it was read before");
        assert!(!clock.doubts(before) && !clock.doubts(clock.now()));
        // Suspended with an answer in its hand: it looks new, and the next one tells.
        let asked = clock.now();
        clock.follow(asked, Duration::ZERO);
        machine.advance(Duration::from_millis(100));
        let stamped = clock.now();
        clock.follow(stamped, Duration::from_millis(100));
        clock.follow(stamped.plus(seconds(9)), Duration::ZERO);
        assert!(clock.doubts(stamped) && clock.doubts(asked));
        assert!(!Clock::driven(START).doubts(START), "one that follows nobody is asked by nobody");
    }

    #[test]
    fn a_machines_clock_that_is_set_moves_nothing_and_is_no_step() {
        let (machine, clock) = behind(SECOND);
        clock.follow(START, Duration::ZERO);
        let mut looked = Looked::at(&clock);
        for by in [25_000_000, -50_000_000, 7_000_000] {
            machine.step(by);
            assert_eq!((clock.now(), looked.again(&clock)), (START, None));
            clock.follow(START, Duration::ZERO);
            assert_eq!((clock.now(), looked.again(&clock)), (START, None));
        }
    }

    #[test]
    fn a_clock_that_is_too_far_off_is_not_followed_and_that_is_a_step() {
        let (machine, clock) = behind(seconds(30));
        clock.follow(START, Duration::ZERO);
        assert_eq!(clock.now(), START);
        let mut looked = Looked::at(&clock);
        machine.step(-1);
        clock.follow(START, Duration::ZERO);
        assert_eq!(clock.now(), machine.now());
        assert_eq!(looked.again(&clock).map(|step| step.by_ms), Some(-30_000));
        machine.step(3_600_000_000);
        assert_eq!(clock.now(), machine.now(), "which of the two is wrong is not for it to say");
    }

    #[test]
    fn a_difference_is_taken_up_while_time_goes_on_and_a_step_at_once() {
        let (machine, clock) = behind(Duration::ZERO);
        clock.follow(START, Duration::ZERO);
        // The database's clock is slewed back by half a second.
        let mut before = clock.now();
        for _ in 0..10 {
            machine.advance(Duration::from_millis(500));
            clock.follow(machine.now().minus(Duration::from_millis(500)), Duration::ZERO);
            assert!(clock.now() > before);
            before = clock.now();
        }
        assert_eq!(clock.now(), machine.now().minus(Duration::from_millis(500)));
        clock.follow(machine.now(), Duration::ZERO);
        assert_eq!(clock.now(), machine.now());
        let mut looked = Looked::at(&clock);
        clock.follow(machine.now().minus(seconds(10)), Duration::ZERO);
        assert_eq!(clock.now(), machine.now().minus(seconds(10)));
        assert_eq!(looked.again(&clock).map(|step| step.by_ms), Some(-10_000));
    }

    #[test]
    fn a_clock_that_is_asked_all_the_time_goes_on_too() {
        let (machine, clock) = behind(Duration::ZERO);
        clock.follow(START, Duration::ZERO);
        // As each commit of a busy node does; the database's clock is a second behind by now.
        let mut before = clock.now();
        for _ in 0..500 {
            machine.advance(Duration::from_millis(5));
            clock.follow(machine.now().minus(SECOND), Duration::ZERO);
            assert!(clock.now() > before);
            before = clock.now();
        }
        assert_eq!(clock.now(), machine.now().minus(Duration::from_millis(250)), "a tenth of what passed");
    }

    #[test]
    fn what_a_slow_answer_cannot_tell_apart_changes_nothing() {
        let (machine, clock) = behind(Duration::ZERO);
        clock.follow(START, Duration::ZERO);
        // Asked, answered after a second: the answer was right at some moment of it.
        machine.advance(SECOND);
        for at in [START, START.plus(SECOND), START.plus(Duration::from_millis(700))] {
            clock.follow(at, SECOND);
            assert_eq!(clock.now(), START.plus(SECOND));
        }
        clock.follow(START.plus(Duration::from_millis(1_600)), SECOND);
        assert_eq!(clock.now(), START.plus(Duration::from_millis(1_600)), "so much it was at the least");
    }
}
