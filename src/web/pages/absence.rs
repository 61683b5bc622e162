//! One person's absence over all schedules: who, when, their turns, who stands in, and loudly what nobody covers.

use askama::Template;

use super::{Choice, Html};
use crate::domain::Instant;
use crate::web::{Key, Lang, Section, Shell, Theme, Words};

/// The page.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Who may be on call.
    pub people: Vec<Choice>,
    /// Who is asked about, by id; empty: nobody yet.
    pub user: String,
    /// From when, as `datetime-local` writes it.
    pub from: String,
    /// Until when, as `datetime-local` writes it.
    pub to: String,
    /// Their turns in that time; `None`: nobody was asked about.
    pub turns: Option<Vec<Turn>>,
    /// What is doubtful about that time.
    pub doubts: Vec<Key>,
    /// What was done just now.
    pub done: Option<Done>,
}

/// A turn that needs somebody.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// The lasting id of its schedule.
    pub schedule: String,
    /// The schedule's name.
    pub name: String,
    /// From when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// From when until when, as the form sends it.
    pub sent: (i64, i64),
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Whose absence, by name.
    pub name: String,
    /// The schedules that were changed: id and name.
    pub changed: Vec<(String, String)>,
    /// Where nobody is on call now.
    pub uncovered: Vec<Turn>,
}

#[derive(Template)]
#[template(path = "absence.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page. GET `/absence?user&from&to`, POST `/absence`.
///
/// # Errors
/// The formatter's.
pub fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
