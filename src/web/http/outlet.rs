//! A long answer, sent as it is made: a blocking thread fills pieces, the connection takes them, and whoever makes them
//! waits while nobody takes. What is in memory is a few pieces, however long the answer is.

use std::io;

use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::fault::Fault;

/// Bytes of a piece.
const PIECE: usize = 64 * 1_024;
/// Pieces that wait for the connection.
const WAITING: usize = 4;

/// Why an answer ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody takes it any more.
    Left,
    /// It cannot go on.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Where a long answer is written.
pub(crate) struct Outlet {
    pipe: Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

/// An outlet, and what comes out of it.
pub(crate) fn outlet() -> (Outlet, impl Stream<Item = io::Result<Bytes>>) {
    let (pipe, pieces) = channel(WAITING);
    let next = |mut pieces: Receiver<io::Result<Bytes>>| async move {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    };
    (Outlet { pipe, buffer: Vec::with_capacity(PIECE) }, unfold(pieces, next))
}

impl Outlet {
    /// Writes text.
    ///
    /// # Errors
    /// [`Stop::Left`].
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Stop> {
        self.buffer.extend_from_slice(text.as_bytes());
        if self.buffer.len() < PIECE { Ok(()) } else { self.flush() }
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// [`Stop::Left`]; a value without a JSON form.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        let unformed = |_shape| Stop::Fault(Fault::new(super::code::Code::Internal));
        self.text(&serde_json::to_string(value).map_err(unformed)?)
    }

    /// The end: what is still held, or that the answer is not whole, so that nobody takes a part for all of it.
    pub(crate) fn end(mut self, done: Result<(), Stop>) {
        let done = done.and_then(|()| self.flush());
        if let Err(Stop::Fault(fault)) = done {
            tracing::error!(code = fault.code.name(), "a long answer broke off");
            // The connection may be gone: then there is nobody to tell.
            drop(self.pipe.blocking_send(Err(io::Error::other("the answer broke off"))));
        }
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let piece = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE)));
        if piece.is_empty() { Ok(()) } else { self.pipe.blocking_send(Ok(piece)).map_err(|_gone| Stop::Left) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::StreamExt as _;

    use super::*;

    #[test]
    fn who_makes_a_long_answer_waits_while_nobody_takes_it_and_stops_when_nobody_will() {
        let (mut out, pieces) = outlet();
        let made = std::sync::Arc::new(AtomicUsize::new(0));
        let (count, line) = (std::sync::Arc::clone(&made), "x".repeat(1_000));
        let maker = std::thread::spawn(move || {
            loop {
                if let Err(stop) = out.text(&line) {
                    return matches!(stop, Stop::Left);
                }
                count.fetch_add(line.len(), Ordering::SeqCst);
            }
        });
        while made.load(Ordering::SeqCst) < WAITING * PIECE {
            std::thread::yield_now();
        }
        (0..10_000).for_each(|_| std::thread::yield_now());
        let most = (WAITING + 2) * PIECE;
        assert!(made.load(Ordering::SeqCst) <= most, "so much was made for nobody");
        drop(pieces);
        assert!(maker.join().unwrap(), "it ends with the connection");
    }

    #[test]
    fn what_breaks_off_is_told_and_never_taken_for_the_whole() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut out, pieces) = outlet();
        out.text("[1,").unwrap();
        let broke = std::thread::spawn(move || out.end(Err(Fault::new(crate::Code::Internal).into())));
        let taken: Vec<io::Result<Bytes>> = runtime.block_on(pieces.collect());
        broke.join().unwrap();
        assert!(taken.last().unwrap().is_err());
    }
}
