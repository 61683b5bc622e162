//! Sealed blobs: AES-256-GCM, bound to table, column and row by the additional data (DESIGN §6).
//!
//! Layout: `1` (format) ‖ key id (i64 BE) ‖ KEK epoch (u32 BE) ‖ nonce (12) ‖ ciphertext ‖ tag (16).

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// The sealed bytes cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The key was destroyed: the person was erased.
    #[error("its key was destroyed")]
    KeyDestroyed,
    /// The key is not in this database.
    #[error("its key is not here")]
    NoKey,
    /// The bytes are not a sealed blob, or were sealed for another place.
    #[error("the bytes were altered or moved")]
    Altered,
    /// The system gave no randomness.
    #[error("no randomness to be had")]
    NoRandomness,
}

const FORMAT: u8 = 1;
const HEADER: usize = 1 + 8 + 4;

/// Where a sealed blob lives; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Table name.
    pub table: &'a str,
    /// Column name.
    pub column: &'a str,
    /// The row's stable identity, as text.
    pub row: &'a str,
}

impl<'a> Place<'a> {
    /// A place by table, column and row.
    #[must_use]
    pub(crate) const fn new(table: &'a str, column: &'a str, row: &'a str) -> Self {
        Self { table, column, row }
    }

    fn aad(&self, header: &[u8]) -> Vec<u8> {
        let mut aad = Vec::with_capacity(64);
        aad.extend_from_slice(header);
        for part in [self.table, self.column, self.row] {
            aad.extend_from_slice(part.as_bytes());
            aad.push(0);
        }
        aad
    }
}

/// Which key sealed a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyRef {
    /// `subject_keys.id`.
    pub id: i64,
    /// The KEK epoch that wrapped the key when it sealed.
    pub epoch: u32,
}

/// The data-encryption key of one (subject, class) in the form that seals.
pub(crate) struct Sealer {
    key: LessSafeKey,
    key_ref: KeyRef,
}

impl Sealer {
    /// From 32 key bytes.
    ///
    /// # Errors
    /// [`Broken::Altered`] when the bytes are not 32.
    pub(crate) fn new(bytes: &[u8], key_ref: KeyRef) -> Result<Self, Broken> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_unspecified| Broken::Altered)?;
        Ok(Self { key: LessSafeKey::new(key), key_ref })
    }

    /// Seals `plain` for `place`.
    ///
    /// # Errors
    /// [`Broken::NoRandomness`].
    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut nonce = [0_u8; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_unspecified| Broken::NoRandomness)?;
        let mut blob = Vec::with_capacity(HEADER + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        blob.push(FORMAT);
        blob.extend_from_slice(&self.key_ref.id.to_be_bytes());
        blob.extend_from_slice(&self.key_ref.epoch.to_be_bytes());
        let aad = place.aad(&blob);
        blob.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
            .map_err(|_unspecified| Broken::Altered)?;
        blob.append(&mut body);
        Ok(blob)
    }

    /// Opens a blob that was sealed for `place`.
    ///
    /// # Errors
    /// [`Broken::Altered`] when it was not, or its bytes changed.
    pub(crate) fn open(&self, place: Place<'_>, blob: &[u8]) -> Result<Vec<u8>, Broken> {
        let (header, rest) = blob.split_at_checked(HEADER).ok_or(Broken::Altered)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Broken::Altered)?;
        let mut body = body.to_vec();
        let plain = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.aad(header)), &mut body)
            .map_err(|_unspecified| Broken::Altered)?
            .len();
        body.truncate(plain);
        Ok(body)
    }
}

/// The key that sealed a blob.
///
/// # Errors
/// [`Broken::Altered`] when the bytes are not a sealed blob.
pub(crate) fn key_of(blob: &[u8]) -> Result<KeyRef, Broken> {
    let (format, rest) = blob.split_first().ok_or(Broken::Altered)?;
    let (id, rest) = rest.split_first_chunk::<8>().ok_or(Broken::Altered)?;
    let (epoch, _) = rest.split_first_chunk::<4>().ok_or(Broken::Altered)?;
    if *format != FORMAT {
        return Err(Broken::Altered);
    }
    Ok(KeyRef { id: i64::from_be_bytes(*id), epoch: u32::from_be_bytes(*epoch) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32], KeyRef { id: 3, epoch: 1 }).unwrap()
    }

    #[test]
    fn a_blob_opens_only_where_it_was_sealed_for() {
        let blob = sealer().seal(Place::new("patients", "identity", "a"), b"Maria").unwrap();
        assert_eq!(sealer().open(Place::new("patients", "identity", "a"), &blob).unwrap(), b"Maria");
        for (table, column, row) in
            [("users", "identity", "a"), ("patients", "note", "a"), ("patients", "identity", "b")]
        {
            assert_eq!(sealer().open(Place::new(table, column, row), &blob), Err(Broken::Altered));
        }
    }

    #[test]
    fn any_flipped_bit_is_seen() {
        let place = Place::new("t", "c", "r");
        let blob = sealer().seal(place, b"72").unwrap();
        for at in 0..blob.len() {
            let mut bad = blob.clone();
            bad[at] ^= 1;
            assert_eq!(sealer().open(place, &bad), Err(Broken::Altered), "byte {at}");
        }
        assert_eq!(key_of(&blob), Ok(KeyRef { id: 3, epoch: 1 }));
    }
}
