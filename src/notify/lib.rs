//! Channels to people: what a provider is asked, how often, and when to leave it alone. Nothing here reads the
//! store or the clock: a message comes in, what became of it goes out.

pub mod bounce;
pub mod breaker;
pub mod email;
pub mod mailbox;
pub mod mark;
pub mod options;
pub mod place;
pub mod refusal;
pub mod retry;
pub mod webhook;
mod wire;

use std::fmt;
use std::sync::Arc;

use ::domain::{Instant, UserId};
use domain::messages::{self, Attempt};

pub use domain::templates::{self, lint, seeds};
pub use options::{Hidden, Options};

/// What leaves the house: already rendered, already linted.
pub struct Outgoing {
    /// Tells a repetition from a new message; the same on each attempt.
    pub key: String,
    /// To whom.
    pub to: Address,
    /// One line.
    pub subject: String,
    /// Plain text; for a program, the whole body of the call.
    pub text: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// What it is about; messages about one thing stand together in a mailbox.
    pub thread: String,
}

/// Where a channel finds its reader.
pub enum Address {
    /// At the open dashboard.
    Person(UserId),
    /// At a mailbox, `name@host`.
    Email(String),
    /// A program of somebody's.
    Webhook {
        /// Where it listens.
        url: String,
        /// What both sides sign with.
        secret: webhook::Secret,
    },
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("key", &self.key)
            .field("to", &self.to)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Person(_) => "Person(…)",
            Self::Email(_) => "Email(…)",
            Self::Webhook { .. } => "Webhook(…)",
        })
    }
}

/// What a channel says of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendOutcome {
    /// What became of it.
    pub attempt: Attempt,
    /// The provider's own name for it, where it gave one.
    pub provider_id: Option<String>,
    /// For the log, never personal: `smtp_250`, `http_429`, `timeout`.
    pub code: &'static str,
    /// Who did not serve us; feeds the [`breaker`]s.
    pub fault: Option<Fault>,
}

/// Whose fault it is that a message did not go, where it is worth leaving somebody alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The provider did not answer, or serves nobody.
    Provider,
    /// The provider serves others: this mailbox, or the server behind it, answers nothing or asks everybody to go away.
    Recipient,
}

impl SendOutcome {
    const fn accepted(code: &'static str, provider_id: Option<String>) -> Self {
        Self { attempt: Attempt::Accepted, provider_id, code, fault: None }
    }

    const fn later(code: &'static str) -> Self {
        Self { attempt: Attempt::Later(None), provider_id: None, code, fault: None }
    }

    const fn never(code: &'static str) -> Self {
        Self { attempt: Attempt::Never, provider_id: None, code, fault: None }
    }

    /// This mailbox cannot be served now: worth another attempt, and nobody else's matter.
    fn sick(code: &'static str) -> Self {
        Self { fault: Some(Fault::Recipient), ..Self::later(code) }
    }

    /// There is no such mailbox.
    const fn gone(code: &'static str) -> Self {
        Self { attempt: Attempt::Gone, provider_id: None, code, fault: None }
    }

    /// Nobody answered, or the provider can serve nobody: worth another attempt.
    fn out_of_reach(code: &'static str) -> Self {
        Self { fault: Some(Fault::Provider), ..Self::later(code) }
    }
}

/// A way to people. A call blocks for as long as the channel's limit says, at most
/// [`ANSWER_WITHIN`](domain::messages::ANSWER_WITHIN), and never panics.
pub trait Channel: Send + Sync {
    /// Which one.
    fn channel(&self) -> messages::Channel;

    /// Tries once. The same key may be sent again after an attempt whose answer was lost.
    fn send(&self, message: &Outgoing, now: Instant) -> SendOutcome;
}

/// The open dashboard: what is in the store is on the page at once, so there is nobody to ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct InApp;

impl Channel for InApp {
    fn channel(&self) -> messages::Channel {
        messages::Channel::InApp
    }

    fn send(&self, message: &Outgoing, _now: Instant) -> SendOutcome {
        match message.to {
            Address::Person(_) => SendOutcome::accepted("in_app", None),
            Address::Email(_) | Address::Webhook { .. } => SendOutcome::never("not_a_person"),
        }
    }
}

/// The channels that the settings open: the dashboard and webhooks always, e-mail once a server is named. `secret`
/// seals the marks of [`mark::Marks`]; it must outlive a restart, or bounces of older messages are not known again.
///
/// # Errors
/// [`email::Error`]: a certificate file or the sender's address cannot be used.
pub fn from_options(options: &Options, secret: &[u8]) -> Result<Vec<Arc<dyn Channel>>, email::Error> {
    let mut channels: Vec<Arc<dyn Channel>> =
        vec![Arc::new(InApp), Arc::new(webhook::Hook::new(&options.webhook_networks))];
    if let Some(smtp) = &options.smtp {
        channels.push(Arc::new(email::Email::new(smtp, secret)?));
    }
    Ok(channels)
}

/// The ways out of the house.
#[derive(Clone, Default)]
pub struct Post {
    /// One each.
    pub channels: Vec<Arc<dyn Channel>>,
    /// What links begin with.
    pub base_url: String,
    /// Where reports on messages that left by e-mail arrive.
    pub bounces: Option<Arc<dyn mailbox::Reports>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: Address) -> Outgoing {
        Outgoing {
            key: "esc:1".into(),
            to,
            subject: "Olá Ana".into(),
            text: "segredo".into(),
            attempt: 1,
            thread: "alert:1".into(),
        }
    }

    #[test]
    fn the_dashboard_takes_what_is_for_a_person_and_nothing_else() {
        let now = Instant::from_secs(1_800_000_000);
        let person = message(Address::Person(UserId::new(now)));
        assert_eq!(InApp.send(&person, now).attempt, Attempt::Accepted);
        assert_eq!(InApp.send(&message(Address::Email("a@b.c".into())), now).attempt, Attempt::Never);
    }

    #[test]
    fn a_message_printed_for_a_log_tells_neither_reader_nor_words() {
        let printed = format!("{:?}", message(Address::Email("ana@clinica.example".into())));
        assert_eq!(printed, "Outgoing { key: \"esc:1\", to: Email(…), attempt: 1, .. }");
    }

    #[test]
    fn without_a_server_there_is_no_e_mail() {
        let channels = from_options(&Options::default(), b"s").unwrap();
        let names: Vec<_> = channels.iter().map(|channel| channel.channel()).collect();
        assert_eq!(names, [messages::Channel::InApp, messages::Channel::Webhook]);
    }
}
