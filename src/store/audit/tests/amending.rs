//! Readings that were put right, under the eyes of a verifier.

use super::showing::rolled;
use super::*;
use crate::devices::moves;
use crate::keys::seal::Broken;
use crate::readings::quarantine::{self, Aside};
use crate::readings::testing::evaluate;
use crate::readings::{self, Amended, By, Known, Outcome, Withdrawn};
use crate::testing::destroy_keys;
use crate::{Error, View};
use domain::Withdrawal;
use domain::time::civil::Window;

impl House {
    /// A message in which the source corrects itself.
    pub(super) fn correct(&self, at: i64, ordinal: u16, reading: Reading) {
        let (patient, device_key) = (self.patient, self.device.key);
        self.send_and(at, ordinal, &[], |tx, received| {
            let new = Amended { patient, device_key, reading, received, by: By::Source };
            assert!(readings::amend(tx, &self.collect, &new).unwrap());
            vec![reading]
        });
    }

    /// A message in which the source takes a reading back.
    pub(super) fn take_back(&self, at: i64, ordinal: u16, reading: Reading) {
        let (patient, device_key) = (self.patient, self.device.key);
        let what = Withdrawal { signal: reading.signal, at: reading.at, said: Some(reading) };
        let mut known = Known::default();
        self.home.read(|view| known.look_up(view, patient.key, device_key, &what)).unwrap();
        self.send_and(at, ordinal, &[], |tx, received| {
            let new = Withdrawn { patient, device_key, what, received, still: true };
            let became = readings::withdraw(tx, &self.collect, &new, &known).unwrap();
            assert_eq!(became, Outcome::Withdrawn);
            Vec::new()
        });
    }

    /// A clinician releases what was set aside.
    pub(super) fn release(&self, at: i64, ordinal: u16, reading: Reading) {
        let (patient, device_key) = (self.patient, self.device.key);
        let received = ReceiptRef::new(NOW.secs() + at, 0, ordinal).unwrap();
        let aside = Aside {
            patient: Some(patient),
            device_key,
            subject: Subject::Patient(patient.id),
            reason: "E_CONFLICT",
            received,
            reading: Some(reading),
            names: None,
            payload: None,
        };
        let released = |tx: &mut crate::Tx<'_>| {
            let item = quarantine::insert(tx, &aside)?;
            let by = By::Clinician(item);
            readings::amend(tx, &self.collect, &Amended { patient, device_key, reading, received, by })?;
            let item = quarantine::get(tx, item)?;
            quarantine::decide(tx, &item, patient.id, true, "medido de novo")
        };
        self.home.write(Actor::Operator, Instant::from_secs(NOW.secs() + at), released).unwrap();
    }

    pub(super) fn in_force(&self) -> Result<Vec<f64>> {
        let (from, to) = (NOW, Instant::from_secs(NOW.secs() + 60));
        let look = |view: &mut View<'_>| {
            readings::series(view, &evaluate(), self.patient.key, Signal::HeartRate, from, to)
        };
        Ok(self.home.read(look)?.iter().map(|stored| stored.reading.value).collect())
    }
}

/// Three readings, one of each put right in its way: corrected, withdrawn, released.
fn put_right(house: &mut House) {
    let sent = readings(0, &[70.0, 170.0, 190.0, 150.0]);
    house.send(0, 0, &sent);
    house.correct(1, 0, Reading { value: 72.0, ..sent[1] });
    house.take_back(2, 0, sent[2]);
    house.release(3, 0, Reading { value: 75.0, ..sent[3] });
    house.seal(4);
}

#[test]
fn what_was_put_right_holds_before_a_verifier_in_journal_and_chunk() {
    for mut house in houses() {
        put_right(&mut house);
        for place in ["journal", "chunk"] {
            let report = house.verified();
            assert!(report.ok, "{place}: {report:?}");
            assert_eq!(house.in_force().unwrap(), [70.0, 72.0, 75.0], "{place}");
            rolled(&house);
        }
    }
}

#[test]
fn an_amendment_that_is_gone_is_found_whichever_it_was() {
    for gone in ["at = (SELECT max(at) FROM amendments)", "at = (SELECT min(at) FROM amendments)", "1 = 1"] {
        for mut house in houses() {
            put_right(&mut house);
            house.tamper(&format!("DELETE FROM amendments WHERE {gone}"));
            assert!(!house.verified().ok, "{gone}");
        }
    }
    for mut house in houses() {
        let sent = readings(0, &[70.0, 190.0]);
        house.send(0, 0, &sent);
        house.take_back(1, 0, sent[1]);
        house.seal(2);
        house.tamper("DELETE FROM amendments");
        let found = house.verified().first_break.unwrap().what;
        assert!(found.contains("0 amended readings; the log speaks of 1"), "{found}");
    }
}

#[test]
fn a_mark_in_clear_that_hides_a_value_is_found() {
    for mark in ["UPDATE amendments SET stands = FALSE", "UPDATE chunks SET overlaid = TRUE"] {
        for mut house in houses() {
            put_right(&mut house);
            rolled(&house);
            house.tamper(mark);
            let found = house.verified().first_break.unwrap().what;
            assert!(found.contains("in force that is marked as if it were not"), "{mark}: {found}");
        }
    }
}

#[test]
fn a_mark_in_clear_that_leaves_a_value_out_of_what_stood_before_is_found() {
    let (source, clinician) = ("item IS NULL", "item IS NOT NULL");
    for whose in [source, clinician] {
        for mut house in houses() {
            put_right(&mut house);
            house.tamper(&format!("UPDATE amendments SET supersedes = FALSE WHERE {whose}"));
            let found = house.verified().first_break.unwrap().what;
            assert!(found.contains("put right and is marked as if it were not"), "{whose}: {found}");
        }
    }
}

#[test]
fn what_was_put_right_is_erased_with_the_person() {
    for mut house in houses() {
        put_right(&mut house);
        let whose = Subject::Patient(house.patient.id);
        destroy_keys(&house.home, whose);
        let gone = |error: &Error| matches!(error, Error::Sealed(Broken::KeyDestroyed, _));
        assert!(gone(&house.in_force().unwrap_err()));
        let (from, to) = (NOW, Instant::from_secs(NOW.secs() + 60));
        let old = house.home.read(|view| {
            let signals = [Signal::HeartRate];
            readings::superseded(
                view,
                &evaluate(),
                house.patient.key,
                &signals,
                Window { from, to },
                None,
                10,
            )
        });
        assert!(gone(&old.unwrap_err()));
        let report = house.verified();
        assert!(report.ok, "{report:?}");
    }
}

#[test]
fn readings_that_change_hands_hold_before_a_verifier_who_finds_one_that_went_back() {
    for mut house in houses() {
        let sent = readings(0, &[70.0, 170.0, 190.0]);
        house.send(0, 0, &sent);
        let now = Instant::from_secs(NOW.secs() + 3);
        house
            .home
            .write(Actor::Operator, now, |tx| bindings::unbind(tx, house.device.id, None, sent[1].at))
            .unwrap();
        while let Some(due) = house.home.read(moves::due).unwrap().first() {
            let next = house.home.read(|view| moves::next(view, due)).unwrap();
            let step = |tx: &mut crate::Tx<'_>| moves::step(tx, due, &next, None);
            assert!(house.home.keep_house(Urgency::Patient, "moves", now, step).unwrap());
        }
        house.seal(4);
        for place in ["journal", "chunk"] {
            let report = house.verified();
            assert!(report.ok, "{place}: {report:?}");
            assert_eq!(house.in_force().unwrap(), [70.0], "{place}");
            rolled(&house);
        }
        house.tamper("DELETE FROM amendments WHERE at = (SELECT max(at) FROM amendments)");
        let found = house.verified().first_break.unwrap().what;
        assert!(found.contains("1 amended readings; the log speaks of 2"), "{found}");
    }
}
