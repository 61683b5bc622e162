//! How much each person carries, counted from the alerts they own, and the refusal of ordinary work beyond it.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

pub use super::turns::{on_duty, present};
use crate::alerts::{lists, stored};
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::{alerts as rows, capacities, users};
use crate::people::accounts;
use crate::{Act, Subject, Tx, View};
use domain::alerts::{Act as Deed, act};
use domain::on_call::capacity::{Agent, MOST, USUAL, Work, allocate};
use domain::{AlertId, AlertState, Can, Instant, Level, Role, UserId};

/// Whoever had one of a patient's last alerts knows the patient.
const LATELY: i64 = 100;

/// What a level is to the allocator.
#[must_use]
pub const fn work(level: Level) -> Work {
    match level {
        Level::Red => Work::Red,
        Level::Yellow | Level::Green => Work::Ordinary,
    }
}

/// Sets how many unresolved alerts a person carries well.
///
/// # Errors
/// [`Error::Refused`] beyond [`MOST`]; [`Error::NotFound`].
pub fn set(tx: &mut Tx<'_>, user: UserId, most: u32) -> Result<()> {
    if most > MOST {
        return Err(Error::Refused { code: "E_INVALID", what: "nobody carries more than 500 alerts" });
    }
    accounts::get(tx, user)?;
    let row = (capacities::user_id.eq(user.to_string()), capacities::most.eq(i64::from(most)));
    on!(&mut *tx.conn, |conn| diesel::insert_into(capacities::table)
        .values(row)
        .on_conflict(capacities::user_id)
        .do_update()
        .set(capacities::most.eq(i64::from(most)))
        .execute(conn))?;
    let body = serde_json::json!({ "capacity": { "user": user, "most": most } });
    tx.audit(&Act::new("admin.config").about(Subject::User(user)).body(body))?;
    tx.signal("config.changed", "capacity")
}

/// Everybody who may act on alerts, with what they carry, by id. `patient_key`: who worked on that patient's alerts
/// before is marked.
///
/// # Errors
/// Database errors.
pub fn agents(view: &mut View<'_>, patient_key: Option<i64>) -> Result<Vec<Agent>> {
    let roles: Vec<&str> = Can::ActOnAlerts.roles().iter().map(|role| Role::name(*role)).collect();
    let people: Vec<(String, Option<i64>)> = users::table
        .left_join(capacities::table.on(capacities::user_id.eq(users::id)))
        .filter(users::disabled_at.is_null().and(users::held_at.is_null()).and(users::role.eq_any(roles)))
        .order(users::id)
        .select((users::id, capacities::most.nullable()))
        .load(view.conn)?;
    let loads = loads(view)?;
    let knowing: BTreeSet<String> = match patient_key {
        None => BTreeSet::new(),
        Some(key) => lists::owners_lately(view, key, LATELY)?.into_iter().collect(),
    };
    let agent = |(id, most): (String, Option<i64>)| {
        Ok(Agent {
            user: id.parse().map_err(|_not_an_id| Error::corrupt("users.id").in_row(&id))?,
            capacity: most.map_or(USUAL, |most| u32::try_from(most).unwrap_or(0)),
            load: loads.get(&id).copied().unwrap_or(0),
            knows: knowing.contains(&id),
        })
    };
    people.into_iter().map(agent).collect()
}

fn loads(view: &mut View<'_>) -> Result<BTreeMap<String, u32>> {
    let owned: Vec<(Option<String>, i64)> = rows::table
        .filter(stored::unresolved().and(rows::owner.is_not_null()))
        .group_by(rows::owner)
        .select((rows::owner, diesel::dsl::count_star()))
        .load(view.conn)?;
    let counted = |(owner, n): (Option<String>, i64)| Some((owner?, u32::try_from(n).unwrap_or(u32::MAX)));
    Ok(owned.into_iter().filter_map(counted).collect())
}

/// Alerts below red that nobody has.
///
/// # Errors
/// Database errors.
pub fn waiting(view: &mut View<'_>) -> Result<u32> {
    let n: i64 = rows::table
        .filter(stored::unresolved().and(rows::owner.is_null()))
        .filter(rows::level.ne(Level::Red.code()))
        .count()
        .get_result(view.conn)?;
    Ok(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Before an act that gives an alert to somebody (a claim, an answer to one that nobody has, a hand-over): ordinary
/// work beyond nine tenths of what they carry is refused, red never. Two alerts for one person at once are counted
/// one after the other.
///
/// # Errors
/// [`Error::Refused`] `E_CAPACITY`.
pub(crate) fn admit(tx: &mut Tx<'_>, alert: AlertId, who: UserId, what: Deed) -> Result<()> {
    let (alert, now) = (stored::get(tx, alert)?, tx.now());
    // What the case itself refuses is refused by the act, with its own reason.
    let Ok(next) = act(&alert.case.awake(now), what, who, now) else { return Ok(()) };
    let taker = next.owner.filter(|to| alert.case.owner != Some(*to) && next.state != AlertState::Resolved);
    let Some(to) = taker.filter(|_| work(alert.case.facts.level) == Work::Ordinary) else { return Ok(()) };
    let row = users::table.find(to.to_string());
    diesel::update(row).set(users::version.eq(users::version)).execute(tx.conn)?;
    let agent = agents(tx, None)?.into_iter().find(|agent| agent.user == to);
    match agent.filter(|agent| !agent.takes(Work::Ordinary)) {
        None => Ok(()),
        Some(_full) => Err(Error::Refused {
            code: "E_CAPACITY",
            what: "what is left of their capacity is kept for red: resolve or hand over an alert first, or ask \
                   somebody with room",
        }),
    }
}

/// To whom an alert goes next: somebody on call now, who knows the patient if they have room, else the least
/// loaded. Nobody, when nobody on call has room for it: it waits, and is asked again when that changes.
///
/// # Errors
/// [`Error::NotFound`].
pub fn next_for(view: &mut View<'_>, alert: AlertId, now: Instant) -> Result<Option<UserId>> {
    let alert = stored::get(view, alert)?;
    let on_duty = on_duty(view, now)?;
    let mut agents = agents(view, Some(alert.patient_key))?;
    agents.retain(|agent| on_duty.contains(&agent.user));
    Ok(allocate(&agents, work(alert.case.facts.level)))
}
