//! Other programs that are called: where, and the secret both sides sign with, sealed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use ring::rand::{SecureRandom, SystemRandom};

use super::ALERT;
use super::{About, Ground, Topic};
use crate::db::error::{Error, Result};
use crate::db::schema::webhooks;
use crate::db::tx::act::Act;
use crate::db::tx::{Actor, Tx, View};
use crate::escalation::paging;
use crate::keys::seal::{Broken, Place};
use crate::keys::{Class, Subject};
use crate::messages;
use crate::privacy::withdrawals::{self, Withdrawal};
use domain::id::uuid_at;
use domain::messages::{self as message, Channel};
use domain::{AlertCase, Instant, Role};

/// A day, in seconds.
const DAY_SECS: i64 = 86_400;
/// How long a call that only tries is worth making.
const TEST_LASTS: Duration = Duration::from_secs(3_600);

/// A program that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Where it listens.
    pub url: String,
    /// Since when.
    pub created_at: Instant,
    /// Until when; `None`: it is called.
    pub disabled_at: Option<Instant>,
}

/// Adds a program to be called. Gives its id.
///
/// # Errors
/// Database errors.
pub fn insert(tx: &mut Tx<'_>, url: &str, secret: &str) -> Result<String> {
    let now = tx.now();
    let id = uuid_at(now).to_string();
    let seal = |tx: &mut Tx<'_>, column, text: &str| {
        tx.seal(Subject::System, Class::Identity, Place::new("webhooks", column, &id), text.as_bytes())
    };
    let by = match tx.actor() {
        Actor::User { id, .. } => Some(id.to_string()),
        _ => None,
    };
    let (sealed_url, sealed_secret) = (seal(tx, "url", url)?, seal(tx, "secret", secret)?);
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::id.eq(&id),
            webhooks::url.eq(sealed_url),
            webhooks::secret.eq(sealed_secret),
            webhooks::created_at.eq(now.micros()),
            webhooks::created_by.eq(by),
        ))
        .execute(tx.conn)?;
    tx.audit(&Act::new("admin.config").body(serde_json::json!({ "webhook": id, "did": "added" })))?;
    Ok(id)
}

/// No more calls.
///
/// # Errors
/// [`Error::NotFound`].
pub fn disable(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let now = tx.now().micros();
    let row = webhooks::table.filter(webhooks::id.eq(id).and(webhooks::disabled_at.is_null()));
    if diesel::update(row).set(webhooks::disabled_at.eq(now)).execute(tx.conn)? == 0 {
        return Err(Error::NotFound("webhook"));
    }
    withdrawals::note(tx, &Withdrawal::Webhook { webhook: id.to_owned() })?;
    tx.audit(&Act::new("admin.config").body(serde_json::json!({ "webhook": id, "did": "disabled" })))
}

/// Where a program that is called listens, and its secret; `None`: it is not called any more.
///
/// # Errors
/// Database errors; the key is gone.
pub fn address(view: &mut View<'_>, id: &str) -> Result<Option<(String, String)>> {
    let row: Option<(Vec<u8>, Vec<u8>)> = webhooks::table
        .filter(webhooks::id.eq(id).and(webhooks::disabled_at.is_null()))
        .select((webhooks::url, webhooks::secret))
        .first(view.conn)
        .optional()?;
    let Some((url, secret)) = row else { return Ok(None) };
    Ok(Some((text(view, "url", id, &url)?, text(view, "secret", id, &secret)?)))
}

/// The ids of all programs, those that are called no more included: what was planned for them comes to an end.
///
/// # Errors
/// Database errors.
pub fn ids(view: &mut View<'_>) -> Result<Vec<String>> {
    Ok(webhooks::table.order(webhooks::id).select(webhooks::id).load(view.conn)?)
}

/// One program.
///
/// # Errors
/// [`Error::NotFound`]; as [`address`].
pub fn get(view: &mut View<'_>, id: &str) -> Result<Webhook> {
    all(view)?.into_iter().find(|webhook| webhook.id == id).ok_or(Error::NotFound("webhook"))
}

/// A secret for both sides, as the Standard Webhooks specification writes it: `whsec_` and 32 random bytes.
///
/// # Errors
/// No randomness.
pub fn fresh_secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| Broken::NoRandomness)?;
    Ok(format!("whsec_{}", STANDARD.encode(bytes)))
}

/// Plans a call that says nothing but that calls arrive. Gives its cursor.
///
/// # Errors
/// [`Error::NotFound`] for a program that is not called.
pub fn try_out(tx: &mut Tx<'_>, id: &str) -> Result<i64> {
    if get(tx, id)?.disabled_at.is_some() {
        return Err(Error::NotFound("webhook"));
    }
    let now = tx.now();
    let key = format!("test:{}", uuid_at(now));
    let new = messages::New {
        key: key.clone(),
        class: message::Class::Transactional,
        channel: Channel::Webhook,
        recipient: id.to_owned(),
        template: "test",
        variables: serde_json::json!({ "link": "/" }),
        about: About::house(Topic::Webhook, id),
        due_at: now,
        not_after: now.plus(TEST_LASTS),
    };
    messages::plan(tx, &new)?;
    tx.audit(&Act::new("admin.config").body(serde_json::json!({ "webhook": id, "did": "tested" })))?;
    let planned = messages::by_key(tx, &key)?.ok_or(Error::corrupt("a planned message"))?;
    Ok(planned.id)
}

/// Makes what was planned for a program after a cursor due again; see [`messages::replay`].
///
/// # Errors
/// [`Error::NotFound`] for a program that is not called.
pub fn replay(tx: &mut Tx<'_>, id: &str, after: i64) -> Result<(usize, Option<i64>)> {
    if get(tx, id)?.disabled_at.is_some() {
        return Err(Error::NotFound("webhook"));
    }
    let (count, next) = messages::replay(tx, Channel::Webhook, id, after)?;
    let body = serde_json::json!({ "webhook": id, "did": "replayed", "after": after, "count": count });
    tx.audit(&Act::new("admin.config").body(body))?;
    Ok((count, next))
}

/// The number of the next call to a program, from 1 and without a hole: counted as a call first leaves, in one order.
///
/// # Errors
/// [`Error::NotFound`].
pub(crate) fn count(tx: &mut Tx<'_>, id: &str) -> Result<i64> {
    let row = webhooks::table.find(id);
    if diesel::update(row).set(webhooks::called.eq(webhooks::called + 1)).execute(tx.conn)? == 0 {
        return Err(Error::NotFound("webhook"));
    }
    Ok(row.select(webhooks::called).get_result(tx.conn)?)
}

/// Tells every program what became of a case, a word of [`domain::alerts::BECAME`]. Such a word is no call: the next
/// one does not take it back. Without a legal basis for calling people about the patient nothing is told.
///
/// # Errors
/// Database errors.
pub(crate) fn announce(tx: &mut Tx<'_>, case: &AlertCase, version: i64, what: &'static str) -> Result<()> {
    let programs = paging::webhooks(tx)?;
    if programs.is_empty() {
        return Ok(());
    }
    let Ok(ground) = Ground::ask(tx, case.patient)? else { return Ok(()) };
    let (now, subject) = (tx.now(), case.id.to_string());
    for id in programs {
        let new = messages::New {
            key: format!("case:{subject}:{version}:{what}:{id}"),
            class: message::Class::Transactional,
            channel: Channel::Webhook,
            recipient: id,
            template: what,
            variables: serde_json::json!({ "link": format!("/alerts/{subject}") }),
            about: About::patient(ground, ALERT, &subject),
            due_at: now,
            not_after: now.plus(messages::PAGE_LASTS),
        };
        messages::plan(tx, &new)?;
    }
    Ok(())
}

/// A program answered 410: it wants no more. Its subscription ends, and whoever added it hears of that; where they are
/// gone, those who run the system.
///
/// # Errors
/// Database errors.
pub(crate) fn gone(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let now = tx.now();
    let row = webhooks::table.filter(webhooks::id.eq(id).and(webhooks::disabled_at.is_null()));
    if diesel::update(row).set(webhooks::disabled_at.eq(now.micros())).execute(tx.conn)? == 0 {
        return Ok(());
    }
    withdrawals::note(tx, &Withdrawal::Webhook { webhook: id.to_owned() })?;
    let body = serde_json::json!({ "webhook": id, "did": "disabled", "why": "http_410" });
    tx.audit(&Act::new("admin.config").body(body))?;
    tell_owner(tx, id, "webhook_gone", "gone")
}

/// A program did not take a call and will not take it: it redirects, or refuses what it is sent. Whoever added it hears
/// of that, once a day at most.
///
/// # Errors
/// Database errors.
pub(crate) fn refuses(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    let day = tx.now().secs() / DAY_SECS;
    tell_owner(tx, id, "webhook_refuses", &format!("refuses:{day}"))
}

/// Tells whoever added a program; where they are gone, those who run the system. `what` makes it the same word when it
/// is said again.
fn tell_owner(tx: &mut Tx<'_>, id: &str, template: &'static str, what: &str) -> Result<()> {
    let now = tx.now();
    let row = webhooks::table.find(id).select(webhooks::created_by);
    let added_by: Option<String> = row.get_result::<Option<String>>(tx.conn).optional()?.flatten();
    let admins = paging::with_role(tx, Role::Admin)?;
    let owner = added_by.and_then(|user| user.parse().ok()).filter(|user| admins.contains(user));
    for user in owner.map_or(admins, |owner| vec![owner]) {
        for channel in paging::channels(tx, user)? {
            let new = messages::New {
                key: format!("{what}:{id}:{user}:{}", channel.name()),
                class: message::Class::Transactional,
                channel,
                recipient: user.to_string(),
                template,
                variables: serde_json::json!({ "link": format!("/webhooks/{id}"), "since": now.to_string() }),
                about: About::house(Topic::Webhook, id),
                due_at: now,
                not_after: now.plus(messages::PAGE_LASTS),
            };
            messages::plan(tx, &new)?;
        }
    }
    Ok(())
}

/// Every program, the newest last.
///
/// # Errors
/// As [`address`].
pub fn all(view: &mut View<'_>) -> Result<Vec<Webhook>> {
    let rows: Vec<(String, Vec<u8>, i64, Option<i64>)> = webhooks::table
        .order(webhooks::id)
        .select((webhooks::id, webhooks::url, webhooks::created_at, webhooks::disabled_at))
        .load(view.conn)?;
    let mut all = Vec::new();
    for (id, url, created_at, disabled_at) in rows {
        let url = text(view, "url", &id, &url)?;
        let disabled_at = disabled_at.map(Instant::from_micros);
        all.push(Webhook { id, url, created_at: Instant::from_micros(created_at), disabled_at });
    }
    Ok(all)
}

fn text(view: &mut View<'_>, column: &str, id: &str, blob: &[u8]) -> Result<String> {
    let place = Place::new("webhooks", column, id);
    String::from_utf8(view.open(place, blob)?).map_err(|_shape| Error::corrupt_at(place))
}
