//! What the pages of versioned settings share: the list, what is in force in words, proposals beside it, the people
//! behind each version, and an editor's mistakes at their fields.

mod kind;

use askama::Template;

use crate::pages::Html;
use crate::{Code, Key, Lang, Section, Shell, Theme, Words};
use domain::Instant;
pub(crate) use kind::Kind;

/// The list of a kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct List {
    /// Of what.
    pub kind: Kind,
    /// In force, by id.
    pub rows: Vec<Row>,
    /// Waiting for a second person, oldest first.
    pub proposals: Vec<Waiting>,
    /// For who may add one.
    pub begin: Option<Begin>,
}

/// One that is in force.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its lasting id.
    pub id: String,
    /// Its name in the reader's language.
    pub name: String,
    /// The version in force.
    pub version: u32,
    /// The longest it takes, or what it is for.
    pub hint: String,
    /// What it says, in words.
    pub lines: Vec<Line>,
}

/// A proposal that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// Of which setting.
    pub id: String,
    /// Its name in the reader's language.
    pub name: String,
    /// Its number.
    pub version: u32,
    /// Who wrote it; `None`: the program.
    pub author: Option<String>,
    /// Whether the reader wrote it.
    pub mine: bool,
    /// When.
    pub proposed_at: Instant,
}

/// The id of a new one, as it was typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Begin {
    /// What was typed.
    pub id: String,
    /// What is wrong with it.
    pub wrong: Option<Key>,
}

/// One line of a setting in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// "Passo 1".
    pub label: String,
    /// "Plantão clínico (escala) · 5 min · só com certificado".
    pub text: String,
}

/// A line of two versions side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Which line.
    pub label: String,
    /// In force.
    pub before: Option<String>,
    /// Proposed.
    pub after: Option<String>,
}

impl Change {
    /// Whether they differ.
    #[must_use]
    pub(crate) fn differs(&self) -> bool {
        self.before != self.after
    }

    /// What happened to the line.
    #[must_use]
    pub(crate) const fn word(&self) -> Key {
        match (&self.before, &self.after) {
            (None, _) => Key("policy-line-new"),
            (_, None) => Key("policy-line-gone"),
            _ => Key("policy-line-changed"),
        }
    }
}

/// Two versions side by side, in the order of the longer; lines that are gone stand where they stood.
#[must_use]
pub(crate) fn side_by_side(before: &[Line], after: &[Line]) -> Vec<Change> {
    let text = |lines: &[Line], label: &str| {
        lines.iter().find(|line| line.label == label).map(|line| line.text.clone())
    };
    let (longer, shorter) = if before.len() > after.len() { (before, after) } else { (after, before) };
    let only = shorter.iter().filter(|line| text(longer, &line.label).is_none());
    let of = |line: &Line| Change {
        label: line.label.clone(),
        before: text(before, &line.label),
        after: text(after, &line.label),
    };
    longer.iter().chain(only).map(of).collect()
}

/// One setting: what is in force, what waits, what was.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingView {
    /// Of which kind.
    pub kind: Kind,
    /// Its lasting id.
    pub id: String,
    /// Its name in the reader's language; its id while it has none.
    pub name: String,
    /// The version in force.
    pub version: Option<u32>,
    /// What is in force, in words.
    pub lines: Vec<Line>,
    /// Proposals that wait for a second person.
    pub proposals: Vec<Proposal>,
    /// Whether the reader may decide on proposals.
    pub may_decide: bool,
    /// Newest first; none: it is new.
    pub history: Vec<Version>,
}

/// A proposal beside the version in force.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// Its number.
    pub version: u32,
    /// Who wrote it; `None`: the program.
    pub author: Option<String>,
    /// Whether the reader wrote it: then another must approve it.
    pub mine: bool,
    /// When.
    pub proposed_at: Instant,
    /// Line by line.
    pub changes: Vec<Change>,
}

/// A version of the history.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// Its number.
    pub number: u32,
    /// How it stands.
    pub state: Standing,
    /// Who wrote it; `None`: the program.
    pub author: Option<String>,
    /// When.
    pub proposed_at: Instant,
    /// Who approved it; `None` while nobody has, or the program.
    pub approver: Option<String>,
    /// Since when it was in force.
    pub in_force_at: Option<Instant>,
}

/// How a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It holds.
    InForce,
    /// It held.
    Superseded,
    /// It waits for a second person.
    Proposed,
    /// It was refused.
    Refused,
}

impl Standing {
    /// The word.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::InForce => Key("rule-in-force"),
            Self::Superseded => Key("policy-superseded"),
            Self::Proposed => Key("policy-proposed"),
            Self::Refused => Key("policy-refused"),
        }
    }

    /// Its tone.
    #[must_use]
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::InForce => "on",
            Self::Proposed => "warn",
            Self::Superseded | Self::Refused => "off",
        }
    }
}

/// A mistake at a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The field's id.
    pub field: String,
    /// The field's name.
    pub label: String,
    /// What to do.
    pub what: String,
}

/// What is being written, and what was found in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Editor<D> {
    /// The newest version when this was begun: a change must have seen it.
    pub seen: u32,
    /// What is written, as it was typed.
    pub draft: D,
    /// Mistakes.
    pub wrong: Vec<Wrong>,
    /// Why it could not be written.
    pub refused: Option<Code>,
    /// What it changes; empty until it was looked at.
    pub changes: Vec<Change>,
}

impl<D> Editor<D> {
    /// The mistakes at a field, as one text.
    #[must_use]
    pub(crate) fn wrong_at(&self, field: &str) -> Option<String> {
        let here: Vec<&str> =
            self.wrong.iter().filter(|wrong| wrong.field == field).map(|wrong| wrong.what.as_str()).collect();
        (!here.is_empty()).then(|| here.join(" "))
    }

    /// Whether it was looked at and says the same as the version in force.
    #[must_use]
    pub(crate) fn changes_nothing(&self) -> bool {
        !self.changes.is_empty() && !self.changes.iter().any(Change::differs)
    }
}

#[derive(Template)]
#[template(path = "versions/page.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a List,
}

/// The list.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &List) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_lie_side_by_side_and_what_is_gone_is_told() {
        let line = |label: &str, text: &str| Line { label: label.to_owned(), text: text.to_owned() };
        let before = [line("1", "a"), line("2", "b"), line("end", "z")];
        let after = [line("1", "c"), line("end", "z")];
        let changes = side_by_side(&before, &after);
        let words: Vec<(&str, bool, Key)> =
            changes.iter().map(|change| (change.label.as_str(), change.differs(), change.word())).collect();
        assert_eq!(words[0], ("1", true, Key("policy-line-changed")));
        assert_eq!(words[1], ("2", true, Key("policy-line-gone")));
        assert!(!words[2].1);
        assert_eq!(side_by_side(&after, &before)[1].word(), Key("policy-line-new"));
        let other = side_by_side(&[line("24/12", "a")], &[line("31/12", "b")]);
        assert_eq!(
            other.iter().map(Change::word).collect::<Vec<_>>(),
            [Key("policy-line-new"), Key("policy-line-gone")]
        );
    }
}
