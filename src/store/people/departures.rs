//! People who can no longer answer: blocked, in another role, unable to sign in until a second person has vouched,
//! erased, or away. Whatever causes it goes through `watched` or `leave`, and the alerts that rest on them go back to
//! the queue in the same transaction. If there are many, the rest follows at once, a few a transaction.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use diesel::prelude::*;

pub(crate) use super::answering::Why;
pub(crate) use super::answering::settle;
use super::answering::{COUNTED, able};
use crate::alerts::holds::hold_free;
use crate::alerts::save;
use crate::alerts::stored::{self, unresolved};
use crate::consents::permits;
use crate::db::conn::{literally, on};
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::tx::act::Act as Entry;

#[cfg(any(test, feature = "testing"))]
use crate::db::schema::users;
use crate::db::schema::{alert_acts, alerts as rows, departures};
use crate::db::{settings, turn};
use crate::{Tx, View};
use domain::alerts::AlertCase;
use domain::{AlertId, Level, UserId};

/// Cases given back in one transaction: the acts of others wait for no more than these.
pub const AT_ONCE: usize = 32;

/// Changes a person's account. If they may no longer answer or act on alerts afterwards, what rests on them goes back
/// to the queue. Run it before taking any other lock.
///
/// # Errors
/// What `change` says; database errors.
pub(crate) fn watched<T>(
    tx: &mut Tx<'_>,
    user: UserId,
    change: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> Result<T> {
    turn::share(tx)?;
    let before = able(tx, user)?;
    let done = change(tx)?;
    let after = able(tx, user)?;
    match after.barred.or((before.acts && !after.acts).then_some(Why::Role)) {
        Some(why) => leave(tx, user, why).map(|_cases| done),
        None => Ok(done),
    }
}

/// Records that a person can no longer answer. What rests on them goes back to the queue as far as fits; the engine
/// returns the rest. Returns how much went. Run it before any lock but that of the person's own row.
///
/// # Errors
/// Database errors.
pub(crate) fn leave(tx: &mut Tx<'_>, user: UserId, why: Why) -> Result<usize> {
    turn::share(tx)?;
    settle(tx, user)?;
    let counted = settings::get(tx, COUNTED)?.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    settings::save(tx, COUNTED, &counted.saturating_add(1).to_string())?;
    let (done, more) = give_back(tx, user, why)?;
    if more {
        remember(tx, user, why)?;
    }
    Ok(done)
}

fn remember(tx: &mut Tx<'_>, user: UserId, why: Why) -> Result<()> {
    let row = (
        departures::user_id.eq(user.to_string()),
        departures::why.eq(why.name()),
        departures::at.eq(tx.now().micros()),
    );
    let insert = diesel::insert_into(departures::table).values(row);
    on!(&mut *tx.conn, |conn| insert.on_conflict_do_nothing().execute(conn))?;
    Ok(())
}

/// Returns some of what rests on a person to the queue, the gravest first, without waiting for alerts that somebody
/// else holds. Returns how much, and whether there is more.
fn give_back(tx: &mut Tx<'_>, user: UserId, why: Why) -> Result<(usize, bool)> {
    let held = resting_on(tx, user)?;
    let some: Vec<(String, i64)> = held.iter().take(AT_ONCE).cloned().collect();
    permits::lock(tx, &some.iter().map(|(_, key)| *key).collect::<Vec<_>>())?;
    let ids: Vec<String> = some.into_iter().map(|(id, _)| id).collect();
    let free = hold_free(tx, &ids)?;
    let mut done = 0;
    for id in &free {
        match tx.item(|tx| one(tx, *id, user, why)) {
            Ok(()) => done += 1,
            // An unreadable row must not keep the others here.
            Err(error) if error.is_the_rows() => {
                tracing::error!(alert = %id, %error, "an alert could not be given back to the queue");
            }
            Err(error) => return Err(error),
        }
    }
    Ok((done, held.len() > free.len()))
}

fn one(tx: &mut Tx<'_>, id: AlertId, user: UserId, why: Why) -> Result<()> {
    let stored = stored::get(tx, id)?;
    if !stored.case.rests_on(user) {
        return Ok(());
    }
    let mut next = stored.clone();
    next.case = stored.case.given_back(tx.now());
    diesel::insert_into(alert_acts::table)
        .values((
            alert_acts::alert_id.eq(id.to_string()),
            alert_acts::at.eq(tx.now().micros()),
            alert_acts::actor.eq(tx.actor().name()),
            alert_acts::act.eq("given_back"),
            alert_acts::whom.eq(Some(user.to_string())),
            alert_acts::patient_key.eq(Some(stored.patient_key)),
        ))
        .execute(tx.conn)?;
    let body = serde_json::json!({ "alert": id, "from": user, "why": why.name() });
    save(tx, &stored, next, Entry::new("alert.given_back").body(body)).map(drop)
}

/// The alerts that rest on a person, the gravest first: ids and patients.
fn resting_on(view: &mut View<'_>, user: UserId) -> Result<Vec<(String, i64)>> {
    let named: Vec<(String, i64, String)> = rows::table
        .filter(unresolved().and(rows::case_record.like(format!("%{user}%"))))
        .select((rows::id, rows::patient_key, rows::case_record))
        .load(view.conn)?;
    let rests = |(id, key, record): (String, i64, String)| {
        let case: AlertCase = serde_json::from_str(&record).ok()?;
        case.rests_on(user).then_some((Reverse(case.facts.level), case.facts.started_at, id, key))
    };
    let mut held: Vec<_> = named.into_iter().filter_map(rests).collect();
    held.sort_unstable();
    Ok(held.into_iter().map(|(.., id, key)| (id, key)).collect())
}

/// What rests on one person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resting {
    /// Alerts that they claimed, answered for, silenced or were handed.
    pub cases: usize,
    /// Those of them that were red at their worst.
    pub red: usize,
}

/// What rests on everybody.
///
/// # Errors
/// Database errors.
pub fn resting(view: &mut View<'_>) -> Result<BTreeMap<UserId, Resting>> {
    let somebodys = literally("(alerts.owner IS NOT NULL OR alerts.state <> 'open')");
    let records: Vec<String> =
        rows::table.filter(unresolved().and(somebodys)).select(rows::case_record).load(view.conn)?;
    let mut all: BTreeMap<UserId, Resting> = BTreeMap::new();
    for case in records.iter().filter_map(|record| serde_json::from_str::<AlertCase>(record).ok()) {
        for user in case.holders() {
            let of = all.entry(user).or_default();
            of.cases += 1;
            of.red += usize::from(case.facts.peak == Level::Red);
        }
    }
    Ok(all)
}

/// Whether cases of somebody who departed are still to be returned.
///
/// # Errors
/// Database errors.
pub fn any(view: &mut View<'_>) -> Result<bool> {
    let first: Option<String> = departures::table.select(departures::user_id).first(view.conn).optional()?;
    Ok(first.is_some())
}

/// Returns a few cases of one person who departed. Returns how many.
///
/// # Errors
/// Database errors.
pub fn work(tx: &mut Tx<'_>) -> Result<usize> {
    let first = departures::table.order((departures::at, departures::user_id));
    let first: Option<(String, String)> =
        first.select((departures::user_id, departures::why)).first(tx.conn).optional()?;
    let Some((id, why)) = first else { return Ok(0) };
    let user: UserId = id.parse().map_err(|_not_an_id| Error::corrupt("departures.user_id").in_row(&id))?;
    turn::share(tx)?;
    let (done, more) = give_back(tx, user, Why::from_name(&why).in_row(user)?)?;
    if !more {
        diesel::delete(departures::table.find(id)).execute(tx.conn)?;
    }
    Ok(done)
}

/// Notes people who cannot answer and still hold something, however that came to be: an older version left it there, or
/// somebody changed the database by hand. Returns how many.
///
/// # Errors
/// Database errors.
pub fn overlooked(view: &mut View<'_>) -> Result<Vec<(UserId, Why)>> {
    let mut found = Vec::new();
    for user in resting(view)?.into_keys() {
        found.extend(able(view, user)?.barred.map(|why| (user, why)));
    }
    Ok(found)
}

/// Has the engine give back what rests on these people.
///
/// # Errors
/// Database errors.
pub fn note(tx: &mut Tx<'_>, people: &[(UserId, Why)]) -> Result<()> {
    people.iter().try_for_each(|(user, why)| remember(tx, *user, *why))
}

/// Blocks somebody as a version did that knew nothing of departures.
#[cfg(any(test, feature = "testing"))]
pub fn bar_silently(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    let barred = users::disabled_at.eq(Some(tx.now().micros()));
    diesel::update(users::table.find(user.to_string())).set(barred).execute(tx.conn)?;
    Ok(())
}
