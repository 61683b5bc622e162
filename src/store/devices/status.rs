//! What a device says of itself: the last words on its `status` topic, its will among them, and its battery. Sealed
//! like what is written on it.

use std::time::Duration;

use diesel::prelude::*;

use super::key_of;
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::{device_charges, devices};
use crate::keys::seal::Place;
use crate::keys::{Class, Subject};
use crate::{Tx, View};
use domain::{DeviceId, Instant};

/// A level that did not change is written again after so long: its age is shown.
pub const CHARGE_HOLDS: Duration = Duration::from_secs(3_600);

/// How full a battery was, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Charge {
    /// When it was measured.
    pub at: Instant,
    /// Percent, 0 to 100.
    pub percent: f64,
}

const fn place<'a>(column: &'a str, id: &'a str) -> Place<'a> {
    Place::new("devices", column, id)
}

/// Stores the last message on a device's `status` topic. Run it with [`crate::Store::keep_house`].
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn report(tx: &mut Tx<'_>, id: DeviceId, status: &[u8]) -> Result<()> {
    let (key, text) = (key_of(tx, id)?, id.to_string());
    let sealed = tx.seal(Subject::Device(id), Class::Identity, place("status", &text), status)?;
    diesel::update(devices::table.find(key))
        .set((devices::status.eq(Some(sealed)), devices::status_at.eq(Some(tx.now().micros()))))
        .execute(tx.conn)?;
    tx.signal("device.changed", id)
}

/// A device's last status message, and when it came (`None`: before that was stored).
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn last(view: &mut View<'_>, id: DeviceId) -> Result<Option<(Vec<u8>, Option<Instant>)>> {
    let text = id.to_string();
    let row: Option<(Option<Vec<u8>>, Option<i64>)> = devices::table
        .filter(devices::id.eq(&text))
        .select((devices::status, devices::status_at))
        .get_result(view.conn)
        .optional()?;
    let (sealed, at) = row.ok_or(Error::NotFound("device"))?;
    let status = sealed.map(|blob| view.open(place("status", &text), &blob)).transpose()?;
    Ok(status.map(|status| (status, at.map(Instant::from_micros))))
}

/// Keeps a battery level, unless a newer one is known.
///
/// # Errors
/// The device's key was destroyed; database errors.
pub fn charge(tx: &mut Tx<'_>, id: DeviceId, key: i64, charge: Charge) -> Result<()> {
    let text = id.to_string();
    let sealed =
        tx.seal_json(Subject::Device(id), Class::Identity, place("charge", &text), &charge.percent)?;
    let newer = (device_charges::at.eq(charge.at.micros()), device_charges::level.eq(&sealed));
    let older = device_charges::table.find(key).filter(device_charges::at.lt(charge.at.micros()));
    if diesel::update(older).set(newer).execute(tx.conn)? == 0 {
        let row = (device_charges::device_key.eq(key), newer);
        on!(&mut *tx.conn, |c| diesel::insert_into(device_charges::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    tx.signal("device.changed", id)
}

/// The newest battery level among a device's readings.
///
/// # Errors
/// Database errors.
pub fn charged(view: &mut View<'_>, id: DeviceId, key: i64) -> Result<Option<Charge>> {
    let text = id.to_string();
    let row: Option<(i64, Vec<u8>)> = device_charges::table
        .find(key)
        .select((device_charges::at, device_charges::level))
        .first(view.conn)
        .optional()?;
    let Some((at, blob)) = row else { return Ok(None) };
    let percent = view.open_json(place("charge", &text), &blob)?;
    Ok(Some(Charge { at: Instant::from_micros(at), percent }))
}
