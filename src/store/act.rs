//! One act as the audit log takes it: who did what to whom on which legal ground.

use super::error::{Error, Result};
use super::keys::{Class, Subject};
use super::tx::{Actor, Tx};
use crate::domain::PatientId;

/// An act to be written to the audit log. The actor and the instant are the transaction's.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    kind: &'static str,
    subject: Option<Subject>,
    purpose: Option<&'a str>,
    permitted: Option<bool>,
    code: Option<&'a str>,
    basis: Option<&'a str>,
    epoch: Option<i64>,
    term: Option<&'a [u8]>,
    body: Option<serde_json::Value>,
}

impl<'a> Act<'a> {
    /// An act of one of the log's kinds, such as `consent.revoked`.
    #[must_use]
    pub const fn new(kind: &'static str) -> Self {
        Self {
            kind,
            subject: None,
            purpose: None,
            permitted: None,
            code: None,
            basis: None,
            epoch: None,
            term: None,
            body: None,
        }
    }

    /// The patient it concerns.
    #[must_use]
    pub const fn patient(self, id: PatientId) -> Self {
        self.about(Subject::Patient(id))
    }

    /// Whom it concerns.
    #[must_use]
    pub const fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The purpose, by its dotted name.
    #[must_use]
    pub const fn purpose(mut self, purpose: &'a str) -> Self {
        self.purpose = Some(purpose);
        self
    }

    /// Whether it was permitted.
    #[must_use]
    pub const fn decided(mut self, permitted: bool) -> Self {
        self.permitted = Some(permitted);
        self
    }

    /// A stable code, such as `E_REVOKED`.
    #[must_use]
    pub const fn code(mut self, code: &'a str) -> Self {
        self.code = Some(code);
        self
    }

    /// The legal basis.
    #[must_use]
    pub const fn basis(mut self, basis: &'a str) -> Self {
        self.basis = Some(basis);
        self
    }

    /// The consent epoch.
    #[must_use]
    pub const fn epoch(mut self, epoch: i64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// SHA-256 of the term shown.
    #[must_use]
    pub const fn term(mut self, sha256: &'a [u8]) -> Self {
        self.term = Some(sha256);
        self
    }

    /// Particulars; sealed under the subject's audit key, the entry carries only their hash.
    #[must_use]
    pub fn body(mut self, body: serde_json::Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The log's name for the act.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    pub(in crate::store) fn encode(&self, tx: &mut Tx<'_>) -> Result<Vec<u8>> {
        let _ = (tx.key_or_new(self.subject.unwrap_or(Subject::System), Class::Audit)?, Actor::Operator);
        serde_json::to_vec(&serde_json::json!({ "type": self.kind }))
            .map_err(|_shape| Error::Corrupt("an audit entry"))
    }
}
