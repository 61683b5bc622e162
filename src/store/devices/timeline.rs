//! A patient's devices, back in time: when each was put on and taken off, and which readings it gave or took.

use diesel::prelude::*;

use crate::db::conn::literally;
use crate::db::error::{Error, Result};
use crate::db::schema::{bindings, devices, moves};
use crate::{Before, View};
use domain::{DeviceId, Instant};

/// A device was put on, or taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worn {
    /// The binding's id.
    pub id: String,
    /// When.
    pub at: Instant,
    /// The device.
    pub device: DeviceId,
}

type Row = (String, Option<i64>, String);

fn worn((id, at, device): Row) -> Result<Worn> {
    let at = at.ok_or_else(|| Error::corrupt("bindings.to_at").in_row(&id))?;
    let device = device.parse().map_err(|_not_an_id| Error::corrupt("devices.id").in_row(&device))?;
    Ok(Worn { id, at: Instant::from_micros(at), device })
}

/// When devices were put on before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn bound_before(view: &mut View<'_>, patient_key: i64, before: &Before, limit: i64) -> Result<Vec<Worn>> {
    let same = bindings::id.lt(&before.id);
    let rows: Vec<Row> = bindings::table
        .inner_join(devices::table)
        .filter(bindings::patient_key.eq(patient_key))
        .filter(bindings::from_at.le(before.at).and(bindings::from_at.lt(before.at).or(same)))
        .order((bindings::from_at.desc(), bindings::id.desc()))
        .limit(limit)
        .select((bindings::id, bindings::from_at.nullable(), devices::id))
        .load(view.conn)?;
    rows.into_iter().map(worn).collect()
}

/// When devices were taken off before a place, the newest first.
///
/// # Errors
/// Database errors.
pub fn unbound_before(
    view: &mut View<'_>,
    patient_key: i64,
    before: &Before,
    limit: i64,
) -> Result<Vec<Worn>> {
    let same = bindings::id.lt(&before.id);
    let rows: Vec<Row> = bindings::table
        .inner_join(devices::table)
        .filter(bindings::patient_key.eq(patient_key).and(literally("bindings.to_at IS NOT NULL")))
        .filter(bindings::to_at.le(before.at))
        .filter(bindings::to_at.lt(before.at).or(same.nullable()))
        .order((bindings::to_at.desc(), bindings::id.desc()))
        .limit(limit)
        .select((bindings::id, bindings::to_at, devices::id))
        .load(view.conn)?;
    rows.into_iter().map(worn).collect()
}

/// Readings that turned out to be the patient's, or another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The move's number.
    pub id: i64,
    /// When it was asked for.
    pub at: Instant,
    /// Who measured them.
    pub device: DeviceId,
    /// Whether they came.
    pub gives: bool,
    /// Since when they were measured.
    pub from: Instant,
    /// How many so far.
    pub readings: i64,
}

/// Readings that came or went before a place, the newest first; moves that moved nothing are not told.
///
/// # Errors
/// Database errors.
pub fn moved_before(
    view: &mut View<'_>,
    patient_key: i64,
    before: &Before,
    limit: i64,
) -> Result<Vec<Moved>> {
    type Raw = (i64, i64, bool, i64, i64, i64);
    let same = moves::id.lt(before.number());
    let rows: Vec<Raw> = moves::table
        .filter(moves::patient_key.eq(patient_key).and(literally("moves.moved > 0")))
        .filter(moves::created_at.le(before.at).and(moves::created_at.lt(before.at).or(same)))
        .order((moves::created_at.desc(), moves::id.desc()))
        .limit(limit)
        .select((moves::id, moves::created_at, moves::gives, moves::from_at, moves::moved, moves::device_key))
        .load(view.conn)?;
    let mut found = Vec::with_capacity(rows.len());
    for (id, at, gives, from, readings, device_key) in rows {
        let (at, from) = (Instant::from_micros(at), Instant::from_micros(from));
        found.push(Moved { id, at, device: super::id_of(view, device_key)?, gives, from, readings });
    }
    Ok(found)
}
