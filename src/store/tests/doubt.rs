//! A commit whose answer is lost, on a real PostgreSQL behind a wire that loses it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use consent::{Giver, Purpose, Records, State};

use crate::consents::{self, ledger};
use crate::keys::kek::Keks;
use crate::testing::{Home, NOW, entries, grant_one, stores};
use crate::{Actor, Error, Store, Url};
use domain::PatientId;

/// What the wire does with the next commit.
const PASSES: u8 = 0;
/// It reaches the database, whose answer is lost.
const LOSES_ANSWER: u8 = 1;
/// It does not reach the database.
const LOSES_COMMIT: u8 = 2;
/// As the first, and nobody reaches the database any more.
const GOES_DOWN: u8 = 3;
const DOWN: u8 = 4;

/// Passes everything on to the database, as told.
struct Wire {
    at: SocketAddr,
    mood: Arc<AtomicU8>,
}

impl Wire {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self { at: listener.local_addr().unwrap(), mood: Arc::default() };
        let mood = Arc::clone(&wire.mood);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if mood.load(Ordering::SeqCst) != DOWN {
                    Self::join(&client, &TcpStream::connect(server).unwrap(), &mood);
                }
            }
        });
        wire
    }

    fn join(client: &TcpStream, server: &TcpStream, mood: &Arc<AtomicU8>) {
        let copy = |of: &TcpStream| of.try_clone().unwrap();
        let loses = Arc::new(AtomicU8::new(PASSES));
        let (mut from, mut to) = (copy(client), copy(server));
        let (lost, all) = (Arc::clone(&loses), Arc::clone(mood));
        std::thread::spawn(move || {
            pass(&mut from, &mut to, |sent| {
                if !sent.windows(6).any(|word| word == b"COMMIT") {
                    return true;
                }
                let next = all.swap(PASSES, Ordering::SeqCst);
                all.store(if next == GOES_DOWN { DOWN } else { PASSES }, Ordering::SeqCst);
                lost.store(next, Ordering::SeqCst);
                next != LOSES_COMMIT
            });
        });
        let (mut from, mut to) = (copy(server), copy(client));
        std::thread::spawn(move || pass(&mut from, &mut to, |_| loses.load(Ordering::SeqCst) == PASSES));
    }

    fn next(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }
}

fn pass(from: &mut TcpStream, to: &mut TcpStream, may: impl Fn(&[u8]) -> bool) {
    let mut room = [0; 16_384];
    while let Ok(n) = from.read(&mut room) {
        if n == 0 || !may(&room[..n]) || to.write_all(&room[..n]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ended = end.shutdown(Shutdown::Both);
    }
}

/// The same house, reached by the wire.
fn behind_a_wire(home: &Home) -> Option<(Wire, Store)> {
    let Url::Postgres(url) = home.url() else { return None };
    let (head, rest) = url.split_once('@').unwrap();
    let (server, tail) = rest.split_once('/').unwrap();
    let wire = Wire::to(server.parse().unwrap());
    let url = Url::parse(&format!("{head}@{}/{tail}", wire.at)).unwrap();
    let store = Store::open(&url, Keks::load(&home.dir().join("keys")).unwrap()).unwrap();
    Some((wire, store))
}

fn revoke(store: &Store, patient: PatientId) -> crate::Result<()> {
    let by = Giver::Subject.into();
    store.write(Actor::Operator, NOW, |tx| {
        consents::revoke(tx, patient, Purpose::TelemetryCollect, &by).map(drop)
    })
}

#[test]
fn whoever_revokes_is_told_what_holds_though_the_databases_answer_is_lost() {
    for home in stores() {
        let Some((wire, store)) = behind_a_wire(&home) else { continue };
        let ana = super::patient(&home, "Ana");
        let grant =
            || home.write(Actor::Operator, NOW, |tx| grant_one(tx, ana.id, Purpose::TelemetryCollect));
        let state = || {
            let records = home.read(|view| ledger::of(view, ana.key)).unwrap();
            Records::record(&records, Purpose::TelemetryCollect).map(|record| record.state)
        };
        for (mood, times) in [(LOSES_ANSWER, 1), (LOSES_COMMIT, 2)] {
            grant().unwrap();
            wire.next(mood);
            revoke(&store, ana.id).unwrap();
            assert_eq!(wire.mood.load(Ordering::SeqCst), PASSES, "the answer was lost");
            assert_eq!(state(), Some(State::Revoked));
            assert_eq!(entries(&home, "consent.revoked"), times, "once each time");
        }
        grant().unwrap();
        wire.next(GOES_DOWN);
        let unsure = revoke(&store, ana.id);
        assert!(matches!(unsure, Err(Error::Unsure)), "{unsure:?}");
        assert_eq!(state(), Some(State::Revoked), "it holds, and nobody could be asked");
        wire.next(PASSES);
        revoke(&store, ana.id).unwrap();
        assert_eq!(entries(&home, "consent.revoked"), 3, "to repeat it changes nothing");
    }
}
