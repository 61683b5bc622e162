//! A wall clock that somebody sets: nothing stops, nothing comes later for it, and everybody who should know is told.

use std::time::Duration;

use crate::health::seat::Seat;
use crate::health::{auditor, clock};
use crate::messages::outbox::Breakers;
use crate::tests::ward::{Ward, wards};
use crate::{Lane, Module, Status, escalation, housekeeping};
use domain::Clock;
use domain::escalation::State;
use store::health::clock::Back;
use store::health::nodes;
use store::health::nodes::Clocks;
use store::health::standing::{Place, Standing};
use store::testing::{NOW, entries};
use store::{Store, Urgency, Url, escalation as escalations};

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
                Box::new(escalation::Escalate::new(store.clone())),
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

fn steps(ward: &Ward) -> usize {
    ward.story().iter().filter(|(did, ..)| did == "paged").count()
}

#[test]
fn a_clock_set_back_two_hours_stops_nothing_and_is_told() {
    for ward in wards() {
        let mut engine = Engine::new(&ward.home);
        engine.runs_for(seconds(1));
        assert_eq!(steps(&ward), 1);
        engine.clock.step(TWO_HOURS);
        engine.runs_for(seconds(1));
        assert_eq!(steps(&ward), 2, "due on the wrong time: too soon, never too late");
        engine.clock.step(-TWO_HOURS);
        engine.runs_for(seconds(1));
        let step = ward.home.read(|view| store::health::clock::last_step(view, engine.clock.now())).unwrap();
        assert_eq!(step.map(|step| step.by_ms), Some(-7_200_000));
        assert_eq!(entries(&ward.home, "clock.stepped"), 2);
        // The third step was planned for two hours too late.
        let escalation = ward.home.read(|view| escalations::of_alert(view, ward.alert)).unwrap().unwrap();
        let wait = escalation.run.next_at.unwrap().since(engine.clock.now());
        assert!(wait <= seconds(3_600), "{wait:?}");
        engine.runs_for(wait);
        assert!(steps(&ward) == 3 || ward.state() == State::NobodyReached, "{:?}", ward.story());
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
        let step = ward
            .home
            .read(|view| store::health::clock::last_step(view, engine.clock.now()))
            .unwrap()
            .unwrap();
        assert!((-7_200_000..-7_100_000).contains(&step.by_ms), "{step:?}");
    }
}

/// One node of several on the same database, whose clock somebody sets.
struct Peer {
    clock: Clock,
    standing: Standing,
    seat: Seat,
}

impl Peer {
    fn new(store: &Store, id: &str, clock: Clock) -> Self {
        let node = nodes::Node { id: id.to_owned(), home: id.to_owned(), number: None };
        let standing = Standing::new(Place::Aside { by_ms: 0 });
        let seat = Seat::new(store.clone(), clock.clone(), standing.clone(), node);
        Self { clock, standing, seat }
    }

    fn runs(&mut self) -> Place {
        self.seat.run(self.clock.now()).unwrap();
        self.standing.place()
    }
}

/// The time of the database, which is the machine's.
fn database_time(store: &Store) -> domain::Instant {
    Clocks::set(store, &Clock::driven(NOW)).unwrap().database
}

#[test]
fn a_node_on_a_wrong_clock_stands_aside_and_joins_by_itself_when_it_is_right() {
    for ward in wards().into_iter().filter(|ward| matches!(ward.home.url(), Url::Postgres(_))) {
        let now = database_time(&ward.home);
        let mut right = Peer::new(&ward.home, "right", Clock::driven(now));
        let mut wrong = Peer::new(&ward.home, "wrong", Clock::driven(now.plus(seconds(3_600))));
        assert_eq!(right.runs(), Place::Seated(0));
        let aside = wrong.runs();
        let Place::Aside { by_ms } = aside else { panic!("{aside:?}") };
        assert!((3_590_000..=3_600_000).contains(&by_ms), "{by_ms}");
        assert_eq!(right.runs(), Place::Seated(0), "nobody took its number");
        // Set right, it joins; set wrong while it runs, it writes nothing until somebody has looked, and leaves.
        wrong.clock.step(-3_600_000_000);
        assert_eq!(wrong.runs(), Place::Seated(1));
        wrong.clock.step(3_600_000_000);
        wrong.standing.doubt();
        assert!(!wrong.standing.takes_part());
        assert!(matches!(wrong.runs(), Place::Aside { .. }));
        let locked = ward.home.read(|view| {
            nodes::astray(view, "third", Clocks { ours: NOW, database: database_time(&ward.home) })
        });
        assert!(locked.unwrap().is_some(), "the one that is right is still believed");
    }
}

#[test]
fn a_node_that_lost_its_number_takes_another_without_an_error() {
    for ward in wards().into_iter().filter(|ward| matches!(ward.home.url(), Url::Postgres(_))) {
        let now = database_time(&ward.home);
        let mut peer = Peer::new(&ward.home, "right", Clock::driven(now));
        assert_eq!(peer.runs(), Place::Seated(0));
        ward.home.keep_house(Urgency::Urgent, "test", now, |tx| nodes::leave(tx, 0, "right")).unwrap();
        let other = nodes::Node { id: "other".into(), home: "other".into(), number: None };
        ward.home
            .keep_house(Urgency::Urgent, "test", now, |tx| nodes::take(tx, &other, Clocks::agree(now)))
            .unwrap();
        peer.clock.advance(seconds(11));
        assert_eq!(peer.runs(), Place::Seated(1));
    }
}

#[test]
fn what_another_node_planned_an_hour_ahead_is_brought_back_by_one_that_is_right() {
    for ward in wards() {
        let mut ahead = Engine::new(&ward.home);
        ahead.clock.step(TWO_HOURS / 2);
        ahead.runs_for(seconds(1));
        let planned = || {
            let escalation = ward.home.read(|view| escalations::of_alert(view, ward.alert)).unwrap().unwrap();
            escalation.run.next_at.unwrap()
        };
        assert!(planned().since(NOW) > seconds(3_600), "{}", planned());
        let right = Clock::driven(NOW.plus(seconds(2)));
        let back = || clock::each_alert(&ward.home, &right, "seat", Back::AsWritten).unwrap();
        assert!(back() > 0);
        assert!(planned().since(NOW) <= seconds(1_800), "{}", planned());
        assert_eq!(back(), 0, "once");
    }
}
