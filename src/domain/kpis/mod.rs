//! What figures are computed from: one fact for each thing that happened. A fact holds ids, instants, codes and whole
//! numbers, never text that somebody wrote and never what was measured of a person, and it is never changed.

mod amount;
mod dimensions;
mod kind;
#[cfg(test)]
mod tests;

use super::id::{PatientId, UserId};
use super::time::Instant;
pub use amount::{Amount, Unit};
pub use dimensions::{Code, Dimension, Dimensions};
pub use kind::Kind;

/// One thing that happened, as its capability tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What happened.
    pub kind: Kind,
    /// To what: an alert, an SLA clock, a message, by its id.
    pub subject: String,
    /// Which time, of those that it happened to this subject. Kind, subject and occurrence are one fact however often
    /// they are told.
    pub occurrence: i64,
    /// When it happened; it may lie before facts that are known already.
    pub at: Instant,
    /// Whose it is.
    pub patient: Option<PatientId>,
    /// Who of staff did it.
    pub user: Option<UserId>,
    /// By what figures are grouped.
    pub dimensions: Dimensions,
    /// The number in it.
    pub amount: Option<Amount>,
}

impl Fact {
    /// A fact about nobody, without dimensions and without a number.
    #[must_use]
    pub fn new(kind: Kind, subject: impl ToString, occurrence: i64, at: Instant) -> Self {
        Self {
            kind,
            subject: subject.to_string(),
            occurrence,
            at,
            patient: None,
            user: None,
            dimensions: Dimensions::default(),
            amount: None,
        }
    }

    /// Of this patient.
    #[must_use]
    pub fn of(self, patient: Option<PatientId>) -> Self {
        Self { patient, ..self }
    }

    /// Done by this person of staff.
    #[must_use]
    pub fn by(self, user: Option<UserId>) -> Self {
        Self { user, ..self }
    }

    /// With a dimension.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, code: &str) -> Self {
        self.dimensions.insert(dimension, Code::of(code));
        self
    }

    /// With a number.
    #[must_use]
    pub fn amounting(self, amount: Amount) -> Self {
        Self { amount: Some(amount), ..self }
    }
}
