//! All that happened to one patient, as far as its reader may know: by day, the newest first.

use askama::Template;

use crate::pages::Html;
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::{Instant, PatientId};

/// A page of the timeline of one patient.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Whose, as the reader knows them.
    pub patient: PatientId,
    /// The name; a reference for those who see no contacts.
    pub name: String,
    /// What it can be narrowed to.
    pub kinds: Vec<Chip>,
    /// Its days, the newest first.
    pub days: Vec<Day>,
    /// Where older events are.
    pub older: Option<String>,
    /// Where the newest are, from a page of older ones.
    pub newest: Option<String>,
    /// What is hidden for want of a legal basis, each with why.
    pub masked: Vec<String>,
}

/// A link to the events of one kind, or of all.
#[derive(Debug, Clone)]
pub(crate) struct Chip {
    /// What they are called.
    pub title: Key,
    /// Their icon.
    pub icon: &'static str,
    /// The address.
    pub href: String,
    /// Whether it is what is shown.
    pub is_current: bool,
}

/// A day where the reader is.
#[derive(Debug, Clone)]
pub(crate) struct Day {
    /// The day in the reader's words.
    pub title: String,
    /// The newest first.
    pub lines: Vec<Line>,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// When.
    pub at: Instant,
    /// The time as it is shown: of the day, under the day's heading.
    pub time: String,
    /// For its kind.
    pub icon: &'static str,
    /// In the reader's words.
    pub text: String,
    /// By whom; `None`: that is not known.
    pub who: Option<String>,
    /// The page of what it is about.
    pub href: Option<String>,
}

#[derive(Template)]
#[template(path = "patients/timeline.html")]
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
