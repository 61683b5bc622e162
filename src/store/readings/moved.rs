//! Moves readings between people, a stretch in a transaction. Readings that a device took when it was no longer a
//! patient's are set aside from that patient, and set-aside readings are given to whoever wore the device. Both are
//! amendments; journal, chunks and receipts keep what was committed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use consent::{Permit, Purpose, TelemetryCollect};
use diesel::prelude::*;
use uuid::Uuid;

use super::amendments::generations::{New, write};
use super::amendments::in_force::{amended, edge};
use super::amendments::{Generation, Identity, Sealed};
use super::chunks::rows::{self, Outline, Series};
use super::chunks::span::Span;
use super::journal::measured;
use super::journal::row::{COLUMNS, Row, StoredReading};
use super::series::history::{History, TakenBack};
use super::series::{joined, range};
use crate::db::error::Result;
use crate::db::schema::readings;
use crate::devices::Wearer;
use crate::devices::unbound::{self, NOT_BOUND};
use crate::keys::Subject;
use crate::patients::keyed::Keyed;
use crate::readings::quarantine::{self, Aside, Item};
use crate::{Act, Tx, View};
use domain::time::civil::Window;
use domain::{DeviceId, Flags, Instant, PatientId, Reading, Signal};

/// Readings of one transaction: each is sealed twice.
pub(crate) const AT_ONCE: usize = 128;
/// Readings that are closer together than this are read in one query.
const CLOSE: Duration = Duration::from_secs(300);
/// Amendments that are opened for one transaction.
const OPENED: i64 = 512;

/// A stretch of what one device measured for one patient.
pub(crate) struct Worn {
    /// As they are in force, ascending; at most [`AT_ONCE`].
    pub readings: Vec<StoredReading>,
    /// Where the stretch ends (exclusive).
    pub until: Instant,
    /// The chunk of which nothing is left in force by itself once they are set aside.
    pub overlaid: Option<Outline>,
}

/// The stretch that begins with `within` and ends with it, with the next chunk, or where its readings would be too many.
pub(crate) fn worn(view: &mut View<'_>, series: Series, device_key: i64, within: Window) -> Result<Worn> {
    let (Series { patient_key, signal }, Window { from, to }) = (series, within);
    let end = rows::end_after(view.conn, series, from.micros())?.map(Instant::from_micros);
    let mut until = end.map_or(to, |end| end.min(to));
    let span = Span { from: from.micros(), to: until.micros() };
    if let Some(edge) = edge(view.conn, series, span, OPENED)? {
        until = Instant::from_micros(edge.max(span.from.saturating_add(1)));
    }
    let limit = i64::try_from(AT_ONCE).unwrap_or(0) + 1;
    let mut rows: Vec<Row> = readings::table
        .filter(readings::at.ge(from.micros()).and(readings::at.lt(until.micros())))
        .filter(readings::patient_key.eq(patient_key).and(readings::signal.eq(signal.code())))
        .filter(readings::device_key.eq(device_key))
        .order(readings::at)
        .limit(limit)
        .select(COLUMNS)
        .load(view.conn)?;
    if let Some(beyond) = rows.get(AT_ONCE) {
        until = Instant::from_micros(beyond.at);
        rows.truncate(AT_ONCE);
    }
    let mut readings = joined(view, series, &rows, from, until)?;
    readings.retain(|stored| stored.device_key == device_key);
    if let Some(beyond) = readings.get(AT_ONCE) {
        until = beyond.reading.at;
        readings.truncate(AT_ONCE);
    }
    let overlaid = if readings.is_empty() { None } else { overlaid(view, series, until, &readings)? };
    Ok(Worn { readings, until, overlaid })
}

/// The chunk that ends before `until`, if each of its readings has an amendment or is one of these.
fn overlaid(
    view: &mut View<'_>,
    series: Series,
    until: Instant,
    moving: &[StoredReading],
) -> Result<Option<Outline>> {
    let chunk = rows::bare_before(view.conn, series, until.micros().saturating_sub(1))?;
    let Some(chunk) = chunk.filter(|chunk| chunk.last_at < until.micros()) else { return Ok(None) };
    let identity = |stored: &StoredReading| (stored.reading.at.micros(), stored.device_key);
    let mut amended = amended(view.conn, series, chunk.span())?;
    amended.extend(moving.iter().map(identity));
    let committed = rows::open_by_id(view, series, &chunk)?;
    Ok(committed.iter().all(|stored| amended.contains(&identity(stored))).then_some(chunk))
}

/// Sets readings of one series aside from a patient: they wait for whoever wore the device.
pub(crate) fn set_aside(
    tx: &mut Tx<'_>,
    patient: Keyed<PatientId>,
    device: Keyed<DeviceId>,
    readings: &[StoredReading],
    overlaid: Option<&Outline>,
) -> Result<()> {
    let Some(signal) = readings.first().map(|stored| stored.reading.signal) else { return Ok(()) };
    let aside = |stored: &StoredReading| Aside {
        patient: None,
        device_key: device.key,
        subject: Subject::Device(device.id),
        reason: NOT_BOUND,
        received: stored.received,
        // Where it goes nothing stood before it.
        reading: Some(uncorrected(stored.reading)),
        names: None,
        payload: None,
    };
    let items = quarantine::insert_many(tx, &readings.iter().map(aside).collect::<Vec<_>>())?;
    let instants: Vec<i64> = readings.iter().map(|stored| stored.reading.at.micros()).collect();
    let histories = History::of(tx, patient, signal, device.key, &instants)?;
    let leave = |(stored, item): (&StoredReading, Uuid)| {
        let at = stored.reading.at;
        New {
            identity: Identity { patient, signal, at, device_key: device.key },
            number: histories.get(&at.micros()).map_or(1, History::next),
            sealed: Sealed::nothing(&uncorrected(stored.reading)),
            received: stored.received,
            item: Some(item),
            supersedes: false,
        }
    };
    write(tx, &readings.iter().zip(items).map(leave).collect::<Vec<_>>())?;
    if let Some(chunk) = overlaid {
        rows::overlay(tx, chunk)?;
    }
    let spoken: Vec<Reading> = readings.iter().map(|stored| stored.reading).collect();
    log_entry(tx, "reading.amended", "not_bound", patient.id, device.id, &spoken)
}

fn uncorrected(reading: Reading) -> Reading {
    Reading { flags: reading.flags.without(Flags::CORRECTED), ..reading }
}

/// Whether a patient allows to collect, or why not.
pub type Allowed<'p> = std::result::Result<&'p Permit<TelemetryCollect>, consent::Code>;

/// The result of giving readings to a patient.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Given {
    /// The patient has them now.
    pub theirs: usize,
    /// Their consent does not allow it: these go on waiting.
    pub refused: usize,
    /// The first of those that changed the series.
    pub from: Option<Instant>,
}

/// Gives what was set aside in one series to whoever wore the device, as if it had come late: nothing that their permit
/// does not cover, and of two values of one identity the one committed first. Readings that were theirs before come
/// back as they were stored: that is no new collection, whatever became of their consent since. Refused readings go on
/// waiting: the binding may be the mistake.
pub(crate) fn give(
    tx: &mut Tx<'_>,
    permit: Allowed<'_>,
    patient: Keyed<PatientId>,
    device: Keyed<DeviceId>,
    items: &[Item],
) -> Result<Given> {
    let Some(signal) = items.iter().find_map(|item| item.reading).map(|reading| reading.signal) else {
        return Ok(Given::default());
    };
    let mut theirs = in_force(tx, patient.key, device.key, items)?;
    let (mut given, mut came, mut arrived, mut taken) =
        (Given::default(), Vec::new(), Vec::new(), Vec::new());
    let mut refused: BTreeMap<&'static str, Vec<&Item>> = BTreeMap::new();
    let mut instants: Vec<i64> = items.iter().filter_map(|item| Some(item.reading?.at.micros())).collect();
    instants.dedup();
    let while_nobodys = unbound::taken_back(tx, device.key, &instants)?;
    let histories = History::of(tx, patient, signal, device.key, &instants)?;
    let mut gone: BTreeSet<Instant> = BTreeSet::new();
    for item in items {
        let Some(reading) = item.reading else { continue };
        let Some(history) = histories.get(&reading.at.micros()) else { continue };
        let last = history.last(tx)?;
        let covered =
            permit.and_then(|permit| permit.covers(reading.at.micros()).map_err(|denied| denied.code));
        let comes_back = last.as_ref().is_some_and(Generation::is_anothers);
        if let Some(code) = covered.err().filter(|code| !comes_back || *code == consent::Code::Erased) {
            refused.entry(code.as_str()).or_default().push(item);
            continue;
        }
        taken.push(item);
        let withdrawals = while_nobodys.get(&(reading.signal, reading.at)).map_or(&[][..], Vec::as_slice);
        let taken_back = history.taken_back(tx)?.or_else(|| {
            // What puts a value right is not what it took back.
            let others = withdrawals.iter().filter(|back| back.received != item.received);
            Some(TakenBack::of_nobodys(others)).filter(|taken| !taken.leaves(&reading))
        });
        let puts_right = withdrawals.iter().any(|back| back.received == item.received);
        match theirs.get(&reading.at) {
            Some(known) if known.says_the_same(&reading) => given.theirs += 1,
            Some(_other) => conflicts(tx, patient, item)?,
            // What the device took back stays so, whosever it was then.
            None if taken_back.as_ref().is_some_and(|taken| taken.is(&reading)) => {
                gone.insert(reading.at);
            }
            None if taken_back.is_some() => conflicts(tx, patient, item)?,
            // It came after what was taken back.
            None if gone.contains(&reading.at) && !puts_right => conflicts(tx, patient, item)?,
            None => {
                let as_it_was = |last: &Generation| last.was.is_some_and(|was| was.says_the_same(&reading));
                came.push(New {
                    identity: Identity { patient, signal, at: reading.at, device_key: device.key },
                    number: history.next(),
                    sealed: Sealed::value(&reading),
                    received: item.received,
                    item: Some(item.id),
                    supersedes: last.is_some_and(|last| !as_it_was(&last)),
                });
                theirs.insert(reading.at, reading);
                arrived.push(reading);
            }
        }
    }
    write(tx, &came)?;
    if let Some(newest) = arrived.iter().map(|reading| reading.at).max() {
        measured::note(tx, patient.key, signal, newest)?;
    }
    given.theirs += arrived.len();
    given.from = arrived.iter().map(|reading| reading.at).min();
    unbound::released(tx, &taken)?;
    let spoken = |items: &[&Item]| items.iter().filter_map(|item| item.reading).collect::<Vec<_>>();
    log_entry(tx, "reading.amended", "bound", patient.id, device.id, &arrived)?;
    log_entry(tx, "quarantine.released", NOT_BOUND, patient.id, device.id, &spoken(&taken))?;
    for (code, items) in refused {
        given.refused += items.len();
        let body = serde_json::json!({ "device": device.id, "count": items.len() });
        let purpose = Purpose::TelemetryCollect.as_str();
        let entry = Act::new("decision.deny").patient(patient.id).purpose(purpose).decided(false);
        tx.audit(&entry.code(code).body(body))?;
    }
    Ok(given)
}

/// What the patient has of this device at the instants of these items.
fn in_force(
    view: &mut View<'_>,
    patient_key: i64,
    device_key: i64,
    items: &[Item],
) -> Result<BTreeMap<Instant, Reading>> {
    let known = |item: &Item| item.reading.map(|reading| (reading.at, reading.signal));
    let (Some((from, signal)), Some((last, _))) =
        (items.first().and_then(known), items.last().and_then(known))
    else {
        return Ok(BTreeMap::new());
    };
    let to = last.plus(Duration::from_micros(1));
    let stored = range(view, Series::new(patient_key, signal), from, to)?;
    let own = stored.into_iter().filter(|stored| stored.device_key == device_key);
    Ok(own.map(|stored| (stored.reading.at, stored.reading)).collect())
}

/// Which of these a patient has of a device.
pub(crate) fn present(
    view: &mut View<'_>,
    wearer: Wearer,
    identities: &[(Signal, Instant)],
) -> Result<Vec<(Signal, Instant)>> {
    let mut of: BTreeMap<Signal, BTreeSet<Instant>> = BTreeMap::new();
    for (signal, at) in identities {
        of.entry(*signal).or_default().insert(*at);
    }
    let mut out = Vec::new();
    for (signal, instants) in of {
        // What lies close together is read together.
        let mut left = instants.iter().copied().peekable();
        while let Some(from) = left.next() {
            let mut last = from;
            while let Some(next) = left.next_if(|next| next.since(last) < CLOSE) {
                last = next;
            }
            let to = last.plus(Duration::from_micros(1));
            let stored = range(view, Series::new(wearer.patient_key, signal), from, to)?;
            let own = stored.into_iter().filter(|stored| stored.device_key == wearer.device_key);
            out.extend(own.map(|stored| (signal, stored.reading.at)).filter(|(_, at)| instants.contains(at)));
        }
    }
    Ok(out)
}

/// Another value came first: the later one waits for a clinician.
fn conflicts(tx: &mut Tx<'_>, patient: Keyed<PatientId>, item: &Item) -> Result<()> {
    let aside = Aside {
        patient: Some(patient),
        device_key: item.device_key,
        subject: Subject::Patient(patient.id),
        reason: "E_CONFLICT",
        received: item.received,
        reading: item.reading,
        names: None,
        payload: None,
    };
    quarantine::insert(tx, &aside).map(drop)
}

/// One entry for all of them: which series, from when to when, how many.
fn log_entry(
    tx: &mut Tx<'_>,
    kind: &'static str,
    code: &str,
    patient: PatientId,
    device: DeviceId,
    readings: &[Reading],
) -> Result<()> {
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else { return Ok(()) };
    let body = serde_json::json!({
        "signal": first.signal.name(), "device": device, "from": first.at, "to": last.at, "count": readings.len(),
    });
    tx.audit(&Act::new(kind).patient(patient).code(code).body(body))
}
