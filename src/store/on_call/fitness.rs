//! Who can be paged: certificates with their last day, and channels that no longer reach a person.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::{certificates, unreachable as gone, users};
use crate::escalation::paging;
use crate::keys::Class;
use crate::keys::seal::{Broken, Place};
use crate::{Act, Subject, Tx, View};
use domain::messages::Channel;
use domain::on_call::{Fitness, LONGEST_CERTIFICATE, Licence};
use domain::{Can, Instant, UserId};

/// A person's certificate, as somebody noted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose.
    pub user: UserId,
    /// The first instant at which it is not valid.
    pub valid_until: Instant,
    /// Who noted it, as [`crate::Actor::name`] writes it.
    pub noted_by: String,
    /// When.
    pub noted_at: Instant,
    /// The council that keeps them, and the number; `None`: not noted, or erased.
    pub licence: Option<Licence>,
}

/// A channel that reaches a person no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// By which way.
    pub channel: Channel,
    /// Why, in a word: `bounced`, `refused`.
    pub why: String,
    /// Since when.
    pub since: Instant,
}

/// The channels that reach a person who has no page of ours open: the dashboard alone wakes nobody at 3 a.m.
const AWAY: [Channel; 1] = [Channel::Email];

/// Notes or renews a person's certificate.
///
/// # Errors
/// [`Error::Refused`] for a date that no certificate has; [`Error::NotFound`] without such a user.
pub fn certify(tx: &mut Tx<'_>, user: UserId, valid_until: Instant) -> Result<Certificate> {
    known(tx, user)?;
    let (id, by, now) = (user.to_string(), tx.actor().name(), tx.now());
    if valid_until > now.plus(LONGEST_CERTIFICATE) || valid_until < now.minus(LONGEST_CERTIFICATE) {
        let what = "a certificate ends within ten years: look at the year";
        return Err(Error::Refused { code: "E_INVALID", what });
    }
    let told = (
        certificates::valid_until.eq(valid_until.micros()),
        certificates::noted_by.eq(&by),
        certificates::noted_at.eq(now.micros()),
    );
    on!(&mut *tx.conn, |conn| diesel::insert_into(certificates::table)
        .values((certificates::user_id.eq(&id), told))
        .on_conflict(certificates::user_id)
        .do_update()
        .set(told)
        .execute(conn))?;
    let body = serde_json::json!({ "certificate": { "user": user, "valid_until": valid_until } });
    tx.audit(&Act::new("admin.config").about(Subject::User(user)).body(body))?;
    tx.signal("config.changed", "certificate")?;
    certificate(tx, user)?.ok_or(Error::NotFound("certificate"))
}

/// Notes under which number a person's council keeps them, beside their certificate; `None` takes it away.
///
/// # Errors
/// [`Error::NotFound`] without a certificate.
pub fn license(tx: &mut Tx<'_>, user: UserId, licence: Option<&Licence>) -> Result<()> {
    let id = user.to_string();
    let seal = |licence| tx.seal_json(Subject::User(user), Class::Identity, place(&id), licence);
    let sealed = licence.map(seal).transpose()?;
    let row = certificates::table.find(&id);
    if diesel::update(row).set(certificates::licence.eq(sealed)).execute(tx.conn)? == 0 {
        return Err(Error::NotFound("certificate"));
    }
    let body = serde_json::json!({ "licence": { "user": user, "noted": licence.is_some() } });
    tx.audit(&Act::new("admin.config").about(Subject::User(user)).body(body))
}

const fn place(user: &str) -> Place<'_> {
    Place::new("certificates", "licence", user)
}

/// A person's certificate.
///
/// # Errors
/// Database errors.
pub fn certificate(view: &mut View<'_>, user: UserId) -> Result<Option<Certificate>> {
    let id = user.to_string();
    let row: Option<(i64, String, i64, Option<Vec<u8>>)> = certificates::table
        .find(&id)
        .select((
            certificates::valid_until,
            certificates::noted_by,
            certificates::noted_at,
            certificates::licence,
        ))
        .get_result(view.conn)
        .optional()?;
    let Some((until, noted_by, at, sealed)) = row else { return Ok(None) };
    let licence = match sealed.map(|blob| view.open_json(place(&id), &blob)).transpose() {
        Err(Error::Sealed(Broken::KeyDestroyed, _)) => None,
        opened => opened?,
    };
    let (valid_until, noted_at) = (Instant::from_micros(until), Instant::from_micros(at));
    Ok(Some(Certificate { user, valid_until, noted_by, noted_at, licence }))
}

/// A channel does not reach a person any more; the first reason stays.
///
/// # Errors
/// [`Error::NotFound`] without such a user.
pub fn mark_unreachable(tx: &mut Tx<'_>, user: UserId, channel: Channel, why: &str) -> Result<bool> {
    known(tx, user)?;
    let row = (
        gone::user_id.eq(user.to_string()),
        gone::channel.eq(channel.name()),
        gone::why.eq(why),
        gone::since.eq(tx.now().micros()),
    );
    let new = on!(&mut *tx.conn, |conn| diesel::insert_into(gone::table)
        .values(row)
        .on_conflict((gone::user_id, gone::channel))
        .do_nothing()
        .execute(conn))?;
    note(tx, new, user, channel, why)
}

/// A channel reaches a person again.
///
/// # Errors
/// Database errors.
pub fn reached_again(tx: &mut Tx<'_>, user: UserId, channel: Channel) -> Result<bool> {
    let row = gone::table.find((user.to_string(), channel.name()));
    let over = diesel::delete(row).execute(tx.conn)?;
    note(tx, over, user, channel, "reached")
}

fn note(tx: &mut Tx<'_>, rows: usize, user: UserId, channel: Channel, what: &str) -> Result<bool> {
    if rows == 0 {
        tx.unchanged();
        return Ok(false);
    }
    let body = serde_json::json!({ "channel": channel.name(), "user": user, "now": what });
    tx.audit(&Act::new("admin.config").about(Subject::User(user)).body(body))?;
    tx.signal("config.changed", "channel")?;
    Ok(true)
}

/// The channels that reach a person no more.
///
/// # Errors
/// Database errors.
pub fn unreachable(view: &mut View<'_>, user: UserId) -> Result<Vec<Gone>> {
    let rows: Vec<(String, String, i64)> = gone::table
        .filter(gone::user_id.eq(user.to_string()))
        .order(gone::channel)
        .select((gone::channel, gone::why, gone::since))
        .load(view.conn)?;
    let read = |(channel, why, since): (String, String, i64)| {
        let channel =
            Channel::from_name(&channel).ok_or(Error::corrupt("unreachable.channel").in_row(user))?;
        Ok(Gone { channel, why, since: Instant::from_micros(since) })
    };
    rows.into_iter().map(read).collect()
}

/// Every channel that reaches somebody no more.
///
/// # Errors
/// Database errors.
pub fn lost(view: &mut View<'_>) -> Result<BTreeSet<(UserId, Channel)>> {
    let rows: Vec<(String, String)> = gone::table.select((gone::user_id, gone::channel)).load(view.conn)?;
    let read = |(user, channel): (String, String)| {
        let channel =
            Channel::from_name(&channel).ok_or(Error::corrupt("unreachable.channel").in_row(&user))?;
        Ok((id(&user)?, channel))
    };
    rows.into_iter().map(read).collect()
}

/// What the linter knows of everybody who may be on call: active staff. A person who is absent here reaches nobody, and
/// one whose account waits for a second person could not sign in to answer. If no call can leave the installation,
/// nobody is reached.
///
/// # Errors
/// Database errors.
pub fn people(view: &mut View<'_>) -> Result<BTreeMap<UserId, Fitness>> {
    let (lost, calls_out) = (lost(view)?, paging::calls_out(view)?);
    let able: Vec<&str> = Can::AnswerCalls.roles().iter().map(|role| role.name()).collect();
    let rows: Vec<(String, Option<i64>, Option<i64>)> = users::table
        .left_join(certificates::table.on(certificates::user_id.eq(users::id)))
        .filter(users::disabled_at.is_null().and(users::role.eq_any(able)))
        .select((users::id, users::held_at, certificates::valid_until.nullable()))
        .load(view.conn)?;
    let fit = |(user, held_at, until): (String, Option<i64>, Option<i64>)| {
        let user = id(&user)?;
        let reachable =
            calls_out && held_at.is_none() && AWAY.iter().any(|way| !lost.contains(&(user, *way)));
        Ok((user, Fitness { reachable, certified_until: until.map(Instant::from_micros) }))
    };
    rows.into_iter().map(fit).collect()
}

fn known(view: &mut View<'_>, user: UserId) -> Result<()> {
    let found: Option<String> =
        users::table.find(user.to_string()).select(users::id).get_result(view.conn).optional()?;
    found.map(drop).ok_or(Error::NotFound("user"))
}

fn id(text: &str) -> Result<UserId> {
    text.parse().map_err(|_not_an_id| Error::corrupt("a user's id").in_row(text))
}
