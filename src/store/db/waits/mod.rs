//! Statements of this node that wait for a lock which will not be given back soon: one of another program, of somebody
//! at the server's console, or of a node that stands still. PostgreSQL knows who waits for whom. A batch that takes
//! long waits for nobody, and waits among working nodes end by themselves.

pub(crate) mod still;

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant as Moment};

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};

use super::error::Result;

/// A shorter wait is not reported. With the time between two looks, a wait is known within two seconds.
pub(crate) const LONG: Duration = Duration::from_millis(1_200);

/// What this program's sessions are called at the server, so that they are told from others'.
pub(crate) fn session_name(node: &str) -> String {
    format!("zelo-{node}")
}

/// A statement that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waits {
    /// For which table, or which sort of lock.
    lock: String,
    /// Whether the whole table is held, not a row of it.
    pub whole: bool,
    /// The session that holds it; 0: a prepared transaction.
    holder: i32,
}

impl Waits {
    /// What it is and what to do.
    pub(crate) fn words(&self) -> String {
        let holder = match self.holder {
            0 => "a prepared transaction".to_owned(),
            pid => format!("session {pid} of the server"),
        };
        format!(
            "a statement waits for a lock ({}) that {holder} holds: see pg_stat_activity and pg_locks, and end what holds it",
            self.lock
        )
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = BigInt)]
    since: i64,
    #[diesel(sql_type = Integer)]
    holder: i32,
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    relation: Option<String>,
}

/// Who blocks whom, at the end of each chain of waits. A session of this program (recognised by the lock that its
/// sessions share; a name anybody can have) blocks nobody, unless it has been idle in a transaction for three seconds
/// or waits for its node in the middle of a statement.
const ASK: &str = "WITH RECURSIVE waiting AS (\
     SELECT pid, query_start FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'\
     ), chain(pid, behind) AS (\
     SELECT pid, pid FROM waiting UNION SELECT chain.pid, unnest(pg_blocking_pids(chain.behind)) FROM chain\
     ) SELECT waiting.pid, (EXTRACT(EPOCH FROM waiting.query_start) * 1000000)::BIGINT AS since, chain.behind AS holder, \
     lock.locktype AS kind, lock.relation::regclass::text AS relation \
     FROM waiting JOIN chain ON chain.pid = waiting.pid AND chain.behind <> waiting.pid \
     LEFT JOIN pg_stat_activity AS holder ON holder.pid = chain.behind \
     LEFT JOIN LATERAL (SELECT locktype, relation FROM pg_locks \
     WHERE pg_locks.pid = waiting.pid AND NOT granted LIMIT 1) AS lock ON TRUE \
     WHERE NOT EXISTS (SELECT 1 FROM pg_locks AS own WHERE own.pid = chain.behind AND own.locktype = 'advisory' \
     AND own.objsubid = 2 AND own.classid = hashtext('zelo.session')::oid AND own.granted) OR (holder.state LIKE 'idle in transaction%' \
     AND holder.state_change < clock_timestamp() - INTERVAL '3 seconds') OR (holder.state = 'active' \
     AND holder.wait_event_type = 'Client' AND holder.query_start < clock_timestamp() - INTERVAL '2 seconds')";

/// A statement: its session, and when it began.
pub(crate) type Statement = (i32, i64);

/// Things seen at every look, such as statements, and since when.
#[derive(Default)]
pub(crate) struct Seen<K>(HashMap<K, Moment>);

impl<K: Eq + Hash> Seen<K> {
    /// Of what is there now that which was there at each look for so long.
    pub(crate) fn long<T>(&mut self, now: Moment, long: Duration, there: Vec<(K, T)>) -> Vec<T> {
        let before = std::mem::take(&mut self.0);
        let mut out = Vec::new();
        for (key, one) in there {
            let since = before.get(&key).copied().unwrap_or(now);
            self.0.insert(key, since);
            if now.saturating_duration_since(since) >= long {
                out.push(one);
            }
        }
        out
    }
}

/// The waits seen so far.
#[derive(Default)]
pub(crate) struct Watch(Seen<Statement>);

impl Watch {
    /// Looks once more. What was seen to wait for [`LONG`]; of several, one that waits for a whole table.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn look(&mut self, conn: &mut PgConnection, session: &str) -> Result<Option<Waits>> {
        let rows: Vec<Row> = diesel::sql_query(ASK).bind::<Text, _>(session).load(conn)?;
        Ok(self.saw(rows, Moment::now()))
    }

    fn saw(&mut self, rows: Vec<Row>, now: Moment) -> Option<Waits> {
        let there = rows.into_iter().map(|row| ((row.pid, row.since), row)).collect();
        let long = self.0.long(now, LONG, there).into_iter().map(|row| {
            let kind = row.kind.unwrap_or_default();
            let whole = kind == "relation";
            Waits { lock: row.relation.unwrap_or(kind), whole, holder: row.holder }
        });
        long.max_by_key(|waits| waits.whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_and_the_same_statement_that_waits_is_told_and_only_when_it_waits_long() {
        let (mut watch, began) = (Watch::default(), Moment::now());
        let later = |millis| began + Duration::from_millis(millis);
        let row = |since, kind: &str| Row {
            pid: 7,
            since,
            holder: 9,
            kind: Some(kind.to_owned()),
            relation: Some("readings".to_owned()),
        };
        assert_eq!(watch.saw(vec![row(1, "relation")], later(0)), None);
        assert_eq!(watch.saw(vec![row(2, "relation")], later(1_300)), None, "another statement");
        let trouble = watch.saw(vec![row(2, "relation"), row(3, "tuple")], later(2_600)).unwrap();
        assert!(
            trouble.whole && trouble.words().contains("(readings) that session 9"),
            "{}",
            trouble.words()
        );
        assert_eq!(watch.saw(vec![], later(2_700)), None);
        assert_eq!(watch.saw(vec![row(2, "relation")], later(2_800)), None, "it begins anew");
    }
}
