//! The facts of escalations: begun, calling people, answered, at the top without an answer.

use super::{Advanced, Escalation};
use crate::db::tx::Tx;
use crate::kpis::facts::append;
use domain::escalation::{Did, Run, State};
use domain::kpis::{Amount, Dimension, Fact, Kind};
use domain::{Instant, UserId};

/// An escalation began.
pub(super) fn begun(tx: &mut Tx<'_>, from: &Escalation) {
    let now = tx.now();
    append(tx, of(Kind::EscalationBegun, from, &from.run, now));
}

/// What escalations did by themselves, or because somebody was handed a case.
pub(super) fn advanced(tx: &mut Tx<'_>, advanced: &[Advanced]) {
    let now = tx.now();
    for Advanced { from, run, did, .. } in advanced {
        for did in did {
            match did {
                Did::Paged { step, people, .. } => {
                    let step = match (step, run.state) {
                        (Some(step), _) => (step + 1).to_string(),
                        (None, State::NobodyReached) => "top".to_owned(),
                        (None, _) => "named".to_owned(),
                    };
                    let paged = of(Kind::EscalationPaged, from, run, now).with(Dimension::Step, &step);
                    append(tx, paged.amounting(Amount::people(people.len())));
                }
                Did::NobodyReached => {
                    let took = Amount::took(now.since(from.started_at));
                    append(tx, of(Kind::EscalationExhausted, from, run, now).amounting(took));
                }
                Did::Joined { .. } | Did::Empty { .. } | Did::Resumed | Did::Withheld => {}
            }
        }
    }
}

/// A named person answered. While it waited already, for an earlier answer or a silence, it was calling nobody.
pub(super) fn answered(tx: &mut Tx<'_>, Advanced { from, run, .. }: &Advanced, by: UserId) {
    if matches!(from.run.state, State::Waiting | State::NobodyReached) {
        let now = tx.now();
        let took = Amount::took(now.since(from.run.stepped_at));
        append(tx, of(Kind::EscalationAnswered, from, run, now).by(Some(by)).amounting(took));
    }
}

/// The fence counts every change of a run.
fn of(kind: Kind, from: &Escalation, run: &Run, now: Instant) -> Fact {
    let fence = i64::try_from(run.fence).unwrap_or(i64::MAX);
    Fact::new(kind, &from.id, fence, now).of(from.patient).with(Dimension::Policy, &run.policy.id)
}
