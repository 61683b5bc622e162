//! Pausing clocks for a reason: somebody waits for the patient, for a third party, or for an agreed call.

use super::follow::explained;
use super::{ALERT, SlaClock, locked, save};
use crate::alerts::{self, StoredAlert};
use crate::db::error::{Error, Result};
use crate::db::tx::act::Act;
use crate::db::tx::{Actor, Tx};
use domain::sla::{Metric, Pause, PauseReason};
use domain::{AlertId, Level};

/// Pauses the clocks of an alert that somebody answered for, until they are resumed or `LONGEST_PAUSE` is used
/// up over the life of the case (`LONGEST_PAUSE_OF_RED` for a red). The second pause of a red in a row must
/// come from another person.
///
/// # Errors
/// [`Error::Refused`] `E_STATE` while nobody has answered, when no clock runs, while a pause is open, or when the
/// allowed time is used up; `E_FOUR_EYES` for a red that this person paused last.
pub fn pause(tx: &mut Tx<'_>, id: AlertId, reason: PauseReason) -> Result<Vec<SlaClock>> {
    let alert = alerts::lock(tx, id)?;
    let mut there = locked(tx, id)?;
    let waited_for =
        |clock: &SlaClock| clock.metric == Metric::FirstResponse && clock.timer().stopped_at.is_none();
    if there.iter().any(waited_for) {
        return Err(state("nobody has answered yet: acknowledge the alert, then pause"));
    }
    let running = |clock: &SlaClock| clock.timer().stopped_at.is_none() && !clock.timer().is_paused();
    let now = tx.now();
    let by = match tx.actor() {
        Actor::User { id, .. } => Some(id),
        _ => None,
    };
    if there.iter().any(|clock| running(clock) && clock.pause_left().is_zero()) {
        return Err(state("its clocks stood still for as long as they may: nobody pauses them any more"));
    }
    if there.iter().any(|clock| clock.level() == Level::Red && by.is_some() && clock.record.paused_by == by) {
        let what = "you paused this red alert last: the next pause is for another person";
        return Err(Error::Refused { code: "E_FOUR_EYES", what });
    }
    change(tx, &alert, &mut there, "sla.paused", reason.name(), running, |clock| {
        clock.record.paused_by = by;
        clock.record.timer.pauses.push(Pause { from: now, to: None, reason });
    })?;
    Ok(there)
}

/// Resumes paused clocks.
///
/// # Errors
/// [`Error::Refused`] `E_STATE` when none is paused.
pub fn resume(tx: &mut Tx<'_>, id: AlertId) -> Result<Vec<SlaClock>> {
    let alert = alerts::lock(tx, id)?;
    let mut there = locked(tx, id)?;
    let now = tx.now();
    let paused = |clock: &SlaClock| clock.timer().is_paused();
    change(tx, &alert, &mut there, "sla.resumed", "by_hand", paused, |clock| clock.go_on(now))?;
    Ok(there)
}

fn change(
    tx: &mut Tx<'_>,
    alert: &StoredAlert,
    there: &mut [SlaClock],
    kind: &'static str,
    code: &'static str,
    which: impl Fn(&SlaClock) -> bool,
    mut how: impl FnMut(&mut SlaClock),
) -> Result<()> {
    let now = tx.now();
    let mut clocks = Vec::new();
    for clock in there.iter_mut().filter(|clock| which(clock)) {
        how(clock);
        save(tx, clock)?;
        clocks.push(explained(clock, now));
    }
    if clocks.is_empty() {
        return Err(state("no clock of this alert is in that state: look again"));
    }
    let body = serde_json::json!({ ALERT: alert.id(), "clocks": clocks });
    tx.audit(&Act::new(kind).patient(alert.case.patient).code(code).body(body))?;
    tx.signal("alert.changed", alert.id())
}

const fn state(what: &'static str) -> Error {
    Error::Refused { code: "E_STATE", what }
}
