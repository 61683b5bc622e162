//! Secrets that a person or a program carries: 256 random bits, of which the database keeps only the hash.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use super::seal::Broken;
use crate::db::error::Result;

/// A bearer secret. Shown once to whom it belongs; never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A fresh one.
    ///
    /// # Errors
    /// No randomness.
    pub(crate) fn fresh() -> Result<Self> {
        let mut bytes = [0_u8; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| Broken::NoRandomness)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// One that carries more than chance.
    pub(crate) const fn of(text: String) -> Self {
        Self(text)
    }

    /// The text to hand out: 43 URL-safe characters, or a refresh token in three parts.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What the database keeps of a secret: SHA-256, which suffices for 256 random bits.
pub(crate) fn hash(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}
