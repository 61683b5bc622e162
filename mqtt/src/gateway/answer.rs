//! What the house answers to a message, and the one-use address that carries the answer back.
//! A [`Reply`] that is dropped answers for itself: not stored, so the device keeps its message.

use super::mailbox::Mailbox;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Durable. 0x00, with one user property for each part that was not taken. Empty lists cost nothing.
    Committed {
        /// Signals without a permit: `refused=<signal>`.
        refused: Vec<Cow<'static, str>>,
        /// Signals set aside: `quarantined=<signal>`.
        quarantined: Vec<Cow<'static, str>>,
    },
    /// No permit: 0x87 with `<code> <reason>`.
    Refused {
        /// A code of the house (`E_…`).
        code: Cow<'static, str>,
        /// Rule and article.
        reason: String,
    },
    /// The payload does not decode: 0x99.
    Malformed {
        /// Where and what.
        reason: String,
    },
    /// A configured quota is used up: 0x97.
    Quota {
        /// Which quota.
        reason: String,
    },
    /// Not durable: the connection closes without an acknowledgement, the device sends again.
    NotStored,
}

impl Outcome {
    /// Durable as a whole.
    #[must_use]
    pub const fn committed() -> Self {
        Self::Committed { refused: Vec::new(), quarantined: Vec::new() }
    }
}

/// An outcome and what else the device shall hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) extra: Option<Box<Extra>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) notice: Option<Bytes>,
    pub(crate) farewell: Option<Farewell>,
}

/// A DISCONNECT of the house: an MQTT 5 reason code and a reason string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Farewell {
    /// MQTT 5 reason code, for example 0x98.
    pub code: u8,
    /// What and why.
    pub reason: Cow<'static, str>,
}

impl Answer {
    /// Publishes this body on `…/notices`, if the device subscribed to it and has room for it.
    #[must_use]
    pub fn with_notice(mut self, body: Bytes) -> Self {
        self.extra.get_or_insert_default().notice = Some(body);
        self
    }

    /// Disconnects the device once everything in flight is answered.
    #[must_use]
    pub fn then_disconnect(mut self, code: u8, reason: impl Into<Cow<'static, str>>) -> Self {
        self.extra.get_or_insert_default().farewell = Some(Farewell { code, reason: reason.into() });
        self
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, extra: None }
    }
}

/// Where the answer to one message goes. Holds the message's share of the in-flight bytes.
#[must_use = "a reply that is dropped means: not stored"]
pub struct Reply {
    to: Option<Arc<Mailbox>>,
    number: u32,
    bytes: usize,
}

impl Reply {
    /// Takes `bytes` of the room until the answer.
    pub(crate) fn new(to: &Arc<Mailbox>, number: u32, bytes: usize) -> Self {
        to.room().take(bytes);
        Self { to: Some(Arc::clone(to)), number, bytes }
    }

    /// For a message that came by no connection, such as a simulated one: nobody waits for its answer.
    pub const fn unheard() -> Self {
        Self { to: None, number: 0, bytes: 0 }
    }

    /// Answers. The acknowledgement leaves in receive order, so it may wait for earlier answers.
    pub fn send(mut self, answer: impl Into<Answer>) {
        self.post(answer.into());
    }

    /// Answers many messages. Those of one connection that follow each other reach it together: it wakes up once and
    /// writes once.
    pub fn send_all(answers: impl IntoIterator<Item = (Self, Answer)>) {
        let mut open: Option<Arc<Mailbox>> = None;
        let (mut together, mut bytes) = (Vec::new(), 0);
        for (mut reply, answer) in answers {
            let Some(to) = reply.to.take() else { continue };
            if let Some(before) = open.take_if(|before| !Arc::ptr_eq(before, &to)) {
                before.room().give_back(std::mem::take(&mut bytes));
                before.answer_all(&mut together);
            }
            bytes += reply.bytes;
            together.push((reply.number, answer));
            open = Some(to);
        }
        if let Some(last) = open {
            last.room().give_back(bytes);
            last.answer_all(&mut together);
        }
    }

    fn post(&mut self, answer: Answer) {
        if let Some(to) = self.to.take() {
            to.room().give_back(self.bytes);
            to.answer(self.number, answer);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.post(Outcome::NotStored.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use super::super::mailbox::Mail;
    use super::*;
    use crate::room::Room;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn answers_that_follow_each_other_wake_their_connection_once() {
        let room = Arc::new(Room::new(1_000_000));
        let boxes = [1, 2].map(|session| Arc::new(Mailbox::new(session, None, Arc::clone(&room))));
        let woken = [Arc::new(Woken::default()), Arc::new(Woken::default())];
        for (mailbox, woken) in boxes.iter().zip(&woken) {
            let waker = Waker::from(Arc::clone(woken));
            assert!(mailbox.poll_take(&Context::from_waker(&waker), &mut Mail::default()).is_pending());
        }
        let replies = [(0, 0..5), (1, 0..3)].into_iter().flat_map(|(place, numbers)| {
            let to = &boxes[place];
            numbers.map(move |number| (Reply::new(to, number, 100), Outcome::committed().into()))
        });
        Reply::send_all(replies.collect::<Vec<_>>());
        assert_eq!(room.used(), 0);
        for ((mailbox, woken), count) in boxes.iter().zip(&woken).zip([5, 3]) {
            assert_eq!(woken.0.load(Ordering::Relaxed), 1);
            let mut mail = Mail::default();
            assert_eq!(mailbox.poll_take(&Context::from_waker(Waker::noop()), &mut mail), Poll::Ready(()));
            assert_eq!(
                mail.answers.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
                Vec::from_iter(0..count)
            );
        }
    }
}
