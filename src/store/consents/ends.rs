//! Grants that end without the patient's act: their period is over, or a heavier text was published. When many end at
//! once they end a few at a time, in short transactions, so that nobody waits for all of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant as Moment};

use consent::{Act as Choice, Change, Giver, Purpose, State};

use super::{change, ledger};
use crate::consents::{basis, supersessions};
use crate::db::error::Result;
use crate::db::turn;
use crate::patients::keyed::Keyed;
use crate::{Touched, Tx, View, patients};
use domain::Instant;

/// Grants in one transaction.
const AT_ONCE: usize = 64;
/// A transaction begins no further grant after this: ingest waits for the turn.
const TURN: Duration = Duration::from_millis(8);

/// Records that a heavier text was published. From this commit on a grant of an older text no longer permits what the
/// new text asks for again, and the marking begins.
///
/// # Errors
/// Database errors.
pub(crate) fn supersede(tx: &mut Tx<'_>, purpose: Purpose, to: Change) -> Result<()> {
    supersessions::begin(tx, purpose, to)?;
    tx.touch(Touched::Everything);
    end_due(tx).map(drop)
}

/// Whether any grant is due to end.
///
/// # Errors
/// Database errors.
pub fn any_due(view: &mut View<'_>, now: Instant) -> Result<bool> {
    Ok(!supersessions::open(view)?.is_empty() || !ledger::due(view, now, 1)?.is_empty())
}

/// Ends some grants whose period is over, or marks some that a heavier text superseded. Returns how many were
/// processed; 0 when none is left.
///
/// # Errors
/// Database errors.
pub fn end_due(tx: &mut Tx<'_>) -> Result<usize> {
    turn::take(tx)?;
    let now = tx.now();
    let over = ledger::due(tx, now, AT_ONCE)?;
    if !over.is_empty() {
        let grants = over.iter().map(|(key, record)| (*key, record.purpose)).collect::<Vec<_>>();
        return end(tx, &grants, &Choice::Expired).map(|(done, _)| done);
    }
    let Some(open) = supersessions::open(tx)?.into_iter().next() else { return Ok(0) };
    let texts = open.texts(tx)?;
    let marked = [State::Granted, State::Suspended];
    let grants = ledger::standing(tx, open.purpose, &texts, open.after_key, AT_ONCE, &marked)?;
    let pairs: Vec<(i64, Purpose)> = grants.iter().map(|key| (*key, open.purpose)).collect();
    let (done, last) = end(tx, &pairs, &Choice::Superseded(open.to))?;
    let whole = done == pairs.len() && pairs.len() < AT_ONCE;
    open.reached(tx, last, whole.then_some(now))?;
    Ok(done.max(1))
}

/// Applies an act to grants in the order of patients, as many as fit the turn, and settles what depends on them.
/// Returns how many, and the last patient.
fn end(tx: &mut Tx<'_>, grants: &[(i64, Purpose)], choice: &Choice) -> Result<(usize, Option<i64>)> {
    let began = Moment::now();
    let (mut done, mut ended) = (0, BTreeSet::new());
    for (key, purpose) in grants {
        if done > 0 && began.elapsed() > TURN {
            break;
        }
        let whose = Keyed { key: *key, id: patients::id_of(tx, *key)? };
        let outcome = change(tx, whose, *purpose, choice.clone(), &Giver::System.into())?;
        if outcome.changed {
            ended.insert(*key);
        }
        done += 1;
    }
    for key in &ended {
        basis::settle(tx, *key)?;
    }
    Ok((done, grants.get(..done).and_then(<[_]>::last).map(|(key, _)| *key)))
}
