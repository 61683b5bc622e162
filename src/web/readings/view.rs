//! Readings as a clinician, or the patient, sees them: latest values, a chart and its table; or the sentence
//! that says why there is nothing to see.

use crate::pages::{Level, Masked};
use crate::text::format;
use crate::{Key, Words};
use domain::{Instant, PatientId, Signal};

/// What the reader may see of a patient's readings.
#[derive(Debug, Clone)]
pub(crate) enum Readings {
    /// A permit holds.
    Shown(Box<Shown>),
    /// No permit: never an empty chart.
    Masked(Masked),
    /// The access entry could not be written in time (DESIGN §6): nothing is shown.
    Unrecorded,
    /// The reader's role never sees readings.
    NotYours,
}

/// Readings under a permit.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The latest value of each signal, in the order of the tabs.
    pub latest: Vec<Latest>,
    /// Signals whose newest value was impossible: not taken, to be measured again.
    pub unbelieved: Vec<Unbelieved>,
    /// The chosen signal; `None` when nothing was measured yet.
    pub chart: Option<Chart>,
}

/// A signal's latest value.
#[derive(Debug, Clone)]
pub(crate) struct Latest {
    /// What was measured.
    pub signal: Signal,
    /// In the signal's canonical unit.
    pub value: f64,
    /// When.
    pub at: Instant,
    /// The level of an open episode on this signal.
    pub level: Option<Level>,
    /// Too extreme to be believed alone: to be measured again.
    pub suspect: bool,
}

/// A value that could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unbelieved {
    /// What was measured.
    pub signal: Signal,
    /// When.
    pub at: Instant,
}

/// How far back the chart looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Range {
    /// One hour.
    Hour,
    /// Six hours.
    SixHours,
    /// A day.
    #[default]
    Day,
    /// A week.
    Week,
    /// Thirty days.
    Month,
}

impl Range {
    /// Every preset, shortest first.
    pub(crate) const ALL: [Self; 5] = [Self::Hour, Self::SixHours, Self::Day, Self::Week, Self::Month];

    /// The value of `?range=`.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// From `?range=`.
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.name() == name)
    }

    /// Its length in seconds.
    #[must_use]
    pub(crate) const fn secs(self) -> u64 {
        match self {
            Self::Hour => 3_600,
            Self::SixHours => 21_600,
            Self::Day => 86_400,
            Self::Week => 604_800,
            Self::Month => 2_592_000,
        }
    }

    /// Its word.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::Hour => Key("range-1h"),
            Self::SixHours => Key("range-6h"),
            Self::Day => Key("range-24h"),
            Self::Week => Key("range-7d"),
            Self::Month => Key("range-30d"),
        }
    }
}

/// One signal drawn over a span. The script asks `/api/v1/patients/{id}/series` for the points; the table
/// comes with the page.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// Whose.
    pub patient: PatientId,
    /// The page that holds the chart, `/patients/{id}` or `/me`: tabs and presets lead back to it.
    pub page: String,
    /// What is drawn.
    pub signal: Signal,
    /// The chosen preset.
    pub range: Range,
    /// Inclusive.
    pub from: Instant,
    /// Exclusive.
    pub to: Instant,
    /// Signals that have readings.
    pub tabs: Vec<Signal>,
    /// Thresholds of the rules on this signal.
    pub bands: Vec<Band>,
    /// Alert episodes inside the span.
    pub marks: Vec<Mark>,
    /// At most 48 buckets over the span, for the table.
    pub table: Vec<Bucket>,
    /// The device whose readings are shown where several measure the signal, by name.
    pub source: Option<String>,
}

/// A threshold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Band {
    /// In the signal's canonical unit.
    pub value: f64,
    /// The level beyond it.
    pub level: Level,
    /// Whether the level is above the value, or below it.
    pub above: bool,
}

/// An alert episode on the chart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    /// The start.
    pub at: Instant,
    /// Its peak.
    pub level: Level,
}

/// Readings of one stretch of time, summed up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    /// The start.
    pub at: Instant,
    /// The least value.
    pub min: f64,
    /// The mean.
    pub avg: f64,
    /// The greatest.
    pub max: f64,
    /// How many readings.
    pub n: u64,
}

impl Chart {
    /// Where the script asks for points.
    #[must_use]
    pub(crate) fn series(&self) -> String {
        format!("/api/v1/patients/{}/series", self.patient)
    }

    /// The thresholds for the script.
    #[must_use]
    pub(crate) fn bands_json(&self) -> String {
        let bands: Vec<_> = self
            .bands
            .iter()
            .map(|band| serde_json::json!({"value": band.value, "level": band.level.name(), "above": band.above}))
            .collect();
        serde_json::Value::from(bands).to_string()
    }

    /// The episodes for the script, instants in milliseconds.
    #[must_use]
    pub(crate) fn marks_json(&self, w: &Words) -> String {
        let marks: Vec<_> = self
            .marks
            .iter()
            .map(|mark| {
                serde_json::json!({"at": mark.at.millis(), "level": mark.level.name(), "word": w.say(mark.level.word())})
            })
            .collect();
        serde_json::Value::from(marks).to_string()
    }

    /// The thresholds in words, for the caption.
    #[must_use]
    pub(crate) fn bands_words(&self, w: &Words) -> Vec<(Level, String)> {
        let word = |band: &Band| {
            let value = w.value(&self.signal, &band.value);
            let sign = if band.above { ">" } else { "<" };
            (band.level, format!("{} {sign} {value}", w.say(band.level.word())))
        };
        self.bands.iter().map(word).collect()
    }

    /// How many decimals the axis shows.
    #[must_use]
    pub(crate) fn digits(&self) -> usize {
        format::decimals(self.signal)
    }
}
