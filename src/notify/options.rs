//! What is set of the channels, once `config` held it together. Passwords stand in a type that does not print.

use std::fmt;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::place::Place;
use domain::messages::network::Networks;

/// A password or token: usable by name only, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The usual refusal repeats the value.
        String::deserialize(from).map(Self).map_err(|_shown| D::Error::custom("a secret is a text in quotes"))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Hidden {
    /// Hides a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the wire only.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.0
    }
}

/// A name and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub user: String,
    /// Its password.
    pub password: Hidden,
}

/// Everything that is set of the channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// What every link in a message begins with, without a slash at its end.
    pub base_url: Option<String>,
    /// Where e-mail leaves.
    pub smtp: Option<Smtp>,
    /// Where bounces arrive.
    pub imap: Option<Imap>,
    /// The private networks that webhooks may call.
    pub webhook_networks: Networks,
}

/// A server that takes mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Where it is and how it is spoken to.
    pub place: Place,
    /// The sender, and where bounces go: `name@host` or `Name <name@host>`.
    pub from: String,
    /// Who we are to it.
    pub login: Option<Login>,
    /// The PEM file of the only authority that is believed; `None`: those of this machine.
    pub ca: Option<PathBuf>,
}

/// A mailbox with bounces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imap {
    /// Where it is and how it is spoken to.
    pub place: Place,
    /// Whose mailbox.
    pub login: Login,
    /// The folder.
    pub folder: String,
    /// As [`Smtp::ca`].
    pub ca: Option<PathBuf>,
}
