//! What the ingest commit must know of a device and of a patient, in one look.

use diesel::prelude::*;

use super::error::{Error, Result};
use super::schema::{bindings, devices, patients as rows};
use super::tx::{Tx, View};
use super::{ledger, patients};
use crate::domain::{DeviceId, Instant, PatientId, age_band};

/// A device and whose it was when.
#[derive(Debug, Clone)]
pub struct DeviceRow {
    /// Surrogate key.
    pub key: i64,
    /// Whether it was put out of use.
    pub disabled: bool,
    /// Its bindings, oldest first, never overlapping.
    pub bindings: Vec<Binding>,
}

/// Whose a device is in `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The patient's surrogate key.
    pub patient_key: i64,
    /// First instant.
    pub from: Instant,
    /// First instant after; `Instant::MAX` while it lasts.
    pub to: Instant,
    /// Whether the patient prefers this source where two devices measure one signal.
    pub preferred: bool,
}

impl DeviceRow {
    /// The binding that covers `at`.
    #[must_use]
    pub fn bound_at(&self, at: Instant) -> Option<&Binding> {
        self.bindings.iter().rev().find(|binding| binding.from <= at && at < binding.to)
    }
}

/// A patient as the consent decision sees them.
#[derive(Debug, Clone)]
pub struct PatientRow {
    /// Surrogate key.
    pub key: i64,
    /// Their id.
    pub id: PatientId,
    /// The person, for the decision.
    pub subject: consent::Subject,
    /// What they answered, purpose by purpose.
    pub records: Vec<consent::Record>,
}

impl PatientRow {
    /// The epoch of the consent to collect; 0 when it was never asked.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        let collect = consent::Purpose::TelemetryCollect;
        self.records.iter().find(|row| row.purpose == collect).map_or(0, |row| row.epoch)
    }
}

/// A device by its id.
///
/// # Errors
/// Database errors.
pub fn device(view: &mut View<'_>, id: DeviceId) -> Result<Option<DeviceRow>> {
    let found: Option<(i64, Option<i64>)> = devices::table
        .filter(devices::id.eq(id.to_string()))
        .select((devices::key, devices::disabled_at))
        .first(view.conn)
        .optional()?;
    let Some((key, disabled_at)) = found else { return Ok(None) };
    let rows: Vec<(i64, i64, Option<i64>, bool)> = bindings::table
        .filter(bindings::device_key.eq(key))
        .order(bindings::from_at)
        .select((bindings::patient_key, bindings::from_at, bindings::to_at, bindings::preferred))
        .load(view.conn)?;
    let bindings = rows
        .into_iter()
        .map(|(patient_key, from, to, preferred)| Binding {
            patient_key,
            from: Instant::from_micros(from),
            to: to.map_or(Instant::MAX, Instant::from_micros),
            preferred,
        })
        .collect();
    Ok(Some(DeviceRow { key, disabled: disabled_at.is_some(), bindings }))
}

/// The purposes that ingest asks for.
const PURPOSES: [consent::Purpose; 2] = [consent::Purpose::TelemetryCollect, consent::Purpose::AlertEvaluate];

/// A patient by surrogate key, with the consents that ingest asks for held as they stand until the
/// transaction ends.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn patient(tx: &mut Tx<'_>, key: i64) -> Result<PatientRow> {
    let row: Option<(String, Option<i64>, Option<i64>)> = rows::table
        .find(key)
        .select((rows::id, rows::blocked_at, rows::erased_at))
        .first(tx.conn)
        .optional()?;
    let (id, blocked_at, erased_at) = row.ok_or(Error::NotFound("patient"))?;
    let id = id.parse().map_err(|_not_an_id| Error::Corrupt("patients.id"))?;
    let now = tx.now();
    let born = patients::get(tx, id)?.identity.map(|identity| identity.birth_date);
    let subject = consent::Subject {
        age_band: born.map_or(consent::AgeBand::Adult, |born| age_band(born, now)),
        blocked: blocked_at.map(|_at| consent::Allowed::Any),
        erased: erased_at.is_some(),
        ..consent::Subject::default()
    };
    Ok(PatientRow {
        key,
        id,
        subject,
        records: ledger::lock_for_share(tx, &[key], &PURPOSES)?.into_iter().map(|(_, row)| row).collect(),
    })
}

/// Who measures for a patient: device keys with their binding, the preferred first, then the first bound.
///
/// # Errors
/// Database errors.
pub fn sources(view: &mut View<'_>, patient_key: i64) -> Result<Vec<(i64, DeviceId, Binding)>> {
    type Raw = (i64, String, i64, Option<i64>, bool);
    let rows: Vec<Raw> = bindings::table
        .inner_join(devices::table)
        .filter(bindings::patient_key.eq(patient_key))
        .order((bindings::preferred.desc(), bindings::from_at.asc()))
        .select((devices::key, devices::id, bindings::from_at, bindings::to_at, bindings::preferred))
        .load(view.conn)?;
    rows.into_iter()
        .map(|(key, id, from, to, preferred)| {
            let id = id.parse().map_err(|_not_an_id| Error::Corrupt("devices.id"))?;
            let (from, to) = (Instant::from_micros(from), to.map_or(Instant::MAX, Instant::from_micros));
            Ok((key, id, Binding { patient_key, from, to, preferred }))
        })
        .collect()
}
