//! What the page of verifications says: one that runs, the last verdict, and those before.

use askama::Template;

use crate::pages::Html;
use crate::pages::job::UnderWay;
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::Instant;

/// Verifications of the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verifications {
    /// The one that waits or runs.
    pub under_way: Option<UnderWay>,
    /// Those that are over, the newest first.
    pub past: Vec<Past>,
}

/// A verification that is over.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    /// When it ended.
    pub at: Instant,
    /// Who asked for it; `None`: whoever looks.
    pub by: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// So many entries, and everything under them, hold.
    Whole {
        /// Entries.
        size: u64,
    },
    /// Something does not hold.
    Broken {
        /// The first entry concerned, if one commits to what is wrong.
        index: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// Somebody stopped it.
    Cancelled,
    /// It could not be brought to an end.
    Failed,
}

impl Outcome {
    /// What came of it, short.
    #[must_use]
    pub(crate) fn words(&self, w: &Words) -> String {
        match self {
            Self::Whole { .. } => w.say("verification-whole"),
            Self::Broken { index: Some(index), .. } => {
                w.one("verification-broken-at", "index", w.whole(index))
            }
            Self::Broken { index: None, .. } => w.say("verification-broken"),
            Self::Cancelled => w.say("verification-cancelled"),
            Self::Failed => w.say("verification-failed"),
        }
    }

    /// The tone of its tag.
    #[must_use]
    pub(crate) const fn tone(&self) -> &'static str {
        match self {
            Self::Whole { .. } => "on",
            Self::Broken { .. } => "red",
            Self::Cancelled => "off",
            Self::Failed => "warn",
        }
    }

    /// Its icon.
    #[must_use]
    pub(crate) const fn icon(&self) -> &'static str {
        match self {
            Self::Whole { .. } => "shield-check",
            Self::Broken { .. } => "octagon-alert",
            Self::Cancelled => "ban",
            Self::Failed => "triangle-alert",
        }
    }
}

impl Verifications {
    /// The newest verdict: one that was stopped or failed gave none.
    #[must_use]
    pub(crate) fn verdict(&self) -> Option<&Past> {
        let gave = |past: &&Past| matches!(past.outcome, Outcome::Whole { .. } | Outcome::Broken { .. });
        self.past.iter().find(gave)
    }
}

#[derive(Template)]
#[template(path = "audit/verifications/page.html", blocks = ["verification"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    verifications: &'a Verifications,
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, verifications: &Verifications) -> Html {
    Page { shell, w: &shell.words, verifications }.render()
}

/// The part that is asked for again when a job moves.
///
/// # Errors
/// The formatter's.
pub(crate) fn part(shell: &Shell, verifications: &Verifications) -> Html {
    Page { shell, w: &shell.words, verifications }.as_verification().render()
}
