//! A message may hold what a device measured for two people, one after the other: it was offline while it changed
//! hands. It is taken apart by the bindings at the instants of measurement, so that each gets what is theirs, under
//! their own consent, and the device gets one answer.

use std::ops::Range;
use std::sync::Arc;

use super::admit::Content;
use domain::Instant;

/// What of a message is one person's.
#[derive(Debug, Clone)]
pub struct Wearer {
    /// Spans of time…
    pub(super) spans: Arc<[Range<Instant>]>,
    /// …in which it was measured, or outside which, for whoever the message as a whole falls to.
    pub(super) inside: bool,
    /// Whether it stands behind another's share of the same message.
    pub follows: bool,
}

impl Wearer {
    fn has(&self, at: Instant) -> bool {
        self.spans.iter().any(|span| span.contains(&at)) == self.inside
    }

    /// What of a message is theirs. What holds no reading is reported once.
    #[must_use]
    pub fn of(&self, content: Content) -> Content {
        let Content::Readings { normal, unstamped } = content else { return content };
        let mut theirs = normal;
        theirs.readings.retain(|taken| self.has(taken.reading.at));
        theirs.corrections.retain(|taken| self.has(taken.reading.at));
        theirs.withdrawn.retain(|taken| self.has(taken.what.at));
        theirs.quarantined.retain(|set| self.has(set.taken.reading.at));
        if self.follows {
            theirs.refused = super::parts::Parts::default();
        }
        Content::Readings { normal: theirs, unstamped }
    }
}
