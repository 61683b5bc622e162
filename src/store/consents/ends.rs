//! Grants that end without the patient's act: their period is over, or a heavier text was published. Many at once end a
//! few at a time, each few in a short transaction, so that nobody waits for all of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant as Moment};

use consent::{Act as Choice, Change, Giver, Purpose, State};
use diesel::prelude::*;

use super::{change, ledger};
use crate::domain::Instant;
use crate::store::error::{Error, Result};
use crate::store::schema::{supersessions, terms};
use crate::store::{Tx, View, basis, patients, turn};

/// Grants in one transaction.
const AT_ONCE: usize = 64;
/// A transaction begins no further grant after so long: ingest waits for the turn.
const TURN: Duration = Duration::from_millis(8);

/// A heavier text was published: notes that every grant of an older one is to take note of it, and begins.
///
/// # Errors
/// Database errors.
pub(in crate::store) fn supersede(tx: &mut Tx<'_>, purpose: Purpose, to: Change) -> Result<()> {
    diesel::insert_into(supersessions::table)
        .values((
            supersessions::purpose.eq(purpose.as_str()),
            supersessions::change.eq(to.as_str()),
            supersessions::published_at.eq(tx.now().micros()),
            supersessions::after_key.eq(0_i64),
        ))
        .execute(tx.conn)?;
    end_due(tx).map(drop)
}

/// Whether a grant is to be ended.
///
/// # Errors
/// Database errors.
pub fn any_due(view: &mut View<'_>, now: Instant) -> Result<bool> {
    let open: Option<i64> = supersessions::table
        .filter(supersessions::done_at.is_null())
        .select(supersessions::id)
        .first(view.conn)
        .optional()?;
    Ok(open.is_some() || !ledger::due(view, now, 1)?.is_empty())
}

/// Ends some grants whose period is over, or marks some that a heavier text superseded. Says how many were looked at; 0
/// when nothing is left.
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
    let Some(open) = Supersession::first(tx)? else { return Ok(0) };
    let grants = open.grants(tx)?;
    let pairs: Vec<(i64, Purpose)> = grants.iter().map(|key| (*key, open.purpose)).collect();
    let (done, last) = end(tx, &pairs, &Choice::Superseded(open.to))?;
    let whole = done == pairs.len() && pairs.len() < AT_ONCE;
    diesel::update(supersessions::table.find(open.id))
        .set((
            supersessions::after_key.eq(last.unwrap_or(open.after_key)),
            supersessions::done_at.eq(whole.then_some(now.micros())),
        ))
        .execute(tx.conn)?;
    Ok(done.max(1))
}

/// Applies an act to grants in the order of patients, as many as fit the turn; then settles what hangs on them. Says how
/// many were done, and the last patient.
fn end(tx: &mut Tx<'_>, grants: &[(i64, Purpose)], choice: &Choice) -> Result<(usize, Option<i64>)> {
    let began = Moment::now();
    let (mut done, mut ended) = (0, BTreeSet::new());
    for (key, purpose) in grants {
        if done > 0 && began.elapsed() > TURN {
            break;
        }
        let patient = patients::id_of(tx, *key)?;
        let outcome = change(tx, (*key, patient), *purpose, choice.clone(), &Giver::System.into())?;
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

/// A heavier text whose grants are not all marked yet.
struct Supersession {
    id: i64,
    purpose: Purpose,
    to: Change,
    published_at: i64,
    after_key: i64,
}

impl Supersession {
    fn first(view: &mut View<'_>) -> Result<Option<Self>> {
        let row: Option<(i64, String, String, i64, i64)> = supersessions::table
            .filter(supersessions::done_at.is_null())
            .order(supersessions::id)
            .select((
                supersessions::id,
                supersessions::purpose,
                supersessions::change,
                supersessions::published_at,
                supersessions::after_key,
            ))
            .first(view.conn)
            .optional()?;
        let Some((id, purpose, change, published_at, after_key)) = row else { return Ok(None) };
        Ok(Some(Self {
            id,
            purpose: Purpose::parse(&purpose).ok_or(Error::Corrupt("supersessions.purpose"))?,
            to: Change::parse(&change).ok_or(Error::Corrupt("supersessions.change"))?,
            published_at,
            after_key,
        }))
    }

    /// The next patients whose standing grant names a text older than this one.
    fn grants(&self, view: &mut View<'_>) -> Result<Vec<i64>> {
        let since: Vec<Vec<u8>> = terms::table
            .filter(terms::purpose.eq(self.purpose.as_str()).and(terms::published_at.ge(self.published_at)))
            .select(terms::text_sha256)
            .load(view.conn)?;
        ledger::standing(
            view,
            self.purpose,
            &since,
            self.after_key,
            AT_ONCE,
            &[State::Granted, State::Suspended],
        )
    }
}
