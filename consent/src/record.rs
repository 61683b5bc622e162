//! The row that is enforced: where one (subject, purpose) stands after all its events.

use serde::{Deserialize, Serialize};

use crate::Micros;
use crate::purpose::Purpose;
use crate::scope::Scope;
use crate::term::Change;

registry! {
    /// Where consent for one purpose stands.
    State {
        /// Shown, not answered.
        Offered = 1, "offered";
        /// Given.
        Granted = 2, "granted";
        /// Answered with no (LGPD art. 18 VIII).
        Refused = 3, "refused";
        /// Withdrawn (LGPD art. 8 §5).
        Revoked = 4, "revoked";
        /// Its period ended (LGPD art. 15 II).
        Expired = 5, "expired";
        /// The purpose or the sharing changed since (LGPD art. 8 §6).
        Stale = 6, "stale";
        /// Blocked or in dispute (LGPD art. 18 IV).
        Suspended = 7, "suspended";
    }
}

impl State {
    /// The status of a FHIR R4 Consent.
    #[must_use]
    pub const fn fhir(self) -> &'static str {
        match self {
            Self::Offered => "proposed",
            Self::Granted => "active",
            Self::Refused => "rejected",
            Self::Revoked | Self::Expired | Self::Stale | Self::Suspended => "inactive",
        }
    }
}

/// One (subject, purpose) after its events. Who the subject is, the row around it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What for.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: State,
    /// What a suspension comes back to.
    pub previous: Option<State>,
    /// One more with every event that changed something; the fence of every write.
    pub epoch: i64,
    /// The instant of the event that led to this state.
    pub since: Micros,
    /// The text that was offered or accepted; `None` when no text was shown.
    pub term_sha256: Option<[u8; 32]>,
    /// From when the grant counts.
    pub valid_from: Micros,
    /// Until when, exclusive; `None`: until revoked.
    pub valid_until: Option<Micros>,
    /// Readings measured before this instant are outside the grant.
    pub measured_from: Micros,
    /// When the subject first granted; `None`: never.
    pub first_granted_at: Option<Micros>,
    /// How far the grant reaches.
    pub scope: Scope,
    /// The heaviest change of term that the subject has not accepted.
    pub pending: Change,
    /// Whether a verified guardian stands behind the grant.
    pub guardian: bool,
}
