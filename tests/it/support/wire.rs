//! A wire between a node and its database that a test can cut, or let stand still without a word.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::until::until;

/// What the wire does with what is sent over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It carries.
    Whole,
    /// Connections end, new ones end at once.
    Cut,
    /// It takes and carries nothing, and nobody is told.
    Still,
}

/// Listens on a free loopback port and carries to the database's address.
pub(crate) struct Wire {
    pub port: u16,
    inner: Arc<Inner>,
}

struct Inner {
    to: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
    ends: Mutex<Vec<TcpStream>>,
    over: AtomicBool,
}

impl Wire {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Arc::new(Inner {
            to: address,
            state: Mutex::new(State::Whole),
            changed: Condvar::new(),
            ends: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let carries = Arc::clone(&inner);
        std::thread::spawn(move || {
            for node in listener.incoming().map_while(Result::ok) {
                if carries.over.load(Ordering::Relaxed) {
                    return;
                }
                carries.carry(node);
            }
        });
        Self { port, inner }
    }

    pub(crate) fn set(&self, state: State) {
        *self.inner.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.inner.changed.notify_all();
        if state == State::Cut {
            let ends = std::mem::take(&mut *self.inner.ends.lock().unwrap_or_else(PoisonError::into_inner));
            ends.iter().for_each(|end| drop(end.shutdown(Shutdown::Both)));
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.inner.over.store(true, Ordering::Relaxed);
        self.set(State::Cut);
        // The one who listens looks up once more.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Inner {
    fn carry(self: &Arc<Self>, node: TcpStream) {
        if *self.state.lock().unwrap_or_else(PoisonError::into_inner) == State::Cut {
            return;
        }
        let Ok(database) = TcpStream::connect(self.to) else { return };
        for (from, to) in [(&node, &database), (&database, &node)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            self.ends.lock().unwrap_or_else(PoisonError::into_inner).push(from.try_clone().unwrap());
            let wire = Arc::clone(self);
            std::thread::spawn(move || {
                let mut bytes = [0; 16_384];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    let state = wire.state.lock().unwrap_or_else(PoisonError::into_inner);
                    let still = |state: &mut State| *state == State::Still;
                    let state =
                        *wire.changed.wait_while(state, still).unwrap_or_else(PoisonError::into_inner);
                    if state == State::Cut || to.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
                drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
            });
        }
    }
}

#[test]
fn a_wire_carries_stands_still_and_is_cut() {
    let echo = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let wire = Wire::to(echo.local_addr().unwrap());
    let mut near = TcpStream::connect(("127.0.0.1", wire.port)).unwrap();
    let (mut far, _) = echo.accept().unwrap();
    let (mut byte, short) = ([0], Some(Duration::from_millis(50)));
    near.write_all(b"a").unwrap();
    far.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"a");
    wire.set(State::Still);
    near.write_all(b"b").unwrap();
    far.set_read_timeout(short).unwrap();
    assert!(far.read(&mut byte).is_err(), "nothing comes and nobody is told");
    wire.set(State::Whole);
    far.set_read_timeout(None).unwrap();
    far.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"b");
    wire.set(State::Cut);
    assert!(matches!(near.read(&mut byte), Ok(0) | Err(_)));
    until("a new one ends at once", Duration::from_secs(5), || {
        let mut late = TcpStream::connect(("127.0.0.1", wire.port)).unwrap();
        matches!(late.read(&mut byte), Ok(0) | Err(_)).then_some(())
    });
}
