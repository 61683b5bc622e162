//! Keys per (subject, class), each wrapped by an epoch of the key-encryption key (DESIGN §6). Destroying a wrapped key
//! makes everything it sealed unreadable here. A backup still holds the wrapped key: there it is unreadable once the
//! epoch is retired ([`crate::keys::rewrap`]) and its file destroyed.

mod destroy;
pub mod kek;
pub mod rewrap;
pub mod seal;
pub(crate) mod secret;
pub mod signing;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use diesel::prelude::*;
use ring::hkdf;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::db::conn::{Conn, on};
use super::db::error::{Error, Result};
use super::db::schema::subject_keys;
use super::keys::kek::Keks;
use super::keys::seal::{Broken, KeyRef, Place, Sealer, key_of};
use super::readings::receipt::ReceiptRef;
use domain::{DeviceId, Instant, PatientId, Signal, UserId};

pub(crate) use destroy::destroy;

/// What a key protects; each is destroyed on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Names, documents, contacts.
    Identity,
    /// Readings, chunks, quarantine.
    Telemetry,
    /// Findings, notes, rule state.
    Clinical,
    /// Bodies of messages and commands.
    Message,
    /// Bodies and tags of audit entries, receipts.
    Audit,
}

impl Class {
    /// Every class.
    pub(crate) const ALL: [Self; 5] =
        [Self::Identity, Self::Telemetry, Self::Clinical, Self::Message, Self::Audit];

    /// The stored number.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Self::Identity => 1,
            Self::Telemetry => 2,
            Self::Clinical => 3,
            Self::Message => 4,
            Self::Audit => 5,
        }
    }

    /// From the stored number.
    #[must_use]
    pub(crate) fn from_code(code: i16) -> Option<Self> {
        let all = [Self::Identity, Self::Telemetry, Self::Clinical, Self::Message, Self::Audit];
        all.into_iter().find(|class| class.code() == code)
    }
}

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The installation itself: blind indexes, tags of system acts.
    System,
    /// A patient.
    Patient(PatientId),
    /// A member of staff or a service.
    User(UserId),
    /// A device before it is anybody's.
    Device(DeviceId),
}

impl Subject {
    /// The stored name.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::System => "system".to_owned(),
            Self::Patient(id) => format!("patient:{id}"),
            Self::User(id) => format!("user:{id}"),
            Self::Device(id) => format!("device:{id}"),
        }
    }
}

impl Subject {
    /// From the stored name.
    #[must_use]
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name.split_once(':') {
            None => (name == "system").then_some(Self::System),
            Some(("patient", id)) => id.parse().ok().map(Self::Patient),
            Some(("user", id)) => id.parse().ok().map(Self::User),
            Some(("device", id)) => id.parse().ok().map(Self::Device),
            Some(_) => None,
        }
    }
}

/// One unwrapped key in the forms that are used.
pub struct SubjectKey {
    sealer: Sealer,
    mask: Aes256,
    mac: hmac::Key,
    tag: hmac::Key,
}

impl SubjectKey {
    pub(crate) fn new(dek: &[u8; 32], key_ref: KeyRef) -> Result<Self> {
        let derive = |label: &'static [u8]| -> Result<[u8; 32]> {
            let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"zelo/subject-key/1");
            let mut out = [0_u8; 32];
            salt.extract(dek)
                .expand(&[label], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut out))
                .map_err(|_unspecified| Error::Keys("a key cannot be derived".into()))?;
            Ok(out)
        };
        Ok(Self {
            sealer: Sealer::new(&derive(b"seal")?, key_ref)?,
            mask: Aes256::new(&derive(b"mask")?.into()),
            mac: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"receipt")?),
            tag: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"tag")?),
        })
    }

    /// Seals and opens blobs.
    #[must_use]
    pub(crate) const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Authenticates receipts.
    #[must_use]
    pub const fn receipt_mac(&self) -> &hmac::Key {
        &self.mac
    }

    /// Makes subject tags and blind indexes.
    #[must_use]
    pub(crate) const fn tag_mac(&self) -> &hmac::Key {
        &self.tag
    }

    /// Masks or unmasks a value of the hot journal and its attributes. Its own inverse. Integrity comes from the
    /// receipt.
    #[must_use]
    pub(crate) fn mask(&self, spot: &Spot, bits: i64, attrs: i16) -> (i64, i16) {
        let [_, _, device @ ..] = spot.device_key.to_be_bytes();
        let parts = spot.at.micros().to_be_bytes().into_iter().chain(spot.signal.code().to_be_bytes());
        let mut pad = self.scrambled(parts.chain(device), [0; 16]);
        if let Some(message) = spot.message {
            pad = self.scrambled(message.stored().to_be_bytes().into_iter(), pad);
        }
        let [a, b, c, d, e, f, g, h, i, j, ..] = pad;
        (bits ^ i64::from_be_bytes([a, b, c, d, e, f, g, h]), attrs ^ i16::from_be_bytes([i, j]))
    }

    /// One AES-256 block over `bytes` on top of the block before: two of them are a CBC-MAC of a fixed length.
    fn scrambled(&self, bytes: impl Iterator<Item = u8>, mut block: [u8; 16]) -> [u8; 16] {
        for (to, from) in block.iter_mut().zip(bytes) {
            *to ^= from;
        }
        let mut block = block.into();
        self.mask.encrypt_block(&mut block);
        block.into()
    }
}

/// What a mask is made from. The message is what keeps two values of one (instant, signal, device) apart: a late
/// conflict was brought by another message, and a message's own second value never reaches the disk
/// (`INSERT … ON CONFLICT DO NOTHING`).
pub(crate) struct Spot {
    pub at: Instant,
    pub signal: Signal,
    pub device_key: i64,
    /// `None` for a row from before messages were part of the mask.
    pub message: Option<ReceiptRef>,
}

/// Unwrapped keys, loaded as they are asked for.
pub struct Keyring {
    keks: Keks,
    by_id: RwLock<HashMap<i64, Arc<SubjectKey>>>,
    by_subject: RwLock<HashMap<(Subject, Class), Known>>,
}

type Known = (i64, Arc<SubjectKey>);

#[derive(Queryable)]
struct Row {
    id: i64,
    subject: String,
    class: i16,
    epoch: i64,
    wrapped: Vec<u8>,
    destroyed_at: Option<i64>,
}

impl Keyring {
    /// A keyring over the key-encryption keys.
    #[must_use]
    pub(crate) fn new(keks: Keks) -> Self {
        Self { keks, by_id: RwLock::default(), by_subject: RwLock::default() }
    }

    /// The key-encryption keys.
    #[must_use]
    pub(crate) const fn keks(&self) -> &Keks {
        &self.keks
    }

    /// The key of `(subject, class)`, if there is one that was not destroyed.
    ///
    /// # Errors
    /// [`Broken::KeyDestroyed`] after an erasure; database errors.
    pub(crate) fn find(
        &self,
        conn: &mut Conn,
        subject: Subject,
        class: Class,
    ) -> Result<Option<Arc<SubjectKey>>> {
        if let Some((_, key)) =
            self.by_subject.read().unwrap_or_else(PoisonError::into_inner).get(&(subject, class))
        {
            return Ok(Some(Arc::clone(key)));
        }
        let row = subject_keys::table
            .filter(subject_keys::subject.eq(subject.name()).and(subject_keys::class.eq(class.code())))
            .select(columns())
            .first::<Row>(conn)
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let id = row.id;
        let key = self.unwrap_row(&row).map_err(|error| error.of_key(id))?;
        self.remember(subject, class, id, &key);
        Ok(Some(key))
    }

    /// Creates the key of `(subject, class)`; `None` when another transaction made it meanwhile. The caller remembers
    /// it after its commit.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn create(
        &self,
        conn: &mut Conn,
        subject: Subject,
        class: Class,
        now: Instant,
    ) -> Result<Option<(i64, Arc<SubjectKey>)>> {
        let mut dek = [0_u8; 32];
        SystemRandom::new().fill(&mut dek).map_err(|_unspecified| Broken::NoRandomness)?;
        let name = subject.name();
        let (epoch, wrapped) = self.keks.wrap(&name, class.code(), &dek)?;
        let row = (
            subject_keys::subject.eq(&name),
            subject_keys::class.eq(class.code()),
            subject_keys::epoch.eq(i64::from(epoch)),
            subject_keys::wrapped.eq(&wrapped),
            subject_keys::created_at.eq(now.micros()),
        );
        let id: Option<i64> = on!(conn, |c| diesel::insert_into(subject_keys::table)
            .values(row)
            .on_conflict_do_nothing()
            .returning(subject_keys::id)
            .get_result(c)
            .optional())?;
        id.map(|id| Ok((id, Arc::new(SubjectKey::new(&dek, KeyRef { id, epoch })?)))).transpose()
    }

    /// Keeps a key that is committed.
    pub(crate) fn remember(&self, subject: Subject, class: Class, id: i64, key: &Arc<SubjectKey>) {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(key));
        self.by_subject
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((subject, class), (id, Arc::clone(key)));
    }

    /// Forgets a key that was destroyed.
    pub(crate) fn forget(&self, subject: Subject, class: Class) {
        let gone = self.by_subject.write().unwrap_or_else(PoisonError::into_inner).remove(&(subject, class));
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        match gone {
            Some((id, _)) => drop(by_id.remove(&id)),
            // A blob names its key, so that a key may be known here without whose it is: any of these could be the one.
            None => by_id.clear(),
        }
    }

    /// Forgets a key that was made and not committed, wherever it was looked at meanwhile.
    pub(crate) fn lose(&self, subject: Subject, class: Class, id: i64) {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let mut by_subject = self.by_subject.write().unwrap_or_else(PoisonError::into_inner);
        if by_subject.get(&(subject, class)).is_some_and(|(known, _)| *known == id) {
            by_subject.remove(&(subject, class));
        }
    }

    /// Forgets every key; each is loaded again when it is asked for.
    pub(crate) fn forget_all(&self) {
        self.by_subject.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Opens a sealed blob by the key it names.
    ///
    /// # Errors
    /// [`Broken`] when the key is gone or the bytes are not what was sealed there.
    pub fn open(&self, conn: &mut Conn, place: Place<'_>, blob: &[u8]) -> Result<Vec<u8>> {
        self.opened(conn, place, blob).map_err(|error| error.at(place))
    }

    fn opened(&self, conn: &mut Conn, place: Place<'_>, blob: &[u8]) -> Result<Vec<u8>> {
        let id = key_of(blob)?.id;
        let known = self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(&id).map(Arc::clone);
        let key = match known {
            Some(key) => key,
            None => {
                let row = subject_keys::table.find(id).select(columns()).first::<Row>(conn).optional()?;
                let key = self.unwrap_row(&row.ok_or(Broken::NoKey)?)?;
                self.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&key));
                key
            }
        };
        Ok(key.sealer.open(place, blob)?)
    }

    fn unwrap_row(&self, row: &Row) -> Result<Arc<SubjectKey>> {
        if row.destroyed_at.is_some() {
            return Err(Broken::KeyDestroyed.into());
        }
        let epoch =
            u32::try_from(row.epoch).map_err(|_range| Error::corrupt("subject_keys.epoch").in_row(row.id))?;
        // The key's own row is at fault here, not the value that it sealed.
        let dek = self.keks.unwrap(epoch, &row.subject, row.class, &row.wrapped);
        let dek = dek.map_err(|error| error.of_key(row.id))?;
        Ok(Arc::new(SubjectKey::new(&dek, KeyRef { id: row.id, epoch })?))
    }
}

type Columns = (
    subject_keys::id,
    subject_keys::subject,
    subject_keys::class,
    subject_keys::epoch,
    subject_keys::wrapped,
    subject_keys::destroyed_at,
);

const fn columns() -> Columns {
    (
        subject_keys::id,
        subject_keys::subject,
        subject_keys::class,
        subject_keys::epoch,
        subject_keys::wrapped,
        subject_keys::destroyed_at,
    )
}
