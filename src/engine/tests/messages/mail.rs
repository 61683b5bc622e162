//! A mail server of the tests, or the programs that are called: each recipient is served, deferred, hung at or refused
//! by itself, and all may be away as a whole.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use domain::Instant;
use domain::messages::{self, Attempt};
use notify::{Address, Channel, Fault, Outgoing, SendOutcome};

/// What a recipient does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mailbox {
    #[default]
    Takes,
    /// A mailbox answers `421` at its name, a program `503`.
    Defers,
    /// Answers nothing, until it is let go or the time for an answer is over.
    Hangs,
    /// A mailbox answers `550` at its name, a program `410`.
    Refuses,
}

/// What arrived somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub at: Instant,
    pub to: String,
    pub key: String,
    pub subject: String,
    pub text: String,
}

/// Messages that are not answered.
#[derive(Default)]
struct Hung {
    let_go: bool,
    /// The driven time, where a test tells it.
    now: Option<Instant>,
    /// When each that hangs is given up.
    until: Vec<Instant>,
}

impl Hung {
    fn is_over(&self, until: Instant) -> bool {
        self.let_go || self.now.is_some_and(|now| now >= until)
    }
}

#[derive(Default)]
pub(crate) struct Mail {
    /// It stands for programs that are called.
    programs: bool,
    mailboxes: Mutex<BTreeMap<String, Mailbox>>,
    away: Mutex<bool>,
    arrived: Mutex<Vec<Arrived>>,
    asked: Mutex<Vec<(Instant, String)>>,
    hung: (Mutex<Hung>, Condvar),
}

impl Mail {
    pub(crate) fn of_programs() -> Self {
        Self { programs: true, ..Self::default() }
    }

    pub(crate) fn is(&self, to: &str, mailbox: Mailbox) {
        self.mailboxes.lock().unwrap().insert(to.to_owned(), mailbox);
    }

    pub(crate) fn goes_away(&self, away: bool) {
        *self.away.lock().unwrap() = away;
    }

    /// Whatever hangs is answered now.
    pub(crate) fn lets_go(&self) {
        self.hung.0.lock().unwrap().let_go = true;
        self.hung.1.notify_all();
    }

    /// The driven time: what hangs longer than an answer may take is given up.
    pub(crate) fn it_is(&self, now: Instant) {
        self.hung.0.lock().unwrap().now = Some(now);
        self.hung.1.notify_all();
    }

    /// How many messages hang, and go on to.
    pub(crate) fn hanging(&self) -> usize {
        let hung = self.hung.0.lock().unwrap();
        hung.until.iter().filter(|until| !hung.is_over(**until)).count()
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub(crate) fn to(&self, to: &str) -> Vec<Arrived> {
        self.arrived().into_iter().filter(|one| one.to == to).collect()
    }

    /// How often a recipient was asked while there was a server that could.
    pub(crate) fn asked(&self, to: &str) -> usize {
        self.asked_at(to).len()
    }

    pub(crate) fn asked_at(&self, to: &str) -> Vec<Instant> {
        self.asked.lock().unwrap().iter().filter(|(_, one)| one == to).map(|(at, _)| *at).collect()
    }

    fn hang(&self, now: Instant) {
        let until = now.plus(messages::ANSWER_WITHIN);
        let (hung, changed) = &self.hung;
        let mut all = hung.lock().unwrap();
        all.until.push(until);
        let limit = Duration::from_secs(60);
        let (mut all, _) = changed.wait_timeout_while(all, limit, |hung| !hung.is_over(until)).unwrap();
        let mine = all.until.iter().position(|one| *one == until).unwrap();
        all.until.swap_remove(mine);
    }
}

impl Channel for Mail {
    fn channel(&self) -> messages::Channel {
        if self.programs { messages::Channel::Webhook } else { messages::Channel::Email }
    }

    fn send(&self, message: &Outgoing, now: Instant) -> SendOutcome {
        let (Address::Email(to) | Address::Webhook { url: to, .. }) = &message.to else {
            panic!("{message:?}")
        };
        let outcome = |attempt, fault| SendOutcome { attempt, provider_id: None, code: "mail", fault };
        if *self.away.lock().unwrap() {
            return outcome(Attempt::Later(None), Some(Fault::Provider));
        }
        self.asked.lock().unwrap().push((now, to.clone()));
        let mailbox = self.mailboxes.lock().unwrap().get(to).copied().unwrap_or_default();
        match mailbox {
            Mailbox::Takes => {
                let (key, subject, text) =
                    (message.key.clone(), message.subject.clone(), message.text.clone());
                let arrived = Arrived { at: now, to: to.clone(), key, subject, text };
                self.arrived.lock().unwrap().push(arrived);
                outcome(Attempt::Accepted, None)
            }
            Mailbox::Defers => outcome(Attempt::Later(None), Some(Fault::Recipient)),
            Mailbox::Hangs => {
                self.hang(now);
                outcome(Attempt::Later(None), Some(Fault::Recipient))
            }
            Mailbox::Refuses if self.programs => {
                SendOutcome { attempt: Attempt::Never, provider_id: None, code: "http_410", fault: None }
            }
            Mailbox::Refuses => outcome(Attempt::Gone, None),
        }
    }
}
