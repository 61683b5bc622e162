//! One item of a batch: it is done or leaves no trace, and the others go on.

use diesel::Connection;
use diesel::connection::TransactionManager;

use super::error::{Error, Result};
use crate::{Conn, Tx};

type Manager = <Conn as Connection>::TransactionManager;

impl Tx<'_> {
    /// Runs `f` in a savepoint: if it fails, its changes are rolled back and the transaction goes on.
    ///
    /// # Errors
    /// What `f` says.
    pub fn item<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let marks = (self.kept.len(), self.signals.len(), self.touched.len(), self.elsewhere.len());
        let ((logged, bodies), facts) = (self.logged.len(), self.facts.len());
        let (fresh, destroyed, entries) = (self.fresh.len(), self.destroyed.len(), self.entries);
        Manager::begin_transaction(self.conn)?;
        match f(self) {
            Ok(done) => {
                Manager::commit_transaction(self.conn)?;
                Ok(done)
            }
            Err(error) => {
                Manager::rollback_transaction(self.conn)?;
                self.logged.cut(logged, bodies);
                self.facts.truncate(facts);
                self.kept.truncate(marks.0);
                self.signals.truncate(marks.1);
                self.touched.truncate(marks.2);
                self.elsewhere.truncate(marks.3);
                let lost = self.fresh.split_off(fresh);
                lost.iter().for_each(|(subject, class, id, _)| self.keys.lose(*subject, *class, *id));
                self.destroyed.truncate(destroyed);
                self.entries = entries;
                Err(error)
            }
        }
    }
}

impl Error {
    /// Whether the row itself is at fault: its content cannot be read or refers to nothing. Any other error may pass.
    #[must_use]
    pub const fn is_the_rows(&self) -> bool {
        matches!(
            self,
            Self::Corrupt(_)
                | Self::NotFound(_)
                | Self::Conflict(_)
                | Self::Refused { .. }
                | Self::Sealed(..)
                | Self::Panicked
        )
    }
}
