//! Everything that took power away: a person was blocked, a token ended, a consent was revoked, a key was destroyed.
//! Each is a row written in the transaction of its act, so that a restore from an older snapshot revives nobody's
//! access.

use std::collections::HashMap;

use consent::{Giver, Purpose, Records, State};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::consents::{self, ledger};
use crate::db::error::{Error, Result};
use crate::db::schema::{links, sessions, users, withdrawals};
use crate::db::{settings, turn};
use crate::devices::{self, bindings};
use crate::keys::{self, Class, Subject};
use crate::messages::webhooks;
use crate::on_call::feeds;
use crate::people::departures::{self, Why};
use crate::{Act, Actor, Store, Tx, View, patients};
use domain::id::uuid_at;
use domain::{DeviceId, Instant, PatientId, Role, TokenId, UserId};

/// The setting that stands from a restore until somebody acknowledges it.
const UNACKNOWLEDGED: &str = "restore.unacknowledged";
/// The setting that keeps the last head that the newest restore knew to be lost.
const LOST: &str = "restore.lost";

/// Who or what lost which power.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what")]
pub enum Withdrawal {
    /// A consent was revoked.
    #[serde(rename = "consent")]
    Consent {
        /// Whose.
        patient: PatientId,
        /// What for.
        purpose: Purpose,
    },
    /// A sign-in was blocked, or allowed again: the latest row for a person holds.
    #[serde(rename = "user")]
    User {
        /// Who.
        user: UserId,
        /// Whether they are blocked now.
        disabled: bool,
    },
    /// Somebody works in another role.
    #[serde(rename = "role")]
    Role {
        /// Who.
        user: UserId,
        /// The role that they have now.
        role: Role,
    },
    /// An older password or second factor counts no more.
    #[serde(rename = "credentials")]
    Credentials {
        /// Whose.
        user: UserId,
    },
    /// A device was disabled with all its tokens, or enabled again: the latest row holds, and the tokens stay ended.
    #[serde(rename = "device")]
    Device {
        /// Which.
        device: DeviceId,
        /// Whether it is disabled now.
        disabled: bool,
    },
    /// A device's token was ended.
    #[serde(rename = "token")]
    Token {
        /// Whose.
        device: DeviceId,
        /// Which.
        token: TokenId,
    },
    /// A device no longer measures its patient.
    #[serde(rename = "binding")]
    Binding {
        /// Which.
        device: DeviceId,
        /// Whose it was; absent in files of before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        patient: Option<PatientId>,
        /// From when on. `at` is when it was withdrawn.
        #[serde(rename = "until")]
        at: Instant,
    },
    /// A webhook is no longer called.
    #[serde(rename = "webhook")]
    Webhook {
        /// Which.
        webhook: String,
    },
    /// The address of a calendar was closed.
    #[serde(rename = "feed")]
    Feed {
        /// Of which schedule.
        schedule: String,
        /// Whose.
        user: UserId,
    },
    /// A key was destroyed, and with it all that it sealed: an erasure.
    #[serde(rename = "key")]
    Key {
        /// Whose, by its stored name.
        subject: String,
        /// Of which class, by its stored number.
        class: i16,
    },
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Its place among the rows of its database.
    pub seq: i64,
    /// Its own id, the same wherever it is written down.
    pub id: String,
    /// When.
    pub at: Instant,
    /// What.
    #[serde(flatten)]
    pub what: Withdrawal,
}

/// Records a withdrawal in the transaction of its act.
///
/// # Errors
/// Database errors.
pub(crate) fn note(tx: &mut Tx<'_>, what: &Withdrawal) -> Result<()> {
    let json = serde_json::to_string(what).map_err(|_shape| Error::Corrupt("a withdrawal"))?;
    let now = tx.now();
    diesel::insert_into(withdrawals::table)
        .values((
            withdrawals::id.eq(uuid_at(now).to_string()),
            withdrawals::at.eq(now.micros()),
            withdrawals::what.eq(json),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The rows behind place `seq`, at most `limit`, in their order.
///
/// # Errors
/// Database errors; a row that cannot be read.
pub fn after(view: &mut View<'_>, seq: i64, limit: usize) -> Result<Vec<Withdrawn>> {
    let rows: Vec<(i64, String, i64, String)> = withdrawals::table
        .filter(withdrawals::seq.gt(seq))
        .order(withdrawals::seq)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(view.conn)?;
    let read = |(seq, id, at, what): (i64, String, i64, String)| {
        let what = serde_json::from_str(&what).map_err(|_shape| Error::Corrupt("withdrawals.what"))?;
        Ok(Withdrawn { seq, id, at: Instant::from_micros(at), what })
    };
    rows.into_iter().map(read).collect()
}

/// What a restore knew of the time after its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Believed {
    /// Nothing: it was made without `revocations.log`.
    #[default]
    Nothing,
    /// Lines that nobody sealed, or the rest of a file; whoever restored vouches for them.
    Unproven,
    /// A file that proved itself whole.
    Proven,
}

/// The log entry of a restore.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Restored {
    /// When the snapshot was taken; none when the database was put back by hand.
    pub taken_at: Option<Instant>,
    /// The log's last signed head that is known of, as a checkpoint: what was signed since is lost.
    pub lost: Option<String>,
    /// What was known of the time since.
    pub revocations: Believed,
    /// The head that came back.
    pub came_back: Option<String>,
    /// Withdrawals that were applied again.
    pub replayed: usize,
    /// Withdrawals about things that the snapshot does not contain.
    pub beyond: usize,
}

/// Applies again the withdrawals made after the snapshot, ends every session and every one-time link, and enters the
/// restore in the log. It stays unacknowledged until [`acknowledge`].
///
/// # Errors
/// Database errors.
pub fn replay(store: &Store, lines: &[Withdrawn], mut restored: Restored, now: Instant) -> Result<Restored> {
    let mut newer = Vec::new();
    for line in lines {
        let held = withdrawals::table.filter(withdrawals::id.eq(&line.id)).count();
        if store.read(|view| Ok(held.get_result::<i64>(view.conn)?))? == 0 {
            newer.push(&line.what);
        }
    }
    let last = Last::of(&newer);
    for what in newer {
        match store.write(Actor::System("restore"), now, |tx| last.take(tx, what)) {
            Ok(true) => restored.replayed += 1,
            Ok(false) => {}
            // It was made after the snapshot, or ended in it by another way: there is nothing to take away.
            Err(Error::NotFound(_) | Error::Conflict(_) | Error::Rejected(_)) => restored.beyond += 1,
            Err(other) => return Err(other),
        }
    }
    restored.came_back = store.read(crate::audit::newest_note)?;
    store.write(Actor::System("restore"), now, |tx| {
        let open = sessions::table.filter(sessions::ended_at.is_null());
        diesel::update(open)
            .set((sessions::ended_at.eq(Some(now.micros())), sessions::ended_by.eq(Some("restore"))))
            .execute(tx.conn)?;
        diesel::delete(links::table).execute(tx.conn)?;
        let body = serde_json::to_value(&restored).map_err(|_shape| Error::Corrupt("a restore"))?;
        settings::save(tx, UNACKNOWLEDGED, &now.rfc3339())?;
        settings::save(tx, LOST, restored.lost.as_deref().unwrap_or_default())?;
        tx.audit(&Act::new("backup.restored").public(body))
    })?;
    Ok(restored)
}

/// The last head of the log that the newest restore knew to be lost, as a checkpoint: a file that ends before it was
/// replayed with the one that was restored by.
///
/// # Errors
/// Database errors.
pub fn lost(view: &mut View<'_>) -> Result<Option<String>> {
    Ok(settings::get(view, LOST)?.filter(|note| !note.is_empty()))
}

/// When the database was restored, if nobody has acknowledged it.
///
/// # Errors
/// Database errors.
pub fn unacknowledged(view: &mut View<'_>) -> Result<Option<String>> {
    Ok(settings::get(view, UNACKNOWLEDGED)?.filter(|at| !at.is_empty()))
}

/// A named person acknowledges what the restore lost, and why it was made.
///
/// # Errors
/// [`Error::Conflict`] when nothing waits for it; database errors.
pub fn acknowledge(tx: &mut Tx<'_>, name: &str, reason: &str) -> Result<()> {
    let at = unacknowledged(tx)?.ok_or(Error::Conflict("no restore waits to be acknowledged"))?;
    settings::save(tx, UNACKNOWLEDGED, "")?;
    let body = serde_json::json!({ "restored_at": at, "by": name, "reason": reason });
    tx.audit(&Act::new("backup.acknowledged").body(body))
}

/// The latest withdrawal for each person and device.
struct Last {
    users: HashMap<UserId, bool>,
    roles: HashMap<UserId, Role>,
    devices: HashMap<DeviceId, bool>,
}

impl Last {
    fn of(lines: &[&Withdrawal]) -> Self {
        let (mut users, mut roles, mut devices) = (HashMap::new(), HashMap::new(), HashMap::new());
        for line in lines {
            match line {
                Withdrawal::User { user, disabled } => {
                    users.insert(*user, *disabled);
                }
                Withdrawal::Role { user, role } => {
                    roles.insert(*user, *role);
                }
                Withdrawal::Device { device, disabled } => {
                    devices.insert(*device, *disabled);
                }
                _ => {}
            }
        }
        Self { users, roles, devices }
    }

    /// Takes the power away again; whether there was anything to take.
    fn take(&self, tx: &mut Tx<'_>, what: &Withdrawal) -> Result<bool> {
        let before = tx.logged.len();
        tx.unchanged();
        match what {
            Withdrawal::Consent { patient, purpose } => {
                let key = patients::key_of(tx, *patient)?;
                let record = ledger::of(tx, key)?.record(*purpose).map(|record| record.state);
                if matches!(record, Some(State::Granted | State::Suspended)) {
                    consents::revoke(tx, *patient, *purpose, &Giver::System.into())?;
                }
            }
            Withdrawal::User { user, disabled: true } if self.users.get(user) == Some(&true) => {
                if crate::people::users::get(tx, *user)?.disabled_at.is_none() {
                    crate::people::users::disable(tx, *user)?;
                }
            }
            Withdrawal::Role { user, role } if self.roles.get(user) == Some(role) => {
                departures::watched(tx, *user, |tx| {
                    let row = users::table.find(user.to_string());
                    let other = row.filter(users::role.ne(role.name()));
                    let changed = diesel::update(other)
                        .set((users::role.eq(role.name()), users::version.eq(users::version + 1)))
                        .execute(tx.conn)?;
                    if changed == 0 {
                        return Ok(());
                    }
                    note(tx, what)?;
                    let body = serde_json::json!({ "user": user, "role": role.name() });
                    tx.audit(&Act::new("admin.role").about(Subject::User(*user)).body(body))
                })?;
            }
            Withdrawal::Credentials { user } => {
                turn::share(tx)?;
                // The newer ones are lost with the database: a one-time link sets others.
                let row = users::table.find(user.to_string());
                let set = row.filter(users::password.is_not_null().or(users::totp.is_not_null()));
                let cleared = (users::password.eq(None::<String>), users::totp.eq(None::<Vec<u8>>));
                if diesel::update(set).set(cleared).execute(tx.conn)? > 0 {
                    note(tx, what)?;
                    let body = serde_json::json!({ "password": "ended" });
                    tx.audit(&Act::new("admin.config").about(Subject::User(*user)).body(body))?;
                    departures::leave(tx, *user, Why::Credentials)?;
                }
            }
            Withdrawal::Device { device, disabled: true } => {
                if devices::get(tx, *device)?.disabled_at.is_none() {
                    devices::disable(tx, *device)?;
                    if self.devices.get(device) == Some(&false) {
                        devices::enable(tx, *device)?;
                    }
                }
            }
            Withdrawal::User { .. } | Withdrawal::Role { .. } | Withdrawal::Device { .. } => {}
            Withdrawal::Token { device, token } => devices::revoke_token(tx, *device, *token)?,
            Withdrawal::Binding { device, patient, at } => {
                // An end that an older version let lie ahead is one that has come.
                let at = (*at).min(tx.now());
                bindings::unbind(tx, *device, *patient, at)?;
            }
            Withdrawal::Webhook { webhook } => webhooks::disable(tx, webhook)?,
            Withdrawal::Feed { schedule, user } => feeds::close(tx, schedule, *user)?,
            Withdrawal::Key { subject, class } => {
                let subject = Subject::parse(subject).ok_or(Error::NotFound("subject"))?;
                let class = Class::from_code(*class).ok_or(Error::NotFound("class of keys"))?;
                keys::destroy(tx, subject, class)?;
                if let (Subject::User(user), Class::Identity) = (subject, class) {
                    departures::leave(tx, user, Why::Erased)?;
                }
            }
        }
        Ok(tx.logged.len() != before)
    }
}
