//! Copies of what the commit asks of devices and patients. On SQLite every change goes through this process
//! and drops its copy before the next commit; on PostgreSQL nothing outlives a commit.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::admit::Admitted;
use domain::{DeviceId, Instant};
use store::devices::roster::{self, DeviceRow, PatientRow};
use store::keys::SubjectKey;
use store::{Class, Error, Result, Subject, Touched, Tx, Url};

/// A patient with the keys that readings need.
pub(crate) struct PatientCopy {
    /// The person and their consents.
    pub row: PatientRow,
    /// Masks readings.
    pub telemetry: Arc<SubjectKey>,
    /// Signs receipts.
    pub audit: Arc<SubjectKey>,
}

/// The copies.
#[derive(Default)]
pub(crate) struct Roster {
    devices: HashMap<DeviceId, Option<Arc<DeviceRow>>>,
    patients: HashMap<i64, Arc<PatientCopy>>,
}

impl Roster {
    /// Drops what changed since the last commit.
    pub(crate) fn refresh(&mut self, url: &Url, touched: &[Touched]) {
        if matches!(url, Url::Postgres(_)) {
            self.devices.clear();
            self.patients.clear();
            return;
        }
        for touched in touched {
            match touched {
                Touched::Patient(key) => {
                    self.patients.remove(key);
                }
                Touched::Device(key) => {
                    self.devices.retain(|_, device| device.as_ref().is_some_and(|d| d.key != *key));
                }
                Touched::Rules => {}
                Touched::Everything => self.clear(),
            }
        }
    }

    /// Forgets everything: what it holds may come from a transaction that was rolled back.
    pub(crate) fn clear(&mut self) {
        self.devices.clear();
        self.patients.clear();
    }

    /// Looks up the devices of a commit's messages that are not known yet, with one query.
    pub(crate) fn gather_devices(&mut self, tx: &mut Tx<'_>, group: &[Admitted]) -> Result<()> {
        let mut unknown: Vec<DeviceId> = Vec::new();
        for message in group {
            if let Entry::Vacant(place) = self.devices.entry(message.device) {
                place.insert(None);
                unknown.push(message.device);
            }
        }
        if !unknown.is_empty() {
            let found = roster::devices(tx, &unknown)?;
            self.devices.extend(found.into_iter().map(|(id, device)| (id, Some(Arc::new(device)))));
        }
        Ok(())
    }

    /// Looks up whose the messages are, as far as it is not known yet, with one query.
    pub(crate) fn gather_patients(
        &mut self,
        tx: &mut Tx<'_>,
        group: &[Admitted],
        now: Instant,
    ) -> Result<()> {
        let owners = group.iter().filter_map(|message| {
            let device = self.devices.get(&message.device)?.as_ref().filter(|device| !device.disabled)?;
            Some(device.owner(message.instants(), now)?.patient_key)
        });
        // In the order of their keys: that is the order in which consents are held.
        let unknown: BTreeSet<i64> = owners.filter(|key| !self.patients.contains_key(key)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown: Vec<i64> = unknown.into_iter().collect();
        for row in roster::patients(tx, &unknown)? {
            let subject = Subject::Patient(row.id);
            let telemetry = tx.key_or_new(subject, Class::Telemetry)?;
            let audit = tx.key_or_new(subject, Class::Audit)?;
            self.patients.insert(row.key, Arc::new(PatientCopy { row, telemetry, audit }));
        }
        Ok(())
    }

    /// A device that was gathered; `None` when nobody enrolled it.
    pub(crate) fn device(&self, id: DeviceId) -> Option<Arc<DeviceRow>> {
        self.devices.get(&id).cloned().flatten()
    }

    /// A patient that was gathered.
    pub(crate) fn patient(&self, key: i64) -> Result<Arc<PatientCopy>> {
        self.patients.get(&key).cloned().ok_or(Error::NotFound("patient"))
    }
}
