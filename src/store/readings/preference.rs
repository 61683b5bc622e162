//! Which device speaks for a patient where two measure the same signal (DESIGN §4).

use diesel::prelude::*;

use crate::View;
use crate::db::error::Result;
use crate::db::schema::bindings;

/// The patient's devices, the preferred source first, then by when they were first bound.
///
/// # Errors
/// Database errors.
pub fn preference(view: &mut View<'_>, patient_key: i64) -> Result<Vec<i64>> {
    let mut devices: Vec<i64> = Vec::new();
    let rows: Vec<i64> = bindings::table
        .filter(bindings::patient_key.eq(patient_key))
        .order((bindings::preferred.desc(), bindings::from_at, bindings::id))
        .select(bindings::device_key)
        .load(view.conn)?;
    for device in rows {
        if !devices.contains(&device) {
            devices.push(device);
        }
    }
    Ok(devices)
}

/// The place of a device in that order; one never bound comes last.
pub(crate) fn rank(preference: &[i64], device_key: i64) -> usize {
    preference.iter().position(|known| *known == device_key).unwrap_or(preference.len())
}
