//! Who an entry speaks of, for those alone who hold the person's key: a keyed tag that differs in each entry.
//! With the key, a scan finds every entry of one person, so none can be left out of their export.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::error::Unspecified;
use ring::hmac;
use ring::rand::SecureRandom;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::kind::EntryType;

/// Drawn fresh for each entry, so that equal persons have unequal tags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub [u8; 16]);

/// HMAC-SHA256(K_tag of the person, nonce ‖ type), its first 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tag(pub [u8; 16]);

impl Nonce {
    /// A fresh one.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn fresh(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

/// The tag of the person whose key is `key` in the entry with this nonce and type.
#[must_use]
pub fn tag(key: &hmac::Key, nonce: Nonce, kind: EntryType) -> Tag {
    seal(key, nonce, kind.name())
}

fn seal(key: &hmac::Key, nonce: Nonce, kind: &str) -> Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(&nonce.0);
    context.update(kind.as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
    Tag(bytes)
}

/// How an entry speaks of the person who was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// As the one it is about.
    Subject,
    /// As the one who acted.
    Actor,
    /// Both.
    Both,
    /// The entry cannot be read: the search is not complete without it.
    Unread,
}

/// Whether this entry (canonical bytes) is about, or by, the person whose key is `key`.
#[must_use]
pub fn finds(entry: &[u8], key: &hmac::Key) -> Option<Found> {
    let Ok(read) = serde_json::from_slice::<Tagged<'_>>(entry) else { return Some(Found::Unread) };
    let wanted = seal(key, read.n, read.kind);
    match (read.st == Some(wanted), read.actor.t == Some(wanted)) {
        (true, true) => Some(Found::Both),
        (true, false) => Some(Found::Subject),
        (false, true) => Some(Found::Actor),
        (false, false) => None,
    }
}

/// Every entry about, or by, one person, and every one that cannot be read: its place and the part the person has in it.
pub fn find_subject<'e>(
    entries: impl IntoIterator<Item = &'e [u8]>,
    key: &hmac::Key,
) -> impl Iterator<Item = (u64, Found)> {
    (0_u64..).zip(entries).filter_map(move |(index, entry)| finds(entry, key).map(|found| (index, found)))
}

/// As much of an entry as the scan needs.
#[derive(Deserialize)]
struct Tagged<'a> {
    actor: TaggedActor,
    n: Nonce,
    st: Option<Tag>,
    #[serde(rename = "type")]
    kind: &'a str,
}

#[derive(Deserialize)]
struct TaggedActor {
    t: Option<Tag>,
}

macro_rules! base64url {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <&str>::deserialize(from)?;
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
                bytes.try_into().map(Self).map_err(|_len| D::Error::custom("expected 16 bytes in base64url"))
            }
        }
    )+};
}

base64url!(Nonce, Tag);
