//! The audit log over its rows: sequencing, proofs, export, the explorer's questions, and a verification that
//! holds consents and readings against what the log says of them. The format itself is [`crate::audit`].
//!
//! One origin per log, fixed in its first year: a yearly shard would change only the name that the key signs.

mod brought;
mod consents;
mod entries;
mod explore;
mod export;
mod key;
mod messages;
mod packs;
mod prove;
mod refold;
mod rows;
mod sequence;
mod signed;
mod stream;
#[cfg(test)]
mod tests;
mod verify;

pub use explore::{Filter, Line, Slice, entry, page};
pub use export::{Scope, export};
pub use key::{FILE, load, open};
pub use prove::{proof_of_entry, proof_of_reading};
pub use rows::Rows;
pub use sequence::{Sequenced, Sequencer};
pub use verify::{exit_code, verify};

use diesel::prelude::*;

use super::View;
use super::error::{Error, Result};
use super::schema::audit_checkpoints as checkpoints;
use crate::audit::note::{Checkpoint, Vkey};
use crate::domain::Instant;

/// The newest signed state of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What it says; opened with the log's own key.
    pub checkpoint: Checkpoint,
    /// The signed note, verbatim.
    pub note: String,
    /// When it was signed. Subtract it from now for its age.
    pub at: Instant,
}

/// The newest checkpoint; `None` before the first entry is sequenced.
///
/// # Errors
/// [`Error::Log`] when `key` did not sign it; database errors.
pub fn head(view: &mut View<'_>, key: &Vkey) -> Result<Option<Head>> {
    let Some((note, at)) = newest(view)? else { return Ok(None) };
    let checkpoint = Checkpoint::open(&note, key).map_err(broken)?;
    Ok(Some(Head { checkpoint, note, at: Instant::from_micros(at) }))
}

/// The newest note and when it was signed, unopened.
fn newest(view: &mut View<'_>) -> Result<Option<(String, i64)>> {
    let row = checkpoints::table.order(checkpoints::size.desc());
    Ok(row.select((checkpoints::note, checkpoints::at)).first(view.conn).optional()?)
}

/// What the format says is wrong, as an error of the store.
fn broken(why: impl std::fmt::Display) -> Error {
    Error::Log(why.to_string())
}
