//! Messages under way, each on its own thread, so that a provider that hangs holds up one message and no other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant as Moment};

use super::breakers::Whom;
use domain::Instant;
use domain::messages::Attempt;
use notify::{Channel, Outgoing, SendOutcome};
use store::messages::Stored;

/// What goes out as one mail.
pub(super) struct Parcel {
    /// To whom.
    pub(super) to: String,
    /// The messages in it, at least one.
    pub(super) messages: Vec<Stored>,
    /// The parties whose breakers the answer concerns.
    pub(super) whoms: Vec<Whom>,
    /// The key of the mail, once it is written.
    pub(super) key: String,
}

/// The messages under way.
pub(super) struct Flights {
    under_way: Vec<(u64, Parcel)>,
    next: u64,
    tell: Sender<(u64, SendOutcome)>,
    hear: Receiver<(u64, SendOutcome)>,
}

impl Flights {
    pub(super) fn new() -> Self {
        let (tell, hear) = channel();
        Self { under_way: Vec::new(), next: 0, tell, hear }
    }

    /// The parcels under way.
    pub(super) fn parcels(&self) -> impl Iterator<Item = &Parcel> {
        self.under_way.iter().map(|(_, parcel)| parcel)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Starts sending a message. [`Flights::land`] returns the answer.
    pub(super) fn start(&mut self, by: &Arc<dyn Channel>, outgoing: Outgoing, parcel: Parcel, now: Instant) {
        self.next += 1;
        let (number, by, tell) = (self.next, Arc::clone(by), self.tell.clone());
        self.under_way.push((number, parcel));
        let send = move || {
            let outcome =
                catch_unwind(AssertUnwindSafe(|| by.send(&outgoing, now))).unwrap_or_else(|_panicked| lost());
            // The send fails only when the outbox is gone.
            let _unheard = tell.send((number, outcome));
        };
        let thread = std::thread::Builder::new().name("message".into()).spawn(send);
        if thread.is_err() {
            let _heard_below = self.tell.send((number, lost()));
        }
    }

    /// Waits for the next answer, at most until `until`.
    pub(super) fn land(&mut self, until: Moment) -> Option<(Parcel, SendOutcome)> {
        if self.is_empty() {
            return None;
        }
        let left = until.saturating_duration_since(Moment::now());
        let (number, outcome) = match self.hear.try_recv() {
            Ok(answer) => answer,
            Err(_none_yet) if left == Duration::ZERO => return None,
            Err(_none_yet) => self.hear.recv_timeout(left).ok()?,
        };
        let at = self.under_way.iter().position(|(known, _)| *known == number)?;
        let (_, parcel) = self.under_way.swap_remove(at);
        Some((parcel, outcome))
    }
}

/// The answer for a message whose thread failed: to be tried again, and nobody's fault outside.
pub(super) const fn lost() -> SendOutcome {
    SendOutcome { attempt: Attempt::Later(None), provider_id: None, code: "lost", fault: None }
}
