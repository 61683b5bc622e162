//! What is written takes its place once, in order, whoever sequences and wherever it breaks off.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::Act;
use crate::db::schema::audit_entries as entries;
use crate::live::pace::Pace;
use audit::{Entry, EntryType};

fn act(store: &Store, purpose: &str) {
    store.write(Actor::Operator, NOW, |tx| tx.audit(&Act::new("admin.config").purpose(purpose))).unwrap();
}

/// The purposes of the `admin.config` entries in the log, in its order.
fn purposes(house: &House) -> Vec<String> {
    let size = house.head().checkpoint.size;
    let purpose = |leaf| {
        let bytes = house.home.read(|view| entry(view, leaf)).unwrap().unwrap();
        let entry = Entry::read(&bytes).unwrap();
        entry.purpose.filter(|_| entry.kind == EntryType::AdminConfig)
    };
    (0..size).filter_map(purpose).collect()
}

#[test]
fn entries_take_their_places_in_the_order_of_their_ids_and_give_up_their_bytes() {
    for mut house in houses() {
        let names: Vec<String> = (0..700).map(|n| format!("p{n}")).collect();
        for part in names.chunks(151) {
            part.iter().for_each(|name| act(&house.home, name));
            house.seal(1);
        }
        assert_eq!(house.seal(1), Sequenced::default());
        assert_eq!(purposes(&house), names);
        let (left, bytes): (i64, i64) = house
            .home
            .read(|view| {
                let left = entries::table.filter(entries::leaf.is_null()).count().get_result(view.conn)?;
                let bytes = entries::table.filter(entries::entry.is_not_null()).count();
                Ok((left, bytes.get_result(view.conn)?))
            })
            .unwrap();
        assert_eq!((left, bytes), (0, 0));
        let report = house.verified();
        assert!(report.ok, "{report:?}");
        assert_eq!(report.size, house.head().checkpoint.size);
    }
}

#[test]
fn a_step_that_breaks_off_loses_nothing_and_doubles_nothing() {
    for mut house in houses() {
        house.message(0, 0, &[70.0]);
        (0..300).for_each(|n| act(&house.home, &format!("a{n}")));
        house.seal(1);
        (0..300).for_each(|n| act(&house.home, &format!("b{n}")));
        for table in ["audit_tiles", "audit_checkpoints", "audit_bundles"] {
            let away = format!("ALTER TABLE {table} RENAME TO away");
            let back = format!("ALTER TABLE away RENAME TO {table}");
            statement(&house, &away);
            let now = Instant::from_secs(NOW.secs() + 2);
            assert!(house.sequencer.sequence(&house.home, now, 1_000).is_err(), "{table}");
            statement(&house, &back);
        }
        house.seal(2);
        let expected: Vec<String> =
            ["a", "b"].iter().flat_map(|l| (0..300).map(move |n| format!("{l}{n}"))).collect();
        assert_eq!(purposes(&house), expected);
        let report = house.verified();
        assert!(report.ok, "{report:?}");
    }
}

fn statement(house: &House, sql: &str) {
    use diesel::connection::SimpleConnection;
    let done = house.home.keep_house(Urgency::Urgent, "test", NOW, |tx| Ok(tx.conn.batch_execute(sql)?));
    done.unwrap();
}

#[test]
fn two_sequencers_at_once_give_one_log() {
    for mut house in houses() {
        let other = open(&house.home, &house.home.dir().join("keys"), NOW).unwrap();
        let mut other = Sequencer::begin(&house.home, other).unwrap();
        let names: Vec<String> = (0..600).map(|n| format!("p{n}")).collect();
        let written = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let store: &Store = &house.home;
            let ours = &mut house.sequencer;
            let (written, names) = (&written, &names);
            scope.spawn(move || {
                names.iter().for_each(|name| act(store, name));
                written.store(true, Ordering::Release);
            });
            for sequencer in [ours, &mut other] {
                scope.spawn(move || {
                    while !written.load(Ordering::Acquire) {
                        sequencer.sequence(store, NOW, 1_000).unwrap();
                    }
                });
            }
        });
        other.sequence(&house.home, NOW, 1_000).unwrap();
        house.seal(0);
        assert_eq!(purposes(&house), names);
        assert!(house.verified().ok);
    }
}

#[test]
fn a_second_is_packed_once_it_is_over_and_what_comes_late_is_a_part_of_its_own() {
    for mut house in houses() {
        house.message(0, 0, &[70.0, 71.0]);
        house.message(0, 1, &[]);
        assert_eq!(house.seal(0).packed, 0);
        assert_eq!(house.seal(1).packed, 1);
        house.message(0, 2, &[]);
        assert_eq!(house.seal(2).packed, 1);
        let report = house.verified();
        assert!(report.ok, "{report:?}");
    }
}

#[test]
fn another_key_does_not_take_the_log_up() {
    for mut house in houses() {
        house.seal(0);
        let name = house.key().name().to_owned();
        let strange = audit::Signer::from_seed(&name, &[9; 32]).unwrap();
        assert!(matches!(Sequencer::begin(&house.home, strange), Err(Error::Log(_))));
        assert!(house.verified().ok);
    }
}

/// A clock that was set back left receipts in seconds to come: nothing waits until they have passed.
#[test]
fn what_was_written_on_a_clock_that_ran_ahead_is_sealed_at_once() {
    for mut house in houses() {
        house.message(7_200, 0, &[70.0]);
        house.seal(10);
        house.message(7_200, 1, &[71.0]);
        house.message(11, 0, &[72.0]);
        house.seal(12);
        assert_eq!(house.home.read(receipts::open).unwrap(), 0);
        let report = house.verified();
        assert!(report.ok, "{report:?}");
    }
}

/// One patient's history twice as long is twice the work, and never more in memory.
#[test]
fn the_readings_of_one_long_history_are_verified_in_one_pass_and_a_bounded_room() {
    const SLICE: i64 = 300;
    for mut house in houses() {
        let add = |house: &House, from: i64, to: i64| {
            for minute in from..to {
                // Every tenth message comes half an hour late.
                let ordinal = u16::try_from(minute % 2).unwrap();
                let measured = if minute % 10 == 9 { (minute - 30).max(0) } else { minute };
                let mut values = readings(measured * 60 + i64::from(ordinal), &[70.0; 50]);
                if minute % 10 == 9 {
                    values.iter_mut().for_each(|reading| {
                        reading.at = reading.at.plus(std::time::Duration::from_millis(100))
                    });
                }
                house.send(minute * 60, ordinal, &values);
            }
        };
        let mut looks = Vec::new();
        for (from, to) in [(0, 60), (60, 120)] {
            add(&house, from, to);
            house.seal(to * 60 + 10);
            showing::rolled(&house);
            let (found, work) =
                house.home.read(|view| verify::messages::checked(view, SLICE, &mut Pace::default())).unwrap();
            assert_eq!((found, work.messages), (None, usize::try_from(to).unwrap()));
            assert!(work.most <= 2 * 300, "{work:?}");
            looks.push(work);
        }
        let (first, second) = (looks[0].opened, looks[1].opened);
        assert!(first > 10 && second <= 2 * first + first / 4, "{looks:?}");
        assert!(house.verified().ok);
    }
}
