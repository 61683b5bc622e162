//! Stored signals, for dashboards that come back with a `Last-Event-ID`: names and ids only.

use diesel::prelude::*;

use crate::db::conn::AT_ONCE;
use crate::db::error::Result;
use crate::db::prune::oldest;
use crate::db::schema::signals;
use crate::{Conn, Signalled, Tx, View};
use domain::Instant;

/// A stored signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The event's id.
    pub id: i64,
    /// Its name, such as `alert.changed`.
    pub name: String,
    /// The id it concerns.
    pub subject: String,
}

/// The signals after the event `last`, oldest first; `None` when that event is not known (any more), so that the
/// listener must start anew.
///
/// # Errors
/// Database errors.
pub fn after(view: &mut View<'_>, last: i64, limit: i64) -> Result<Option<Vec<Announced>>> {
    let known: Option<i64> =
        signals::table.find(last).select(signals::id).get_result(view.conn).optional()?;
    if known.is_none() {
        return Ok(None);
    }
    let rows: Vec<(i64, String, String)> = signals::table
        .filter(signals::id.gt(last))
        .order(signals::id)
        .limit(limit)
        .select((signals::id, signals::name, signals::subject))
        .load(view.conn)?;
    Ok(Some(rows.into_iter().map(|(id, name, subject)| Announced { id, name, subject }).collect()))
}

/// The newest event's id; 0 when nothing was announced yet.
///
/// # Errors
/// Database errors.
pub fn newest(view: &mut View<'_>) -> Result<i64> {
    let id: Option<i64> =
        signals::table.order(signals::id.desc()).select(signals::id).first(view.conn).optional()?;
    Ok(id.unwrap_or(0))
}

/// Numbers and stores a transaction's signals, as the last thing before its commit. On PostgreSQL transactions with
/// signals wait for each other here, as they would for `NOTIFY` a moment later: whoever has read a number has seen, or
/// can see, all lower ones.
///
/// # Errors
/// Database errors.
pub(crate) fn save(tx: &mut Tx<'_>) -> Result<()> {
    if tx.pending.is_empty() {
        return Ok(());
    }
    let at = tx.now().micros();
    let stored = std::mem::take(&mut tx.pending);
    let row = |(name, subject)| (signals::name.eq(name), signals::subject.eq(subject), signals::at.eq(at));
    let rows: Vec<_> = stored.iter().map(|(name, subject)| row((*name, subject))).collect();
    let mut ids: Vec<i64> = Vec::with_capacity(rows.len());
    match &mut *tx.conn {
        Conn::Pg(conn) => {
            let lock = "SELECT pg_advisory_xact_lock(hashtext('zelo.signals'), hashtext(current_schema()))";
            diesel::sql_query(lock).execute(conn)?;
            for some in rows.chunks(AT_ONCE) {
                let insert = diesel::insert_into(signals::table).values(some).returning(signals::id);
                ids.extend(insert.get_results::<i64>(conn)?);
            }
        }
        Conn::Sqlite(conn) => {
            for row in rows {
                let insert = diesel::insert_into(signals::table).values(row).returning(signals::id);
                ids.push(insert.get_result(conn)?);
            }
        }
    }
    ids.sort_unstable();
    let numbered = ids.into_iter().zip(stored);
    tx.signals.extend(numbered.map(|(id, (name, subject))| Signalled { id, name, subject }));
    Ok(())
}

/// Deletes signals from before an instant.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>, before: Instant) -> Result<usize> {
    Ok(oldest!(tx, signals, signals::at.lt(before.micros()), signals::at))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::testing::{NOW, stores};
    use crate::{Urgency, Url};

    #[test]
    fn what_commits_later_is_told_later_whoever_began_first() {
        for store in stores() {
            // SQLite has one writer: there is nothing to interleave.
            let Url::Postgres(_) = store.url() else { continue };
            let say = |store: &crate::Store, subject: &str, before_commit: &mut dyn FnMut()| {
                store.keep_house(Urgency::Urgent, "test", NOW, |tx| {
                    tx.signal("patient.changed", subject)?;
                    before_commit();
                    Ok(())
                })
            };
            let (begun, has_begun) = channel();
            let (go, may_go) = channel();
            let slow = (*store).clone();
            let slow = std::thread::spawn(move || {
                say(&slow, "slow", &mut || {
                    begun.send(()).unwrap();
                    may_go.recv().unwrap();
                })
            });
            has_begun.recv().unwrap();
            say(&store, "quick", &mut || ()).unwrap();
            let seen = store.read(newest).unwrap();
            go.send(()).unwrap();
            slow.join().unwrap().unwrap();
            let missed = store.read(|view| after(view, seen, 10)).unwrap().unwrap();
            let subjects: Vec<&str> = missed.iter().map(|signal| signal.subject.as_str()).collect();
            assert_eq!(subjects, ["slow"], "a listener that comes back has missed nothing");
        }
    }
}
