//! What is due on one channel goes out: claimed by one node, tried within its limit, tried again with more and more
//! time between, and left alone while its provider is down. What waits stays due: nothing is lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Module, Progress};
use crate::domain::civil::Zone;
use crate::domain::message::{self, Attempt};
use crate::domain::{Instant, UserId};
use crate::notify::breaker::Breaker;
use crate::notify::template::{Lang, Template, Vars};
use crate::notify::{Address, Channel, Letter, Said, retry};
use crate::store::messages::{self, Stored};
use crate::store::versions::{self, Versioned};
use crate::store::{self, Store, Tx, Urgency, View, users, webhooks};

impl Versioned for Template {
    const KIND: &'static str = "template";
}

/// Letters under way at once: a slow provider holds up only so many.
const AT_ONCE: i64 = 8;

/// How the providers are doing, for the status page. Cheap to clone.
#[derive(Clone, Default)]
pub struct Breakers(Arc<Mutex<Vec<(message::Channel, Breaker)>>>);

impl Breakers {
    /// Until when each channel's provider is left alone; `None`: it is asked.
    #[must_use]
    pub fn open_until(&self) -> Vec<(message::Channel, Option<Instant>)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(channel, breaker)| (*channel, breaker.open_until())).collect()
    }

    fn with<T>(&self, channel: message::Channel, f: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, breaker)) = all.iter_mut().find(|(known, _)| *known == channel) {
            return f(breaker);
        }
        let mut breaker = Breaker::default();
        let out = f(&mut breaker);
        all.push((channel, breaker));
        out
    }
}

/// The outbox of one channel as a module.
pub struct Outbox {
    store: Store,
    channel: Arc<dyn Channel>,
    breakers: Breakers,
    base_url: String,
}

impl Outbox {
    /// Sends what is due on a channel. Links begin with `base_url`.
    #[must_use]
    pub fn new(store: Store, channel: Arc<dyn Channel>, breakers: Breakers, base_url: String) -> Self {
        Self { store, channel, breakers, base_url }
    }

    fn send(&self, claimed: &Stored, now: Instant) -> Said {
        let letter = self.store.read(|view| letter(view, claimed, &self.base_url));
        match letter {
            Ok(Ok(letter)) => self.channel.send(&letter, now),
            Ok(Err(code)) => Said { attempt: Attempt::Never, provider_id: None, code, answered: true },
            Err(_store) => {
                Said { attempt: Attempt::Later(None), provider_id: None, code: "store", answered: true }
            }
        }
    }

    /// Each letter on a thread of its own: the channel's limit bounds them all.
    fn send_all(&self, claimed: &[Stored], now: Instant) -> Vec<Said> {
        let lost =
            || Said { attempt: Attempt::Later(None), provider_id: None, code: "lost", answered: false };
        std::thread::scope(|scope| {
            let sends: Vec<_> = claimed.iter().map(|one| scope.spawn(|| self.send(one, now))).collect();
            sends.into_iter().map(|send| send.join().unwrap_or_else(|_panicked| lost())).collect()
        })
    }

    fn house<T>(&self, now: Instant, f: impl FnOnce(&mut Tx<'_>) -> store::Result<T>) -> store::Result<T> {
        self.store.keep_house(Urgency::Urgent, "outbox", now, f)
    }
}

impl Module for Outbox {
    fn name(&self) -> &'static str {
        match self.channel.channel() {
            message::Channel::InApp => "outbox in_app",
            message::Channel::Email => "outbox email",
            message::Channel::Webhook => "outbox webhook",
        }
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let channel = self.channel.channel();
        if self.store.read(|view| messages::any_overdue(view, now))? {
            self.house(now, |tx| messages::overdue(tx, 100))?;
        }
        if !self.store.read(|view| messages::any_due(view, channel, now))? {
            return Ok(Progress::default());
        }
        if !self.breakers.with(channel, |breaker| breaker.admits(now)) {
            return Ok(Progress::default());
        }
        // Whether the provider is back is asked with one letter.
        let resting = self.breakers.with(channel, |breaker| breaker.open_until().is_some());
        let claimed =
            self.house(now, |tx| messages::claim(tx, channel, if resting { 1 } else { AT_ONCE }))?;
        let said = self.send_all(&claimed, now);
        self.breakers.with(channel, |breaker| {
            for one in &said {
                if one.answered { breaker.answered() } else { breaker.failed(now) }
            }
        });
        self.house(now, |tx| {
            claimed.iter().zip(&said).try_for_each(|(one, said)| {
                let wait = retry::wait(one.way.class, &one.key, one.way.attempt);
                messages::attempted(tx, one, said.attempt, (said.code, said.provider_id.as_deref()), wait)
            })
        })?;
        Ok(Progress { did: claimed.len(), more: !claimed.is_empty() })
    }
}

/// Puts the templates in force that every installation starts with, where they are not there yet.
///
/// # Errors
/// Database errors.
pub fn seed(tx: &mut Tx<'_>) -> store::Result<()> {
    crate::notify::seeds::seeds().iter().try_for_each(|template| versions::seed(tx, &template.id, template))
}

/// The letter for a message, or the code of why there is none.
fn letter(view: &mut View<'_>, of: &Stored, base_url: &str) -> store::Result<Result<Letter, &'static str>> {
    let to = match of.channel {
        message::Channel::Webhook => match webhooks::address(view, &of.recipient)? {
            Some((url, secret)) => {
                let Ok(secret) = crate::notify::webhook::Secret::parse(&secret) else {
                    return Ok(Err("secret"));
                };
                Address::Webhook { url, secret }
            }
            None => return Ok(Err("webhook_disabled")),
        },
        message::Channel::InApp | message::Channel::Email => {
            let Ok(id) = of.recipient.parse::<UserId>() else { return Ok(Err("recipient")) };
            let user = match users::get(view, id) {
                Ok(user) if user.disabled_at.is_none() => user,
                Ok(_) | Err(store::Error::NotFound(_)) => return Ok(Err("recipient_disabled")),
                Err(error) => return Err(error),
            };
            match (of.channel, user.identity) {
                (message::Channel::InApp, _) => Address::Person(id),
                (_, Some(identity)) => Address::Email(identity.email.as_str().to_owned()),
                (_, None) => return Ok(Err("recipient_erased")),
            }
        }
    };
    let version = of.template_version.max(1);
    let template = match versions::get::<Template>(view, &of.template, version) {
        Ok(template) => template.body,
        Err(store::Error::NotFound(_)) => return Ok(Err("template")),
        Err(error) => return Err(error),
    };
    let Ok(words) = template.render(Lang::Pt, &vars(of, base_url)) else { return Ok(Err("template")) };
    let text = match of.channel {
        message::Channel::Webhook => call(of, base_url),
        _ => words.text,
    };
    Ok(Ok(Letter { key: of.key.clone(), to, subject: words.subject, text, attempt: of.way.attempt }))
}

/// What another program is told: that something waits, where, and the number to go on from. Nothing measured.
fn call(of: &Stored, base_url: &str) -> String {
    let link = of.variables.get("link").and_then(serde_json::Value::as_str).unwrap_or_default();
    serde_json::json!({
        "type": of.template, "cursor": of.id, "case": { "kind": of.kind, "id": of.subject },
        "at": of.created_at.to_string(), "link": format!("{base_url}{link}"),
    })
    .to_string()
}

fn vars(of: &Stored, base_url: &str) -> Vars {
    let text = |name: &str| of.variables.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let moment = |name: &str| {
        let at = Instant::parse(&text(name)?)?;
        Some(Zone::SAO_PAULO.local(at).format("%d/%m %H:%M").to_string())
    };
    let repetition = of.variables.get("repetition").and_then(serde_json::Value::as_u64);
    Vars {
        link: text("link").map(|link| format!("{base_url}{link}")),
        repetition: repetition.and_then(|n| u32::try_from(n).ok()),
        since: moment("since"),
        from: moment("from"),
        until: moment("until"),
    }
}

/// A letter that is not sent within this time is late: the auditor says so.
pub const LATE_AFTER: Duration = Duration::from_secs(120);
