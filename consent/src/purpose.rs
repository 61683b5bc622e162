//! The closed list of purposes (LGPD art. 6 I): nothing is done with a patient's data for a purpose that is
//! not here. `transfer.intl` is no purpose but a condition on one: see [`crate::Mechanism`].

use crate::basis::Basis;
use crate::datum::Datum;

registry! {
    /// Why data is processed. Which basis each may rest on: [`Purpose::may_rest_on`].
    Purpose {
        /// Receive and store wearable data (LGPD art. 11 I).
        TelemetryCollect = 1, "telemetry.collect";
        /// Green, yellow, red: evaluation and display (LGPD art. 11 I).
        AlertEvaluate = 2, "alert.evaluate";
        /// Call the staff who answer alerts about a patient (LGPD art. 11 I; II e in an emergency).
        AlertEscalate = 3, "alert.escalate";
        /// Reminders of appointments, medication and measurements (LGPD art. 11 I, §1).
        CareRemind = 4, "care.remind";
        /// Retention, satisfaction and marketing messages (LGPD art. 11 I, and nothing else).
        EngageMessage = 5, "engage.message";
        /// Identified analytics, such as a churn score (LGPD art. 11 I; legitimate interest is not available).
        AnalyticsIdentified = 6, "analytics.identified";
        /// Aggregates, after a dated test of anonymisation (LGPD art. 12).
        AnalyticsAnonymous = 7, "analytics.anonymous";
        /// Sending to the clinic's record or to RNDS (LGPD art. 11 I, II f; art. 11 §4).
        ShareEhr = 8, "share.ehr";
        /// Portability that the subject asks for (LGPD art. 18 V, art. 11 §4 I).
        SharePortability = 9, "share.portability";
        /// Sale, ad targeting, underwriting: prohibited, not merely off (LGPD art. 11 §4, §5).
        ShareCommercial = 10, "share.commercial";
        /// Identified research (LGPD art. 11 I, II c; art. 13 §2).
        ResearchIdentified = 11, "research.identified";
        /// Keeping the clinical record (LGPD art. 11 II a; Lei 13.787/2018).
        RecordRetain = 12, "record.retain";
        /// Records of accountability (LGPD art. 6 X, art. 37).
        AuditLog = 13, "audit.log";
        /// Notices of incidents and of changed terms (LGPD art. 48, art. 8 §6).
        NoticeLegal = 14, "notice.legal";
        /// Sign-in and device identity (LGPD art. 11 II g; art. 7 V for account data).
        AccountSecure = 15, "account.secure";
    }
}

impl Purpose {
    /// The purposes for which code of this program asks a permit before it acts. A patient is shown these and no other:
    /// a switch without code behind it would be a promise that nothing holds.
    pub const ASKED: &'static [Self] = &[Self::TelemetryCollect, Self::AlertEvaluate, Self::AlertEscalate];

    /// Whether a patient is asked for it.
    #[must_use]
    pub fn is_asked(self) -> bool {
        Self::ASKED.contains(&self)
    }

    /// The purpose that must be permitted as well; refusing a parent disables its children, never the reverse.
    /// For `analytics.identified` and `research.identified` this holds for telemetry fields only.
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::AlertEvaluate | Self::AnalyticsIdentified | Self::ResearchIdentified => {
                Some(Self::TelemetryCollect)
            }
            Self::AlertEscalate => Some(Self::AlertEvaluate),
            _ => None,
        }
    }

    /// The purposes that lean on this one, directly or not.
    pub fn descendants(self) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |child| {
            child.parent().is_some_and(|parent| parent == self || parent.parent() == Some(self))
        })
    }

    /// Whether this purpose leans on its parent for `data` (nothing named means the whole projection).
    #[must_use]
    pub fn leans_on_parent(self, data: &[Datum]) -> bool {
        match self {
            Self::AnalyticsIdentified | Self::ResearchIdentified => {
                data.is_empty() || data.iter().any(|datum| datum.is_telemetry())
            }
            _ => self.parent().is_some(),
        }
    }

    /// Whether `basis` may carry this purpose, by the table of purposes (LGPD art. 7 and art. 11).
    /// Legitimate interest carries none: every purpose here touches sensitive data.
    #[must_use]
    pub fn may_rest_on(self, basis: Basis) -> bool {
        self.bases().contains(&basis)
    }

    /// The bases that may carry this purpose; the first is the default. Empty: prohibited.
    #[must_use]
    pub const fn bases(self) -> &'static [Basis] {
        use Basis::{
            Anonymised, AntiFraud, Consent, Contract, HealthCare, LegalDuty, Research, SubjectRequest,
            VitalInterest,
        };
        match self {
            Self::TelemetryCollect | Self::CareRemind => &[Consent, HealthCare],
            Self::AlertEvaluate | Self::AlertEscalate => &[Consent, HealthCare, VitalInterest],
            Self::EngageMessage | Self::AnalyticsIdentified => &[Consent],
            Self::AnalyticsAnonymous => &[Anonymised],
            Self::ShareEhr => &[Consent, HealthCare, VitalInterest, LegalDuty],
            Self::SharePortability => &[SubjectRequest],
            Self::ShareCommercial => &[],
            Self::ResearchIdentified => &[Consent, Research],
            Self::RecordRetain | Self::AuditLog | Self::NoticeLegal => &[LegalDuty],
            Self::AccountSecure => &[AntiFraud, Contract],
        }
    }

    /// The basis an organisation starts with; `None` where no basis exists at all.
    #[must_use]
    pub const fn default_basis(self) -> Option<Basis> {
        match self.bases() {
            [first, ..] => Some(*first),
            [] => None,
        }
    }

    /// The data this purpose needs, and so all it may touch (LGPD art. 6 III).
    #[must_use]
    pub const fn projection(self) -> &'static [Datum] {
        use Datum::{
            Account, Appointment, CarePlan, Contact, Demographics, DeviceState, Engagement, Evidence,
            Finding, Identity, Medication, Reading,
        };
        match self {
            Self::TelemetryCollect => &[Reading, DeviceState],
            Self::AlertEvaluate => &[Reading, DeviceState, Finding, Demographics, CarePlan],
            Self::AlertEscalate => &[Reading, Finding, Demographics, CarePlan, Identity, Contact],
            Self::CareRemind => &[Identity, Contact, Appointment, Medication, CarePlan],
            Self::EngageMessage => &[Identity, Contact, Engagement],
            Self::AnalyticsIdentified | Self::AnalyticsAnonymous => {
                &[Reading, DeviceState, Finding, Demographics, Appointment, Engagement]
            }
            Self::ShareEhr | Self::RecordRetain => {
                &[Reading, Finding, Demographics, CarePlan, Identity, Appointment, Medication]
            }
            Self::SharePortability => Datum::ALL,
            Self::ShareCommercial => &[],
            Self::ResearchIdentified => &[Reading, Finding, Demographics],
            Self::AuditLog => &[Evidence],
            Self::NoticeLegal => &[Identity, Contact],
            Self::AccountSecure => &[Account, Identity, Contact],
        }
    }

    /// What is left of `data` when everything this purpose does not need is dropped (LGPD art. 6 III).
    pub fn project<'a>(self, data: &'a [Datum]) -> impl Iterator<Item = Datum> + 'a {
        data.iter().copied().filter(move |datum| self.projection().contains(datum))
    }

    /// Whether acting on it speaks to somebody, so that channel, opt-in and quiet hours count.
    /// `notice.legal` speaks too, but the law owes it and no opt-in holds it back.
    #[must_use]
    pub const fn is_message(self) -> bool {
        matches!(self, Self::AlertEscalate | Self::CareRemind | Self::EngageMessage)
    }

    /// Whether the health-care basis also needs the accepted telemedicine term (CFM 2.314/2022 art. 15).
    #[must_use]
    pub const fn is_clinical(self) -> bool {
        matches!(self, Self::TelemetryCollect | Self::AlertEvaluate | Self::AlertEscalate | Self::ShareEhr)
    }

    /// Whether a declared emergency may carry it (LGPD art. 11 II e): never continuous collection.
    #[must_use]
    pub const fn may_be_emergency(self) -> bool {
        matches!(self, Self::AlertEvaluate | Self::AlertEscalate | Self::ShareEhr)
    }

    /// Whether it outlives erasure and block: the records and notices the law itself demands.
    #[must_use]
    pub const fn outlives_the_subject(self) -> bool {
        matches!(self, Self::RecordRetain | Self::AuditLog | Self::NoticeLegal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_comes_back_from_its_name_and_from_its_number() {
        assert_eq!(Purpose::ALL.len(), 15);
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(*purpose));
            assert_eq!(Purpose::from_code(purpose.code()), Some(*purpose));
            let json = serde_json::to_string(purpose).unwrap();
            assert_eq!(serde_json::from_str::<Purpose>(&json).unwrap(), *purpose);
        }
        assert_eq!(Purpose::parse("transfer.intl"), None);
        assert!(serde_json::from_str::<Purpose>("\"telemetry\"").is_err());
    }

    #[test]
    fn the_chain_of_purposes_ends_at_collection() {
        assert_eq!(Purpose::AlertEscalate.parent(), Some(Purpose::AlertEvaluate));
        assert_eq!(Purpose::AlertEvaluate.parent(), Some(Purpose::TelemetryCollect));
        assert_eq!(Purpose::CareRemind.parent(), None);
        let below: Vec<_> = Purpose::TelemetryCollect.descendants().collect();
        assert_eq!(
            below,
            [
                Purpose::AlertEvaluate,
                Purpose::AlertEscalate,
                Purpose::AnalyticsIdentified,
                Purpose::ResearchIdentified
            ]
        );
    }

    #[test]
    fn projecting_drops_what_the_purpose_does_not_need() {
        let projected: Vec<_> = Purpose::EngageMessage.project(&[Datum::Reading, Datum::Contact]).collect();
        assert_eq!(projected, [Datum::Contact]);
    }
}
