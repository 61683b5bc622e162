//! How long a chunk's span is: so long that it holds about 1,000 to 4,000 readings. Spans nest and are aligned
//! to the epoch, so that two chunks of a series never overlap. The lengths are stored and never change.

const MINUTE: i64 = 60_000_000;

/// Length of a span, and the longest usual gap between readings that it is for (microseconds).
const LENGTHS: [(i64, i64); 5] = [
    (5 * MINUTE, MINUTE / 600),
    (60 * MINUTE, MINUTE / 6),
    (24 * 60 * MINUTE, MINUTE * 3 / 2),
    (10 * 24 * 60 * MINUTE, 15 * MINUTE),
    (30 * 24 * 60 * MINUTE, i64::MAX),
];

/// No span is longer.
pub(crate) const LONGEST: i64 = 30 * 24 * 60 * MINUTE;

/// A place in [`LENGTHS`], from the shortest span to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Level(usize);

/// `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub from: i64,
    pub to: i64,
}

impl Level {
    const LONGEST: Self = Self(LENGTHS.len() - 1);

    /// For readings at these instants (ascending), by their median gap; the longest for fewer than two.
    pub(crate) fn fitting(instants: &[i64]) -> Self {
        let mut gaps: Vec<i64> = instants
            .windows(2)
            .filter_map(|pair| if let [a, b] = pair { Some(b.saturating_sub(*a)) } else { None })
            .filter(|gap| *gap > 0)
            .collect();
        if gaps.is_empty() {
            return Self::LONGEST;
        }
        let middle = gaps.len() / 2;
        let (_, median, _) = gaps.select_nth_unstable(middle);
        let median = *median;
        LENGTHS.iter().position(|(_, gap)| median <= *gap).map_or(Self::LONGEST, Self)
    }

    /// The level of a stored span.
    pub(crate) fn of(span: Span) -> Option<Self> {
        LENGTHS.iter().position(|(length, _)| span.to.checked_sub(span.from) == Some(*length)).map(Self)
    }

    /// The next shorter one.
    pub(crate) fn shorter(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// The span of this level that holds `at`.
    pub(crate) fn around(self, at: i64) -> Span {
        let length = LENGTHS.get(self.0).map_or(MINUTE, |(length, _)| *length);
        let from = at.saturating_sub(at.rem_euclid(length));
        Span { from, to: from.saturating_add(length) }
    }
}

impl Span {
    pub(crate) const fn holds(self, at: i64) -> bool {
        self.from <= at && at < self.to
    }

    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_fits_the_rate() {
        let every = |micros: i64| Level::fitting(&(0..50).map(|n| n * micros).collect::<Vec<_>>());
        let length = |level: Level| level.around(0).to / MINUTE;
        let rates = [(20_000, 5), (1_000_000, 60), (60_000_000, 1_440), (300_000_000, 14_400)];
        for (gap, minutes) in rates {
            assert_eq!(length(every(gap)), minutes, "a gap of {gap}");
        }
        assert_eq!(length(every(86_400_000_000)), 43_200);
        assert_eq!(length(Level::fitting(&[5])), 43_200);
    }

    #[test]
    fn spans_nest() {
        for at in [-1, 0, 1_763_812_800_000_001] {
            let mut level = Level::LONGEST;
            while let Some(shorter) = level.shorter() {
                let (outer, inner) = (level.around(at), shorter.around(at));
                assert!(outer.from <= inner.from && inner.to <= outer.to && inner.holds(at));
                assert_eq!(Level::of(outer), Some(level));
                level = shorter;
            }
        }
    }
}
