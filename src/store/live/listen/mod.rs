//! Nodes on one PostgreSQL tell each other what they committed: each transaction notifies once, as it commits,
//! and a thread per node hears it, tells the node's own listeners and drops copies that no longer hold. Another
//! ([`speak`]) tells the others, now and then, of what is announced without being kept, and speaks so often that a
//! connection on which nothing is heard is known to be dead, whatever its socket says.
//! While the connection is down nothing is lost: the kept signals are read again, and every copy is dropped.

mod speak;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant as Moment};

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

use super::names::NAMES;
use crate::db::schema::signals;
use crate::db::tx::{Signalled, Touched, Tx};
use crate::{Conn, Error, Inner, Opener, Result, Url};
use supervise::Watched;

/// How often a node looks for what was told.
const EVERY: Duration = Duration::from_millis(10);
/// A node that does not hear its own words for so long hears nobody's.
const DEAF: Duration = Duration::from_millis(2_500);
/// The longest rest between two attempts to connect.
const BACK_OFF: Duration = Duration::from_secs(5);
/// How long a look, or an attempt to connect, may take.
const AT_MOST: Duration = Duration::from_secs(10);
/// Signals or touches in one notification, which PostgreSQL bounds to 8,000 bytes.
const CHUNK: usize = 48;

/// The channel is the schema's own.
const CHANNEL: &str = "'zelo_signals_' || to_hex(hashtext(current_schema()))";

/// One notification.
#[derive(Serialize, Deserialize)]
struct Word {
    from: String,
    told: Vec<Row>,
    touched: Vec<Touched>,
    destroyed: bool,
    /// The sender's own listeners were told at once.
    aloud: bool,
}

impl Word {
    fn notify(&self, conn: &mut PgConnection) -> Result<()> {
        let text = serde_json::to_string(self).map_err(|_shape| Error::corrupt("a word to other nodes"))?;
        diesel::sql_query(format!("SELECT pg_notify({CHANNEL}, $1)")).bind::<Text, _>(text).execute(conn)?;
        Ok(())
    }
}

/// Notifies of what a transaction tells and touches; nothing on SQLite, where there is one process.
///
/// # Errors
/// Database errors.
pub(crate) fn announce(tx: &mut Tx<'_>, from: &str) -> Result<()> {
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
            aloud: false,
        });
    }
    let Conn::Pg(conn) = &mut *tx.conn else { return Ok(()) };
    words.iter().try_for_each(|word| word.notify(conn))
}

/// Starts to listen; what commits from now on is heard. Nothing on SQLite.
///
/// # Errors
/// The database cannot be reached, or the thread not started.
pub(crate) fn start(inner: &Arc<Inner>) -> Result<()> {
    let Url::Postgres(_) = &inner.url else { return Ok(()) };
    let mut ear = Ear { opener: Opener { url: inner.url.clone(), read_only: true }, last: 0 };
    let mut conn = ear.connect()?;
    let newest: Option<i64> = signals::table.select(diesel::dsl::max(signals::id)).get_result(&mut conn)?;
    ear.last = newest.unwrap_or(0);
    let (weak, mut conn) = (Arc::downgrade(inner), Some(conn));
    let listen = move |watched: &Watched| ear.listen(&weak, &mut conn, watched);
    let started = inner.threads.start("listen", AT_MOST, listen).and_then(|_thread| speak::start(inner));
    started.map_err(|source| Error::Io {
        what: "the threads that hear and tell other nodes cannot start".into(),
        source,
    })
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
    /// The highest number: they grow in the order of commits, which is the order of notifications.
    last: i64,
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

    /// The kept signals that were not heard.
    fn missed(&self, conn: &mut PgConnection) -> Result<Vec<Row>> {
        let rows = signals::table.filter(signals::id.gt(self.last)).order(signals::id);
        Ok(rows.select((signals::id, signals::name, signals::subject)).load(conn)?)
    }

    /// Until the store is gone.
    fn listen(&mut self, inner: &Weak<Inner>, conn: &mut Option<PgConnection>, watched: &Watched) {
        let mut rest = EVERY;
        loop {
            // Lost with a panic too: whatever was told meanwhile is read again.
            if let Some(conn) = conn.take()
                && let Err(error) = self.hear(inner, conn, watched)
            {
                let cause = std::error::Error::source(&error);
                tracing::warn!(%error, ?cause, "this node does not hear the others; it connects again");
            }
            match inner.upgrade() {
                Some(inner) => inner.hears.send_replace(false),
                None => return,
            };
            watched.rests();
            std::thread::park_timeout(rest);
            watched.works();
            match self.again(inner) {
                Ok(fresh) => (*conn, rest) = (fresh, EVERY),
                Err(_still_down) => rest = rest.saturating_mul(2).min(BACK_OFF),
            }
        }
    }

    /// Connects again and tells what was missed.
    fn again(&mut self, inner: &Weak<Inner>) -> Result<Option<PgConnection>> {
        let mut conn = self.connect()?;
        let missed = self.missed(&mut conn)?;
        let Some(inner) = inner.upgrade() else { return Ok(None) };
        inner.forget([Touched::Everything]);
        inner.keys.forget_all();
        missed.into_iter().for_each(|(id, name, subject)| self.pass_on(&inner, id, &name, subject));
        inner.hears.send_replace(true);
        Ok(Some(conn))
    }

    fn hear(&mut self, inner: &Weak<Inner>, mut conn: PgConnection, watched: &Watched) -> Result<()> {
        let mut heard_own = Moment::now();
        loop {
            watched.works();
            let heard = conn.notifications_iter().collect::<QueryResult<Vec<_>>>()?;
            let Some(inner) = inner.upgrade() else { return Ok(()) };
            for notification in heard {
                match serde_json::from_str::<Word>(&notification.payload) {
                    Ok(word) => {
                        if word.from == inner.name {
                            heard_own = Moment::now();
                        }
                        self.take(&inner, word);
                    }
                    Err(_foreign) => tracing::warn!("another program spoke on the channel of this database"),
                }
            }
            drop(inner);
            // Asking on this connection could wait for ever: who only listens notices that nothing comes.
            if heard_own.elapsed() > DEAF {
                return Err(Error::Open("this node's own words do not come round".into()));
            }
            std::thread::park_timeout(EVERY);
        }
    }

    fn take(&mut self, inner: &Inner, word: Word) {
        if word.from == inner.name && word.aloud {
            return;
        }
        if word.from != inner.name {
            // Before anyone is told: whoever asks again must not be answered from a copy.
            inner.forget(word.touched);
            if word.destroyed {
                inner.keys.forget_all();
            }
        }
        word.told.into_iter().for_each(|(id, name, subject)| self.pass_on(inner, id, &name, subject));
    }

    fn pass_on(&mut self, inner: &Inner, id: i64, name: &str, subject: String) {
        if id > 0 && id <= self.last {
            return;
        }
        self.last = self.last.max(id);
        match NAMES.into_iter().find(|known| *known == name) {
            Some(name) => inner.pass_on(Signalled { id, name, subject }),
            None => tracing::warn!(name, "another node tells what this program does not know"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stores;
    use crate::tests::hears;
    use crate::{Actor, Urgency, devices};
    use domain::DeviceIdentity;

    #[test]
    fn what_one_node_commits_every_node_is_told_once() {
        for here in stores() {
            let Url::Postgres(_) = here.url() else { continue };
            let there = here.reopened().unwrap();
            let (mut near, mut far) = (here.signals(), there.signals());
            let identity = DeviceIdentity { label: "W".into(), model: "1".into(), serial: None };
            let now = crate::testing::NOW;
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

    #[test]
    fn what_is_announced_at_one_node_is_told_at_the_other_and_not_for_each_time() {
        for here in stores() {
            let Url::Postgres(_) = here.url() else { continue };
            let there = here.reopened().unwrap();
            let (mut near, mut far) = (here.signals(), there.signals());
            for _ in 0..1_000 {
                here.announce("readings.changed", "ana");
            }
            here.announce("readings.changed", "bia");
            hears(&mut far, "readings.changed", &"ana");
            hears(&mut far, "readings.changed", &"bia");
            // A word that takes the same way afterwards: what was announced has come round by then.
            let tell = |tx: &mut Tx<'_>| {
                tx.tell_nodes("device.connected", "end");
                Ok(())
            };
            here.keep_house(Urgency::Urgent, "test", crate::testing::NOW, tell).unwrap();
            let told = |told: &mut tokio::sync::broadcast::Receiver<Signalled>| {
                let mut count = 0;
                loop {
                    match told.try_recv() {
                        Ok(signal) if signal.subject == "end" => return count,
                        Ok(_) => count += 1,
                        Err(_nothing_yet) => std::thread::park_timeout(Duration::from_millis(5)),
                    }
                }
            };
            assert_eq!(told(&mut near), 1_001, "its own listeners hear each, once");
            assert!(told(&mut far) < 5, "the other node's hear it now and then");
        }
    }
}
