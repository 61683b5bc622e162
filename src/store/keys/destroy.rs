//! Destroying a key: whatever it sealed can never be read again (an erasure).

use diesel::prelude::*;

use super::{Class, Subject};
use crate::db::error::{Error, Result};
use crate::db::schema::subject_keys;
use crate::privacy::withdrawals::{self, Withdrawal};
use crate::{Act, Tx};

/// Destroys the key of `(subject, class)`: what it sealed can never be opened again. Destroying twice changes nothing.
///
/// # Errors
/// [`Error::NotFound`] when there never was one; database errors.
pub(crate) fn destroy(tx: &mut Tx<'_>, subject: Subject, class: Class) -> Result<()> {
    let own = subject_keys::subject.eq(subject.name()).and(subject_keys::class.eq(class.code()));
    let row: Option<Option<i64>> =
        subject_keys::table.filter(own).select(subject_keys::destroyed_at).first(tx.conn).optional()?;
    if row.ok_or(Error::NotFound("key"))?.is_some() {
        tx.unchanged();
        return Ok(());
    }
    let own = subject_keys::subject.eq(subject.name()).and(subject_keys::class.eq(class.code()));
    diesel::update(subject_keys::table.filter(own))
        .set((subject_keys::wrapped.eq(Vec::new()), subject_keys::destroyed_at.eq(Some(tx.now().micros()))))
        .execute(tx.conn)?;
    tx.destroyed.push((subject, class));
    withdrawals::note(tx, &Withdrawal::Key { subject: subject.name(), class: class.code() })?;
    // The body names whose key it was, or the erasure would hide whom it was for; it says nothing else.
    let body = serde_json::json!({ "subject": subject.name(), "class": class.code() });
    tx.audit(&Act::new("key.destroyed").body(body))
}
