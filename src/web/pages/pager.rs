//! Pages that wait for the reader, above every page of the dashboard: a number in the title and a sound follow it.

use askama::Template;

use super::Html;
use crate::domain::Instant;
use crate::web::{Key, Shell, Words};

/// What waits for the reader.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Cases, the longest waiting first.
    pub cases: Vec<Case>,
    /// Whether some of it is still on its way: the browser asks again soon.
    pub on_its_way: bool,
}

/// A case that the reader was called to.
#[derive(Debug, Clone)]
pub struct Case {
    /// Where it is answered.
    pub link: String,
    /// When the reader was first called.
    pub since: Instant,
    /// How often.
    pub times: usize,
    /// Why.
    pub cause: Cause,
}

/// Why somebody was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The program is late with something it had planned.
    Lapse,
    /// An alert waits for an answer.
    Called,
    /// Nobody answered.
    Unreached,
}

impl Cause {
    /// From the message's template.
    #[must_use]
    pub fn of(template: &str) -> Self {
        match template {
            "lapse" => Self::Lapse,
            "nobody_reached" => Self::Unreached,
            _ => Self::Called,
        }
    }

    /// What it says.
    #[must_use]
    pub const fn word(self) -> Key {
        match self {
            Self::Lapse => Key("pager-lapse"),
            Self::Called => Key("pager-called"),
            Self::Unreached => Key("pager-unreached"),
        }
    }
}

#[derive(Template)]
#[template(path = "pager.html")]
struct Part<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The part above every page.
///
/// # Errors
/// The formatter's.
pub fn part(shell: &Shell, view: &View) -> Html {
    Part { shell, w: &shell.words, view }.render()
}
