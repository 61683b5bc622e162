//! What the decision must know about the person, without knowing who it is.

use serde::{Deserialize, Serialize};

use crate::datum::Datum;
use crate::scope::Allowed;

registry! {
    /// The age, as far as the law asks. Bands change at 00:00 in America/Sao_Paulo.
    AgeBand {
        /// Under 12 (LGPD art. 14 §1; Lei 8.069/1990 art. 2).
        Child = 1, "child";
        /// 12 to 15: a guardian grants, the adolescent assents.
        Young = 2, "young";
        /// 16 and 17: the subject grants, the guardian knows.
        Adolescent = 3, "adolescent";
        /// 18 and over.
        Adult = 4, "adult";
    }
}

impl AgeBand {
    /// Under 18.
    #[must_use]
    pub const fn is_minor(self) -> bool {
        !matches!(self, Self::Adult)
    }

    /// Under 16: a guardian's grant is needed.
    #[must_use]
    pub const fn needs_guardian(self) -> bool {
        matches!(self, Self::Child | Self::Young)
    }
}

registry! {
    /// Where the authority of a guardian or curator stands now.
    Guardian {
        /// Nobody acts for this person.
        Absent = 1, "absent";
        /// Verified and in force.
        Verified = 2, "verified";
        /// Ended, or never verified.
        Lapsed = 3, "lapsed";
    }
}

/// The person, as the decision sees them. The default is an adult who acts alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The age band now.
    pub age_band: AgeBand,
    /// What is blocked (LGPD art. 18 IV); `None`: nothing.
    pub blocked: Option<Allowed<Datum>>,
    /// Erased at their request (LGPD art. 18 VI).
    pub erased: bool,
    /// The authority of whoever acts for them.
    pub guardian: Guardian,
    /// A dated assessment that health care serves this minor best (LGPD art. 14; Enunciado CD/ANPD 1/2023).
    pub best_interest: bool,
}

impl Default for Subject {
    fn default() -> Self {
        Self {
            age_band: AgeBand::Adult,
            blocked: None,
            erased: false,
            guardian: Guardian::Absent,
            best_interest: false,
        }
    }
}
