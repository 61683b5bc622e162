//! On whom a case rests, and what becomes of it when they can answer no more.

use std::collections::BTreeSet;

use super::{AlertCase, AlertState};
use crate::id::UserId;
use crate::time::Instant;

impl AlertCase {
    /// On whom the case rests: who owns it, answers for it, or silenced it.
    #[must_use]
    pub fn holders(&self) -> BTreeSet<UserId> {
        if self.state == AlertState::Resolved {
            return BTreeSet::new();
        }
        let answers = self.acknowledgements.iter().filter(|answer| !answer.over);
        let answered = answers.filter(|_| self.state == AlertState::Acknowledged).map(|answer| answer.by);
        answered.chain(self.owner).chain(self.snooze.map(|snooze| snooze.by)).collect()
    }

    /// Whether the case rests on this person.
    #[must_use]
    pub fn rests_on(&self, who: UserId) -> bool {
        self.holders().contains(&who)
    }

    /// Whoever it rests on can answer no more: it waits for a person again.
    #[must_use]
    pub fn given_back(&self, now: Instant) -> Self {
        self.unanswered().heard(now)
    }
}
