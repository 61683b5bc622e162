//! A mail server of the tests: it serves, defers, hangs at, refuses and does not know each mailbox by itself, and may be
//! away as a whole.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::domain::Instant;
use crate::domain::message::{self, Attempt};
use crate::notify::{Address, Channel, Fault, Letter, Said};

/// What a mailbox does with a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mailbox {
    #[default]
    Takes,
    /// Answers `421` at its name.
    Defers,
    /// Answers nothing at its name, until it is let go.
    Hangs,
    /// Answers `550` at its name.
    Refuses,
}

/// What arrived somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub at: Instant,
    pub to: String,
    pub subject: String,
    pub text: String,
}

#[derive(Default)]
pub struct Mail {
    mailboxes: Mutex<BTreeMap<String, Mailbox>>,
    away: Mutex<bool>,
    arrived: Mutex<Vec<Arrived>>,
    asked: Mutex<BTreeMap<String, usize>>,
    let_go: (Mutex<bool>, Condvar),
}

impl Mail {
    pub fn is(&self, to: &str, mailbox: Mailbox) {
        self.mailboxes.lock().unwrap().insert(to.to_owned(), mailbox);
    }

    pub fn goes_away(&self, away: bool) {
        *self.away.lock().unwrap() = away;
    }

    /// Whatever hangs is answered now.
    pub fn lets_go(&self) {
        *self.let_go.0.lock().unwrap() = true;
        self.let_go.1.notify_all();
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub fn to(&self, to: &str) -> Vec<Arrived> {
        self.arrived().into_iter().filter(|one| one.to == to).collect()
    }

    pub fn asked(&self, to: &str) -> usize {
        self.asked.lock().unwrap().get(to).copied().unwrap_or_default()
    }
}

impl Channel for Mail {
    fn channel(&self) -> message::Channel {
        message::Channel::Email
    }

    fn send(&self, letter: &Letter, now: Instant) -> Said {
        let Address::Email(to) = &letter.to else { panic!("{letter:?}") };
        *self.asked.lock().unwrap().entry(to.clone()).or_default() += 1;
        let said = |attempt, fault| Said { attempt, provider_id: None, code: "mail", fault };
        if *self.away.lock().unwrap() {
            return said(Attempt::Later(None), Some(Fault::Provider));
        }
        let mailbox = self.mailboxes.lock().unwrap().get(to).copied().unwrap_or_default();
        match mailbox {
            Mailbox::Takes => {
                let (subject, text) = (letter.subject.clone(), letter.text.clone());
                self.arrived.lock().unwrap().push(Arrived { at: now, to: to.clone(), subject, text });
                said(Attempt::Accepted, None)
            }
            Mailbox::Defers => said(Attempt::Later(None), Some(Fault::Recipient)),
            Mailbox::Hangs => {
                let waits = self.let_go.0.lock().unwrap();
                let limit = Duration::from_secs(60);
                drop(self.let_go.1.wait_timeout_while(waits, limit, |let_go| !*let_go).unwrap());
                said(Attempt::Later(None), Some(Fault::Recipient))
            }
            Mailbox::Refuses => said(Attempt::Gone, None),
        }
    }
}
