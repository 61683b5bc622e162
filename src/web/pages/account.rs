//! One's own account: who one is here, and the second factor of one's sign-in, set up by QR code and confirmed by a
//! code before it counts.

use askama::Template;
use askama::filters::Safe;

use super::{Html, pairing};
use crate::web::problem::url_encoded;
use crate::web::{Code, Lang, Section, Shell, Theme, Words};

/// The account of the reader.
#[derive(Debug, Clone)]
pub struct View {
    /// E-mail.
    pub email: String,
    /// How the second factor stands.
    pub factor: Factor,
    /// Why the last act was refused.
    pub refused: Option<Code>,
}

/// How the second factor stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Factor {
    /// Sign-in asks for a code.
    Set,
    /// It does not.
    Missing,
    /// A secret was made; it counts once a code of it was typed.
    Offered(String),
}

/// Set-up: the secret in groups of four, and as a QR code.
struct Setup {
    groups: String,
    qr: Option<Safe<String>>,
}

impl View {
    fn setup(&self) -> Option<Setup> {
        let Factor::Offered(secret) = &self.factor else { return None };
        let mut groups = String::new();
        for (place, letter) in secret.chars().enumerate() {
            if place > 0 && place.is_multiple_of(4) {
                groups.push(' ');
            }
            groups.push(letter);
        }
        Some(Setup { groups, qr: pairing::qr(&self.address(secret)) })
    }

    /// What the QR code holds (the key URI that authenticator apps read).
    fn address(&self, secret: &str) -> String {
        format!("otpauth://totp/Zelo:{}?secret={secret}&issuer=Zelo", url_encoded(&self.email))
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    setup: Option<Setup>,
}

/// The page. POST `/account/totp` with nothing makes a secret, with `secret`, `code`, `password` confirms it; POST
/// `/account/totp/remove` with `password`.
///
/// # Errors
/// The formatter's.
pub fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, setup: view.setup() }.render()
}
