//! Amendments: what is in force in place of the value committed first (DESIGN §4), namely a value that its own source
//! corrected or a clinician released, or a withdrawn reading. Journal and chunks keep the first value and its receipt.
//! Amendments are applied by identity wherever readings are read, and are sealed, never masked. The last generation of
//! an identity is in force; what it replaced stays as superseded. Withdrawals by the source are in `withdrawals`.

pub(in crate::readings) mod generations;
pub(in crate::readings) mod hidden;
pub(in crate::readings) mod in_force;
pub(in crate::readings) mod released;
pub(in crate::readings) mod superseded;
#[cfg(test)]
pub(in crate::readings) mod tests;
pub(in crate::readings) mod withdrawals;

use consent::{Permit, TelemetryCollect};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::amendments::generations::{New, write};
use super::chunks::rows::Series;
use super::journal::measured;
use super::journal::row::{StoredReading, attrs, unit_and_flags};
use super::receipt::ReceiptRef;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::amendments::dsl;
use crate::keys::seal::Place;
use crate::patients::keyed::Keyed;
use crate::rules::reevaluations;
use crate::{Act, Touched, Tx, View};
use domain::{Instant, PatientId, Reading, Signal};
use rules::Late;

/// Who may set a value in place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The device that measured: only its own identity can be named.
    Source,
    /// A clinician, who released this quarantined reading with a reason.
    Clinician(Uuid),
}

/// A value that is to be in force at its identity.
#[derive(Debug, Clone, Copy)]
pub struct Amended {
    /// Whose.
    pub patient: Keyed<PatientId>,
    /// `devices.key` of the device that measured.
    pub device_key: i64,
    /// The value.
    pub reading: Reading,
    /// The message that says so.
    pub received: ReceiptRef,
    /// Who decided.
    pub by: By,
}

/// What a generation seals; `bits` are absent when nothing is in force any more, and `was` is then what was.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bits: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was: Option<u64>,
    attrs: i16,
}

impl Sealed {
    /// This is in force.
    pub(super) fn value(reading: &Reading) -> Self {
        Self { bits: Some(reading.value.to_bits()), was: None, attrs: attrs(reading) }
    }

    /// Nothing is, where this was.
    pub(super) fn nothing(was: &Reading) -> Self {
        Self { bits: None, was: Some(was.value.to_bits()), attrs: attrs(was) }
    }

    /// Whether it puts a value in force.
    pub(super) const fn is_value(&self) -> bool {
        self.bits.is_some()
    }
}

pub(super) type Raw = (i64, i64, i64, i64, i64, Option<String>, Vec<u8>);
type Columns =
    (dsl::at, dsl::device_key, dsl::generation, dsl::received, dsl::amended_at, dsl::item, dsl::sealed);
pub(super) const COLUMNS: Columns =
    (dsl::at, dsl::device_key, dsl::generation, dsl::received, dsl::amended_at, dsl::item, dsl::sealed);

/// The signal of rows of one patient; of a code that is none, the series takes the row's place.
pub(in crate::readings) fn signal_of(patient_key: i64, code: i16) -> Result<Signal> {
    let odd = || Error::corrupt("amendments.signal").in_row(format_args!("{patient_key}:{code}"));
    Signal::from_code(code).ok_or_else(odd)
}

pub(super) fn row(series: Series, at: i64, device_key: i64, generation: i64) -> String {
    format!("{}:{}:{at}:{device_key}:{generation}", series.patient_key, series.signal.code())
}

/// A generation of an identity, opened; one that withdraws has no reading.
pub(super) struct Generation {
    pub device_key: i64,
    pub amended_at: Instant,
    pub by: By,
    pub received: ReceiptRef,
    pub reading: Option<Reading>,
    /// What was in force until then, where that was written down.
    pub was: Option<Reading>,
}

impl Generation {
    /// The source took it back.
    pub(super) fn is_taken_back(&self) -> bool {
        self.reading.is_none() && self.by == By::Source
    }

    /// It turned out to be another wearer's.
    pub(super) fn is_anothers(&self) -> bool {
        self.reading.is_none() && self.by != By::Source
    }
}

pub(super) fn opened(view: &mut View<'_>, series: Series, raw: Raw) -> Result<Generation> {
    let (at, device_key, number, received, amended_at, item, sealed) = raw;
    let place = row(series, at, device_key, number);
    let sealed: Sealed = view.open_json(Place::new("amendments", "sealed", &place), &sealed)?;
    let (unit, flags) = unit_and_flags(series.signal, sealed.attrs).in_row(&place)?;
    let of = |bits: u64| Reading {
        signal: series.signal,
        at: Instant::from_micros(at),
        value: f64::from_bits(bits),
        unit,
        flags,
    };
    let (reading, was) = (sealed.bits.map(of), sealed.was.map(of));
    let by = match item {
        None => By::Source,
        Some(id) => {
            By::Clinician(id.parse().map_err(|_not_an_id| Error::corrupt("amendments.item").in_row(&place))?)
        }
    };
    let (amended_at, received) = (Instant::from_micros(amended_at), ReceiptRef::from_stored(received));
    Ok(Generation { device_key, amended_at, by, received, reading, was })
}

/// Sets the value in force at an identity, marks its series to be judged again and leaves `reading.amended` in the
/// log. `false` when the same is in force already.
///
/// # Errors
/// [`Error::Denied`] for an instant before the grant; [`Error::Busy`] when another transaction amends it at once.
pub fn amend(tx: &mut Tx<'_>, permit: &Permit<TelemetryCollect>, new: &Amended) -> Result<bool> {
    let Reading { signal, at, .. } = new.reading;
    permit.covers(at.micros())?;
    let identity = Identity { patient: new.patient, signal, at, device_key: new.device_key };
    let sealed = Sealed::value(&new.reading);
    let history = identity.history(tx)?;
    let last = history.last(tx)?;
    if last.as_ref().is_some_and(|last| says(last.reading.as_ref(), &sealed)) {
        return Ok(false);
    }
    if last.is_none() {
        // It may be all that they have of the signal; where a series ends its journal says.
        measured::note(tx, new.patient.key, signal, Instant::from_micros(0))?;
    }
    identity.generate(tx, history.next(), sealed, new.received, new.by)?;
    Ok(true)
}

/// One reading's place in a patient's story.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub patient: Keyed<PatientId>,
    pub signal: Signal,
    pub at: Instant,
    pub device_key: i64,
}

impl Identity {
    pub(super) const fn series(&self) -> Series {
        Series::new(self.patient.key, self.signal)
    }

    /// Nothing is in force from now on: the source takes `reading` back.
    pub(super) fn withdraw(
        &self,
        tx: &mut Tx<'_>,
        generation: i64,
        received: ReceiptRef,
        reading: &Reading,
    ) -> Result<()> {
        self.generate(tx, generation, Sealed::nothing(reading), received, By::Source)
    }

    /// Writes a generation that replaces another, and records it.
    fn generate(
        &self,
        tx: &mut Tx<'_>,
        number: i64,
        sealed: Sealed,
        received: ReceiptRef,
        by: By,
    ) -> Result<()> {
        let Self { patient: Keyed { key: patient_key, id: patient }, signal, at, .. } = *self;
        let item = match by {
            By::Source => None,
            By::Clinician(id) => Some(id),
        };
        let code = if sealed.is_value() { "corrected" } else { "withdrawn" };
        write(tx, &[New { identity: *self, number, sealed, received, item, supersedes: true }])?;
        reevaluations::mark(tx, patient_key, signal, Late::at(at))?;
        // The copy of the series in memory has the value that was wrong.
        tx.touch(Touched::Patient(patient_key));
        tx.signal("readings.changed", patient)?;
        let body = serde_json::json!({
            "signal": signal.name(), "at": at.rfc3339(), "generation": number, "item": item,
        });
        tx.audit(&Act::new("reading.amended").patient(patient).code(code).body(body))
    }
}

fn says(reading: Option<&Reading>, sealed: &Sealed) -> bool {
    match reading {
        None => sealed.bits.is_none(),
        Some(reading) => sealed.bits == Some(reading.value.to_bits()) && sealed.attrs == attrs(reading),
    }
}

/// Whether an amendment put this very value in force.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn stands(view: &mut View<'_>, patient_key: i64, device_key: i64, reading: &Reading) -> Result<bool> {
    let last = last(view, Series::new(patient_key, reading.signal), reading.at, device_key)?;
    let sealed = Sealed::value(reading);
    Ok(last.is_some_and(|last| says(last.reading.as_ref(), &sealed)))
}

/// The last generation of one identity.
fn last(view: &mut View<'_>, series: Series, at: Instant, device_key: i64) -> Result<Option<Generation>> {
    let raw: Option<Raw> = dsl::amendments
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::at.eq(at.micros()).and(dsl::device_key.eq(device_key)))
        .order(dsl::generation.desc())
        .select(COLUMNS)
        .first(view.conn)
        .optional()?;
    raw.map(|raw| opened(view, series, raw)).transpose()
}

/// Every amendment that a source made to one of these patients, as the reading that its message brought: for holding
/// the store against its receipts. What a clinician released is accounted for by the quarantine.
pub(crate) fn brought(
    view: &mut View<'_>,
    patient_key: i64,
    visit: &mut dyn FnMut((i64, StoredReading)) -> Result<()>,
) -> Result<()> {
    let rows: Vec<(i16, Raw)> = dsl::amendments
        .filter(dsl::patient_key.eq(patient_key).and(dsl::item.is_null()))
        .select((dsl::signal, COLUMNS))
        .load(view.conn)?;
    for (signal, raw) in rows {
        let signal = signal_of(patient_key, signal)?;
        let generation = opened(view, Series::new(patient_key, signal), raw)?;
        let Generation { device_key, received, .. } = generation;
        if let Some(reading) = generation.reading {
            visit((patient_key, StoredReading { reading, device_key, received }))?;
        }
    }
    Ok(())
}
