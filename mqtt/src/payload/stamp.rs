//! Instants on the wire to microseconds: Unix numbers whose size tells the unit, and RFC 3339 texts.

use chrono::{DateTime, NaiveDate};

use super::json::Number;

/// Below this a Unix number counts seconds, from here milliseconds.
const SECONDS_BELOW: f64 = 1e11;
/// From here a Unix number is refused.
const MILLIS_BELOW: f64 = 1e14;

/// A Unix number in seconds or milliseconds. Decimals are read as written, so a microsecond survives;
/// what is finer than a microsecond is cut off.
pub(super) fn unix(number: Number<'_>) -> Option<i64> {
    let size = number.value.abs();
    let decimals = if size < SECONDS_BELOW {
        6
    } else if number.value > 0.0 && size < MILLIS_BELOW {
        3
    } else {
        return None;
    };
    if number.text.contains(['e', 'E']) {
        return micros(if decimals == 6 { number.value } else { number.value / 1_000.0 });
    }
    let (sign, digits) = number.text.strip_prefix('-').map_or((1, number.text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let tail = fraction.bytes().chain(std::iter::repeat(b'0')).take(decimals);
    let total = whole.bytes().chain(tail).try_fold(0_i64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(i64::from(digit.checked_sub(b'0')?))
    })?;
    // Milliseconds with three decimals and seconds with six are both microseconds.
    total.checked_mul(sign)
}

/// Seconds as a double to the nearest microsecond; `None` beyond what an instant holds.
pub(super) fn micros(seconds: f64) -> Option<i64> {
    let rounded = (seconds * 1e6).round();
    // 9.2e18 is inside i64 and far beyond every calendar.
    if rounded.abs() >= 9.2e18 || rounded.is_nan() {
        return None;
    }
    #[expect(
        clippy::as_conversions,
        reason = "a whole number inside i64 by the line above; std has no checked way"
    )]
    Some(rounded as i64)
}

/// A text that should hold an instant.
pub(super) enum Written {
    /// Microseconds since the epoch.
    At(i64),
    /// A date (or a month, or a year) and no time of day.
    Day,
}

/// RFC 3339, or the day-only forms that FHIR's `dateTime` allows (`YYYY`, `YYYY-MM`, `YYYY-MM-DD`).
pub(super) fn written(text: &str) -> Option<Written> {
    if text.len() <= 10 {
        return is_day(text).then_some(Written::Day);
    }
    // chrono also takes a space for the `T`; RFC 3339 inside JSON formats does not.
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    DateTime::parse_from_rfc3339(text).ok().map(|t| Written::At(t.timestamp_micros()))
}

fn is_day(text: &str) -> bool {
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return false;
    }
    let whole = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    whole.len() == 10 && NaiveDate::parse_from_str(&whole, "%Y-%m-%d").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number<'_> {
        Number { text, value: text.parse().unwrap(), at: 0 }
    }

    #[test]
    fn the_size_of_a_unix_number_tells_its_unit_and_every_microsecond_survives() {
        for (text, micros) in [
            ("1732233600", Some(1_732_233_600_000_000)),
            ("1732233600.123456", Some(1_732_233_600_123_456)),
            ("1732233600.1", Some(1_732_233_600_100_000)),
            ("1732233600.1234569", Some(1_732_233_600_123_456)),
            ("1732233600123", Some(1_732_233_600_123_000)),
            ("1732233600123.456", Some(1_732_233_600_123_456)),
            ("1.7322336e9", Some(1_732_233_600_000_000)),
            ("1.732233600123e12", Some(1_732_233_600_123_000)),
            ("0", Some(0)),
            ("-1.5", Some(-1_500_000)),
            ("99999999999", Some(99_999_999_999_000_000)),
            ("100000000000", Some(100_000_000_000_000)),
            ("99999999999999", Some(99_999_999_999_999_000)),
            ("100000000000000", None),
            ("1732233600123456", None),
            ("-100000000000", None),
        ] {
            assert_eq!(unix(number(text)), micros, "{text}");
        }
    }

    #[test]
    fn seconds_as_a_double_round_to_the_microsecond_and_never_wrap() {
        assert_eq!(micros(1_320_067_464.123_456), Some(1_320_067_464_123_456));
        assert_eq!(micros(-0.000_000_6), Some(-1));
        assert_eq!(micros(1e300), None);
        assert_eq!(micros(-9.3e12), None);
    }

    #[test]
    fn a_written_instant_needs_a_zone_and_a_date_alone_is_a_day() {
        for text in ["2016-03-28", "2016-03", "2016"] {
            assert!(matches!(written(text), Some(Written::Day)), "{text}");
        }
        let at = |text| match written(text) {
            Some(Written::At(micros)) => Some(micros),
            _ => None,
        };
        assert_eq!(at("2020-02-05T07:25:00-08:00"), Some(1_580_916_300_000_000));
        assert_eq!(at("2020-06-30T09:50:55.300Z"), Some(1_593_510_655_300_000));
        for text in
            ["2020-02-05T07:25:00", "2020-02-30", "2020-02-05 07:25:00Z", "20-2-5", "", "2020-13", "é"]
        {
            assert!(written(text).is_none(), "{text}");
        }
    }
}
