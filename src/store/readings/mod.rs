//! Readings: a hot journal keyed by time first, which a roll folds into compressed, sealed chunks per patient
//! and signal (DESIGN §6). What comes in needs a permit to collect, what goes out one to evaluate.

pub(crate) mod amendments;
mod moved;
mod preference;
pub(crate) mod receipt;
pub(crate) mod series;
pub(crate) mod whose;

use std::collections::HashMap;

pub use amendments::{Amended, By, amend, stands};
pub use moved::Allowed;
pub(crate) use moved::{AT_ONCE, Given, Worn, give, held, set_aside, worn};
pub use preference::preference;
pub(crate) use series::range;
pub use series::series;

use super::db::conn::on;
use super::db::error::{Error, Result};
use super::db::tx::Tx;
pub(crate) use crate::readings::amendments::hidden::{hidden, unmarked};
pub use crate::readings::amendments::superseded::{Listed, Place, Superseded, superseded};
pub(crate) use crate::readings::amendments::withdrawals::theirs;
pub use crate::readings::amendments::withdrawals::{
    Known, Outcome, Withdrawn, first_of, put_in_force, withdraw,
};
pub use crate::readings::chunks::backlog::due;
pub use crate::readings::chunks::roll::{Rolled, roll};
pub(crate) use crate::readings::chunks::rows::{Outline, Series};
pub use crate::readings::chunks::sizes::{Part, Sizes, kept_of, sizes};
pub(crate) use crate::readings::chunks::span::Span;
pub(crate) use crate::readings::journal::backend::ReadingStore;
pub(crate) use crate::readings::journal::measured::signals_of;
pub use crate::readings::journal::row::{Batch, StoredReading, attrs};
pub(crate) use crate::readings::journal::row::{Identity, Row};
pub use crate::readings::journal::unstamped::{
    REMEMBERED, first_reception, prune as prune_unstamped, remember_reception,
};
pub use crate::readings::receipt::ReceiptRef;
pub use crate::readings::series::buckets::{Bucket, Drawn, MOST_POINTS, buckets};
pub use crate::readings::series::history::{Before, TakenBack, said_before};
pub use crate::readings::series::latest::latest;
pub(crate) use crate::readings::series::latest::newest_at;
pub use crate::readings::series::parts::next_part;
pub use crate::readings::series::stretches::{Journal, Stretch, Want, journal, stretch};

/// What became of a batch's rows; the numbers are places in the batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// How many were stored.
    pub new: usize,
    /// The same identity with the same value is in the journal: nothing to do.
    pub same: Vec<usize>,
    /// The same identity with another value was committed first: to be quarantined (`E_CONFLICT`).
    pub conflicts: Vec<usize>,
}

/// Stores a batch. The first committed value of an identity wins. A duplicate of what a chunk already holds
/// counts as new here; the roll finds it.
///
/// # Errors
/// Database errors.
pub fn append(tx: &mut Tx<'_>, batch: &Batch) -> Result<Appended> {
    let rows = batch.rows();
    let doubtful = on!(&mut *tx.conn, |c| c.insert(rows))?;
    batch.noted.note(tx, rows)?;
    if doubtful.is_empty() {
        return Ok(Appended { new: rows.len(), ..Appended::default() });
    }
    let mut first = HashMap::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        first.entry(row.identity()).or_insert(place);
    }
    let identities: Vec<Identity> =
        doubtful.iter().filter_map(|place| rows.get(*place)).map(Row::identity).collect();
    let stored: HashMap<Identity, Row> =
        on!(&mut *tx.conn, |c| c.find(&identities))?.into_iter().map(|row| (row.identity(), row)).collect();
    let (mut out, mut gone) = (Appended::default(), Vec::new());
    for (place, identity) in doubtful.into_iter().zip(identities) {
        let Some(ours) = rows.get(place) else { continue };
        let Some(theirs) = stored.get(&identity) else {
            gone.push(*ours);
            continue;
        };
        let alone = first.get(&identity) == Some(&place);
        let key = batch.key_of(place).ok_or(Error::corrupt("a batch without its key"))?;
        if !ours.says_the_same(theirs, key)? {
            let ours = ours.open(key)?;
            // What an amendment put in force is no conflict when the device says it too.
            let same = stands(tx, identity.1, ours.device_key, &ours.reading)?;
            if same { &mut out.same } else { &mut out.conflicts }.push(place);
        } else if !(alone && ours.received == theirs.received) {
            out.same.push(place);
        }
    }
    // On PostgreSQL a roll may remove a row after it was in our way and before it is looked at: ours is then late.
    if !gone.is_empty() && !on!(&mut *tx.conn, |c| c.insert(&gone))?.is_empty() {
        return Err(Error::Busy);
    }
    out.new = rows.len() - out.same.len() - out.conflicts.len();
    Ok(out)
}

pub(crate) mod chunks;
pub(crate) mod journal;
pub mod quarantine;
#[cfg(test)]
pub(crate) mod testing;
pub mod timeline;
