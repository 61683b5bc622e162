//! What the journal promises at the moment of the commit.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::readings::testing::{Clinic, NOON, collect, heart_rate, message, permit_from};
use crate::readings::{Appended, Batch, kept_of};
use crate::{Conn, Urgency};
use domain::Instant;

fn at(second: i64) -> Instant {
    Instant::from_secs(NOON.secs() + second)
}

#[test]
fn a_reading_is_stored_once_and_its_first_value_stays() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let first =
            clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), 70.0), heart_rate(at(1), 71.0)]);
        assert_eq!(first, Appended { new: 2, ..Appended::default() });
        let again = [heart_rate(at(0), 70.0), heart_rate(at(1), 99.0), heart_rate(at(2), 72.0)];
        let second = clinic.send(&patient, device, message(2, 0), &again);
        assert_eq!(second, Appended { new: 1, same: vec![0], conflicts: vec![1] });
    }
}

#[test]
fn the_same_identity_twice_in_one_batch_keeps_the_first() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let mut readings: Vec<_> = (0..150).map(|n| heart_rate(at(n), 70.0)).collect();
        readings.push(heart_rate(at(3), 70.0));
        readings.push(heart_rate(at(4), 71.0));
        let out = clinic.send(&patient, device, message(1, 0), &readings);
        assert_eq!(out, Appended { new: 150, same: vec![150], conflicts: vec![151] });
    }
}

#[test]
fn two_devices_and_two_patients_are_different_identities() {
    for clinic in Clinic::each() {
        let (maria, jose, a, b) = (clinic.patient(), clinic.patient(), clinic.device(), clinic.device());
        for (patient, device) in [(&maria, a), (&maria, b), (&jose, a)] {
            assert_eq!(clinic.send(patient, device, message(1, 0), &[heart_rate(at(0), 70.0)]).new, 1);
        }
    }
}

#[test]
fn a_permit_that_does_not_reach_back_admits_nothing_of_the_message() {
    for clinic in Clinic::each() {
        let patient = clinic.patient();
        let permit = permit_from(at(1).micros());
        let mut batch = Batch::default();
        let readings = [heart_rate(at(1), 70.0), heart_rate(at(0), 70.0)];
        assert!(batch.admit(&permit, &patient.secret, patient.key, 1, message(1, 0), &readings).is_err());
        assert_eq!(batch.count(), 0);
        assert!(batch.admit(&collect(), &patient.secret, patient.key, 1, message(1, 0), &readings).is_ok());
        assert_eq!(batch.count(), 2);
    }
}

#[test]
fn a_late_conflict_is_masked_by_another_pad_than_the_value_that_came_first() {
    for clinic in Clinic::each() {
        let (patient, device) = (clinic.patient(), clinic.device());
        let masked = |clinic: &Clinic| -> u64 {
            use crate::db::schema::readings;
            let read =
                clinic.store.read(|view| Ok(readings::table.select(readings::masked).first(view.conn)?));
            let masked: i64 = read.unwrap();
            masked.cast_unsigned()
        };
        clinic.send(&patient, device, message(1, 0), &[heart_rate(at(0), 70.0)]);
        let first = masked(&clinic);
        // Whoever has an old copy of the journal and a new one, with both values of one identity.
        crate::readings::roll(&clinic.store, NOON, at(100)).unwrap();
        clinic.send(&patient, device, message(2, 0), &[heart_rate(at(0), 170.0)]);
        assert_ne!(first ^ masked(&clinic), 70.0_f64.to_bits() ^ 170.0_f64.to_bits());
    }
}

#[test]
fn a_row_that_a_roll_takes_from_under_a_repetition_leaves_the_repetition_in_the_journal() {
    for clinic in Clinic::each().into_iter().filter(|clinic| clinic.store.url().file().is_none()) {
        let (patient, device) = (clinic.patient(), clinic.device());
        // The first insert finds something in its way that is gone a moment later.
        let once = "CREATE SEQUENCE seen; CREATE FUNCTION in_the_way() RETURNS trigger LANGUAGE plpgsql AS \
            $$BEGIN IF nextval('seen') = 1 THEN RETURN NULL; END IF; RETURN NEW; END$$; \
            CREATE TRIGGER in_the_way BEFORE INSERT ON readings FOR EACH ROW EXECUTE FUNCTION in_the_way()";
        let made = clinic.store.keep_house(Urgency::Urgent, "test", NOON, |tx| {
            let Conn::Pg(conn) = &mut *tx.conn else { return Ok(()) };
            Ok(conn.batch_execute(once)?)
        });
        made.unwrap();
        let readings = [heart_rate(at(0), 70.0), heart_rate(at(1), 71.0)];
        let out = clinic.send(&patient, device, message(1, 0), &readings);
        let kept = clinic.store.read(|view| kept_of(view, patient.key)).unwrap();
        assert_eq!((out.new, kept), (2, 2));
    }
}
