//! What a node waits for and nobody gives it: a lock of somebody else's, a connection that the server does not have.

use std::time::{Duration, Instant as Moment};

use diesel::connection::SimpleConnection;

use crate::db::waits;
use crate::health::Trouble;
use crate::keys::kek::Keks;
use crate::testing::{Home, NOW, foreign, stores};
use crate::{Conn, Error, Opener, Result, Store, Tx, Urgency, Url};

/// Homes on PostgreSQL, whose health is watched.
pub(super) fn watched() -> Vec<Home> {
    let on_postgres = stores().into_iter().filter(|home| home.url().file().is_none());
    on_postgres.inspect(|home| home.watch_health().unwrap()).collect()
}

pub(super) fn house(store: &Store, sql: &str) -> Result<()> {
    store.keep_house(Urgency::Urgent, "test", NOW, |tx: &mut Tx<'_>| Ok(tx.conn.batch_execute(sql)?))
}

fn rest(millis: u64) {
    std::thread::park_timeout(Duration::from_millis(millis));
}

/// What is reported first, and after how long.
pub(super) fn first_trouble(store: &Store, wanted: impl Fn(&Trouble) -> bool) -> (Trouble, Duration) {
    let began = Moment::now();
    loop {
        if let Some(found) = store.troubles().into_iter().find(&wanted) {
            return (found, began.elapsed());
        }
        assert!(began.elapsed() < Duration::from_secs(8), "nothing is told: {:?}", store.troubles());
        rest(20);
    }
}

fn well(store: &Store, within: u64) {
    let began = Moment::now();
    while !store.troubles().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(within), "{:?}", store.troubles());
        rest(20);
    }
}

pub(super) const TABLE: &str = "CREATE TABLE held (id INT PRIMARY KEY); INSERT INTO held VALUES (1)";
pub(super) const ROW: &str = "UPDATE held SET id = 1";

#[test]
fn a_statement_that_waits_for_a_foreign_lock_is_told_within_two_seconds_and_one_row_stops_no_node() {
    for home in watched() {
        house(&home, TABLE).unwrap();
        for (sql, stops) in [("LOCK TABLE held IN ACCESS EXCLUSIVE MODE", true), (ROW, false)] {
            let other = foreign(&home, &format!("BEGIN; {sql}"));
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| house(&home, ROW));
                let (trouble, after) = first_trouble(&home, |_any| true);
                assert!(after < Duration::from_secs(3), "{after:?}");
                assert_eq!(trouble.stops, stops, "{trouble:?}");
                for words in ["waits for a lock", "see pg_stat_activity and pg_locks"] {
                    assert!(trouble.words.contains(words), "{trouble:?}");
                }
                assert!(!stops || trouble.words.contains("(held)"), "{trouble:?}");
                // A thread of the node that does not come on meanwhile: it may be the one that waits.
                let works = home.threads().start("worker", Duration::from_secs(60), |watched| {
                    watched.works();
                    std::thread::park_timeout(Duration::from_millis(2_500));
                });
                first_trouble(&home, |trouble| trouble.stops);
                drop(other);
                waiting.join().unwrap().unwrap();
                works.unwrap().join().unwrap();
            });
            well(&home, 3);
        }
    }
}

#[test]
fn a_batch_that_takes_long_is_no_lock_that_nobody_gives_back() {
    for home in watched() {
        house(&home, TABLE).unwrap();
        std::thread::scope(|scope| {
            let works = scope.spawn(|| house(&home, &format!("{ROW}; SELECT pg_sleep(3)")));
            rest(200);
            let waits = scope.spawn(|| house(&home, ROW));
            while !works.is_finished() {
                assert_eq!(home.troubles(), []);
                rest(20);
            }
            works.join().unwrap().unwrap();
            waits.join().unwrap().unwrap();
        });
    }
}

/// As a node that was stopped by its debugger, or by its machine.
#[test]
fn a_node_that_stands_still_in_the_middle_of_a_transaction_is_told_by_those_who_wait_for_it() {
    for home in watched() {
        house(&home, TABLE).unwrap();
        let still = home.reopened().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                still.keep_house(Urgency::Urgent, "test", NOW, |tx| {
                    tx.conn.batch_execute(ROW)?;
                    rest(6_500);
                    Ok(())
                })
            });
            rest(200);
            scope.spawn(|| house(&home, ROW));
            let (_, after) = first_trouble(&home, |trouble| trouble.words.contains("waits for a lock"));
            assert!((3..6).contains(&after.as_secs()), "{after:?}");
        });
        well(&home, 3);
    }
}

/// A role that may have so many connections: for whoever asks, a server that has no more.
pub(super) struct Role(String);

impl Role {
    pub(super) fn of(home: &Home, connections: u32) -> Self {
        let name = format!("few_{}", uuid::Uuid::new_v7(uuid::Timestamp::now(uuid::NoContext)).simple());
        let all = format!(
            "CREATE ROLE {name} LOGIN PASSWORD 'few' CONNECTION LIMIT {connections}; DO $$ BEGIN EXECUTE format(\
             'GRANT ALL ON SCHEMA %1$I TO {name}; GRANT ALL ON ALL TABLES IN SCHEMA %1$I TO {name}; \
             GRANT ALL ON ALL SEQUENCES IN SCHEMA %1$I TO {name}', current_schema()); END $$"
        );
        drop(foreign(home, &all));
        Self(name)
    }

    pub(super) fn url(&self, home: &Home) -> Url {
        let Url::Postgres(url) = home.url() else { panic!("on PostgreSQL") };
        let (scheme, rest) = url.split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        Url::parse(&format!("{scheme}://{}:few@{place}", self.0)).unwrap()
    }

    pub(super) fn gone(self, home: &Home) {
        let ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ";
        let name = self.0;
        drop(foreign(
            home,
            &format!("{ends}'{name}'; SELECT pg_sleep(0.2); DROP OWNED BY {name}; DROP ROLE {name}"),
        ));
    }
}

#[test]
fn a_server_without_connections_is_named_while_somebody_waits_for_one() {
    for home in stores().into_iter().filter(|home| home.url().file().is_none()) {
        // Reader, writer, ear, mouth, eye; and others' have the rest.
        let role = Role::of(&home, 8);
        let store = Store::open(&role.url(&home), Keks::load(&home.dir().join("keys")).unwrap()).unwrap();
        store.watch_health().unwrap();
        rest(700);
        let opener = Opener { url: store.url().clone(), read_only: false };
        let others: Vec<Conn> = std::iter::from_fn(|| opener.open().ok()).collect();
        assert!(!others.is_empty() && store.troubles().is_empty(), "{:?}", store.troubles());
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| house(&store, "SELECT pg_sleep(6)"));
            rest(300);
            let waits = scope.spawn(|| house(&store, "SELECT 1"));
            let (trouble, after) = first_trouble(&store, |trouble| trouble.stops);
            assert!(after < Duration::from_secs(3), "{after:?}");
            let words = trouble.words;
            assert!(
                words.contains("too many connections for role, 53300") && words.contains("ALTER ROLE"),
                "{words}"
            );
            assert!(matches!(waits.join().unwrap(), Err(Error::Busy)), "whoever waited is told");
            drop(others);
            slow.join().unwrap().unwrap();
        });
        well(&store, 12);
        house(&store, "SELECT 1").unwrap();
        drop(store);
        role.gone(&home);
    }
}

#[test]
fn a_node_keeps_the_connections_that_it_may_need() {
    for home in stores().into_iter().filter(|home| home.url().file().is_none()) {
        let role = Role::of(&home, 16);
        let store = Store::open(&role.url(&home), Keks::load(&home.dir().join("keys")).unwrap()).unwrap();
        store.watch_health().unwrap();
        store.take_connections();
        // Whatever others take from now on, each that this node may need is its own.
        let opener = Opener { url: store.url().clone(), read_only: false };
        let others: Vec<Conn> = std::iter::from_fn(|| opener.open().ok()).collect();
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| house(&store, "SELECT pg_sleep(1.5)"))).collect();
            all.into_iter().for_each(|one| one.join().unwrap().unwrap());
        });
        assert_eq!(store.troubles(), []);
        drop((others, store));
        role.gone(&home);
    }
}

/// As a node that connects to a standby before the address has moved: what its sessions were set to when they were
/// opened they keep, and nobody ends them.
#[test]
fn sessions_that_were_opened_while_the_server_took_no_writes_are_not_kept() {
    for home in stores().into_iter().filter(|home| home.url().file().is_none()) {
        let role = Role::of(&home, 32);
        let store = Store::open(&role.url(&home), Keks::load(&home.dir().join("keys")).unwrap()).unwrap();
        store.watch_health().unwrap();
        let set = |read_only: &str| {
            let name = &role.0;
            let ends =
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'");
            format!("ALTER ROLE {name} SET default_transaction_read_only = {read_only}; {ends}")
        };
        let write = "SELECT pg_sleep(0.2); UPDATE settings SET value = value";
        drop(foreign(&home, &set("on")));
        let began = Moment::now();
        while !matches!(house(&store, write), Err(Error::ReadOnly)) {
            assert!(began.elapsed() < Duration::from_secs(8), "it takes writes");
        }
        // All that there are, and not once only.
        let all = || {
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..8).map(|_| scope.spawn(|| house(&store, write))).collect();
                all.into_iter().map(|one| one.join().unwrap()).filter(Result::is_ok).count()
            })
        };
        assert_eq!((all(), all()), (0, 0));
        first_trouble(&store, |trouble| trouble.words.contains("refuses to write"));
        // Nobody ends what there is.
        drop(foreign(&home, &format!("ALTER ROLE {} RESET ALL", role.0)));
        well(&store, 12);
        assert_eq!(all(), 8);
        drop(store);
        role.gone(&home);
    }
}

/// As after a restart of the server: each connection is broken, and found to be so one after the other.
#[test]
fn a_node_that_lost_its_connections_has_all_of_them_again() {
    for home in watched() {
        home.take_connections();
        assert_eq!(home.connections(), (8, 4));
        let name = waits::session_name(home.name());
        let ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ";
        drop(foreign(&home, &format!("{ends}'{name}'")));
        // Whoever comes finds what is broken, and opens one for itself.
        home.read(|view| Ok(view.conn.batch_execute("SELECT 1")?)).unwrap();
        house(&home, "SELECT 1").unwrap();
        let began = Moment::now();
        while home.connections() != (8, 4) {
            assert!(began.elapsed() < Duration::from_secs(15), "{:?}", home.connections());
            rest(20);
        }
        well(&home, 3);
    }
}
