//! The closed list of what can happen that figures count.

macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal;)+) => {
        /// What happened. Names never change; new ones may be added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])+ $variant,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in the store and the API.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// From its name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// Judgement opened an alert. Rule, level, timing; milliseconds since the first reading of its stretch.
    AlertRaised = "alert.raised";
    /// A person answered for an alert, also by resolving it. Rule, level, turn (`first` or `again`); of the first, the
    /// milliseconds since it was raised.
    AlertAcknowledged = "alert.acknowledged";
    /// An alert was resolved, by a person, by judgement or because its legal basis ended. Rule, level, outcome (`ended`
    /// where judgement closed it and nobody stated what it was); milliseconds since it was raised.
    AlertResolved = "alert.resolved";
    /// A person stated afterwards what an alert was that judgement had closed. Rule, level, outcome.
    AlertLabelled = "alert.labelled";
    /// A resolved alert waits for a person again. Rule, level.
    AlertReopened = "alert.reopened";
    /// An SLA clock stopped in time. Policy, metric, level, outcome (why it stopped); milliseconds since it started, and
    /// on its own clock. Every clock that stops is `sla.met`, `sla.late` or `sla.withdrawn`.
    SlaMet = "sla.met";
    /// An SLA clock stopped too late. As `sla.met`.
    SlaLate = "sla.late";
    /// An SLA clock stopped in time without anybody's doing. As `sla.met`.
    SlaWithdrawn = "sla.withdrawn";
    /// The time of an SLA clock ran out, at the instant at which it did, whether or not the clock still ran.
    SlaMissed = "sla.missed";
    /// An escalation began. Policy.
    EscalationBegun = "escalation.begun";
    /// An escalation called people. Policy, step (from 1; `top` once nobody was reached, `named` for a person by name);
    /// how many people.
    EscalationPaged = "escalation.paged";
    /// A named person answered an escalation that was calling people. Policy; milliseconds since somebody was last called.
    EscalationAnswered = "escalation.answered";
    /// An escalation came to its top and nobody had answered. Policy; milliseconds since it began.
    EscalationExhausted = "escalation.exhausted";
    /// A patient was asked for a consent. Purpose, giver: who acted. So with each of the seven below.
    ConsentOffered = "consent.offered";
    /// A consent was granted.
    ConsentGranted = "consent.granted";
    /// A consent was refused.
    ConsentRefused = "consent.refused";
    /// A consent was revoked.
    ConsentRevoked = "consent.revoked";
    /// The period of a consent was over.
    ConsentExpired = "consent.expired";
    /// A heavier text took a consent's place.
    ConsentSuperseded = "consent.superseded";
    /// A consent was suspended.
    ConsentSuspended = "consent.suspended";
    /// A suspended consent goes on.
    ConsentResumed = "consent.resumed";
    /// A device was bound to a patient.
    DeviceBound = "device.bound";
    /// A device's binding ended; milliseconds from its beginning to its end.
    DeviceUnbound = "device.unbound";
    /// A provider took a message. Channel, template, outcome (the provider's code); at its first acceptance, milliseconds
    /// since it was planned.
    MessageAccepted = "message.accepted";
    /// A message did not arrive, and nothing is tried again. Channel, template, outcome (a code).
    MessageFailed = "message.failed";
    /// A patient was registered.
    PatientRegistered = "patient.registered";
    /// A patient's identity was erased; the fact points at nobody.
    PatientErased = "patient.erased";
}
