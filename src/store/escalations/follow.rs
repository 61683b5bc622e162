//! What a change of an alert means for its climb, in the transaction that makes the change.

use super::super::error::Result;
use super::super::messages;
use super::super::paging::Finder;
use super::super::tx::{Actor, Tx};
use super::super::versions;
use super::{ALERT, Climbed, RED, begin, hold, keep};
use crate::domain::escalation::{Did, Policy, Run, State};
use crate::domain::{AlertCase, AlertState, Instant, Level};

/// An alert changed, or came to be (`old` is `None`, or it pages only from now on): its climb follows in the same
/// transaction. What was planned for somebody who need not come any more is cancelled.
///
/// # Errors
/// Database errors.
pub fn follow(tx: &mut Tx<'_>, old: Option<&AlertCase>, new: &AlertCase, retrospective: bool) -> Result<()> {
    let waits = new.state == AlertState::Open && new.facts.level == Level::Red && !retrospective;
    let waited = old.is_some_and(|old| old.state == AlertState::Open && old.facts.level == Level::Red);
    if waits && !waited && begin_red(tx, new)? {
        return Ok(());
    }
    let Some(old) = old else { return Ok(()) };
    if unmoved(old, new) {
        return Ok(());
    }
    let case = new.id.to_string();
    let climb = match hold(tx, ALERT, &case) {
        Ok(Some(climb)) => climb,
        Ok(None) => return Ok(()),
        // A climb that cannot be read must not keep a person from answering.
        Err(error) if error.is_the_rows() => {
            tracing::error!(alert = %case, %error, "the climb of an alert cannot be read; the answer stands");
            return match new.state {
                AlertState::Open => Ok(()),
                _ => messages::cancel(tx, ALERT, &case).map(drop),
            };
        }
        Err(error) => return Err(error),
    };
    let mut run = climb.run.clone();
    let did = moved(&mut run, old, new, tx.actor(), tx.now());
    if run == climb.run {
        return Ok(());
    }
    let climbed = [Climbed { from: climb, run, did: did.into_iter().collect(), due_at: tx.now() }];
    keep(tx, &climbed)?;
    if !climbed.iter().any(|one| matches!(one.run.state, State::Climbing | State::NobodyReached)) {
        messages::cancel(tx, ALERT, &case)?;
    }
    messages::page(tx, &climbed, &mut Finder::default())
}

fn begin_red(tx: &mut Tx<'_>, case: &AlertCase) -> Result<bool> {
    let now = tx.now();
    let Some(policy) = versions::in_force::<Policy>(tx, RED, now)? else {
        tracing::error!(policy = RED, "a red alert has no policy to climb; `zelo serve` seeds it");
        return Ok(false);
    };
    begin(tx, (ALERT, &case.id.to_string()), Some(case.patient), policy)
}

fn unmoved(old: &AlertCase, new: &AlertCase) -> bool {
    (old.state, old.owner, old.claimed_until, old.acknowledgements.len())
        == (new.state, new.owner, new.claimed_until, new.acknowledgements.len())
}

/// What a case's change means for its climb.
fn moved(run: &mut Run, old: &AlertCase, new: &AlertCase, actor: Actor, now: Instant) -> Option<Did> {
    // A climb that is done takes nothing but being begun again: what it refuses, it need not do.
    let refused = |_done| None;
    let answered = new.acknowledgements.len() > old.acknowledgements.len();
    match new.state {
        AlertState::Resolved => {
            if run.state != State::Done {
                run.finish();
            }
            None
        }
        AlertState::Snoozed => {
            let snooze = new.snooze?;
            run.snooze(snooze.by, now, snooze.until).map_or_else(refused, |()| None)
        }
        AlertState::Acknowledged if answered => {
            let by = new.acknowledgements.last()?.by;
            run.acknowledge(by, now).map_or_else(refused, |()| None)
        }
        AlertState::Open if old.state != AlertState::Open => {
            run.unacknowledge(now).map_or_else(refused, |()| None)
        }
        AlertState::Open | AlertState::Acknowledged => {
            let to =
                new.owner.filter(|_| new.owner != old.owner || new.claimed_until != old.claimed_until)?;
            match new.claimed_until {
                // Who takes it is left alone with it for a while.
                Some(until) => run.snooze(to, now, until).map_or_else(refused, |()| None),
                None if matches!(actor, Actor::User { .. }) => {
                    run.reassign(to, now).map_or_else(refused, Some)
                }
                None => None,
            }
        }
    }
}
