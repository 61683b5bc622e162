//! The last look before a message leaves the house: still wanted, and still under its permit, in the transaction after
//! whose commit it goes to the provider at once.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::about::{Cleared, is_house};
use super::attempts::{note, one, write};
use super::{Ground, Stored, Topic};
use crate::domain::PatientId;
use crate::domain::message::State;
use crate::store::act::Act;
use crate::store::error::Result;
use crate::store::schema::messages;
use crate::store::tx::Tx;
use crate::store::{lapses, patients, permits, turn};

/// Looks at a claimed message again. A revocation, an answer or the end of the case since it was claimed ends it here;
/// the code says why.
///
/// # Errors
/// Database errors.
pub fn hand_over(tx: &mut Tx<'_>, claimed: &Stored) -> Result<std::result::Result<Cleared, &'static str>> {
    turn::share(tx)?;
    let permit = match claimed.ground {
        Some(ground) => match permits::ask_for(tx, ground.patient(), ground.purpose())? {
            Ok(permit) => Some(permit),
            Err(denied) => return end(tx, claimed, denied.root().0.as_str(), Some(ground)),
        },
        // Word of what is late is stale once it is done.
        None if claimed.kind == Topic::Engine.name() && !lapses::stands(tx, &claimed.subject)? => {
            return end(tx, claimed, "not_wanted", None);
        }
        None if is_house(&claimed.kind) => None,
        None => return end(tx, claimed, "no_ground", None),
    };
    let now = tx.now();
    match one(tx, claimed.id)? {
        Some(stored) if stored.is_under_way(claimed) && stored.way.not_after > now => {
            Ok(Ok(Cleared::new(stored, permit)))
        }
        _ => end(tx, claimed, "not_wanted", None),
    }
}

/// Those of a letter that are still wanted, in the transaction after whose commit it goes: others were looked at since.
/// Permits are held in the order of their patients; the rows are read and not held, for two letters would wait for each
/// other.
///
/// # Errors
/// Database errors.
pub fn still_wanted(tx: &mut Tx<'_>, mut cleared: Vec<Cleared>) -> Result<Vec<Cleared>> {
    turn::share(tx)?;
    let grounds: Vec<Ground> = cleared.iter().filter_map(|one| one.message().ground).collect();
    let whose: BTreeSet<PatientId> = grounds.iter().map(|ground| ground.patient()).collect();
    let keys: Vec<i64> = whose.iter().map(|patient| patients::key_of(tx, *patient)).collect::<Result<_>>()?;
    permits::hold(tx, &keys)?;
    let mut permitted: Vec<Ground> = Vec::with_capacity(grounds.len());
    for ground in grounds {
        if !permitted.contains(&ground) && permits::ask_for(tx, ground.patient(), ground.purpose())?.is_ok() {
            permitted.push(ground);
        }
    }
    let ids: Vec<i64> = cleared.iter().map(|one| one.message().id).collect();
    let under_way: Vec<(i64, i64)> = messages::table
        .filter(messages::id.eq_any(ids).and(messages::state.eq(State::Sending.name())))
        .filter(messages::not_after.gt(tx.now().micros()))
        .select((messages::id, messages::attempt))
        .load(tx.conn)?;
    cleared.retain(|one| {
        let message = one.message();
        let same = |row: &(i64, i64)| *row == (message.id, i64::from(message.way.attempt));
        message.ground.is_none_or(|ground| permitted.contains(&ground)) && under_way.iter().any(same)
    });
    Ok(cleared)
}

impl Stored {
    /// Whether this is still the attempt that was claimed.
    fn is_under_way(&self, claimed: &Self) -> bool {
        self.way.state == State::Sending && self.way.attempt == claimed.way.attempt
    }
}

fn end(
    tx: &mut Tx<'_>,
    claimed: &Stored,
    code: &'static str,
    denied: Option<Ground>,
) -> Result<std::result::Result<Cleared, &'static str>> {
    let Some(mut stored) = one(tx, claimed.id)?.filter(|stored| stored.is_under_way(claimed)) else {
        return Ok(Err(code));
    };
    (stored.way.state, stored.way.sending_until) = (State::Cancelled, None);
    write(tx, &stored, None)?;
    note(tx, stored.id, State::Cancelled.name(), Some(code))?;
    let body = serde_json::json!({
        "message": stored.id, "channel": stored.channel.name(), "recipient": stored.recipient,
        "case": stored.subject, "code": code,
    });
    let act = Act::new("message.suppressed").code(code).body(body);
    tx.audit(&match denied {
        Some(ground) => act.patient(ground.patient()).purpose(ground.purpose().as_str()).decided(false),
        None => act,
    })?;
    Ok(Err(code))
}
