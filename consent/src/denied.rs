//! Why not: every refusal has a code that never changes, a stored number and the article it rests on.

use crate::Micros;
use crate::purpose::Purpose;

macro_rules! codes {
    ($($variant:ident = $number:literal, $name:literal, $basis:literal, $doc:literal;)+) => {
        /// Why something was refused. Name and number never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $doc] $variant,)+ }

        impl Code {
            /// Every code, by stored number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// From the name on the wire.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// The legal reference on the wire.
            #[must_use]
            pub const fn basis_text(self) -> &'static str {
                match self { $(Self::$variant => $basis,)+ }
            }

            /// The stored number.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// From the stored number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    UnknownPurpose = 1, "E_UNKNOWN_PURPOSE", "LGPD art. 6 I", "The purpose is not on the closed list.";
    Prohibited11_4 = 2, "E_PROHIBITED_11_4", "LGPD art. 11 §4", "Health data for economic advantage: no consent allows it.";
    Prohibited11_5 = 3, "E_PROHIBITED_11_5", "LGPD art. 11 §5", "Risk selection by a health plan: no consent allows it.";
    Erased = 4, "E_ERASED", "LGPD art. 18 VI", "The person's data was eliminated.";
    AuthorityOrder = 5, "E_AUTHORITY_ORDER", "LGPD art. 15 IV", "ANPD ordered the purpose to stop.";
    Blocked18Iv = 6, "E_BLOCKED_18_IV", "LGPD art. 18 IV", "The data is blocked.";
    NoTransferMechanism = 7, "E_NO_TRANSFER_MECHANISM", "LGPD art. 33", "Nothing lets the data leave Brazil.";
    NotNecessary = 8, "E_NOT_NECESSARY", "LGPD art. 6 III", "The purpose does not need this data.";
    Role = 9, "E_ROLE", "LGPD art. 46", "Role or token do not carry the purpose.";
    Channel = 10, "E_CHANNEL", "LGPD art. 8 §4", "No opt-in for the channel, template not allowed, or quiet hours.";
    BestInterest = 11, "E_BEST_INTEREST", "LGPD art. 14", "No assessment that this serves the minor best.";
    NoCarePlan = 12, "E_NO_CARE_PLAN", "LGPD art. 11 II f", "No active, complete care plan.";
    NotResearchBody = 13, "E_NOT_RESEARCH_BODY", "LGPD art. 11 II c", "Not a non-profit research body with an approval in force.";
    NoRecord = 14, "E_NO_RECORD", "LGPD art. 11 I", "Consent was never asked.";
    Pending = 15, "E_PENDING", "LGPD art. 11 I", "Consent was asked and not answered.";
    Refused = 16, "E_REFUSED", "LGPD art. 18 VIII", "Consent was refused.";
    Revoked = 17, "E_REVOKED", "LGPD art. 8 §5", "Consent was revoked.";
    Suspended = 18, "E_SUSPENDED", "LGPD art. 18 IV", "Consent is suspended by a block or a dispute.";
    Expired = 19, "E_EXPIRED", "LGPD art. 15 II", "The period of the consent ended.";
    TermsChanged = 20, "E_TERMS_CHANGED", "LGPD art. 8 §6", "The term changed and the new one was not accepted.";
    Guardian = 21, "E_GUARDIAN", "LGPD art. 14 §1", "No verified guardian's grant, or the authority lapsed.";
    BeforeGrant = 22, "E_BEFORE_GRANT", "LGPD art. 8", "Before the grant, or measured before it reaches.";
    Scope = 23, "E_SCOPE", "LGPD art. 8 §4", "Outside what was granted.";
    Parent = 24, "E_PARENT", "LGPD art. 6 I", "The purpose it leans on is not permitted.";
    EmergencyLapsed = 25, "E_EMERGENCY_LAPSED", "LGPD art. 11 II e", "The emergency was not confirmed in 15 minutes, or is over.";
    NoRequest = 26, "E_NO_REQUEST", "LGPD art. 18 V", "The subject did not ask for it.";
    NotAnonymised = 27, "E_NOT_ANONYMISED", "LGPD art. 12", "No dated test says the data is anonymous.";
    StaleTerm = 28, "E_STALE_TERM", "LGPD art. 9 §1", "The text that was accepted is not the current one.";
    Transition = 29, "E_TRANSITION", "LGPD art. 8", "The consent is in a state that does not allow the act.";
    Retroactive = 30, "E_RETROACTIVE", "LGPD art. 8", "Consent does not reach back, except a first grant's readings.";
    Validity = 31, "E_VALIDITY", "LGPD art. 9 II", "The period ends before it starts.";
    NotConsentable = 32, "E_NOT_CONSENTABLE", "LGPD art. 11 II", "The purpose rests on law or request; no consent is asked.";
    Internal = 255, "E_INTERNAL", "LGPD art. 46", "Something failed; nothing is done.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What lies behind an `E_PARENT`: the ancestor that is not permitted, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The ancestor where the chain breaks.
    pub purpose: Purpose,
    /// Its own refusal.
    pub code: Code,
}

/// A refusal. Shown as on the wire: `E_REVOKED LGPD art. 8 §5`. May be cached for a second, no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{code} {}", code.basis_text())]
pub struct Denied {
    /// Why.
    pub code: Code,
    /// What for; `None` for a purpose that does not exist.
    pub purpose: Option<Purpose>,
    /// Since when it holds (the revocation, the end of the period), where that has an instant.
    pub since: Option<Micros>,
    /// With `E_PARENT`: what the parent says.
    pub cause: Option<Cause>,
}

impl Denied {
    /// The refusal that a reader should be told: the ancestor's own where there is one.
    #[must_use]
    pub fn root(&self) -> (Code, Option<Purpose>) {
        self.cause.map_or((self.code, self.purpose), |cause| (cause.code, Some(cause.purpose)))
    }

    /// A failure around the decision (a lookup, a timeout): nothing is done.
    #[must_use]
    pub const fn internal(purpose: Purpose) -> Self {
        Self { code: Code::Internal, purpose: Some(purpose), since: None, cause: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_from_its_name_and_from_its_number() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert_eq!(Code::from_number(code.number()), Some(*code));
            assert!(code.basis_text().starts_with("LGPD art. "), "{code}");
        }
        assert_eq!(Code::from_number(0), None);
    }

    #[test]
    fn a_refusal_reads_as_on_the_wire() {
        let denied = Denied { code: Code::Revoked, ..Denied::internal(Purpose::TelemetryCollect) };
        assert_eq!(denied.to_string(), "E_REVOKED LGPD art. 8 §5");
    }
}
