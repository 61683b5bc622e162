//! One message to a person on one channel, from planned to read. A provider's receipts come late, twice and in
//! any order: they move a message forward or not at all.

pub mod network;
pub mod webhook;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Instant;

/// What a message is for; what may hold it back, and what a crash in the middle of sending means, follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Somebody must come: a page about an alert, its reminder, "nobody reached". Rather twice than never.
    Clinical,
    /// An answer that was asked for: a one-time link, a ticket's status.
    Transactional,
    /// Care content and reminders.
    Care,
    /// Surveys and campaigns. Rather never than twice.
    Marketing,
}

/// By which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// On the open dashboard, with a sound and in the title.
    InApp,
    /// E-mail.
    Email,
    /// A signed call to another program.
    Webhook,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::InApp, Self::Email, Self::Webhook];

    /// Its name in the store and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InApp => "in_app",
            Self::Email => "email",
            Self::Webhook => "webhook",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for its instant, or for its next attempt.
    Due,
    /// Handed to a provider; no answer yet.
    Sending,
    /// The provider took it.
    Accepted,
    /// The provider sent it on.
    Sent,
    /// It reached the device or the mailbox.
    Delivered,
    /// It was opened.
    Read,
    /// It was not sent, and nothing will be tried again.
    Failed,
    /// It is no longer wanted: acknowledged, revoked, out of date.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Due,
        Self::Sending,
        Self::Accepted,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Its name in the store and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What a provider says of a message later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipt {
    /// Sent on.
    Sent,
    /// Arrived.
    Delivered,
    /// Opened.
    Read,
    /// It will not arrive: a bounce, an unknown number.
    Undeliverable,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The provider took it.
    Accepted,
    /// Not now: refused for a while, or out of reach. The provider may name a time.
    Later(Option<Duration>),
    /// Never: what was sent is refused as such.
    Never,
    /// Never, and nothing else will arrive there either: there is no such mailbox.
    Gone,
}

/// A message's way. What it says and to whom stands elsewhere, sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What it is for.
    pub class: Class,
    /// Where it stands.
    pub state: State,
    /// When it is due, or tried again.
    pub due_at: Instant,
    /// Not sent after this instant.
    pub not_after: Instant,
    /// Attempts so far; the fence of what an attempt reports.
    pub attempt: u32,
    /// Until when the provider may take to answer.
    pub sending_until: Option<Instant>,
}

/// By what a reader tells the messages of one case from those of another, on paper and on the phone: the last five digits
/// of its id, which tell nothing of the patient.
#[must_use]
pub fn mark(case: &str) -> String {
    let at = case.len().saturating_sub(5);
    case.get(at..).unwrap_or_default().to_ascii_uppercase()
}

/// A provider has this long to answer an attempt.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// After so long an attempt is given up, counted from when it leaves: what was answered at the last moment is written down
/// before that.
const SILENT_AFTER: Duration = Duration::from_secs(30);

impl Message {
    /// A message that is due at an instant.
    #[must_use]
    pub const fn due(class: Class, due_at: Instant, not_after: Instant) -> Self {
        Self { class, state: State::Due, due_at, not_after, attempt: 0, sending_until: None }
    }

    /// Takes it for an attempt, when it is due and wanted; gives the fence. One that is out of date fails.
    pub fn claim(&mut self, now: Instant) -> Option<u32> {
        if self.state != State::Due || self.due_at > now {
            return None;
        }
        if self.not_after < now {
            self.state = State::Failed;
            return None;
        }
        self.attempt += 1;
        (self.state, self.sending_until) = (State::Sending, Some(now.plus(SILENT_AFTER)));
        Some(self.attempt)
    }

    /// It leaves the house now, however long ago it was claimed: its answer has the whole time.
    pub fn leaves(&mut self, now: Instant) {
        if self.state == State::Sending {
            self.sending_until = Some(now.plus(SILENT_AFTER));
        }
    }

    /// What came of the attempt with this fence; an older attempt's word changes nothing. `wait` is the time until
    /// the next attempt when the provider names none.
    pub fn attempted(&mut self, fence: u32, attempt: Attempt, now: Instant, wait: Option<Duration>) {
        if self.state != State::Sending || self.attempt != fence {
            return;
        }
        self.sending_until = None;
        self.state = match attempt {
            Attempt::Accepted => State::Accepted,
            Attempt::Never | Attempt::Gone => State::Failed,
            Attempt::Later(named) => match named.max(wait).filter(|wait| now.plus(*wait) <= self.not_after) {
                Some(wait) => {
                    self.due_at = now.plus(wait);
                    State::Due
                }
                None => State::Failed,
            },
        };
    }

    /// An attempt that never reported: this program died, or the provider never answered. A page is tried again
    /// with the same key, at the price of a repetition; anything else is left, at the price of silence.
    pub fn overdue(&mut self, now: Instant) {
        if self.state != State::Sending || self.sending_until.is_none_or(|until| until > now) {
            return;
        }
        self.sending_until = None;
        let again = matches!(self.class, Class::Clinical | Class::Transactional) && self.not_after >= now;
        (self.state, self.due_at) = if again { (State::Due, now) } else { (State::Failed, self.due_at) };
    }

    /// A provider's receipt. Says whether it changed anything: only forward, never out of an end, and a failure
    /// after the message arrived is not believed.
    pub fn receipt(&mut self, receipt: Receipt) -> bool {
        let (to, rank) = match receipt {
            Receipt::Sent => (State::Sent, 3),
            Receipt::Delivered => (State::Delivered, 4),
            Receipt::Read => (State::Read, 5),
            Receipt::Undeliverable => (State::Failed, 4),
        };
        let here = match self.state {
            State::Due | State::Failed | State::Cancelled => return false,
            State::Sending => 1,
            State::Accepted => 2,
            State::Sent => 3,
            State::Delivered => 4,
            State::Read => 5,
        };
        if rank <= here {
            return false;
        }
        (self.state, self.sending_until) = (to, None);
        true
    }

    /// Due once more because its receiver asks for it, with the same key. Messages in flight arrive regardless; cancelled
    /// ones are not replayed.
    pub fn again(&mut self, now: Instant, not_after: Instant) -> bool {
        if matches!(self.state, State::Due | State::Sending | State::Cancelled) {
            return false;
        }
        (self.state, self.due_at, self.not_after) = (State::Due, now, not_after);
        true
    }

    /// No longer wanted. What was handed to a provider cannot be called back.
    pub fn cancel(&mut self) -> bool {
        let wanted = self.state == State::Due;
        if wanted {
            self.state = State::Cancelled;
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(n: i64) -> Instant {
        Instant::from_secs(1_800_000_000 + n)
    }

    fn page() -> Message {
        Message::due(Class::Clinical, second(0), second(3_600))
    }

    const SECONDS: Duration = Duration::from_secs(15);

    #[test]
    fn a_page_is_taken_once_and_tried_again_later() {
        let mut page = page();
        assert_eq!(page.claim(second(-1)), None);
        assert_eq!(page.claim(second(0)), Some(1));
        assert_eq!(page.claim(second(0)), None, "somebody has it");
        page.attempted(1, Attempt::Later(None), second(1), Some(SECONDS));
        assert_eq!((page.state, page.due_at), (State::Due, second(16)));
        page.claim(second(16));
        page.attempted(2, Attempt::Later(Some(SECONDS * 4)), second(17), Some(SECONDS));
        assert_eq!(page.due_at, second(77), "the provider named a longer time");
    }

    #[test]
    fn the_word_of_an_older_attempt_changes_nothing() {
        let mut page = page();
        page.claim(second(0));
        page.overdue(second(30));
        assert_eq!(page.claim(second(30)), Some(2));
        page.attempted(1, Attempt::Never, second(31), None);
        assert_eq!(page.state, State::Sending);
        page.attempted(2, Attempt::Accepted, second(31), None);
        assert_eq!(page.state, State::Accepted);
    }

    #[test]
    fn an_answer_has_the_whole_time_from_when_the_message_leaves() {
        let mut page = page();
        page.leaves(second(0));
        assert_eq!(page.sending_until, None, "nobody has it");
        page.claim(second(0));
        page.leaves(second(29));
        page.overdue(second(58));
        assert_eq!(page.state, State::Sending);
        page.overdue(second(59));
        assert_eq!(page.state, State::Due);
    }

    /// A bubble that says "sending" for ever (chatwoot 13807); a page that a crash swallowed (goalert's deadline).
    #[test]
    fn an_attempt_that_never_reports_is_repeated_for_a_page_and_ended_for_a_survey() {
        for (class, state) in [(Class::Clinical, State::Due), (Class::Marketing, State::Failed)] {
            let mut message = Message { class, ..page() };
            message.claim(second(0));
            message.overdue(second(29));
            assert_eq!(message.state, State::Sending);
            message.overdue(second(30));
            assert_eq!(message.state, state, "{class:?}");
        }
    }

    /// A double check mark although the provider reported it undeliverable (chatwoot 13377).
    #[test]
    fn a_bounce_ends_it_and_a_late_bounce_of_what_arrived_does_not() {
        let mut mail = Message { state: State::Sent, ..page() };
        assert!(mail.receipt(Receipt::Undeliverable));
        assert!(!mail.receipt(Receipt::Delivered));
        assert_eq!(mail.state, State::Failed);
        let mut read = Message { state: State::Read, ..page() };
        assert!(!read.receipt(Receipt::Undeliverable));
    }

    #[test]
    fn what_is_out_of_date_is_not_sent_and_what_is_cancelled_neither() {
        let mut late = page();
        assert_eq!(late.claim(second(3_601)), None);
        assert_eq!(late.state, State::Failed);
        let mut unwanted = page();
        assert!(unwanted.cancel());
        assert_eq!(unwanted.claim(second(0)), None);
        let mut gone = page();
        gone.claim(second(0));
        assert!(!gone.cancel());
    }

    #[test]
    fn what_is_asked_for_again_is_due_once_more_unless_nobody_wants_it() {
        for (state, again) in [
            (State::Due, false),
            (State::Sending, false),
            (State::Accepted, true),
            (State::Failed, true),
            (State::Cancelled, false),
        ] {
            let mut message = Message { state, attempt: 3, not_after: second(60), ..page() };
            assert_eq!(message.again(second(7_200), second(9_000)), again, "{state:?}");
            assert_eq!(message.claim(second(7_200)), again.then_some(4));
        }
    }

    proptest! {
        /// Receipts in any order, any number of times, end where the best of them says.
        #[test]
        fn receipts_only_move_it_forward(order in proptest::collection::vec(0_usize..3, 0..12)) {
            let receipts = [Receipt::Sent, Receipt::Delivered, Receipt::Read];
            let states = [State::Sent, State::Delivered, State::Read];
            let mut message = Message { state: State::Accepted, ..page() };
            for place in &order {
                message.receipt(receipts[*place]);
            }
            let best = order.iter().max().map_or(State::Accepted, |place| states[*place]);
            prop_assert_eq!(message.state, best);
        }
    }
}
