//! An alert as a case that people work on. Acts of people and news from judgement are pure functions from
//! one case to the next; what they refuse and what they must never hide is decided here alone.

mod holders;
mod moved;
mod silence;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{AlertId, PatientId, UserId};
use super::time::Instant;
pub use silence::Silence;

/// How bad. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing to do.
    Green,
    /// To be looked at.
    Yellow,
    /// Someone must come.
    Red,
}

macro_rules! named {
    ($kind:ident: $($variant:ident = $code:literal, $name:literal;)+) => {
        impl $kind {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stored number.
            #[must_use]
            pub const fn code(self) -> i16 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// From the stored number.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The name in the API.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// From the name in the API.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

named! { Level: Green = 0, "green"; Yellow = 1, "yellow"; Red = 2, "red"; }

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Waits for a person.
    Open,
    /// A named person answered for its worst level.
    Acknowledged,
    /// Silent until an instant or a worse level.
    Snoozed,
    /// Done.
    Resolved,
}

named! { AlertState: Open = 0, "open"; Acknowledged = 1, "acknowledged"; Snoozed = 2, "snoozed"; Resolved = 3, "resolved"; }

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was real.
    #[serde(rename = "true")]
    TrueAlarm,
    /// It was not.
    FalseAlarm,
    /// Another case tells the same story.
    Duplicate,
    /// Late data disproved it. Set by judgement only.
    Retracted,
    /// The legal basis ended. Set by a revocation only.
    ConsentRevoked,
    /// Anything else.
    Other,
}

named! { Outcome: TrueAlarm = 0, "true"; FalseAlarm = 1, "false_alarm"; Duplicate = 2, "duplicate";
Retracted = 3, "retracted"; ConsentRevoked = 4, "consent_revoked"; Other = 5, "other"; }

/// A named person answered for everything up to `level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Instant,
    /// The worst level that the case had reached then.
    pub level: Level,
    /// It was taken back, or ran out without a resolution: it answers for nothing any more.
    #[serde(default)]
    pub over: bool,
}

/// A silence that someone asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// Who.
    pub by: UserId,
    /// Until when.
    pub until: Instant,
    /// The level at that moment.
    pub level: Level,
    /// The worst level until that moment.
    pub peak: Level,
}

/// One alert episode as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertCase {
    /// Its id.
    pub id: AlertId,
    /// Whose.
    pub patient: PatientId,
    /// What judgement says.
    pub facts: Facts,
    /// Where it stands.
    pub state: AlertState,
    /// Who works on it.
    pub owner: Option<UserId>,
    /// Until when a claim keeps others away; `None`: nobody claimed it, or its owner answered for it.
    #[serde(default)]
    pub claimed_until: Option<Instant>,
    /// Every acknowledgement, none ever dropped.
    pub acknowledgements: Vec<Acknowledgement>,
    /// The silence in force.
    pub snooze: Option<Snooze>,
    /// Every silence since it was red, oldest first.
    #[serde(default)]
    pub silences: Vec<Silence>,
    /// Of a red: who held its escalation last by a claim, an answer or being handed it, the newest at the end; as many as are
    /// looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hands: Vec<UserId>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Who resolved it; `None` while unresolved and when judgement did.
    pub resolved_by: Option<UserId>,
    /// When it was resolved.
    pub resolved_at: Option<Instant>,
    /// Since when its readings are another's, or nobody's: a binding was put right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_at: Option<Instant>,
}

/// What judgement says of an episode; replaced as a whole by each new judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The first reading of the stretch that raised it.
    pub started_at: Instant,
    /// When the safe side had held long enough, or a hand cut it.
    pub ended_at: Option<Instant>,
    /// The level in force; the last one when it ended.
    pub level: Level,
    /// The worst level.
    pub peak: Level,
}

/// How long a claim keeps others away, and an escalation waiting, without an answer.
pub const LEASE: Duration = Duration::from_secs(10 * 60);
/// The longest silence; of a red, all its silences together.
pub(crate) const LONGEST_SNOOZE: Duration = Duration::from_secs(24 * 3_600);

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Takes it, for as long as [`LEASE`].
    Claim,
    /// Answers for it; takes it when nobody had.
    Ack,
    /// Takes every answer back: it waits for a person again.
    Unack,
    /// Silences it.
    Snooze {
        /// Until when; after now.
        until: Instant,
    },
    /// Closes it.
    Resolve {
        /// What came of it.
        outcome: Outcome,
    },
    /// Hands it to another.
    Reassign {
        /// To whom.
        to: UserId,
    },
}

/// What a case becomes that other programs are told: somebody took it, answered, silenced it, was handed it, closed it,
/// or it waits for a person again.
pub const BECAME: [&str; 6] = ["claimed", "acknowledged", "silenced", "reassigned", "resolved", "reopened"];

/// Why an act was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActRefused {
    /// Somebody else has it.
    #[error("claimed by {owner}; ask for a reassignment")]
    Claimed {
        /// Who has it.
        owner: UserId,
        /// Until when, unless they answer.
        until: Option<Instant>,
    },
    /// Nobody answered yet.
    #[error("nobody has acknowledged it")]
    NotAcknowledged,
    /// A silence without an end.
    #[error("a silence ends within 24 hours")]
    SnoozeTooLong,
    /// It is over.
    #[error("already resolved; a new episode opens a new alert")]
    Resolved,
    /// A red that was silent as long as a red may be.
    #[error("a red alert is silent for 24 hours at the most, all its silences together")]
    SilentTooLong,
    /// A red that the same person silenced last.
    #[error("you silenced this red alert last: the next silence is for another person to ask")]
    SilencedByYou,
    /// A red that the same person claimed and answered for again and again.
    #[error("you held this red alert four times in a row without resolving it: it is for another person now")]
    HeldByYou,
    /// A red that the same few people held in turns.
    #[error("you and others held this red alert in turns without resolving it: it is for another person now")]
    HeldByFew,
    /// A red that is handed to somebody who held it again and again.
    #[error("they held this red alert too often without resolving it: hand it to another person")]
    HeldByThem,
    /// A red that is silenced without a word.
    #[error("a red alert is silenced for a reason: say which")]
    NoReason,
    /// A snooze that ends before it begins.
    #[error("a snooze must end after now")]
    SnoozeInThePast,
    /// An outcome that only the system may set.
    #[error("{} is not an outcome that a person sets", outcome.name())]
    NotYours {
        /// The outcome.
        outcome: Outcome,
    },
}

/// One act of a person.
///
/// # Errors
/// [`ActRefused`]; the case is as it was.
pub fn act(case: &AlertCase, act: Act, actor: UserId, now: Instant) -> Result<AlertCase, ActRefused> {
    let mut next = case.clone();
    let labels_what_data_closed =
        case.closed_by_judgement() && case.outcome.is_none() && matches!(act, Act::Resolve { .. });
    if case.state == AlertState::Resolved && !labels_what_data_closed {
        return Err(ActRefused::Resolved);
    }
    match act {
        Act::Claim => match case.owner {
            Some(owner) if owner != actor && case.claimed_until.is_none_or(|until| until > now) => {
                return Err(ActRefused::Claimed { owner, until: case.claimed_until });
            }
            _ => next.claim(actor, now)?,
        },
        Act::Ack => {
            next.held_again(actor, now)?;
            next.acknowledge(actor, now);
            next.snooze = None;
            next.state = AlertState::Acknowledged;
        }
        Act::Unack if case.state != AlertState::Acknowledged => return Err(ActRefused::NotAcknowledged),
        Act::Unack => next = case.unanswered(),
        Act::Snooze { until } if until <= now => return Err(ActRefused::SnoozeInThePast),
        Act::Snooze { until } if until.since(now) > LONGEST_SNOOZE => return Err(ActRefused::SnoozeTooLong),
        Act::Snooze { until } => {
            let Facts { level, peak, .. } = case.facts;
            next.silence(actor, until, now)?;
            next.snooze = Some(Snooze { by: actor, until, level, peak });
            next.state = AlertState::Snoozed;
        }
        Act::Resolve { outcome: outcome @ (Outcome::Retracted | Outcome::ConsentRevoked) } => {
            return Err(ActRefused::NotYours { outcome });
        }
        Act::Resolve { outcome } => {
            next.acknowledge(actor, now);
            next.close(Some(actor), Some(outcome), now);
        }
        Act::Reassign { to } => {
            // Whoever it is given to has not answered yet.
            next = case.unanswered();
            next.held_again(to, now).map_err(|_worn_out| ActRefused::HeldByThem)?;
            next.owner = Some(to);
        }
    }
    Ok(next.heard(now))
}

impl AlertCase {
    /// A new case, as judgement opens it. One found too late to page (`retrospective`, kept beside it)
    /// opens like any other.
    #[must_use]
    pub const fn open(id: AlertId, patient: PatientId, facts: Facts) -> Self {
        Self {
            id,
            patient,
            facts,
            state: AlertState::Open,
            owner: None,
            claimed_until: None,
            acknowledgements: Vec::new(),
            snooze: None,
            silences: Vec::new(),
            hands: Vec::new(),
            outcome: None,
            resolved_by: None,
            resolved_at: None,
            moved_at: None,
        }
    }

    /// A new judgement of the same episode. A worse level breaks a snooze and an acknowledgement; the end
    /// closes only what was never red and what nobody holds, so no unseen red goes away by itself.
    #[must_use]
    pub fn judged(&self, facts: Facts, now: Instant) -> Self {
        let mut next = self.clone();
        next.facts = facts;
        if self.state == AlertState::Resolved {
            if next.was_closed_too_soon() {
                next.state = AlertState::Open;
                (next.outcome, next.resolved_by, next.resolved_at) = (None, None, None);
            }
            return next;
        }
        if next.snooze.is_some_and(|s| facts.level > s.level || facts.peak > s.peak) {
            next = next.unanswered();
        }
        if next.state == AlertState::Acknowledged && !next.answered_for() {
            next.state = AlertState::Open;
        }
        if next.may_close_itself() {
            next.close(None, None, now);
        }
        next.heard(now)
    }

    /// Time passed: a snooze that is over ends. It had taken the place of any answer, so the case waits for a person
    /// again, as its escalation does.
    #[must_use]
    pub fn awake(&self, now: Instant) -> Self {
        let over = self.state == AlertState::Snoozed && self.snooze.is_none_or(|s| s.until <= now);
        if over { self.unanswered() } else { self.clone() }
    }

    /// The answers given so far answer for nothing any more: it waits for a person again.
    #[must_use]
    pub fn unanswered(&self) -> Self {
        let mut next = self.clone();
        next.acknowledgements.iter_mut().for_each(|answer| answer.over = true);
        (next.state, next.snooze) = (AlertState::Open, None);
        (next.owner, next.claimed_until) = (None, None);
        next
    }

    /// A wait came to its end without a resolution: a silence, a claim, an answer that lasts only so long.
    #[must_use]
    pub fn resumed(&self, now: Instant) -> Self {
        match self.state {
            AlertState::Acknowledged => self.unanswered().heard(now),
            AlertState::Snoozed => self.awake(now),
            AlertState::Open if self.claimed_until.is_some_and(|until| until <= now) => {
                Self { owner: None, claimed_until: None, ..self.clone() }
            }
            AlertState::Open | AlertState::Resolved => self.clone(),
        }
    }

    /// Closed by the system: `Retracted`, `ConsentRevoked`, or `Duplicate` when merged into another.
    #[must_use]
    pub fn withdrawn(&self, outcome: Outcome, now: Instant) -> Self {
        let mut next = self.clone();
        if self.state != AlertState::Resolved {
            next.close(None, Some(outcome), now);
        }
        next
    }

    /// Takes over what people did on a case that merged into this one: acknowledgements, and the owner
    /// when this one has none.
    #[must_use]
    pub fn absorbing(&self, merged: &Self) -> Self {
        let mut next = self.clone();
        next.acknowledgements.extend(merged.acknowledgements.iter().copied());
        next.acknowledgements.sort_by_key(|a| (a.at, a.by));
        next.acknowledgements.dedup();
        next.silences.extend(merged.silences.iter().copied());
        next.silences.sort_by_key(|silence| (silence.from, silence.by));
        next.owner = self.owner.or(merged.owner);
        if next.state == AlertState::Open && next.answered_for() {
            next.state = AlertState::Acknowledged;
        }
        next
    }

    /// Whether a named person answered for the worst level of the case.
    #[must_use]
    pub fn answered_for(&self) -> bool {
        self.acknowledgements.iter().any(|a| !a.over && a.level >= self.facts.peak)
    }

    /// Whether it was never red and its episode is over: nobody need come, whoever holds it only has to say what it was.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.facts.ended_at.is_some() && self.facts.peak < Level::Red
    }

    /// What other programs are told it became, a word of [`BECAME`]; `None`: nothing that they wait for.
    #[must_use]
    pub fn became(&self, old: &Self) -> Option<&'static str> {
        let moved = self.state != old.state;
        let answered = self.acknowledgements.len() > old.acknowledgements.len();
        let silenced = self.silences.len() > old.silences.len();
        let taken = self.owner.is_some() && self.owner != old.owner;
        let let_go = self.owner.is_none() && old.owner.is_some();
        match self.state {
            AlertState::Resolved => moved.then_some("resolved"),
            AlertState::Acknowledged if moved || answered => Some("acknowledged"),
            AlertState::Snoozed if moved || silenced => Some("silenced"),
            _ if taken && self.claimed_until.is_none() => Some("reassigned"),
            _ if taken => Some("claimed"),
            AlertState::Open if moved || let_go => Some("reopened"),
            _ => None,
        }
    }

    fn may_close_itself(&self) -> bool {
        let held = self.owner.is_some() || !self.acknowledgements.is_empty();
        self.is_settled() && !held
    }

    fn closed_by_judgement(&self) -> bool {
        self.state == AlertState::Resolved && self.resolved_by.is_none()
    }

    /// Judgement closed it and it goes on after all, or a person closed it before it was known to be red.
    fn was_closed_too_soon(&self) -> bool {
        let goes_on = self.closed_by_judgement() && self.outcome.is_none() && !self.may_close_itself();
        let unseen_red = self.resolved_by.is_some() && self.facts.peak == Level::Red && !self.answered_for();
        goes_on || unseen_red
    }

    fn acknowledge(&mut self, by: UserId, at: Instant) {
        self.acknowledgements.push(Acknowledgement { by, at, level: self.facts.peak, over: false });
        if self.claimed_until.is_some_and(|until| until <= at) {
            self.owner = None;
        }
        self.owner.get_or_insert(by);
        self.claimed_until = None;
    }

    /// An owner who answered already keeps it for good.
    fn claim(&mut self, by: UserId, now: Instant) -> Result<(), ActRefused> {
        // Claimed again, it lasts no longer: whoever holds it answers.
        if self.owner == Some(by) && self.claimed_until.is_some_and(|until| until > now) {
            return Ok(());
        }
        if !self.answered_for() {
            self.held_again(by, now)?;
        }
        self.owner = Some(by);
        self.claimed_until = (!self.answered_for()).then(|| now.plus(LEASE));
        Ok(())
    }

    const fn close(&mut self, by: Option<UserId>, outcome: Option<Outcome>, now: Instant) {
        self.state = AlertState::Resolved;
        self.snooze = None;
        self.outcome = outcome;
        self.resolved_by = by;
        self.resolved_at = Some(now);
    }
}
