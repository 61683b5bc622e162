//! What the ingest commit needs to know of devices and patients, in few queries.

use std::collections::HashMap;

use diesel::prelude::*;

pub use crate::consents::subjects::{PatientRow, patient, patients};
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::{bindings, devices as machines};
use crate::db::tx::View;
use domain::{DeviceId, Instant};

/// Ids in one query: SQLite binds 32,766 at most.
const AT_ONCE: usize = 8_192;

/// A device, and whose it was when.
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
    /// The binding that a message falls under, by the instants of all that it holds: the one at the first of them, else
    /// the one at `now`, else that of the first which has one. `None`: nothing in it was measured for anybody.
    #[must_use]
    pub fn owner(&self, instants: impl IntoIterator<Item = Instant>, now: Instant) -> Option<&Binding> {
        let mut instants = instants.into_iter();
        let first = instants.next().and_then(|at| self.bound_at(at));
        first.or_else(|| self.bound_at(now)).or_else(|| instants.find_map(|at| self.bound_at(at)))
    }

    /// The binding that covers `at`.
    #[must_use]
    pub fn bound_at(&self, at: Instant) -> Option<&Binding> {
        self.bindings.iter().rev().find(|binding| binding.from <= at && at < binding.to)
    }
}

/// A device by its id.
///
/// # Errors
/// Database errors.
pub fn device(view: &mut View<'_>, id: DeviceId) -> Result<Option<DeviceRow>> {
    Ok(devices(view, &[id])?.pop().map(|(_, row)| row))
}

/// The devices with these ids, with one query for all of them and one for their bindings; one that nobody
/// enrolled is not in the answer.
///
/// # Errors
/// Database errors.
pub fn devices(view: &mut View<'_>, ids: &[DeviceId]) -> Result<Vec<(DeviceId, DeviceRow)>> {
    let mut out = Vec::with_capacity(ids.len());
    for ids in ids.chunks(AT_ONCE) {
        let names: Vec<String> = ids.iter().map(DeviceId::to_string).collect();
        let query = machines::table.filter(machines::id.eq_any(names)).select((
            machines::key,
            machines::id,
            machines::disabled_at,
        ));
        let found: Vec<(i64, String, Option<i64>)> = on!(&mut *view.conn, |c| query.load(c))?;
        let keys: Vec<i64> = found.iter().map(|(key, ..)| *key).collect();
        let mut bindings = bindings_of(view, &keys)?;
        for (key, id, disabled_at) in found {
            let id = id.parse().map_err(|_not_an_id| Error::corrupt("devices.id").in_row(key))?;
            let bindings = bindings.remove(&key).unwrap_or_default();
            out.push((id, DeviceRow { key, disabled: disabled_at.is_some(), bindings }));
        }
    }
    Ok(out)
}

/// The bindings of these devices, each device's oldest first.
fn bindings_of(view: &mut View<'_>, devices: &[i64]) -> Result<HashMap<i64, Vec<Binding>>> {
    type Raw = (i64, i64, i64, Option<i64>, bool);
    let query = bindings::table
        .filter(bindings::device_key.eq_any(devices))
        .order((bindings::device_key, bindings::from_at))
        .select((
            bindings::device_key,
            bindings::patient_key,
            bindings::from_at,
            bindings::to_at,
            bindings::preferred,
        ));
    let rows: Vec<Raw> = on!(&mut *view.conn, |c| query.load(c))?;
    let mut out: HashMap<i64, Vec<Binding>> = HashMap::with_capacity(devices.len());
    for (device, patient_key, from, to, preferred) in rows {
        out.entry(device).or_default().push(Binding {
            patient_key,
            from: Instant::from_micros(from),
            to: to.map_or(Instant::MAX, Instant::from_micros),
            preferred,
        });
    }
    Ok(out)
}

/// A patient's devices with their bindings, the preferred first, then the first bound.
///
/// # Errors
/// Database errors.
pub fn sources(view: &mut View<'_>, patient_key: i64) -> Result<Vec<(i64, DeviceId, Binding)>> {
    type Raw = (i64, String, i64, Option<i64>, bool);
    let rows: Vec<Raw> = bindings::table
        .inner_join(machines::table)
        .filter(bindings::patient_key.eq(patient_key))
        .order((bindings::preferred.desc(), bindings::from_at.asc()))
        .select((machines::key, machines::id, bindings::from_at, bindings::to_at, bindings::preferred))
        .load(view.conn)?;
    rows.into_iter()
        .map(|(key, id, from, to, preferred)| {
            let id = id.parse().map_err(|_not_an_id| Error::corrupt("devices.id").in_row(key))?;
            let (from, to) = (Instant::from_micros(from), to.map_or(Instant::MAX, Instant::from_micros));
            Ok((key, id, Binding { patient_key, from, to, preferred }))
        })
        .collect()
}
