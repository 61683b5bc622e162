//! A provider that is down is left alone, and asked now and then whether it is back. What waits meanwhile stays
//! due: nothing is lost, nothing is counted as tried.

use std::time::Duration;

use domain::Instant;

/// Failures in a row that open it.
const FAILURES: u32 = 5;
const FIRST_REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What is known of one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    failures: u32,
    rests: u32,
    open_until: Option<Instant>,
    probing: bool,
}

impl Breaker {
    /// Whether [`Breaker::admits`] would say yes.
    #[must_use]
    pub fn would_admit(&self, now: Instant) -> bool {
        self.open_until.is_none_or(|until| now >= until && !self.probing)
    }

    /// Whether the provider may be asked now. While it rests nobody asks; after that one asks for all.
    pub fn admits(&mut self, now: Instant) -> bool {
        match self.open_until {
            None => true,
            Some(until) if now < until || self.probing => false,
            Some(_) => {
                self.probing = true;
                true
            }
        }
    }

    /// There was nothing to ask with after all: another one may ask.
    pub fn not_asked(&mut self) {
        self.probing = false;
    }

    /// The provider answered, whatever it answered about the message.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// The provider did not answer, or answered that it cannot serve anybody.
    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.probing || self.failures >= FAILURES {
            let rest = FIRST_REST.saturating_mul(1 << self.rests.min(10)).min(LONGEST_REST);
            (self.open_until, self.probing) = (Some(now.plus(rest)), false);
            self.rests = self.rests.saturating_add(1);
        }
    }

    /// Until when it is left alone.
    #[must_use]
    pub const fn open_until(&self) -> Option<Instant> {
        self.open_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Instant {
        Instant::from_secs(1_800_000_000 + n)
    }

    #[test]
    fn it_opens_after_failures_in_a_row_probes_once_and_closes_with_an_answer() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(second(0));
        }
        assert!(breaker.admits(second(0)));
        breaker.answered();
        for _ in 0..5 {
            assert!(breaker.admits(second(1)));
            breaker.failed(second(1));
        }
        assert!(!breaker.admits(second(10)));
        assert!(breaker.admits(second(11)), "one asks");
        assert!(!breaker.admits(second(11)), "and only one");
        breaker.not_asked();
        assert!(breaker.admits(second(11)), "unless it had nothing to ask with");
        breaker.failed(second(12));
        assert!(!breaker.admits(second(31)));
        assert!(breaker.admits(second(32)), "twice as long");
        breaker.answered();
        assert!(breaker.admits(second(33)) && breaker.admits(second(33)));
    }

    #[test]
    fn it_never_rests_for_longer_than_a_minute() {
        let mut breaker = Breaker::default();
        let mut now = 0;
        for _ in 0..40 {
            breaker.failed(second(now));
            now += 60;
            assert!(breaker.admits(second(now)));
        }
    }
}
