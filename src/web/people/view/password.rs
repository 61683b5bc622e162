//! Setting a password by a one-time link, without being signed in.

use askama::Template;

use crate::pages::Html;
use crate::text::l10n::Key;
use crate::{Lang, Shell, Theme, Words};
use domain::people::password::{LONGEST, Refused, SHORTEST};

/// Why a new password was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The two entries differ.
    Differ,
    /// The password itself.
    Password(Refused),
}

impl Why {
    const fn say(self) -> Key {
        match self {
            Self::Differ => Key("password-differ"),
            Self::Password(Refused::Short) => Key("password-short"),
            Self::Password(Refused::Long) => Key("password-long"),
            Self::Password(Refused::Common) => Key("password-common"),
            Self::Password(Refused::Machine) => Key("code-internal-detail"),
        }
    }

    const fn bound(self) -> usize {
        match self {
            Self::Password(Refused::Long) => LONGEST,
            _ => SHORTEST,
        }
    }
}

/// What the page says. The passwords and the link's secret are never in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The link holds: the form, with what was wrong with the last try.
    Form(Option<Why>),
    /// The link is unknown, spent or too old.
    Dead,
}

#[derive(Template)]
#[template(path = "people/password.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page. POST to its own address with `password`, `again`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
