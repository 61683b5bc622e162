//! What the log's key vouches for outside the log: lines of a file beside it, and the log's own
//! checkpoints wherever they are met.

use std::path::Path;

use ring::hmac;

use super::key;
use crate::db::error::{Error, Result};
use audit::note::{Checkpoint, Signer, claimed_origin};

/// What the sealing key is made from, with the log's seed.
const PURPOSE: &[u8] = b"zelo revocations.log v1";

/// Seals lines, each over the one before it, with a key that only who holds the log's key can make.
pub struct Seals {
    seed: [u8; 32],
    key: hmac::Key,
}

impl Seals {
    /// Of the house whose keys are in this directory.
    ///
    /// # Errors
    /// [`Error::Keys`] when there is no key of the log; the file cannot be read.
    pub fn load(keys: &Path) -> Result<Self> {
        let seed = key::read(keys)?.ok_or_else(|| {
            Error::Keys(format!(
                "{} is missing: put it back in the keys directory from where it is kept",
                key::FILE
            ))
        })?;
        Ok(Self::of(seed))
    }

    /// As [`Seals::load`]; makes the log's key first when there is none: the log that is opened later takes it.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(keys: &Path) -> Result<Self> {
        match key::read(keys)? {
            Some(seed) => Ok(Self::of(seed)),
            None => Ok(Self::of(key::generate(keys)?)),
        }
    }

    fn of(seed: [u8; 32]) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &seed), PURPOSE);
        Self { seed, key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()) }
    }

    /// The seal of a line behind the line whose seal is `before`; before the first one is nothing.
    #[must_use]
    pub fn seal(&self, before: &[u8], line: &[u8]) -> Vec<u8> {
        hmac::sign(&self.key, &chained(before, line)).as_ref().to_vec()
    }

    /// Whether `seal` is that line's in that place.
    #[must_use]
    pub fn holds(&self, before: &[u8], line: &[u8], seal: &[u8]) -> bool {
        hmac::verify(&self.key, &chained(before, line), seal).is_ok()
    }

    /// Whether this house's log signed this checkpoint, under the name of whatever year.
    #[must_use]
    pub fn signed(&self, note: &str) -> bool {
        let signer = Signer::from_seed(claimed_origin(note), &self.seed);
        signer.is_ok_and(|signer| Checkpoint::open(note, signer.vkey()).is_ok())
    }
}

fn chained(before: &[u8], line: &[u8]) -> Vec<u8> {
    let first = [u8::from(!before.is_empty())];
    [&first, before, line].concat()
}
