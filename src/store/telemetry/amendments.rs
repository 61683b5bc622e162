//! What is in force in place of what was committed first (DESIGN §4): a value that its own source corrected or that a
//! clinician released, or a reading withdrawn. Journal and chunks keep the first value and its receipt; an amendment
//! is laid over them by identity wherever readings are read, and is sealed, never masked. The last generation of an
//! identity holds; what it replaced stays as superseded. What a source withdraws is in `withdrawals`.

use std::collections::BTreeMap;

use consent::{AlertEvaluate, Permit, TelemetryCollect};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chunk_rows::Series;
use super::row::{ReceiptRef, StoredReading, attrs, unit_and_flags};
use super::series::{first_committed, reached};
use super::span::Span;
use crate::domain::{Flags, Instant, PatientId, Reading, Signal};
use crate::rules::Late;
use crate::store::conn::on;
use crate::store::error::{Error, Result};
use crate::store::keys::{Class, Subject};
use crate::store::schema::amendments::dsl;
use crate::store::seal::Place;
use crate::store::{Act, Conn, Touched, Tx, View, reevaluations};

/// The most superseded readings that one look shows.
const SHOWN: i64 = 1_000;

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
    /// Whose: surrogate key and id.
    pub patient: (i64, PatientId),
    /// `devices.key` of the device that measured.
    pub device_key: i64,
    /// The value.
    pub reading: Reading,
    /// The message that says so.
    pub received: ReceiptRef,
    /// Who decided.
    pub by: By,
}

/// A value that is no longer in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// The value as it was.
    pub stored: StoredReading,
    /// When it ceased to be in force.
    pub at: Instant,
    /// Who put another in its place.
    pub by: By,
    /// Nothing took its place.
    pub withdrawn: bool,
}

/// What a generation seals; `bits` are absent when it withdraws.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Sealed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bits: Option<u64>,
    attrs: i16,
}

type Raw = (i64, i64, i64, i64, i64, Option<String>, Vec<u8>);
type Columns =
    (dsl::at, dsl::device_key, dsl::generation, dsl::received, dsl::amended_at, dsl::item, dsl::sealed);
const COLUMNS: Columns =
    (dsl::at, dsl::device_key, dsl::generation, dsl::received, dsl::amended_at, dsl::item, dsl::sealed);

fn row(series: Series, at: i64, device_key: i64, generation: i64) -> String {
    format!("{}:{}:{at}:{device_key}:{generation}", series.patient_key, series.signal.code())
}

/// A generation of an identity, opened; one that withdraws has no reading.
pub(super) struct Generation {
    at: Instant,
    device_key: i64,
    number: i64,
    amended_at: Instant,
    by: By,
    received: ReceiptRef,
    pub reading: Option<Reading>,
}

impl Generation {
    /// The source took it back: nothing but the source puts it in force again.
    pub fn is_taken_back(&self) -> bool {
        self.reading.is_none() && self.by == By::Source
    }

    /// It turned out to be another wearer's.
    pub fn is_anothers(&self) -> bool {
        self.reading.is_none() && self.by != By::Source
    }
}

fn opened(view: &mut View<'_>, series: Series, raw: Raw) -> Result<Generation> {
    let (at, device_key, number, received, amended_at, item, sealed) = raw;
    let place = row(series, at, device_key, number);
    let sealed: Sealed = view.open_json(Place::new("amendments", "sealed", &place), &sealed)?;
    let (unit, flags) = unit_and_flags(series.signal, sealed.attrs)?;
    let reading = sealed.bits.map(|bits| Reading {
        signal: series.signal,
        at: Instant::from_micros(at),
        value: f64::from_bits(bits),
        unit,
        flags,
    });
    let by = match item {
        None => By::Source,
        Some(id) => By::Clinician(id.parse().map_err(|_not_an_id| Error::Corrupt("amendments.item"))?),
    };
    let (amended_at, received) = (Instant::from_micros(amended_at), ReceiptRef::from_stored(received));
    let at = Instant::from_micros(at);
    Ok(Generation { at, device_key, number, amended_at, by, received, reading })
}

/// Sets the value in force at an identity, marks its series to be judged again and leaves `reading.amended` in the
/// log. `false` when the same is in force already.
///
/// # Errors
/// [`Error::Denied`] for an instant before the grant; [`Error::Busy`] when another transaction amends it at once.
pub fn amend(tx: &mut Tx<'_>, permit: &Permit<TelemetryCollect>, new: &Amended) -> Result<bool> {
    let Reading { signal, at, value, .. } = new.reading;
    permit.covers(at.micros())?;
    let identity = Identity { patient: new.patient, signal, at, device_key: new.device_key };
    let said = Sealed { bits: Some(value.to_bits()), attrs: attrs(&new.reading) };
    let last = identity.last(tx)?;
    if last.as_ref().is_some_and(|last| says(last.reading.as_ref(), &said)) {
        return Ok(false);
    }
    identity.generate(tx, last.as_ref(), &said, (new.received, new.by))?;
    Ok(true)
}

/// One reading's place in a patient's story.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub patient: (i64, PatientId),
    pub signal: Signal,
    pub at: Instant,
    pub device_key: i64,
}

impl Identity {
    pub const fn series(&self) -> Series {
        Series::new(self.patient.0, self.signal)
    }

    /// The last generation.
    pub fn last(&self, view: &mut View<'_>) -> Result<Option<Generation>> {
        last(view, self.series(), self.at, self.device_key)
    }

    /// Nothing is in force from now on.
    pub fn withdraw(
        &self,
        tx: &mut Tx<'_>,
        last: Option<&Generation>,
        received: ReceiptRef,
        attrs: i16,
    ) -> Result<()> {
        self.generate(tx, last, &Sealed { bits: None, attrs }, (received, By::Source))
    }

    /// Writes the generation after `last` and says so.
    fn generate(
        &self,
        tx: &mut Tx<'_>,
        last: Option<&Generation>,
        said: &Sealed,
        (received, by): (ReceiptRef, By),
    ) -> Result<()> {
        let Self { patient: (patient_key, patient), signal, at, .. } = *self;
        let item = match by {
            By::Source => None,
            By::Clinician(id) => Some(id),
        };
        let generation = self.write(tx, last, said, (received, item))?;
        reevaluations::mark(tx, patient_key, signal, Late::at(at))?;
        // What memory holds of the series is what was wrong.
        tx.touch(Touched::Patient(patient_key));
        tx.signal("readings.changed", patient)?;
        let code = if said.bits.is_none() { "withdrawn" } else { "corrected" };
        let body = serde_json::json!({
            "signal": signal.name(), "at": at.rfc3339(), "generation": generation, "item": item,
        });
        tx.audit(&Act::new("reading.amended").patient(patient).code(code).body(body))
    }

    /// The reading is this patient's no longer: it waits as a quarantined item. Whoever sets it aside says so, and has
    /// its series judged again.
    pub fn leave(&self, tx: &mut Tx<'_>, stored: &StoredReading, item: Uuid) -> Result<()> {
        let said = Sealed { bits: None, attrs: attrs(&stored.reading) };
        let last = self.last(tx)?;
        self.write(tx, last.as_ref(), &said, (stored.received, Some(item))).map(drop)
    }

    /// A quarantined item is this patient's reading from now on; said and judged as in [`Self::leave`].
    pub fn come(
        &self,
        tx: &mut Tx<'_>,
        last: Option<&Generation>,
        reading: &Reading,
        (received, item): (ReceiptRef, Uuid),
    ) -> Result<()> {
        let said = Sealed { bits: Some(reading.value.to_bits()), attrs: attrs(reading) };
        self.write(tx, last, &said, (received, Some(item))).map(drop)
    }

    /// Writes the generation after `last`, by the source or through a quarantined item. Its number.
    fn write(
        &self,
        tx: &mut Tx<'_>,
        last: Option<&Generation>,
        said: &Sealed,
        (received, item): (ReceiptRef, Option<Uuid>),
    ) -> Result<i64> {
        let Self { patient: (patient_key, patient), signal, at, device_key } = *self;
        let generation = last.map_or(1, |last| last.number + 1);
        let name = row(self.series(), at.micros(), device_key, generation);
        let place = Place::new("amendments", "sealed", &name);
        let sealed = tx.seal_json(Subject::Patient(patient), Class::Telemetry, place, said)?;
        let item = item.map(|id| id.to_string());
        let values = (
            dsl::patient_key.eq(patient_key),
            dsl::signal.eq(signal.code()),
            dsl::at.eq(at.micros()),
            dsl::device_key.eq(device_key),
            dsl::generation.eq(generation),
            dsl::received.eq(received.stored()),
            dsl::amended_at.eq(tx.now().micros()),
            dsl::item.eq(&item),
            dsl::sealed.eq(sealed),
        );
        let written = on!(&mut *tx.conn, |c| diesel::insert_into(dsl::amendments)
            .values(values)
            .on_conflict_do_nothing()
            .execute(c))?;
        if written == 0 { Err(Error::Busy) } else { Ok(generation) }
    }
}

fn says(reading: Option<&Reading>, said: &Sealed) -> bool {
    match reading {
        None => said.bits.is_none(),
        Some(reading) => said.bits == Some(reading.value.to_bits()) && said.attrs == attrs(reading),
    }
}

/// Whether an amendment put this very value in force.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn stands(view: &mut View<'_>, patient_key: i64, device_key: i64, reading: &Reading) -> Result<bool> {
    let last = last(view, Series::new(patient_key, reading.signal), reading.at, device_key)?;
    let said = Sealed { bits: Some(reading.value.to_bits()), attrs: attrs(reading) };
    Ok(last.is_some_and(|last| says(last.reading.as_ref(), &said)))
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

/// Every generation of a span, in the order of identity and number.
fn between(conn: &mut Conn, series: Series, span: Span, limit: i64) -> QueryResult<Vec<Raw>> {
    dsl::amendments
        .filter(dsl::patient_key.eq(series.patient_key).and(dsl::signal.eq(series.signal.code())))
        .filter(dsl::at.ge(span.from).and(dsl::at.lt(span.to)))
        .order((dsl::at, dsl::device_key, dsl::generation))
        .limit(limit)
        .select(COLUMNS)
        .load(conn)
}

/// What is in force in a span at each amended identity (instant, device): a reading, or none.
pub(in crate::store) type InForce = BTreeMap<(i64, i64), Option<StoredReading>>;

/// What amendments say of a span; empty for nearly every one.
pub(in crate::store) fn in_force(view: &mut View<'_>, series: Series, span: Span) -> Result<InForce> {
    let mut last: BTreeMap<(i64, i64), Raw> = BTreeMap::new();
    for raw in between(view.conn, series, span, i64::MAX)? {
        last.insert((raw.0, raw.1), raw);
    }
    let mut out = InForce::new();
    for (identity, raw) in last {
        let generation = opened(view, series, raw)?;
        let corrects = generation.number > 1;
        let stored = generation.reading.map(|reading| StoredReading {
            reading: if corrects { corrected(reading) } else { reading },
            device_key: generation.device_key,
            received: generation.received,
        });
        out.insert(identity, stored);
    }
    Ok(out)
}

fn corrected(reading: Reading) -> Reading {
    Reading { flags: reading.flags.with(Flags::CORRECTED), ..reading }
}

/// Lays what is in force over readings that are ascending by instant and device.
pub(in crate::store) fn lay_over(readings: &mut Vec<StoredReading>, amended: InForce) {
    if amended.is_empty() {
        return;
    }
    let key = |r: &StoredReading| (r.reading.at.micros(), r.device_key);
    let mut amended = amended;
    readings.retain_mut(|reading| match amended.remove(&key(reading)) {
        None => true,
        Some(None) => false,
        Some(Some(new)) => {
            *reading = StoredReading { reading: corrected(new.reading), ..new };
            true
        }
    });
    readings.extend(amended.into_values().flatten());
    readings.sort_by_key(key);
}

/// Every amendment that a source made to one of these patients, as the reading that its message brought: for holding
/// the store against its receipts. What a clinician released is accounted for by the quarantine.
pub(in crate::store) fn brought(
    view: &mut View<'_>,
    patient_key: i64,
    told: &mut dyn FnMut((i64, StoredReading)) -> Result<()>,
) -> Result<()> {
    let rows: Vec<(i16, Raw)> = dsl::amendments
        .filter(dsl::patient_key.eq(patient_key).and(dsl::item.is_null()))
        .select((dsl::signal, COLUMNS))
        .load(view.conn)?;
    for (signal, raw) in rows {
        let signal = Signal::from_code(signal).ok_or(Error::Corrupt("amendments.signal"))?;
        let generation = opened(view, Series::new(patient_key, signal), raw)?;
        let Generation { device_key, received, .. } = generation;
        if let Some(reading) = generation.reading {
            told((patient_key, StoredReading { reading, device_key, received }))?;
        }
    }
    Ok(())
}

/// The values of `[from, to)` that are no longer in force, ascending by instant, device and generation; at most
/// 1,000. Nothing that was measured before the permit reaches, and nothing that turned out to be another wearer's.
///
/// # Errors
/// The patient's key was destroyed; database errors.
pub fn superseded(
    view: &mut View<'_>,
    permit: &Permit<AlertEvaluate>,
    patient_key: i64,
    signal: Signal,
    (from, to): (Instant, Instant),
) -> Result<Vec<Superseded>> {
    let series = Series::new(patient_key, signal);
    let span = Span { from: reached(permit, from).micros(), to: to.micros() };
    let mut out = Vec::new();
    let mut before: Option<(Instant, i64, Option<StoredReading>)> = None;
    for raw in between(view.conn, series, span, SHOWN)? {
        let generation = opened(view, series, raw)?;
        let Generation { at, device_key, .. } = generation;
        let replaced = match before.take() {
            Some((same, device, stored)) if (same, device) == (at, device_key) => stored,
            _ => first_committed(view, series, at, at.plus(std::time::Duration::from_micros(1)))?
                .into_iter()
                .find(|stored| stored.device_key == device_key),
        };
        if let Some(stored) = replaced.filter(|_| !generation.is_anothers()) {
            let withdrawn = generation.reading.is_none();
            out.push(Superseded { stored, at: generation.amended_at, by: generation.by, withdrawn });
        }
        let received = generation.received;
        let now = generation.reading.map(|reading| StoredReading { reading, device_key, received });
        before = Some((at, device_key, now));
    }
    Ok(out)
}
