//! Looks are taken in parts of a bounded size, miss nothing, and open nothing of what is not in force.

use super::parts::next_part;
use crate::db::plans;
use crate::patients::keyed::Keyed;
use crate::readings::buckets;
use crate::readings::latest;
use crate::readings::roll;
use crate::readings::series;
use crate::readings::testing::{Clinic, NOON, Patient, collect, evaluate, heart_rate, message};
use crate::readings::{Amended, By, Known, StoredReading, Withdrawn, amend, withdraw};
use crate::{Tx, Urgency, View};
use domain::time::civil::Window;
use domain::{Instant, PatientId, Signal, Withdrawal};
use std::time::Duration;

const HR: Signal = Signal::HeartRate;

fn at(second: i64) -> Instant {
    Instant::from_secs(NOON.secs() + second)
}

fn id_of(clinic: &Clinic, patient: &Patient) -> PatientId {
    clinic.store.read(|view| crate::patients::id_of(view, patient.key)).unwrap()
}

fn value(second: i64) -> f64 {
    f64::from(60 + i32::try_from(second % 40).unwrap())
}

fn measured(clinic: &Clinic, patient: &Patient, device: i64, seconds: std::ops::Range<i64>) {
    let sent: Vec<_> = seconds.map(|second| heart_rate(at(second), value(second))).collect();
    clinic.send(patient, device, message(1, 0), &sent);
}

/// Readings that came to a patient by amendments alone.
fn given(clinic: &Clinic, patient: &Patient, device: i64, seconds: std::ops::Range<i64>) {
    let patient = Keyed { key: patient.key, id: id_of(clinic, patient) };
    let give = |tx: &mut Tx<'_>| {
        for second in seconds.clone() {
            let (reading, received) = (heart_rate(at(second), value(second)), message(2, 0));
            amend(
                tx,
                &collect(),
                &Amended { patient, device_key: device, reading, received, by: By::Source },
            )?;
        }
        Ok(())
    };
    clinic.store.keep_house(Urgency::Patient, "test", at(60), give).unwrap();
}

fn taken_back(clinic: &Clinic, patient: &Patient, device: i64, seconds: std::ops::Range<i64>) {
    let mut known = Known::default();
    let patient = Keyed { key: patient.key, id: id_of(clinic, patient) };
    let what = |second| Withdrawal { signal: HR, at: at(second), value: None };
    for second in seconds.clone() {
        clinic.store.read(|view| known.look_up(view, patient.key, device, &what(second))).unwrap();
    }
    let take = |tx: &mut Tx<'_>| {
        for second in seconds.clone() {
            let received = message(9, 0);
            let new = Withdrawn { patient, device_key: device, what: what(second), received, still: true };
            withdraw(tx, &collect(), &new, &known)?;
        }
        Ok(())
    };
    clinic.store.keep_house(Urgency::Patient, "test", at(60), take).unwrap();
}

fn whole(view: &mut View<'_>, patient: &Patient) -> Vec<StoredReading> {
    series(view, &evaluate(), patient.key, HR, Instant::MIN, Instant::MAX).unwrap()
}

/// What each part holds.
fn parts(view: &mut View<'_>, patient: &Patient) -> Vec<Vec<StoredReading>> {
    let (mut from, mut parts) = (Instant::MIN, Vec::new());
    let day = Duration::from_secs(86_400);
    while let Some(part) =
        next_part(view, &evaluate(), patient.key, &[HR], Window { from, to: Instant::MAX }, day).unwrap()
    {
        assert!(part.until > from, "each goes on");
        from = part.until;
        parts.push(part.readings);
    }
    parts
}

fn seconds(readings: &[StoredReading]) -> Vec<i64> {
    readings.iter().map(|stored| stored.reading.at.secs() - NOON.secs()).collect()
}

#[test]
fn a_long_look_is_taken_in_bounded_parts_and_misses_nothing() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        clinic.bind(&patient, device, NOON, true);
        measured(&clinic, &patient, device, 0..100);
        roll(&clinic.store, NOON, at(100)).unwrap();
        measured(&clinic, &patient, device, 200..400);
        given(&clinic, &patient, device, 380..600);
        taken_back(&clinic, &patient, device, 50..60);
        // In tests a part holds a chunk, 64 rows and 64 amendments; rolled, the committed readings are one chunk.
        for (most, least) in [(100 + 2 * 64, 6), (512, 4)] {
            let look = |view: &mut View<'_>| {
                let (whole, parts) = (whole(view, &patient), parts(view, &patient));
                assert_eq!(parts.concat(), whole);
                let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
                assert!(sizes.iter().all(|size| *size <= most), "a chunk, or so many rows: {sizes:?}");
                assert!(sizes.len() >= least, "{sizes:?}");
                let drawn =
                    buckets(view, &evaluate(), patient.key, HR, Window { from: at(0), to: at(600) }, 600)?;
                let (means, values): (Vec<f64>, Vec<f64>) = (
                    drawn.buckets.iter().map(|bucket| bucket.avg).collect(),
                    whole.iter().map(|stored| stored.reading.value).collect(),
                );
                assert_eq!(means, values, "a chart draws what a list shows");
                let expected: Vec<i64> = (0..50).chain(60..100).chain(200..600).collect();
                assert_eq!(seconds(&whole), expected);
                Ok(())
            };
            clinic.store.read(look).unwrap();
            roll(&clinic.store, NOON, at(1_000)).unwrap();
        }
    }
}

#[test]
fn no_look_opens_what_nothing_stands_by() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        clinic.bind(&patient, device, NOON, true);
        measured(&clinic, &patient, device, 0..10);
        roll(&clinic.store, NOON, at(10)).unwrap();
        // An hour later, so that it lies in a chunk of its own: all of it is taken back.
        measured(&clinic, &patient, device, 7_200..7_600);
        taken_back(&clinic, &patient, device, 7_200..7_600);
        for place in ["journal", "chunk"] {
            let spoil = |tx: &mut Tx<'_>| {
                plans::run(tx, "UPDATE amendments SET sealed = substr(sealed, 1, 4) WHERE NOT stands");
                plans::run(tx, "UPDATE chunks SET sealed = substr(sealed, 1, 4) WHERE overlaid");
                Ok(())
            };
            clinic.store.keep_house(Urgency::Patient, "test", NOON, spoil).unwrap();
            let look = |view: &mut View<'_>| {
                let newest = latest(view, &evaluate(), patient.key, &[HR])?;
                assert_eq!(seconds(&newest), [9], "{place}");
                assert_eq!(seconds(&whole(view, &patient)), Vec::from_iter(0..10), "{place}");
                assert_eq!(seconds(&parts(view, &patient).concat()), Vec::from_iter(0..10), "{place}");
                let drawn = buckets(
                    view,
                    &evaluate(),
                    patient.key,
                    HR,
                    Window { from: at(0), to: at(9_000) },
                    9_000,
                )?;
                assert_eq!(drawn.buckets.len(), 10, "{place}");
                Ok(())
            };
            clinic.store.read(look).unwrap();
            roll(&clinic.store, NOON, at(10_000)).unwrap();
        }
    }
}
