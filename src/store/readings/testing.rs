//! A small clinic for the telemetry tests: a store, patients with keys, devices, permits.

use std::sync::Arc;

use consent::{
    Act, AlertEvaluate, Bases, Context, Datum, Event, Grant, Ledger, Permit, Purpose, Request, Subject,
    TelemetryCollect, Typed, decide,
};
use diesel::prelude::*;

use super::{Appended, Batch, ReceiptRef, Series, StoredReading, Want, append, journal, stretch};
use crate::db::schema::{bindings, devices, patients};
use crate::keys::SubjectKey;
use crate::testing::{Home, stores};
use crate::{Class, Urgency, View};
use domain::{DeviceId, Flags, Instant, PatientId, Reading, Signal};

pub(crate) struct Clinic {
    pub store: Home,
}

pub(crate) struct Patient {
    pub key: i64,
    pub secret: Arc<SubjectKey>,
}

pub(crate) const NOON: Instant = Instant::from_secs(1_763_812_800);

impl Clinic {
    /// One per backend at hand.
    pub(crate) fn each() -> Vec<Self> {
        stores().into_iter().map(|home| Self { store: home }).collect()
    }

    pub(crate) fn sqlite() -> Self {
        Self { store: stores().swap_remove(0) }
    }

    pub(crate) fn patient(&self) -> Patient {
        let id = PatientId::new(NOON);
        self.store
            .keep_house(Urgency::Urgent, "test", NOON, |tx| {
                let key = diesel::insert_into(patients::table)
                    .values((
                        patients::id.eq(id.to_string()),
                        patients::identity.eq(Vec::<u8>::new()),
                        patients::zone.eq("America/Sao_Paulo"),
                        patients::language.eq("pt-BR"),
                        patients::created_at.eq(0_i64),
                        patients::version.eq(1_i64),
                    ))
                    .returning(patients::key)
                    .get_result(tx.conn)?;
                let secret = tx.key_or_new(crate::Subject::Patient(id), Class::Telemetry)?;
                Ok(Patient { key, secret })
            })
            .unwrap()
    }

    pub(crate) fn device(&self) -> i64 {
        self.store
            .keep_house(Urgency::Urgent, "test", NOON, |tx| {
                Ok(diesel::insert_into(devices::table)
                    .values((
                        devices::id.eq(DeviceId::new(NOON).to_string()),
                        devices::identity.eq(Vec::<u8>::new()),
                        devices::created_at.eq(0_i64),
                        devices::online.eq(false),
                        devices::version.eq(1_i64),
                    ))
                    .returning(devices::key)
                    .get_result(tx.conn)?)
            })
            .unwrap()
    }

    pub(crate) fn bind(&self, patient: &Patient, device: i64, from: Instant, preferred: bool) {
        let bound = self.store.keep_house(Urgency::Urgent, "test", NOON, |tx| {
            diesel::insert_into(bindings::table)
                .values((
                    bindings::id.eq(DeviceId::new(NOON).to_string()),
                    bindings::device_key.eq(device),
                    bindings::patient_key.eq(patient.key),
                    bindings::from_at.eq(from.micros()),
                    bindings::preferred.eq(preferred),
                    bindings::created_at.eq(0_i64),
                ))
                .execute(tx.conn)?;
            Ok(())
        });
        bound.unwrap();
    }

    /// One message, one commit.
    pub(crate) fn send(
        &self,
        patient: &Patient,
        device: i64,
        received: ReceiptRef,
        readings: &[Reading],
    ) -> Appended {
        let mut batch = Batch::default();
        batch.admit(&collect(), &patient.secret, patient.key, device, received, readings).unwrap();
        self.store.keep_house(Urgency::Patient, "test", NOON, |tx| append(tx, &batch)).unwrap()
    }
}

pub(crate) fn collect() -> Permit<TelemetryCollect> {
    permit_from(0)
}

pub(crate) fn evaluate() -> Permit<AlertEvaluate> {
    permit_from(0)
}

/// A real yes, for readings measured from an instant on.
pub(crate) fn permit_from<P: Typed>(measured_from: i64) -> Permit<P> {
    let mut ledger = Ledger::default();
    for purpose in [Purpose::TelemetryCollect, Purpose::AlertEvaluate] {
        let grant = Grant { measured_from: Some(measured_from), ..Grant::of([7; 32]) };
        ledger.apply(&Event::new(purpose, NOON.micros(), Act::Granted(grant))).unwrap();
    }
    // Decided after whatever the tests measure.
    let decided = NOON.plus(std::time::Duration::from_secs(2 * 86_400));
    let context = Context { data: &[Datum::Reading], ..Context::system(decided.micros()) };
    let (bases, subject) = (Bases::default(), Subject::default());
    decide(&Request { bases: &bases, records: &ledger, subject: &subject, context: &context }).unwrap()
}

pub(crate) fn heart_rate(at: Instant, value: f64) -> Reading {
    reading(Signal::HeartRate, at, value)
}

pub(crate) fn reading(signal: Signal, at: Instant, value: f64) -> Reading {
    Reading { signal, at, value, unit: signal.unit(), flags: Flags::default() }
}

pub(crate) fn message(second: i64, ordinal: u16) -> ReceiptRef {
    ReceiptRef::new(second, 0, ordinal).unwrap()
}

/// A series as judgement reads it: stretch by stretch.
pub(crate) fn in_stretches(
    view: &mut View<'_>,
    series: Series,
    from: Instant,
    to: Instant,
) -> Vec<StoredReading> {
    let mut want = Want { patient_key: series.patient_key, signal: series.signal, from };
    let mut all = Vec::new();
    while want.from < to {
        let part = journal(view, &[want], to).unwrap();
        let stretch = stretch(view, &part, &evaluate(), want).unwrap();
        assert!(stretch.until > want.from, "each goes on");
        all.extend(stretch.readings);
        want.from = stretch.until;
    }
    all
}
