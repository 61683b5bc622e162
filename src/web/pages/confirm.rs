//! The question before an act that wants a fresh sign-in: password and code, and what was filled in goes along.

use askama::Template;

use super::Html;
use crate::{Code, Lang, Section, Shell, Theme, Words};

/// What is asked, and for which act.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The address that was asked.
    pub to: String,
    /// What was filled in.
    pub fields: Vec<(String, String)>,
    /// Whether the account has a second factor.
    pub has_code: bool,
    /// Why the last answer did not do.
    pub refused: Option<Code>,
    /// For how long no further answer is taken.
    pub wait_secs: Option<u64>,
}

#[derive(Template)]
#[template(path = "pages/confirm.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page. POST to the address that was asked, with its fields and `confirm_password`, `confirm_code`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
