//! A case whose readings turned out to be another's. It stays where it was raised, with all that people did about it, and is
//! taken up again when the readings come back.

use super::{AlertCase, AlertState, Facts, Outcome};
use crate::time::Instant;

impl AlertCase {
    /// Its readings left the patient. What a person resolved stays as they resolved it; anything else is resolved `Retracted`.
    #[must_use]
    pub fn left(&self, now: Instant) -> Self {
        Self { moved_at: Some(now), ..self.withdrawn(Outcome::Retracted, now) }
    }

    /// Its readings came back and are judged anew. Nobody looked after it meanwhile: unless a person had resolved it, it
    /// waits for one again, whoever had answered.
    #[must_use]
    pub fn came_back(&self, facts: Facts, now: Instant) -> Self {
        let mut next = Self { moved_at: None, ..self.clone() };
        if self.state == AlertState::Resolved && self.resolved_by.is_none() {
            next = next.unanswered();
            (next.outcome, next.resolved_at) = (None, None);
        }
        next.judged(facts, now)
    }
}
