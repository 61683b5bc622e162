//! Whatever comes in, in whatever order, whenever it is rolled and wherever the roll stops: a series reads as
//! the first committed value of each identity, each once.

use crate::readings::latest;
use crate::readings::roll;
use crate::readings::series;
use std::collections::BTreeMap;
use std::time::Duration;

use super::roll::{Limits, roll_within};
use super::rows::Series;
use crate::db::schema;
use crate::readings::due;
use crate::readings::journal::lock::RollLock;
use crate::readings::journal::row::StoredReading;
use crate::readings::testing::{Clinic, NOON, Patient, evaluate, heart_rate, in_stretches, message, reading};
use diesel::prelude::*;
use domain::{Instant, Signal};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

fn at(second: i64) -> Instant {
    Instant::from_secs(NOON.secs() + second)
}

fn all(clinic: &Clinic, patient: &Patient, signal: Signal) -> Vec<StoredReading> {
    let read = |view: &mut crate::View<'_>| {
        series(view, &evaluate(), patient.key, signal, Instant::from_secs(1), Instant::MAX)
    };
    clinic.store.read(read).unwrap()
}

fn values(readings: &[StoredReading]) -> Vec<f64> {
    readings.iter().map(|r| r.reading.value).collect()
}

fn count(clinic: &Clinic, table: &str) -> i64 {
    let counted = clinic.store.read(|view| {
        Ok(match table {
            "readings" => schema::readings::table.count().get_result(view.conn)?,
            "chunks" => schema::chunks::table.count().get_result(view.conn)?,
            "merged" => schema::merged_readings::table.count().get_result(view.conn)?,
            _ => schema::quarantine::table.count().get_result::<i64>(view.conn)?,
        })
    });
    counted.unwrap()
}

#[test]
fn a_roll_moves_every_closed_row_and_changes_nothing_that_is_read() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let sent: Vec<_> = (0..5_000_i32).map(|n| heart_rate(at(n.into()), f64::from(60 + n % 40))).collect();
        clinic.send(&patient, device, message(NOON.secs(), 3), &sent);
        let before = all(&clinic, &patient, Signal::HeartRate);
        let out = roll(&clinic.store, NOON, at(4_000)).unwrap();
        assert_eq!((out.readings, out.left, out.more), (4_000, 0, false));
        assert_eq!(count(&clinic, "readings"), 1_000);
        assert_eq!(all(&clinic, &patient, Signal::HeartRate), before);
        assert_eq!(roll(&clinic.store, NOON, at(4_000)).unwrap(), crate::readings::Rolled::default());
        roll(&clinic.store, NOON, Instant::MAX).unwrap();
        assert_eq!((count(&clinic, "readings"), count(&clinic, "chunks")), (0, 2));
        assert_eq!(all(&clinic, &patient, Signal::HeartRate), before);
    }
}

#[test]
fn a_late_duplicate_is_counted_and_a_late_conflict_is_quarantined_whole() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), 70.0), heart_rate(at(1), 71.0)]);
        roll(&clinic.store, NOON, at(100)).unwrap();
        let late = [heart_rate(at(0), 70.0), heart_rate(at(1), 99.062_5), heart_rate(at(2), 72.0)];
        clinic.send(&patient, device, message(2, 0), &late);
        assert_eq!(values(&all(&clinic, &patient, Signal::HeartRate)), [70.0, 71.0, 72.0]);
        let out = roll(&clinic.store, NOON, at(100)).unwrap();
        assert_eq!((out.merged, out.conflicts), (1, 1));
        assert_eq!(values(&all(&clinic, &patient, Signal::HeartRate)), [70.0, 71.0, 72.0]);
        assert_eq!((count(&clinic, "merged"), count(&clinic, "readings")), (1, 0));
        let found = clinic.store.read(|view| {
            let (id, reason): (String, String) = schema::quarantine::table
                .select((schema::quarantine::id, schema::quarantine::reason))
                .first(view.conn)?;
            assert_eq!(reason, "E_CONFLICT");
            crate::readings::quarantine::get(view, id.parse().unwrap())
        });
        let found = found.unwrap();
        assert_eq!((found.reading, found.received), (Some(heart_rate(at(1), 99.062_5)), message(2, 0)));
    }
}

#[test]
fn the_newest_reading_is_found_in_journal_or_chunk() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let spo2 = |second, value| reading(Signal::Spo2, at(second), value);
        clinic.send(
            &patient,
            device,
            message(1, 0),
            &[heart_rate(at(0), 70.0), spo2(5, 97.0), spo2(9, 96.0)],
        );
        let newest = |signals: &[Signal]| {
            let found = clinic.store.read(|view| latest(view, &evaluate(), patient.key, signals)).unwrap();
            values(&found)
        };
        let signals = [Signal::HeartRate, Signal::Spo2, Signal::Glucose];
        assert_eq!(newest(&signals), [70.0, 96.0]);
        roll(&clinic.store, NOON, at(6)).unwrap();
        assert_eq!(newest(&signals), [70.0, 96.0]);
        roll(&clinic.store, NOON, at(10)).unwrap();
        // A row older than its chunk's end does not hide the chunk.
        clinic.send(&patient, device, message(2, 0), &[spo2(7, 95.0)]);
        assert_eq!(newest(&signals), [70.0, 96.0]);
    }
}

#[test]
fn rows_wait_ten_minutes_unless_many_do() {
    let clinic = Clinic::sqlite();
    let (patient, device) = (clinic.patient(), clinic.device());
    let now = at(1_000);
    let asked = |last| clinic.store.read(|view| due(view, now, last)).unwrap();
    assert_eq!(asked(now.minus(Duration::from_secs(299))), None);
    assert_eq!(asked(now.minus(Duration::from_secs(300))), Some(now.minus(Duration::from_secs(600))));
    let many: Vec<_> =
        (0..50_001).map(|n| heart_rate(Instant::from_micros(at(0).micros() + n), 70.0)).collect();
    clinic.send(&patient, device, message(1, 0), &many);
    assert_eq!(asked(now), Some(now.minus(Duration::from_secs(120))));
}

#[test]
fn a_backlog_is_rolled_patient_by_patient_and_whole() {
    for clinic in Clinic::each() {
        let device = clinic.device();
        let patients: Vec<_> = (0..5).map(|_| clinic.patient()).collect();
        for patient in &patients {
            let sent: Vec<_> = (0..30).map(|n| heart_rate(at(n), 70.0)).collect();
            clinic.send(patient, device, message(1, 0), &sent);
        }
        let mut passes = 0;
        loop {
            let limits = Limits { pass: 40, transactions: usize::MAX };
            let out = roll_within(&clinic.store, NOON, at(25), limits).unwrap();
            passes += 1;
            if !out.more {
                break;
            }
            assert!(out.readings > 0 && passes < 10, "{out:?}");
        }
        assert!(passes > 2);
        assert_eq!((count(&clinic, "readings"), count(&clinic, "chunks")), (25, 5));
        for patient in &patients {
            assert_eq!(all(&clinic, patient, Signal::HeartRate).len(), 30);
        }
    }
}

#[test]
fn one_node_rolls_at_a_time() {
    for clinic in Clinic::each().into_iter().skip(1) {
        let (patient, device) = (clinic.patient(), clinic.device());
        clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), 70.0)]);
        let elsewhere = RollLock::take(&clinic.store).unwrap().unwrap();
        assert_eq!(roll(&clinic.store, NOON, at(10)).unwrap(), crate::readings::Rolled::default());
        drop(elsewhere);
        assert_eq!(roll(&clinic.store, NOON, at(10)).unwrap().readings, 1);
    }
}

#[test]
fn nothing_is_rolled_for_a_patient_who_is_being_erased() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), 70.0)]);
        let erase = |tx: &mut crate::Tx<'_>| {
            diesel::update(schema::patients::table.find(patient.key))
                .set(schema::patients::erased_at.eq(1_i64))
                .execute(tx.conn)?;
            Ok(())
        };
        clinic.store.keep_house(crate::Urgency::Urgent, "test", NOON, erase).unwrap();
        let out = roll(&clinic.store, NOON, at(10)).unwrap();
        assert_eq!((out.left, out.chunks, count(&clinic, "chunks")), (1, 0, 0));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Send { signal: Signal, device: usize, rows: Vec<(i64, i32)> },
    Roll { until: i64, transactions: usize },
}

fn step() -> impl Strategy<Value = Step> {
    // Few instants, so that most are sent more than once; far enough apart to need several chunks.
    let second = prop_oneof![0_i64..40, 3_590_i64..3_610, 90_000_i64..90_010];
    let signal = prop_oneof![Just(Signal::HeartRate), Just(Signal::Spo2)];
    let rows = proptest::collection::vec((second.clone(), 0_i32..2), 1..30);
    prop_oneof![
        3 => (signal, 0_usize..2, rows).prop_map(|(signal, device, rows)| Step::Send { signal, device, rows }),
        2 => (second, 0_usize..6).prop_map(|(until, transactions)| Step::Roll { until, transactions }),
        1 => Just(Step::Roll { until: 200_000, transactions: usize::MAX }),
    ]
}

/// Runs steps and compares with a map after each.
fn story(clinic: &Clinic, steps: &[Step]) {
    let patient = clinic.patient();
    let devices = [clinic.device(), clinic.device()];
    let mut model: BTreeMap<(Signal, Instant, i64), (f64, i64)> = BTreeMap::new();
    let mut sent = 0;
    let mut repeated = 0;
    for (place, step) in (1_i64..).zip(steps) {
        match step {
            Step::Send { signal, device, rows } => {
                let device = devices[*device];
                let readings: Vec<_> = rows
                    .iter()
                    .map(|(second, value)| reading(*signal, at(*second), f64::from(*value)))
                    .collect();
                let out = clinic.send(&patient, device, message(place, 0), &readings);
                sent += readings.len();
                repeated += out.same.len() + out.conflicts.len();
                for r in readings {
                    model.entry((*signal, r.at, device)).or_insert((r.value, place));
                }
            }
            Step::Roll { until, transactions } => {
                let out = roll_within(
                    &clinic.store,
                    at(200_000),
                    at(*until),
                    Limits { pass: 20, transactions: *transactions },
                )
                .unwrap();
                repeated += out.merged + out.conflicts;
                assert_eq!(out.left, 0);
            }
        }
        for signal in [Signal::HeartRate, Signal::Spo2] {
            let read: Vec<_> = all(clinic, &patient, signal)
                .iter()
                .map(|r| ((r.reading.at, r.device_key), (r.reading.value, r.received.second())))
                .collect();
            let expected: Vec<_> = model
                .iter()
                .filter(|((of, ..), _)| *of == signal)
                .map(|((_, at, device), value)| ((*at, *device), *value))
                .collect();
            assert_eq!(read, expected, "after step {place}");
        }
    }
    repeated += {
        let out = roll(&clinic.store, at(200_000), Instant::MAX).unwrap();
        out.merged + out.conflicts
    };
    assert_eq!(count(clinic, "readings"), 0);
    assert_eq!(
        sent,
        model.len() + repeated,
        "every reading is stored, or told to be the same or in conflict"
    );
    let scanned = clinic.store.read(|view| {
        let of = |view: &mut _, signal| {
            in_stretches(view, Series::new(patient.key, signal), at(20), at(90_005)).len()
        };
        Ok(of(view, Signal::HeartRate) + of(view, Signal::Spo2))
    });
    let within = model.keys().filter(|(_, when, _)| *when >= at(20) && *when < at(90_005)).count();
    assert_eq!(scanned.unwrap(), within);
}

#[test]
fn any_story_reads_as_its_first_values() {
    for clinic in Clinic::each() {
        let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
        let steps = proptest::collection::vec(step(), 1..14);
        let outcome = TestRunner::new(config).run(&steps, |steps| {
            story(&clinic, &steps);
            Ok(())
        });
        outcome.unwrap();
    }
}
