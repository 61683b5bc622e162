//! Who is away, over all schedules: noted with whoever stands in, changed, taken back, and loudly what nobody covers.

use askama::Template;

use crate::pages::{Choice, Html};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::Instant;

/// The page.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Whose absence the reader may note: everybody who may be on call, or themselves.
    pub people: Vec<Choice>,
    /// Who may stand in, where the reader says it.
    pub mates: Vec<Choice>,
    /// Whoever is away now or later.
    pub ahead: Vec<Ahead>,
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
    /// Why that time cannot be looked at.
    pub refusal: Option<Key>,
    /// An absence of theirs that lies in that time, in words, with its id: it is changed instead.
    pub standing: Option<(String, String)>,
    /// What was done just now.
    pub done: Option<Done>,
    /// Whose absence was taken back just now, by name.
    pub taken_back: Option<String>,
}

/// Somebody who is away now or later.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead {
    /// The absence's id.
    pub id: String,
    /// Whose it is, by name.
    pub name: String,
    /// From when until when.
    pub window: (Instant, Instant),
    /// The same, as `datetime-local` writes it.
    pub sent: (String, String),
    /// Who stands in, by name.
    pub covers: Vec<String>,
    /// Who noted it.
    pub by: Option<String>,
    /// Whether it has begun: its beginning stays.
    pub begun: bool,
    /// Whether the reader may change it.
    pub may_change: bool,
}

/// A turn that needs somebody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn {
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
pub(crate) struct Done {
    /// Whether it was changed, and not noted.
    pub changed: bool,
    /// Whose absence, by name.
    pub name: String,
    /// The schedules with turns in that time: id and name.
    pub schedules: Vec<(String, String)>,
    /// Where nobody is on call now.
    pub uncovered: Vec<Turn>,
}

#[derive(Template)]
#[template(path = "on_call/absence.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page. GET `/absence?user&from&to&done&changed&back`, POST `/absence`, POST `/absence/{id}/{change|take}`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
