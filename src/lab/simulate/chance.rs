//! Chance that comes out the same for the same seed, whatever else was drawn: each question has a stream of its own
//! (SplitMix64, Steele, Lea and Flood 2014).

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// The stream of one question about one thing.
    #[must_use]
    pub(super) fn of(seed: u64, thing: u64, question: u64) -> Self {
        let mut mixed = Self(seed);
        for part in [thing, question] {
            mixed = Self(mixed.draw() ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        mixed
    }

    /// The next number.
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n`, `n` left out.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        u32::try_from(self.draw() % u64::from(n.max(1))).unwrap_or(0)
    }

    /// A number from `from` to `to`, both among them.
    pub(super) fn between(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// Whether it happens.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answer_and_another_has_another() {
        let answers = |seed, thing| {
            let mut chance = Chance::of(seed, thing, 7);
            (0..8).map(|_| chance.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(answers(1, 2), answers(1, 2));
        assert_ne!(answers(1, 2), answers(1, 3));
        assert_ne!(answers(1, 2), answers(2, 2));
        let hits = (0..10_000).filter(|n| Chance::of(3, *n, 0).percent(25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }
}
