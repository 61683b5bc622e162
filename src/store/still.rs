//! Sessions of this program that stand still in the middle of a statement: a node that was stopped, or whose wire stopped,
//! when half of what it says had arrived, or before it took what it was answered. No time-out of the server counts there
//! (`idle_in_transaction_session_timeout` counts between two statements alone), and what such a session holds a revocation at
//! another node may wait for. Whoever sees one ends it; the node finds its transaction undone.

use std::time::{Duration, Instant as Moment};

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Text};

use super::error::Result;
use super::waits::Seen;

/// One that nobody has seen move for so long is ended: as long as one may stand still between two statements, with the two
/// seconds after which it is looked for.
const LONG: Duration = Duration::from_secs(3);
/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = BigInt)]
    since: i64,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = Bool)]
    ended: bool,
}

/// Sessions of this program (see [`super::waits`]) that wait for their node in the middle of a statement which began two
/// seconds ago. One that has something to say and has changed nothing may take its time: a look may be long.
const ASK: &str = "SELECT pid, (EXTRACT(EPOCH FROM query_start) * 1000000)::BIGINT AS since, application_name AS name \
     FROM pg_stat_activity AS one WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() \
     AND (wait_event = 'ClientRead' OR (wait_event = 'ClientWrite' AND backend_xid IS NOT NULL)) \
     AND query_start < clock_timestamp() - INTERVAL '2 seconds' \
     AND EXISTS (SELECT 1 FROM pg_locks AS own WHERE own.pid = one.pid AND own.locktype = 'advisory' \
     AND own.objsubid = 2 AND own.classid = hashtext('zelo.session')::oid AND own.granted)";

/// If it still stands in the same statement.
const END: &str = "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE pid = $1 \
     AND state = 'active' AND wait_event IN ('ClientRead', 'ClientWrite') \
     AND (EXTRACT(EPOCH FROM query_start) * 1000000)::BIGINT = $2";

/// Who was seen to stand still.
#[derive(Default)]
pub(super) struct Watch {
    seen: Seen,
    looked: Option<Moment>,
}

impl Watch {
    /// Looks once more, and ends whoever was seen to stand still at each look for [`LONG`].
    ///
    /// # Errors
    /// Database errors.
    pub fn look(&mut self, conn: &mut PgConnection) -> Result<()> {
        let now = Moment::now();
        if self.looked.is_some_and(|at| now.saturating_duration_since(at) < EVERY) {
            return Ok(());
        }
        self.looked = Some(now);
        let rows: Vec<Row> = diesel::sql_query(ASK).load(conn)?;
        for Row { pid, since, name } in self.saw(rows, now) {
            let end = diesel::sql_query(END).bind::<Integer, _>(pid).bind::<BigInt, _>(since);
            let ended: Vec<Ended> = end.load(conn)?;
            if ended.iter().any(|one| one.ended) {
                tracing::warn!(
                    session = pid,
                    node = name,
                    "a session that stood still in the middle of a statement was ended"
                );
            }
        }
        Ok(())
    }

    fn saw(&mut self, rows: Vec<Row>, now: Moment) -> Vec<Row> {
        self.seen.long(now, LONG, rows.into_iter().map(|row| ((row.pid, row.since), row)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_that_stands_in_one_and_the_same_statement_is_ended() {
        let (mut watch, began) = (Watch::default(), Moment::now());
        let mut ended = |since: &[i64], millis| {
            let rows = since.iter().map(|since| Row { pid: 7, since: *since, name: "zelo-a".to_owned() });
            let long = watch.saw(rows.collect(), began + Duration::from_millis(millis));
            long.iter().map(|row| row.since).collect::<Vec<_>>()
        };
        assert!(ended(&[1], 0).is_empty());
        assert!(ended(&[2], 2_900).is_empty(), "another statement");
        assert_eq!(ended(&[2, 3], 5_900), [2]);
        assert!(ended(&[], 6_000).is_empty());
        assert!(ended(&[3], 9_500).is_empty(), "it begins anew");
    }
}
