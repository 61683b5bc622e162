//! How far long work is, and whether it is to go on: what walks over everything says so as it walks.

use crate::db::error::Result;

/// Hears how much is done, and of how much. [`crate::Error::Stopped`] ends the work.
pub(crate) type Step<'a> = &'a mut dyn FnMut(u64, u64) -> Result<()>;

/// The pace of one piece of work. What is looked at twice counts half each time, so that a person reads how many things
/// there are and not how often the program looks.
#[derive(Default)]
pub struct Pace<'a> {
    halves: u64,
    total: u64,
    step: Option<Step<'a>>,
}

impl<'a> Pace<'a> {
    /// Work that somebody follows.
    pub const fn followed(step: Step<'a>) -> Self {
        Self { halves: 0, total: 0, step: Some(step) }
    }

    /// So many more things are to be done.
    pub(crate) const fn expect(&mut self, more: u64) {
        self.total = self.total.saturating_add(more);
    }

    /// So many are done.
    ///
    /// # Errors
    /// [`crate::Error::Stopped`].
    pub(crate) fn did(&mut self, things: u64) -> Result<()> {
        self.half(things.saturating_mul(2))
    }

    /// So many were looked at once of twice; none: the work only asks whether to go on.
    ///
    /// # Errors
    /// [`crate::Error::Stopped`].
    pub(crate) fn half(&mut self, things: u64) -> Result<()> {
        self.halves = self.halves.saturating_add(things);
        let done = (self.halves / 2).min(self.total);
        self.step.as_mut().map_or(Ok(()), |step| step(done, self.total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn what_is_looked_at_twice_counts_once_and_nothing_counts_beyond_the_total() {
        let mut seen = Vec::new();
        let mut step = |done, total| {
            seen.push((done, total));
            if done == 9 { Err(Error::Stopped) } else { Ok(()) }
        };
        let mut pace = Pace::followed(&mut step);
        pace.expect(4);
        pace.expect(5);
        pace.did(3).unwrap();
        pace.half(5).unwrap();
        pace.half(5).unwrap();
        assert!(matches!(pace.did(100), Err(Error::Stopped)));
        assert_eq!(seen, [(3, 9), (5, 9), (8, 9), (9, 9)]);
        Pace::default().did(1).unwrap();
    }
}
