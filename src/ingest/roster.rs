//! Copies of what the commit asks of devices and patients. On SQLite every change goes through this process
//! and drops its copy before the next commit; on PostgreSQL nothing outlives a commit.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::DeviceId;
use crate::store::keys::SubjectKey;
use crate::store::roster::{self, DeviceRow, PatientRow};
use crate::store::{Class, Result, Subject, Touched, Tx, Url};

/// A patient with the keys that readings need.
pub struct PatientCopy {
    /// The person and their consents.
    pub row: PatientRow,
    /// Masks readings.
    pub telemetry: Arc<SubjectKey>,
    /// Signs receipts.
    pub audit: Arc<SubjectKey>,
}

/// The copies.
#[derive(Default)]
pub struct Roster {
    devices: HashMap<DeviceId, Option<Arc<DeviceRow>>>,
    patients: HashMap<i64, Arc<PatientCopy>>,
}

impl Roster {
    /// Drops what changed since the last commit.
    pub fn refresh(&mut self, url: &Url, touched: &[Touched]) {
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
    pub fn clear(&mut self) {
        self.devices.clear();
        self.patients.clear();
    }

    /// A device; `None` when nobody enrolled it.
    pub fn device(&mut self, tx: &mut Tx<'_>, id: DeviceId) -> Result<Option<Arc<DeviceRow>>> {
        if let Some(known) = self.devices.get(&id) {
            return Ok(known.clone());
        }
        let device = roster::device(tx, id)?.map(Arc::new);
        self.devices.insert(id, device.clone());
        Ok(device)
    }

    /// A patient.
    pub fn patient(&mut self, tx: &mut Tx<'_>, key: i64) -> Result<Arc<PatientCopy>> {
        if let Some(known) = self.patients.get(&key) {
            return Ok(Arc::clone(known));
        }
        let row = roster::patient(tx, key)?;
        let subject = Subject::Patient(row.id);
        let copy = Arc::new(PatientCopy {
            telemetry: tx.key_or_new(subject, Class::Telemetry)?,
            audit: tx.key_or_new(subject, Class::Audit)?,
            row,
        });
        self.patients.insert(key, Arc::clone(&copy));
        Ok(copy)
    }
}
