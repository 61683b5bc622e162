//! A case's escalation as people see it: who was paged when, by which way and with which receipt; who is next, and at what
//! time; and what waits above.

use super::policy::Paged;
use crate::{Key, Words};
use domain::Instant;
use domain::messages::{Channel, State};

/// The escalation of one alert.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// The policy's lasting id.
    pub policy: String,
    /// Its name in the reader's language.
    pub name: String,
    /// The version that this escalation keeps.
    pub version: u32,
    /// Where it stands.
    pub standing: Standing,
    /// What it does next by itself, and when.
    pub next: Option<Next>,
    /// What it did, oldest first.
    pub done: Vec<StepShown>,
    /// What comes after the next step when nobody answers, whoever is on call then.
    pub ahead: Vec<Next>,
    /// How often the whole policy is run again before the last of them.
    pub rounds_left: u32,
    /// When somebody was last paged: a button that was drawn before the next page is stale.
    pub seen: Instant,
    /// Why the engine set it aside; a person must look.
    pub spoiled: bool,
}

impl Progress {
    /// Whether a person may page the next step now.
    #[must_use]
    pub(crate) fn may_force(&self) -> bool {
        !matches!(self.standing, Standing::Done | Standing::NoBasis) && !self.spoiled
    }
}

/// Where an escalation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Waits for an answer.
    Waiting,
    /// A named person answered.
    Answered(String),
    /// A named person claimed it for a while.
    Held(String),
    /// A named person put it off until an instant.
    Silenced(String, Instant),
    /// Nobody answered.
    NobodyReached,
    /// No legal basis for calling people.
    NoBasis,
    /// The case is done.
    Done,
}

impl Standing {
    /// In words.
    #[must_use]
    pub(crate) fn words(&self, w: &Words) -> String {
        match self {
            Self::Waiting => w.say("escalation-waiting"),
            Self::Answered(who) => w.one("escalation-answered", "who", who),
            Self::Held(who) => w.one("escalation-held", "who", who),
            Self::Silenced(who, until) => w.two("escalation-silenced", "who", who, "time", w.clock(until)),
            Self::NobodyReached => w.say("escalation-nobody"),
            Self::NoBasis => w.say("escalation-no-basis"),
            Self::Done => w.say("escalation-done"),
        }
    }
}

/// What an escalation does next.
#[derive(Debug, Clone)]
pub(crate) struct Next {
    /// When.
    pub at: Instant,
    /// Which step, with the people who would be paged now.
    pub paged: Paged,
}

/// One thing that an escalation did.
#[derive(Debug, Clone)]
pub(crate) struct StepShown {
    /// When.
    pub at: Instant,
    /// "Passo 1", or what happened.
    pub label: String,
    /// What it was.
    pub what: What,
    /// Who was paged.
    pub people: Vec<Called>,
}

/// What an escalation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Paged people.
    Paged,
    /// Paged somebody because they came on call while the step waited.
    Joined,
    /// Found nobody.
    Empty,
    /// Came to the top without an answer.
    NobodyReached,
    /// Began again after a wait.
    Resumed,
    /// The permit for calling people was denied.
    Withheld,
}

impl What {
    /// The word.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::Paged => Key("escalation-paged"),
            Self::Joined => Key("escalation-joined"),
            Self::Empty => Key("escalation-empty"),
            Self::NobodyReached => Key("alert-nobody-reached"),
            Self::Resumed => Key("escalation-resumed"),
            Self::Withheld => Key("escalation-withheld"),
        }
    }

    /// The icon.
    #[must_use]
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Paged | Self::Joined => "bell",
            Self::Empty => "ban",
            Self::NobodyReached | Self::Withheld => "bell-off",
            Self::Resumed => "undo-2",
        }
    }
}

/// Somebody who was paged.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    /// The name.
    pub name: String,
    /// By each way, with what became of it.
    pub ways: Vec<(Channel, State)>,
}

/// A way's name.
#[must_use]
pub(crate) const fn channel_word(channel: Channel) -> Key {
    match channel {
        Channel::InApp => Key("channel-in-app"),
        Channel::Email => Key("channel-email"),
        Channel::Webhook => Key("channel-webhook"),
    }
}

/// A way's icon.
#[must_use]
pub(crate) const fn channel_icon(channel: Channel) -> &'static str {
    match channel {
        Channel::InApp => "bell",
        Channel::Email => "mail",
        Channel::Webhook => "link",
    }
}

/// What became of a message.
#[must_use]
pub(crate) const fn receipt_word(state: State) -> Key {
    match state {
        State::Due => Key("receipt-due"),
        State::Sending => Key("receipt-sending"),
        State::Accepted => Key("receipt-accepted"),
        State::Sent => Key("receipt-sent"),
        State::Delivered => Key("receipt-delivered"),
        State::Read => Key("receipt-read"),
        State::Failed => Key("receipt-failed"),
        State::Cancelled => Key("receipt-cancelled"),
    }
}

/// A receipt's tone.
#[must_use]
pub(crate) const fn receipt_tone(state: State) -> &'static str {
    match state {
        State::Delivered | State::Read => "on",
        State::Failed => "red",
        State::Due | State::Sending => "warn",
        State::Accepted | State::Sent | State::Cancelled => "off",
    }
}

impl Called {
    /// Each way in words: the icon, its name, what became of it, the tone.
    #[must_use]
    pub(crate) fn receipts(&self, w: &Words) -> Vec<(&'static str, String, &'static str)> {
        let receipt = |(channel, state): &(Channel, State)| {
            let text = format!("{}: {}", w.say(channel_word(*channel)), w.say(receipt_word(*state)));
            (channel_icon(*channel), text, receipt_tone(*state))
        };
        self.ways.iter().map(receipt).collect()
    }
}
