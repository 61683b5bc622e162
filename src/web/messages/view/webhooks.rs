//! Programs that are called: where, whether they still are, what was planned for them and what became of it. A secret
//! is on one page, in the answer that made it.

use askama::Template;

use crate::escalation::view::progress::{receipt_tone, receipt_word};
use crate::pages::Html;
use crate::pages::error::Named;
use crate::{Code, Key, Lang, Section, Shell, Theme, Words};
use domain::messages::State;
use domain::{Can, Instant};

/// The list and the form.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The newest last.
    pub rows: Vec<Program>,
    /// What was typed, after a refusal.
    pub url: String,
    /// Why adding was refused.
    pub refused: Option<Code>,
    /// The address and the secret of the program just added, shown once.
    pub made: Option<(String, String)>,
    /// Whether the form is shown.
    pub may_manage: bool,
}

impl View {
    fn advice(&self, code: &Code) -> Key {
        let named = Named { field: Some("url"), ..Named::default() };
        named.advice(*code).unwrap_or_else(|| code.detail())
    }
}

/// A program that is called.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Its id.
    pub id: String,
    /// Where it listens, without what stands after `?`.
    pub url: String,
    /// Since when.
    pub since: Instant,
    /// Since when no more.
    pub disabled: Option<Instant>,
    /// The newest call.
    pub last: Option<Call>,
}

/// A call that was planned.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Its cursor.
    pub cursor: i64,
    /// What it says, by its template.
    pub kind: String,
    /// What it is about.
    pub case: String,
    /// When it was planned.
    pub at: Instant,
    /// Where it stands.
    pub state: State,
    /// Attempts so far.
    pub attempts: u32,
    /// When the program took it.
    pub accepted: Option<Instant>,
    /// The last answer: `http_503`.
    pub code: Option<String>,
}

impl Call {
    fn word(&self) -> Key {
        receipt_word(self.state)
    }

    const fn tone(&self) -> &'static str {
        match self.state {
            State::Accepted => "on",
            state => receipt_tone(state),
        }
    }
}

/// One program with its calls.
#[derive(Debug, Clone)]
pub(crate) struct One {
    /// Which.
    pub program: Program,
    /// Its calls: the newest first, or from a cursor on in the order of planning.
    pub calls: Vec<Call>,
    /// From where, as it was asked for.
    pub cursor: String,
    /// The cursor to go on from.
    pub next: Option<i64>,
    /// How many calls were made due again.
    pub again: Option<usize>,
    /// What the form of a replay begins with.
    pub after: String,
    /// Whether the forms are shown.
    pub may_manage: bool,
}

#[derive(Template)]
#[template(path = "messages/webhooks.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

#[derive(Template)]
#[template(path = "messages/webhook.html", blocks = ["calls"])]
struct OnePage<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a One,
}

/// The page. POST `/webhooks` with `url`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

/// One program. POST `/webhooks/{id}/{test|disable|replay}`.
///
/// # Errors
/// The formatter's.
pub(crate) fn one(shell: &Shell, view: &One) -> Html {
    OnePage { shell, w: &shell.words, view }.render()
}

/// Its calls, asked for again.
///
/// # Errors
/// The formatter's.
pub(crate) fn calls(shell: &Shell, view: &One) -> Html {
    OnePage { shell, w: &shell.words, view }.as_calls().render()
}
