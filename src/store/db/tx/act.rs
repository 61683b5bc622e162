//! One act as the audit log takes it: who did what to whom on which legal ground.

use diesel::prelude::*;
use ring::rand::SystemRandom;
use uuid::Uuid;

use crate::db::conn::insert_all;
use crate::db::error::{Error, Result};
use crate::db::schema::{audit_bodies, audit_entries};
use crate::db::tx::{Actor, Tx};
use crate::keys::seal::{Broken, Place};
use crate::keys::{Class, Subject};
use audit::entry::Alg;
use audit::tag::tag;
use audit::{ActorKind, Body, Decision, Digest, Entry, EntryType, Nonce};
use domain::id::uuid_at;
use domain::{PatientId, Role};

/// What a transaction logs: written in one go before its commit, however much it is.
#[derive(Default)]
pub(crate) struct Logged {
    entries: Vec<KeptEntry>,
    bodies: Vec<KeptBody>,
}

#[derive(Insertable)]
#[diesel(table_name = audit_entries)]
struct KeptEntry {
    at: i64,
    kind: &'static str,
    entry: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = audit_bodies)]
struct KeptBody {
    hash: Vec<u8>,
    subject: String,
    bytes: Vec<u8>,
}

impl Logged {
    /// How much there is, to come back to with [`Logged::cut`].
    pub(crate) const fn len(&self) -> (usize, usize) {
        (self.entries.len(), self.bodies.len())
    }

    /// Forgets what came after.
    pub(crate) fn cut(&mut self, entries: usize, bodies: usize) {
        self.entries.truncate(entries);
        self.bodies.truncate(bodies);
    }

    /// Writes what a transaction logged.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn write(tx: &mut Tx<'_>) -> Result<()> {
        let Self { entries, bodies } = std::mem::take(&mut tx.logged);
        insert_all!(tx, audit_bodies::table, bodies);
        insert_all!(tx, audit_entries::table, entries);
        Ok(())
    }
}

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
    public: bool,
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
            public: false,
        }
    }

    /// The patient it concerns.
    #[must_use]
    pub const fn patient(self, id: PatientId) -> Self {
        self.about(Subject::Patient(id))
    }

    /// Whom it concerns.
    #[must_use]
    pub(crate) const fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The purpose, by its dotted name.
    #[must_use]
    pub(crate) const fn purpose(mut self, purpose: &'a str) -> Self {
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
    pub(crate) const fn basis(mut self, basis: &'a str) -> Self {
        self.basis = Some(basis);
        self
    }

    /// The consent epoch.
    #[must_use]
    pub(crate) const fn epoch(mut self, epoch: i64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// SHA-256 of the term shown.
    #[must_use]
    pub(crate) const fn term(mut self, sha256: &'a [u8]) -> Self {
        self.term = Some(sha256);
        self
    }

    /// Particulars; sealed under the subject's audit key, the entry carries only their hash.
    #[must_use]
    pub fn body(mut self, body: serde_json::Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Particulars that are nobody's, kept in clear: an export carries them, so that an outsider can read them.
    #[must_use]
    pub(crate) fn public(self, body: serde_json::Value) -> Self {
        Self { public: true, ..self.body(body) }
    }

    /// The log's name for the act.
    #[must_use]
    pub(crate) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Puts the entry, and beside it its body, to what the transaction logs.
    pub(crate) fn log(&self, tx: &mut Tx<'_>) -> Result<()> {
        let entry = self.encode(tx)?;
        let at = tx.now().micros();
        tx.logged.entries.push(KeptEntry { at, kind: self.kind, entry });
        Ok(())
    }

    /// The canonical bytes of the entry; the body is kept beside the log.
    pub(crate) fn encode(&self, tx: &mut Tx<'_>) -> Result<Vec<u8>> {
        let kind = EntryType::from_name(self.kind)
            .ok_or_else(|| Error::Audit(format!("{} is not a kind of entry", self.kind)))?;
        let nonce = Nonce::fresh(&SystemRandom::new()).map_err(|_unspecified| Broken::NoRandomness)?;
        let actor = Self::actor(tx, nonce, kind)?;
        let now = tx.now();
        let mut entry = Entry::new(kind, uuid_at(now), now, nonce, actor);
        if let Some(subject) = self.subject {
            entry.subject = Some(tag(tx.key_or_new(subject, Class::Audit)?.tag_mac(), nonce, kind));
        }
        entry.basis = self.basis.map(str::to_owned);
        entry.code = self.code.map(str::to_owned);
        entry.purpose = self.purpose.map(str::to_owned);
        entry.decision = self.permitted.map(|yes| if yes { Decision::Permit } else { Decision::Deny });
        entry.epoch = self.epoch.and_then(|epoch| u64::try_from(epoch).ok());
        entry.term = self.term.and_then(|hash| <[u8; 32]>::try_from(hash).ok()).map(Digest);
        entry.body = match &self.body {
            Some(body) => Some(self.keep_body(tx, entry.id, body)?),
            None => None,
        };
        entry.canonical().map_err(|refused| Error::Audit(refused.to_string()))
    }

    fn actor(tx: &mut Tx<'_>, nonce: Nonce, kind: EntryType) -> Result<audit::Actor> {
        let (kind_of_actor, whose) = match tx.actor() {
            Actor::User { id, role: Role::Patient } => (ActorKind::Subject, Some(Subject::User(id))),
            Actor::User { id, .. } => (ActorKind::User, Some(Subject::User(id))),
            Actor::Device(id) => (ActorKind::Device, Some(Subject::Device(id))),
            Actor::System(_) | Actor::Operator => (ActorKind::System, None),
        };
        let tag = match whose {
            Some(subject) => Some(tag(tx.key_or_new(subject, Class::Audit)?.tag_mac(), nonce, kind)),
            None => None,
        };
        Ok(audit::Actor { kind: kind_of_actor, tag })
    }

    fn keep_body(&self, tx: &mut Tx<'_>, id: Uuid, body: &serde_json::Value) -> Result<Body> {
        let subject = self.subject.unwrap_or(Subject::System);
        let id = id.to_string();
        let (alg, bytes) = if self.public {
            let plain = serde_json::to_vec(body).map_err(|_shape| Error::corrupt("a body in clear"))?;
            (Alg::Clear, plain)
        } else {
            let place = Place::new("audit_bodies", "bytes", &id);
            (Alg::Sealed, tx.seal_json(subject, Class::Audit, place, body)?)
        };
        let hash = Digest::of(&bytes);
        let n = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        tx.logged.bodies.push(KeptBody { hash: hash.0.to_vec(), subject: subject.name(), bytes });
        Ok(Body { alg, hash, n })
    }
}
