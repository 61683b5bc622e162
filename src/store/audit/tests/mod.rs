//! The stored log: sequencing, crashes, forks, proofs, and that nothing under it can be altered unnoticed.

mod amending;
mod doubles;
mod handed;
mod new_year;
mod pacing;
mod sealing;
mod showing;
mod tampering;

use consent::{Act, Bases, Context, Datum, Event, Giver, Grant, Lang, Permit, Purpose, Request, decide};
use consent::{Ledger, TelemetryCollect};

use diesel::prelude::*;

use super::*;
use crate::audit::receipts;
use crate::consents::{self, terms};
use crate::db::conn::on;
use crate::devices;
use crate::devices::bindings;
use crate::readings::{Batch, ReceiptRef, append, attrs};
use crate::testing::{Home, NOW, stores};
use crate::tests::patient;
use crate::{Actor, Class, Keyed, Store, Subject, Urgency};
use audit::pack::{Pack, Receipted};
use audit::receipt::{Line as Measured, Message, Scribe};
use audit::verify::Report;
use domain::{DeviceId, DeviceIdentity, Flags, PatientId, Reading, Signal};

/// A clinic with one patient, one device, and a log.
struct House {
    home: Home,
    sequencer: Sequencer,
    patient: Keyed<PatientId>,
    device: Keyed<DeviceId>,
    collect: Permit<TelemetryCollect>,
    consent: i64,
}

fn houses() -> Vec<House> {
    stores().into_iter().map(House::new).collect()
}

impl House {
    fn new(home: Home) -> Self {
        let signer = open(&home, &home.dir().join("keys"), NOW).unwrap();
        let sequencer = Sequencer::begin(&home, signer).unwrap();
        let ana = patient(&home, "Ana");
        let device = home
            .write(Actor::Operator, NOW, |tx| {
                let identity = DeviceIdentity { label: "relógio".into(), model: "um".into(), serial: None };
                let device = devices::insert(tx, &identity)?;
                bindings::bind(tx, device.id, ana.id, NOW, true)?;
                Ok(Keyed { key: device.key, id: device.id })
            })
            .unwrap();
        let consent = grant(&home, ana.id);
        Self {
            sequencer,
            patient: Keyed { key: ana.key, id: ana.id },
            device,
            collect: collect(),
            consent,
            home,
        }
    }

    fn key(&self) -> &Vkey {
        self.sequencer.signer().vkey()
    }

    /// One message with heart rates, `at` seconds from the beginning; what the ingest commit does of it.
    fn message(&self, at: i64, ordinal: u16, values: &[f64]) {
        self.send(at, ordinal, &readings(at, values));
    }

    fn send(&self, at: i64, ordinal: u16, readings: &[Reading]) {
        self.send_and(at, ordinal, readings, |_, _| Vec::new());
    }

    /// A message of which something else is done in its commit; what that counts is in its receipt too.
    fn send_and(
        &self,
        at: i64,
        ordinal: u16,
        readings: &[Reading],
        and: impl FnOnce(&mut crate::Tx<'_>, ReceiptRef) -> Vec<Reading>,
    ) {
        let second = NOW.secs() + at;
        let received = ReceiptRef::new(second, 0, ordinal).unwrap();
        self.home
            .keep_house(Urgency::Patient, "ingest", Instant::from_secs(second), |tx| {
                let whose = Subject::Patient(self.patient.id);
                let key = tx.key_or_new(whose, Class::Telemetry)?;
                let mut batch = Batch::default();
                batch.admit(&self.collect, &key, self.patient.key, self.device.key, received, readings)?;
                let appended = append(tx, &batch)?;
                let measured = readings.iter().enumerate().filter(|(place, _)| {
                    !appended.same.contains(place) && !appended.conflicts.contains(place)
                });
                let more = and(tx, received);
                let lines: Vec<Measured> = measured
                    .map(|(_, reading)| reading)
                    .chain(&more)
                    .map(|reading| Measured {
                        signal: reading.signal.code(),
                        at: reading.at.micros(),
                        value: reading.value.to_bits(),
                        attrs: attrs(reading).cast_unsigned(),
                    })
                    .collect();
                let head = Message {
                    device: self.device.id.0,
                    epoch: u64::try_from(self.consent).unwrap(),
                    decision: 0,
                    received_s: second,
                    ordinal,
                };
                let audit = tx.key_or_new(whose, Class::Audit)?;
                let receipt = Scribe::default().receipt(audit.receipt_mac(), &head, &lines);
                let device_key = u64::try_from(self.device.key).unwrap();
                let message = Receipted { device_key, ordinal, decision: 0, refused: 0, receipt };
                receipts::append(tx, second, 0, &Pack(vec![message]))
            })
            .unwrap();
    }

    fn seal(&mut self, at: i64) -> Sequenced {
        let now = Instant::from_secs(NOW.secs() + at);
        self.sequencer.sequence(&self.home, now, 100_000).unwrap()
    }

    fn verified(&self) -> Report {
        verify(&self.home, self.key(), None, &[]).unwrap()
    }

    fn head(&self) -> Head {
        self.home.read(|view| head(view, self.key())).unwrap().unwrap()
    }

    /// Runs a statement behind the store's back.
    fn tamper(&self, sql: &str) {
        let changed = self.home.keep_house(Urgency::Urgent, "test", NOW, |tx| {
            Ok(on!(&mut *tx.conn, |c| diesel::sql_query(sql).execute(c))?)
        });
        assert!(changed.unwrap() > 0, "{sql}");
    }
}

fn readings(at: i64, values: &[f64]) -> Vec<Reading> {
    let reading = |(place, value): (usize, &f64)| Reading {
        signal: Signal::HeartRate,
        at: Instant::from_millis((NOW.secs() + at) * 1_000 + i64::try_from(place).unwrap()),
        value: *value,
        unit: Signal::HeartRate.unit(),
        flags: Flags(0),
    };
    values.iter().enumerate().map(reading).collect()
}

/// A stored yes; its epoch.
fn grant(store: &Store, who: PatientId) -> i64 {
    let purpose = Purpose::TelemetryCollect;
    let current = store.read(|view| terms::current(view, purpose)).unwrap();
    let text = current.iter().find(|term| term.lang == Lang::PtBr).unwrap();
    let hash = hex::decode(&text.text_sha256).unwrap().try_into().unwrap();
    let given = store.write(Actor::Operator, NOW, |tx| {
        consents::grant(tx, who, purpose, Grant::of(hash), &Giver::Subject.into())
    });
    given.unwrap().record.epoch
}

/// A permit for readings of any time.
fn collect() -> Permit<TelemetryCollect> {
    let mut ledger = Ledger::default();
    let grant = Grant { measured_from: Some(0), ..Grant::of([7; 32]) };
    ledger.apply(&Event::new(Purpose::TelemetryCollect, NOW.micros(), Act::Granted(grant))).unwrap();
    let context = Context { data: &[Datum::Reading], ..Context::system(NOW.micros()) };
    let (bases, subject) = (Bases::default(), consent::Subject::default());
    decide(&Request { bases: &bases, records: &ledger, subject: &subject, context: &context }).unwrap()
}
