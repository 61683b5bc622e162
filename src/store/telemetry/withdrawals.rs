//! Readings that their own source takes back (FHIR `entered-in-error`). Only what was committed can be: whether it was
//! is looked up before the transaction of ingest, which opens no chunk.

use std::collections::HashMap;
use std::time::Duration;

use consent::{Permit, TelemetryCollect};

use super::ReadingStore;
use super::amendments::Identity;
use super::chunk_rows::Series;
use super::row::{ReceiptRef, StoredReading};
use super::series::{first_committed, opened};
use crate::domain::{PatientId, Reading, Withdrawal};
use crate::store::conn::on;
use crate::store::error::{Error, Result};
use crate::store::{Tx, View};

/// A withdrawal with whose reading it names and which message brought it.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawn {
    /// Whose: surrogate key and id.
    pub patient: (i64, PatientId),
    /// `devices.key` of the device that measured: it can only name its own readings.
    pub device_key: i64,
    /// What is taken back.
    pub what: Withdrawal,
    /// The message that says so.
    pub received: ReceiptRef,
}

/// What became of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is in force at that identity any more; what was stays as superseded.
    Withdrawn,
    /// What it names was not in force any more.
    Already,
    /// Nothing was committed before it that it could name.
    Unknown,
}

/// What was committed of the identities that messages withdraw.
#[derive(Default)]
pub struct Known {
    first: HashMap<super::Identity, StoredReading>,
}

impl Known {
    /// Looks one up in journal and chunks. A series that cannot be opened has nothing to withdraw.
    ///
    /// # Errors
    /// Database errors.
    pub fn look_up(
        &mut self,
        view: &mut View<'_>,
        patient_key: i64,
        device_key: i64,
        what: &Withdrawal,
    ) -> Result<()> {
        let series = Series::new(patient_key, what.signal);
        let after = what.at.plus(Duration::from_micros(1));
        let stored = match first_committed(view, series, what.at, after) {
            Ok(stored) => stored,
            Err(Error::Sealed(_) | Error::Corrupt(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let first = stored.into_iter().find(|stored| stored.device_key == device_key);
        let identity = (what.at.micros(), patient_key, what.signal.code(), device_key);
        self.first.extend(first.map(|first| (identity, first)));
        Ok(())
    }
}

/// Withdraws what is in force at an identity: it stays as superseded, its series is judged again, and
/// `reading.amended` is in the log. A withdrawal that says a value takes back that value and no other.
///
/// # Errors
/// [`Error::Denied`] for an instant before the grant; [`Error::Busy`] when another transaction amends it at once.
pub fn withdraw(
    tx: &mut Tx<'_>,
    permit: &Permit<TelemetryCollect>,
    new: &Withdrawn,
    known: &Known,
) -> Result<Outcome> {
    let Withdrawn { patient, device_key, what, received } = *new;
    permit.covers(what.at.micros())?;
    let identity = Identity { patient, signal: what.signal, at: what.at, device_key };
    let history = identity.history(tx)?;
    let last = history.last(tx)?;
    let in_force = match &last {
        Some(last) => last.reading,
        None => {
            first(tx, &identity, known)?.filter(|first| !first.received.is_after(received)).map(|f| f.reading)
        }
    };
    let names = |reading: &Reading| what.said.is_none_or(|said| said.says_the_same(reading));
    match in_force.filter(names) {
        Some(reading) => {
            identity.withdraw(tx, history.next(), received, &reading)?;
            Ok(Outcome::Withdrawn)
        }
        None if last.is_some() || history.taken_back(tx)?.is_some() => Ok(Outcome::Already),
        None => Ok(Outcome::Unknown),
    }
}

/// What was committed first: as it was looked up, or by a message of the same commit.
fn first(tx: &mut Tx<'_>, identity: &Identity, known: &Known) -> Result<Option<StoredReading>> {
    let key = (identity.at.micros(), identity.patient.0, identity.signal.code(), identity.device_key);
    if let Some(first) = known.first.get(&key) {
        return Ok(Some(*first));
    }
    let rows = on!(&mut *tx.conn, |c| c.find(&[key]))?;
    Ok(opened(tx, identity.series(), &rows)?.pop())
}
