//! The legal bases and the checked declaration of one basis per purpose (LGPD art. 7 and art. 11; art. 37).

use serde::{Deserialize, Serialize};

use crate::purpose::Purpose;

registry! {
    /// What makes a purpose lawful.
    Basis {
        /// Consent, specific and highlighted (LGPD art. 11 I; art. 7 I).
        Consent = 1, "consent";
        /// Health care by professionals or services (LGPD art. 11 II f).
        HealthCare = 2, "health_care";
        /// Protection of life (LGPD art. 11 II e). Only ever a declared emergency, never a standing basis.
        VitalInterest = 3, "vital_interest";
        /// Legal or regulatory duty (LGPD art. 11 II a).
        LegalDuty = 4, "legal_duty";
        /// Studies by a research body (LGPD art. 11 II c).
        Research = 5, "research";
        /// Prevention of fraud and security of the subject (LGPD art. 11 II g).
        AntiFraud = 6, "anti_fraud";
        /// Performance of a contract (LGPD art. 7 V), for data that is not sensitive.
        Contract = 7, "contract";
        /// The subject's own request is the title (LGPD art. 18 V; art. 11 §4 I).
        SubjectRequest = 8, "subject_request";
        /// No personal data left, by a dated test (LGPD art. 12).
        Anonymised = 9, "anonymised";
        /// Legitimate interest (LGPD art. 7 IX): named so that it can be refused; it carries no purpose here.
        LegitimateInterest = 10, "legitimate_interest";
    }
}

impl Basis {
    /// The article, as pages and receipts show it.
    #[must_use]
    pub const fn article(self) -> &'static str {
        match self {
            Self::Consent => "LGPD art. 11 I",
            Self::HealthCare => "LGPD art. 11 II f",
            Self::VitalInterest => "LGPD art. 11 II e",
            Self::LegalDuty => "LGPD art. 11 II a",
            Self::Research => "LGPD art. 11 II c",
            Self::AntiFraud => "LGPD art. 11 II g",
            Self::Contract => "LGPD art. 7 V",
            Self::SubjectRequest => "LGPD art. 18 V",
            Self::Anonymised => "LGPD art. 12",
            Self::LegitimateInterest => "LGPD art. 7 IX",
        }
    }
}

/// A declaration that the law does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{purpose} cannot rest on {basis} ({}): choose one of the bases its entry in the register lists", basis.article())]
pub struct BasisRefused {
    /// The purpose that was to be declared.
    pub purpose: Purpose,
    /// The basis that cannot carry it.
    pub basis: Basis,
}

/// The organisation's declaration: one basis per purpose. Only lawful declarations exist as a value.
///
/// Declaring `legal_duty` for `share.ehr` declares that the duty exists; the norm belongs in the register (art. 37).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(Purpose, Basis)>", into = "Vec<(Purpose, Basis)>")]
pub struct Bases {
    by_purpose: [Option<Basis>; Purpose::ALL.len()],
}

impl Bases {
    /// The defaults, changed by `declared`; a later entry wins.
    ///
    /// # Errors
    /// [`BasisRefused`] when a purpose may not rest on the basis, or the basis can never stand by itself
    /// (vital interest exists only while an emergency is declared).
    pub fn new(declared: &[(Purpose, Basis)]) -> Result<Self, BasisRefused> {
        let mut bases = Self::default();
        for &(purpose, basis) in declared {
            if basis == Basis::VitalInterest || !purpose.may_rest_on(basis) {
                return Err(BasisRefused { purpose, basis });
            }
            if let Some(place) = bases.by_purpose.get_mut(place(purpose)) {
                *place = Some(basis);
            }
        }
        Ok(bases)
    }

    /// The declared basis; `None` for `share.commercial`, which has none.
    #[must_use]
    pub fn of(&self, purpose: Purpose) -> Option<Basis> {
        self.by_purpose.get(place(purpose)).copied().flatten()
    }

    /// Every purpose that has a basis, with it, in stored order.
    pub fn iter(&self) -> impl Iterator<Item = (Purpose, Basis)> + '_ {
        Purpose::ALL.iter().filter_map(|&purpose| self.of(purpose).map(|basis| (purpose, basis)))
    }
}

impl Default for Bases {
    fn default() -> Self {
        let mut by_purpose = [None; Purpose::ALL.len()];
        for (place, purpose) in by_purpose.iter_mut().zip(Purpose::ALL) {
            *place = purpose.default_basis();
        }
        Self { by_purpose }
    }
}

impl TryFrom<Vec<(Purpose, Basis)>> for Bases {
    type Error = BasisRefused;

    fn try_from(declared: Vec<(Purpose, Basis)>) -> Result<Self, BasisRefused> {
        Self::new(&declared)
    }
}

impl From<Bases> for Vec<(Purpose, Basis)> {
    fn from(bases: Bases) -> Self {
        bases.iter().collect()
    }
}

/// Stored numbers run from one without a gap; a test of this file holds it.
fn place(purpose: Purpose) -> usize {
    usize::try_from(purpose.code()).map_or(usize::MAX, |code| code.wrapping_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_of_every_purpose_is_found_at_its_own_place() {
        for (index, &purpose) in Purpose::ALL.iter().enumerate() {
            assert_eq!(place(purpose), index);
            assert_eq!(Bases::default().of(purpose), purpose.default_basis());
        }
        assert_eq!(Bases::default().of(Purpose::TelemetryCollect), Some(Basis::Consent));
        assert_eq!(Bases::default().of(Purpose::ShareCommercial), None);
    }

    #[test]
    fn legitimate_interest_and_vital_interest_can_never_be_declared() {
        for &purpose in Purpose::ALL {
            assert!(!purpose.may_rest_on(Basis::LegitimateInterest));
            for basis in [Basis::LegitimateInterest, Basis::VitalInterest] {
                assert_eq!(Bases::new(&[(purpose, basis)]), Err(BasisRefused { purpose, basis }));
            }
        }
    }

    #[test]
    fn commercial_sharing_rests_on_nothing_and_engagement_on_consent_alone() {
        for &basis in Basis::ALL {
            assert!(Bases::new(&[(Purpose::ShareCommercial, basis)]).is_err());
            assert_eq!(Bases::new(&[(Purpose::EngageMessage, basis)]).is_ok(), basis == Basis::Consent);
        }
    }

    #[test]
    fn a_declaration_survives_json_and_an_unlawful_one_does_not_enter_through_it() {
        let bases = Bases::new(&[(Purpose::TelemetryCollect, Basis::HealthCare)]).unwrap();
        let json = serde_json::to_string(&bases).unwrap();
        assert_eq!(serde_json::from_str::<Bases>(&json).unwrap(), bases);
        let refused = serde_json::from_str::<Bases>(r#"[["engage.message","legitimate_interest"]]"#);
        assert!(
            refused.unwrap_err().to_string().contains("engage.message cannot rest on legitimate_interest")
        );
    }
}
