//! Signed notes (c2sp.org/signed-note): text, a blank line, signature lines. We sign with Ed25519 and ignore
//! signatures of keys we do not know, so a witness can add its line later.

pub mod checkpoint;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

pub use checkpoint::{Checkpoint, claimed_origin, in_year, origin};

use super::merkle;

/// The signature type of a plain Ed25519 signature over the note's text.
const ED25519_TYPE: u8 = 1;
/// A note larger than this is not read: a checkpoint with hundreds of cosignatures fits.
const MAX_NOTE: usize = 1 << 20;

/// Why a note, a key or a checkpoint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// No line by a known key.
    #[error("the note carries no signature by {0}")]
    Unsigned(String),
    /// A line by a known key does not verify.
    #[error("the signature by {0} does not fit the text: text or signature was altered")]
    Forged(String),
    /// A verifier key cannot be read.
    #[error("not a verifier key: {0}")]
    Key(&'static str),
    /// The text is not a checkpoint of ours.
    #[error("not a checkpoint: {0}")]
    Checkpoint(&'static str),
}

/// A verifier key: `name+hex(id)+base64(0x01 ‖ public key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vkey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl Vkey {
    /// The key `public` (RFC 8032) under `name`.
    ///
    /// # Errors
    /// When the name is empty or holds a space or a plus.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(NoteError::Key("a key name is not empty and holds no space and no plus"));
        }
        let mut bytes = name.as_bytes().to_vec();
        bytes.extend([b'\n', ED25519_TYPE]);
        bytes.extend(public);
        let [a, b, c, d, ..] = merkle::sha256(&bytes);
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], public })
    }

    /// The key's name: for a log, its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same public key under another name: a log of another year.
    ///
    /// # Errors
    /// As [`Vkey::new`].
    pub fn named(&self, name: &str) -> Result<Self, NoteError> {
        Self::new(name, self.public)
    }

    /// Whether both are the same public key, under whatever names.
    #[must_use]
    pub fn same_key(&self, other: &Self) -> bool {
        self.public == other.public
    }

    fn accepts(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![ED25519_TYPE];
        typed.extend(self.public);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(typed))
    }
}

impl FromStr for Vkey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim_end_matches('\n').splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key("expected name+id+key"));
        };
        let typed = STANDARD.decode(key).map_err(|_bad| NoteError::Key("the key is not base64"))?;
        let Some((&ED25519_TYPE, public)) = typed.split_first() else {
            return Err(NoteError::Key("only Ed25519 keys (type 1) are known"));
        };
        let public = public.try_into().map_err(|_len| NoteError::Key("an Ed25519 key has 32 bytes"))?;
        let vkey = Self::new(name, public)?;
        if hex::encode(vkey.id) == id { Ok(vkey) } else { Err(NoteError::Key("id and key do not fit")) }
    }
}

/// A log's signing key. Its seed never leaves it.
#[derive(Clone)]
pub struct Signer {
    vkey: Vkey,
    pair: Arc<Ed25519KeyPair>,
}

impl Signer {
    /// From a 32-byte Ed25519 seed (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// When the name cannot be a key name.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_rejected| NoteError::Key("the seed is not an Ed25519 seed"))?;
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Ok(Self { vkey: Vkey::new(name, public)?, pair: Arc::new(pair) })
    }

    /// The same key for the log of another name.
    ///
    /// # Errors
    /// When the name cannot be a key name.
    pub fn named(&self, name: &str) -> Result<Self, NoteError> {
        Ok(Self { vkey: self.vkey.named(name)?, pair: Arc::clone(&self.pair) })
    }

    /// The key that verifies.
    #[must_use]
    pub const fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// `text` (ending in a newline) with our signature below it.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", self.line(text))
    }

    fn line(&self, text: &str) -> String {
        let mut bytes = self.vkey.id.to_vec();
        bytes.extend(self.pair.sign(text.as_bytes()).as_ref());
        format!("— {} {}\n", self.vkey.name, STANDARD.encode(bytes))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("vkey", &self.vkey).finish_non_exhaustive()
    }
}

/// The text of `note` once a known key is found to have signed it. Lines of unknown keys are ignored.
///
/// # Errors
/// [`NoteError`] when the note is malformed, unsigned by `keys`, or signed wrongly by one of them.
pub fn open<'n>(note: &'n str, keys: &[Vkey]) -> Result<&'n str, NoteError> {
    let (text, lines) = split(note)?;
    let mut trusted = false;
    for line in lines.lines() {
        let (name, bytes) = signature(line)?;
        let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
            return Err(NoteError::Malformed("a signature is shorter than its key id"));
        };
        let Some(key) = keys.iter().find(|key| key.name == name && key.id == *id) else { continue };
        if !key.accepts(text, signature) {
            return Err(NoteError::Forged(key.name.clone()));
        }
        trusted = true;
    }
    let names = || keys.iter().map(Vkey::to_string).collect::<Vec<_>>().join(", ");
    if trusted { Ok(text) } else { Err(NoteError::Unsigned(names())) }
}

fn split(note: &str) -> Result<(&str, &str), NoteError> {
    if note.len() > MAX_NOTE {
        return Err(NoteError::Malformed("larger than 1 MiB"));
    }
    if note.contains(|c: char| c < ' ' && c != '\n') {
        return Err(NoteError::Malformed("it holds a control character"));
    }
    let blank = note.rfind("\n\n").ok_or(NoteError::Malformed("no blank line before the signatures"))?;
    let (text, rest) = note.split_at_checked(blank + 1).ok_or(NoteError::Malformed("not text"))?;
    match rest.strip_prefix('\n') {
        Some(lines) if lines.ends_with('\n') => Ok((text, lines)),
        _ => Err(NoteError::Malformed("a signature line does not end")),
    }
}

fn signature(line: &str) -> Result<(&str, Vec<u8>), NoteError> {
    let parts = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
    let (name, base64) = parts.ok_or(NoteError::Malformed("a signature line is not `— name base64`"))?;
    let bytes = STANDARD.decode(base64).map_err(|_bad| NoteError::Malformed("a signature is not base64"))?;
    Ok((name, bytes))
}

/// A decimal number without sign or leading zero, as C2SP writes them.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number = text.parse::<u64>().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of c2sp.org/signed-note's reference code (Go `sumdb/note`): a published key and note.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn the_published_example_opens_and_an_altered_one_does_not() {
        let key: Vkey = PETER.parse().unwrap();
        assert_eq!(key.to_string(), PETER);
        assert!(open(NOTE, std::slice::from_ref(&key)).unwrap().ends_with("problem is.\n"));
        let altered = NOTE.replace("answer", "Answer");
        assert_eq!(open(&altered, &[key]), Err(NoteError::Forged("PeterNeumann".into())));
    }

    #[test]
    fn a_witness_line_of_an_unknown_key_is_ignored_and_never_enough() {
        let ours = Signer::from_seed("zelo.clinic/audit/2026", &[7; 32]).unwrap();
        let witness = Signer::from_seed("witness.example", &[8; 32]).unwrap();
        let text = "zelo.clinic/audit/2026\n0\n";
        let both = ours.sign(text) + &witness.line(text);
        assert_eq!(open(&both, &[ours.vkey().clone()]), Ok(text));
        assert!(matches!(open(&witness.sign(text), &[ours.vkey().clone()]), Err(NoteError::Unsigned(_))));
        assert!(matches!(open(&both, &[]), Err(NoteError::Unsigned(_))));
    }

    #[test]
    fn a_key_of_another_name_type_or_id_is_not_read() {
        for bad in [
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+BRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3",
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            assert!(bad.parse::<Vkey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_signer_does_not_show_its_seed() {
        let signer = Signer::from_seed("zelo.clinic/audit/2026", &[0xAB; 32]).unwrap();
        assert!(!format!("{signer:?}").to_lowercase().contains("abab"));
    }
}
