//! What of a message was not taken: by signal and reason, with the records it stood in. Bounded, whatever was sent.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;

use domain::line::is_unseen;
use domain::{Instant, Signal};

/// How many names that are no signals are listed by name; further ones are counted.
const NAMED: usize = 16;
/// How many records of one part are listed; further ones are counted.
const RECORDS: usize = 4;
/// The longest name that goes back to the device, in characters.
const NAME_LENGTH: usize = 64;
/// From this length on a text of reasons counts what is left; a reason string has 512 bytes.
const TEXT: usize = 300;

/// Where in a message a part stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The record, from 0.
    pub record: u32,
    /// When it says it was measured, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
}

/// What was not taken of one signal for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The signal's name, as far as it is known: cut to 64 characters, those that are not seen as `?`.
    pub signal: Cow<'static, str>,
    /// Why.
    pub code: &'static str,
    /// Set aside, rather than refused.
    #[serde(skip)]
    pub aside: bool,
    /// How often.
    pub count: u32,
    /// The first of them.
    pub records: Vec<Place>,
}

/// The parts of one message that were not taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    list: Vec<Part>,
    unknown: usize,
    more: u32,
}

impl Parts {
    /// Notes one part. A record that did not get as far as a name is called by its number.
    pub fn add(&mut self, name: &str, code: &'static str, aside: bool, place: Place) {
        let known = Signal::from_name(name).map(Signal::name);
        let name = known.map_or_else(|| Cow::Owned(described(name, place)), Cow::Borrowed);
        let is_this = |part: &&mut Part| part.signal == name && part.code == code && part.aside == aside;
        if let Some(part) = self.list.iter_mut().find(is_this) {
            part.count = part.count.saturating_add(1);
            if part.records.len() < RECORDS {
                part.records.push(place);
            }
        } else if known.is_some() || self.unknown < NAMED {
            self.unknown += usize::from(known.is_none());
            self.list.push(Part { signal: name, code, aside, count: 1, records: vec![place] });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Adds what of another share of the same message was not taken.
    pub fn absorb(&mut self, other: Self) {
        for part in other.list {
            let is_this = |known: &&mut Part| {
                (&known.signal, known.code, known.aside) == (&part.signal, part.code, part.aside)
            };
            match self.list.iter_mut().find(is_this) {
                Some(known) => {
                    known.count = known.count.saturating_add(part.count);
                    let left = RECORDS.saturating_sub(known.records.len());
                    known.records.extend(part.records.into_iter().take(left));
                }
                None => self.list.push(part),
            }
        }
        self.more = self.more.saturating_add(other.more);
    }

    /// Whether everything was taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The parts that are listed by name.
    pub fn iter(&self) -> impl Iterator<Item = &Part> {
        self.list.iter()
    }

    /// How many were not named.
    #[must_use]
    pub const fn more(&self) -> u32 {
        self.more
    }

    /// How many there are in all.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.list.iter().fold(self.more, |sum, part| sum.saturating_add(part.count))
    }

    /// How many were set aside.
    #[must_use]
    pub fn aside(&self) -> u32 {
        self.list.iter().filter(|part| part.aside).fold(0, |sum, part| sum.saturating_add(part.count))
    }

    /// The names of what was set aside, or of what was refused, each once.
    #[must_use]
    pub fn names(&self, aside: bool) -> Vec<Cow<'static, str>> {
        let mut names: Vec<_> = Vec::new();
        for part in self.list.iter().filter(|part| part.aside == aside) {
            if !names.contains(&part.signal) {
                names.push(part.signal.clone());
            }
        }
        names
    }

    /// One line for the device: signal, code, and which records.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut unlisted = self.total();
        for part in &self.list {
            if text.len() > TEXT {
                break;
            }
            let gap = if text.is_empty() { "" } else { "; " };
            let _infallible = write!(text, "{gap}{} {}", part.signal, part.code);
            for (place, gap) in
                part.records.iter().zip(std::iter::once(" record ").chain(std::iter::repeat(", ")))
            {
                let _infallible = write!(text, "{gap}{}", place.record);
                if let Some(at) = place.at {
                    let _infallible = write!(text, " at {}", at.rfc3339());
                }
            }
            let listed = u32::try_from(part.records.len()).unwrap_or(part.count);
            unlisted = unlisted.saturating_sub(listed);
        }
        if unlisted > 0 {
            let _infallible = write!(text, "; and {unlisted} more");
        }
        text
    }
}

fn described(name: &str, place: Place) -> String {
    if name.is_empty() {
        return format!("record {}", place.record);
    }
    name.chars().take(NAME_LENGTH).map(|c| if is_unseen(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Instant = Instant::from_secs(1_732_233_600);

    fn place(record: u32) -> Place {
        Place { record, at: Some(AT) }
    }

    #[test]
    fn nine_thousand_unknown_names_make_a_short_answer_that_counts_them_and_still_names_the_signals() {
        let mut parts = Parts::default();
        for n in 0..9_000 {
            parts.add(&format!("{}{n}", "é".repeat(80)), "E_UNKNOWN_SIGNAL", false, place(n));
            parts.add(&format!("v{n}"), "E_UNKNOWN_SIGNAL", false, place(n));
        }
        parts.add("spo2", "E_UNIT", false, place(9_000));
        (0..500).for_each(|n| parts.add("glucose", "E_CONFLICT", true, place(n)));
        assert_eq!((parts.total(), parts.aside()), (18_501, 500));
        let names = parts.names(false);
        assert!(names.len() <= NAMED + 1 && names.contains(&Cow::Borrowed("spo2")), "{names:?}");
        assert_eq!(parts.names(true), ["glucose"]);
        assert!(names.iter().map(|name| name.len()).sum::<usize>() < 2_500);
        assert!(parts.text().len() < 1_500, "{}", parts.text().len());
        assert!(parts.text().ends_with(" more"));
        assert!(serde_json::to_vec(&parts.list).unwrap().len() < 8_000);
    }

    #[test]
    fn a_part_is_told_with_its_records_and_their_instants() {
        let mut parts = Parts::default();
        parts.add("heart_rate", "E_STAMP", false, Place { record: 1, at: None });
        parts.add("heart_rate", "E_STAMP", false, place(3));
        parts.add("", "E_RECORD", false, Place { record: 7, at: None });
        parts.add("a\u{202e}b", "E_UNKNOWN_SIGNAL", false, place(8));
        assert_eq!(
            parts.text(),
            "heart_rate E_STAMP record 1, 3 at 2024-11-22T00:00:00.000Z; record 7 E_RECORD record 7; \
             a?b E_UNKNOWN_SIGNAL record 8 at 2024-11-22T00:00:00.000Z"
        );
    }
}
