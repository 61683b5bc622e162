//! Readings that their own source withdraws (FHIR `entered-in-error`). Only what was committed can be withdrawn:
//! whether it was is looked up before the transaction of ingest, which opens no chunk.

use std::collections::HashMap;
use std::time::Duration;

use consent::{Permit, TelemetryCollect};

use super::{Amended, By, Generation, Identity, amend};
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::devices::Wearer;
use crate::keys::Subject;
use crate::patients::keyed::Keyed;
use crate::readings::chunks::rows::Series;
use crate::readings::journal::backend::ReadingStore;
use crate::readings::journal::row::StoredReading;
use crate::readings::quarantine::{self, Aside, Item};
use crate::readings::receipt::ReceiptRef;
use crate::readings::series::{first_committed, opened};
use crate::{Tx, View};
use domain::{Instant, PatientId, Reading, Signal, Withdrawal};

/// A withdrawal with whose reading it names and which message brought it.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawn {
    /// Whose.
    pub patient: Keyed<PatientId>,
    /// `devices.key` of the device that measured: it can only name its own readings.
    pub device_key: i64,
    /// What is taken back.
    pub what: Withdrawal,
    /// The message that says so.
    pub received: ReceiptRef,
    /// Whether the device is still at its patient, or a clinician decided; else it waits for one.
    pub still: bool,
}

/// The result of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is in force at that identity any more; what was stays as superseded.
    Withdrawn,
    /// It waits for a clinician: the device is at its patient no more.
    Aside,
    /// What it names was not in force any more.
    Already,
    /// Nothing was committed before it that it could name.
    Unknown,
}

/// What was committed of the identities that messages withdraw; what was looked for in vain too.
#[derive(Default)]
pub struct Known {
    first: HashMap<crate::readings::journal::row::Identity, Option<StoredReading>>,
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
        let first = committed(view, series, what.at, device_key)?;
        self.first.insert((what.at.micros(), patient_key, what.signal.code(), device_key), first);
        Ok(())
    }
}

/// What was committed first of an identity, in journal or chunk. A series that cannot be opened has nothing.
fn committed(
    view: &mut View<'_>,
    series: Series,
    at: Instant,
    device_key: i64,
) -> Result<Option<StoredReading>> {
    match first_committed(view, series, at, at.plus(Duration::from_micros(1))) {
        Ok(stored) => Ok(stored.into_iter().find(|stored| stored.device_key == device_key)),
        Err(Error::Sealed(..) | Error::Corrupt(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What was committed first of a reading's identity as a patient's, whatever is in force there.
///
/// # Errors
/// Database errors.
pub fn first_of(view: &mut View<'_>, wearer: Wearer, signal: Signal, at: Instant) -> Result<Option<Reading>> {
    let first = committed(view, Series::new(wearer.patient_key, signal), at, wearer.device_key)?;
    Ok(first.map(|stored| stored.reading))
}

/// What a patient has of the reading that a source takes back.
///
/// # Errors
/// Database errors; a destroyed key.
pub(crate) fn theirs(
    view: &mut View<'_>,
    patient: Keyed<PatientId>,
    device_key: i64,
    what: &Withdrawal,
    received: ReceiptRef,
    known: &Known,
) -> Result<Option<Reading>> {
    let identity = Identity { patient, signal: what.signal, at: what.at, device_key };
    let last = identity.history(view)?.last(view)?;
    named(view, &identity, what, last.as_ref(), received, known)
}

/// What is in force at an identity, if a withdrawal names it: it may say a value, and what came after it is not meant.
fn named(
    view: &mut View<'_>,
    identity: &Identity,
    what: &Withdrawal,
    last: Option<&Generation>,
    received: ReceiptRef,
    known: &Known,
) -> Result<Option<Reading>> {
    let in_force = match last {
        Some(last) => last.reading,
        None => {
            let first = first(view, identity, known)?.filter(|first| !first.received.is_after(received));
            first.map(|first| first.reading)
        }
    };
    Ok(in_force.filter(|reading| what.value.is_none_or(|was| was.says_the_same(reading))))
}

/// Withdraws what is in force at an identity: it stays as superseded, its series is judged again, and `reading.amended`
/// is in the log. Of a device that is at somebody else by now it waits for a clinician. A withdrawal that says a value
/// takes back that value and no other.
///
/// # Errors
/// [`Error::Denied`] for an instant before the grant; [`Error::Busy`] when another transaction amends it at once.
pub fn withdraw(
    tx: &mut Tx<'_>,
    permit: &Permit<TelemetryCollect>,
    new: &Withdrawn,
    known: &Known,
) -> Result<Outcome> {
    let Withdrawn { patient, device_key, what, received, still } = *new;
    permit.covers(what.at.micros())?;
    let identity = Identity { patient, signal: what.signal, at: what.at, device_key };
    let history = identity.history(tx)?;
    let last = history.last(tx)?;
    match named(tx, &identity, &what, last.as_ref(), received, known)? {
        Some(_waits) if !still => {
            let wearer = Wearer { device_key, patient_key: patient.key };
            if !quarantine::withdrawal_waits(tx, wearer, what.signal, what.at)? {
                quarantine::insert(tx, &aside(new))?;
            }
            Ok(Outcome::Aside)
        }
        Some(reading) => {
            identity.withdraw(tx, history.next(), received, &reading)?;
            Ok(Outcome::Withdrawn)
        }
        None if last.is_some() || history.taken_back(tx)?.is_some() => Ok(Outcome::Already),
        None => Ok(Outcome::Unknown),
    }
}

const fn aside(new: &Withdrawn) -> Aside<'static> {
    let Withdrawn { patient, device_key, what, received, .. } = *new;
    Aside {
        patient: Some(patient),
        device_key,
        subject: Subject::Patient(patient.id),
        reason: quarantine::WITHDRAWN,
        received,
        reading: what.value,
        names: Some((what.signal, what.at)),
        payload: None,
    }
}

/// What a clinician releases holds from now on: a value, or that its source took one back. `false` when what it takes
/// back is not there any more.
///
/// # Errors
/// As [`withdraw`] and [`amend`].
pub fn put_in_force(
    tx: &mut Tx<'_>,
    permit: &Permit<TelemetryCollect>,
    patient: Keyed<PatientId>,
    item: &Item,
) -> Result<bool> {
    let (device_key, received) = (item.device_key, item.received);
    match (item.reading, item.names) {
        (value, Some((signal, at))) if item.reason == quarantine::WITHDRAWN => {
            let what = Withdrawal { signal, at, value };
            let released = Withdrawn { patient, device_key, what, received, still: true };
            Ok(withdraw(tx, permit, &released, &Known::default())? != Outcome::Unknown)
        }
        (Some(reading), _) => {
            let by = By::Clinician(item.id);
            amend(tx, permit, &Amended { patient, device_key, reading, received, by })?;
            Ok(true)
        }
        (None, _) => Ok(false),
    }
}

/// What was committed first: as it was looked up, or by a message of the same commit. What nobody looked up is opened:
/// whose the device is changed since.
fn first(view: &mut View<'_>, identity: &Identity, known: &Known) -> Result<Option<StoredReading>> {
    let Identity { patient, signal, at, device_key } = *identity;
    let key = (at.micros(), patient.key, signal.code(), device_key);
    match known.first.get(&key) {
        Some(Some(first)) => Ok(Some(*first)),
        Some(None) => {
            let rows = on!(&mut *view.conn, |c| c.find(&[key]))?;
            Ok(opened(view, identity.series(), &rows)?.pop())
        }
        None => committed(view, identity.series(), at, device_key),
    }
}
