//! Rules as they stand and stood: every version with its author and its approver.

use std::time::Duration;

use askama::Template;

use crate::pages::{Html, Level};
use crate::{Lang, Section, Shell, Theme, Words};
use domain::{Instant, Signal};

/// The rules in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// By name.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Its id, such as `tachycardia`.
    pub id: String,
    /// What it is called in the reader's language.
    pub name: String,
    /// What it judges.
    pub signal: Signal,
    /// Gravest first.
    pub levels: Vec<Step>,
    /// When it is over.
    pub clear: Option<Step>,
    /// The greatest gap between readings it bridges.
    pub max_gap_secs: u64,
    /// The share of the span that must be measured, in percent.
    pub coverage: Option<u32>,
    /// Newest first; the first is in force.
    pub versions: Vec<Version>,
    /// How it did lately, where that is known.
    pub worth: Option<Worth>,
}

impl Rule {
    /// The greatest gap in words.
    #[must_use]
    pub(crate) fn max_gap(&self, w: &Words) -> String {
        w.span(&Duration::from_secs(self.max_gap_secs))
    }
}

/// A bound and how long it must hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// The level that is reached; green for the end.
    pub level: Level,
    /// Whether beyond means above.
    pub above: bool,
    /// In the signal's canonical unit.
    pub value: f64,
    /// How long, in seconds.
    pub for_secs: u64,
}

impl Step {
    /// "acima de 120 bpm por 1 min".
    #[must_use]
    pub(crate) fn words(&self, w: &Words, signal: &Signal) -> String {
        let bound = format!("{} {}", w.value(signal, &self.value), w.unit(signal));
        let span = w.span(&Duration::from_secs(self.for_secs));
        if self.above {
            w.two("rule-above", "bound", bound, "span", span)
        } else {
            w.two("rule-below", "bound", bound, "span", span)
        }
    }
}

/// A version of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// Its number.
    pub number: u32,
    /// In force since.
    pub since: Instant,
    /// Who wrote it; `None` for the seed.
    pub author: Option<String>,
    /// Who approved it.
    pub approver: Option<String>,
}

/// What a rule was worth in the last 30 days.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worth {
    /// Episodes.
    pub episodes: u32,
    /// Share that was real, in percent.
    pub real: u32,
    /// Median seconds to acknowledgement.
    pub to_ack_secs: u64,
}

impl Worth {
    /// As a sentence.
    #[must_use]
    pub(crate) fn words(&self, w: &Words) -> String {
        let span = w.span(&Duration::from_secs(self.to_ack_secs));
        format!(
            "{} · {}",
            w.count("rule-episodes", self.episodes),
            w.two("rule-worth", "real", self.real, "span", span)
        )
    }
}

#[derive(Template)]
#[template(path = "rules/rules.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
