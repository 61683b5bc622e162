//! Checks the bodies stored outside the tree against the entries that commit to them: each body is there, unchanged,
//! and belongs to the person whose tag the entry bears. No body is there without an entry.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::db::error::{Error, Result};
use crate::db::schema::{audit_bodies as bodies, subject_keys};
use crate::keys::seal::Broken;
use crate::{Class, Subject, View};
use audit::entry::Alg;
use audit::tag::tag;
use audit::verify::Break;
use audit::{Digest, Entry};

/// The body of an entry as it was found.
pub(in crate::audit) enum StoredBody {
    /// Whose it is, and its bytes as stored.
    Whole(Subject, Vec<u8>),
    /// Missing, or unreadable because the person was erased.
    Gone,
    /// Not what the entry commits to.
    Changed(String),
}

/// Counts the bodies that entries commit to.
pub(in crate::audit) struct Bodies {
    seen: i64,
    /// Whether anybody was erased: only then may a body be missing.
    erased: bool,
}

impl Bodies {
    pub(crate) fn new(view: &mut View<'_>) -> Result<Self> {
        let destroyed: i64 = subject_keys::table
            .filter(subject_keys::class.eq(Class::Audit.code()).and(subject_keys::destroyed_at.is_not_null()))
            .select(count_star())
            .first(view.conn)?;
        Ok(Self { seen: 0, erased: destroyed > 0 })
    }

    /// Checks the body of `entry`; `None` when it has none.
    pub(crate) fn see(&mut self, view: &mut View<'_>, entry: &Entry) -> Result<Option<StoredBody>> {
        let Some(body) = entry.body else { return Ok(None) };
        let kind = entry.kind;
        let changed = |what: &str| Ok(Some(StoredBody::Changed(format!("the body of this {kind} {what}"))));
        let row: Option<(String, Vec<u8>)> = bodies::table
            .find(body.hash.0.as_slice())
            .select((bodies::subject, bodies::bytes))
            .get_result(view.conn)
            .optional()?;
        let (subject, bytes) = match row {
            Some(row) => row,
            None if self.erased && body.alg == Alg::Sealed => return Ok(Some(StoredBody::Gone)),
            None => return changed("is missing"),
        };
        self.seen += 1;
        if Digest::of(&bytes) != body.hash || u64::try_from(bytes.len()) != Ok(body.n) {
            return changed("was altered");
        }
        let Some(subject) = Subject::parse(&subject) else { return changed("is nobody's") };
        if entry.subject.is_none() && subject != Subject::System {
            return changed("is another person's");
        }
        let key = match view.key(subject, Class::Audit) {
            Ok(key) => key,
            Err(Error::Sealed(Broken::KeyDestroyed, _)) => return Ok(Some(StoredBody::Gone)),
            Err(Error::Sealed(Broken::NoKey, _)) if body.alg == Alg::Clear => {
                return Ok(Some(StoredBody::Whole(subject, bytes)));
            }
            Err(error) => return Err(error),
        };
        if entry.subject.is_some_and(|held| held != tag(key.tag_mac(), entry.nonce, kind)) {
            return changed("is another person's");
        }
        Ok(Some(StoredBody::Whole(subject, bytes)))
    }

    /// Checks that no body is without an entry.
    pub(crate) fn end(&self, view: &mut View<'_>) -> Result<Option<Break>> {
        let stored: i64 = bodies::table.select(count_star()).get_result(view.conn)?;
        let what = format!("{stored} bodies are stored; the log speaks of {}", self.seen);
        Ok((stored != self.seen).then_some(Break { index: None, what }))
    }
}

/// The bytes of a body in clear.
pub(in crate::audit) fn clear(view: &mut View<'_>, hash: &Digest) -> Result<Option<Vec<u8>>> {
    let row = bodies::table.find(hash.0.as_slice()).select(bodies::bytes);
    Ok(row.first(view.conn).optional()?)
}
