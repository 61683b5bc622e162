//! After a restore: what was withdrawn since the snapshot is withdrawn again.

use std::collections::HashMap;

use consent::{Giver, Records, State};
use diesel::prelude::*;

use super::withdrawals::{LOST, Restored, UNACKNOWLEDGED, Withdrawal, Withdrawn, note};
use crate::consents::{self, ledger};
use crate::db::error::{Error, Result};
use crate::db::schema::{links, sessions, users, withdrawals};
use crate::db::{settings, turn};
use crate::devices::{self, bindings};
use crate::keys::{self, Class, Subject};
use crate::messages::webhooks;
use crate::on_call::feeds;
use crate::people::departures::{self, Why};
use crate::{Act, Actor, Store, Tx, patients};
use domain::{DeviceId, Instant, Role, UserId};

/// Applies again the withdrawals made after the snapshot, ends every session and every one-time link, and enters the
/// restore in the log. It stays unacknowledged until [`acknowledge`](super::withdrawals::acknowledge).
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
        let body = serde_json::to_value(&restored).map_err(|_shape| Error::corrupt("a restore"))?;
        settings::save(tx, UNACKNOWLEDGED, &now.rfc3339())?;
        settings::save(tx, LOST, restored.lost.as_deref().unwrap_or_default())?;
        tx.audit(&Act::new("backup.restored").public(body))
    })?;
    Ok(restored)
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
