//! One entry of the log: what happened, under which rule and epoch, to whom (as a tag only they and the DPO can
//! resolve). Nothing readable about a person is in it, so it can stay after they are forgotten.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::jcs::{self, JcsError};
use super::kind::EntryType;
use super::merkle::{self, Hash};
use super::tag::{Nonce, Tag};
use domain::Instant;

/// The most bytes an entry may have in its canonical form.
pub const MAX_ENTRY: usize = 4_096;
/// The most characters a code, basis or purpose may have.
const MAX_WORD: usize = 64;

/// Why an entry cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Not JSON of this shape, or outside the profile.
    #[error("not an audit entry: {0}")]
    Shape(#[from] serde_json::Error),
    /// Not canonical.
    #[error(transparent)]
    Jcs(#[from] JcsError),
    /// More than [`MAX_ENTRY`] bytes.
    #[error("an audit entry of {0} bytes; at most {MAX_ENTRY} are allowed")]
    TooLarge(usize),
    /// A code, basis or purpose with other characters than a code has.
    #[error("`{0}` is not a code: at most {MAX_WORD} ASCII letters, digits, `_`, `.` and `-`")]
    NotACode(&'static str),
    /// The instant has no form in the log.
    #[error("the instant of an audit entry is outside the years 0 to 9999")]
    Instant,
    /// A batch of telemetry without its root, or a root in another entry.
    #[error("`batch` belongs to telemetry.batch and to nothing else")]
    Batch,
    /// A version of the format that this program does not know.
    #[error("an audit entry of version {0}; this program knows version 1")]
    Version(u8),
}

/// A SHA-256 digest, written `sha256:<hex>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub Hash);

impl Digest {
    /// Of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(merkle::sha256(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("sha256:{}", hex::encode(self.0)))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(from)?;
        let mut hash = [0; 32];
        let hex = text.strip_prefix("sha256:").filter(|hex| !hex.contains(|c: char| c.is_ascii_uppercase()));
        let hex = hex.ok_or_else(|| D::Error::custom("expected sha256:<lower-case hex>"))?;
        hex::decode_to_slice(hex, &mut hash).map_err(D::Error::custom)?;
        Ok(Self(hash))
    }
}

/// What kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A wearable.
    Device,
    /// A member of staff, or a service.
    User,
    /// The person the data are about.
    Subject,
    /// The program itself.
    System,
}

/// Who acted. The program itself needs no tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Device, user, subject or system.
    #[serde(rename = "k")]
    pub kind: ActorKind,
    /// Their tag in this entry.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
}

/// How a body outside the tree is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alg {
    /// Sealed under the person's key; `h` is over the ciphertext.
    #[serde(rename = "A256GCM")]
    Sealed,
    /// In clear, for what is nobody's: a term, a policy, a checkpoint.
    #[serde(rename = "none")]
    Clear,
}

/// A commitment to a body stored outside the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Sealed or in clear.
    #[serde(rename = "a")]
    pub alg: Alg,
    /// Over the bytes as stored.
    #[serde(rename = "h")]
    pub hash: Digest,
    /// How many bytes.
    pub n: u64,
}

/// One second of telemetry: the root over its receipts (see [`super::pack`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Messages refused, whole or in part.
    pub denies: u64,
    /// Messages, each with one receipt.
    pub n: u64,
    /// Messages taken whole.
    pub permits: u64,
    /// RFC 6962 root over the pack's entries.
    #[serde(with = "plain_hex")]
    pub root: Hash,
    /// The second of reception, since the epoch.
    pub second: i64,
}

/// A hash as 64 lower-case hex digits.
mod plain_hex {
    use super::{Deserialize, Deserializer, Hash, Serializer};
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let mut hash = [0; 32];
        hex::decode_to_slice(<&str>::deserialize(from)?, &mut hash).map_err(D::Error::custom)?;
        Ok(hash)
    }
}

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Allowed.
    Permit,
    /// Refused.
    Deny,
}

/// One entry. Set the fields that apply and leave the others out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who acted.
    pub actor: Actor,
    /// The legal basis, as the consent rules name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// The second of telemetry that a `telemetry.batch` commits to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// What is stored outside the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The code of the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Permit or deny.
    #[serde(rename = "dec", default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The consent epoch that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The entry's own id.
    pub id: Uuid,
    /// Fresh for each entry.
    #[serde(rename = "n")]
    pub nonce: Nonce,
    /// The policy in force.
    #[serde(rename = "pol", default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// The purpose.
    #[serde(rename = "pur", default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The tag of the person it is about.
    #[serde(rename = "st", default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Tag>,
    /// The term that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<Digest>,
    /// When, to the millisecond.
    #[serde(rename = "ts")]
    pub at: Instant,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EntryType,
    /// The version of the format: 1.
    pub v: u8,
}

impl Entry {
    /// An entry with nothing but what each must have. `at` is cut to the millisecond.
    #[must_use]
    pub const fn new(kind: EntryType, id: Uuid, at: Instant, nonce: Nonce, actor: Actor) -> Self {
        Self {
            actor,
            basis: None,
            batch: None,
            body: None,
            code: None,
            decision: None,
            epoch: None,
            id,
            nonce,
            policy: None,
            purpose: None,
            subject: None,
            term: None,
            at: Instant::from_millis(at.millis()),
            kind,
            v: 1,
        }
    }

    /// The canonical bytes: the leaf's data.
    ///
    /// # Errors
    /// [`EntryError`] when a code, the instant or a number cannot stand in the log.
    pub fn canonical(&self) -> Result<Vec<u8>, EntryError> {
        self.check()?;
        let bytes = jcs::canonical(&serde_json::to_vec(self)?)?;
        bounded(&bytes)?;
        Ok(bytes)
    }

    /// Reads the canonical bytes of an entry.
    ///
    /// # Errors
    /// [`EntryError`] when they are not canonical, too many, or not of this shape.
    pub fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        bounded(bytes)?;
        jcs::check(bytes)?;
        let entry: Self = serde_json::from_slice(bytes)?;
        entry.check()?;
        Ok(entry)
    }

    fn check(&self) -> Result<(), EntryError> {
        let words = [("basis", &self.basis), ("code", &self.code), ("pur", &self.purpose)];
        if let Some((name, _)) = words.into_iter().find(|(_, word)| word.as_deref().is_some_and(not_a_code)) {
            return Err(EntryError::NotACode(name));
        }
        if self.at.rfc3339().len() != "2026-11-22T12:34:56.123Z".len() {
            return Err(EntryError::Instant);
        }
        if self.batch.is_some() != (self.kind == EntryType::TelemetryBatch) {
            return Err(EntryError::Batch);
        }
        if self.v == 1 { Ok(()) } else { Err(EntryError::Version(self.v)) }
    }
}

fn not_a_code(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    word.is_empty() || word.len() > MAX_WORD || !word.chars().all(plain)
}

/// Whether an entry of these bytes is small enough.
///
/// # Errors
/// [`EntryError::TooLarge`] beyond [`MAX_ENTRY`].
pub const fn bounded(bytes: &[u8]) -> Result<(), EntryError> {
    if bytes.len() > MAX_ENTRY { Err(EntryError::TooLarge(bytes.len())) } else { Ok(()) }
}
