//! What the name of a member gives away where its format has no word for it: that it says when, or in which unit. What
//! it says so is not understood, and what is not understood never counts as absent.

use super::Value;
use super::json::{Read, Scanner};

/// A name that ends in one of these says when.
const TIMES: &[&str] = &[
    "time",
    "timestamp",
    "ts",
    "date",
    "datetime",
    "stamp",
    "epoch",
    "instant",
    "unixtime",
    "devicetime",
    "utc",
    "hora",
    "horario",
    "datahora",
    "instante",
];
/// A name that is one of these and nothing more says when.
const TIMES_ALONE: &[&str] = &["t", "at", "when", "day", "data", "dia", "quando", "momento"];
/// How a time is counted or written, behind the word for it.
const FORMS: &[&str] = &[
    "ms",
    "millis",
    "milliseconds",
    "msec",
    "s",
    "sec",
    "secs",
    "seconds",
    "us",
    "micros",
    "ns",
    "nanos",
    "iso",
    "iso8601",
    "unix",
    "utc",
    "gmt",
    "local",
];
/// A name that ends in one of these says a unit.
const UNITS: &[&str] = &["unit", "units", "uom", "unidade", "unidades"];

/// The years 2000 to 2100 in seconds since the epoch. No signal has values of this size, in any unit.
const SECONDS: std::ops::RangeInclusive<f64> = 946_684_800.0..=4_102_444_800.0;

/// The letters and digits of a name in small letters: names that differ in case and signs alone fold alike.
#[must_use]
pub fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words of a name, parted by what is no letter or digit and by a capital behind a small letter.
fn words(name: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut was_small) = (0, false);
    for (at, c) in name.char_indices() {
        let is_gap = !c.is_alphanumeric();
        if is_gap || (was_small && c.is_uppercase()) {
            words.extend(name.get(start..at).filter(|word| !word.is_empty()));
            start = if is_gap { at + c.len_utf8() } else { at };
        }
        was_small = c.is_lowercase() || c.is_numeric();
    }
    words.extend(name.get(start..).filter(|word| !word.is_empty()));
    words
}

fn is_in(list: &[&str], word: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether the name says when: `timestamp`, `TS`, `measuredAt`, `device_time_ms`.
pub(super) fn says_when(name: &str) -> bool {
    let mut words = words(name);
    while words.len() > 1 && words.last().is_some_and(|word| is_in(FORMS, word)) {
        words.pop();
    }
    words.last().is_some_and(|last| {
        is_in(TIMES, last)
            || if words.len() == 1 { is_in(TIMES_ALONE, last) } else { last.eq_ignore_ascii_case("at") }
    })
}

/// Of what the name says the unit, folded: `glucose_unit` of `glucose`, `unit` of nothing in particular (empty).
pub(super) fn unit_of(name: &str) -> Option<String> {
    let mut words = words(name);
    let last = words.pop()?;
    let is_unit = is_in(UNITS, last) || (words.is_empty() && last.eq_ignore_ascii_case("u"));
    is_unit.then(|| folded(&words.concat()))
}

/// Whether a value is an instant by its looks, whatever its name: a date, or the size of a Unix time.
pub(super) fn is_instant(value: &Value<'_>) -> bool {
    match value {
        Value::Number(number) => [1.0, 1e3, 1e6, 1e9].iter().any(|unit| SECONDS.contains(&(number / unit))),
        Value::Text(text) => starts_with_date(text.trim()),
        Value::Bound(..) | Value::Absent => false,
    }
}

/// `2024-11-22…` or `22/11/2024…`.
fn starts_with_date(text: &str) -> bool {
    let shape: String = text.chars().take(10).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    matches!(shape.as_str(), "0000-00-00" | "0000/00/00" | "00/00/0000" | "00-00-0000")
}

/// Whether anything inside an object or an array says when. What cannot be read says nothing.
pub(super) fn says_when_inside(mut scanner: Scanner<'_>) -> bool {
    let mut says = false;
    let _unreadable: Read<()> = inside(&mut scanner, &mut says);
    says
}

fn inside(scanner: &mut Scanner<'_>, says: &mut bool) -> Read<()> {
    match scanner.peek() {
        b'{' => scanner.object(|scanner, key| {
            *says |= says_when(key);
            inside(scanner, says)
        }),
        b'[' => scanner.array(|scanner| inside(scanner, says)),
        b'"' => {
            *says |= is_instant(&Value::Text(scanner.string("a string")?));
            Ok(())
        }
        b'-' | b'0'..=b'9' => {
            *says |= is_instant(&Value::Number(scanner.number()?.value));
            Ok(())
        }
        _ => scanner.skip(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_by_its_last_word() {
        for name in [
            "time",
            "Time",
            "TIMESTAMP",
            "TS",
            "ts_ms",
            "timeStamp",
            "measuredAt",
            "recorded_at",
            "deviceTime",
            "device-time-ms",
            "t",
            "at",
            "dateTime",
            "date_time",
            "epochMillis",
            "hora",
            "dataHora",
            "time (utc)",
        ] {
            assert!(says_when(name), "{name}");
        }
        for name in
            ["heart_rate", "body_temperature", "uptime", "at_rest", "data_quality", "state", "ms", "", "_"]
        {
            assert!(!says_when(name), "{name}");
        }
    }

    #[test]
    fn a_name_says_a_unit_and_of_what() {
        for (name, of) in [
            ("unit", Some("")),
            ("Units", Some("")),
            ("u", Some("")),
            ("glucose_unit", Some("glucose")),
            ("bodyTemperatureUnit", Some("bodytemperature")),
            ("unidade", Some("")),
            ("united", None),
            ("glucose", None),
        ] {
            assert_eq!(unit_of(name).as_deref(), of, "{name}");
        }
    }

    #[test]
    fn a_value_is_an_instant_by_its_size_or_its_shape() {
        for number in
            [1_732_233_600.0, 1.732_233_600_5e9, 1_732_233_600_123.0, 1.732_233_6e15, 1.732_233_6e18]
        {
            assert!(is_instant(&Value::Number(number)), "{number}");
        }
        for text in ["2024-11-22", " 2024-11-22T00:00:00Z", "22/11/2024 10:00", "2024/11/22"] {
            assert!(is_instant(&Value::Text(text.into())), "{text}");
        }
        for value in [Value::Number(1_000_000.0), Value::Number(-1.0), Value::Text("1.2".into())] {
            assert!(!is_instant(&value), "{value:?}");
        }
    }
}
