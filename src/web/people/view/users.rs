//! Users: who may sign in and as what; the administrator creates, resets and locks.

use askama::Template;

use crate::pages::Html;
use crate::pages::error::Named;
use crate::pages::shell::role_word;
use crate::{Code, Key, Lang, Section, Shell, Theme, Words};
use domain::{Can, Instant, Role, UserId};

/// The list and the form.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// By name.
    pub rows: Vec<User>,
    /// What was looked for.
    pub q: String,
    /// How many users there are in all.
    pub total: usize,
    /// The address of the next page.
    pub next: Option<String>,
    /// What was typed, after a refusal.
    pub draft: Draft,
    /// Why creating was refused.
    pub refused: Option<Code>,
    /// The field that was not taken.
    pub field: Option<String>,
    /// A one-time link for the user just created or reset, shown once.
    pub link: Option<(String, String)>,
}

impl View {
    /// What is wrong, in words that help to mend it.
    fn advice(&self, code: &Code) -> Key {
        let named = Named { field: self.field.as_deref(), ..Named::default() };
        named.advice(*code).unwrap_or_else(|| code.detail())
    }

    /// Whether this field is the one.
    fn is_wrong(&self, field: &str) -> bool {
        self.field.as_deref() == Some(field)
    }
}

/// A user to be created.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    /// The name.
    pub name: String,
    /// The e-mail.
    pub email: String,
    /// The role.
    pub role: Option<Role>,
}

impl Draft {
    /// Whether this role was chosen.
    #[must_use]
    pub(crate) fn is(&self, role: &Role) -> bool {
        self.role == Some(*role)
    }
}

/// One user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// The id.
    pub id: UserId,
    /// The name.
    pub name: String,
    /// The e-mail.
    pub email: String,
    /// The role.
    pub role: Role,
    /// Whether a second factor is set.
    pub totp: bool,
    /// Last signed in.
    pub seen_at: Option<Instant>,
    /// Locked.
    pub locked: bool,
    /// Whether it waits for a second person.
    pub held: bool,
    /// Whether the reader may be that person.
    pub may_vouch: bool,
    /// What the reader is shown, and would vouch for.
    pub version: i64,
    /// Alerts that they claimed, answered for, silenced or were handed: they go back to the queue.
    pub open: usize,
    /// Those of them that were red.
    pub red: usize,
    /// What else hangs on them.
    pub ties: Ties,
}

/// What hangs on a person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ties {
    /// Their turns on call, now and in the next 14 days.
    pub shifts: Vec<Shift>,
    /// Teams that they are in.
    pub teams: Vec<String>,
    /// Policies that call them or a team of theirs.
    pub policies: Vec<String>,
}

/// A turn on call.
#[derive(Debug, Clone)]
pub(crate) struct Shift {
    /// In which schedule.
    pub schedule: String,
    /// From when, as far as it lies ahead.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// Whether it goes on now.
    pub is_now: bool,
}

impl User {
    /// The word of the role.
    #[must_use]
    pub(crate) const fn role_word(&self) -> Key {
        role_word(self.role)
    }
}

/// The roles a person can be given: a service has no password.
fn offered() -> Vec<(Role, Key)> {
    let people = Role::ALL.into_iter().filter(|role| *role != Role::Service);
    people.map(|role| (role, role_word(role))).collect()
}

#[derive(Template)]
#[template(path = "people/users.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    roles: Vec<(Role, Key)>,
}

/// The page. POST `/users` with `name`, `email`, `role`; POST `/users/{id}/{reset|lock|unlock}`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, roles: offered() }.render()
}
