//! What happens to a consent. Events are appended, never changed; the row is their fold. Proof of the act
//! (gesture, screen, authentication) is stored beside the event.

use serde::{Deserialize, Serialize};

use crate::Micros;
use crate::purpose::Purpose;
use crate::scope::Scope;
use crate::term::Change;

registry! {
    /// The name of what happened.
    Action {
        /// The term was shown.
        Offered = 1, "offered";
        /// The subject granted it.
        Granted = 2, "granted";
        /// The subject refused it.
        Refused = 3, "refused";
        /// The subject took a yes back.
        Revoked = 4, "revoked";
        /// The period ended.
        Expired = 5, "expired";
        /// A new version of the term was published.
        Superseded = 6, "superseded";
        /// Blocked or disputed.
        Suspended = 7, "suspended";
        /// The block or dispute ended.
        Resumed = 8, "resumed";
    }
}

registry! {
    /// Who acted.
    Giver {
        /// The patient.
        Subject = 1, "subject";
        /// A parent or legal guardian (LGPD art. 14 §1).
        Guardian = 2, "guardian";
        /// A curator with a scope and an end.
        Curator = 3, "curator";
        /// The patient, helped by a member of staff.
        StaffAssisted = 4, "staff_assisted";
        /// The house itself: expiry, a new term.
        System = 5, "system";
    }
}

/// The content of a yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// SHA-256 of the text that was shown and accepted.
    pub term_sha256: [u8; 32],
    /// How far it reaches.
    pub scope: Scope,
    /// From when; `None`: from the act.
    pub valid_from: Option<Micros>,
    /// Until when, exclusive; `None`: until revoked.
    pub valid_until: Option<Micros>,
    /// Readings from when; `None`: from the act. May lie before the act only in the first grant.
    pub measured_from: Option<Micros>,
}

impl Grant {
    /// A yes to the whole of one text, from now on.
    #[must_use]
    pub fn of(term_sha256: [u8; 32]) -> Self {
        Self {
            term_sha256,
            scope: Scope::default(),
            valid_from: None,
            valid_until: None,
            measured_from: None,
        }
    }
}

/// What happened, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// This text was shown (its SHA-256).
    Offered([u8; 32]),
    /// Yes.
    Granted(Grant),
    /// No.
    Refused,
    /// A yes was taken back.
    Revoked,
    /// The period ended.
    Expired,
    /// The term changed in this way.
    Superseded(Change),
    /// Blocked or disputed.
    Suspended,
    /// The block or dispute ended.
    Resumed,
}

impl Act {
    /// Its name.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Offered(_) => Action::Offered,
            Self::Granted(_) => Action::Granted,
            Self::Refused => Action::Refused,
            Self::Revoked => Action::Revoked,
            Self::Expired => Action::Expired,
            Self::Superseded(_) => Action::Superseded,
            Self::Suspended => Action::Suspended,
            Self::Resumed => Action::Resumed,
        }
    }
}

/// One event of one (subject, purpose): one act, one purpose, never a bundle (LGPD art. 8 §4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What for.
    pub purpose: Purpose,
    /// When.
    pub at: Micros,
    /// What happened.
    pub act: Act,
    /// Who acted.
    pub giver: Giver,
    /// Whether a verified guardian or curator stands behind the act, whoever's hand it was.
    pub guardian: bool,
}

impl Event {
    /// An act of the subject.
    #[must_use]
    pub const fn new(purpose: Purpose, at: Micros, act: Act) -> Self {
        Self { purpose, at, act, giver: Giver::Subject, guardian: false }
    }

    /// The same act by another hand; a guardian or a curator also stands behind it.
    #[must_use]
    pub fn by(self, giver: Giver) -> Self {
        let guardian = self.guardian || matches!(giver, Giver::Guardian | Giver::Curator);
        Self { giver, guardian, ..self }
    }
}
