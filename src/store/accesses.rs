//! Who looked at whom, written before it is shown (Lei 13.787 art. 4; LGPD art. 37): one entry per viewer,
//! subject and purpose in five minutes, one for a page of the queue.

use std::time::Duration;

use diesel::prelude::*;

use super::conn::on;
use super::error::Result;
use super::schema::accesses;
use super::{Act, Actor, Store, Tx, View};
use crate::domain::{Instant, PatientId};

/// How long one entry speaks for further looks.
pub const COVERS: Duration = Duration::from_secs(300);

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// One patient.
    Patient(PatientId),
    /// A page of a list, by its name: `alerts`, `patients`.
    Queue(&'static str),
}

impl Seen {
    fn name(self) -> String {
        match self {
            Self::Patient(id) => format!("patient:{id}"),
            Self::Queue(name) => format!("queue:{name}"),
        }
    }
}

/// Makes sure that a look is in the log before its data is read; `purpose` is the dotted name.
///
/// # Errors
/// Database errors: then nothing may be shown.
pub fn witness(store: &Store, viewer: Actor, seen: Seen, purpose: &str, now: Instant) -> Result<()> {
    if store.read(|view| is_covered(view, viewer, seen, purpose, now))? {
        return Ok(());
    }
    store.write(viewer, now, |tx| record(tx, seen, purpose))
}

/// Whether an entry still speaks for this look.
///
/// # Errors
/// Database errors.
pub fn is_covered(
    view: &mut View<'_>,
    viewer: Actor,
    seen: Seen,
    purpose: &str,
    now: Instant,
) -> Result<bool> {
    let row =
        accesses::table.find((viewer.name(), seen.name(), purpose.to_owned())).select(accesses::until_at);
    let until: Option<i64> = row.first(view.conn).optional()?;
    Ok(until.is_some_and(|until| until > now.micros()))
}

/// Writes the entry of the acting viewer, unless one still speaks for it.
///
/// # Errors
/// Database errors.
pub fn record(tx: &mut Tx<'_>, seen: Seen, purpose: &str) -> Result<()> {
    let (viewer, now) = (tx.actor(), tx.now());
    if is_covered(tx, viewer, seen, purpose, now)? {
        tx.unchanged();
        return Ok(());
    }
    let until = accesses::until_at.eq(now.plus(COVERS).micros());
    let row = (
        accesses::viewer.eq(viewer.name()),
        accesses::subject.eq(seen.name()),
        accesses::purpose.eq(purpose),
        until,
    );
    on!(&mut *tx.conn, |conn| diesel::insert_into(accesses::table)
        .values(row)
        .on_conflict((accesses::viewer, accesses::subject, accesses::purpose))
        .do_update()
        .set(until)
        .execute(conn))?;
    let act = Act::new("access.read").purpose(purpose).decided(true);
    match seen {
        Seen::Patient(id) => tx.audit(&act.patient(id)),
        Seen::Queue(name) => tx.audit(&act.body(serde_json::json!({ "queue": name }))),
    }
}

/// Forgets rows that no longer speak for anything; the log keeps its entries.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>) -> Result<usize> {
    let now = tx.now().micros();
    Ok(diesel::delete(accesses::table.filter(accesses::until_at.le(now))).execute(tx.conn)?)
}
