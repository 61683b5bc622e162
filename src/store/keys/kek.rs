//! The key-encryption keys: files that stay outside the database and its backups.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use super::seal::Broken;
use crate::db::error::{Error, Result};

/// The KEK of each epoch; the newest wraps.
pub struct Keks {
    epochs: BTreeMap<u32, Kek>,
}

struct Kek {
    key: LessSafeKey,
    fingerprint: [u8; 32],
}

impl Keks {
    /// Reads `kek-<epoch>.key` (base64 of 32 bytes) from `dir`.
    ///
    /// # Errors
    /// No key file, or one that is not a key: names it.
    pub fn load(dir: &Path) -> Result<Self> {
        let mut epochs = BTreeMap::new();
        let listing = fs::read_dir(dir).map_err(|source| io(dir, source))?;
        for file in listing {
            let path = file.map_err(|source| io(dir, source))?.path();
            let Some(epoch) = epoch_of(&path) else { continue };
            let text = fs::read_to_string(&path).map_err(|source| io(&path, source))?;
            let bytes = STANDARD.decode(text.trim()).ok().filter(|bytes| bytes.len() == 32);
            let bytes = bytes.ok_or_else(|| {
                Error::Keys(format!("{} is not a key file: it must hold 32 bytes in base64", path.display()))
            })?;
            epochs.insert(epoch, Kek::new(&bytes)?);
        }
        if epochs.is_empty() {
            return Err(Error::Keys(format!(
                "no kek-<epoch>.key in {}: run `zelo init` first",
                dir.display()
            )));
        }
        Ok(Self { epochs })
    }

    /// Makes the key file of `epoch` in `dir`, mode 0600; refuses to overwrite one.
    ///
    /// # Errors
    /// The directory cannot be written, or the file is there already.
    pub fn generate(dir: &Path, epoch: u32) -> Result<()> {
        let mut bytes = [0_u8; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| Broken::NoRandomness)?;
        write_secret(&dir.join(format!("kek-{epoch}.key")), STANDARD.encode(bytes).as_bytes())
    }

    /// The newest epoch.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.epochs.last_key_value().map_or(0, |(epoch, _)| *epoch)
    }

    /// SHA-256 of each epoch's key under a label: shows that files and database fit, tells nothing else.
    pub fn fingerprints(&self) -> impl Iterator<Item = (u32, [u8; 32])> {
        self.epochs.iter().map(|(epoch, kek)| (*epoch, kek.fingerprint))
    }

    /// Wraps a data key under the newest epoch.
    ///
    /// # Errors
    /// No randomness.
    pub(crate) fn wrap(&self, subject: &str, class: i16, dek: &[u8; 32]) -> Result<(u32, Vec<u8>)> {
        let (epoch, kek) = self.epochs.last_key_value().ok_or(Broken::NoKey)?;
        let mut nonce = [0_u8; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_unspecified| Broken::NoRandomness)?;
        let mut body = dek.to_vec();
        kek.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad(*epoch, subject, class)),
                &mut body,
            )
            .map_err(|_unspecified| Broken::Altered)?;
        let mut wrapped = nonce.to_vec();
        wrapped.append(&mut body);
        Ok((*epoch, wrapped))
    }

    /// Unwraps a data key.
    ///
    /// # Errors
    /// [`Broken::NoKey`] when the epoch's file is not here, [`Broken::Altered`] when the row was changed.
    pub(crate) fn unwrap(&self, epoch: u32, subject: &str, class: i16, wrapped: &[u8]) -> Result<[u8; 32]> {
        let kek = self.epochs.get(&epoch).ok_or(Broken::NoKey)?;
        let (nonce, body) = wrapped.split_first_chunk::<NONCE_LEN>().ok_or(Broken::Altered)?;
        let mut body = body.to_vec();
        let plain = kek
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad(epoch, subject, class)),
                &mut body,
            )
            .map_err(|_unspecified| Broken::Altered)?;
        Ok(<[u8; 32]>::try_from(&*plain).map_err(|_length| Broken::Altered)?)
    }
}

impl Kek {
    fn new(bytes: &[u8]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_unspecified| Broken::Altered)?;
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"zelo/kek-fingerprint/1");
        hash.update(bytes);
        let fingerprint = <[u8; 32]>::try_from(hash.finish().as_ref()).unwrap_or([0; 32]);
        Ok(Self { key: LessSafeKey::new(key), fingerprint })
    }
}

fn aad(epoch: u32, subject: &str, class: i16) -> String {
    format!("subject_keys\0{epoch}\0{subject}\0{class}")
}

fn epoch_of(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.strip_prefix("kek-")?.strip_suffix(".key")?.parse().ok()
}

fn io(path: &Path, source: std::io::Error) -> Error {
    Error::Io { what: format!("the key file {} cannot be used", path.display()), source }
}

/// Writes a new file that only its owner may read.
///
/// # Errors
/// The file exists, or cannot be written.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(|source| io(path, source))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| io(path, source))
}
