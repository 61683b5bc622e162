//! What is kept outside the tree against the entries that commit to it: each body is there, as it was, and of the
//! person whose tag the entry bears; and none is there that no entry speaks of.

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

/// What is there of an entry's body.
pub(in crate::audit) enum Kept {
    /// Whose it is, and its bytes as stored.
    Whole(Subject, Vec<u8>),
    /// Nothing, or nothing that can be read any more: the person was erased.
    Gone,
    /// Not what the entry commits to.
    Changed(String),
}

/// Counts the bodies that entries spoke of.
pub(in crate::audit) struct Bodies {
    seen: i64,
    /// Whether somebody was erased: then a body may be gone.
    erased: bool,
}

impl Bodies {
    pub fn new(view: &mut View<'_>) -> Result<Self> {
        let destroyed: i64 = subject_keys::table
            .filter(subject_keys::class.eq(Class::Audit.code()).and(subject_keys::destroyed_at.is_not_null()))
            .select(count_star())
            .first(view.conn)?;
        Ok(Self { seen: 0, erased: destroyed > 0 })
    }

    /// Holds the body of `entry` against it; none when it has none.
    pub fn see(&mut self, view: &mut View<'_>, entry: &Entry) -> Result<Option<Kept>> {
        let Some(body) = entry.body else { return Ok(None) };
        let kind = entry.kind;
        let changed = |what: &str| Ok(Some(Kept::Changed(format!("the body of this {kind} {what}"))));
        let row: Option<(String, Vec<u8>)> = bodies::table
            .find(body.hash.0.as_slice())
            .select((bodies::subject, bodies::bytes))
            .get_result(view.conn)
            .optional()?;
        let (subject, bytes) = match row {
            Some(row) => row,
            None if self.erased && body.alg == Alg::Sealed => return Ok(Some(Kept::Gone)),
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
            Err(Error::Sealed(Broken::KeyDestroyed)) => return Ok(Some(Kept::Gone)),
            Err(Error::Sealed(Broken::NoKey)) if body.alg == Alg::Clear => {
                return Ok(Some(Kept::Whole(subject, bytes)));
            }
            Err(error) => return Err(error),
        };
        if entry.subject.is_some_and(|held| held != tag(key.tag_mac(), entry.nonce, kind)) {
            return changed("is another person's");
        }
        Ok(Some(Kept::Whole(subject, bytes)))
    }

    /// Whether there are bodies that no entry speaks of.
    pub fn end(&self, view: &mut View<'_>) -> Result<Option<Break>> {
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
