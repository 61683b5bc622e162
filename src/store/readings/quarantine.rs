//! Readings set aside: sealed, retained for 30 days, released or discarded by a clinician with a reason.

use std::time::Duration;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::receipt::ReceiptRef;
use crate::db::conn::{insert_all, literally};
use crate::db::error::{Error, Result};
use crate::db::prune::oldest;
use crate::db::schema::quarantine;
use crate::db::tx::act::Act;
use crate::db::tx::{Tx, View};
use crate::devices::Wearer;
use crate::keys::seal::Place;
use crate::keys::{Class, Subject};
use crate::patients::keyed::Keyed;
use domain::id::uuid_at;
use domain::{Flags, Instant, PatientId, Reading, Signal, Unit};

/// How long readings in quarantine are retained.
pub(crate) const RETENTION: Duration = Duration::from_secs(30 * 86_400);

/// Why a withdrawal waits: its device was at somebody else when it came.
pub const WITHDRAWN: &str = "E_WITHDRAWN";

/// What is set aside, and why.
#[derive(Debug, Clone, Copy)]
pub struct Aside<'a> {
    /// Whose it is, when that is known.
    pub patient: Option<Keyed<PatientId>>,
    /// `devices.key`.
    pub device_key: i64,
    /// Whose key seals it.
    pub subject: Subject,
    /// A code: `E_CLOCK`, `E_IMPLAUSIBLE`, `E_NOT_BOUND`, `E_SUBJECT`, `E_CONFLICT`, `E_PAYLOAD`, [`WITHDRAWN`].
    pub reason: &'a str,
    /// The message it came in.
    pub received: ReceiptRef,
    /// The reading; `None` for a payload that cannot be read.
    pub reading: Option<Reading>,
    /// The reading that it is about, where it says no value of it: its source takes it back.
    pub names: Option<(Signal, Instant)>,
    /// For a payload that cannot be read: hash, length and place. Never its content.
    pub payload: Option<&'a Unreadable>,
}

/// What is stored about a payload that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// SHA-256 of it, hex.
    pub sha256: String,
    /// Its length in bytes.
    pub length: usize,
    /// What is wrong, and where.
    pub fault: String,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bits: Option<u64>,
    #[serde(default)]
    unit: u8,
    #[serde(default)]
    flags: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<Unreadable>,
}

#[derive(Insertable)]
#[diesel(table_name = quarantine)]
struct Row<'a> {
    id: String,
    patient_key: Option<i64>,
    device_key: i64,
    signal: Option<i16>,
    reason: &'a str,
    at: Option<i64>,
    received: i64,
    received_at: i64,
    expires_at: i64,
    sealed: Vec<u8>,
}

/// Sets something aside.
///
/// # Errors
/// Database errors; the key was destroyed.
pub fn insert(tx: &mut Tx<'_>, aside: &Aside<'_>) -> Result<Uuid> {
    let id = insert_many(tx, std::slice::from_ref(aside))?.pop();
    id.ok_or(Error::corrupt("nothing was set aside"))
}

/// Sets many aside at once; their ids in the order given.
///
/// # Errors
/// As [`insert`].
pub(crate) fn insert_many(tx: &mut Tx<'_>, asides: &[Aside<'_>]) -> Result<Vec<Uuid>> {
    let now = tx.now();
    let (mut ids, mut rows) = (Vec::with_capacity(asides.len()), Vec::with_capacity(asides.len()));
    for aside in asides {
        let id = uuid_at(now);
        ids.push(id);
        let id = id.to_string();
        let names = aside.names.or_else(|| aside.reading.map(|reading| (reading.signal, reading.at)));
        let sealed = Sealed {
            bits: aside.reading.map(|reading| reading.value.to_bits()),
            unit: aside.reading.map_or(0, |reading| reading.unit.code()),
            flags: aside.reading.map_or(0, |reading| reading.flags.0),
            payload: aside.payload.cloned(),
        };
        let place = Place::new("quarantine", "sealed", &id);
        let sealed = tx.seal_json(aside.subject, Class::Telemetry, place, &sealed)?;
        rows.push(Row {
            id,
            patient_key: aside.patient.map(|patient| patient.key),
            device_key: aside.device_key,
            signal: names.map(|(signal, _)| signal.code()),
            reason: aside.reason,
            at: names.map(|(_, at)| at.micros()),
            received: aside.received.stored(),
            received_at: now.micros(),
            expires_at: now.plus(RETENTION).micros(),
            sealed,
        });
    }
    insert_all!(tx, quarantine::table, rows);
    Ok(ids)
}

/// One thing set aside, opened.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its id.
    pub id: Uuid,
    /// The patient's surrogate key.
    pub patient_key: Option<i64>,
    /// The device's surrogate key.
    pub device_key: i64,
    /// Why.
    pub reason: String,
    /// The reading; of a withdrawal the value that it says, if any.
    pub reading: Option<Reading>,
    /// What it is about: signal and instant of measurement.
    pub names: Option<(Signal, Instant)>,
    /// Or what is known of the payload.
    pub payload: Option<Unreadable>,
    /// The message it came in.
    pub received: ReceiptRef,
    /// When it came.
    pub received_at: Instant,
    /// When it goes.
    pub expires_at: Instant,
}

pub(crate) type Raw = (String, Option<i64>, i64, Option<i16>, String, Option<i64>, i64, i64, i64, Vec<u8>);

pub(crate) fn opened(view: &mut View<'_>, raw: Raw) -> Result<Item> {
    let (id, patient_key, device_key, signal, reason, at, received, received_at, expires_at, sealed) = raw;
    let sealed: Sealed = view.open_json(Place::new("quarantine", "sealed", &id), &sealed)?;
    let names = signal.and_then(Signal::from_code).zip(at.map(Instant::from_micros));
    let reading = names.zip(sealed.bits).map(|((signal, at), bits)| Reading {
        signal,
        at,
        value: f64::from_bits(bits),
        unit: Unit::from_code(sealed.unit).unwrap_or(signal.unit()),
        flags: Flags(sealed.flags),
    });
    Ok(Item {
        id: id.parse().map_err(|_not_an_id| Error::corrupt("quarantine.id").in_row(&id))?,
        patient_key,
        device_key,
        reason,
        reading,
        names,
        payload: sealed.payload,
        received: ReceiptRef::from_stored(received),
        received_at: Instant::from_micros(received_at),
        expires_at: Instant::from_micros(expires_at),
    })
}

/// A patient's items that wait for a decision, newest first. They were measured too, so they are shown under both
/// permits: to store and to show.
///
/// # Errors
/// Database errors; a destroyed key.
pub fn waiting(
    view: &mut View<'_>,
    _collected: &consent::Permit<consent::TelemetryCollect>,
    _shown: &consent::Permit<consent::AlertEvaluate>,
    patient_key: i64,
    limit: i64,
) -> Result<Vec<Item>> {
    let rows = quarantine::table
        .filter(quarantine::patient_key.eq(patient_key).and(quarantine::decided_at.is_null()))
        .order((quarantine::received_at.desc(), quarantine::id.desc()))
        .limit(limit)
        .select(columns())
        .load::<Raw>(view.conn)?;
    rows.into_iter().map(|raw| opened(view, raw)).collect()
}

/// The signals with an impossible value that nobody has decided on, each with the instant of the newest: it should be
/// measured again. The value itself is not returned.
///
/// # Errors
/// Database errors.
pub fn unbelieved(
    view: &mut View<'_>,
    permit: &consent::Permit<consent::AlertEvaluate>,
    patient_key: i64,
) -> Result<Vec<(Signal, Instant)>> {
    let rows = quarantine::table
        .filter(quarantine::patient_key.eq(patient_key).and(quarantine::decided_at.is_null()))
        .filter(quarantine::reason.eq("E_IMPLAUSIBLE"))
        .group_by(quarantine::signal)
        .select((quarantine::signal, diesel::dsl::max(quarantine::at)))
        .load::<(Option<i16>, Option<i64>)>(view.conn)?;
    let known = rows.into_iter().filter_map(|(signal, at)| Some((Signal::from_code(signal?)?, at?)));
    let mut found: Vec<(Signal, Instant)> = known
        .filter(|(_, at)| permit.covers(*at).is_ok())
        .map(|(signal, at)| (signal, Instant::from_micros(at)))
        .collect();
    found.sort();
    Ok(found)
}

/// One item that waits for a decision.
///
/// # Errors
/// [`Error::NotFound`] when there is none or it was decided.
pub fn get(view: &mut View<'_>, id: Uuid) -> Result<Item> {
    let raw = quarantine::table
        .filter(quarantine::id.eq(id.to_string()).and(quarantine::decided_at.is_null()))
        .select(columns())
        .first::<Raw>(view.conn)
        .optional()?;
    let raw = raw.ok_or(Error::NotFound("quarantined reading"))?;
    opened(view, raw)
}

/// Records the decision; a released reading was amended before.
///
/// # Errors
/// [`Error::NotFound`] when it was decided before.
pub fn decide(tx: &mut Tx<'_>, item: &Item, patient: PatientId, released: bool, reason: &str) -> Result<()> {
    let row = item.id.to_string();
    let place = Place::new("quarantine", "note", &row);
    let note = tx.seal(Subject::Patient(patient), Class::Clinical, place, reason.as_bytes())?;
    let decision = if released { "released" } else { "discarded" };
    let changed = diesel::update(
        quarantine::table.filter(quarantine::id.eq(&row).and(quarantine::decided_at.is_null())),
    )
    .set((
        quarantine::decided_at.eq(tx.now().micros()),
        quarantine::decision.eq(decision),
        quarantine::decided_by.eq(tx.actor().name()),
        quarantine::note.eq(note),
    ))
    .execute(tx.conn)?;
    if changed == 0 {
        return Err(Error::NotFound("quarantined reading"));
    }
    let kind = if released { "quarantine.released" } else { "quarantine.discarded" };
    tx.audit(&Act::new(kind).patient(patient).code(&item.reason).body(serde_json::json!({ "item": row })))
}

/// Whether a withdrawal of this reading of a patient's waits already.
pub(crate) fn withdrawal_waits(
    view: &mut View<'_>,
    wearer: Wearer,
    signal: Signal,
    at: Instant,
) -> Result<bool> {
    let of = quarantine::patient_key.eq(wearer.patient_key).and(quarantine::decided_at.is_null());
    let names = quarantine::signal.eq(signal.code()).and(quarantine::at.eq(at.micros()));
    let waiting = quarantine::table
        .filter(of.and(names).and(quarantine::device_key.eq(wearer.device_key)))
        .filter(quarantine::reason.eq(WITHDRAWN));
    Ok(diesel::select(diesel::dsl::exists(waiting)).get_result(view.conn)?)
}

/// Removes what is past its time. A late conflict stays, sealed: its receipt counts it.
///
/// # Errors
/// Database errors.
pub fn expire(tx: &mut Tx<'_>) -> Result<usize> {
    let now = tx.now().micros();
    // The words of the index: a bound value would hide it from the planner.
    let forgotten = || literally("quarantine.reason <> 'E_CONFLICT'");
    Ok(oldest!(tx, quarantine, quarantine::expires_at.le(now).and(forgotten()), quarantine::expires_at))
}

pub(crate) type Columns = (
    quarantine::id,
    quarantine::patient_key,
    quarantine::device_key,
    quarantine::signal,
    quarantine::reason,
    quarantine::at,
    quarantine::received,
    quarantine::received_at,
    quarantine::expires_at,
    quarantine::sealed,
);

pub(crate) const fn columns() -> Columns {
    (
        quarantine::id,
        quarantine::patient_key,
        quarantine::device_key,
        quarantine::signal,
        quarantine::reason,
        quarantine::at,
        quarantine::received,
        quarantine::received_at,
        quarantine::expires_at,
        quarantine::sealed,
    )
}
