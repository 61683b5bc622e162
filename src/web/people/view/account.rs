//! One's own account: who one is here, and the second factor of one's sign-in, set up by QR code and confirmed by a
//! code before it counts.

use askama::Template;
use askama::filters::Safe;

use crate::calendars::view::ZONES;
use crate::devices::view::pairing;
use crate::escalation::view::progress::{Called, channel_icon, channel_word};
use crate::http::address::url_encoded;
use crate::pages::Html;
use crate::{Code, Key, Lang, Section, Shell, Theme, Words};
use domain::Instant;
use domain::messages::Channel;
use domain::templates;
use store::messages::reader::Reader;

/// The account of the reader.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// E-mail.
    pub email: String,
    /// How the second factor stands.
    pub factor: Factor,
    /// Why the last act was refused.
    pub refused: Option<Code>,
    /// How messages to the reader are written; `None`: nobody writes to them.
    pub mail: Option<Reader>,
    /// Trying whether pages reach the reader; `None`: nobody pages them.
    pub trial: Option<Trial>,
}

/// Trying whether pages reach the reader.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trial {
    /// Each channel, and what keeps it from being tried.
    pub ways: Vec<(Channel, Option<Key>)>,
    /// What was sent, the newest first.
    pub sent: Vec<Called>,
    /// When each of these was sent.
    pub sent_at: Vec<Instant>,
    /// Until when no other may be sent.
    pub wait: Option<Instant>,
}

impl Trial {
    fn lines(&self) -> Vec<(&Instant, &Called)> {
        self.sent_at.iter().zip(&self.sent).collect()
    }

    #[expect(clippy::unused_self, reason = "a page can only call what hangs on a value")]
    fn way(&self, channel: &Channel) -> (&'static str, Key) {
        (channel_icon(*channel), channel_word(*channel))
    }
}

/// How the second factor stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Factor {
    /// Sign-in asks for a code.
    Set,
    /// It does not.
    #[default]
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
#[template(path = "people/account.html", blocks = ["trial"])]
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
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, setup: view.setup() }.render()
}

/// The part that shows what became of test pages, asked for again when a receipt came.
///
/// # Errors
/// The formatter's.
pub(crate) fn trial(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, setup: None }.as_trial().render()
}

#[derive(Template)]
#[template(path = "people/account_trial.html")]
struct Arrived<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// Where a test page leads: it arrived.
///
/// # Errors
/// The formatter's.
pub(crate) fn arrived(shell: &Shell, view: &View) -> Html {
    Arrived { shell, w: &shell.words, view }.render()
}
