//! What is in force in place of what was committed first (DESIGN §4): a value that its own source corrected or that a
//! clinician released, or a reading withdrawn. Journal and chunks keep the first value and its receipt; an amendment
//! is laid over them by identity wherever readings are read, and is sealed, never masked. The last generation of an
//! identity holds; what it replaced stays as superseded.

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

/// A change to one identity.
#[derive(Debug, Clone, Copy)]
pub struct Amended {
    /// Whose: surrogate key and id.
    pub patient: (i64, PatientId),
    /// `devices.key` of the device that measured.
    pub device_key: i64,
    /// What was measured; of a withdrawal only signal and instant count.
    pub reading: Reading,
    /// The reading was entered in error: nothing is in force any more.
    pub withdrawn: bool,
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

/// A generation of an identity, opened; `bits` are absent when it withdraws.
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

struct Generation {
    at: Instant,
    device_key: i64,
    number: i64,
    amended_at: Instant,
    by: By,
    received: ReceiptRef,
    reading: Option<Reading>,
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

/// Sets what is in force at an identity, marks its series to be judged again and leaves `reading.amended` in the log.
/// `false` when the same is in force already.
///
/// # Errors
/// [`Error::Denied`] for an instant before the grant; [`Error::Busy`] when another transaction amends it at once.
pub fn amend(tx: &mut Tx<'_>, permit: &Permit<TelemetryCollect>, new: &Amended) -> Result<bool> {
    let Reading { signal, at, value, .. } = new.reading;
    permit.covers(at.micros())?;
    let (patient_key, patient) = new.patient;
    let series = Series::new(patient_key, signal);
    let said = Sealed { bits: (!new.withdrawn).then(|| value.to_bits()), attrs: attrs(&new.reading) };
    let last = of(tx, series, at, new.device_key)?;
    if last.as_ref().is_some_and(|last| says(last.reading.as_ref(), &said)) {
        return Ok(false);
    }
    let generation = last.map_or(1, |last| last.number + 1);
    let name = row(series, at.micros(), new.device_key, generation);
    let place = Place::new("amendments", "sealed", &name);
    let sealed = tx.seal_json(Subject::Patient(patient), Class::Telemetry, place, &said)?;
    let item = match new.by {
        By::Source => None,
        By::Clinician(id) => Some(id.to_string()),
    };
    let values = (
        dsl::patient_key.eq(patient_key),
        dsl::signal.eq(signal.code()),
        dsl::at.eq(at.micros()),
        dsl::device_key.eq(new.device_key),
        dsl::generation.eq(generation),
        dsl::received.eq(new.received.stored()),
        dsl::amended_at.eq(tx.now().micros()),
        dsl::item.eq(&item),
        dsl::sealed.eq(sealed),
    );
    let written = on!(&mut *tx.conn, |c| diesel::insert_into(dsl::amendments)
        .values(values)
        .on_conflict_do_nothing()
        .execute(c))?;
    if written == 0 {
        return Err(Error::Busy);
    }
    reevaluations::mark(tx, patient_key, signal, Late::at(at))?;
    // What memory holds of the series is what was wrong.
    tx.touch(Touched::Patient(patient_key));
    tx.signal("readings.changed", patient)?;
    let code = if new.withdrawn { "withdrawn" } else { "corrected" };
    let body = serde_json::json!({
        "signal": signal.name(), "at": at.rfc3339(), "generation": generation, "item": item,
    });
    tx.audit(&Act::new("reading.amended").patient(patient).code(code).body(body))?;
    Ok(true)
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
    let last = of(view, Series::new(patient_key, reading.signal), reading.at, device_key)?;
    let said = Sealed { bits: Some(reading.value.to_bits()), attrs: attrs(reading) };
    Ok(last.is_some_and(|last| says(last.reading.as_ref(), &said)))
}

/// The last generation of one identity.
fn of(view: &mut View<'_>, series: Series, at: Instant, device_key: i64) -> Result<Option<Generation>> {
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
/// 1,000. Nothing that was measured before the permit reaches.
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
        if let Some(stored) = replaced {
            let withdrawn = generation.reading.is_none();
            out.push(Superseded { stored, at: generation.amended_at, by: generation.by, withdrawn });
        }
        let received = generation.received;
        let now = generation.reading.map(|reading| StoredReading { reading, device_key, received });
        before = Some((at, device_key, now));
    }
    Ok(out)
}
