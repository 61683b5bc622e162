//! The audit log over its rows: sequencing, proofs, export, the explorer's questions, and a verification that
//! holds consents and readings against what the log says of them. The format itself is [`audit`].
//!
//! One tree a year. `leaf` is an entry's number through all years.

mod explore;
mod export;
mod key;
mod new_year;
mod prove;
pub mod receipts;
mod rows;
mod seals;
mod sequence;
#[cfg(test)]
mod tests;
mod verify;
mod years;

pub use explore::{Filter, Line, Slice, entry, page};
pub use export::{Scope, export};
pub use key::{FILE, load, open};
pub use prove::{proof_of_entry, proof_of_reading};
pub use rows::Rows;
pub use seals::Seals;
pub use sequence::{Sequenced, Sequencer};
pub use verify::{exit_code, verify, verify_at_pace};

use diesel::prelude::*;

use super::View;
use super::db::error::{Error, Result};
use super::db::schema::audit_entries as written;
use audit::note::{Checkpoint, Vkey};
use domain::Instant;

/// The kind of job that verifies the whole log…
pub const VERIFICATION: &str = "audit.verification";
/// …and its codes: the log holds…
pub const WHOLE: &str = "whole";
/// …or does not.
pub const BROKEN: &str = "broken";

/// The newest signed state of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What it says; opened with the log's own key.
    pub checkpoint: Checkpoint,
    /// The signed note, verbatim.
    pub note: String,
    /// When it was signed. Subtract it from now for its age.
    pub at: Instant,
    /// The year of its tree.
    pub year: i64,
    /// The number, through all years, of the tree's first entry.
    pub first: u64,
}

impl Head {
    /// Entries through all years.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.first + self.checkpoint.size
    }

    /// The key of this tree's log, out of the same key under whatever year's name.
    ///
    /// # Errors
    /// [`Error::Log`] when the origin cannot be a key's name.
    pub fn vkey(&self, key: &Vkey) -> Result<Vkey> {
        key.named(&self.checkpoint.origin).map_err(broken)
    }
}

/// The newest checkpoint as it stands, unopened; `None` before the first entry is sequenced.
///
/// # Errors
/// Database errors.
pub fn newest_note(view: &mut View<'_>) -> Result<Option<String>> {
    let Some(year) = years::newest(view)? else { return Ok(None) };
    Ok(year.note(view)?.map(|(note, _)| note))
}

/// The newest checkpoint; `None` before the first entry is sequenced. `key` may bear any year's name.
///
/// # Errors
/// [`Error::Log`] when `key` did not sign it; database errors.
pub fn head(view: &mut View<'_>, key: &Vkey) -> Result<Option<Head>> {
    let Some(year) = years::newest(view)? else { return Ok(None) };
    year.trusts(key)?;
    year.head(view)
}

/// When the oldest entry was written that no checkpoint holds yet; `None`: none waits to be signed.
///
/// # Errors
/// Database errors.
pub fn unsigned_since(view: &mut View<'_>) -> Result<Option<Instant>> {
    let waiting = written::table.filter(written::leaf.is_null()).order(written::id);
    let at: Option<i64> = waiting.select(written::at).first(view.conn).optional()?;
    Ok(at.map(Instant::from_micros))
}

/// What the format says is wrong, as an error of the store.
fn broken(why: impl std::fmt::Display) -> Error {
    Error::Log(why.to_string())
}
