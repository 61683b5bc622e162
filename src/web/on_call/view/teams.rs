//! Teams: people who are paged together, and the form that makes and changes one.

use askama::Template;

use crate::pages::{Choice, Html};
use crate::{Lang, Section, Shell, Theme, Words};

/// The list and its forms.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// By id.
    pub rows: Vec<Team>,
    /// Who may be a member; empty for who may not change teams.
    pub people: Vec<Choice>,
    /// Whether the forms are shown.
    pub may_manage: bool,
}

impl View {
    /// Every form: one a team, and an empty one.
    fn forms(&self) -> Vec<Team> {
        self.rows.iter().cloned().chain([Team::default()]).collect()
    }
}

/// One team.
#[derive(Debug, Clone, Default)]
pub(crate) struct Team {
    /// Its lasting id; empty: it is to be made.
    pub id: String,
    /// The version in force.
    pub version: u32,
    /// Its name in Portuguese.
    pub pt: String,
    /// Its name in English.
    pub en: String,
    /// Who, by id and name, in the order of paging; those who left the house among them.
    pub members: Vec<Member>,
}

/// Somebody in a team.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether they may no longer sign in.
    pub gone: bool,
}

impl Team {
    fn is_new(&self) -> bool {
        self.id.is_empty()
    }

    /// What stands before the ids of its fields.
    fn key(&self) -> &str {
        if self.is_new() { "new" } else { &self.id }
    }

    fn name(&self, w: &Words) -> &str {
        match w.lang {
            Lang::PtBr => &self.pt,
            Lang::En => &self.en,
        }
    }

    fn has(&self, id: &str) -> bool {
        self.members.iter().any(|member| member.id == id)
    }
}

#[derive(Template)]
#[template(path = "on_call/teams.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    forms: Vec<Team>,
}

/// The page. POST `/teams` with `id`, or `/teams/{id}`, with `version`, `pt`, `en` and `members` as often as needed.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, forms: if view.may_manage { view.forms() } else { Vec::new() } }
        .render()
}
