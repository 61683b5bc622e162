//! A bound instead of a value: "above 400", "at least 220". It says one side and nothing of the other, so it is never
//! judged on the side that it does not prove.

use mqtt::payload::Side;

use domain::readings::{Flags, Reading, SENTINEL_HIGH, SENTINEL_LOW, Signal, Unit};
use domain::time::Instant;

/// Where a sensor's own range ends, in the canonical unit: what lies beyond is its `LOW` or `HIGH` (clinical reference
/// 4b; meters read 20 to 500 or 600).
const fn range(signal: Signal) -> Option<(f64, f64)> {
    match signal {
        Signal::Glucose => Some((40.0, 400.0)),
        Signal::GlucoseCapillary => Some((20.0, 500.0)),
        _ => None,
    }
}

/// At or below the first and at or above the second number a value is alarming whatever it is, in the canonical unit:
/// the contract's red lines, else three points of NEWS2 (clinical reference 4a). Endless where a side has none.
const fn alarming(signal: Signal) -> (f64, f64) {
    match signal {
        Signal::HeartRate | Signal::RestingHeartRate => (40.0, 120.0),
        Signal::RespiratoryRate => (8.0, 25.0),
        Signal::Spo2 => (91.0, f64::INFINITY),
        Signal::SystolicBp => (90.0, 220.0),
        Signal::BodyTemperature => (35.0, 39.1),
        Signal::Glucose | Signal::GlucoseCapillary => (54.0, 250.0),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// A bound as it was stated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Beyond {
    /// Where the value lies.
    pub side: Side,
    /// Of this number.
    pub bound: f64,
}

impl Beyond {
    /// A bound as a word: `>400`, `≤ 40`.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let word = word.trim();
        let signs = [(">=", Side::Above), ("≥", Side::Above), (">", Side::Above)];
        let signs = signs.into_iter().chain([("<=", Side::Below), ("≤", Side::Below), ("<", Side::Below)]);
        let (number, side) =
            signs.into_iter().find_map(|(sign, side)| Some((word.strip_prefix(sign)?.trim(), side)))?;
        let bound = number.parse().ok().filter(|bound: &f64| bound.is_finite())?;
        Some(Self { side, bound })
    }

    /// What it proves: a sensor's sentinel at or beyond the end of its range; the bound itself, which is too coarse to be
    /// believed alone, where it proves the alarming side; `None`: nothing.
    pub(crate) fn proves(self, signal: Signal, unit: Unit) -> Option<(f64, Unit, Flags)> {
        let at_bound =
            Reading { signal, at: Instant::from_micros(0), value: self.bound, unit, flags: Flags::SUSPECT };
        let canonical = at_bound.canonical();
        let is_beyond = |(low, high): (f64, f64)| match self.side {
            Side::Below => canonical <= low,
            Side::Above => canonical >= high,
        };
        if range(signal).is_some_and(is_beyond) {
            let (mark, flag) = match self.side {
                Side::Below => (SENTINEL_LOW, Flags::LOW),
                Side::Above => (SENTINEL_HIGH, Flags::HIGH),
            };
            return Some((mark, signal.unit(), flag));
        }
        is_beyond(alarming(signal)).then_some((self.bound, unit, Flags::SUSPECT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proves(signal: Signal, unit: Unit, word: &str) -> Option<(f64, Flags)> {
        Beyond::from_word(word).unwrap().proves(signal, unit).map(|(value, _, flags)| (value, flags))
    }

    #[test]
    fn a_bound_is_the_end_of_the_sensors_range_only_at_or_beyond_it() {
        for (word, is) in [
            ("> 400", Some((SENTINEL_HIGH, Flags::HIGH))),
            (">=600", Some((SENTINEL_HIGH, Flags::HIGH))),
            ("<40", Some((SENTINEL_LOW, Flags::LOW))),
            ("≤ 20", Some((SENTINEL_LOW, Flags::LOW))),
            // It proves what the rules call red, and is no end of a range.
            (">300", Some((300.0, Flags::SUSPECT))),
            ("<50", Some((50.0, Flags::SUSPECT))),
            // It proves nothing.
            (">40", None),
            (">=70", None),
            ("<300", None),
            ("<70", None),
        ] {
            assert_eq!(proves(Signal::Glucose, Unit::MgPerDl, word), is, "{word}");
        }
        assert_eq!(
            proves(Signal::Glucose, Unit::MmolPerL, ">22.3"),
            Some((SENTINEL_HIGH, Flags::HIGH)),
            "in the unit that it was said in"
        );
        assert_eq!(proves(Signal::GlucoseCapillary, Unit::MgPerDl, "<40"), Some((40.0, Flags::SUSPECT)));
    }

    #[test]
    fn what_has_no_sentinel_is_kept_at_its_bound_where_that_alarms() {
        for (signal, word, is) in [
            (Signal::HeartRate, ">=220", Some(220.0)),
            (Signal::HeartRate, "<=30", Some(30.0)),
            (Signal::HeartRate, ">=60", None),
            (Signal::HeartRate, "<220", None),
            (Signal::Spo2, "<70", Some(70.0)),
            (Signal::Spo2, ">70", None),
            (Signal::Spo2, ">=99", None),
            (Signal::RespiratoryRate, "<5", Some(5.0)),
            (Signal::Weight, ">200", None),
            (Signal::Steps, "<1", None),
        ] {
            let is = is.map(|value| (value, Flags::SUSPECT));
            assert_eq!(proves(signal, signal.unit(), word), is, "{signal} {word}");
        }
    }

    #[test]
    fn a_word_is_a_bound_only_with_a_number() {
        for word in ["", ">", "> x", "400", "><4", ">inf", "< NaN", ">1e999", "HIGH"] {
            assert_eq!(Beyond::from_word(word), None, "{word}");
        }
    }
}
