//! Proofs to take away: one entry under a signed checkpoint, and one reading's message under its second's root.

use diesel::prelude::*;

use super::years::{self, Entries};
use super::{Rows, broken};
use crate::db::error::{Error, Result};
use crate::db::schema::{audit_entries as entries, devices, readings, receipts};
use crate::readings::{ReceiptRef, Series, range};
use crate::{View, patients};
use audit::note::Vkey;
use audit::pack::{MessageProof, Pack};
use audit::proof::LeafProof;
use domain::{DeviceId, Instant, PatientId, Signal};

/// The proof of entry `leaf` as a `c2sp.org/tlog-proof@v1` text; its checkpoint names the year's log, and its index
/// is the place in that.
///
/// # Errors
/// [`Error::NotFound`] when the log has no such entry; [`Error::Log`] when its tiles are not whole.
pub fn proof_of_entry(view: &mut View<'_>, key: &Vkey, leaf: u64) -> Result<String> {
    Ok(leaf_proof(view, key, leaf)?.to_string())
}

pub(super) fn leaf_proof(view: &mut View<'_>, key: &Vkey, leaf: u64) -> Result<LeafProof> {
    let year = years::of(view, leaf)?.ok_or(Error::NotFound("entry in the sealed log"))?;
    year.trusts(key)?;
    let head = year.head(view)?.filter(|head| leaf < head.entries());
    let head = head.ok_or(Error::NotFound("entry in the sealed log"))?;
    LeafProof::of(&Rows::new(view, year.year), &head.note, &year.vkey, leaf - year.first).map_err(broken)
}

/// The proof of the message that brought a stored reading.
///
/// # Errors
/// [`Error::NotFound`] when there is no such reading, or its second is not sealed yet.
pub fn proof_of_reading(
    view: &mut View<'_>,
    key: &Vkey,
    patient: PatientId,
    signal: Signal,
    at: Instant,
    device: DeviceId,
) -> Result<MessageProof> {
    let patient_key = patients::key_of(view, patient)?;
    let device_key: Option<i64> = devices::table
        .filter(devices::id.eq(device.to_string()))
        .select(devices::key)
        .first(view.conn)
        .optional()?;
    let device_key = device_key.ok_or(Error::NotFound("device"))?;
    let received = received(view, patient_key, signal, at, device_key)?;
    let received = received.ok_or(Error::NotFound("reading"))?;
    of_message(view, key, device_key, received)
}

/// The proof of one message of a device.
fn of_message(
    view: &mut View<'_>,
    key: &Vkey,
    device_key: i64,
    received: ReceiptRef,
) -> Result<MessageProof> {
    let packs: Vec<(i64, i16, Vec<u8>)> = receipts::table
        .filter(receipts::second.eq(received.second()))
        .order(receipts::part)
        .select((receipts::entry, receipts::part, receipts::pack))
        .load(view.conn)?;
    for (entry, part, bytes) in packs {
        let pack = Pack::decode(&bytes).map_err(|_cut| {
            Error::corrupt("receipts.pack").in_row(format_args!("{}:{part}", received.second()))
        })?;
        let ours = |m: &audit::pack::Receipted| {
            i64::try_from(m.device_key) == Ok(device_key) && m.ordinal == received.ordinal()
        };
        let Some(place) = pack.0.iter().position(ours) else { continue };
        let (Some(message), Some(path)) = (pack.0.get(place), pack.path(place)) else { continue };
        let leaf: Option<i64> = entries::table.find(entry).select(entries::leaf).get_result(view.conn)?;
        let Some(leaf) = leaf.and_then(|leaf| u64::try_from(leaf).ok()) else { break };
        let bytes = Entries::new(view)?
            .entry(leaf)?
            .ok_or_else(|| Error::corrupt("audit_bundles.bytes").in_row(leaf))?;
        let position = u64::try_from(place).unwrap_or(u64::MAX);
        let leaf = leaf_proof(view, key, leaf)?;
        return Ok(MessageProof { message: *message, position, path, entry: bytes, leaf });
    }
    Err(Error::NotFound("sealed receipt of this reading yet"))
}

/// The message that brought a reading.
fn received(
    view: &mut View<'_>,
    patient_key: i64,
    signal: Signal,
    at: Instant,
    device_key: i64,
) -> Result<Option<ReceiptRef>> {
    let hot: Option<i64> = readings::table
        .find((at.micros(), patient_key, signal.code(), device_key))
        .select(readings::received)
        .get_result(view.conn)
        .optional()?;
    if let Some(hot) = hot {
        return Ok(Some(ReceiptRef::from_stored(hot)));
    }
    let just_then = Instant::from_micros(at.micros().saturating_add(1));
    let cold = range(view, Series::new(patient_key, signal), at, just_then)?;
    Ok(cold.iter().find(|reading| reading.device_key == device_key).map(|reading| reading.received))
}
