//! Every stored reading of a range of patients with the message that brought it: for holding the store against
//! its receipts. No permit: nothing of it leaves the check.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use diesel::connection::DefaultLoadingMode;
use diesel::dsl::count_star;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;

use super::amendments::brought;
use super::chunk_rows::{Series, open};
use super::roll::patient_of;
use super::row::{COLUMNS, Row, StoredReading};
use super::span::Span;
use crate::domain::Signal;
use crate::store::conn::on;
use crate::store::error::{Error, Result};
use crate::store::keys::SubjectKey;
use crate::store::schema::{chunks, merged_readings as merged, readings};
use crate::store::seal::Broken;
use crate::store::{Class, Conn, Subject, View};

/// Chunks listed at once.
const LISTED: i64 = 512;

/// A reading and its patient's key.
pub(in crate::store) type Walked = (i64, StoredReading);

/// The keys to open telemetry with; `None` for a patient whose key was destroyed.
type Keys = HashMap<i64, Option<Arc<SubjectKey>>>;

/// How many readings each patient has, merged ones counted again; ascending.
pub(in crate::store) fn counts(view: &mut View<'_>) -> Result<Vec<(i64, i64)>> {
    let mut all: HashMap<i64, i64> = HashMap::new();
    let journal: Vec<(i64, i64)> = on!(&mut *view.conn, |c| readings::table
        .group_by(readings::patient_key)
        .select((readings::patient_key, count_star()))
        .load(c))?;
    let late: Vec<(i64, i64)> = on!(&mut *view.conn, |c| merged::table
        .group_by(merged::patient_key)
        .select((merged::patient_key, count_star()))
        .load(c))?;
    let packed: Vec<(i64, i64)> =
        chunks::table.select((chunks::patient_key, chunks::count)).load(view.conn)?;
    for (patient, count) in journal.into_iter().chain(late).chain(packed) {
        *all.entry(patient).or_default() += count;
    }
    let mut all: Vec<(i64, i64)> = all.into_iter().collect();
    all.sort_unstable();
    Ok(all)
}

/// Gives out every reading of these patients that can be opened: journal and chunks, and once more each that
/// a roll merged, under the message that brought it again. What both journal and chunk hold comes twice.
///
/// # Errors
/// [`Error::Sealed`] for a chunk that was altered, [`Error::Corrupt`] for a row; database errors; those of `told`.
pub(in crate::store) fn walk(
    view: &mut View<'_>,
    patients: &Range<i64>,
    told: &mut dyn FnMut(Walked) -> Result<()>,
) -> Result<()> {
    let keys = keys(view, patients)?;
    let late = late(view, patients)?;
    journal(view, patients, &keys, told)?;
    for (patient, _) in keys.iter().filter(|(_, key)| key.is_some()) {
        brought(view, *patient, told)?;
    }
    let mut after = 0;
    loop {
        let listed: Vec<(i64, i64, i16, i64, i64)> = chunks::table
            .filter(chunks::patient_key.ge(patients.start).and(chunks::patient_key.lt(patients.end)))
            .filter(chunks::id.gt(after))
            .order(chunks::id)
            .limit(LISTED)
            .select((chunks::id, chunks::patient_key, chunks::signal, chunks::span_from, chunks::span_to))
            .load(view.conn)?;
        let Some(last) = listed.last() else { return Ok(()) };
        after = last.0;
        for (id, patient, signal, from, to) in listed {
            if keys.get(&patient).is_none_or(Option::is_none) {
                continue;
            }
            let signal = Signal::from_code(signal).ok_or(Error::Corrupt("chunks.signal"))?;
            let sealed: Vec<u8> = chunks::table.find(id).select(chunks::sealed).get_result(view.conn)?;
            for reading in open(view, Series::new(patient, signal), Span { from, to }, &sealed)? {
                told((patient, reading))?;
                let identity = (patient, reading.reading.at.micros(), signal.code(), reading.device_key);
                for received in late.get(&identity).into_iter().flatten() {
                    let received = super::ReceiptRef::from_stored(*received);
                    told((patient, StoredReading { received, ..reading }))?;
                }
            }
        }
    }
}

fn journal(
    view: &mut View<'_>,
    patients: &Range<i64>,
    keys: &Keys,
    told: &mut dyn FnMut(Walked) -> Result<()>,
) -> Result<()> {
    let query = readings::table
        .filter(readings::patient_key.ge(patients.start).and(readings::patient_key.lt(patients.end)))
        .select(COLUMNS);
    let mut each = |row: QueryResult<Row>| -> Result<()> {
        let row = row?;
        match keys.get(&row.patient_key) {
            Some(Some(key)) => told((row.patient_key, row.open(key).or_else(|_odd| row.unreadable())?)),
            _ => Ok(()),
        }
    };
    match &mut *view.conn {
        Conn::Sqlite(c) => query.load_iter::<Row, DefaultLoadingMode>(c)?.try_for_each(&mut each),
        Conn::Pg(c) => query.load_iter::<Row, PgRowByRowLoadingMode>(c)?.try_for_each(&mut each),
    }
}

/// (patient, instant, signal, device) to the messages that brought it again.
type Late = HashMap<(i64, i64, i16, i64), Vec<i64>>;

fn late(view: &mut View<'_>, patients: &Range<i64>) -> Result<Late> {
    type Raw = (i64, i64, i16, i64, i64);
    let rows: Vec<Raw> = merged::table
        .filter(merged::patient_key.ge(patients.start).and(merged::patient_key.lt(patients.end)))
        .select((merged::patient_key, merged::at, merged::signal, merged::device_key, merged::received))
        .load(view.conn)?;
    let mut late = Late::new();
    for (patient, at, signal, device, received) in rows {
        late.entry((patient, at, signal, device)).or_default().push(received);
    }
    Ok(late)
}

fn keys(view: &mut View<'_>, patients: &Range<i64>) -> Result<Keys> {
    use crate::store::schema::patients as people;
    let known: Vec<i64> = people::table
        .filter(people::key.ge(patients.start).and(people::key.lt(patients.end)))
        .select(people::key)
        .load(view.conn)?;
    let mut keys = Keys::new();
    for patient in known {
        let id = patient_of(view, patient)?;
        let key = match view.key(Subject::Patient(id), Class::Telemetry) {
            Ok(key) => Some(key),
            Err(Error::Sealed(Broken::KeyDestroyed | Broken::NoKey)) => None,
            Err(error) => return Err(error),
        };
        keys.insert(patient, key);
    }
    Ok(keys)
}
