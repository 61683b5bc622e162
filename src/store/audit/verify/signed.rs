//! Computes receipts again. A receipt does not say which consent epoch it was signed in, or which of the readings set
//! aside it covers, so the candidates are tried.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use diesel::prelude::*;
use uuid::Uuid;

use super::brought::Brought;
use crate::db::error::{Error, Result};
use crate::db::schema::{consent_events as events, devices, wearers};
use crate::keys::SubjectKey;
use crate::keys::seal::Broken;
use crate::{Class, Subject, View, patients};
use audit::pack::Receipted;
use audit::receipt::{Line, Message, Scribe};
use domain::{DeviceId, Instant};

/// Up to this many readings set aside of one message, every subset is tried (64 at most); beyond, all of them or none.
const TRIED: u32 = 6;

/// Whether a message matches its receipt.
pub(in crate::audit) enum Verdict {
    Whole,
    Changed,
    /// The key was destroyed: nobody can tell any more.
    Unknown,
}

struct Device {
    id: Uuid,
    /// Every patient it was ever bound to, also by a binding that was later corrected away.
    patients: Vec<i64>,
}

struct Patient {
    key: Option<Arc<SubjectKey>>,
    /// Instant and epoch of each event of the consent to collect, by epoch.
    epochs: Vec<(i64, u64)>,
}

/// Computes receipts; caches the devices and patients it has met.
#[derive(Default)]
pub(in crate::audit) struct Signed {
    scribe: Scribe,
    devices: HashMap<u64, Option<Device>>,
    patients: HashMap<i64, Patient>,
    lines: Vec<Line>,
}

impl Signed {
    /// Whether the receipt of `message` covers `brought`, which are all of one patient.
    pub(crate) fn verdict(
        &mut self,
        view: &mut View<'_>,
        second: i64,
        message: &Receipted,
        brought: &[Brought],
    ) -> Result<Verdict> {
        let (Some(first), Some(device)) = (brought.first(), self.device(view, message.device_key)?) else {
            return Ok(Verdict::Changed);
        };
        let id = device.id;
        self.patient(view, first.patient_key)?;
        let Some(patient) = self.patients.get(&first.patient_key) else { return Ok(Verdict::Changed) };
        let Some(key) = &patient.key else { return Ok(Verdict::Unknown) };
        let aside = u32::try_from(brought.iter().filter(|b| b.aside).count()).unwrap_or(u32::MAX);
        // Bit n of a choice says whether the n-th reading set aside counts.
        let choices = if aside <= TRIED { 0..1_u64 << aside } else { 0..2 };
        for choice in choices {
            // With too many to try, 0 and 1 stand for none and all: the negation of 1 has every bit set.
            let choice = if aside <= TRIED { choice } else { choice.wrapping_neg() };
            self.lines.clear();
            let mut bit = 0_u32;
            for brought in brought {
                let counted = if brought.aside {
                    let counted = choice >> bit.min(63) & 1 == 1;
                    bit += 1;
                    counted
                } else {
                    true
                };
                if counted {
                    self.lines.push(brought.line);
                }
            }
            for epoch in likely(&patient.epochs, second) {
                let head = head(id, epoch, second, message);
                if self.scribe.receipt(key.receipt_mac(), &head, &self.lines) == message.receipt {
                    return Ok(Verdict::Whole);
                }
            }
        }
        Ok(Verdict::Changed)
    }

    /// Whether the receipt covers no reading at all, under any patient the device was ever bound to; also true when one
    /// of their keys is destroyed, for then nobody can tell.
    pub(crate) fn nothing_new(
        &mut self,
        view: &mut View<'_>,
        second: i64,
        message: &Receipted,
    ) -> Result<bool> {
        let Some(device) = self.device(view, message.device_key)? else { return Ok(false) };
        let (id, people) = (device.id, device.patients.clone());
        for person in people {
            self.patient(view, person)?;
            let Some(patient) = self.patients.get(&person) else { continue };
            let Some(key) = &patient.key else { return Ok(true) };
            for epoch in likely(&patient.epochs, second) {
                let head = head(id, epoch, second, message);
                if self.scribe.receipt(key.receipt_mac(), &head, &[]) == message.receipt {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// A device as a break's text names it.
    pub(crate) fn device_name(&mut self, view: &mut View<'_>, key: u64) -> Result<String> {
        Ok(self.device(view, key)?.map_or_else(|| format!("number {key}"), |device| device.id.to_string()))
    }

    fn device(&mut self, view: &mut View<'_>, key: u64) -> Result<Option<&Device>> {
        let known = match self.devices.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(load_device(view, key)?),
        };
        Ok(known.as_ref())
    }

    fn patient(&mut self, view: &mut View<'_>, patient_key: i64) -> Result<()> {
        if self.patients.contains_key(&patient_key) {
            return Ok(());
        }
        let id = patients::id_of(view, patient_key)?;
        let mut live = |class| match view.key(Subject::Patient(id), class) {
            Ok(key) => Ok(Some(key)),
            Err(Error::Sealed(Broken::KeyDestroyed, _)) => Ok(None),
            Err(error) => Err(error),
        };
        // Without the telemetry key the readings cannot be opened, and there is nothing to compute the receipt from.
        let key = match live(Class::Telemetry)? {
            Some(_key) => live(Class::Audit)?,
            None => None,
        };
        let collect = consent::Purpose::TelemetryCollect.as_str();
        let rows: Vec<(i64, i64)> = events::table
            .filter(events::patient_key.eq(patient_key).and(events::purpose.eq(collect)))
            .order(events::epoch)
            .select((events::at, events::epoch))
            .load(view.conn)?;
        let epochs = rows.into_iter().map(|(at, epoch)| (at, u64::try_from(epoch).unwrap_or(0))).collect();
        self.patients.insert(patient_key, Patient { key, epochs });
        Ok(())
    }
}

fn head(device: Uuid, epoch: u64, received_s: i64, message: &Receipted) -> Message {
    Message { device, epoch, decision: message.decision, received_s, ordinal: message.ordinal }
}

/// Every epoch that a message of `second` may have been accepted in, the likeliest first. Instants only suggest an
/// order: a clock may have been stepped, and consent may change while a message waits for its commit. The receipt
/// itself proves the epoch.
fn likely(epochs: &[(i64, u64)], second: i64) -> impl Iterator<Item = u64> {
    let begin = Instant::from_secs(second).micros();
    let before = epochs.iter().rposition(|(at, _)| *at <= begin).map_or(0, |last| last + 1);
    let held = epochs.iter().take(before).rev();
    held.chain(epochs.iter().skip(before)).map(|(_, epoch)| *epoch).chain(std::iter::once(0))
}

fn load_device(view: &mut View<'_>, key: u64) -> Result<Option<Device>> {
    let Ok(key) = i64::try_from(key) else { return Ok(None) };
    let id: Option<String> = devices::table.find(key).select(devices::id).get_result(view.conn).optional()?;
    let Some(id) = id else { return Ok(None) };
    let id: DeviceId = id.parse().map_err(|_not_an_id| Error::corrupt("devices.id").in_row(key))?;
    let people = wearers::table.filter(wearers::device_key.eq(key)).select(wearers::patient_key);
    Ok(Some(Device { id: id.0, patients: people.load(view.conn)? }))
}
