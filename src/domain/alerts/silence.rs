//! What holds back the escalation of a red. A silence: for a reason, for a bounded time over its whole life, and never twice in
//! a row by the same hand. A claim, an answer or being handed it: four times in a row by the same hand, a claim and three
//! answers, eight times by the same two, and so on up to four people; then the escalation goes on to others until another
//! person takes part.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Act, ActRefused, AlertCase, AlertState, LONGEST_SNOOZE, Level};
use crate::id::UserId;
use crate::time::Instant;

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

/// So often in a row one person holds a red by claims and answers without resolving it; as often each of a few who take
/// turns.
const IN_A_ROW: usize = 4;
/// Up to so many people are a few. Beyond that the house knows of it.
const FEW: usize = 4;
/// Whoever taps twice answered once.
const TAP: Duration = Duration::from_secs(60);

impl AlertCase {
    /// Somebody claims a red, answers for it or is handed it, and holds its escalation once more.
    pub(super) fn held_again(&mut self, by: UserId, now: Instant) -> Result<(), ActRefused> {
        let last = self.acknowledgements.last();
        let tapped = last.is_some_and(|last| last.by == by && !last.over && now.since(last.at) < TAP);
        if self.facts.peak < Level::Red || tapped {
            return Ok(());
        }
        if self.worn_out().contains(&by) {
            let alone = self.hands.iter().rev().take(IN_A_ROW).all(|hand| *hand == by);
            return Err(if alone { ActRefused::HeldByYou } else { ActRefused::HeldByFew });
        }
        self.hands.push(by);
        let more = self.hands.len().saturating_sub(IN_A_ROW * FEW);
        self.hands.drain(..more);
        Ok(())
    }

    /// Who held a red so often, alone or by turns, that the next hold is for another person. Nobody, and it is for whoever
    /// comes.
    #[must_use]
    pub fn worn_out(&self) -> BTreeSet<UserId> {
        if self.state == AlertState::Resolved {
            return BTreeSet::new();
        }
        let among = |people: usize| {
            let last = self.hands.len().checked_sub(people * IN_A_ROW)?;
            let hands: BTreeSet<UserId> = self.hands.iter().skip(last).copied().collect();
            (hands.len() <= people).then_some(hands)
        };
        (1..=FEW).filter_map(among).flatten().collect()
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
