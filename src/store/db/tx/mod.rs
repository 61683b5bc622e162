//! Reading and changing: a [`View`] reads; a [`Tx`] changes as an actor at an instant, and leaves its audit entry in
//! the same transaction (laws 2 and 3).

pub(crate) mod act;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::db::conn::Conn;
use crate::db::error::{Error, Result};
use crate::db::turn::locks::{Lock, Locks};
use crate::db::tx::act::{Act, Logged};
use crate::keys::seal::{Broken, Place};
use crate::keys::{Class, Keyring, Subject, SubjectKey};
use crate::live::names::NAMES;
use domain::kpis::Fact;
use domain::{AlertId, DeviceId, Instant, Role, UserId};

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person or service.
    User {
        /// Who.
        id: UserId,
        /// As what.
        role: Role,
    },
    /// A device over MQTT.
    Device(DeviceId),
    /// A part of the program, by its name: an engine module, the demo's seeding.
    System(&'static str),
    /// The operator at the command line.
    Operator,
}

impl Actor {
    /// The stored form: `user:<id>`, `device:<id>`, `system:<name>`, `operator`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::User { id, .. } => format!("user:{id}"),
            Self::Device(id) => format!("device:{id}"),
            Self::System(name) => format!("system:{name}"),
            Self::Operator => "operator".to_owned(),
        }
    }
}

/// A connection with the keys to open what it reads.
pub struct View<'a> {
    /// The connection; only modules of `store` use it.
    pub(crate) conn: &'a mut Conn,
    pub(crate) keys: &'a Keyring,
}

impl View<'_> {
    /// Opens a sealed blob.
    ///
    /// # Errors
    /// The key is gone, or the bytes are not what was sealed there.
    pub fn open(&mut self, place: Place<'_>, blob: &[u8]) -> Result<Vec<u8>> {
        self.keys.open(self.conn, place, blob)
    }

    /// Opens a sealed JSON value.
    ///
    /// # Errors
    /// As [`View::open`]; the plain bytes are not that value.
    pub(crate) fn open_json<T: DeserializeOwned>(&mut self, place: Place<'_>, blob: &[u8]) -> Result<T> {
        let plain = self.open(place, blob)?;
        serde_json::from_slice(&plain).map_err(|_shape| Error::corrupt_at(place))
    }

    /// The key of (subject, class).
    ///
    /// # Errors
    /// [`Broken::NoKey`] when there is none, [`Broken::KeyDestroyed`] after an erasure.
    pub fn key(&mut self, subject: Subject, class: Class) -> Result<Arc<SubjectKey>> {
        let found = self.keys.find(self.conn, subject, class)?;
        found.ok_or_else(|| Error::from(Broken::NoKey).of_key(subject.name()))
    }

    /// A keyed blind index of `text` in the domain `label`, for looking up what is stored sealed.
    ///
    /// # Errors
    /// The system key is missing: the database was not initialised.
    pub fn blind(&mut self, label: &str, text: &str) -> Result<Vec<u8>> {
        let key = self.key(Subject::System, Class::Identity)?;
        let mut mac = ring::hmac::Context::with_key(key.tag_mac());
        mac.update(label.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        Ok(mac.sign().as_ref().to_vec())
    }
}

/// A name and an id that open dashboards and other parts of the program are told after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signalled {
    /// The row id, for `Last-Event-ID`; 0 for a signal that is not kept.
    pub id: i64,
    /// The event's name, such as `alert.changed`.
    pub name: &'static str,
    /// The id it concerns.
    pub subject: String,
}

/// What in-memory copies must drop when a transaction commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Touched {
    /// A patient's consents, block or keys.
    Patient(i64),
    /// A device's binding, token or state.
    Device(i64),
    /// The rule set.
    Rules,
    /// All of it: this node did not hear the others for a while.
    Everything,
}

/// A running transaction.
pub struct Tx<'a> {
    view: View<'a>,
    actor: Actor,
    now: Instant,
    /// The audit entries to write.
    pub(crate) logged: Logged,
    /// Signals that are stored, still without their numbers.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// What happened, for figures: still without numbers.
    pub(crate) facts: Vec<Fact>,
    pub(crate) signals: Vec<Signalled>,
    pub(crate) touched: Vec<Touched>,
    pub(crate) elsewhere: Vec<Touched>,
    pub(crate) fresh: Vec<(Subject, Class, i64, Arc<SubjectKey>)>,
    pub(crate) destroyed: Vec<(Subject, Class)>,
    pub(crate) entries: usize,
    /// Alerts that were wanted, and whether they were free.
    pub(crate) wanted: Vec<(AlertId, bool)>,
    locks: Locks,
}

impl<'a> Deref for Tx<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl<'a> DerefMut for Tx<'a> {
    fn deref_mut(&mut self) -> &mut View<'a> {
        &mut self.view
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn new(view: View<'a>, actor: Actor, now: Instant) -> Self {
        Self {
            view,
            actor,
            now,
            logged: Logged::default(),
            kept: Vec::new(),
            facts: Vec::new(),
            signals: Vec::new(),
            touched: Vec::new(),
            elsewhere: Vec::new(),
            fresh: Vec::new(),
            destroyed: Vec::new(),
            entries: 0,
            wanted: Vec::new(),
            locks: Locks::default(),
        }
    }

    /// Notes a lock that this transaction takes. Debug builds assert its place in the order.
    pub(crate) fn lock(&mut self, lock: Lock) {
        if matches!(&*self.view.conn, Conn::Pg(_)) {
            let order = self.locks.take(lock);
            debug_assert!(order.is_ok(), "{lock:?} out of order: {order:?}");
        }
    }

    /// Ends an act on one alert; the next may begin at the top of the order.
    pub(crate) const fn step_out(&mut self) {
        self.locks.step_out();
    }

    /// Whether the turn between people and telemetry is held. On SQLite there is one writer.
    pub(crate) const fn holds_turn(&self) -> bool {
        matches!(&*self.view.conn, Conn::Sqlite(_)) || self.locks.hold_turn()
    }

    /// Whether the consents of a patient are held as they stand. On SQLite there is one writer.
    pub(crate) fn holds_consents(&self, patient_key: i64) -> bool {
        matches!(&*self.view.conn, Conn::Sqlite(_)) || self.locks.hold_consents(patient_key)
    }

    /// Whether an alert's row is held. On SQLite there is one writer.
    pub(crate) fn holds_alert(&self, id: AlertId) -> bool {
        matches!(&*self.view.conn, Conn::Sqlite(_)) || self.locks.hold_alert(id)
    }

    /// Who acts.
    #[must_use]
    pub(crate) const fn actor(&self) -> Actor {
        self.actor
    }

    /// When.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The key of (subject, class), made when it is not there.
    ///
    /// # Errors
    /// The key was destroyed; database errors.
    pub fn key_or_new(&mut self, subject: Subject, class: Class) -> Result<Arc<SubjectKey>> {
        if let Some((.., key)) = self.fresh.iter().find(|(s, c, ..)| *s == subject && *c == class) {
            return Ok(Arc::clone(key));
        }
        if let Some(key) = self.view.keys.find(self.view.conn, subject, class)? {
            return Ok(key);
        }
        let Some((id, key)) = self.view.keys.create(self.view.conn, subject, class, self.now)? else {
            return self.view.key(subject, class);
        };
        self.fresh.push((subject, class, id, Arc::clone(&key)));
        Ok(key)
    }

    /// Seals bytes for a place under the subject's key of that class.
    ///
    /// # Errors
    /// The key was destroyed; no randomness.
    pub(crate) fn seal(
        &mut self,
        subject: Subject,
        class: Class,
        place: Place<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>> {
        Ok(self.key_or_new(subject, class)?.sealer().seal(place, plain)?)
    }

    /// Seals a value as JSON.
    ///
    /// # Errors
    /// As [`Tx::seal`].
    pub(crate) fn seal_json<T: Serialize>(
        &mut self,
        subject: Subject,
        class: Class,
        place: Place<'_>,
        value: &T,
    ) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(value).map_err(|_shape| Error::corrupt("a value to seal"))?;
        self.seal(subject, class, place, &plain)
    }

    /// Logs the act in this transaction: its entry is written as it ends.
    ///
    /// # Errors
    /// The entry is not in the log's form; database errors.
    pub fn audit(&mut self, act: &Act<'_>) -> Result<()> {
        act.log(self)?;
        self.entries += 1;
        Ok(())
    }

    /// Notes that there was nothing to change, so that no entry is due (revoking twice).
    pub(crate) const fn unchanged(&mut self) {
        self.entries += 1;
    }

    /// Tells open dashboards, after the commit, that something with this id changed. It is numbered as the last
    /// thing before the commit, so that numbers grow in the order of commits.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a name that other nodes do not know.
    pub fn signal(&mut self, name: &'static str, subject: impl ToString) -> Result<()> {
        if !NAMES.contains(&name) {
            return Err(Error::corrupt("a signal's name"));
        }
        self.kept.push((name, subject.to_string()));
        Ok(())
    }

    /// Sends every node a signal after the commit, which is not stored.
    pub fn tell_nodes(&mut self, name: &'static str, subject: impl ToString) {
        self.signals.push(Signalled { id: 0, name, subject: subject.to_string() });
    }

    /// Drops in-memory copies of the other nodes when this transaction commits.
    pub fn touch_elsewhere(&mut self, what: Touched) {
        self.elsewhere.push(what);
    }

    /// Drops in-memory copies when this transaction commits.
    pub(crate) fn touch(&mut self, what: Touched) {
        self.touched.push(what);
    }
}
