//! Who is on call in each schedule now, when that changes, and what will go wrong in the next 30 days.

use askama::Template;

use super::schedule::Need;
use crate::pages::Html;
use crate::{Lang, Section, Shell, Theme, Words};
use domain::{Can, Instant};

/// The list, and what everybody carries.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// By id.
    pub rows: Vec<Row>,
    /// What the form for a new one begins with.
    pub fresh: Need,
    /// Everybody who works on alerts, by name.
    pub people: Vec<Load>,
    /// A tenth of everybody's capacity.
    pub reserve: u32,
    /// Of that, in use.
    pub reserve_used: u32,
    /// Alerts below red that nobody has.
    pub waiting: u32,
    /// Of these, how many nobody has room for.
    pub displaced: u32,
}

/// One schedule.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its lasting id.
    pub id: String,
    /// Its name in the reader's language.
    pub name: String,
    /// Who is on call now, and why.
    pub present: Vec<Present>,
    /// When that changes.
    pub next: Option<Instant>,
    /// What will go wrong, the loudest first.
    pub troubles: Vec<Trouble>,
}

impl Row {
    /// As many troubles as are read at a glance.
    fn loudest(&self) -> &[Trouble] {
        self.troubles.get(..4).unwrap_or(&self.troubles)
    }

    fn unsaid(&self) -> usize {
        self.troubles.len().saturating_sub(4)
    }
}

/// Somebody on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Present {
    /// The name.
    pub name: String,
    /// Why, in words.
    pub why: String,
}

/// What will go wrong, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Whether nobody would come.
    pub grave: bool,
    /// What it is called.
    pub kind: String,
    /// When, and who.
    pub text: String,
}

impl Trouble {
    /// Its icon.
    #[must_use]
    pub(crate) const fn icon(&self) -> &'static str {
        if self.grave { "octagon-alert" } else { "triangle-alert" }
    }

    /// Its class name.
    #[must_use]
    pub(crate) const fn tag(&self) -> &'static str {
        if self.grave { "tag-red" } else { "tag-warn" }
    }
}

/// What one person carries.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// The name.
    pub name: String,
    /// Whether they are on call now.
    pub on_call: bool,
    /// Unresolved alerts they own.
    pub load: u32,
    /// What they carry well.
    pub capacity: u32,
    /// Room for ordinary work.
    pub free: u32,
}

#[derive(Template)]
#[template(path = "on_call/schedules.html")]
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
