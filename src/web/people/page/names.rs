//! Names behind ids, each looked up once for a page.

use std::collections::HashMap;

use crate::http::fault::Fault;
use crate::pages::visit::Room;
use crate::pages::{Owner, Snoozed};
use crate::privacy::pseudonyms;
use domain::alerts::Snooze;
use domain::{Can, DeviceId, PatientId, Role, UserId};
use store::people::users;
use store::privacy::accesses::What;
use store::{View, devices, patients};

/// Names of users, patients and devices.
#[derive(Default)]
pub(crate) struct People {
    users: HashMap<UserId, String>,
    patients: HashMap<PatientId, String>,
    devices: HashMap<DeviceId, String>,
}

impl People {
    /// A user's name; their id once erased.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn user(&mut self, view: &mut View<'_>, id: UserId) -> Result<String, Fault> {
        if let Some(name) = self.users.get(&id) {
            return Ok(name.clone());
        }
        let user = users::get(view, id)?;
        // A patient who acts for themselves is no name on anybody's page: that is theirs alone.
        let name = match user.identity.filter(|_| user.role != Role::Patient) {
            Some(who) => String::from(who.name),
            None => reference(&id.to_string()),
        };
        self.users.insert(id, name.clone());
        Ok(name)
    }

    /// Who holds something, as the viewer `me` reads it.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn owner(
        &mut self,
        view: &mut View<'_>,
        id: Option<UserId>,
        me: UserId,
    ) -> Result<Option<Owner>, Fault> {
        id.map(|id| Ok(Owner { name: self.user(view, id)?, me: id == me })).transpose()
    }

    /// That an alert is put off, if it is.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn snoozed(
        &mut self,
        view: &mut View<'_>,
        snooze: Option<Snooze>,
    ) -> Result<Option<Snoozed>, Fault> {
        snooze.map(|one| Ok(Snoozed { until: one.until, by: self.user(view, one.by)? })).transpose()
    }

    /// The name behind a stored actor (`user:<id>`, `system:…`); `None` for the program itself.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn actor(&mut self, view: &mut View<'_>, actor: &str) -> Result<Option<String>, Fault> {
        match actor.strip_prefix("user:").and_then(|id| id.parse().ok()) {
            Some(id) => self.user(view, id).map(Some),
            None => Ok(None),
        }
    }

    /// Who acted on what is a patient's: as [`People::actor`], but patients who act for themselves are called that, and by
    /// no id under which another page knows them.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn hand(
        &mut self,
        view: &mut View<'_>,
        room: &Room,
        actor: &str,
    ) -> Result<Option<String>, Fault> {
        match actor.strip_prefix("user:").and_then(|id| id.parse().ok()) {
            Some(id) => self.hand_of(view, room, id).map(Some),
            None => Ok(None),
        }
    }

    /// [`People::hand`] of a user.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn hand_of(&mut self, view: &mut View<'_>, room: &Room, id: UserId) -> Result<String, Fault> {
        match users::role_of(view, id)? {
            Some(Role::Patient) => Ok(room.words().say("the-patient")),
            _ => self.user(view, id),
        }
    }

    /// A patient's name for who may reach them, which is a look at who they are; else, and once erased, a reference.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn patient(
        &mut self,
        view: &mut View<'_>,
        room: &Room,
        id: PatientId,
    ) -> Result<String, Fault> {
        if !room.viewer.may(Can::SeeContacts) {
            return Ok(reference(&pseudonyms::shown(view, &room.viewer, id)?.to_string()));
        }
        room.sight.saw(id, What::Identity);
        self.name(view, room, id)
    }

    /// The same for what a person looks for: it is held against names and not shown.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn name(&mut self, view: &mut View<'_>, room: &Room, id: PatientId) -> Result<String, Fault> {
        if let Some(name) = self.patients.get(&id) {
            return Ok(name.clone());
        }
        let patient = patients::get(view, &room.viewer.audience, id)?;
        let name = patient.identity.map_or_else(|| reference(&id.to_string()), |who| String::from(who.name));
        self.patients.insert(id, name.clone());
        Ok(name)
    }

    /// What people call a device.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn device(&mut self, view: &mut View<'_>, id: DeviceId) -> Result<String, Fault> {
        if let Some(name) = self.devices.get(&id) {
            return Ok(name.clone());
        }
        let name = String::from(devices::get(view, id)?.identity.label);
        self.devices.insert(id, name.clone());
        Ok(name)
    }
}

/// The first and the last word of a name.
#[must_use]
pub(crate) fn short(name: &str) -> String {
    let mut words = name.split_whitespace();
    match (words.next(), words.next_back()) {
        (Some(first), Some(last)) => format!("{first} {last}"),
        _ => name.to_owned(),
    }
}

/// How a record is called for those who see no name: the end of its id.
#[must_use]
pub(crate) fn reference(id: &str) -> String {
    let tail: Vec<char> = id.chars().rev().take(8).collect();
    tail.into_iter().rev().collect()
}
