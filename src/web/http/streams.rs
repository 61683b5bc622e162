//! The live streams that are open, by person: a new one is always let in, and the oldest makes room for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use domain::UserId;

/// The live streams that each person holds open on this node, the oldest first.
#[derive(Default)]
pub(crate) struct Streams(Mutex<Open>);

#[derive(Default)]
struct Open {
    next: u64,
    by_person: HashMap<UserId, VecDeque<(u64, oneshot::Sender<()>)>>,
}

/// The most of them: every tab and program of a person. One more ends the oldest.
const STREAMS: usize = 24;

impl Streams {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more for this person, until it is dropped. The oldest makes room when they hold the most there may be.
    pub(crate) fn begin(streams: &Arc<Self>, user: UserId) -> OpenStream {
        let (end, ended) = oneshot::channel();
        let mut open = streams.open();
        open.next += 1;
        let id = open.next;
        let theirs = open.by_person.entry(user).or_default();
        theirs.push_back((id, end));
        if theirs.len() > STREAMS {
            // Its listener hears that the other side is gone.
            drop(theirs.pop_front());
        }
        OpenStream { streams: Arc::clone(streams), user, id, ended }
    }
}

/// One open stream.
pub(crate) struct OpenStream {
    streams: Arc<Streams>,
    user: UserId,
    id: u64,
    ended: oneshot::Receiver<()>,
}

impl OpenStream {
    /// Comes back when this stream is to make room for a newer one.
    pub(crate) async fn superseded(&mut self) {
        let _end_is_gone = (&mut self.ended).await;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        if let Some(theirs) = open.by_person.get_mut(&self.user) {
            theirs.retain(|(id, _)| *id != self.id);
            if theirs.is_empty() {
                open.by_person.remove(&self.user);
            }
        }
    }
}
