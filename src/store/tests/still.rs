//! A node that stands still in the middle of a statement: half of it has arrived, or its answer is not taken; and one
//! whose statement only comes slowly.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;

use super::short::{ROW, Role, TABLE, first_trouble, house, watched};
use crate::db::waits::still;
use crate::keys::kek::Keks;
use crate::testing::{Home, NOW};
use crate::{Actor, Conn, Opener, Result, Store, Tx, Urgency, Url};

/// What a node says before its wire to the server stops: after what comes with it nothing goes on any more.
const STOPS: &str = "half of this";
/// The same, for what it is answered.
const IS_DEAF: &str = "all of that";
/// The same, for what comes through little by little, and to the end.
const IS_SLOW: &str = "bit by bit";
/// Into so many bits…
const BITS: usize = 120;
/// …with so long between them: longer than whoever stands still is left to it.
const BETWEEN: Duration = Duration::from_millis(100);

/// A wire between a node and the server.
struct Wire {
    url: Url,
    cut: Arc<AtomicBool>,
}

impl Wire {
    fn to(home: &Home) -> Self {
        let Url::Postgres(url) = home.url() else { panic!("on PostgreSQL") };
        let (who, place) = url.split_once('@').unwrap();
        let (server, database) = place.split_once('/').unwrap();
        let (listener, server) = (TcpListener::bind("127.0.0.1:0").unwrap(), server.to_owned());
        let here = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&cut);
        std::thread::spawn(move || {
            for node in listener.incoming().flatten() {
                join(&node, &TcpStream::connect(&server).unwrap(), &over);
            }
        });
        Self { url: Url::parse(&format!("{who}@{here}/{database}")).unwrap(), cut }
    }
}

fn join(node: &TcpStream, server: &TcpStream, cut: &Arc<AtomicBool>) {
    let deaf = Arc::new(AtomicBool::new(false));
    for (from, to, says) in [(node, server, true), (server, node, false)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let (deaf, cut) = (Arc::clone(&deaf), Arc::clone(cut));
        from.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        std::thread::spawn(move || {
            let (mut bytes, mut stopped) = (vec![0; 16_384], false);
            while !cut.load(Ordering::SeqCst) {
                let count = match from.read(&mut bytes) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(waits) if waits.kind() == ErrorKind::WouldBlock => continue,
                    Err(_gone) => break,
                };
                let received = &bytes[..count];
                let has =
                    |words: &str| says && received.windows(words.len()).any(|part| part == words.as_bytes());
                deaf.fetch_or(has(IS_DEAF), Ordering::SeqCst);
                let bits = if has(IS_SLOW) { BITS } else { 1 };
                let mut bits = received.chunks(count.div_ceil(bits));
                let passed = bits.try_for_each(|bit| {
                    let passed = if stopped { Ok(()) } else { to.write_all(bit) };
                    if bit.len() < count {
                        std::thread::park_timeout(BETWEEN);
                    }
                    passed
                });
                if passed.is_err() {
                    break;
                }
                stopped |= has(STOPS);
                // Nothing is taken of what the server says.
                while !says && deaf.load(Ordering::SeqCst) && !cut.load(Ordering::SeqCst) {
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            }
            let _gone_already = to.shutdown(Shutdown::Both);
        });
    }
}

/// The wire is cut when the test is over, however it ends: whoever waits for it is told.
struct Cut<'w>(&'w Wire);

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        self.0.cut.store(true, Ordering::SeqCst);
    }
}

/// A statement in whose middle its node stands still.
type Stands<'s> = &'s (dyn Fn(&mut Tx<'_>) -> Result<usize> + Sync);

/// Who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiter {
    AnotherNode,
    APersonAtItself,
}

#[test]
fn a_node_that_stands_still_in_the_middle_of_a_statement_loses_what_it_holds() {
    let says = |tx: &mut Tx<'_>| {
        let long = STOPS.repeat(100_000);
        Ok(diesel::sql_query("SELECT length($1)").bind::<Text, _>(long).execute(tx.conn)?)
    };
    let hears = |tx: &mut Tx<'_>| {
        Ok(diesel::sql_query(format!("SELECT repeat('{IS_DEAF}', 5000000)")).execute(tx.conn)?)
    };
    let stands: [(&str, Stands<'_>, Waiter); 3] = [
        ("half of it has arrived", &says, Waiter::AnotherNode),
        ("the answer is not taken", &hears, Waiter::AnotherNode),
        ("half of it has arrived", &says, Waiter::APersonAtItself),
    ];
    for home in watched() {
        house(&home, TABLE).unwrap();
        for (how, stands, waiter) in stands {
            let wire = Wire::to(&home);
            let still = Store::open(&wire.url, Keks::load(&home.dir().join("keys")).unwrap()).unwrap();
            std::thread::scope(|scope| {
                let cut = Cut(&wire);
                let (holds, held_now) = mpsc::channel();
                let still = &still;
                let held = scope.spawn(move || {
                    still.keep_house(Urgency::Urgent, "test", NOW, |tx| {
                        tx.conn.batch_execute(ROW)?;
                        holds.send(()).unwrap();
                        stands(tx)
                    })
                });
                held_now.recv().unwrap();
                let waits = scope.spawn(|| match waiter {
                    Waiter::AnotherNode => house(&home, ROW),
                    Waiter::APersonAtItself => still.write(Actor::Operator, NOW, |tx| {
                        tx.unchanged();
                        Ok(tx.conn.batch_execute(ROW)?)
                    }),
                });
                if waiter == Waiter::AnotherNode {
                    first_trouble(&home, |trouble| trouble.words.contains("waits for a lock"));
                }
                // Where nobody ends it whoever waits is told that the store is busy, after 30 seconds.
                assert!(waits.join().unwrap().is_ok(), "{how}, {waiter:?}");
                drop(cut);
                assert!(held.join().unwrap().is_err(), "{how}: it is undone");
            });
        }
    }
}

#[test]
fn a_node_on_a_slow_wire_comes_to_its_end_though_its_own_work_waits_for_it_and_says_that_it_is_slow() {
    for home in watched() {
        house(&home, TABLE).unwrap();
        let wire = Wire::to(&home);
        let slow = Store::open(&wire.url, Keks::load(&home.dir().join("keys")).unwrap()).unwrap();
        slow.watch_health().unwrap();
        std::thread::scope(|scope| {
            let cut = Cut(&wire);
            let (holds, held_now) = mpsc::channel();
            let works = scope.spawn(|| {
                let holds = holds;
                slow.keep_house(Urgency::Urgent, "test", NOW, |tx| {
                    tx.conn.batch_execute(ROW)?;
                    holds.send(()).unwrap();
                    let long = IS_SLOW.repeat(400);
                    Ok(diesel::sql_query("SELECT length($1)").bind::<Text, _>(long).execute(tx.conn)?)
                })
            });
            held_now.recv().unwrap();
            let beside = scope.spawn(|| house(&slow, ROW));
            let (trouble, _) = first_trouble(&slow, |trouble| trouble.words.contains("arrive slowly"));
            assert!(!trouble.stops, "{trouble:?}");
            assert!(works.join().unwrap().is_ok(), "nobody ends it");
            assert!(beside.join().unwrap().is_ok());
            drop(cut);
        });
    }
}

#[test]
fn a_node_that_may_not_see_or_end_another_knows_its_role() {
    for home in watched() {
        let role = Role::of(&home, 8);
        let pg = |url: Url| match (Opener { url, read_only: false }).open().unwrap() {
            Conn::Pg(conn) => conn,
            Conn::Sqlite(_) => unreachable!(),
        };
        let (mut other, mut own) = (pg(role.url(&home)), pg(home.url().clone()));
        let user = diesel::dsl::sql::<Text>("current_user::text");
        let name: String = diesel::select(user).get_result(&mut own).unwrap();
        let strangers = still::strangers(&mut other).unwrap();
        assert!(strangers.contains(&name), "{strangers:?}");
        let strangers = still::strangers(&mut own).unwrap();
        assert!(!strangers.contains(&name), "its own: {strangers:?}");
        drop((other, own));
        role.gone(&home);
    }
}
