//! The end of a legal basis, whatever ended it: a revocation, a period that is over, a suspension, a heavier text, a
//! guardian's authority, a birthday, a block. One function asks for the decision again and brings the patient's alerts,
//! escalations and messages in line with it.

use consent::{AlertEscalate, AlertEvaluate};
use diesel::prelude::*;

use super::permits;
use crate::db::error::Result;
use crate::db::schema::alerts as rows;
use crate::db::turn;
use crate::db::tx::{Touched, Tx, View};
use crate::messages::Ground;
use crate::{alerts, escalation, patients};
use domain::{Instant, Outcome};

/// Patients checked in one look.
const AT_ONCE: i64 = 500;

/// Brings everything of a patient that rests on a permit in line with the decision at this instant. Without a permit to
/// evaluate: judgement forgets the patient, and open alerts are resolved `consent_revoked` with their findings hidden,
/// which ends their escalations and cancels their messages. Without a permit to call people: escalations wait, and
/// planned calls are cancelled. With the permit again they go on. Returns how many alerts and escalations changed.
///
/// # Errors
/// Database errors.
pub(crate) fn settle(tx: &mut Tx<'_>, key: i64) -> Result<usize> {
    let evaluate = permits::ask::<AlertEvaluate>(tx, key)?;
    let held = alerts::hold_unresolved_of(tx, key)?;
    if held.is_empty() {
        return Ok(0);
    }
    if evaluate.is_err() {
        for alert in &held {
            alerts::withdraw(tx, alert, Outcome::ConsentRevoked)?;
        }
        tx.touch(Touched::Patient(key));
        return Ok(held.len());
    }
    let patient = patients::id_of(tx, key)?;
    let ground = permits::ask::<AlertEscalate>(tx, key)?.map(|permit| Ground::of(patient, &permit));
    let mut changed = 0;
    for alert in &held {
        changed += usize::from(escalation::on_ground(tx, alert.id(), ground)?);
        tx.step_out();
    }
    Ok(changed)
}

/// Patients with unresolved alerts that the decision no longer agrees with, since their basis ended without anybody's
/// act. Checks a bounded number after `after`, in the order of keys, and returns where to go on.
///
/// # Errors
/// Database errors.
pub fn astray(view: &mut View<'_>, after: i64, now: Instant) -> Result<(Vec<i64>, Option<i64>)> {
    let keys: Vec<i64> = rows::table
        .filter(alerts::unresolved().and(rows::patient_key.gt(after)))
        .select(rows::patient_key)
        .distinct()
        .order(rows::patient_key)
        .limit(AT_ONCE)
        .load(view.conn)?;
    let next = keys.last().copied().filter(|_| i64::try_from(keys.len()).is_ok_and(|n| n == AT_ONCE));
    let waiting = escalation::without_basis(view, AT_ONCE)?;
    let mut astray = Vec::new();
    for key in keys {
        let waits = waiting.contains(&patients::id_of(view, key)?.to_string());
        let evaluate = permits::look::<AlertEvaluate>(view, key, now)?.is_ok();
        if !evaluate || waits != permits::look::<AlertEscalate>(view, key, now)?.is_err() {
            astray.push(key);
        }
    }
    Ok((astray, next))
}

/// As `settle`, in a transaction of its own.
///
/// # Errors
/// Database errors.
pub fn settle_alone(tx: &mut Tx<'_>, key: i64) -> Result<usize> {
    turn::share(tx)?;
    settle(tx, key)
}

/// Ends the grant to call people as time would, without an act.
#[cfg(any(test, feature = "testing"))]
pub fn expire_silently(tx: &mut Tx<'_>, key: i64) -> Result<()> {
    silently(tx, key, consent::Purpose::AlertEscalate)
}

/// Ends the grant to evaluate as time would, without an act.
#[cfg(any(test, feature = "testing"))]
pub fn end_silently(tx: &mut Tx<'_>, key: i64) -> Result<()> {
    silently(tx, key, consent::Purpose::AlertEvaluate)
}

#[cfg(any(test, feature = "testing"))]
fn silently(tx: &mut Tx<'_>, key: i64, purpose: consent::Purpose) -> Result<()> {
    use crate::db::schema::consents;
    let now = tx.now().micros();
    let row = consents::table.find((key, purpose.as_str()));
    diesel::update(row).set(consents::valid_until.eq(Some(now))).execute(tx.conn)?;
    Ok(())
}
