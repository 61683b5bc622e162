//! A database that was put back from a backup lost what was signed since: the log does not hold until a named person
//! has acknowledged it.

use super::EntryType;
use super::verify::Break;

/// The restores that a walk over the entries meets.
#[derive(Debug, Default)]
pub struct Restores {
    /// The last one that nobody has acknowledged: its index, if it has one.
    open: Option<Option<u64>>,
}

impl Restores {
    /// Takes note of an entry.
    pub const fn see(&mut self, index: Option<u64>, kind: EntryType) {
        match kind {
            EntryType::BackupRestored => self.open = Some(index),
            EntryType::BackupAcknowledged => self.open = None,
            _ => {}
        }
    }

    /// The restore that still waits for somebody.
    #[must_use]
    pub fn open(&self) -> Option<Break> {
        let what = "the database was put back from a backup, and what was signed since is lost: the entry names the \
                    lost head. It holds again once a named person acknowledges it (zelo audit acknowledge)";
        self.open.map(|index| Break { index, what: what.into() })
    }
}
