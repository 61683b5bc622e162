//! The pages. Each module holds a view model of data that its reader may already see, and functions from it to
//! HTML: `page` for the whole, others for the parts that are asked for again when something changed.

use askama::filters::Safe;

use super::pages::shell::Shell;
use super::text::l10n::{Key, Words};
use domain::Instant;
use store::Ask;
use store::db::page::COUNTED;

pub(crate) mod api_docs;
pub(crate) mod confirm;
pub(crate) mod error;
pub(crate) mod job;
pub(crate) mod visit;

/// What rendering gives: HTML, or the formatter's failure, which no data of ours causes.
pub(crate) type Html = Result<String, askama::Error>;

/// How grave it is. Always shown as colour, shape and word together (WCAG 1.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Nothing to do.
    Green,
    /// Look at it.
    Yellow,
    /// Act now.
    Red,
}

impl Level {
    /// Every level, gravest first.
    pub(crate) const ALL: [Self; 3] = [Self::Red, Self::Yellow, Self::Green];

    /// The name in the API and in class names.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }

    /// From the name in the API.
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The word.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::Green => Key("level-green"),
            Self::Yellow => Key("level-yellow"),
            Self::Red => Key("level-red"),
        }
    }

    /// The shape: circle, triangle, octagon.
    #[must_use]
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Green => "circle-check",
            Self::Yellow => "triangle-alert",
            Self::Red => "octagon-alert",
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AlertState {
    /// Nobody has it yet.
    Open,
    /// A named person has it.
    Acknowledged,
    /// Put off until an instant.
    Snoozed,
    /// Done, with an outcome.
    Resolved,
}

impl AlertState {
    /// Every state, in the order of the filter.
    pub(crate) const ALL: [Self; 4] = [Self::Open, Self::Acknowledged, Self::Snoozed, Self::Resolved];

    /// The name in the API.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Snoozed => "snoozed",
            Self::Resolved => "resolved",
        }
    }

    /// From the name in the API.
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The word.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::Open => Key("state-open"),
            Self::Acknowledged => Key("state-acknowledged"),
            Self::Snoozed => Key("state-snoozed"),
            Self::Resolved => Key("state-resolved"),
        }
    }
}

/// Who holds an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The name.
    pub name: String,
    /// Whether it is the reader.
    pub me: bool,
}

/// That an alert is put off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snoozed {
    /// Until when.
    pub until: Instant,
    /// By whom.
    pub by: String,
}

impl Snoozed {
    /// In a sentence.
    #[must_use]
    pub(crate) fn sentence(&self, w: &Words) -> String {
        w.two("queue-snoozed", "time", w.clock(&self.until), "name", &self.by)
    }
}

/// Why something is not shown, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Masked {
    /// The refusal of `consent::decide`.
    pub code: super::Code,
    /// When it began to hold: the revocation, the expiry. `None` where there never was an answer.
    pub since: Option<Instant>,
}

impl Masked {
    /// The sentence of DESIGN §5: "sem base legal para exibir: consentimento revogado em 03/11 (LGPD art. 8 §5)".
    #[must_use]
    pub(crate) fn sentence(&self, w: &Words) -> String {
        let why = match &self.since {
            Some(since) => {
                w.two("masked-since", "why", w.say(self.code.title()).to_lowercase(), "day", w.day(since))
            }
            None => w.one("masked", "why", w.say(self.code.title()).to_lowercase()),
        };
        match self.code.article() {
            Some(article) => format!("{why} ({article})"),
            None => why,
        }
    }
}

/// Something to pick from in a form: the value that is sent and the word that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
}

/// Which part of a list is shown, and how much of the list was looked through for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paging {
    /// How many were looked through.
    pub seen: u64,
    /// How many there are to look through.
    pub total: Total,
    /// The address of the part before.
    pub before: Option<String>,
    /// The address of the part after.
    pub after: Option<String>,
}

/// How long a whole list is, as far as anybody counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Total {
    /// Nobody did: it only grows.
    #[default]
    Uncounted,
    /// So long.
    Of(u64),
    /// Longer than this.
    Over(u64),
}

impl Total {
    /// From a count that stops at [`COUNTED`].
    #[must_use]
    pub(crate) fn counted(n: i64) -> Self {
        let known = |n: i64| u64::try_from(n).unwrap_or(0);
        if n > COUNTED { Self::Over(known(COUNTED)) } else { Self::Of(known(n)) }
    }
}

impl Paging {
    /// Which part this is, in words.
    #[must_use]
    pub(crate) fn words(&self, w: &Words) -> String {
        let seen = w.whole(&self.seen);
        match self.total {
            Total::Uncounted => w.one("paging-shown", "seen", seen),
            Total::Of(total) => w.two("paging-seen", "seen", seen, "total", w.whole(&total)),
            Total::Over(total) => {
                w.two("paging-seen", "seen", seen, "total", format!("{}+", w.whole(&total)))
            }
        }
    }

    /// Whether this is not the whole list.
    #[must_use]
    pub(crate) const fn is_part(&self) -> bool {
        self.before.is_some() || self.after.is_some()
    }
}

impl Shell {
    /// An icon of the sprite, hidden from screen readers: the word beside it speaks.
    #[must_use]
    pub(crate) fn icon(&self, name: &str) -> Safe<String> {
        let sprite = self.asset("icons.svg");
        Safe(format!(
            r##"<svg class="icon" aria-hidden="true" focusable="false"><use href="{sprite}#{name}"></use></svg>"##
        ))
    }

    /// A level as colour, shape and word.
    #[must_use]
    pub(crate) fn chip(&self, level: &Level) -> Safe<String> {
        let (name, word) = (level.name(), self.words.say(level.word()));
        let icon = self.icon(level.icon()).0;
        Safe(format!(r#"<span class="chip chip-{name}">{icon}<span>{word}</span></span>"#))
    }

    /// The level where it may be shown; else that it is hidden.
    #[must_use]
    pub(crate) fn chip_or_mask(&self, level: &Option<Level>) -> Safe<String> {
        match level {
            Some(level) => self.chip(level),
            None => {
                let (icon, word) = (self.icon("eye-off").0, self.words.say("level-hidden"));
                Safe(format!(r#"<span class="chip chip-hidden">{icon}<span>{word}</span></span>"#))
            }
        }
    }

    /// An instant for people, with the exact one for machines and on hover.
    #[must_use]
    pub(crate) fn time(&self, at: &Instant) -> Safe<String> {
        self.time_as(at, &self.words.clock(at))
    }

    /// Day, month, year and minute, for what counts in law.
    #[must_use]
    pub(crate) fn day_and_time(&self, at: &Instant) -> Safe<String> {
        self.time_as(at, &self.words.at(at))
    }

    /// How long ago an instant was, with the exact one on hover.
    #[must_use]
    pub(crate) fn ago(&self, at: &Instant) -> Safe<String> {
        self.time_as(at, &self.words.ago(at))
    }

    /// How long something has waited; the script keeps it counting.
    #[must_use]
    pub(crate) fn waiting(&self, from: &Instant) -> Safe<String> {
        let (machine, exact) = (from.rfc3339(), self.words.at_second(from));
        let text = self.words.wait(from);
        Safe(format!(r#"<time datetime="{machine}" title="{exact}" data-wait>{text}</time>"#))
    }

    /// How long until an instant; the script counts it down.
    #[must_use]
    pub(crate) fn countdown(&self, to: &Instant) -> Safe<String> {
        let (machine, exact) = (to.rfc3339(), self.words.at_second(to));
        let text = self.words.left(to);
        let late = self.words.say("countdown-due");
        Safe(format!(r#"<time datetime="{machine}" title="{exact}" data-left="{late}">{text}</time>"#))
    }

    fn time_as(&self, at: &Instant, text: &str) -> Safe<String> {
        let (machine, exact) = (at.rfc3339(), self.words.at_second(at));
        Safe(format!(r#"<time datetime="{machine}" title="{exact}">{text}</time>"#))
    }
}

pub(crate) mod shell;

/// Which page of a list a cursor names; the first for what is none.
pub(crate) fn ask(cursor: &str) -> Ask {
    cursor.parse().map_or_else(|_none| Ask::default(), |after| Ask { after, ..Ask::default() })
}

#[cfg(test)]
mod tests;
