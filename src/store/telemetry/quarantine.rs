//! Readings that were received under a permit but are not believed: sealed, kept 30 days, decided by a
//! clinician (DESIGN §4).

use std::time::Duration;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::row::{ReceiptRef, StoredReading};
use crate::domain::id::uuid_at;
use crate::domain::{Flags, Instant, PatientId, Reading, Signal, Unit};
use crate::store::error::{Error, Result};
use crate::store::schema::quarantine::dsl;
use crate::store::{Class, Place, Subject, Tx, View};

/// How long a quarantined reading waits for a decision.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The sealed part: text, so that the value comes back bit for bit.
#[derive(Serialize, Deserialize)]
struct Body {
    value: String,
    unit: u8,
    flags: u8,
}

/// Puts a reading into quarantine for a reason such as `E_CONFLICT`. Returns the row's id.
///
/// # Errors
/// The patient's key was destroyed; database errors.
pub fn hold(
    tx: &mut Tx<'_>,
    (patient, patient_key): (PatientId, i64),
    held: &StoredReading,
    reason: &str,
) -> Result<String> {
    let id = uuid_at(tx.now()).to_string();
    let StoredReading { reading, device_key, received } = held;
    let body = Body { value: reading.value.to_string(), unit: reading.unit.code(), flags: reading.flags.0 };
    let place = Place::new("quarantine", "sealed", &id);
    let sealed = tx.seal_json(Subject::Patient(patient), Class::Telemetry, place, &body)?;
    diesel::insert_into(dsl::quarantine)
        .values((
            dsl::id.eq(&id),
            dsl::patient_key.eq(patient_key),
            dsl::device_key.eq(device_key),
            dsl::signal.eq(reading.signal.code()),
            dsl::reason.eq(reason),
            dsl::at.eq(reading.at.micros()),
            dsl::received.eq(received.stored()),
            dsl::received_at.eq(Instant::from_secs(received.second()).micros()),
            dsl::expires_at.eq(tx.now().plus(KEPT).micros()),
            dsl::sealed.eq(sealed),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

/// Opens a quarantined reading.
///
/// # Errors
/// No such row, or its key was destroyed.
pub fn open(view: &mut View<'_>, id: &str) -> Result<StoredReading> {
    type Found = (i64, Option<i16>, Option<i64>, i64, Vec<u8>);
    let (device_key, signal, at, received, sealed): Found = dsl::quarantine
        .find(id)
        .select((dsl::device_key, dsl::signal, dsl::at, dsl::received, dsl::sealed))
        .first(view.conn)?;
    let body: Body = view.open_json(Place::new("quarantine", "sealed", id), &sealed)?;
    let broken = Error::Corrupt("quarantine.sealed");
    let (Some(signal), Some(at), Some(unit), Ok(value)) =
        (signal.and_then(Signal::from_code), at, Unit::from_code(body.unit), body.value.parse::<f64>())
    else {
        return Err(broken);
    };
    let reading = Reading { signal, at: Instant::from_micros(at), value, unit, flags: Flags(body.flags) };
    Ok(StoredReading { reading, device_key, received: ReceiptRef::from_stored(received) })
}
