//! What holds back the ladder of a red. A silence: for a reason, for a bounded time over its whole life, and never twice in
//! a row by the same hand. A claim or an answer: four times in a row by the same hand, a claim and three answers, then the
//! ladder goes on to others until another person takes part.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Act, ActRefused, AlertCase, LONGEST_SNOOZE, Level};
use crate::domain::id::UserId;
use crate::domain::time::Instant;

/// A stretch in which a red called nobody, because somebody asked for it. It stays on the case when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Who asked for it.
    pub by: UserId,
    /// Since when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
}

/// So often in a row one person holds a red by claims and answers without resolving it.
const IN_A_ROW: usize = 4;
/// Whoever taps twice answered once.
const TAP: Duration = Duration::from_secs(60);

impl AlertCase {
    /// Somebody claims a red or answers for it, and holds its ladder once more.
    pub(super) fn held_again(&mut self, by: UserId, now: Instant) -> Result<(), ActRefused> {
        let last = self.acknowledgements.last();
        let tapped = last.is_some_and(|last| last.by == by && !last.over && now.since(last.at) < TAP);
        if self.facts.peak < Level::Red || tapped {
            return Ok(());
        }
        if self.hands.len() >= IN_A_ROW && self.hands.iter().all(|hand| *hand == by) {
            return Err(ActRefused::HeldByYou);
        }
        self.hands.push(by);
        let more = self.hands.len().saturating_sub(IN_A_ROW);
        self.hands.drain(..more);
        Ok(())
    }

    /// Whether an act on it needs a reason in words.
    #[must_use]
    pub fn wants_a_reason(&self, act: Act) -> bool {
        matches!(act, Act::Snooze { .. }) && self.facts.peak == Level::Red
    }

    /// A red goes silent: for a bounded time over its whole life, and never twice in a row by the same hand.
    pub(super) fn silence(&mut self, by: UserId, until: Instant, now: Instant) -> Result<(), ActRefused> {
        if self.facts.peak < Level::Red {
            return Ok(());
        }
        if self.silences.last().is_some_and(|last| last.by == by) {
            return Err(ActRefused::SilencedByYou);
        }
        // The new silence takes the place of one that still lasts.
        self.end_silence(now);
        let silent: Duration = self.silences.iter().map(|one| one.to.since(one.from)).sum();
        if silent + until.since(now) > LONGEST_SNOOZE {
            return Err(ActRefused::SilentTooLong);
        }
        self.silences.push(Silence { by, from: now, to: until });
        Ok(())
    }

    fn end_silence(&mut self, now: Instant) {
        if let Some(last) = self.silences.last_mut() {
            last.to = last.to.min(now);
        }
    }

    /// A silence that an answer, a worse level or the end broke lasted no longer than until now.
    pub(super) fn heard(mut self, now: Instant) -> Self {
        if self.snooze.is_none() {
            self.end_silence(now);
        }
        self
    }
}
