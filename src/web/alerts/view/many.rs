//! Many cases that wait, to be answered for at once: each is named before, and after it what became of it.

use askama::Template;

use super::queue::Row;
use crate::pages::Html;
use crate::{Lang, Section, Shell, Theme, Words};
use domain::messages::mark;

/// What waits, and what was just answered for.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// What waits for an answer that the reader may give.
    pub rows: Vec<Row>,
    /// What they just answered for.
    pub answered: Vec<Answered>,
    /// Whether they ticked none.
    pub none_ticked: bool,
}

/// What became of one case.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// Which one.
    pub alert: String,
    /// The patient's short name; `None`: it did not wait any more.
    pub name: Option<String>,
    /// The code of why it was refused.
    pub refused: Option<&'static str>,
}

impl Answered {
    fn mark(&self) -> String {
        mark(&self.alert.to_string())
    }
}

#[derive(Template)]
#[template(path = "alerts/many.html")]
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
