//! Nodes on one PostgreSQL tell each other what they committed: each transaction notifies once, as it commits,
//! and a thread per node hears it, tells the node's own listeners and drops copies that no longer hold.
//! While the connection is down nothing is lost: the kept signals are read again, and every copy is dropped.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant as Moment};

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

use super::schema::signals;
use super::tx::{Signalled, Touched, Tx};
use super::{Conn, Error, Inner, Opener, Result, Url};

/// How often a node looks for what was told.
const EVERY: Duration = Duration::from_millis(10);
/// How often it asks whether the connection still lives.
const ALIVE: Duration = Duration::from_secs(5);
/// The longest rest between two attempts to connect.
const BACK_OFF: Duration = Duration::from_secs(5);
/// Ids are given before commits: what commits later may carry an id this much lower than what was heard.
const REACH: i64 = 4_096;
/// Signals or touches in one notification, which PostgreSQL bounds to 8,000 bytes.
const CHUNK: usize = 48;

/// The channel is the schema's own.
const CHANNEL: &str = "'zelo_signals_' || to_hex(hashtext(current_schema()))";

/// Every name that is told, as readers compare it.
const NAMES: [&str; 11] = [
    "alert.changed",
    "audit.sealed",
    "consent.changed",
    "device.changed",
    "device.commanded",
    "device.connected",
    "patient.changed",
    "readings.changed",
    "rules.changed",
    "session.ended",
    "term.published",
];

/// One notification.
#[derive(Serialize, Deserialize)]
struct Word {
    from: String,
    told: Vec<(i64, String, String)>,
    touched: Vec<Touched>,
    destroyed: bool,
}

/// Notifies of what a transaction tells and touches; nothing on SQLite, where there is one process.
///
/// # Errors
/// Database errors.
pub fn tell(tx: &mut Tx<'_>, from: &str) -> Result<()> {
    let destroyed = !tx.destroyed.is_empty();
    let mut words = Vec::new();
    let mut told = tx.signals.chunks(CHUNK);
    let all: Vec<Touched> = tx.touched.iter().chain(&tx.elsewhere).copied().collect();
    let mut touched = all.chunks(CHUNK);
    loop {
        let (told, touched) = (told.next(), touched.next());
        if told.is_none() && touched.is_none() && !(destroyed && words.is_empty()) {
            break;
        }
        let signals = told.unwrap_or_default().iter();
        words.push(Word {
            from: from.to_owned(),
            told: signals.map(|s| (s.id, s.name.to_owned(), s.subject.clone())).collect(),
            touched: touched.unwrap_or_default().to_vec(),
            destroyed,
        });
    }
    let Conn::Pg(conn) = &mut *tx.conn else { return Ok(()) };
    for word in words {
        let text = serde_json::to_string(&word).map_err(|_shape| Error::Corrupt("a word to other nodes"))?;
        diesel::sql_query(format!("SELECT pg_notify({CHANNEL}, $1)")).bind::<Text, _>(text).execute(conn)?;
    }
    Ok(())
}

/// Starts to listen; what commits from now on is heard. Nothing on SQLite.
///
/// # Errors
/// The database cannot be reached, or the thread not started.
pub fn start(inner: &Arc<Inner>) -> Result<()> {
    let Url::Postgres(_) = &inner.url else { return Ok(()) };
    let mut ear = Ear { opener: Opener { url: inner.url.clone(), read_only: true }, seen: BTreeSet::new() };
    let mut conn = ear.connect()?;
    ear.seen.extend(ear.recent(&mut conn)?.into_iter().map(|(id, ..)| id));
    let inner = Arc::downgrade(inner);
    std::thread::Builder::new().name("listen".into()).spawn(move || ear.listen(&inner, conn)).map_err(
        |source| Error::Io { what: "the thread that hears other nodes cannot start".into(), source },
    )?;
    Ok(())
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    channel: String,
}

type Row = (i64, String, String);

/// What this node heard.
struct Ear {
    opener: Opener,
    seen: BTreeSet<i64>,
}

impl Ear {
    fn connect(&self) -> Result<PgConnection> {
        match self.opener.open().map_err(|error| Error::Open(error.to_string()))? {
            Conn::Pg(mut conn) => {
                let named: Named =
                    diesel::sql_query(format!("SELECT {CHANNEL} AS channel")).get_result(&mut conn)?;
                diesel::sql_query(format!("LISTEN {}", named.channel)).execute(&mut conn)?;
                Ok(conn)
            }
            Conn::Sqlite(_) => Err(Error::Open("only PostgreSQL tells other nodes".into())),
        }
    }

    /// The kept signals that may not have been heard.
    fn recent(&self, conn: &mut PgConnection) -> Result<Vec<Row>> {
        let newest: Option<i64> = signals::table.select(diesel::dsl::max(signals::id)).first(conn)?;
        let since = self.seen.last().copied().or(newest).unwrap_or(0).saturating_sub(REACH);
        let rows = signals::table.filter(signals::id.gt(since)).order(signals::id);
        Ok(rows.select((signals::id, signals::name, signals::subject)).load(conn)?)
    }

    /// Until the store is gone.
    fn listen(mut self, inner: &Weak<Inner>, conn: PgConnection) {
        let mut conn = Some(conn);
        let mut rest = EVERY;
        loop {
            if let Some(conn) = conn.take()
                && let Err(error) = self.hear(inner, conn)
            {
                let cause = std::error::Error::source(&error);
                tracing::warn!(%error, ?cause, "this node does not hear the others; it connects again");
            }
            if inner.strong_count() == 0 {
                return;
            }
            std::thread::park_timeout(rest);
            match self.again(inner) {
                Ok(fresh) => (conn, rest) = (fresh, EVERY),
                Err(_still_down) => rest = rest.saturating_mul(2).min(BACK_OFF),
            }
        }
    }

    /// Connects again and tells what was missed.
    fn again(&mut self, inner: &Weak<Inner>) -> Result<Option<PgConnection>> {
        let mut conn = self.connect()?;
        let missed = self.recent(&mut conn)?;
        let Some(inner) = inner.upgrade() else { return Ok(None) };
        inner.forget([Touched::Everything]);
        inner.keys.forget_all();
        missed.into_iter().for_each(|row| self.pass_on(&inner, row));
        Ok(Some(conn))
    }

    fn hear(&mut self, inner: &Weak<Inner>, mut conn: PgConnection) -> Result<()> {
        let mut asked = Moment::now();
        loop {
            let heard = conn.notifications_iter().collect::<QueryResult<Vec<_>>>()?;
            let Some(inner) = inner.upgrade() else { return Ok(()) };
            for notification in heard {
                match serde_json::from_str::<Word>(&notification.payload) {
                    Ok(word) => self.take(&inner, word),
                    Err(_foreign) => tracing::warn!("another program spoke on the channel of this database"),
                }
            }
            drop(inner);
            if asked.elapsed() > ALIVE {
                diesel::sql_query("SELECT 1").execute(&mut conn)?;
                asked = Moment::now();
            }
            std::thread::park_timeout(EVERY);
        }
    }

    fn take(&mut self, inner: &Inner, word: Word) {
        if word.from != inner.name {
            // Before anyone is told: whoever asks again must not be answered from a copy.
            inner.forget(word.touched);
            if word.destroyed {
                inner.keys.forget_all();
            }
        }
        word.told.into_iter().for_each(|row| self.pass_on(inner, row));
    }

    fn pass_on(&mut self, inner: &Inner, (id, name, subject): Row) {
        if id > 0 && !self.seen.insert(id) {
            return;
        }
        while self.seen.len() > usize::try_from(REACH).unwrap_or(0) * 2 {
            self.seen.pop_first();
        }
        match NAMES.into_iter().find(|known| *known == name) {
            Some(name) => inner.pass_on(Signalled { id, name, subject }),
            None => tracing::warn!(name, "another node tells what this program does not know"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DeviceIdentity;
    use crate::store::testing::{hears, stores};
    use crate::store::{Actor, Urgency, devices};

    #[test]
    fn what_one_node_commits_every_node_is_told_once() {
        for here in stores() {
            let Url::Postgres(_) = here.url() else { continue };
            let there = here.reopened().unwrap();
            let (mut near, mut far) = (here.signals(), there.signals());
            let identity = DeviceIdentity { label: "W".into(), model: "1".into(), serial: None };
            let now = crate::store::testing::NOW;
            let made = here.write(Actor::Operator, now, |tx| devices::insert(tx, &identity)).unwrap();
            hears(&mut near, "device.changed", &made.id);
            hears(&mut far, "device.changed", &made.id);
            there.write(Actor::Operator, now, |tx| devices::disable(tx, made.id)).unwrap();
            hears(&mut near, "device.changed", &made.id);
            hears(&mut far, "device.changed", &made.id);
            assert_eq!(here.take_touched(), [Touched::Device(made.key)], "the other node's copy is dropped");
            there
                .keep_house(Urgency::Urgent, "test", now, |tx| {
                    tx.tell_nodes("device.connected", made.id);
                    Ok(())
                })
                .unwrap();
            hears(&mut near, "device.connected", &made.id);
            assert!(near.try_recv().is_err(), "nothing is told twice");
        }
    }
}
