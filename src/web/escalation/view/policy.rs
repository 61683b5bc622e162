//! One escalation policy: the policy in force, whom it would page now, proposals that wait, the editor with its dry
//! run, and every version with who stands behind it.

use askama::Template;

use crate::escalation::form::{Draft, Wrong};
use crate::pages::{Choice, Html};
use crate::versions::view::{Change, Kind, SettingView};
use crate::{Code, Key, Lang, Section, Shell, Theme, Words};
use domain::Instant;

/// The page of one policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The policy in force, what waits, what was.
    pub kept: SettingView,
    /// Whom it would page, step by step.
    pub targets: Targets,
    /// The editor, for who may propose.
    pub editor: Option<Editor>,
    /// What the version in force would have done, when it was asked for.
    pub rehearsed: Option<Rehearsed>,
}

/// Whom a policy would page at an instant, and why.
#[derive(Debug, Clone, Default)]
pub(crate) struct Targets {
    /// When.
    pub at: Instant,
    /// First step to last, then those for nobody reached.
    pub steps: Vec<Paged>,
}

/// Whom a step would page.
#[derive(Debug, Clone)]
pub(crate) struct Paged {
    /// "Passo 1".
    pub label: String,
    /// In the order of paging, those who are left out among them.
    pub people: Vec<Person>,
}

impl Paged {
    /// Whether anybody would be paged.
    #[must_use]
    pub(crate) fn reaches(&self) -> bool {
        self.people.iter().any(|person| person.left_out.is_none())
    }
}

/// Somebody whom a step means.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The name.
    pub name: String,
    /// Through which target, and why: "Plantão clínico (escala): rodízio 1".
    pub because: String,
    /// Why they would not be paged all the same.
    pub left_out: Option<String>,
}

/// The editor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Editor {
    /// The newest version when this was begun: a change must have seen it.
    pub seen: u32,
    /// What is written.
    pub draft: Draft,
    /// What a target may be, by heading.
    pub choices: Vec<(Key, Vec<Choice>)>,
    /// Mistakes.
    pub wrong: Vec<Wrong>,
    /// Why it could not be proposed.
    pub refused: Option<Code>,
    /// What it changes; empty until it was looked at.
    pub changes: Vec<Change>,
    /// Whom it would page now, when it was looked at.
    pub targets: Option<Targets>,
    /// What it would have done.
    pub rehearsed: Option<Rehearsed>,
}

impl Editor {
    /// The mistake at a field.
    #[must_use]
    pub(crate) fn wrong_at(&self, id: &str) -> Option<&Wrong> {
        self.wrong.iter().find(|wrong| wrong.id() == id)
    }

    /// Whether a target is among the choices, so that what is gone stays visible until it is changed.
    #[must_use]
    pub(crate) fn knows(&self, value: &str) -> bool {
        value.is_empty()
            || self.choices.iter().any(|(_, choices)| choices.iter().any(|choice| choice.value == value))
    }

    /// Whether it was looked at and says the same as the version in force.
    #[must_use]
    pub(crate) fn changes_nothing(&self) -> bool {
        !self.changes.is_empty() && !self.changes.iter().any(Change::differs)
    }
}

/// A policy run over the past.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rehearsed {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// Alerts that were escalated.
    pub alerts: u32,
    /// By step, with the same step of the version in force.
    pub rows: Vec<Row>,
    /// The sums beside those of the version in force.
    pub sums: Vec<Sum>,
    /// The most paged people: the name, pages in all, the worst day and its pages.
    pub people: Vec<Load>,
}

/// One step of a dry run.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// "Passo 1".
    pub label: String,
    /// Pages.
    pub pages: u32,
    /// How often nobody was found.
    pub empty: u32,
    /// Pages of the same step in force.
    pub before: Option<u32>,
}

/// A sum of a dry run.
#[derive(Debug, Clone)]
pub(crate) struct Sum {
    /// What is counted.
    pub what: Key,
    /// With this policy.
    pub now: u32,
    /// In force.
    pub before: Option<u32>,
}

impl Sum {
    /// "+3", "−2", "±0".
    #[must_use]
    pub(crate) fn difference(&self) -> Option<String> {
        let less = i64::from(self.now) - i64::from(self.before?);
        Some(match less {
            0 => "±0".to_owned(),
            more if more > 0 => format!("+{more}"),
            fewer => format!("−{}", fewer.unsigned_abs()),
        })
    }
}

/// What a dry run lays on a person.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// The name.
    pub name: String,
    /// Pages in all.
    pub pages: u32,
    /// Pages on the worst day.
    pub worst: u32,
    /// That day.
    pub day: String,
}

#[derive(Template)]
#[template(path = "escalation/policy.html", blocks = ["editor", "targets"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

/// The editor alone.
///
/// # Errors
/// The formatter's.
pub(crate) fn editor(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.as_editor().render()
}

/// Whom it would page, alone.
///
/// # Errors
/// The formatter's.
pub(crate) fn targets(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.as_targets().render()
}
