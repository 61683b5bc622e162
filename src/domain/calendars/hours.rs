//! The working hours of a day: several intervals, so that lunch does not count.

use std::fmt::Write as _;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::time::civil::midnight;

const DAY: u16 = 24 * 60;

/// Minutes of a day, in intervals that neither touch nor overlap. As text: `08:00-12:00 13:00-18:00`; the day
/// ends at `24:00`, and none is the empty text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours(Vec<(u16, u16)>);

/// What is wrong with hours as written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHours {
    /// Not of the form.
    #[error("{0:?} is no interval; write hours like 08:00-12:00 13:00-18:00")]
    Form(String),
    /// The end is not after the start.
    #[error("the interval {0:?} ends before it starts; an interval over midnight is two, on two days")]
    Backwards(String),
    /// It does not come after the one before.
    #[error(
        "the interval {0:?} overlaps or touches the one before it; write them in order, joined where they touch"
    )]
    Order(String),
}

impl Hours {
    /// Closed.
    pub const NONE: Self = Self(Vec::new());

    /// From midnight to midnight.
    #[must_use]
    pub(crate) fn all_day() -> Self {
        Self(vec![(0, DAY)])
    }

    /// From eight to twelve and from one to six.
    #[must_use]
    pub fn office() -> Self {
        Self(vec![(8 * 60, 12 * 60), (13 * 60, 18 * 60)])
    }

    /// Reads intervals as written.
    ///
    /// # Errors
    /// [`NoHours`] names the interval.
    pub fn parse(text: &str) -> Result<Self, NoHours> {
        let mut listed: Vec<(u16, u16)> = Vec::new();
        for interval in text.split_whitespace() {
            let form = || NoHours::Form(interval.into());
            let (from, to) = interval.split_once('-').ok_or_else(form)?;
            let (from, to) = (minute(from).ok_or_else(form)?, minute(to).ok_or_else(form)?);
            if from >= to {
                return Err(NoHours::Backwards(interval.into()));
            }
            if listed.last().is_some_and(|(_, end)| from <= *end) {
                return Err(NoHours::Order(interval.into()));
            }
            listed.push((from, to));
        }
        Ok(Self(listed))
    }

    /// Whether the day is closed.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The intervals, in minutes of the day.
    #[must_use]
    pub fn intervals(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// The intervals on the clock of a date.
    pub fn on(&self, date: NaiveDate) -> impl Iterator<Item = (NaiveDateTime, NaiveDateTime)> + '_ {
        let at = move |minute: u16| {
            let start = midnight(date);
            start.checked_add_signed(TimeDelta::minutes(i64::from(minute))).unwrap_or(start)
        };
        self.0.iter().map(move |(from, to)| (at(*from), at(*to)))
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
    };
    let (hours, minutes): (u16, u16) = (two(hours)?, two(minutes)?);
    let of_day = hours * 60 + minutes;
    (minutes < 60 && of_day <= DAY).then_some(of_day)
}

impl TryFrom<String> for Hours {
    type Error = NoHours;

    fn try_from(text: String) -> Result<Self, NoHours> {
        Self::parse(&text)
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        let mut text = Self::new();
        for (from, to) in hours.0 {
            let gap = if text.is_empty() { "" } else { " " };
            let written =
                write!(text, "{gap}{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
            debug_assert!(written.is_ok(), "a String takes every write");
        }
        text
    }
}
