//! A refusal as a page, and as a part that htmx puts above the page it was asked from.

use askama::Template;

use super::Html;
use crate::web::shell::landing;
use crate::web::{Code, Lang, Section, Shell, Theme, Words};

#[derive(Template)]
#[template(path = "error.html", blocks = ["refusal"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    code: Code,
    back: &'static str,
}

fn of(shell: &Shell, code: Code) -> Page<'_> {
    let back = match &shell.viewer {
        Some(viewer) => landing(viewer.role),
        None => "/",
    };
    Page { shell, w: &shell.words, code, back }
}

/// The page of a refusal: what happened, what to do, the way back, the code to quote.
///
/// # Errors
/// The formatter's.
pub fn page(shell: &Shell, code: Code) -> Html {
    of(shell, code).render()
}

/// The same without its surroundings.
///
/// # Errors
/// The formatter's.
pub fn fragment(shell: &Shell, code: Code) -> Html {
    of(shell, code).as_refusal().render()
}
