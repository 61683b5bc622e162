//! What is due on one channel goes out: claimed by one node, tried within its limit, tried again with more and more
//! time between, and left alone while its provider is down. What waits stays due: nothing is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Module, Progress};
use crate::domain::civil::Zone;
use crate::domain::message::{self, Attempt};
use crate::domain::template::{Template, Vars};
use crate::domain::{Instant, UserId, webhook};
use crate::notify::breaker::Breaker;
use crate::notify::{Address, Channel, Letter, Said, retry};
use crate::store::letters::{self, Reader};
use crate::store::messages::{self, Cleared, Stored};
use crate::store::versions::{self, Versioned};
use crate::store::{self, Store, Tx, Urgency, View, users, webhooks};

impl Versioned for Template {
    const KIND: &'static str = "template";
}

/// Letters under way at once: a slow provider holds up only so many.
const AT_ONCE: i64 = 8;

/// Who answers for a letter: the channel's provider, or with webhooks the program that is called.
type Provider = (message::Channel, Option<String>);

/// How the providers are doing, for the status page. Cheap to clone.
#[derive(Clone, Default)]
pub struct Breakers(Arc<Mutex<BTreeMap<Provider, Breaker>>>);

impl Breakers {
    /// Until when each channel's provider is left alone; `None`: it is asked. Of the programs that webhooks call, the
    /// one that rests longest speaks for its channel.
    #[must_use]
    pub fn open_until(&self) -> Vec<(message::Channel, Option<Instant>)> {
        let mut channels = BTreeMap::new();
        for ((channel, _), breaker) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let rest: &mut Option<Instant> = channels.entry(*channel).or_default();
            *rest = (*rest).max(breaker.open_until());
        }
        channels.into_iter().collect()
    }

    /// The programs that are left alone, and until when.
    #[must_use]
    pub fn resting(&self) -> Vec<(String, Instant)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(|((_, to), breaker)| Some((to.clone()?, breaker.open_until()?))).collect()
    }

    /// Asks everybody again: how long they were to be left alone was measured on a wrong clock.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn with<T>(&self, provider: &Provider, f: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f(all.entry(provider.clone()).or_default())
    }
}

/// Somebody who may be asked now.
struct Turn {
    provider: Provider,
    /// It was left alone, and is asked whether it is back.
    rested: bool,
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

    /// Looks again in a transaction, and goes to the provider right after it. `None`: it ended there, and nothing was
    /// sent.
    fn send(&self, claimed: &Stored, now: Instant) -> Option<Said> {
        let letter = self.house(now, |tx| match messages::hand_over(tx, claimed)? {
            Ok(cleared) => letter(tx, &cleared, &self.base_url).map(Some),
            Err(_ended) => Ok(None),
        });
        Some(match letter {
            Ok(None) => return None,
            Ok(Some(Ok(letter))) => self.channel.send(&letter, now),
            Ok(Some(Err(code))) => Said { attempt: Attempt::Never, provider_id: None, code, answered: true },
            Err(_store) => {
                Said { attempt: Attempt::Later(None), provider_id: None, code: "store", answered: true }
            }
        })
    }

    /// Each letter on a thread of its own: the channel's limit bounds them all.
    fn send_all(&self, claimed: &[Stored], now: Instant) -> Vec<Option<Said>> {
        let lost =
            || Some(Said { attempt: Attempt::Later(None), provider_id: None, code: "lost", answered: false });
        std::thread::scope(|scope| {
            let sends: Vec<_> = claimed.iter().map(|one| scope.spawn(|| self.send(one, now))).collect();
            sends.into_iter().map(|send| send.join().unwrap_or_else(|_panicked| lost())).collect()
        })
    }

    /// Whom something is due to.
    fn waiting(&self, view: &mut View<'_>, now: Instant) -> store::Result<Vec<Provider>> {
        let channel = self.channel.channel();
        if channel != message::Channel::Webhook {
            let due = messages::any_due(view, channel, None, now)?;
            return Ok(if due { vec![(channel, None)] } else { vec![] });
        }
        let mut waiting = Vec::new();
        for id in webhooks::ids(view)? {
            if messages::any_due(view, channel, Some(&id), now)? {
                waiting.push((channel, Some(id)));
            }
        }
        Ok(waiting)
    }

    /// The turn is shared by those who may be asked; one who rested is asked with one letter whether it is back.
    fn turns(&self, waiting: Vec<Provider>, now: Instant) -> Vec<Turn> {
        let mut turns: Vec<Turn> = Vec::new();
        for provider in waiting {
            let (admitted, rested) = self
                .breakers
                .with(&provider, |breaker| (breaker.admits(now), breaker.open_until().is_some()));
            if admitted {
                turns.push(Turn { provider, rested });
            }
        }
        turns
    }

    fn claim(&self, turns: &[Turn], now: Instant) -> store::Result<Vec<Stored>> {
        let share = i64::try_from(turns.len()).map_or(1, |count| (AT_ONCE / count.max(1)).max(1));
        self.house(now, |tx| {
            let mut claimed = Vec::new();
            for Turn { provider: (channel, to), rested } in turns {
                let letters = if *rested { 1 } else { share };
                claimed.extend(messages::claim(tx, *channel, to.as_deref(), letters)?);
            }
            Ok(claimed)
        })
    }

    fn provider(&self, of: &Stored) -> Provider {
        let to = (of.channel == message::Channel::Webhook).then(|| of.recipient.clone());
        (self.channel.channel(), to)
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
        if self.store.read(|view| messages::any_overdue(view, now))? {
            self.house(now, |tx| messages::overdue(tx, 100))?;
        }
        let waiting = self.store.read(|view| self.waiting(view, now))?;
        let turns = self.turns(waiting, now);
        if turns.is_empty() {
            return Ok(Progress::default());
        }
        let claimed = self.claim(&turns, now);
        let said = claimed.as_ref().map_or_else(|_store| Vec::new(), |claimed| self.send_all(claimed, now));
        let sent =
            || claimed.iter().flatten().zip(&said).filter_map(|(one, said)| Some((one, said.as_ref()?)));
        // A provider due a recovery probe that had no message to carry it is probed next cycle.
        for turn in &turns {
            let asked = sent().any(|(one, _)| self.provider(one) == turn.provider);
            if !asked {
                self.breakers.with(&turn.provider, Breaker::not_asked);
            }
        }
        for (one, said) in sent() {
            self.breakers.with(&self.provider(one), |breaker| {
                if said.answered { breaker.answered() } else { breaker.failed(now) }
            });
        }
        // One message a transaction: no two are ever held together, so nothing waits in a circle.
        for (one, said) in sent() {
            let wait = retry::wait(one.way.class, &one.key, one.way.attempt);
            let named = (said.code, said.provider_id.as_deref());
            self.house(now, |tx| messages::attempted(tx, one, said.attempt, named, wait))?;
        }
        let claimed = claimed?;
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
fn letter(
    view: &mut View<'_>,
    cleared: &Cleared,
    base_url: &str,
) -> store::Result<Result<Letter, &'static str>> {
    let of = cleared.message();
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
    let (key, thread) = (of.key.clone(), format!("{}:{}", of.kind, of.subject));
    if of.channel == message::Channel::Webhook {
        let Ok(text) = call(of, base_url) else { return Ok(Err("unsendable")) };
        return Ok(Ok(Letter { key, to, subject: String::new(), text, attempt: of.way.attempt, thread }));
    }
    let version = of.template_version.max(1);
    let template = match versions::get::<Template>(view, &of.template, version) {
        Ok(template) => template.body,
        Err(store::Error::NotFound(_)) => return Ok(Err("template")),
        Err(error) => return Err(error),
    };
    let reader = match of.recipient.parse() {
        Ok(user) => letters::reader(view, user)?,
        Err(_not_a_person) => Reader::default(),
    };
    let vars = vars(of, base_url, reader.zone);
    let Ok(words) = template.render(reader.lang, &vars) else { return Ok(Err("template")) };
    Ok(Ok(Letter { key, to, subject: words.subject, text: words.text, attempt: of.way.attempt, thread }))
}

/// What another program is told. Only from what was planned: each attempt has the same bytes.
fn call(of: &Stored, base_url: &str) -> serde_json::Result<String> {
    let link = of.variables.get("link").and_then(serde_json::Value::as_str).unwrap_or_default();
    let call = webhook::Call {
        kind: &of.template,
        at: of.created_at,
        data: webhook::Data {
            cursor: of.id,
            case: webhook::Case { kind: &of.kind, id: &of.subject },
            link: &format!("{base_url}{link}"),
            repetition: repetition(of).unwrap_or(1),
        },
    };
    serde_json::to_string(&call)
}

fn repetition(of: &Stored) -> Option<u32> {
    of.variables.get("repetition")?.as_u64()?.try_into().ok()
}

fn vars(of: &Stored, base_url: &str, zone: Zone) -> Vars {
    let text = |name: &str| of.variables.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let moment = |name: &str| {
        let at = Instant::parse(&text(name)?)?;
        Some(zone.local(at).format("%d/%m %H:%M").to_string())
    };
    Vars {
        link: text("link").map(|link| format!("{base_url}{link}")),
        repetition: repetition(of),
        since: moment("since"),
        from: moment("from"),
        until: moment("until"),
    }
}

/// A letter that is not sent within this time is late: the auditor says so.
pub const LATE_AFTER: Duration = Duration::from_secs(120);
