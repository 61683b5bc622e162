//! A log a year: the last entry of one tree names the key of the next, the first entry of the next names the final
//! checkpoint of the one before. What both say stands in clear beside the log, under the hash in the entry.

use serde::{Deserialize, Serialize};

use super::entry::{Alg, Digest, Entry};
use super::kind::EntryType;
use super::note::{Checkpoint, Vkey};

/// The body of `log.sealed`, the last entry of a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The verifier key of the log that goes on.
    pub next: String,
}

/// The body of `log.opened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The log that came before; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// This log's verifier key.
    pub vkey: String,
}

/// The log of the year before, as it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Its final checkpoint, the signed note verbatim.
    pub checkpoint: String,
    /// Its verifier key.
    pub vkey: String,
}

/// One year's end of the seam between two logs.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// The verifier key.
    pub vkey: &'a Vkey,
    /// The newest checkpoint.
    pub head: &'a Checkpoint,
    /// The canonical bytes of the entry at the seam: the last of the older log, the first of the newer.
    pub entry: &'a [u8],
}

/// Whether `newer` begins where `older` ended, by what their entries at the seam say of each other.
///
/// # Errors
/// In words, what does not fit.
pub fn joined(
    older: &End<'_>,
    newer: &End<'_>,
    body: impl Fn(&Digest) -> Option<Vec<u8>>,
) -> Result<(), String> {
    let sealed: Sealed = body_of(older.entry, EntryType::LogSealed, &body)?;
    if sealed.next != newer.vkey.to_string() {
        return Err(format!("the last entry of {} names another log", older.vkey.name()));
    }
    let opened: Opened = body_of(newer.entry, EntryType::LogOpened, &body)?;
    let name = newer.vkey.name();
    let previous = opened.previous.filter(|previous| previous.vkey == older.vkey.to_string());
    let Some(previous) = previous.filter(|_| opened.vkey == newer.vkey.to_string()) else {
        return Err(format!("the first entry of {name} does not name the log before it"));
    };
    match Checkpoint::open(&previous.checkpoint, older.vkey) {
        Ok(last) if last == *older.head => Ok(()),
        Ok(_other) => Err(format!("{} does not end where {name} says", older.vkey.name())),
        Err(why) => Err(format!("the checkpoint that {name} begins with: {why}")),
    }
}

fn body_of<T: for<'de> Deserialize<'de>>(
    entry: &[u8],
    kind: EntryType,
    body: impl Fn(&Digest) -> Option<Vec<u8>>,
) -> Result<T, String> {
    let read = Entry::read(entry).ok().filter(|read| read.kind == kind);
    let read = read.ok_or_else(|| format!("there is no {kind} between two years"))?;
    let hash = read.body.filter(|body| body.alg == Alg::Clear).map(|body| body.hash);
    let hash = hash.ok_or_else(|| format!("a {kind} without a body in clear"))?;
    let bytes = body(&hash).ok_or_else(|| format!("the body of {kind} is missing"))?;
    if Digest::of(&bytes) != hash {
        return Err(format!("the body of {kind} was altered"));
    }
    serde_json::from_slice(&bytes).map_err(|_shape| format!("the body of {kind} cannot be read"))
}
