//! Who may do what: the matrix of the contract as one table (DESIGN §5). The route table uses it and a
//! test walks it.

use serde::{Deserialize, Serialize};

/// What a person, or a service, is to the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Front-line support.
    Agent,
    /// Technical support: devices.
    Technician,
    /// Clinical staff of the care team.
    Clinician,
    /// Runs the operation.
    Manager,
    /// Reads the audit log; sees no reading, ever.
    Auditor,
    /// Data protection officer (encarregado).
    Dpo,
    /// Runs the system; sees no reading.
    Admin,
    /// A patient, for their own things.
    Patient,
    /// A program with a scoped token and no password.
    Service,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 9] = [
        Self::Agent,
        Self::Technician,
        Self::Clinician,
        Self::Manager,
        Self::Auditor,
        Self::Dpo,
        Self::Admin,
        Self::Patient,
        Self::Service,
    ];

    /// Those who work here.
    pub const STAFF: [Self; 7] = [
        Self::Agent,
        Self::Technician,
        Self::Clinician,
        Self::Manager,
        Self::Auditor,
        Self::Dpo,
        Self::Admin,
    ];

    /// The stored and spoken name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Technician => "technician",
            Self::Clinician => "clinician",
            Self::Manager => "manager",
            Self::Auditor => "auditor",
            Self::Dpo => "dpo",
            Self::Admin => "admin",
            Self::Patient => "patient",
            Self::Service => "service",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// One right. Routes are registered with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Can {
    /// Anyone, signed in or not.
    Anyone,
    /// Anyone who is signed in.
    SignedIn,
    /// Names and contacts of patients.
    SeeContacts,
    /// Readings, series and quarantine of a patient.
    SeeReadings,
    /// The alert queue and one alert.
    SeeAlerts,
    /// Claim, acknowledge, snooze, resolve, reassign.
    ActOnAlerts,
    /// Be called about an alert, and then claim, acknowledge and hand over that one.
    AnswerCalls,
    /// A patient's consents and their history.
    SeeConsents,
    /// Assist a patient in granting or refusing.
    AssistConsent,
    /// Carry out a revocation.
    RevokeConsent,
    /// The audit log, its proofs and its export.
    ReadAudit,
    /// Know who stands behind a pseudonym, one person at a time and under a reason; an auditor once a DPO has agreed.
    Reveal,
    /// Agree that an auditor may know who stands behind a pseudonym, or not.
    ApproveReveals,
    /// Devices and their bindings.
    SeeDevices,
    /// Enrol, pair, bind, disable devices; send commands.
    ManageDevices,
    /// Say who the data protection officer is and how they are reached.
    NameOfficer,
    /// Users and their roles.
    ManageUsers,
    /// Users, to vouch for what somebody else did to an account.
    VouchForUsers,
    /// Register and correct patients.
    ManagePatients,
    /// Release or discard quarantined readings.
    JudgeQuarantine,
    /// Rules as they stand and stood.
    SeeRules,
    /// Propose a rule version.
    ProposeRules,
    /// Approve another's proposal.
    ApproveRules,
    /// Escalation policies as they stand and stood, and whom they page.
    SeePolicies,
    /// Propose a policy version.
    ProposePolicies,
    /// Put another's proposal of a policy in force, or refuse one.
    ApprovePolicies,
    /// Who is on call when, and how much everybody carries.
    SeeSchedules,
    /// Change schedules, teams, certificates and capacities.
    ManageSchedules,
    /// What messages say now, and said before.
    SeeTemplates,
    /// Propose what a message says, and put another's proposal in force or refuse it.
    ManageTemplates,
    /// The programs that are called, and what they were told.
    SeeWebhooks,
    /// Add, try, disable programs that are called; call them again.
    ManageWebhooks,
    /// What figures are computed from: facts without patients.
    SeeKpis,
    /// Engine, ingest and storage status.
    SeeStatus,
    /// A patient's own things.
    OwnThings,
}

impl Can {
    /// Every right.
    pub const ALL: [Self; 35] = [
        Self::Anyone,
        Self::SignedIn,
        Self::SeeContacts,
        Self::SeeReadings,
        Self::SeeAlerts,
        Self::ActOnAlerts,
        Self::AnswerCalls,
        Self::SeeConsents,
        Self::AssistConsent,
        Self::RevokeConsent,
        Self::ReadAudit,
        Self::Reveal,
        Self::ApproveReveals,
        Self::SeeDevices,
        Self::ManageDevices,
        Self::NameOfficer,
        Self::ManageUsers,
        Self::VouchForUsers,
        Self::ManagePatients,
        Self::JudgeQuarantine,
        Self::SeeRules,
        Self::ProposeRules,
        Self::ApproveRules,
        Self::SeePolicies,
        Self::ProposePolicies,
        Self::ApprovePolicies,
        Self::SeeSchedules,
        Self::ManageSchedules,
        Self::SeeTemplates,
        Self::ManageTemplates,
        Self::SeeWebhooks,
        Self::ManageWebhooks,
        Self::SeeKpis,
        Self::SeeStatus,
        Self::OwnThings,
    ];

    /// The roles that hold this right.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Admin, Agent, Auditor, Clinician, Dpo, Manager, Patient, Service, Technician};
        match self {
            Self::Anyone | Self::SignedIn => &Role::ALL,
            Self::SeeContacts => &[Agent, Technician, Clinician, Manager, Admin],
            Self::SeeReadings | Self::JudgeQuarantine | Self::ProposeRules => &[Clinician],
            Self::SeeAlerts | Self::AnswerCalls => &[Agent, Technician, Clinician, Manager],
            Self::ActOnAlerts => &[Agent, Clinician],
            Self::SeeConsents => &[Agent, Technician, Clinician, Manager, Dpo, Auditor, Admin],
            Self::AssistConsent => &[Agent, Clinician, Dpo, Patient],
            Self::RevokeConsent => &[Agent, Clinician, Dpo, Admin, Patient],
            Self::ReadAudit | Self::Reveal => &[Auditor, Dpo],
            Self::ApproveReveals => &[Dpo],
            Self::NameOfficer => &[Dpo, Admin],
            Self::SeeDevices => &[Agent, Technician, Clinician, Manager, Admin],
            Self::ManageDevices => &[Technician, Admin],
            Self::ManageUsers | Self::ManagePatients => &[Admin],
            Self::VouchForUsers => &[Admin, Manager],
            Self::SeeRules | Self::SeePolicies => {
                &[Agent, Technician, Clinician, Manager, Dpo, Auditor, Admin]
            }
            Self::ApproveRules | Self::ProposePolicies | Self::ApprovePolicies => &[Clinician, Manager],
            Self::SeeSchedules => &[Agent, Technician, Clinician, Manager, Admin],
            Self::ManageSchedules => &[Manager, Admin],
            Self::SeeTemplates => &[Agent, Technician, Clinician, Manager, Dpo, Auditor, Admin],
            Self::ManageTemplates => &[Clinician, Manager, Dpo],
            Self::SeeWebhooks => &[Manager, Admin],
            Self::ManageWebhooks => &[Admin],
            Self::SeeKpis => &[Manager],
            Self::SeeStatus => &[Technician, Manager, Admin, Dpo, Auditor, Service],
            Self::OwnThings => &[Patient],
        }
    }

    /// Whether `role` holds this right.
    #[must_use]
    pub fn held_by(self, role: Role) -> bool {
        self.roles().contains(&role)
    }
}
