//! A device that changes hands, and the change is recorded after it happened: each reading ends with whoever wore the
//! device at its instant, through the real commit, the real moves, replays and rolls.

mod acts;
mod again;
mod costs;
mod taken_back;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use consent::{AlertEvaluate, Context, Datum, Grant, Permit, Purpose, Request, decide};
use mqtt::gateway::{Delivery, Protocol, Reply};

use crate::Module as _;
use crate::alerts::late_reds::LateReds;
use crate::devices::moves::Moves;
use crate::rules::{ORPHANED, Reevaluate};
use domain::time::civil::Window;
use domain::{
    AlertState, Clock, DeviceId, DeviceIdentity, Instant, Level, Outcome, PatientId, PatientIdentity,
    Reading, Rule, Signal,
};
use ingest::SharedWatchlist;
use ingest::admit::Admitted;
use ingest::commit::Committer;
use rules::Watchlist;
use store::alerts::StoredAlert;
use store::alerts::lists;
use store::consents::{self, terms};
use store::devices::moves::{self, Counted};
use store::devices::{self, Wearer, bindings, roster, unbound};
use store::patients::audience::Audience;
use store::rules::reevaluations;
use store::testing::{Home, NOW, entries, grant_calls, grant_one, seated, stores};
use store::{Actor, Keyed, Result, Tx, Urgency, escalation, patients, readings};

const DAY: u64 = 86_400;

fn ago(seconds: u64) -> Instant {
    NOW.minus(Duration::from_secs(seconds))
}

fn before_now(at: Instant) -> u64 {
    u64::try_from((NOW.micros() - at.micros()) / 1_000_000).unwrap()
}

struct Person {
    id: PatientId,
    key: i64,
}

/// One device that was at the first person for a month, and a second person.
struct Ward {
    home: Home,
    committer: Committer,
    replay: Reevaluate,
    watch: SharedWatchlist,
    stats: Arc<ingest::Stats>,
    device: DeviceId,
    device_key: i64,
    ana: Person,
    bia: Person,
}

fn person(tx: &mut Tx<'_>, name: &str, allows_since: Option<Instant>) -> Result<Person> {
    let identity = PatientIdentity {
        name: name.parse().unwrap(),
        birth_date: "1990-05-17".parse().unwrap(),
        cpf: None,
        cns: None,
        email: None,
        phone: None,
    };
    let (zone, language) = ("America/Sao_Paulo".into(), "pt-BR".into());
    let patient = patients::insert(tx, &patients::Details { identity, zone, language })?;
    if let Some(since) = allows_since {
        allows(tx, patient.id, since)?;
    }
    Ok(Person { id: patient.id, key: patient.key })
}

/// A patient allows to collect and to judge what was measured from an instant on, and to call people.
fn allows(tx: &mut Tx<'_>, patient: PatientId, since: Instant) -> Result<()> {
    for purpose in [Purpose::TelemetryCollect, Purpose::AlertEvaluate] {
        let term = terms::current(tx, purpose)?.remove(0);
        let hash = hex::decode(term.text_sha256).unwrap().try_into().unwrap();
        let grant = Grant { measured_from: Some(since.micros()), ..Grant::of(hash) };
        consents::grant(tx, patient, purpose, grant, &consent::Giver::Subject.into())?;
    }
    grant_calls(tx, patient)
}

impl Ward {
    fn allows(&self, whose: &Person, since: Instant) {
        self.home.write(Actor::Operator, NOW, |tx| allows(tx, whose.id, since)).unwrap();
    }

    fn each(bia_allows_since: Option<Instant>) -> Vec<Self> {
        stores().into_iter().map(|home| Self::new(home, bia_allows_since)).collect()
    }

    fn new(home: Home, bia_allows_since: Option<Instant>) -> Self {
        let (device, ana, bia) = home
            .write(Actor::System("test"), NOW, |tx| {
                escalation::seed(tx)?;
                let ana = person(tx, "Ana Reis", Some(ago(60 * DAY)))?;
                let bia = person(tx, "Bia Melo", bia_allows_since)?;
                let identity = DeviceIdentity { label: "w".into(), model: "w".into(), serial: None };
                let device = devices::insert(tx, &identity)?;
                bindings::bind(tx, device.id, ana.id, ago(30 * DAY), true)?;
                Ok((device, ana, bia))
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
        seated(&store);
        let stats = Arc::default();
        let committer =
            Committer::new(store.clone(), Clock::driven(NOW), options, Arc::clone(&stats)).unwrap();
        let replay = Reevaluate::new(store, bases, Arc::clone(&watch));
        Self { home, committer, replay, watch, stats, device: device.id, device_key: device.key, ana, bia }
    }

    /// One message of pulses: seconds before now, and values.
    fn send(&mut self, pulses: &[(u64, f64)]) {
        let record = |(before, value): &(u64, f64)| {
            format!(r#"{{"ts":{},"heart_rate":{value}}}"#, ago(*before).millis())
        };
        self.deliver(format!("[{}]", pulses.iter().map(record).collect::<Vec<_>>().join(",")));
    }

    fn deliver(&mut self, text: String) {
        let message = Admitted::from(Delivery {
            device: self.device.0,
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

    fn unbind(&self, at: Instant) {
        self.home.write(Actor::Operator, NOW, |tx| bindings::unbind(tx, self.device, None, at)).unwrap();
    }

    fn end(&self, of: &Person, at: Instant) {
        self.home
            .write(Actor::Operator, NOW, |tx| bindings::unbind(tx, self.device, Some(of.id), at))
            .unwrap();
    }

    fn bind(&self, to: PatientId, from: Instant) {
        self.home.write(Actor::Operator, NOW, |tx| bindings::bind(tx, self.device, to, from, true)).unwrap();
    }

    fn moves(&self) -> Moves {
        Moves::new((*self.home).clone(), consent::Bases::default())
    }

    /// Everything that the engine does about it, until it rests.
    fn settle(&mut self) {
        let mut cycles = 0;
        while self.moves().run(NOW).unwrap().more {
            cycles += 1;
            assert!(cycles < 1_000, "the moves come to an end");
        }
        // On PostgreSQL a mark of another's making is taken after a while.
        let later = NOW.plus(ORPHANED);
        for _ in 0..100 {
            self.replay.run(later).unwrap();
            if self.home.read(reevaluations::backlog).unwrap().0 == 0 {
                break;
            }
        }
        assert_eq!(self.home.read(reevaluations::backlog).unwrap().0, 0, "the replays come to an end");
        let mut late = LateReds::new((*self.home).clone(), Arc::clone(&self.watch));
        for second in [0, 10] {
            late.run(NOW.plus(Duration::from_secs(second))).unwrap();
        }
    }

    /// What a look shows of a person who may be looked at.
    fn shown<T>(
        &self,
        whose: &Person,
        look: impl Fn(&mut Tx<'_>, &Permit<AlertEvaluate>) -> Result<Vec<T>>,
    ) -> Vec<T> {
        let permitted = |tx: &mut Tx<'_>| {
            let patient = roster::patient(tx, whose.key)?;
            let context = Context { data: &[Datum::Reading], ..Context::system(NOW.micros()) };
            let (bases, records, subject) = (&consent::Bases::default(), &patient.records, &patient.subject);
            let request = Request { bases, records, subject, context: &context };
            let Ok(permit) = decide::<AlertEvaluate>(&request) else { return Ok(Vec::new()) };
            look(tx, &permit)
        };
        self.home.keep_house(Urgency::Patient, "test", NOW, permitted).unwrap()
    }

    fn readings(&self, whose: &Person) -> Vec<Reading> {
        let (from, to) = (Instant::MIN, Instant::MAX);
        let stored = self
            .shown(whose, |tx, permit| readings::series(tx, permit, whose.key, Signal::HeartRate, from, to));
        stored.into_iter().map(|stored| stored.reading).collect()
    }

    fn has(&self, whose: &Person) -> Vec<(u64, f64)> {
        self.readings(whose).iter().map(|one| (before_now(one.at), one.value)).collect()
    }

    fn alerts(&self, whose: &Person) -> Vec<StoredAlert> {
        self.home.read(|view| lists::of_patient(view, whose.key, 10)).unwrap()
    }

    fn escalates(&self, alert: &StoredAlert) -> bool {
        let escalation = self.home.read(|view| escalation::of_alert(view, alert.id())).unwrap();
        escalation.is_some_and(|escalation| escalation.run.next_at.is_some())
    }

    fn waits(&self) -> i64 {
        let waiting = self.home.read(|view| unbound::of_device(view, self.device_key)).unwrap();
        waiting.iter().map(|one| one.readings).sum()
    }

    fn roll(&self) {
        while readings::roll(&self.home, NOW, NOW).unwrap().more {}
    }
}

/// Twelve minutes of the first wearer's calm before the hour, then the second's racing heart each ten seconds.
fn of_ana() -> Vec<(u64, f64)> {
    (1..=12).map(|minute| (3_600 + minute * 60, 72.0)).rev().collect()
}

fn of_bia() -> Vec<(u64, f64)> {
    (0..360).map(|n| (n * 10, 131.0)).rev().collect()
}

#[test]
fn a_change_of_hands_that_is_recorded_late_gives_each_what_they_measured() {
    for rolled in [false, true] {
        for mut ward in Ward::each(Some(ago(60 * DAY))) {
            ward.send(&of_ana());
            ward.send(&of_bia());
            if rolled {
                ward.roll();
            }
            ward.settle();
            let red = ward.alerts(&ward.ana).remove(0);
            assert!(red.case.facts.level == Level::Red && ward.escalates(&red));

            let span = Window { from: ago(3_590), to: Instant::MAX };
            let ana = Wearer { device_key: ward.device_key, patient_key: ward.ana.key };
            let counted = ward.home.read(|view| moves::leaving(view, ana, span));
            assert_eq!(counted.unwrap(), Counted { readings: 360, more: false });
            ward.unbind(ago(3_590));
            let coming = ward.home.read(|view| moves::coming(view, ward.device_key, ago(3_590))).unwrap();
            assert_eq!(coming, Counted { readings: 360, more: false }, "they are about to wait");
            ward.settle();
            assert_eq!(ward.has(&ward.ana), of_ana());
            let red = ward.alerts(&ward.ana).remove(0);
            assert_eq!((red.case.state, red.case.outcome), (AlertState::Resolved, Some(Outcome::Retracted)));
            assert!(!ward.escalates(&red), "its escalation ends with it");
            assert_eq!((ward.waits(), ward.has(&ward.bia)), (360, Vec::new()));
            let amended = entries(&ward.home, "reading.amended");
            assert!((3..=8).contains(&amended), "an entry a stretch, not a reading: {amended}");

            ward.bind(ward.bia.id, ago(3_590));
            ward.settle();
            assert_eq!((ward.has(&ward.bia), ward.waits()), (of_bia(), 0));
            assert_eq!(ward.has(&ward.ana), of_ana());
            let red = ward.alerts(&ward.bia).remove(0);
            assert_eq!((red.case.facts.level, red.retrospective), (Level::Red, false));
            assert!(ward.escalates(&red), "a red that is found late and still true pages");
            let moved = ward
                .home
                .read(|view| moves::of_device(view, &Audience::program(), ward.device_key, 10))
                .unwrap();
            let moves: Vec<_> = moved.iter().map(|one| (one.patient_key, one.gives, one.moved)).collect();
            assert_eq!(moves, [(ward.bia.key, true, 360), (ward.ana.key, false, 360)]);
            assert!(moved.iter().all(|one| one.done_at.is_some()));

            // Sent once more, everything is where it is; what comes now is the second's.
            ward.send(&of_bia());
            ward.settle();
            assert_eq!((ward.has(&ward.bia), ward.has(&ward.ana)), (of_bia(), of_ana()));
        }
    }
}

#[test]
fn a_move_that_is_killed_between_two_stretches_goes_on_and_no_stretch_is_moved_twice() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&of_bia());
        ward.settle();
        ward.unbind(ago(3_590));
        ward.bind(ward.bia.id, ago(3_590));
        let step = |due: &moves::Move, next: &moves::Next| {
            ward.home
                .keep_house(Urgency::Patient, "test", NOW, |tx| moves::step(tx, due, next, None))
                .unwrap()
        };
        let due = ward.home.read(moves::due).unwrap();
        assert_eq!(due.iter().map(|due| due.gives).collect::<Vec<_>>(), [false, true]);
        let given = ward.home.read(|view| moves::next(view, &due[1])).unwrap();
        assert!(matches!(given, moves::Next::Waits), "what is taken comes before what is given");
        let next = ward.home.read(|view| moves::next(view, &due[0])).unwrap();
        assert!(step(&due[0], &next));
        assert!(!step(&due[0], &next), "another node read the same stretch");
        let (left, waits) = (ward.has(&ward.ana).len(), ward.waits());
        assert!(left > 0 && waits > 0 && left + usize::try_from(waits).unwrap() == 360);
        ward.settle();
        assert_eq!((ward.has(&ward.bia), ward.has(&ward.ana), ward.waits()), (of_bia(), Vec::new(), 0));
    }
}

#[test]
fn nobody_is_given_what_they_did_not_permit() {
    for mut ward in Ward::each(None) {
        ward.send(&of_bia());
        ward.unbind(ago(3_590));
        ward.bind(ward.bia.id, ago(3_590));
        ward.settle();
        assert_eq!((ward.has(&ward.ana).len(), ward.waits()), (0, 360), "the binding may be the slip");
        let moved = ward.home.read(|view| moves::of_patient(view, ward.bia.key, 10)).unwrap();
        assert_eq!(moved.iter().map(|one| (one.moved, one.refused)).collect::<Vec<_>>(), [(0, 360)]);
        assert_eq!(ward.alerts(&ward.bia).len(), 0);
        assert!(entries(&ward.home, "decision.deny") > 0);
        // It never was Bia's.
        ward.end(&ward.bia, ago(3_590));
        ward.bind(ward.ana.id, ago(3_590));
        ward.settle();
        assert_eq!((ward.has(&ward.ana), ward.waits()), (of_bia(), 0));
    }
    // They allow it afterwards: what that covers is theirs.
    for (since, left) in [(1_800, 179), (60 * DAY, 0)] {
        for mut ward in Ward::each(None) {
            ward.send(&of_bia());
            ward.unbind(ago(3_590));
            ward.bind(ward.bia.id, ago(3_590));
            ward.settle();
            ward.allows(&ward.bia, ago(since));
            ward.settle();
            let allowed: Vec<_> = of_bia().into_iter().filter(|(before, _)| *before <= since).collect();
            assert_eq!((ward.has(&ward.bia), ward.waits()), (allowed, left));
            let red = ward.alerts(&ward.bia).remove(0);
            assert!(
                red.case.facts.level == Level::Red && ward.escalates(&red),
                "a red that still holds calls"
            );
        }
    }
    // Half an hour of it was measured before they allowed it.
    for mut ward in Ward::each(Some(ago(1_800))) {
        ward.send(&of_bia());
        ward.unbind(ago(3_590));
        ward.bind(ward.bia.id, ago(3_590));
        ward.settle();
        let allowed: Vec<_> = of_bia().into_iter().filter(|(before, _)| *before <= 1_800).collect();
        assert_eq!((ward.has(&ward.bia), ward.waits()), (allowed, 179));
    }
}

#[test]
fn an_end_that_was_said_wrongly_is_put_right_by_a_binding_from_there_on() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&of_ana());
        ward.send(&of_bia());
        let all = [of_ana(), of_bia()].concat();
        for end in [3_590, 3_000] {
            ward.unbind(ago(end));
            ward.settle();
            let later: Vec<_> = all.iter().copied().filter(|(before, _)| *before > end).collect();
            assert_eq!(ward.has(&ward.ana), later);
            ward.bind(ward.ana.id, ago(end));
            ward.settle();
            assert_eq!(ward.has(&ward.ana), all);
        }
        // Unbound at once, and only then it is known that it was handed over an hour before.
        ward.unbind(NOW.plus(Duration::from_millis(1)));
        ward.settle();
        assert_eq!(ward.has(&ward.ana), all);
        let ended = ward.home.write(Actor::Operator, NOW.plus(Duration::from_secs(1)), |tx| {
            bindings::unbind(tx, ward.device, None, ago(1_000))
        });
        assert_eq!(ended.unwrap().to, Some(ago(1_000)));
        ward.settle();
        assert!(ward.has(&ward.ana).iter().all(|(before, _)| *before > 1_000));
    }
}

#[test]
fn what_leaves_one_person_comes_to_the_next_as_it_leaves_however_much_moves() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&of_bia());
        ward.unbind(ago(3_590));
        ward.bind(ward.bia.id, ago(3_590));
        let (moves, mut rounds) = (ward.moves(), 0);
        let of = |whose: &Person| {
            let moved = ward.home.read(|view| moves::of_patient(view, whose.key, 1)).unwrap();
            moved.first().map_or((0, true), |one| (one.moved, one.done_at.is_some()))
        };
        while !of(&ward.ana).1 {
            moves.round(NOW).unwrap();
            rounds += 1;
            let (left, came) = (of(&ward.ana).0, of(&ward.bia).0);
            assert!(left - came <= 128, "round {rounds}: {left} left and {came} came");
        }
        ward.settle();
        assert_eq!((ward.has(&ward.bia), ward.waits()), (of_bia(), 0));
    }
}

#[test]
fn a_hand_over_that_was_said_too_late_is_put_right_when_the_next_wearer_has_the_device() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&of_ana());
        ward.unbind(ago(1_000));
        ward.bind(ward.bia.id, ago(1_000));
        ward.send(&of_bia());
        ward.settle();
        assert!(ward.alerts(&ward.ana).iter().any(|alert| alert.case.state != AlertState::Resolved));
        ward.end(&ward.ana, ago(3_590));
        ward.bind(ward.bia.id, ago(3_590));
        ward.settle();
        assert_eq!((ward.has(&ward.ana), ward.has(&ward.bia), ward.waits()), (of_ana(), of_bia(), 0));
        assert!(ward.alerts(&ward.ana).iter().all(|alert| alert.case.state == AlertState::Resolved));
        assert!(ward.alerts(&ward.bia).iter().any(|alert| alert.case.facts.peak == Level::Red));
    }
}

#[test]
fn what_was_theirs_comes_back_after_a_slip_whatever_became_of_their_consent() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.send(&of_bia());
        for again in [false, true] {
            ward.unbind(ago(3_590));
            ward.settle();
            assert_eq!(ward.waits(), 360);
            let by = consent::Giver::Subject;
            ward.home
                .write(Actor::Operator, NOW, |tx| {
                    consents::revoke(tx, ward.ana.id, Purpose::TelemetryCollect, &by.into())?;
                    if again { grant_one(tx, ward.ana.id, Purpose::TelemetryCollect) } else { Ok(()) }
                })
                .unwrap();
            ward.bind(ward.ana.id, ago(3_590));
            ward.settle();
            assert_eq!(ward.waits(), 0, "that is no new collection");
        }
        assert_eq!(ward.has(&ward.ana), of_bia());
    }
}

#[test]
fn what_was_measured_while_a_device_was_nobodys_waits_for_a_binding_that_covers_it() {
    for mut ward in Ward::each(Some(ago(60 * DAY))) {
        ward.unbind(ago(7_200));
        // The first record is nobody's, and so is the device by now: the last is Ana's.
        ward.send(&[(3_600, 80.0), (3_500, 81.0), (7_300, 70.0)]);
        assert_eq!((ward.has(&ward.ana), ward.waits()), (vec![(7_300, 70.0)], 2));
        // Nothing in it was measured for anybody.
        ward.send(&[(3_400, 82.0)]);
        assert_eq!(ward.waits(), 2);
        // Of two values of one instant the first that was stored is hers; the other waits for a clinician.
        ward.bind(ward.bia.id, ago(3_550));
        ward.send(&[(3_500, 90.0)]);
        ward.settle();
        assert_eq!((ward.has(&ward.bia), ward.waits()), (vec![(3_500, 81.0)], 1));
        assert_eq!(entries(&ward.home, "quarantine.released"), 1);
        // What is still to be given ends with the binding.
        ward.unbind(ago(3_400));
        ward.send(&[(3_500, 95.0), (3_200, 96.0)]);
        ward.bind(ward.ana.id, ago(3_300));
        ward.unbind(ago(3_250));
        ward.settle();
        assert_eq!((ward.has(&ward.ana), ward.waits()), (vec![(7_300, 70.0)], 2));
    }
}
