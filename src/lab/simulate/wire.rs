//! Where messages leave a simulation: nowhere. The provider of e-mail is away for some hours.

use domain::messages::{self, Attempt};
use domain::time::civil::Window;
use domain::{AlertId, Instant, UserId};
use notify::{Channel, Fault, Outgoing, SendOutcome};

/// A person was told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Announcement {
    /// When.
    pub at: Instant,
    /// Of which.
    pub alert: AlertId,
    /// Who.
    pub user: UserId,
}

/// A channel without a network.
pub(super) struct Wire {
    channel: messages::Channel,
    away: Option<Window>,
}

impl Wire {
    /// One that takes whatever it is given, but for a window in which nobody answers.
    #[must_use]
    pub(super) const fn new(channel: messages::Channel, away: Option<Window>) -> Self {
        Self { channel, away }
    }
}

impl Channel for Wire {
    fn channel(&self) -> messages::Channel {
        self.channel
    }

    fn send(&self, _message: &Outgoing, now: Instant) -> SendOutcome {
        if self.away.is_some_and(|away| away.holds(now)) {
            return SendOutcome {
                attempt: Attempt::Later(None),
                provider_id: None,
                code: "away",
                fault: Some(Fault::Provider),
            };
        }
        SendOutcome { attempt: Attempt::Accepted, provider_id: None, code: "simulated", fault: None }
    }
}
