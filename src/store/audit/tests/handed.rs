//! Readings that changed hands and were put right on the way, under the eyes of a verifier: each message was signed
//! under the key of whoever wore the device when it came, and who that was is known whatever became of the binding.

use super::showing::rolled;
use super::*;
use crate::devices::moves;
use crate::readings::{Allowed, Known};
use domain::Withdrawal;
use domain::time::civil::Window;

type Person = Keyed<PatientId>;

impl House {
    /// The messages that come are this person's from now on.
    fn of(&mut self, whose: Person, consent: i64) {
        (self.patient, self.consent) = (whose, consent);
    }

    /// The device was not its recorded wearer's from an instant on, but `to`'s, or nobody's.
    fn hand_over(&self, at: i64, from: Instant, of: Person, to: Option<Person>) {
        let change = |tx: &mut crate::Tx<'_>| {
            bindings::unbind(tx, self.device.id, Some(of.id), from)?;
            to.map_or(Ok(()), |to| bindings::bind(tx, self.device.id, to.id, from, true).map(drop))
        };
        self.home.write(Actor::Operator, Instant::from_secs(NOW.secs() + at), change).unwrap();
    }

    /// It was this person's from an instant on.
    fn hand_over_to(&self, at: i64, from: Instant, to: Person) {
        let change = |tx: &mut crate::Tx<'_>| bindings::bind(tx, self.device.id, to.id, from, true);
        self.home.write(Actor::Operator, Instant::from_secs(NOW.secs() + at), change).unwrap();
    }

    /// All that is to move moves.
    fn moved(&self, at: i64) {
        let now = Instant::from_secs(NOW.secs() + at);
        while let Some(due) = self.home.read(moves::due).unwrap().first() {
            let next = self.home.read(|view| moves::next(view, due)).unwrap();
            let permit: Allowed<'_> = Ok(&self.collect);
            let step = |tx: &mut crate::Tx<'_>| moves::step(tx, due, &next, Some(permit));
            assert!(self.home.keep_house(Urgency::Patient, "moves", now, step).unwrap());
        }
    }

    /// A message in which the source takes back what is on its way.
    fn take_back_ahead(&self, at: i64, reading: Reading) {
        let what = Withdrawal { signal: reading.signal, at: reading.at, value: Some(reading) };
        self.send_and(at, 0, &[], |tx, received| {
            assert!(moves::take_back(tx, self.device, &what, received, &Known::default()).unwrap());
            Vec::new()
        });
    }

    /// A message that says again what is on its way, with these values.
    fn say_again(&self, at: i64, others: &[Reading]) {
        let theirs = [(self.patient.key, Window { from: others[0].at, to: Instant::MAX })];
        self.send_and(at, 0, &[], |tx, received| {
            moves::follow(tx, self.device, others, received, &theirs).unwrap();
            Vec::new()
        });
    }

    fn whole(&self, story: &str) {
        for place in ["journal", "chunk"] {
            let report = self.verified();
            assert!(report.ok, "{story}, {place}: {report:?}");
            rolled(self);
        }
    }
}

/// What becomes of readings at whoever was given them, in words and by hand.
type Story = (&'static str, fn(&House, &[Reading]));

/// What is reported while the device is the second person's, who turns out never to have had it. The readings of the first
/// message were sent while it was the first person's.
const STORIES: [Story; 6] = [
    ("one is taken back", |house, sent| house.take_back(3, 0, sent[1])),
    ("one is taken back on its way", |house, sent| house.take_back_ahead(3, sent[1])),
    ("one is corrected and taken back", |house, sent| {
        let right = Reading { value: 72.0, ..sent[1] };
        house.correct(3, 0, right);
        house.take_back(4, 0, right);
    }),
    ("one is released and taken back", |house, sent| {
        let right = Reading { value: 75.0, ..sent[1] };
        house.release(3, 0, right);
        house.take_back(4, 0, right);
    }),
    ("it says the same twice", |house, _| {
        for ordinal in 0..2 {
            house.send(3, ordinal, &readings(3, &[90.0]));
        }
    }),
    ("it says nothing new", |house, _| house.send(3, 0, &[])),
];

#[test]
fn what_was_said_while_a_device_was_anothers_holds_once_it_never_was_theirs() {
    for (story, send) in STORIES {
        for mut house in houses() {
            let ana = (house.patient, house.consent);
            let bia = patient(&house.home, "Bia");
            let bia = (Keyed { key: bia.key, id: bia.id }, grant(&house.home, bia.id));
            let sent = readings(0, &[70.0, 170.0, 190.0]);
            house.send(0, 0, &sent);
            house.hand_over(2, sent[1].at, ana.0, Some(bia.0));
            if !story.contains("on its way") {
                house.moved(2);
            }
            house.of(bia.0, bia.1);
            send(&house, &sent);
            house.moved(5);
            house.seal(5);
            house.whole(&format!("{story}, while it is theirs"));

            house.hand_over(6, sent[1].at, bia.0, None);
            house.moved(6);
            house.seal(7);
            house.whole(&format!("{story}, and then it is nobody's"));
            house.of(ana.0, ana.1);
            house.hand_over_to(8, sent[1].at, ana.0);
            house.moved(8);
            house.seal(9);
            house.whole(&format!("{story}, and then it is the first one's again"));

            // A reading that is gone is found all the same, and so is a message that nobody sent.
            house.tamper("DELETE FROM chunks WHERE id = (SELECT min(id) FROM chunks)");
            assert!(!house.verified().ok, "{story}");
        }
    }
}

#[test]
fn what_was_said_again_on_its_way_holds_though_it_ends_with_another_than_whose_key_signed() {
    for to_nobody_first in [false, true] {
        for mut house in houses() {
            let ana = (house.patient, house.consent);
            let bia = patient(&house.home, "Bia");
            let bia = (Keyed { key: bia.key, id: bia.id }, grant(&house.home, bia.id));
            let sent = readings(0, &[70.0, 170.0, 190.0]);
            house.send(0, 0, &sent);
            house.hand_over(2, sent[1].at, ana.0, Some(bia.0));
            house.of(bia.0, bia.1);
            let others: Vec<Reading> =
                sent[1..].iter().map(|one| Reading { value: one.value - 90.0, ..*one }).collect();
            house.say_again(3, &others);
            // Before anything has moved it is known that the second never wore it.
            house.hand_over(4, sent[1].at, bia.0, None);
            if to_nobody_first {
                house.moved(4);
                house.seal(4);
                house.whole("nobody's");
            }
            house.hand_over_to(5, sent[1].at, ana.0);
            house.moved(5);
            house.seal(6);
            house.whole(&format!("the first one's again, nobody's first: {to_nobody_first}"));
            house.tamper("DELETE FROM chunks WHERE id = (SELECT min(id) FROM chunks)");
            assert!(!house.verified().ok);
        }
    }
}

#[test]
fn whoever_is_left_out_of_those_who_wore_a_device_leaves_their_messages_missing() {
    for mut house in houses() {
        house.message(0, 0, &[]);
        house.seal(1);
        assert!(house.verified().ok);
        house.tamper("DELETE FROM wearers");
        let found = house.verified().first_break.unwrap().what;
        assert!(found.contains("are missing"), "{found}");
    }
}
