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
    owner: Option<&'a str>,
    back: &'static str,
}

fn of<'a>(shell: &'a Shell, code: Code, owner: Option<&'a str>) -> Page<'a> {
    let back = match &shell.viewer {
        Some(viewer) => landing(viewer.role),
        None => "/",
    };
    Page { shell, w: &shell.words, code, owner, back }
}

/// The page of a refusal: what happened, what to do, the way back, the code to quote; `owner` is who
/// has what was asked for.
///
/// # Errors
/// The formatter's.
pub fn page(shell: &Shell, code: Code, owner: Option<&str>) -> Html {
    of(shell, code, owner).render()
}

/// The same without its surroundings.
///
/// # Errors
/// The formatter's.
pub fn fragment(shell: &Shell, code: Code, owner: Option<&str>) -> Html {
    of(shell, code, owner).as_refusal().render()
}
