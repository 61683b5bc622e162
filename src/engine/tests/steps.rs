//! A wall clock that somebody sets: nothing stops, nothing comes later for it, and everybody who should know is told.

use std::time::Duration;

use super::ward::{Ward, wards};
use crate::domain::Clock;
use crate::domain::escalation::State;
use crate::engine::outbox::Breakers;
use crate::engine::{Lane, Status, auditor, clock, escalate, housekeeping};
use crate::store::testing::{NOW, entries};
use crate::store::{self, Store, Urgency, escalations, nodes};

const TWO_HOURS: i64 = 7_200_000_000;

struct Engine {
    clock: Clock,
    lane: Lane,
    status: Status,
}

impl Engine {
    fn new(store: &Store) -> Self {
        let (clock, status) = (Clock::driven(NOW), Status::default());
        let lane = Lane::new(
            "engine",
            vec![
                Box::new(clock::Watch::new(store.clone(), clock.clone(), Breakers::default())),
                Box::new(escalate::Escalate::new(store.clone())),
                Box::new(housekeeping::Housekeeping::new(store.clone())),
                Box::new(auditor::Auditor::new(store.clone(), status.clone())),
            ],
        );
        Self { clock, lane, status }
    }

    fn runs_for(&mut self, span: Duration) {
        self.clock.advance(span);
        while self.lane.cycle(self.clock.now(), self.clock.steady(), &self.status) {}
    }

    fn beats(&self, ward: &Ward) -> bool {
        let now = self.clock.now();
        ward.home.read(|view| auditor::heartbeat(view, now)).unwrap() == Some(now)
    }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn rungs(ward: &Ward) -> usize {
    ward.story().iter().filter(|(did, ..)| did == "paged").count()
}

#[test]
fn a_clock_set_back_two_hours_stops_nothing_and_is_told() {
    for ward in wards() {
        let mut engine = Engine::new(&ward.home);
        engine.runs_for(seconds(1));
        assert_eq!(rungs(&ward), 1);
        engine.clock.step(TWO_HOURS);
        engine.runs_for(seconds(1));
        assert_eq!(rungs(&ward), 2, "due on the wrong time: too soon, never too late");
        engine.clock.step(-TWO_HOURS);
        engine.runs_for(seconds(1));
        let told = ward.home.read(|view| store::clock::told(view, engine.clock.now())).unwrap();
        assert_eq!(told.map(|step| step.by_ms), Some(-7_200_000));
        assert_eq!(entries(&ward.home, "clock.stepped"), 2);
        // The third rung was planned for two hours too late.
        let climb = ward.home.read(|view| escalations::of_alert(view, ward.alert)).unwrap().unwrap();
        let wait = climb.run.next_at.unwrap().since(engine.clock.now());
        assert!(wait <= seconds(3_600), "{wait:?}");
        engine.runs_for(wait);
        assert!(rungs(&ward) == 3 || ward.state() == State::NobodyReached, "{:?}", ward.story());
        assert_eq!(engine.status.silent(engine.clock.now(), seconds(90)), Vec::<&str>::new());
        engine.runs_for(seconds(60));
        assert!(engine.beats(&ward), "the auditor looks each minute, whatever the clock shows");
    }
}

#[test]
fn a_heartbeat_and_a_module_of_the_future_are_none() {
    for ward in wards() {
        let mut engine = Engine::new(&ward.home);
        engine.runs_for(seconds(1));
        assert!(engine.beats(&ward));
        let now = engine.clock.now();
        let before = now.minus(seconds(7_200));
        assert_eq!(ward.home.read(|view| auditor::heartbeat(view, before)).unwrap(), None);
        assert!(engine.status.silent(before, seconds(90)).contains(&"housekeeping"));
        let thirty = now.minus(seconds(30));
        assert_eq!(
            ward.home.read(|view| auditor::heartbeat(view, thirty)).unwrap(),
            Some(now),
            "another node's"
        );
    }
}

#[test]
fn a_clock_that_was_set_back_while_nobody_looked_is_noticed_at_the_start() {
    for ward in wards() {
        let engine = Engine::new(&ward.home);
        engine.clock.step(-TWO_HOURS);
        let mut engine = engine;
        engine.runs_for(seconds(1));
        let told = ward.home.read(|view| store::clock::told(view, engine.clock.now())).unwrap().unwrap();
        assert!((-7_200_000..-7_100_000).contains(&told.by_ms), "{told:?}");
    }
}

#[test]
fn a_dead_node_on_a_wrong_clock_keeps_its_slot_a_minute_and_no_longer() {
    for ward in wards() {
        let wrong = NOW.plus(seconds(7_200));
        let house = |now, f: &dyn Fn(&mut store::Tx<'_>) -> store::Result<usize>| {
            ward.home.keep_house(Urgency::Urgent, "test", now, f).unwrap()
        };
        let take = |tx: &mut store::Tx<'_>| nodes::take(tx, "lost").map(usize::from);
        let lost = house(wrong, &take);
        let step = crate::domain::time::Step { at: NOW, by_ms: -7_200_000 };
        house(NOW, &|tx| store::clock::begin(tx, step));
        let other = |tx: &mut store::Tx<'_>| nodes::take(tx, "new").map(usize::from);
        assert_ne!(house(NOW.plus(seconds(59)), &other), lost);
        assert_eq!(house(NOW.plus(seconds(61)), &|tx| nodes::take(tx, "newer").map(usize::from)), lost);
    }
}
