//! The circumstances of one request, borrowed so that the hot path allocates nothing.

use crate::Micros;
use crate::datum::Datum;
use crate::denied::Code;
use crate::purpose::Purpose;
use crate::scope::{Channel, Country, Id};

const MINUTE: Micros = 60_000_000;
const HOUR: Micros = 60 * MINUTE;

/// Everything about a request that is not the person, the ledger or the declared bases.
///
/// Built with `Context { data: &[Datum::Reading], ..Context::system(now) }`. What is left out is the
/// strict reading: `Context::default()` has no rights and is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The instant of the transaction.
    pub now: Micros,
    /// The classes of data asked for. None named: everything the purpose may touch.
    pub data: &'a [Datum],
    /// The device the data comes from.
    pub device: Option<Id>,
    /// Who receives the data, when it leaves the house.
    pub recipient: Option<Recipient>,
    /// Where the data goes.
    pub country: Country,
    /// What lets it leave Brazil.
    pub mechanism: Option<Mechanism>,
    /// How a person is to be reached.
    pub reach: Reach,
    /// The care plan that covers the purpose.
    pub care_plan: Option<CarePlan>,
    /// A declared emergency of this person.
    pub emergency: Option<Emergency>,
    /// When the one reading was measured. For many readings use [`crate::Permit::covers`].
    pub measured_at: Option<Micros>,
    /// What role and token of the caller allow.
    pub rights: Rights<'a>,
    /// Purposes suspended by order of ANPD (LGPD art. 15 IV).
    pub authority_orders: &'a [Purpose],
    /// The subject's own open request stands behind the act (LGPD art. 18 V).
    pub subject_request: bool,
    /// The subject asks for their own data (LGPD art. 18 II). The service sets it, never the client.
    pub own: bool,
    /// The data passed a dated test of anonymisation (LGPD art. 12).
    pub anonymised: bool,
}

impl Context<'_> {
    /// The house acts by itself at `now`: ingest, rules, engine.
    #[must_use]
    pub fn system(now: Micros) -> Self {
        Self { now, rights: Rights::System, ..Self::default() }
    }
}

impl<'a> Context<'a> {
    /// A person or a token acts at `now` and may name only these purposes.
    #[must_use]
    pub fn person(now: Micros, purposes: &'a [Purpose]) -> Self {
        Self { now, rights: Rights::Only(purposes), ..Self::default() }
    }
}

/// The purposes a caller may name. The service sets it, never the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights<'a> {
    /// The house itself.
    System,
    /// What both the role and the token carry.
    Only(&'a [Purpose]),
}

impl Default for Rights<'_> {
    fn default() -> Self {
        Self::Only(&[])
    }
}

impl Rights<'_> {
    /// Whether the caller may name `purpose`.
    #[must_use]
    pub fn hold(&self, purpose: Purpose) -> bool {
        match self {
            Self::System => true,
            Self::Only(purposes) => purposes.contains(&purpose),
        }
    }
}

/// Who receives data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// Which one.
    pub id: Id,
    /// What it is.
    pub class: RecipientClass,
    /// Whether it receives health data for economic advantage (LGPD art. 11 §4).
    pub economic: bool,
}

/// What a recipient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientClass {
    /// A clinic, a hospital, a professional.
    CareProvider,
    /// An operator that acts on instruction (LGPD art. 39).
    Processor,
    /// An operator of health plans.
    HealthPlan {
        /// For risk selection, hiring or exclusion (LGPD art. 11 §5).
        underwriting: bool,
    },
    /// A trader in personal data.
    DataBroker,
    /// A research body (LGPD art. 5 XVIII).
    ResearchBody {
        /// Non-profit by its statutes.
        non_profit: bool,
        /// The ethics approval holds until this instant, exclusive; `None`: there is none.
        approved_until: Option<Micros>,
    },
    /// The person to call.
    EmergencyContact,
    /// A public authority.
    Authority,
    /// The subject.
    Subject,
}

/// What lets data leave Brazil (LGPD art. 33).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The country is recognised as adequate (art. 33 I).
    Adequacy,
    /// Standard contractual clauses (art. 33 II b).
    Clauses,
    /// Global corporate rules (art. 33 II c).
    CorporateRules,
    /// Protection of life (art. 33 IV).
    Life,
    /// Specific and highlighted consent (art. 33 VIII): counts only while a grant names the country.
    SpecificConsent,
}

/// How a person is to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Not stated: a message purpose is then refused.
    #[default]
    Unstated,
    /// Staff, by the house's own means: only `alert.escalate`.
    Staff,
    /// The patient or their contact, on a channel.
    To {
        /// Which.
        channel: Channel,
        /// The number or address opted in, for this purpose.
        opted_in: bool,
        /// The class of the template may be used on it.
        template_allowed: bool,
        /// It is quiet hours where they live.
        quiet_hours: bool,
        /// It is about a red alert.
        red: bool,
    },
}

/// The care plan that the health-care basis needs (LGPD art. 11 II f).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CarePlan {
    /// In force from.
    pub from: Micros,
    /// Until, exclusive; `None`: open.
    pub until: Option<Micros>,
    /// Council and number of the professional are present.
    pub professional: bool,
    /// The establishment's CNES is present.
    pub cnes: bool,
    /// The telemedicine term is accepted (CFM 2.314/2022 art. 15).
    pub cfm_term: bool,
}

impl CarePlan {
    /// Whether it carries `purpose` at `now`.
    #[must_use]
    pub fn carries(&self, purpose: Purpose, now: Micros) -> bool {
        let active = self.from <= now && self.until.is_none_or(|until| now < until);
        active && self.professional && self.cnes && (self.cfm_term || !purpose.is_clinical())
    }
}

/// A declared emergency (LGPD art. 11 II e).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emergency {
    /// When it was declared.
    pub declared_at: Micros,
    /// When a named human confirmed it.
    pub confirmed_at: Option<Micros>,
    /// A red alert is open: what `alert.evaluate` may finish, and nothing else.
    pub open_red: bool,
}

impl Emergency {
    /// A human must confirm within this.
    pub const CONFIRM_WITHIN: Micros = 15 * MINUTE;
    /// It never lasts longer than this.
    pub const LASTS: Micros = 24 * HOUR;

    /// Whether it counts at `now`. Confirmed too late, it must be declared again.
    ///
    /// # Errors
    /// `E_EMERGENCY_LAPSED`, which belongs in the audit log: unconfirmed after 15 minutes, or older than 24 hours.
    pub fn standing(&self, now: Micros) -> Result<(), Code> {
        let age = now.saturating_sub(self.declared_at);
        let confirmed = self.confirmed_at.is_some_and(|at| {
            (0..=Self::CONFIRM_WITHIN).contains(&at.saturating_sub(self.declared_at)) && at <= now
        });
        let limit = if confirmed { Self::LASTS } else { Self::CONFIRM_WITHIN };
        if (0..=limit).contains(&age) { Ok(()) } else { Err(Code::EmergencyLapsed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emergency_lapses_unconfirmed_after_15_minutes_and_confirmed_after_24_hours() {
        let declared = Emergency { declared_at: 0, confirmed_at: None, open_red: true };
        assert!(declared.standing(15 * MINUTE).is_ok());
        assert_eq!(declared.standing(15 * MINUTE + 1), Err(Code::EmergencyLapsed));
        assert!(declared.standing(-1).is_err(), "not before it was declared");
        let confirmed = Emergency { confirmed_at: Some(15 * MINUTE), ..declared };
        assert!(confirmed.standing(24 * HOUR).is_ok());
        assert!(confirmed.standing(24 * HOUR + 1).is_err());
        let late = Emergency { confirmed_at: Some(15 * MINUTE + 1), ..declared };
        assert!(late.standing(HOUR).is_err(), "a late confirmation revives nothing");
    }
}
