//! The bytes of a file: sealed in pieces, so that neither a row nor whoever reads it holds more than one at a time. Each
//! opens at its own place in its own file alone, and has the length that the file's size says, so that none is missing,
//! moved or cut.

use diesel::prelude::*;

use super::Attachment;
use crate::db::error::{Error, Result};
use crate::db::schema::attachment_pieces;
use crate::keys::seal::Place;
use crate::{Class, Subject, Tx, View};
use domain::{AttachmentId, PatientId};

/// Bytes of a piece, but for the last.
pub const PIECE: usize = 256 * 1024;

fn row(id: AttachmentId, place: u64) -> String {
    format!("{id}:{place}")
}

/// Seals and stores a file's bytes.
pub(super) fn save(tx: &mut Tx<'_>, patient: PatientId, id: AttachmentId, bytes: &[u8]) -> Result<()> {
    for (place, piece) in (0_u64..).zip(bytes.chunks(PIECE)) {
        let named = row(id, place);
        let at = Place::new("attachment_pieces", "content", &named);
        let sealed = tx.seal(Subject::Patient(patient), Class::Clinical, at, piece)?;
        diesel::insert_into(attachment_pieces::table)
            .values((
                attachment_pieces::attachment_id.eq(id.to_string()),
                attachment_pieces::place.eq(stored(place)?),
                attachment_pieces::content.eq(sealed),
            ))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Deletes a file's bytes.
pub(super) fn delete(tx: &mut Tx<'_>, id: AttachmentId) -> Result<()> {
    let pieces = attachment_pieces::table.filter(attachment_pieces::attachment_id.eq(id.to_string()));
    diesel::delete(pieces).execute(tx.conn)?;
    Ok(())
}

/// How many pieces a file has.
#[must_use]
pub fn pieces(file: &Attachment) -> u64 {
    file.size.div_ceil(whole())
}

/// A piece of a file, from 0 on.
///
/// # Errors
/// [`Error::NotFound`] once the file was removed; [`crate::keys::seal::Broken`] once the person was erased, or where the
/// bytes are not those that were sealed there; database errors.
pub fn piece(view: &mut View<'_>, file: &Attachment, place: u64) -> Result<Vec<u8>> {
    let sealed: Option<Vec<u8>> = attachment_pieces::table
        .find((file.id.to_string(), stored(place)?))
        .select(attachment_pieces::content)
        .get_result(view.conn)
        .optional()?;
    let sealed = sealed.ok_or(Error::NotFound("attachment"))?;
    let named = row(file.id, place);
    let plain = view.open(Place::new("attachment_pieces", "content", &named), &sealed)?;
    let left = file.size.saturating_sub(place.saturating_mul(whole()));
    if u64::try_from(plain.len()).ok() != Some(left.min(whole())) {
        return Err(
            Error::corrupt("attachment_pieces.content: longer or shorter than its file says").in_row(named)
        );
    }
    Ok(plain)
}

fn stored(place: u64) -> Result<i64> {
    i64::try_from(place).map_err(|_range| Error::corrupt("attachment_pieces.place"))
}

fn whole() -> u64 {
    u64::try_from(PIECE).unwrap_or(u64::MAX)
}
