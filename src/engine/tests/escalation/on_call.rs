//! Whoever comes on call while a red waits hears of it: a stand-in, or the next turn.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::Module as _;
use crate::escalation::Escalate;
use crate::tests::ward::{Ward, at, paged, raise, ward, wards};
use domain::alerts::Act;
use domain::escalation::{Policy, State, Step, Target};
use domain::on_call::{Cover, Length};
use domain::rules::Name;
use domain::time::civil::{Window, Zone};
use domain::{AlertId, Instant, UserId};
use store::escalation::Place;
use store::on_call::testing::{duty, rotation};
use store::on_call::{self, absences};
use store::people::users;
use store::testing::{NOW, stores};
use store::{Actor, Tx, Urgency, escalation, messages, versions};

fn step(schedule: &str) -> Step {
    Step {
        targets: vec![Target::Schedule(schedule.into())],
        minutes: 5,
        certificate: false,
        skip_if_empty: true,
    }
}

/// Clinics whose red calls who is on call: the first two take turns of an hour, `gone` of which is over when it is
/// raised; the third is the backup, the fourth the top.
pub(in crate::tests) fn clinics(gone: Duration) -> Vec<Ward> {
    let named = Name { pt: "a".into(), en: "a".into() };
    let policy = Policy {
        id: escalation::RED.into(),
        version: 1,
        name: named,
        starts_after: 0,
        steps: vec![step("first"), step("backup")],
        repeat: 0,
        acknowledged_for: Some(30),
        nobody_reached: step("top"),
    };
    let mut clinics = Vec::new();
    for home in stores() {
        home.write(Actor::Operator, NOW, |tx| versions::seed(tx, escalation::RED, &policy)).unwrap();
        let ward = ward(home);
        let starts = Zone::SAO_PAULO.local(NOW.minus(gone));
        for (id, people) in
            [("first", &ward.people[..2]), ("backup", &ward.people[2..3]), ("top", &ward.people[3..])]
        {
            let body = duty(vec![rotation(starts, Length::Hours(1), people)]);
            act(&ward, NOW, |tx| on_call::publish(tx, id, &body, 0).map(drop));
        }
        ward.tick(NOW);
        clinics.push(ward);
    }
    clinics
}

fn act(ward: &Ward, now: Instant, f: impl FnMut(&mut Tx<'_>) -> store::Result<()>) {
    ward.home.write(Actor::Operator, now, f).unwrap();
}

/// The first is away from a minute after the red on; the second stands in from then on, or a little later.
pub(in crate::tests) fn goes_away(ward: &Ward, later: Duration) {
    let within = Window { from: at(1), to: at(50) };
    let by: UserId = ward.people[1];
    let cover = Cover { schedule: "first".into(), from: at(1).plus(later), to: at(50), by };
    act(ward, at(1), |tx| absences::note(tx, ward.people[0], within, std::slice::from_ref(&cover)).map(drop));
}

fn joined(step: usize, who: usize) -> (String, Option<usize>, Vec<usize>) {
    ("joined".into(), Some(step), vec![who])
}

fn next_at(ward: &Ward) -> Option<Instant> {
    let escalation = ward.home.read(|view| escalation::of_alert(view, ward.alert)).unwrap().unwrap();
    escalation.run.next_at
}

/// The red went on to the backup, and the stand-in had a message that their turn had begun.
#[test]
fn who_stands_in_while_a_red_waits_is_called_and_has_the_time_of_the_step() {
    for ward in clinics(Duration::ZERO) {
        goes_away(&ward, Duration::ZERO);
        for minute in [1, 1, 5] {
            ward.tick(at(minute));
            assert_eq!(ward.story(), [paged(0, 0), joined(0, 1)]);
            assert_eq!(next_at(&ward), Some(at(6)), "five minutes from their call on");
        }
        let calls = ward.home.read(|view| messages::unread(view, ward.people[1], 10)).unwrap();
        assert!(calls.iter().any(|call| call.subject == ward.alert.to_string()), "{calls:?}");
        ward.tick(at(6));
        assert_eq!(ward.story(), [paged(0, 0), joined(0, 1), paged(1, 2)]);
    }
}

#[test]
fn who_stands_in_a_second_later_is_called_beside_the_backup() {
    for ward in clinics(Duration::ZERO) {
        goes_away(&ward, Duration::from_secs(1));
        ward.tick(at(1));
        ward.tick(at(1));
        assert_eq!(ward.story(), [paged(0, 0), paged(1, 2)], "nobody is there for this second");
        ward.tick(at(1).plus(Duration::from_secs(20)));
        assert_eq!(ward.story(), [paged(0, 0), paged(1, 2), joined(0, 1)]);
        assert_eq!(next_at(&ward), Some(at(6)), "the backup's time is no longer");
    }
}

#[test]
fn whose_turn_begins_while_a_red_waits_is_called_and_nobody_once_it_is_answered_or_in_other_hands() {
    let nearly = Duration::from_secs(57 * 60);
    for ward in clinics(nearly) {
        // One engine all along: it looks again only when somebody came.
        let mut engine = Escalate::new((*ward.home).clone());
        for minute in 0..5 {
            engine.run(at(minute)).unwrap();
        }
        assert_eq!((ward.story(), next_at(&ward)), (vec![paged(0, 0), joined(0, 1)], Some(at(5))));
        engine.run(at(5)).unwrap();
        assert_eq!(ward.story().last(), Some(&paged(1, 2)), "it waits no longer for it");
    }
    for ward in clinics(nearly) {
        ward.act(2, Act::Ack, at(1));
        ward.tick(at(4));
        assert_eq!((ward.story(), ward.state()), (vec![paged(0, 0)], State::Acknowledged(ward.people[2])));
    }
    for ward in clinics(nearly) {
        ward.act(2, Act::Reassign { to: ward.people[3] }, at(1));
        ward.tick(at(4));
        assert!(!ward.story().contains(&joined(0, 1)), "it waits for whom it was given: {:?}", ward.story());
    }
}

#[test]
fn where_nobody_was_reached_the_next_turn_hears_of_it() {
    for ward in clinics(Duration::from_secs(40 * 60)) {
        for minute in [5, 10, 12] {
            ward.tick(at(minute));
        }
        assert_eq!(ward.state(), State::NobodyReached);
        ward.tick(at(21));
        assert!(ward.story().contains(&joined(0, 1)), "{:?}", ward.story());
    }
}

/// What people do with a red in a minute of it.
type Deed = (u64, fn(&Ward));

/// Ways in which a red that somebody had in hand while the turn passed goes on: in which minute the turn passes, what
/// people do, and when it goes on.
const WAYS: [(&str, u64, &[Deed], u64); 5] = [
    ("handed to one who is blocked", 3, &[(1, hand), (4, |ward| blocked(ward, 3))], 4),
    ("handed to one who does not answer", 3, &[(1, hand)], 6),
    ("answered, and taken back", 8, &[(6, |ward| ward.act(2, Act::Ack, at(6))), (9, taken_back)], 9),
    ("silenced for a while", 8, &[(6, |ward| ward.act(2, Act::Snooze { until: at(10) }, at(6)))], 10),
    ("claimed by one who leaves", 8, &[(6, |ward| ward.act(2, Act::Claim, at(6))), (9, leaves)], 9),
];

fn hand(ward: &Ward) {
    ward.act(0, Act::Reassign { to: ward.people[3] }, at(1));
}

fn blocked(ward: &Ward, who: usize) {
    act(ward, at(4), |tx| users::disable(tx, ward.people[who]).map(drop));
}

fn taken_back(ward: &Ward) {
    ward.act(2, Act::Unack, at(9));
}

fn leaves(ward: &Ward) {
    let within = Window { from: at(9), to: at(50) };
    act(ward, at(9), |tx| absences::note(tx, ward.people[2], within, &[]).map(drop));
}

/// It went on to the backup, and whoever had come on call meanwhile was not called for as long as nobody else came.
#[test]
fn a_red_that_goes_on_after_it_was_held_calls_whoever_came_on_call_meanwhile() {
    for (way, passes, deeds, goes_on) in WAYS {
        for ward in clinics(Duration::from_secs((60 - passes) * 60)) {
            let mut engine = Escalate::new((*ward.home).clone());
            for minute in 0..=goes_on {
                assert!(!ward.story().contains(&joined(0, 1)), "{way}: {:?}", ward.story());
                deeds.iter().filter(|(when, _)| *when == minute).for_each(|(_, deed)| deed(&ward));
                engine.run(at(minute)).unwrap();
            }
            assert!(ward.story().contains(&joined(0, 1)), "{way}: {:?}", ward.story());
        }
    }
}

/// Both looks saw the second on call, and the red came between them.
#[test]
fn who_was_off_call_for_a_moment_hears_of_the_red_of_that_moment() {
    for mut ward in clinics(Duration::ZERO) {
        let mut engine = Escalate::new((*ward.home).clone());
        let moment = |seconds| at(1).plus(Duration::from_secs(seconds));
        let put = |ward: &Ward, who: usize, version, now| {
            let starts = Zone::SAO_PAULO.local(NOW);
            let body = duty(vec![rotation(starts, Length::Days(1), &ward.people[who..=who])]);
            act(ward, now, |tx| on_call::publish(tx, "first", &body, version).map(drop));
        };
        put(&ward, 1, 1, moment(0));
        engine.run(moment(0)).unwrap();
        put(&ward, 0, 2, moment(2));
        ward.alert = raise(&ward.home, moment(2));
        engine.run(moment(2)).unwrap();
        put(&ward, 1, 3, moment(4));
        engine.run(moment(12)).unwrap();
        assert_eq!(ward.story(), [paged(0, 0), joined(0, 1)]);
    }
}

/// Neither their turn nor the red changed; they were called from the next step on.
#[test]
fn whose_certificate_comes_while_a_red_waits_is_called_for_it() {
    for ward in wards() {
        let policy = ward.home.read(|view| versions::in_force::<Policy>(view, escalation::RED, NOW));
        let mut policy = policy.unwrap().unwrap();
        policy.body.steps[0].certificate = true;
        act(&ward, NOW, |tx| versions::publish(tx, escalation::RED, &policy.body, policy.version).map(drop));
        let alert = raise(&ward.home, NOW);
        let ward = Ward { alert, ..ward };
        let mut engine = Escalate::new((*ward.home).clone());
        for _cycle in 0..3 {
            engine.run(NOW).unwrap();
        }
        assert_eq!(ward.story().last(), Some(&paged(1, 1)), "the first has no certificate");
        act(&ward, at(1), |tx| on_call::certify(tx, ward.people[0], at(10_000)).map(drop));
        engine.run(at(1)).unwrap();
        assert_eq!(ward.story().last(), Some(&joined(0, 0)));
    }
}

/// However many wait, also with one and the same deadline.
#[test]
fn each_escalation_that_waits_is_looked_at_once_a_piece_after_the_other() {
    for ward in wards() {
        ward.tick(NOW);
        let more = |tx: &mut Tx<'_>| escalation::multiply(tx, ward.alert, 1_100);
        ward.home.keep_house(Urgency::Patient, "test", NOW, more).unwrap();
        act(&ward, NOW, |tx| users::disable(tx, ward.people[0]).map(drop));
        let (mut place, mut pieces, mut found) = (Some(Place::first(NOW)), 0, Vec::<AlertId>::new());
        while let Some(from) = place {
            let (some, next) = ward.home.read(|view| escalation::waiting(view, &from, NOW)).unwrap();
            found.extend(some);
            (place, pieces) = (next, pieces + 1);
        }
        assert_eq!((found.len(), pieces), (1_101, 4), "the last piece is empty");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
    }
}
