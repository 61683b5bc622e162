//! What of one message is set aside, and what a reading is after what was reported before.

use std::collections::{HashMap, HashSet};

use super::plan::NOT_BOUND;
use crate::admit::Admitted;
use crate::normal::Normalised;
use crate::roster::PatientCopy;
use domain::time::civil::Window;
use domain::{DeviceId, Instant, PatientId, Reading, Signal, Withdrawal};
use store::devices::roster::{Binding, DeviceRow};
use store::devices::{Wearer, moves};
use store::readings::quarantine::{self, Aside, Unreadable};
use store::readings::{self, Amended, Before, By, Known, ReceiptRef, Withdrawn};
use store::{Keyed, Result, Subject, Tx};

/// What changes hands just now.
type UnderWay = HashSet<(Signal, Instant)>;
/// What was reported before, by signal and instant.
type RecordedBefore = HashMap<(Signal, Instant), Before>;

/// What a reading is after what was reported before of its identity.
pub(super) enum Again {
    New,
    Known,
    /// Another value came first.
    Other,
}

/// Sets parts of one message aside.
pub(super) struct Setting<'a, 'tx> {
    pub tx: &'a mut Tx<'tx>,
    pub device: &'a DeviceRow,
    pub id: DeviceId,
    pub patient: &'a PatientCopy,
    pub received: ReceiptRef,
}

impl Setting<'_, '_> {
    const fn whose(&self) -> Keyed<PatientId> {
        Keyed { key: self.patient.row.key, id: self.patient.row.id }
    }

    const fn source(&self) -> Keyed<DeviceId> {
        Keyed { key: self.device.key, id: self.id }
    }

    const fn wearer(&self) -> Wearer {
        Wearer { device_key: self.device.key, patient_key: self.patient.row.key }
    }

    /// What was reported before of what the message says, and what of the device changes hands just now.
    pub(super) fn recorded_before(&mut self, normal: &Normalised) -> Result<(RecordedBefore, UnderWay)> {
        // As of nearly every device: it never changed hands.
        if self.device.bindings.len() < 2 {
            return Ok((HashMap::new(), HashSet::new()));
        }
        let instants: Vec<Instant> = normal.readings.iter().map(|taken| taken.reading.at).collect();
        let all = normal.readings.iter().chain(&normal.corrections);
        let measured: Vec<_> = all.map(|taken| (taken.reading.signal, taken.reading.at)).collect();
        // First what is under way, then what the patient has: it may come to them meanwhile.
        let under_way = moves::under_way(self.tx, self.device.key, &measured)?;
        let wearer = self.wearer();
        Ok((readings::recorded_before(self.tx, wearer, &instants)?, under_way))
    }

    /// What a reading is after what was reported before.
    pub(super) fn again(&mut self, reading: &Reading, before: Option<&Before>) -> Result<Again> {
        let wearer = self.wearer();
        Ok(match before {
            Some(Before::TakenBack(taken)) if taken.leaves(reading) => Again::New,
            Some(Before::TakenBack(taken)) if taken.is(reading) => Again::Known,
            Some(Before::Stands(known)) if known.says_the_same(reading) => Again::Known,
            // It may be what was committed first, and put right since.
            Some(Before::Stands(_)) => {
                let first = readings::first_of(self.tx, wearer, reading.signal, reading.at)?;
                if first.is_some_and(|first| first.says_the_same(reading)) {
                    Again::Known
                } else {
                    Again::Other
                }
            }
            Some(_other) => Again::Other,
            None => Again::New,
        })
    }

    /// What changes hands just now is reported again: it comes after what was committed before it.
    pub(super) fn follow(&mut self, readings: &[Reading]) -> Result<()> {
        let mine = self.patient.row.key;
        let theirs = self.device.bindings.iter().filter(|binding| binding.patient_key == mine);
        let touched =
            theirs.filter(|binding| readings.iter().any(|one| binding.from <= one.at && one.at < binding.to));
        let span = |binding: &Binding| Window { from: binding.from, to: binding.to };
        let to: Vec<(i64, Window)> = touched.map(|binding| (mine, span(binding))).collect();
        if to.is_empty() {
            return Ok(());
        }
        let (source, received) = (self.source(), self.received);
        moves::follow(self.tx, source, readings, received, &to)
    }

    /// Takes back what waits for whoever wore the device; whether there was any.
    pub(super) fn take_back(&mut self, what: &Withdrawal, known: &Known) -> Result<bool> {
        let (source, received) = (self.source(), self.received);
        moves::take_back(self.tx, source, what, received, known)
    }

    /// Puts right what waits for whoever wore the device; whether there was any.
    pub(super) fn put_right(&mut self, reading: Reading, known: &Known) -> Result<bool> {
        let (source, received) = (self.source(), self.received);
        moves::put_right(self.tx, source, reading, received, known)
    }

    pub(super) fn reading(&mut self, reading: Reading, reason: &'static str) -> Result<()> {
        let mut aside = self.of_patient(reason);
        aside.reading = Some(reading);
        quarantine::insert(self.tx, &aside).map(drop)
    }

    pub(super) const fn amended(&self, reading: Reading) -> Amended {
        Amended {
            patient: self.whose(),
            device_key: self.device.key,
            reading,
            received: self.received,
            by: By::Source,
        }
    }

    pub(super) const fn withdrawn(&self, what: Withdrawal, still: bool) -> Withdrawn {
        Withdrawn { patient: self.whose(), device_key: self.device.key, what, received: self.received, still }
    }

    pub(super) fn unbound(&mut self, reading: Reading) -> Result<()> {
        let aside = Aside {
            patient: None,
            subject: Subject::Device(self.id),
            reading: Some(reading),
            ..self.of_patient(NOT_BOUND)
        };
        quarantine::insert(self.tx, &aside).map(drop)
    }

    pub(super) fn payload(&mut self, message: &Admitted, fault: String) -> Result<()> {
        let known =
            Unreadable { sha256: hex::encode(message.sha256()), length: message.payload.len(), fault };
        let aside = Aside { payload: Some(&known), ..self.of_patient("E_PAYLOAD") };
        quarantine::insert(self.tx, &aside).map(drop)
    }

    pub(super) fn of_patient<'r>(&self, reason: &'r str) -> Aside<'r> {
        Aside {
            patient: Some(self.whose()),
            device_key: self.device.key,
            subject: Subject::Patient(self.patient.row.id),
            reason,
            received: self.received,
            reading: None,
            names: None,
            payload: None,
        }
    }
}
