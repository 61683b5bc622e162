//! Sign-in: e-mail, password and, when the account has one, the second factor.

use askama::Template;

use crate::pages::Html;
use crate::{Code, Lang, Shell, Theme, Words};

/// What the form shows again after a refusal.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// As typed.
    pub email: String,
    /// Whether the second factor is asked for.
    pub totp: bool,
    /// Where to go afterwards; a path of this site.
    pub next: String,
    /// Why the last try was refused.
    pub refused: Option<Code>,
    /// Seconds until another try, after too many.
    pub wait_secs: Option<u64>,
}

#[derive(Template)]
#[template(path = "people/login.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The sign-in page. POST `/login` with `email`, `password`, `totp?`, `next`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
