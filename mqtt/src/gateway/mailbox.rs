//! The one place where other tasks reach a connection: answers to its messages and orders of the
//! house. One lock and one waker for a whole batch, so a thousand answers cost one wake-up.

use super::answer::{Answer, Farewell};
use super::backend::EndReason;
use crate::room::Room;
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use uuid::Uuid;

/// Orders that may wait for a connection, and bytes of notices among them; further notices are dropped, they are only
/// notices.
const NOTICES: usize = 64;
const NOTICE_BYTES: usize = 64 * 1024;
/// Room an empty list may keep.
const RETAINED: usize = 32;

/// What the house wants of a connection.
pub(crate) enum Order {
    /// End it: at once, or after everything in flight is answered.
    Close { farewell: Farewell, end: EndReason, drain: bool },
    /// Ask for pending commands again.
    Commands,
    /// Publish on `…/notices`.
    Notice(Bytes),
}

/// Answers by message number, and orders, as the connection takes them.
#[derive(Default)]
pub(crate) struct Mail {
    pub(crate) answers: Vec<(u32, Answer)>,
    pub(crate) orders: Vec<Order>,
}

impl Mail {
    /// Gives back the room of a burst.
    pub(crate) fn shrink(&mut self) {
        if self.answers.capacity() > RETAINED {
            self.answers = Vec::new();
        }
        if self.orders.capacity() > RETAINED {
            self.orders = Vec::new();
        }
    }
}

#[derive(Default)]
struct State {
    mail: Mail,
    waker: Option<Waker>,
    /// Of the notices that wait.
    notice_bytes: usize,
    closing: bool,
    gone: bool,
}

impl State {
    fn has_room_for(&mut self, order: &Order) -> bool {
        match order {
            Order::Close { .. } => true,
            // One waiting is as good as many.
            Order::Commands => !self.mail.orders.iter().any(|waiting| matches!(waiting, Order::Commands)),
            Order::Notice(body) => {
                let bytes = self.notice_bytes + body.len();
                let fits = bytes <= NOTICE_BYTES && self.mail.orders.len() < NOTICES;
                if fits {
                    self.notice_bytes = bytes;
                }
                fits
            }
        }
    }
}

pub(crate) struct Mailbox {
    session: u64,
    token: Option<Uuid>,
    room: Arc<Room>,
    state: Mutex<State>,
}

impl Mailbox {
    pub(crate) fn new(session: u64, token: Option<Uuid>, room: Arc<Room>) -> Self {
        Self { session, token, room, state: Mutex::default() }
    }

    /// The token the session came with; `None`: a certificate.
    pub(crate) fn token(&self) -> Option<Uuid> {
        self.token
    }

    pub(crate) fn session(&self) -> u64 {
        self.session
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    pub(crate) fn answer(&self, number: u32, answer: Answer) {
        let mut state = self.lock();
        if state.gone {
            return;
        }
        state.mail.answers.push((number, answer));
        wake(state);
    }

    /// Takes all of `answers` for one wake-up.
    pub(crate) fn answer_all(&self, answers: &mut Vec<(u32, Answer)>) {
        let mut state = self.lock();
        if state.gone {
            drop(state);
            answers.clear();
            return;
        }
        state.mail.answers.append(answers);
        wake(state);
    }

    pub(crate) fn order(&self, order: Order) {
        let mut state = self.lock();
        if state.gone || !state.has_room_for(&order) {
            return;
        }
        state.closing |= matches!(order, Order::Close { .. });
        state.mail.orders.push(order);
        wake(state);
    }

    /// Swaps what has come into `mail`, which must be empty.
    pub(crate) fn poll_take(&self, cx: &Context<'_>, mail: &mut Mail) -> Poll<()> {
        let mut state = self.lock();
        if state.mail.answers.is_empty() && state.mail.orders.is_empty() {
            remember(&mut state, cx);
            return Poll::Pending;
        }
        state.notice_bytes = 0;
        std::mem::swap(&mut state.mail, mail);
        Poll::Ready(())
    }

    /// Ready once an order to close waits, without taking it.
    pub(crate) fn poll_closing(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.closing {
            return Poll::Ready(());
        }
        remember(&mut state, cx);
        Poll::Pending
    }

    /// The connection is over: later answers fall on the floor.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.gone = true;
        state.waker = None;
        let mail = std::mem::take(&mut state.mail);
        drop(state);
        drop(mail);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(state: &mut State, cx: &Context<'_>) {
    if !state.waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
        state.waker = Some(cx.waker().clone());
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_that_wait_are_bounded_in_bytes() {
        let mailbox = Mailbox::new(1, None, Arc::new(Room::new(1_000)));
        for _ in 0..10 {
            mailbox.order(Order::Notice(Bytes::from(vec![b'x'; 20_000])));
            mailbox.order(Order::Commands);
        }
        let mut mail = Mail::default();
        assert_eq!(mailbox.poll_take(&Context::from_waker(Waker::noop()), &mut mail), Poll::Ready(()));
        let bytes = |order: &Order| if let Order::Notice(body) = order { body.len() } else { 0 };
        assert_eq!(mail.orders.iter().map(bytes).sum::<usize>(), 60_000);
        assert_eq!(mail.orders.len(), 4, "and one word on commands");
        mailbox.order(Order::Notice(Bytes::from_static(b"room again")));
        let mut mail = Mail::default();
        assert_eq!(mailbox.poll_take(&Context::from_waker(Waker::noop()), &mut mail), Poll::Ready(()));
    }
}
