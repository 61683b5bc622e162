//! By what figures are grouped: a closed list of dimensions, each with a code.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a figure can be grouped by. Names never change; new ones may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// The rule that raised an alert, by its id.
    Rule,
    /// The worst level of the case until then.
    Level,
    /// Whether an alert was found `in_time` to page, or is `retrospective`.
    Timing,
    /// The `first` time, or `again`.
    Turn,
    /// What came of it, or why.
    Outcome,
    /// The service level or the escalation policy, by its lasting id.
    Policy,
    /// What ends an SLA clock.
    Metric,
    /// Which step of an escalation policy.
    Step,
    /// The purpose of a consent.
    Purpose,
    /// Who acted on a consent.
    Giver,
    /// The channel of a message.
    Channel,
    /// The template of a message, by its lasting id.
    Template,
}

/// The dimensions of one fact, in the order of their names' declaration: the same dimensions have the same JSON.
pub type Dimensions = BTreeMap<Dimension, Code>;

/// A code: letters, digits, `_`, `.`, `:` and `-`, at most [`Code::LONGEST`]. There is no room in it for a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    /// The most characters.
    pub const LONGEST: usize = 64;
    /// What stands for whatever is no code.
    pub(crate) const OTHER: &'static str = "other";

    /// The code, or `OTHER`: a fact is not refused for it, since it is told in the transaction of what happened.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
        let is_code = (1..=Self::LONGEST).contains(&text.len()) && text.chars().all(fits);
        Self(if is_code { text } else { Self::OTHER }.to_owned())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
