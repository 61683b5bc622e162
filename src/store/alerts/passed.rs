//! Alerts that this node skips time and again because another session holds their rows. The program holds a row for
//! milliseconds; somebody at the database's console may hold it for as long as they forget it. Nobody is called about
//! these alerts meanwhile, so it is reported.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Integer, Nullable, SmallInt, Text};

use crate::db::error::{Error, Result};
use domain::{AlertId, Instant, Level};

/// Shorter skips are not reported. Longer than the server lets a node keep an idle row (5 s).
const LONG: Duration = Duration::from_secs(6);
/// An alert that was not wanted again for this long is no longer due.
const WANTED: Duration = Duration::from_secs(15);
/// An alert that nobody holds is forgotten after this long without a skip: whoever wants it has taken it by then.
const FREE: Duration = Duration::from_millis(1_500);

/// What the engine skips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedOver {
    /// How many alerts.
    pub alerts: u32,
    /// How many of them are red.
    pub reds: u32,
    /// Since when the first of them.
    pub since: Instant,
    /// The session of the server that holds one of them, where it is known.
    pub holder: Option<i32>,
}

impl PassedOver {
    /// What it is and what to do, for whoever runs the house.
    #[must_use]
    pub fn words(&self) -> String {
        let holder = self.holder.map(|pid| format!(" (session {pid} of the server)")).unwrap_or_default();
        format!(
            "{} alert(s), {} of them red, are locked by another session{holder} since {}, and nobody is called for them: see \
             pg_stat_activity, and end what holds them",
            self.alerts, self.reds, self.since
        )
    }
}

/// How an alert was passed over.
struct Noted {
    /// The first time, by the node's clock.
    since: Instant,
    /// The same moment on the steady clock, from which the duration is counted.
    first: Moment,
    last: Moment,
}

/// How each alert was passed over.
#[derive(Default)]
pub(crate) struct Passed(Mutex<HashMap<AlertId, Noted>>);

impl Passed {
    fn all(&self) -> MutexGuard<'_, HashMap<AlertId, Noted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records which of the alerts wanted `at` were free.
    pub(crate) fn note(&self, wanted: &[(AlertId, bool)], at: Instant, now: Moment) {
        if wanted.is_empty() {
            return;
        }
        let mut all = self.all();
        for (alert, free) in wanted {
            if *free {
                all.remove(alert);
            } else {
                all.entry(*alert).or_insert(Noted { since: at, first: now, last: now }).last = now;
            }
        }
    }

    /// Those that were passed over for long.
    fn long(&self, now: Moment) -> Vec<String> {
        let mut all = self.all();
        all.retain(|_, noted| now.saturating_duration_since(noted.last) < WANTED);
        let long = |noted: &Noted| noted.last.saturating_duration_since(noted.first) >= LONG;
        all.iter().filter(|(_, noted)| long(noted)).map(|(alert, _)| alert.to_string()).collect()
    }

    /// Forgets alerts that nobody holds and this node no longer wants: another node takes care of them.
    fn forget(&self, free: impl Fn(&str) -> bool, now: Moment) {
        let over = |noted: &Noted| now.saturating_duration_since(noted.last) >= FREE;
        self.all().retain(|alert, noted| !(over(noted) && free(&alert.to_string())));
    }

    /// Those of these that were not forgotten, and since when the first of them was passed over.
    fn first(&self, mut ids: Vec<String>) -> Option<(Instant, Vec<String>)> {
        let all = self.all();
        let since = |id: &String| Some(all.get(&id.parse::<AlertId>().ok()?)?.since);
        let first = ids.iter().filter_map(since).min()?;
        ids.retain(|id| since(id).is_some());
        Some((first, ids))
    }

    /// What is passed over for long, with what the database knows of it.
    pub(crate) fn look(&self, conn: &mut PgConnection, now: Moment) -> Option<PassedOver> {
        let ids = self.long(now);
        if ids.is_empty() {
            return None;
        }
        let rows = locked(conn, &ids);
        let Ok(rows) = rows.inspect_err(|error| {
            tracing::debug!(%error, "who holds the alerts that are passed over is not known");
        }) else {
            let (since, ids) = self.first(ids)?;
            return Some(PassedOver {
                alerts: count(ids.len()),
                reds: count(ids.len()),
                since,
                holder: None,
            });
        };
        let held = |id: &str| rows.iter().any(|row| row.id == id && !row.free);
        self.forget(|id| ids.iter().any(|long| long == id) && !held(id), now);
        let (since, ids) = self.first(ids)?;
        let red = |row: &&Row| ids.contains(&row.id) && Level::from_code(row.level) == Some(Level::Red);
        Some(PassedOver {
            alerts: count(ids.len()),
            reds: count(rows.iter().filter(red).count()),
            since,
            holder: rows.iter().filter(|row| !row.free).find_map(|row| row.holder),
        })
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = SmallInt)]
    level: i16,
    /// Whether it could be taken.
    #[diesel(sql_type = Bool)]
    free: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    holder: Option<i32>,
}

/// Whether a row is free shows only by taking it. Its `xmax` names the transaction that holds it, unless several share
/// it.
const HELD: &str = "WITH free AS (SELECT id FROM alerts WHERE id = ANY($1) FOR UPDATE SKIP LOCKED) \
     SELECT alerts.id, alerts.level, alerts.id IN (SELECT id FROM free) AS free, \
     (SELECT lock.pid FROM pg_locks AS lock WHERE lock.locktype = 'transactionid' \
     AND lock.granted AND lock.transactionid = alerts.xmax LIMIT 1) AS holder FROM alerts WHERE alerts.id = ANY($1)";

/// The rows of these alerts. Locks taken on the way are given back at once.
fn locked(conn: &mut PgConnection, ids: &[String]) -> Result<Vec<Row>> {
    let mut rows = None;
    let looked = conn.transaction(|conn| {
        // The look itself must not wait for a table that somebody holds.
        conn.batch_execute("SET LOCAL lock_timeout = '200ms'")?;
        rows = Some(diesel::sql_query(HELD).bind::<Array<Text>, _>(ids).load(conn)?);
        Err::<(), Error>(diesel::result::Error::RollbackTransaction.into())
    });
    match (rows, looked) {
        (Some(rows), _given_back) => Ok(rows),
        (None, looked) => looked.map(|()| Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_again_and_again_and_never_free_is_told() {
        let (passed, began) = (Passed::default(), Moment::now());
        let later = |millis| began + Duration::from_millis(millis);
        let at = Instant::from_secs(1_795_348_800);
        let after = |seconds| at.plus(Duration::from_secs(seconds));
        let [held, free, over] = [1, 2, 3].map(|n| AlertId(uuid::Uuid::from_u128(n)));
        passed.note(&[(held, false), (free, false), (over, false)], at, began);
        passed.note(&[(held, false), (free, true)], after(5), later(5_000));
        assert!(passed.long(later(5_000)).is_empty(), "whoever works holds it for less");
        passed.note(&[(held, false), (free, false)], after(7), later(7_000));
        let ids = passed.long(later(16_000));
        assert_eq!(ids, [held.to_string()]);
        let first = |ids: &[String]| passed.first(ids.to_vec());
        assert_eq!(first(&ids), Some((at, ids.clone())), "however often it was wanted since");
        assert!(passed.long(later(22_000)).is_empty(), "nobody wants it any more");
        // What is free by now is reported for a moment more: whoever wants it takes it.
        passed.note(&[(held, false)], after(30), later(30_000));
        passed.note(&[(held, false)], after(37), later(37_000));
        passed.forget(|_free| true, later(38_000));
        assert_eq!(passed.long(later(38_000)), ids);
        passed.forget(|_held| false, later(38_500));
        assert_eq!(first(&passed.long(later(38_500))), Some((after(30), ids)));
        passed.forget(|_free| true, later(38_500));
        assert!(passed.long(later(38_500)).is_empty(), "another node took it");
        let passed_over = PassedOver { alerts: 2, reds: 1, since: at, holder: Some(7) };
        let words = passed_over.words();
        assert!(words.contains("2 alert(s), 1 of them red") && words.contains("(session 7 of"), "{words}");
        assert!(words.contains(&format!("since {at}")), "{words}");
    }
}
