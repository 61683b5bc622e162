//! The number in a fact. Whole numbers only: their sum is the same in whatever order facts arrive.

use std::time::Duration;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// People.
    People,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 2] = [Self::Milliseconds, Self::People];

    /// Its name in the store and the API: UCUM where it has one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::People => "{person}",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }
}

/// A number with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// The number; of a time, that of the calendar: day and night, pauses included.
    pub value: i64,
    /// The same time as the case's own clock counts it, in open hours and without pauses, by the calendar that was in
    /// force; `None`: no such clock ran.
    pub counted: Option<i64>,
    /// What it counts.
    pub unit: Unit,
}

impl Amount {
    /// How long something took.
    #[must_use]
    pub fn took(time: Duration) -> Self {
        Self { value: millis(time), counted: None, unit: Unit::Milliseconds }
    }

    /// How long something took, and how much of it its own clock counted.
    #[must_use]
    pub fn took_counted(time: Duration, counted: Duration) -> Self {
        Self { counted: Some(millis(counted)), ..Self::took(time) }
    }

    /// How many people.
    #[must_use]
    pub fn people(count: usize) -> Self {
        Self { value: i64::try_from(count).unwrap_or(i64::MAX), counted: None, unit: Unit::People }
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
