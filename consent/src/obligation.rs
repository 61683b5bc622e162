//! What a permit asks in return.

use std::fmt;

registry! {
    /// One duty that comes with a permit.
    Obligation {
        /// Write the decision to the audit log.
        Log = 1, "log";
        /// Show the norm to whoever asks why.
        ShowNorm = 2, "show_norm";
        /// Write only while the row still has the permit's epoch.
        EpochFence = 3, "epoch_fence";
        /// A human reviews within 24 hours.
        Review24h = 4, "review_24h";
        /// Tell the subject afterwards.
        TellSubject = 5, "tell_subject";
        /// Use the smallest projection; log the plan's id.
        LogPlan = 6, "log_plan";
        /// The recipient may not pass it on (LGPD art. 13 §2).
        NoOnward = 7, "no_onward";
        /// Tell the subject within 24 hours how the term changed (LGPD art. 8 §6).
        NotifyChange24h = 8, "notify_change_24h";
    }
}

/// The duties of one permit.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Obligations(u16);

impl Obligations {
    /// These duties.
    #[must_use]
    pub fn of(duties: &[Obligation]) -> Self {
        duties.iter().fold(Self::default(), |all, &duty| all.and(duty))
    }

    /// With one more.
    #[must_use]
    pub fn and(self, duty: Obligation) -> Self {
        Self(self.0 | bit(duty))
    }

    /// Whether `duty` is owed.
    #[must_use]
    pub fn contains(self, duty: Obligation) -> bool {
        self.0 & bit(duty) != 0
    }

    /// The duties, in stored order.
    pub fn iter(self) -> impl Iterator<Item = Obligation> {
        Obligation::ALL.iter().copied().filter(move |&duty| self.contains(duty))
    }
}

fn bit(duty: Obligation) -> u16 {
    1_u16 << duty.code()
}

impl fmt::Debug for Obligations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}
