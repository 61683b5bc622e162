//! Alerts that this node passed over, time and again, because another session holds their rows: whoever works takes a row
//! for milliseconds, and somebody at the console of the database for as long as they forget it. Nobody is called for them
//! meanwhile, so it is told.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Nullable, SmallInt, Text};

use super::error::Result;
use crate::domain::{AlertId, Instant, Level};

/// One that is passed over for less is not told: longer than the server lets a node keep a row that does nothing (5 s).
const LONG: Duration = Duration::from_secs(6);
/// One that was not wanted again for so long is not due any more.
const WANTED: Duration = Duration::from_secs(15);

/// What the engine passes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedOver {
    /// How many alerts.
    pub alerts: u32,
    /// How many of them are red.
    pub reds: u32,
    /// For how long the first of them.
    pub long: Duration,
    /// The session of the server that holds one of them, where it is known.
    pub holder: Option<i32>,
}

impl PassedOver {
    /// What it is and what to do, for whoever runs the house.
    #[must_use]
    pub fn words(&self, now: Instant) -> String {
        let holder = self.holder.map(|pid| format!(" (session {pid} of the server)")).unwrap_or_default();
        format!(
            "{} alert(s), {} of them red, are locked by another session{holder} since {}, and nobody is called for them: see \
             pg_stat_activity, and end what holds them",
            self.alerts,
            self.reds,
            now.minus(self.long)
        )
    }
}

/// Since when each alert was passed over, and when last.
#[derive(Default)]
pub(super) struct Passed(Mutex<HashMap<AlertId, (Moment, Moment)>>);

impl Passed {
    fn all(&self) -> MutexGuard<'_, HashMap<AlertId, (Moment, Moment)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes of alerts that were wanted which of them were free.
    pub fn note(&self, wanted: &[(AlertId, bool)], now: Moment) {
        if wanted.is_empty() {
            return;
        }
        let mut all = self.all();
        for (alert, free) in wanted {
            if *free {
                all.remove(alert);
            } else {
                all.entry(*alert).or_insert((now, now)).1 = now;
            }
        }
    }

    /// Those that were passed over for long, and since when the first.
    fn long(&self, now: Moment) -> Option<(Vec<String>, Duration)> {
        let mut all = self.all();
        all.retain(|_, (_, last)| now.saturating_duration_since(*last) < WANTED);
        let again = |since: &Moment, last: &Moment| last.saturating_duration_since(*since);
        let long: Vec<_> = all.iter().filter(|(_, (since, last))| again(since, last) >= LONG).collect();
        let longest = long.iter().map(|(_, (since, _))| now.saturating_duration_since(*since)).max()?;
        Some((long.into_iter().map(|(alert, _)| alert.to_string()).collect(), longest))
    }

    /// What is passed over for long, with what the database knows of it.
    pub fn look(&self, conn: &mut PgConnection, now: Moment) -> Option<PassedOver> {
        let (ids, long) = self.long(now)?;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let alerts = count(ids.len());
        Some(match held(conn, &ids) {
            Ok(rows) => PassedOver {
                alerts,
                reds: count(
                    rows.iter().filter(|row| Level::from_code(row.level) == Some(Level::Red)).count(),
                ),
                long,
                holder: rows.iter().find_map(|row| row.holder),
            },
            Err(error) => {
                tracing::debug!(%error, "who holds the alerts that are passed over is not known");
                PassedOver { alerts, reds: alerts, long, holder: None }
            }
        })
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SmallInt)]
    level: i16,
    #[diesel(sql_type = Nullable<Integer>)]
    holder: Option<i32>,
}

/// A row names in `xmax` the transaction that holds it; one of several that share it is named by none.
const HELD: &str = "SELECT alerts.level, (SELECT lock.pid FROM pg_locks AS lock WHERE lock.locktype = 'transactionid' \
     AND lock.granted AND lock.transactionid = alerts.xmax LIMIT 1) AS holder FROM alerts WHERE alerts.id = ANY($1)";

fn held(conn: &mut PgConnection, ids: &[String]) -> Result<Vec<Row>> {
    conn.transaction(|conn| {
        // Whoever looks must not wait for a table that somebody holds.
        conn.batch_execute("SET LOCAL lock_timeout = '200ms'")?;
        Ok(diesel::sql_query(HELD).bind::<Array<Text>, _>(ids).load(conn)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_again_and_again_and_never_free_is_told() {
        let (passed, began) = (Passed::default(), Moment::now());
        let later = |seconds| began + Duration::from_secs(seconds);
        let at = Instant::from_secs(1_795_348_800);
        let [held, free, over] = [1, 2, 3].map(|n| AlertId(uuid::Uuid::from_u128(n)));
        passed.note(&[(held, false), (free, false), (over, false)], began);
        passed.note(&[(held, false), (free, true)], later(5));
        assert_eq!(passed.long(later(5)), None, "whoever works holds it for less");
        passed.note(&[(held, false), (free, false)], later(7));
        let (ids, long) = passed.long(later(16)).unwrap();
        assert_eq!((ids, long), (vec![held.to_string()], Duration::from_secs(16)));
        assert_eq!(passed.long(later(22)), None, "nobody wants it any more");
        let told = PassedOver { alerts: 2, reds: 1, long: Duration::from_secs(60), holder: Some(7) };
        let words = told.words(at.plus(Duration::from_secs(60)));
        assert!(words.contains("2 alert(s), 1 of them red") && words.contains("(session 7 of"), "{words}");
        assert!(words.contains(&format!("since {at}")), "{words}");
    }
}
