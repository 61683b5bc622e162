//! What a change of an alert means for its escalation, in the transaction that makes the change.

use super::super::messages::{self, Ground};
use super::super::versions;
use super::paging::Finder;
use super::{ALERT, Advanced, RED, begin, facts, lock, of_alert, policy_of_run, save};
use crate::db::error::Result;
use crate::db::tx::{Actor, Tx};
use domain::escalation::{Did, Pace, Policy, Run, State};
use domain::{AlertCase, AlertState, Instant, Level, UserId};

/// Adjusts the escalation of an alert that changed or was opened (`old` is `None`, also when it pages only from now
/// on). Pages to people who are no longer needed are cancelled: all of them when nobody need be called or an SLA clock
/// stopped, else those of whoever handed the case on.
///
/// # Errors
/// Database errors.
pub(crate) fn follow(
    tx: &mut Tx<'_>,
    old: Option<&AlertCase>,
    new: &AlertCase,
    retrospective: bool,
    clock_stopped: bool,
) -> Result<()> {
    let waits = new.state == AlertState::Open && new.facts.level == Level::Red && !retrospective;
    let waited = old.is_some_and(|old| old.state == AlertState::Open && old.facts.level == Level::Red);
    let red = if waits && !waited { begin_red(tx, new)? } else { Red::Goes };
    let advanced = match (red, old) {
        (Red::Instead(policy), _) => on(tx, new, |run, now| {
            run.give_way(policy, now);
            None
        })?,
        (Red::Goes, Some(old)) if !unmoved(old, new) => {
            let actor = tx.actor();
            on(tx, new, |run, now| moved(run, old, new, actor, now))?
        }
        _ => Followed::Still,
    };
    let silent = match &advanced {
        Followed::Unreadable => new.state != AlertState::Open,
        Followed::Moved(one) => !matches!(one.run.state, State::Waiting | State::NobodyReached),
        Followed::Still => false,
    };
    if silent || clock_stopped {
        messages::cancel(tx, ALERT, &new.id.to_string())?;
    } else if let Some(old) = old {
        for user in let_go(old, new, tx.actor()) {
            messages::let_go(tx, ALERT, &new.id.to_string(), user)?;
        }
    }
    let answer = old.and_then(|old| new.acknowledgements.get(old.acknowledgements.len()..)?.last());
    if let (Followed::Moved(one), Some(answer)) = (&advanced, answer) {
        facts::answered(tx, one, answer.by);
    }
    match advanced {
        Followed::Moved(one) => super::page(tx, &[*one], &mut Finder::default()),
        Followed::Still | Followed::Unreadable => Ok(()),
    }
}

/// What became of the escalation.
enum Followed {
    /// Nothing.
    Still,
    /// It changed, and is written.
    Moved(Box<Advanced>),
    /// It cannot be read. The auditor reports it, and the person's act stands.
    Unreadable,
}

fn on(
    tx: &mut Tx<'_>,
    new: &AlertCase,
    how: impl FnOnce(&mut Run, Instant) -> Option<Did>,
) -> Result<Followed> {
    let from = match lock(tx, new.id) {
        Ok(Some(from)) => from,
        Ok(None) => return Ok(Followed::Still),
        Err(error) if error.is_the_rows() => {
            tracing::error!(alert = %new.id, %error, "the escalation of an alert cannot be read; the answer stands");
            return Ok(Followed::Unreadable);
        }
        Err(error) => return Err(error),
    };
    let ground = Ground::ask(tx, new.patient)?;
    let mut run = from.run.clone();
    let did = how(&mut run, tx.now());
    if ground.is_err() {
        // Without a legal ground nobody is called: whoever it is given to finds it on the queue.
        run.basis_ended();
    }
    if run == from.run {
        return Ok(Followed::Still);
    }
    let one = Advanced { from, run, did: did.into_iter().collect(), due_at: tx.now(), ground };
    save(tx, std::slice::from_ref(&one))?;
    Ok(Followed::Moved(Box::new(one)))
}

/// How a case that became red escalates.
enum Red {
    /// It began to.
    Began,
    /// By the escalation it already has, or by none.
    Goes,
    /// By this policy instead of one that was begun for a lesser case.
    Instead(Policy),
}

fn begin_red(tx: &mut Tx<'_>, case: &AlertCase) -> Result<Red> {
    let now = tx.now();
    let Some(policy) = versions::in_force::<Policy>(tx, RED, now)? else {
        tracing::error!(policy = RED, "a red alert has no escalation policy; `zelo serve` seeds it");
        return Ok(Red::Goes);
    };
    let policy = policy_of_run(policy);
    let ground = Ground::ask(tx, case.patient)?;
    if begin(tx, case.id, case.patient, Run::begin(policy.clone(), now), ground)? {
        return Ok(Red::Began);
    }
    let slow = of_alert(tx, case.id)?
        .is_some_and(|escalation| escalation.run.pace != Pace::Relentless || escalation.run.policy.id != RED);
    Ok(if slow { Red::Instead(policy) } else { Red::Goes })
}

fn unmoved(old: &AlertCase, new: &AlertCase) -> bool {
    let of = |case: &AlertCase| {
        (case.state, case.owner, case.claimed_until, case.acknowledgements.len(), case.is_settled())
    };
    of(old) == of(new)
}

/// The person to whom it was handed.
fn given(old: &AlertCase, new: &AlertCase) -> Option<UserId> {
    new.owner.filter(|_| new.owner != old.owner && new.claimed_until.is_none())
}

/// The people it leaves because it was handed on by name: whoever handed it on, and whoever had it.
fn let_go(old: &AlertCase, new: &AlertCase, actor: Actor) -> Vec<UserId> {
    let (Some(to), AlertState::Open, Actor::User { id, .. }) = (given(old, new), new.state, actor) else {
        return Vec::new();
    };
    [Some(id), old.owner].into_iter().flatten().filter(|user| *user != to).collect()
}

/// Changes the run of a policy as the change of its case requires.
fn moved(run: &mut Run, old: &AlertCase, new: &AlertCase, actor: Actor, now: Instant) -> Option<Did> {
    // A run that is done refuses everything but beginning again, and may.
    let refused = |_done| None;
    let answered = new.acknowledgements.len() > old.acknowledgements.len();
    if let (Some(to), AlertState::Open, Actor::User { .. }) = (given(old, new), new.state, actor) {
        return run.reassign(to, now).map_or_else(refused, Some);
    }
    match new.state {
        AlertState::Resolved => {
            if run.state != State::Done {
                run.finish();
            }
            None
        }
        // The episode is over and was never red: nobody is called. Should it go on after all, somebody is.
        _ if new.is_settled() => {
            if run.state != State::Done {
                run.finish();
            }
            None
        }
        // Its holder is gone although no wait ended: they can no longer answer.
        AlertState::Open if old.state == AlertState::Open && old.owner.is_some() && new.owner.is_none() => {
            run.abandoned(now).map_or_else(refused, |()| None)
        }
        AlertState::Open if old.is_settled() => run.unacknowledge(now).map_or_else(refused, |()| None),
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
                // Whoever claims it has it alone for a while.
                Some(until) => run.snooze(to, now, until).map_or_else(refused, |()| None),
                None => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::NOW;
    use domain::alerts::{Act, Facts, LEASE, Outcome, act};
    use domain::{AlertId, PatientId, Role};

    /// Whether case and escalation tell the same story.
    fn agree(case: &AlertCase, run: &Run, now: Instant) -> bool {
        let leased = case.claimed_until.is_some_and(|until| until > now);
        match (case.state, run.state) {
            (AlertState::Resolved, State::Done)
            | (AlertState::Acknowledged, State::Acknowledged(_))
            | (AlertState::Snoozed, State::Snoozed(_)) => true,
            (AlertState::Open, State::Snoozed(_)) => leased,
            (AlertState::Open, State::Waiting | State::NobodyReached) => true,
            _ => false,
        }
    }

    /// One change, as its transaction makes it.
    fn change(case: &mut AlertCase, run: &mut Run, next: AlertCase, actor: Actor, now: Instant) {
        if !unmoved(case, &next) {
            moved(run, case, &next, actor, now);
        }
        *case = next;
    }

    #[test]
    fn after_every_pair_of_acts_and_when_its_wait_is_over_case_and_escalation_tell_the_same_story() {
        let (ana, bia) = (UserId::new(NOW), UserId::new(NOW.plus(Duration::from_secs(1))));
        let minute = |n: u64| NOW.plus(Duration::from_secs(60 * n));
        let acts = [
            Act::Claim,
            Act::Ack,
            Act::Unack,
            Act::Snooze { until: minute(20) },
            Act::Resolve { outcome: Outcome::TrueAlarm },
            Act::Reassign { to: bia },
        ];
        let policy = domain::escalation::seeds().into_iter().find(|policy| policy.id == RED).unwrap();
        for first in acts {
            for second in acts {
                for (by, then) in [(ana, ana), (ana, bia)] {
                    let facts =
                        Facts { started_at: NOW, ended_at: None, level: Level::Red, peak: Level::Red };
                    let mut case = AlertCase::open(AlertId::new(NOW), PatientId::new(NOW), facts);
                    let mut run = Run::begin(policy.clone(), NOW);
                    let mut nobody = |_: &domain::escalation::Step| vec![ana];
                    run.tick(NOW, &mut nobody);
                    for (n, who, one) in [(1, by, first), (2, then, second)] {
                        let actor = Actor::User { id: who, role: Role::Clinician };
                        if let Ok(next) = act(&case, one, who, minute(n)) {
                            change(&mut case, &mut run, next, actor, minute(n));
                        }
                        assert!(
                            agree(&case, &run, minute(n)),
                            "{first:?}, {second:?}: {case:?} beside {:?}",
                            run.state
                        );
                    }
                    // Whoever comes first, housekeeping or the escalation: the wait ends for both.
                    let late = minute(2).plus(LEASE).max(minute(40));
                    let (mut woken, mut woken_run) = (case.clone(), run.clone());
                    let next = woken.awake(late);
                    change(&mut woken, &mut woken_run, next, Actor::System("test"), late);
                    assert!(
                        woken.state != AlertState::Snoozed && agree(&woken, &woken_run, late)
                            || woken.state == AlertState::Open,
                        "{first:?}, {second:?} woken: {woken:?} beside {:?}",
                        woken_run.state
                    );
                    let did = run.tick(late, &mut nobody);
                    if did.contains(&Did::Resumed) {
                        case = case.resumed(late);
                    }
                    assert!(
                        agree(&case, &run, late),
                        "{first:?}, {second:?} later: {case:?} beside {:?}",
                        run.state
                    );
                }
            }
        }
    }
}
