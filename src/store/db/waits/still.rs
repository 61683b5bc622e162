//! Sessions of this program that stand still in the middle of a statement: a node that was stopped, or whose wire
//! stopped, when half of what it says had arrived, or before it took what it was answered. No time-out of the server
//! counts there (`idle_in_transaction_session_timeout` counts between two statements alone), and what such a session
//! holds a revocation at another node may wait for. The server does not say whether bytes still come: a session on a
//! slow wire looks the same. So one is ended only when somebody else waited for it all the time; the node finds its
//! transaction undone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant as Moment};

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use super::{Seen, Statement};
use crate::Conn;
use crate::db::error::Result;

/// One for which another was seen to wait for so long is ended: as long as one may stand still between two statements.
const LONG: Duration = Duration::from_secs(5);
/// A statement of this node that was seen to arrive for so long, after the two seconds from which on it is looked for,
/// is told.
const SLOW: Duration = Duration::from_secs(2);
/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// A session of this program in the middle of a statement, once for each statement that waits for it, or once alone.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    pid: i32,
    /// When its statement began, µs.
    #[diesel(sql_type = BigInt)]
    since: i64,
    /// For how long that has been, s.
    #[diesel(sql_type = BigInt)]
    seconds: i64,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    role: Option<String>,
    /// Whether it has not arrived yet; else its answer is not taken.
    #[diesel(sql_type = Bool)]
    arrives: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    waiter: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    waits_since: Option<i64>,
}

impl Row {
    const fn statement(&self) -> Statement {
        (self.pid, self.since)
    }

    fn waiter(&self) -> Option<Statement> {
        self.waiter.zip(self.waits_since)
    }
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = Bool)]
    ended: bool,
}

#[derive(QueryableByName)]
struct Stranger {
    #[diesel(sql_type = Text)]
    role: String,
}

/// Sessions of this program (see [`crate::db::waits`]) that wait for their node in the middle of a statement which
/// began two seconds ago, and who waits for them, at whatever end of a chain: statements of another node, and of a
/// person at the same one. One that has something to say and has changed nothing may take its time: a look may be long.
const ASK: &str = "WITH RECURSIVE ours AS (\
     SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 \
     AND classid = hashtext('zelo.session')::oid AND granted\
     ), stands AS (\
     SELECT pid, query_start, application_name, usename, wait_event = 'ClientRead' AS arrives FROM pg_stat_activity JOIN ours USING (pid) \
     WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() \
     AND (wait_event = 'ClientRead' OR (wait_event = 'ClientWrite' AND backend_xid IS NOT NULL)) \
     AND query_start < clock_timestamp() - INTERVAL '2 seconds'\
     ), chain(waiter, behind) AS (\
     SELECT pid, pid FROM pg_stat_activity JOIN ours USING (pid) WHERE wait_event_type = 'Lock' AND EXISTS (SELECT 1 FROM stands) \
     UNION SELECT chain.waiter, unnest(pg_blocking_pids(chain.behind)) FROM chain\
     ), held AS (\
     SELECT stands.pid, waits.pid AS waiter, waits.query_start FROM stands JOIN chain ON chain.behind = stands.pid \
     JOIN pg_stat_activity AS waits ON waits.pid = chain.waiter AND waits.wait_event_type = 'Lock' \
     WHERE waits.application_name <> stands.application_name OR EXISTS (SELECT 1 FROM pg_locks AS person \
     WHERE person.pid = waits.pid AND person.locktype = 'advisory' AND person.objsubid = 2 \
     AND person.classid = hashtext('zelo.person')::oid)\
     ) SELECT stands.pid, (EXTRACT(EPOCH FROM stands.query_start) * 1000000)::BIGINT AS since, \
     EXTRACT(EPOCH FROM clock_timestamp() - stands.query_start)::BIGINT AS seconds, \
     stands.application_name AS name, stands.usename::text AS role, stands.arrives, held.waiter, \
     (EXTRACT(EPOCH FROM held.query_start) * 1000000)::BIGINT AS waits_since FROM stands LEFT JOIN held ON held.pid = stands.pid";

/// If it still stands in the same statement.
const END: &str = "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE pid = $1 \
     AND state = 'active' AND wait_event IN ('ClientRead', 'ClientWrite') \
     AND (EXTRACT(EPOCH FROM query_start) * 1000000)::BIGINT = $2";

/// The roles of this program's sessions that this one may not see (their state is hidden), or may not end.
const STRANGERS: &str = "SELECT DISTINCT them.rolname::text AS role FROM pg_locks AS own \
     JOIN pg_stat_activity AS one ON one.pid = own.pid JOIN pg_roles AS them ON them.oid = one.usesysid \
     CROSS JOIN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS me \
     WHERE one.datname = current_database() AND own.locktype = 'advisory' AND own.objsubid = 2 \
     AND own.classid = hashtext('zelo.session')::oid AND own.granted \
     AND (one.state IS NULL OR NOT (me.rolsuper OR (NOT them.rolsuper \
     AND (pg_has_role(them.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')))))";

/// A transaction in which a person acts shares this lock: whoever waits in it waits for a person.
const PERSON: &str = "SELECT pg_advisory_xact_lock_shared(hashtext('zelo.person'), 0)";

/// Notes at the server that a person acts in this transaction. Nothing on SQLite.
///
/// # Errors
/// Database errors.
pub(crate) fn a_person_acts(conn: &mut Conn) -> Result<()> {
    if let Conn::Pg(conn) = conn {
        conn.batch_execute(PERSON)?;
    }
    Ok(())
}

/// The roles whose sessions of this program this one may not see or may not end.
///
/// # Errors
/// Database errors.
pub(crate) fn strangers(conn: &mut PgConnection) -> Result<BTreeSet<String>> {
    let rows: Vec<Stranger> = diesel::sql_query(STRANGERS).load(conn)?;
    Ok(rows.into_iter().map(|row| row.role).collect())
}

/// Statements of this node that have been on their way to the server for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slow {
    many: usize,
    /// For how long the slowest has been.
    seconds: i64,
}

impl Slow {
    /// What it is and what to do.
    pub(crate) fn words(self) -> String {
        format!(
            "statements of this node arrive slowly at the database ({}, the slowest for {} s so far): look at the network between them",
            self.many, self.seconds
        )
    }
}

/// Who was seen to stand in the middle of a statement.
#[derive(Default)]
pub(crate) struct Watch {
    /// By who stands, and who waits for it.
    held: Seen<(Statement, Statement)>,
    arrive: Seen<Statement>,
    slow: Option<Slow>,
    /// Roles that were reported.
    reported: BTreeSet<String>,
    looked: Option<Moment>,
}

impl Watch {
    /// Looks once more, and ends whoever was seen to stand still at each look for [`LONG`] while one and the same
    /// statement waited for it. Says what arrives slowly of the node whose sessions are called `own`.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn look(&mut self, conn: &mut PgConnection, own: &str) -> Result<Option<Slow>> {
        let now = Moment::now();
        if self.looked.is_some_and(|at| now.saturating_duration_since(at) < EVERY) {
            return Ok(self.slow);
        }
        self.looked = Some(now);
        let strangers = strangers(conn)?;
        for role in &strangers {
            if self.reported.insert(role.clone()) {
                tracing::warn!(
                    role,
                    "sessions of another node, of this role, may not be seen or may not be ended by this node: when that one stands \
                     still, whoever waits for it waits in vain. Let all nodes share one role, or GRANT pg_read_all_stats, \
                     pg_signal_backend to this node's (which does not suffice for a superuser's)"
                );
            }
        }
        let rows: Vec<Row> = diesel::sql_query(ASK).load(conn)?;
        self.slow = self.arrives(&rows, own, now);
        for Row { pid, since, name, role, .. } in self.stands(rows, now) {
            if role.is_some_and(|role| strangers.contains(&role)) {
                continue;
            }
            let end = diesel::sql_query(END).bind::<Integer, _>(pid).bind::<BigInt, _>(since);
            let ended: Vec<Ended> = end.load(conn)?;
            if ended.iter().any(|one| one.ended) {
                tracing::warn!(
                    session = pid,
                    node = name,
                    "a session that stood still in the middle of a statement, and for which others waited, was ended"
                );
            }
        }
        Ok(self.slow)
    }

    fn stands(&mut self, rows: Vec<Row>, now: Moment) -> Vec<Row> {
        let held = rows.into_iter().filter_map(|row| Some(((row.statement(), row.waiter()?), row)));
        let mut long = self.held.long(now, LONG, held.collect());
        long.sort_unstable_by_key(Row::statement);
        long.dedup_by_key(|row| row.statement());
        long
    }

    fn arrives(&mut self, rows: &[Row], own: &str, now: Moment) -> Option<Slow> {
        let mut own: Vec<&Row> = rows.iter().filter(|row| row.arrives && row.name == own).collect();
        own.sort_unstable_by_key(|row| row.statement());
        own.dedup_by_key(|row| row.statement());
        let slow = self.arrive.long(now, SLOW, own.into_iter().map(|row| (row.statement(), row)).collect());
        let seconds = slow.iter().map(|row| row.seconds).max()?;
        Some(Slow { many: slow.len(), seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(since: i64, waiter: Option<i32>) -> Row {
        Row {
            pid: 7,
            since,
            seconds: since,
            name: "zelo-a".to_owned(),
            role: None,
            arrives: true,
            waiter,
            waits_since: waiter.map(|_waits| 1),
        }
    }

    #[test]
    fn only_one_that_stands_in_one_and_the_same_statement_while_another_waits_for_it_is_ended() {
        let (mut watch, began) = (Watch::default(), Moment::now());
        let mut ended = |rows: &[(i64, Option<i32>)], millis| {
            let rows = rows.iter().map(|(since, waiter)| row(*since, *waiter)).collect();
            let long = watch.stands(rows, began + Duration::from_millis(millis));
            long.iter().map(|row| row.since).collect::<Vec<_>>()
        };
        assert!(ended(&[(1, Some(8))], 0).is_empty());
        assert!(ended(&[(2, Some(8))], 4_900).is_empty(), "another statement");
        assert_eq!(ended(&[(2, Some(8)), (3, Some(8)), (2, Some(9))], 9_900), [2]);
        assert!(ended(&[], 10_000).is_empty());
        assert!(ended(&[(3, Some(8))], 15_500).is_empty(), "it begins anew");
        assert!(ended(&[(3, None)], 21_000).is_empty(), "nobody waits for it");
        assert!(ended(&[(3, Some(8))], 21_100).is_empty(), "not all the time");
        assert!(ended(&[(3, Some(9))], 26_200).is_empty(), "another waits");
    }

    #[test]
    fn a_statement_that_arrives_for_long_is_told_of_ones_own_node_and_once_however_many_wait_for_it() {
        let (mut watch, began) = (Watch::default(), Moment::now());
        let mut slow = |own: &str, millis| {
            let rows = [row(4, Some(8)), row(4, Some(9)), row(2, None)];
            watch.arrives(&rows, own, began + Duration::from_millis(millis))
        };
        assert_eq!(slow("zelo-a", 0), None);
        let trouble = slow("zelo-a", 2_000);
        assert_eq!(trouble, Some(Slow { many: 2, seconds: 4 }));
        assert_eq!(slow("zelo-b", 2_100), None);
    }
}
