//! Permits that the program itself asks for in a transaction. The consents stay locked until it ends, so a revocation
//! comes strictly before or after what the permit allows.

use std::collections::BTreeMap;

use consent::{Bases, Context, Datum, Denied, Permit, Purpose, Reach, Request, Typed, Verdict};
use diesel::prelude::*;

use super::{ledger, subjects};
use crate::db::error::Result;
use crate::db::schema::patients as people;
use crate::{Tx, View, patients};
use domain::{Instant, PatientId};

/// The purposes whose rows the program's decisions depend on.
pub(crate) const CHAIN: [Purpose; 3] =
    [Purpose::TelemetryCollect, Purpose::AlertEvaluate, Purpose::AlertEscalate];

/// An answer of the decision: the permit, or why there is none.
pub(crate) type Asked<P> = std::result::Result<Permit<P>, Denied>;

/// Locks the consents of these patients. Call it before locking alerts or anything below them.
///
/// # Errors
/// Database errors.
pub(crate) fn lock(tx: &mut Tx<'_>, patients: &[i64]) -> Result<()> {
    let fresh: Vec<i64> = patients.iter().copied().filter(|key| !tx.holds_consents(*key)).collect();
    if fresh.is_empty() {
        return Ok(());
    }
    ledger::lock_for_share(tx, &fresh, &CHAIN).map(drop)
}

/// Whether the program may act on a patient's data for `P` now. The consents stay locked until the transaction ends.
///
/// # Errors
/// Database errors.
pub(crate) fn ask<P: Typed>(tx: &mut Tx<'_>, patient_key: i64) -> Result<Asked<P>> {
    lock(tx, &[patient_key])?;
    let now = tx.now();
    look(tx, patient_key, now)
}

/// As [`ask`], by the patient's id.
///
/// # Errors
/// Database errors.
pub(crate) fn ask_of<P: Typed>(tx: &mut Tx<'_>, patient: PatientId) -> Result<Asked<P>> {
    let key = patients::key_of(tx, patient)?;
    ask(tx, key)
}

/// As [`ask`], for a purpose that a row names.
///
/// # Errors
/// Database errors.
pub(crate) fn ask_for(
    tx: &mut Tx<'_>,
    patient: PatientId,
    purpose: Purpose,
) -> Result<std::result::Result<Verdict, Denied>> {
    let key = patients::key_of(tx, patient)?;
    lock(tx, &[key])?;
    let now = tx.now();
    decided(tx, key, now, |request| consent::judge(purpose, request))
}

/// As [`ask_of`], for several patients with few queries. A patient who does not exist is absent from the answer.
///
/// # Errors
/// Database errors.
pub(crate) fn ask_all<P: Typed>(
    tx: &mut Tx<'_>,
    patients: &[PatientId],
) -> Result<BTreeMap<PatientId, Asked<P>>> {
    let now = tx.now();
    let names: Vec<String> = patients.iter().map(ToString::to_string).collect();
    let keys: Vec<i64> = people::table.filter(people::id.eq_any(names)).select(people::key).load(tx.conn)?;
    let (bases, context) = (Bases::default(), context(now));
    let decide = |row: subjects::PatientRow| {
        let request =
            Request { bases: &bases, records: &row.records, subject: &row.subject, context: &context };
        (row.id, consent::decide::<P>(&request))
    };
    Ok(subjects::patients(tx, &keys)?.into_iter().map(decide).collect())
}

/// The decision at this moment, without a lock: for display only. Never act on it.
///
/// # Errors
/// Database errors.
pub fn look<P: Typed>(view: &mut View<'_>, patient_key: i64, now: Instant) -> Result<Asked<P>> {
    decided(view, patient_key, now, consent::decide::<P>)
}

fn decided<T>(
    view: &mut View<'_>,
    patient_key: i64,
    now: Instant,
    decide: impl FnOnce(&Request<'_>) -> T,
) -> Result<T> {
    let records = ledger::of(view, patient_key)?;
    let subject = patients::subject(view, patient_key, now)?;
    let (bases, context) = (Bases::default(), context(now));
    Ok(decide(&Request { bases: &bases, records: &records, subject: &subject, context: &context }))
}

/// A page names the case and links to it, without readings; staff are reached on the clinic's own channels.
fn context(now: Instant) -> Context<'static> {
    Context { data: &[Datum::Finding], reach: Reach::Staff, ..Context::system(now.micros()) }
}
