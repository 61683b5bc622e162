//! A wrong value can be put right: what is in force, what was superseded, what the disk shows.

use crate::Urgency;
use crate::db::schema::quarantine;
use crate::patients::keyed::Keyed;
use crate::readings::Series;
use crate::readings::buckets;
use crate::readings::latest;
use crate::readings::roll;
use crate::readings::series;
use crate::readings::superseded;
use crate::readings::testing::{Clinic, NOON, Patient, collect, evaluate, heart_rate, in_stretches, message};
use crate::readings::{Amended, By, Known, Outcome, StoredReading, Withdrawn, amend, withdraw};
use crate::rules::reevaluations;
use diesel::prelude::*;
use domain::time::civil::Window;
use domain::{Flags, Instant, PatientId, Reading, Signal, Withdrawal};

const HR: Signal = Signal::HeartRate;

fn at(second: i64) -> Instant {
    Instant::from_secs(NOON.secs() + second)
}

fn id_of(clinic: &Clinic, patient: &Patient) -> PatientId {
    clinic.store.read(|view| crate::patients::id_of(view, patient.key)).unwrap()
}

fn say(clinic: &Clinic, patient: &Patient, device: i64, reading: Reading, by: By) -> bool {
    let patient = Keyed { key: patient.key, id: id_of(clinic, patient) };
    let new = Amended { patient, device_key: device, reading, received: message(9, 0), by };
    clinic.store.keep_house(Urgency::Patient, "test", at(60), |tx| amend(tx, &collect(), &new)).unwrap()
}

/// What becomes of a withdrawal that a message of second 9 brings.
fn take_back(clinic: &Clinic, patient: &Patient, device: i64, second: i64, value: Option<f64>) -> Outcome {
    let what =
        Withdrawal { signal: HR, at: at(second), value: value.map(|value| heart_rate(at(second), value)) };
    let mut known = Known::default();
    clinic.store.read(|view| known.look_up(view, patient.key, device, &what)).unwrap();
    let patient = Keyed { key: patient.key, id: id_of(clinic, patient) };
    let new = Withdrawn { patient, device_key: device, what, received: message(9, 0), still: true };
    let taken = |tx: &mut crate::Tx<'_>| withdraw(tx, &collect(), &new, &known);
    clinic.store.keep_house(Urgency::Patient, "test", at(60), taken).unwrap()
}

fn values(readings: &[StoredReading]) -> Vec<f64> {
    readings.iter().map(|stored| stored.reading.value).collect()
}

fn all(clinic: &Clinic, patient: &Patient) -> Vec<StoredReading> {
    let look = |view: &mut crate::View<'_>| {
        let whole = series(view, &evaluate(), patient.key, HR, at(0), at(100))?;
        assert_eq!(
            whole,
            in_stretches(view, Series::new(patient.key, HR), at(0), at(100)),
            "display and judgement see the same"
        );
        let drawn = buckets(view, &evaluate(), patient.key, HR, Window { from: at(0), to: at(100) }, 100)?;
        let means: Vec<f64> = drawn.buckets.iter().map(|bucket| bucket.avg).collect();
        assert_eq!(means, values(&whole), "a chart draws what a list shows");
        Ok(whole)
    };
    clinic.store.read(look).unwrap()
}

fn newest(clinic: &Clinic, patient: &Patient) -> Vec<f64> {
    values(&clinic.store.read(|view| latest(view, &evaluate(), patient.key, &[HR])).unwrap())
}

fn old(clinic: &Clinic, patient: &Patient) -> Vec<(f64, By, bool)> {
    let span = Window { from: at(0), to: at(100) };
    let look =
        |view: &mut crate::View<'_>| superseded(view, &evaluate(), patient.key, &[HR], span, None, 100);
    let found = clinic.store.read(look).unwrap().values;
    found.iter().map(|old| (old.stored.reading.value, old.by, old.withdrawn)).collect()
}

#[test]
fn a_correction_is_in_force_in_journal_and_chunk_and_the_old_value_stays_as_superseded() {
    for clinic in Clinic::each() {
        let (patient, device, other) = (clinic.patient(), clinic.device(), clinic.device());
        clinic.bind(&patient, device, NOON, true);
        let sent = [heart_rate(at(0), 70.0), heart_rate(at(1), 170.0), heart_rate(at(2), 71.0)];
        clinic.send(&patient, device, message(1, 0), &sent);
        assert!(say(&clinic, &patient, device, heart_rate(at(1), 72.0), By::Source));
        assert!(!say(&clinic, &patient, device, heart_rate(at(1), 72.0), By::Source), "said twice");
        for place in ["journal", "chunk"] {
            let seen = all(&clinic, &patient);
            assert_eq!(values(&seen), [70.0, 72.0, 71.0], "{place}");
            assert!(
                seen[1].reading.flags.has(Flags::CORRECTED) && !seen[0].reading.flags.has(Flags::CORRECTED)
            );
            assert_eq!(old(&clinic, &patient), [(170.0, By::Source, false)]);
            // Reported again, the first value and the correction are both known.
            let again = clinic.send(&patient, device, message(2, 0), &[heart_rate(at(1), 170.0)]);
            let also = clinic.send(&patient, device, message(3, 0), &[heart_rate(at(1), 72.0)]);
            assert!(again.conflicts.is_empty() && also.conflicts.is_empty(), "{place}: {again:?} {also:?}");
            roll(&clinic.store, NOON, at(100)).unwrap();
        }
        let item = uuid::Uuid::from_u128(7);
        assert!(say(&clinic, &patient, device, heart_rate(at(1), 73.0), By::Clinician(item)));
        assert_eq!(values(&all(&clinic, &patient)), [70.0, 73.0, 71.0]);
        let by = By::Clinician(item);
        assert_eq!(old(&clinic, &patient), [(170.0, By::Source, false), (72.0, by, false)]);
        // Another device names another identity: what this one measured stays.
        assert_eq!(take_back(&clinic, &patient, other, 1, None), Outcome::Unknown);
        assert_eq!(values(&all(&clinic, &patient)), [70.0, 73.0, 71.0]);
    }
}

#[test]
fn a_reading_entered_in_error_is_gone_from_every_look_and_kept_as_superseded() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        clinic.bind(&patient, device, NOON, true);
        clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), 70.0), heart_rate(at(9), 190.0)]);
        for place in ["journal", "chunk"] {
            let became = if place == "journal" { Outcome::Withdrawn } else { Outcome::Already };
            assert_eq!(take_back(&clinic, &patient, device, 9, Some(190.0)), became, "{place}");
            assert_eq!(values(&all(&clinic, &patient)), [70.0], "{place}");
            assert_eq!(newest(&clinic, &patient), [70.0], "{place}");
            assert_eq!(old(&clinic, &patient), [(190.0, By::Source, true)]);
            roll(&clinic.store, NOON, at(100)).unwrap();
        }
        say(&clinic, &patient, device, heart_rate(at(9), 90.0), By::Source);
        assert_eq!(
            (values(&all(&clinic, &patient)), newest(&clinic, &patient)),
            (vec![70.0, 90.0], vec![90.0])
        );
        // From a chunk, and whatever is in force where no value is stated.
        assert_eq!(take_back(&clinic, &patient, device, 0, Some(70.0)), Outcome::Withdrawn);
        assert_eq!(take_back(&clinic, &patient, device, 9, None), Outcome::Withdrawn);
        assert_eq!(newest(&clinic, &patient), [0.0; 0]);
    }
}

#[test]
fn only_what_was_committed_before_and_bears_the_value_that_is_named_is_taken_back() {
    for clinic in Clinic::each() {
        let (patient, device, other) = (clinic.patient(), clinic.device(), clinic.device());
        clinic.bind(&patient, device, NOON, true);
        clinic.send(&patient, device, message(1, 0), &[heart_rate(at(1), 170.0)]);
        clinic.send(&patient, device, message(9, 1), &[heart_rate(at(2), 80.0)]);
        let back = |device, second, value| take_back(&clinic, &patient, device, second, value);
        assert_eq!(back(device, 7, None), Outcome::Unknown, "never measured");
        assert_eq!(back(other, 1, Some(170.0)), Outcome::Unknown, "another device's");
        assert_eq!(back(device, 1, Some(70.0)), Outcome::Unknown, "another value");
        assert_eq!(back(device, 2, Some(80.0)), Outcome::Unknown, "it came after");
        assert_eq!(values(&all(&clinic, &patient)), [170.0, 80.0]);
        // What was corrected meanwhile stays in force when only the wrong value is taken back.
        assert!(say(&clinic, &patient, device, heart_rate(at(1), 70.0), By::Source));
        assert_eq!(back(device, 1, Some(170.0)), Outcome::Already);
        assert_eq!(values(&all(&clinic, &patient)), [70.0, 80.0]);
        assert_eq!(back(device, 1, Some(70.0)), Outcome::Withdrawn);
        assert_eq!(values(&all(&clinic, &patient)), [80.0]);
        assert_eq!(old(&clinic, &patient), [(170.0, By::Source, false), (70.0, By::Source, true)]);
    }
}

#[test]
fn a_withdrawal_that_is_said_again_at_the_next_wearer_is_known() {
    for clinic in Clinic::each() {
        let (ana, bia) = (clinic.patient(), clinic.patient());
        let (device, other) = (clinic.device(), clinic.device());
        clinic.send(&ana, device, message(1, 0), &[heart_rate(at(1), 170.0)]);
        assert_eq!(take_back(&clinic, &ana, device, 1, Some(170.0)), Outcome::Withdrawn);
        assert_eq!(take_back(&clinic, &bia, device, 1, Some(170.0)), Outcome::Already);
        assert_eq!(take_back(&clinic, &bia, device, 2, Some(170.0)), Outcome::Unknown, "another instant");
        assert_eq!(take_back(&clinic, &bia, other, 1, Some(170.0)), Outcome::Unknown, "another device's");
    }
}

#[test]
fn a_signal_that_ended_long_ago_is_found_without_walking_the_journal() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let weight = |second, value| crate::readings::testing::reading(Signal::Weight, at(second), value);
        // Rising by less than the grain, late ones among them: the last is found all the same.
        for (n, second) in [0, 119, 60, 130, 248, 249, 20].into_iter().enumerate() {
            let sent = [weight(second, 60.0 + f64::from(u8::try_from(n).unwrap()))];
            clinic.send(&patient, device, message(1, u16::try_from(n).unwrap()), &sent);
        }
        clinic.send(&patient, device, message(2, 0), &[heart_rate(at(90_000), 70.0)]);
        let signals = [Signal::Weight, HR, Signal::Glucose];
        let look = |view: &mut crate::View<'_>| latest(view, &evaluate(), patient.key, &signals);
        assert_eq!(values(&clinic.store.read(look).unwrap()), [65.0, 70.0]);
        roll(&clinic.store, NOON, at(200)).unwrap();
        assert_eq!(values(&clinic.store.read(look).unwrap()), [65.0, 70.0], "chunks before it");
        roll(&clinic.store, NOON, at(300)).unwrap();
        assert_eq!(values(&clinic.store.read(look).unwrap()), [65.0, 70.0], "rolled");
    }
}

#[test]
fn an_amendment_asks_for_judgement_and_leaves_its_entry() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        clinic.bind(&patient, device, NOON, true);
        // A value that nothing stood before: released, or corrected before its first was heard.
        say(&clinic, &patient, device, heart_rate(at(5), 72.0), By::Source);
        assert_eq!((values(&all(&clinic, &patient)), old(&clinic, &patient)), (vec![72.0], vec![]));
        assert!(!all(&clinic, &patient)[0].reading.flags.has(Flags::CORRECTED));
        let due = clinic.store.read(|view| reevaluations::due(view, 9)).unwrap();
        assert_eq!(due.iter().map(|due| (due.signal, due.late.from)).collect::<Vec<_>>(), [(HR, at(5))]);
        let entries = crate::testing::entries(&clinic.store, "reading.amended");
        assert_eq!(entries, 1);
        // The first value, heard late, is what was superseded.
        clinic.send(&patient, device, message(2, 0), &[heart_rate(at(5), 172.0)]);
        assert_eq!(values(&all(&clinic, &patient)), [72.0]);
        assert_eq!(old(&clinic, &patient), [(172.0, By::Source, false)]);
    }
}

#[test]
fn what_lies_ahead_is_not_the_latest_before_its_time_has_come() {
    const AHEAD: i64 = 7 * 86_400;
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), 70.0), heart_rate(at(1), 71.0)]);
        assert!(say(&clinic, &patient, device, heart_rate(at(AHEAD), 150.0), By::Source));
        assert_eq!(newest(&clinic, &patient), [71.0]);
        roll(&clinic.store, NOON, at(AHEAD + 1)).unwrap();
        assert_eq!(newest(&clinic, &patient), [71.0], "in a chunk, too");
    }
}

#[test]
fn a_released_value_under_which_nothing_was_committed_came_first() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let released = By::Clinician(uuid::Uuid::from_u128(7));
        // Two impossible values of a first message wait; a clinician releases both.
        assert!(say(&clinic, &patient, device, heart_rate(at(1), 310.0), released));
        assert!(say(&clinic, &patient, device, heart_rate(at(2), 320.0), released));
        // A third was committed before it was put right, and stays what was replaced.
        clinic.send(&patient, device, message(NOON.secs() + 3, 0), &[heart_rate(at(3), 70.0)]);
        assert!(say(&clinic, &patient, device, heart_rate(at(3), 330.0), released));
        let later = [heart_rate(at(1), 75.0), heart_rate(at(2), 320.0), heart_rate(at(4), 76.0)];
        clinic.send(&patient, device, message(NOON.secs() + 90, 0), &later);
        for roll_first in [false, true] {
            let out = roll_first.then(|| roll(&clinic.store, NOON, at(100)).unwrap());
            assert!(out.is_none_or(|out| (out.merged, out.conflicts) == (0, 1)));
            assert_eq!(values(&all(&clinic, &patient)), [310.0, 320.0, 330.0, 76.0]);
        }
        let waits = clinic.store.read(|view| {
            let id: String = quarantine::table.select(quarantine::id).first(view.conn)?;
            crate::readings::quarantine::get(view, id.parse().unwrap())
        });
        let waits = waits.unwrap();
        assert_eq!(waits.reading, Some(heart_rate(at(1), 75.0)), "it is kept, and a clinician sees it");
        assert_eq!((waits.reason.as_str(), waits.received), ("E_CONFLICT", message(NOON.secs() + 90, 0)));
    }
}
