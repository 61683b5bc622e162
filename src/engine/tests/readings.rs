//! Late data through the real commit, the real replay and the real roll: the clean story in whatever order, no more
//! read than it takes, and nobody held up.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use consent::{AlertEvaluate, Context, Datum, Grant, Permit, Purpose, Request, decide};
use mqtt::gateway::{Delivery, Protocol, Reply};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::Module as _;
use crate::rules::Reevaluate;
use domain::alerts::{Act, Outcome};
use domain::{
    Clock, DeviceId, DeviceIdentity, Instant, Level, Measured, PatientId, PatientIdentity, Role, Rule,
    Signal, UserId,
};
use ingest::SharedWatchlist;
use ingest::admit::Admitted;
use ingest::commit::Committer;
use rules::{Episode, JudgedReading, SeriesKey, Watchlist, replay};
use store::consents::{self, terms};
use store::devices::{self, bindings, roster};
use store::rules::reevaluations;
use store::testing::{Home, NOW, spoil_chunks, stores};
use store::{Actor, Urgency, alerts, patients, readings};

const HOUR: i64 = 3_600;

/// A patient with one device, and the parts of the house that judge.
struct Bed {
    home: Home,
    committer: Committer,
    engine: Reevaluate,
    watch: SharedWatchlist,
    device: DeviceId,
    patient: PatientId,
    patient_key: i64,
}

impl Bed {
    fn each() -> Vec<Self> {
        stores().into_iter().map(Self::new).collect()
    }

    fn new(home: Home) -> Self {
        let long_ago = NOW.minus(Duration::from_secs(60 * 86_400));
        let identity = PatientIdentity {
            name: "Bia Reis".parse().unwrap(),
            birth_date: "1990-05-17".parse().unwrap(),
            cpf: None,
            cns: None,
            email: None,
            phone: None,
        };
        let details =
            patients::Details { identity, zone: "America/Sao_Paulo".into(), language: "pt-BR".into() };
        let (patient, patient_key, device) = home
            .write(Actor::System("test"), NOW, |tx| {
                let patient = patients::insert(tx, &details)?;
                for purpose in [Purpose::TelemetryCollect, Purpose::AlertEvaluate] {
                    let term = terms::current(tx, purpose)?.remove(0);
                    let hash = hex::decode(term.text_sha256).unwrap().try_into().unwrap();
                    let grant = Grant { measured_from: Some(long_ago.micros()), ..Grant::of(hash) };
                    consents::grant(tx, patient.id, purpose, grant, &consent::Giver::Subject.into())?;
                }
                let identity = DeviceIdentity { label: "w".into(), model: "w".into(), serial: None };
                let device = devices::insert(tx, &identity)?.id;
                bindings::bind(tx, device, patient.id, long_ago, true)?;
                Ok((patient.id, patient.key, device))
            })
            .unwrap();
        let watch = Arc::new(Mutex::new(Watchlist::new(Rule::seeds().into())));
        let bases = consent::Bases::default();
        let options = ingest::Options {
            standing: store::health::standing::Standing::new(store::health::standing::Place::Seated(0)),
            bases: bases.clone(),
            watch: Arc::clone(&watch),
            committed: Box::new(|| {}),
        };
        let store = (*home).clone();
        store::testing::seated(&store);
        let committer = Committer::new(store.clone(), Clock::driven(NOW), options, Arc::default()).unwrap();
        let engine = Reevaluate::new(store, bases, Arc::clone(&watch));
        Self { home, committer, engine, watch, device, patient, patient_key }
    }

    /// A second device, bound after the first.
    fn another(&self) -> DeviceId {
        self.home
            .write(Actor::System("test"), NOW, |tx| {
                let identity = DeviceIdentity { label: "x".into(), model: "x".into(), serial: None };
                let device = devices::insert(tx, &identity)?.id;
                bindings::bind(tx, device, self.patient, NOW.minus(Duration::from_secs(30 * 86_400)), false)?;
                Ok(device)
            })
            .unwrap()
    }

    /// One message of pulses: seconds before now, and values.
    fn send(&mut self, pulses: &[(i64, f64)]) {
        self.send_from(self.device, pulses);
    }

    fn send_from(&mut self, device: DeviceId, pulses: &[(i64, f64)]) {
        let record = |(before, value): &(i64, f64)| {
            format!(r#"{{"ts":{},"heart_rate":{value}}}"#, NOW.millis() - before * 1_000)
        };
        let text = format!("[{}]", pulses.iter().map(record).collect::<Vec<_>>().join(","));
        let message = Admitted::from(Delivery {
            device: device.0,
            session: 1,
            packet_id: Some(1),
            qos: 1,
            resent: false,
            content_type: None,
            payload: Bytes::from(text),
            received_at: NOW.micros(),
            protocol: Protocol::V5,
            reply: Reply::unheard(),
        });
        self.committer.commit(&mut vec![message]);
    }

    fn judge(&mut self) {
        for _ in 0..100 {
            self.engine.run(NOW).unwrap();
            if self.home.read(reevaluations::backlog).unwrap().0 == 0 {
                return;
            }
        }
        panic!("the replays do not come to an end");
    }

    fn roll(&self) {
        while readings::roll(&self.home, NOW, NOW).unwrap().more {}
    }

    fn stories(&self) -> Vec<Episode> {
        let all =
            self.home.read(|view| alerts::episodes(view, self.patient_key, "tachycardia", Instant::MIN));
        let mut all: Vec<Episode> = all.unwrap().into_iter().map(|alert| alert.episode).collect();
        all.sort_by_key(|episode| episode.started_at);
        all
    }

    /// What one replay of all that is stored tells.
    fn clean(&self) -> Vec<Episode> {
        let rule = Rule::seeds().remove(0);
        let (from, to) = (Instant::MIN, Instant::MAX);
        let read = |tx: &mut store::Tx<'_>| {
            let permit = permit(&roster::patient(tx, self.patient_key)?);
            readings::series(tx, &permit, self.patient_key, Signal::HeartRate, from, to)
        };
        let stored = self.home.keep_house(Urgency::Patient, "test", NOW, read).unwrap();
        let judged = |stored: readings::StoredReading| {
            JudgedReading::from(&Measured { reading: stored.reading, device: self.device })
        };
        let replayed = replay(&rule, &[], &[], stored.into_iter().map(judged), Instant::MIN);
        replayed.episodes.into_iter().map(|replayed| replayed.episode).collect()
    }
}

fn permit(patient: &roster::PatientRow) -> Permit<AlertEvaluate> {
    let context = Context { data: &[Datum::Reading], ..Context::system(NOW.micros()) };
    let (bases, records, subject) = (&consent::Bases::default(), &patient.records, &patient.subject);
    decide::<AlertEvaluate>(&Request { bases, records, subject, context: &context }).unwrap()
}

/// A day of pulses, one each ten seconds, from the oldest on: calm, but for twenty minutes of each second hour.
fn day() -> Vec<(i64, f64)> {
    let value = |before: i64| if before % (2 * HOUR) < 1_200 { 131.0 } else { 72.0 };
    (0..24 * HOUR).rev().step_by(10).map(|before| (before, value(before))).collect()
}

#[test]
fn a_late_reading_is_judged_without_reading_what_comes_long_after() {
    for mut bed in Bed::each() {
        for part in day().chunks(360) {
            bed.send(part);
        }
        bed.judge();
        bed.roll();
        let before = bed.stories();
        assert_eq!(before.len(), 12);
        // What lies hours behind the late readings cannot be opened any more: whoever tries fails.
        assert!(spoil_chunks(&bed.home, NOW.minus(Duration::from_secs(12 * 3_600))) > 0);
        // Two minutes of an hour that was calm, between the readings that are there.
        let late: Vec<_> = (0..120).map(|second| (21 * HOUR + 1_800 - second, 140.0)).collect();
        bed.send(&late[..60]);
        bed.send(&late[60..]);
        bed.judge();
        assert!(bed.stories().len() >= before.len(), "{:?}", bed.stories());
        let series = SeriesKey { patient_key: bed.patient_key, signal: Signal::HeartRate };
        assert!(bed.watch.lock().unwrap().knows(series), "its machines went on meanwhile");
    }
}

#[test]
fn any_order_through_the_store_tells_the_clean_story() {
    for bed in Bed::each() {
        let bed = RefCell::new(bed);
        let parts: Vec<Vec<(i64, f64)>> = day().chunks(90).map(<[_]>::to_vec).collect();
        let order = proptest::collection::vec((0..5_000_u32, 0..10_u8), parts.len());
        let config = ProptestConfig { cases: 1, failure_persistence: None, ..ProptestConfig::default() };
        TestRunner::new(config)
            .run(&order, |order| {
                let mut bed = bed.borrow_mut();
                let mut late: Vec<_> = parts.iter().zip(order).collect();
                late.sort_by_key(|(part, (delay, _))| std::cmp::Reverse(part[0].0 - i64::from(*delay) * 4));
                for (part, (_, then)) in late {
                    // Every third reading comes a while later than the others.
                    let (now, after): (Vec<_>, Vec<_>) = part.iter().partition(|(before, _)| before % 30 > 0);
                    bed.send(&now);
                    match then {
                        0..4 => bed.judge(),
                        4 => bed.roll(),
                        _ => {}
                    }
                    bed.send(&after);
                }
                bed.judge();
                prop_assert_eq!(bed.stories(), bed.clean());
                Ok(())
            })
            .unwrap();
        assert!(bed.borrow().clean().len() >= 12);
    }
}

#[test]
fn what_arrives_while_a_series_is_judged_again_is_judged_too() {
    for mut bed in Bed::each() {
        let engine = Reevaluate::new((*bed.home).clone(), consent::Bases::default(), Arc::clone(&bed.watch));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let judge = scope.spawn(|| {
                let mut engine = engine;
                while !stop.load(Ordering::Relaxed) {
                    engine.run(NOW).unwrap();
                }
            });
            // Two ends of a day at once: one on time, one from the far end, in messages large and small.
            let day = day();
            let (past, present) = day.split_at(day.len() / 2);
            for (late, now) in past.rchunks(500).zip(present.chunks(40).chain(std::iter::repeat(&[][..]))) {
                bed.send(late);
                now.chunks(7).for_each(|part| bed.send(part));
            }
            present.chunks(40).skip(past.rchunks(500).count()).for_each(|part| bed.send(part));
            stop.store(true, Ordering::Relaxed);
            judge.join().unwrap();
        });
        bed.judge();
        assert_eq!(bed.stories(), bed.clean());
        bed.send(&[(-30, 72.0)]);
        bed.judge();
        assert_eq!(bed.stories(), bed.clean(), "the machines know where they are");
    }
}

#[test]
fn a_series_that_is_marked_while_it_is_taken_over_waits_in_no_circle() {
    for mut bed in Bed::each() {
        let engine = Reevaluate::new((*bed.home).clone(), consent::Bases::default(), Arc::clone(&bed.watch));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let judge = scope.spawn(|| {
                let mut engine = engine;
                while !stop.load(Ordering::Relaxed) {
                    engine.run(NOW).unwrap();
                }
            });
            bed.send(&[(0, 72.0)]);
            // Each message is late, and so marks the row that the other thread takes, settles and clears meanwhile: the
            // one locks machines and row, and so must the other.
            (1..=600).for_each(|before| bed.send(&[(before, 72.0)]));
            stop.store(true, Ordering::Relaxed);
            judge.join().unwrap();
        });
        bed.judge();
        assert_eq!(bed.stories(), []);
    }
}

/// Seconds before now, from `from` to `to`, one value each second.
fn pulse(from: i64, to: i64, value: f64) -> Vec<(i64, f64)> {
    (to..=from).rev().map(|before| (before, value)).collect()
}

#[test]
fn the_next_device_speaks_once_the_one_before_it_fell_silent() {
    for mut bed in Bed::each() {
        let second = bed.another();
        // Both measure, and the first bound is believed.
        bed.send(&pulse(900, 600, 72.0));
        bed.send_from(second, &pulse(900, 600, 140.0));
        bed.judge();
        assert_eq!(bed.stories(), []);
        // The first falls silent: after its gap the other's red is a red, live and judged again.
        bed.send_from(second, &pulse(599, 300, 140.0));
        bed.judge();
        let live = bed.stories();
        assert_eq!(live.iter().map(Episode::peak).collect::<Vec<_>>(), [Level::Red]);
        assert!(live[0].started_at > NOW.minus(Duration::from_secs(571)), "not while the first still spoke");
        bed.watch.lock().unwrap().forget_all();
        bed.send_from(second, &pulse(299, 290, 140.0));
        bed.judge();
        assert_eq!(bed.stories(), live);
        // What the first measured meanwhile and brings late is believed again.
        bed.send(&pulse(599, 280, 72.0));
        bed.judge();
        assert_eq!(bed.stories(), []);
    }
}

#[test]
fn what_is_learned_after_a_person_resolved_is_not_resolved_with_it() {
    for mut bed in Bed::each() {
        let resolve = |bed: &Bed, index: usize| {
            let all =
                bed.home.read(|view| alerts::episodes(view, bed.patient_key, "tachycardia", Instant::MIN));
            let (id, who) = (all.unwrap()[index].id(), UserId::new(NOW));
            let actor = Actor::User { id: who, role: Role::Clinician };
            let what = Act::Resolve { outcome: Outcome::TrueAlarm };
            let done = bed.home.write(actor, NOW, |tx| Ok(alerts::acted(tx, id, who, what, None).is_ok()));
            assert!(done.unwrap());
            bed.watch.lock().unwrap().forget_all();
        };
        // A yellow is resolved while the newest reading is two minutes old; then it is learned what those minutes held.
        bed.send(&pulse(600, 120, 110.0));
        bed.judge();
        resolve(&bed, 0);
        bed.send(&pulse(119, 2, 150.0));
        bed.judge();
        let stories = bed.stories();
        assert_eq!(stories.iter().map(Episode::peak).collect::<Vec<_>>(), [Level::Yellow, Level::Red]);
        assert_eq!(stories[0].ended_at, Some(NOW.minus(Duration::from_secs(120))));
        assert_eq!(stories[1].ended_at, None);
    }
}
