//! A seeded patient as the bare store needs them: keys, and the permits to store and to read.

use std::sync::Arc;

use consent::{AlertEvaluate, Context, Datum, Permit, Request, TelemetryCollect, decide};

use super::seed::Enrolled;
use domain::Clock;
use store::devices::roster;
use store::devices::roster::PatientRow;
use store::keys::SubjectKey;
use store::{Class, Store, Subject, Tx, Urgency};

/// A patient with their device.
pub(crate) struct Source {
    /// `patients.key`.
    pub patient_key: i64,
    /// `devices.key`.
    pub device_key: i64,
    /// Masks what is measured.
    pub key: Arc<SubjectKey>,
    /// To store.
    pub permit: Permit<TelemetryCollect>,
    /// To read.
    pub look: Permit<AlertEvaluate>,
}

/// The sources of seeded devices, in their order.
///
/// # Errors
/// Database errors.
pub(crate) fn of(store: &Store, enrolled: &[Enrolled]) -> anyhow::Result<Vec<Source>> {
    let now = Clock::System.now();
    let all = store.keep_house(Urgency::Urgent, "bench", now, |tx| {
        enrolled.iter().map(|enrolled| source(tx, enrolled)).collect::<store::Result<Vec<_>>>()
    })?;
    Ok(all)
}

fn source(tx: &mut Tx<'_>, enrolled: &Enrolled) -> store::Result<Source> {
    let lost = store::Error::NotFound("device");
    let id = enrolled.id.parse().map_err(|_not_an_id| store::Error::NotFound("device"))?;
    let device = roster::device(tx, id)?.ok_or(lost)?;
    let patient_key = device.bindings.first().map_or(0, |binding| binding.patient_key);
    let patient = roster::patient(tx, patient_key)?;
    let key = tx.key_or_new(Subject::Patient(patient.id), Class::Telemetry)?;
    let now = tx.now().micros();
    let (permit, look) = (permit(&patient, now)?, permit(&patient, now)?);
    Ok(Source { patient_key, device_key: device.key, key, permit, look })
}

fn permit<P: consent::Typed>(patient: &PatientRow, now: i64) -> Result<Permit<P>, consent::Denied> {
    let context = Context { data: &[Datum::Reading], ..Context::system(now) };
    let bases = consent::Bases::default();
    let request =
        Request { bases: &bases, records: &patient.records, subject: &patient.subject, context: &context };
    decide::<P>(&request)
}
