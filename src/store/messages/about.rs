//! What a message is about, and its legal ground. A message about a patient can be planned and handed over only with a
//! permit: the types allow no other way.

use std::collections::BTreeMap;

use consent::{AlertEscalate, Denied, Permit, Purpose, Reaches, Verdict};

use super::Stored;
use crate::consents::permits;
use crate::db::error::Result;
use crate::db::tx::Tx;
use domain::PatientId;

/// The kind of case that an alert is.
pub const ALERT: &str = "alert";

/// The permit under which a message about a patient is planned. It is asked again when the message is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ground {
    patient: PatientId,
    purpose: Purpose,
}

impl Ground {
    /// From a permit of this transaction.
    pub(crate) const fn of<P: Reaches>(patient: PatientId, _permit: &Permit<P>) -> Self {
        Self { patient, purpose: P::PURPOSE }
    }

    /// Asks for the permit to call people about a patient; the outer error is the database's.
    ///
    /// # Errors
    /// Database errors.
    pub fn ask(tx: &mut Tx<'_>, patient: PatientId) -> Result<std::result::Result<Self, Denied>> {
        let asked = permits::ask_of::<AlertEscalate>(tx, patient)?;
        Ok(asked.map(|permit| Self::of(patient, &permit)))
    }

    /// As [`Ground::ask`], for several patients at once.
    ///
    /// # Errors
    /// Database errors.
    pub fn ask_all(
        tx: &mut Tx<'_>,
        patients: &[PatientId],
    ) -> Result<BTreeMap<PatientId, std::result::Result<Self, Denied>>> {
        let asked = permits::ask_all::<AlertEscalate>(tx, patients)?;
        let ground = |(id, asked): (PatientId, permits::Asked<AlertEscalate>)| {
            (id, asked.map(|permit| Self::of(id, &permit)))
        };
        Ok(asked.into_iter().map(ground).collect())
    }

    /// The ground as a row stores it: nothing can be sent by it before [`super::hand_over()`] has asked again.
    pub(super) const fn stored(patient: PatientId, purpose: Purpose) -> Self {
        Self { patient, purpose }
    }

    /// The patient.
    #[must_use]
    pub const fn patient(self) -> PatientId {
        self.patient
    }

    /// The purpose.
    #[must_use]
    pub(crate) const fn purpose(self) -> Purpose {
        self.purpose
    }
}

/// The affairs of the installation itself that a message may be about, without a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The engine: what is late or stuck.
    Engine,
    /// A schedule: turns and gaps.
    Schedule,
    /// A person tests their own channels.
    Trial,
    /// A test of a webhook.
    Webhook,
    /// The audit log itself.
    Audit,
}

impl Topic {
    const ALL: [Self; 5] = [Self::Engine, Self::Schedule, Self::Trial, Self::Webhook, Self::Audit];

    /// The kind's name in the store.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Schedule => "schedule",
            Self::Trial => "trial",
            Self::Webhook => "webhook",
            Self::Audit => "audit",
        }
    }
}

/// What a message is about.
#[derive(Debug, Clone)]
pub struct About<'a> {
    pub(super) kind: &'a str,
    pub(super) subject: &'a str,
    pub(super) ground: Option<Ground>,
}

impl<'a> About<'a> {
    /// A case of a patient, by its kind and id.
    #[must_use]
    pub const fn patient(ground: Ground, kind: &'a str, subject: &'a str) -> Self {
        Self { kind, subject, ground: Some(ground) }
    }

    /// The installation itself.
    #[must_use]
    pub const fn house(topic: Topic, subject: &'a str) -> Self {
        Self { kind: topic.name(), subject, ground: None }
    }
}

/// A message that may leave now. Only [`super::hand_over()`] makes one, and a message can be made only from one.
#[derive(Debug)]
pub struct Cleared {
    message: Stored,
    _permit: Option<Verdict>,
}

impl Cleared {
    pub(super) const fn new(message: Stored, permit: Option<Verdict>) -> Self {
        Self { message, _permit: permit }
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Stored {
        &self.message
    }
}

/// Whether a kind is one of the installation's own affairs.
pub(super) fn is_house(kind: &str) -> bool {
    Topic::ALL.iter().any(|topic| topic.name() == kind)
}
