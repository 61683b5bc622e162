//! What rests on a named human does not stay with one who can answer no more: every way of becoming that, times
//! everything that a name can hold.

use std::time::Duration;

use super::ward::{Ward, at, paged, raise, wards};
use crate::Module as _;
use crate::people::Departures;
use domain::alerts::{Act, AlertState};
use domain::escalation::State;
use domain::time::civil::Window;
use domain::{AlertCase, AlertId, Instant, Role, UserId};
use store::on_call::absences;
use store::people::departures::AT_ONCE;
use store::people::{departures, users};
use store::privacy::replay;
use store::privacy::withdrawals::{Restored, Withdrawal, Withdrawn};
use store::testing::{NOW, entries};
use store::{Actor, Class, Error, Subject, Tx, Urgency, alerts, escalation};

/// Somebody stops being one who can answer.
type Way = fn(&Ward, UserId, Instant);

fn by(ward: &Ward, actor: Actor, now: Instant, f: impl FnMut(&mut Tx<'_>) -> store::Result<()>) {
    ward.home.write(actor, now, f).unwrap();
}

fn turned(ward: &Ward, actor: Actor, who: UserId, role: Role, now: Instant) {
    by(ward, actor, now, |tx| {
        let version = users::get(tx, who)?.version;
        users::set_role(tx, who, version, role).map(drop)
    });
}

fn restored(ward: &Ward, what: Withdrawal, now: Instant) {
    let line = Withdrawn { seq: 1, id: UserId::new(now).to_string(), at: now, what };
    replay::replay(&ward.home, &[line], Restored::default(), now).unwrap();
}

/// An administrator who does it alone.
fn admin() -> Actor {
    Actor::User { id: UserId::new(NOW), role: Role::Admin }
}

const WAYS: [(&str, Way); 12] = [
    ("blocked", |ward, who, now| by(ward, Actor::Operator, now, |tx| users::block(tx, who, Some("saiu")))),
    ("a role without calls", |ward, who, now| turned(ward, Actor::Operator, who, Role::Auditor, now)),
    ("a role that is only called", |ward, who, now| turned(ward, Actor::Operator, who, Role::Manager, now)),
    ("a role for a second person to confirm", |ward, who, now| {
        turned(ward, admin(), who, Role::Manager, now)
    }),
    ("a password by another's link", |ward, who, now| {
        let actor = Actor::User { id: who, role: Role::Clinician };
        by(ward, actor, now, |tx| users::set_password(tx, who, "$argon2id$new", Some(UserId::new(NOW))));
    }),
    ("a second factor taken away", |ward, who, now| {
        by(ward, admin(), now, |tx| users::set_totp(tx, who, None, None))
    }),
    ("away", |ward, who, now| {
        let within = Window { from: now, to: now.plus(Duration::from_secs(3_600)) };
        by(ward, Actor::Operator, now, |tx| absences::note(tx, who, within, &[]).map(drop));
    }),
    ("blocked in the time that a restore lost", |ward, who, now| {
        restored(ward, Withdrawal::User { user: who, disabled: true }, now)
    }),
    ("of another role in that time", |ward, who, now| {
        restored(ward, Withdrawal::Role { user: who, role: Role::Dpo }, now)
    }),
    ("with lost credentials", |ward, who, now| {
        by(ward, Actor::Operator, NOW, |tx| users::set_password(tx, who, "$argon2id$old", None));
        restored(ward, Withdrawal::Credentials { user: who }, now);
    }),
    ("erased", |ward, who, now| {
        let subject = Subject::User(who).name();
        restored(ward, Withdrawal::Key { subject, class: Class::Identity.code() }, now);
    }),
    ("blocked by an older version", |ward, who, now| {
        let silent = |tx: &mut Tx<'_>| departures::bar_silently(tx, who);
        ward.home.keep_house(Urgency::Urgent, "test", now, silent).unwrap();
        work_off(ward, now);
    }),
];

/// Somebody comes to have the alert in hand, a minute after the first call.
type Thing = fn(&Ward);

/// What somebody may have in hand, and the step that is paged once they have not.
const THINGS: [(&str, Thing, usize); 6] = [
    ("a claim", |ward| ward.act(HOLDER, Act::Claim, at(1)), 0),
    ("an answer", |ward| ward.act(HOLDER, Act::Ack, at(1)), 0),
    (
        "an answer to what they claimed",
        |ward| [Act::Claim, Act::Ack].iter().for_each(|act| ward.act(HOLDER, *act, at(1))),
        0,
    ),
    (
        "an answer to what a colleague claimed",
        |ward| {
            ward.act(0, Act::Claim, at(1));
            ward.act(HOLDER, Act::Ack, at(1));
        },
        0,
    ),
    ("a silence", |ward| ward.act(HOLDER, Act::Snooze { until: at(40) }, at(1)), 0),
    ("a hand-over", |ward| ward.act(0, Act::Reassign { to: ward.people[HOLDER] }, at(1)), 1),
];

fn work_off(ward: &Ward, now: Instant) {
    let mut module = Departures::new((*ward.home).clone());
    while module.run(now).unwrap().more {}
}

fn case(ward: &Ward, alert: AlertId) -> AlertCase {
    ward.home.read(|view| alerts::get(view, alert)).unwrap().case
}

/// The one of the clinic's people who holds it.
const HOLDER: usize = 2;

#[test]
fn whoever_can_answer_no_more_holds_nothing_from_that_moment_on() {
    for (way, leaves) in WAYS {
        for mut ward in wards() {
            let who = ward.people[HOLDER];
            let mut alerts = vec![ward.alert];
            alerts.extend(THINGS.iter().skip(1).map(|_| raise(&ward.home, NOW)));
            ward.tick(NOW);
            for (alert, (thing, takes, _)) in alerts.iter().zip(THINGS) {
                ward.alert = *alert;
                takes(&ward);
                assert!(case(&ward, *alert).rests_on(who), "{way}, with {thing}");
            }
            leaves(&ward, who, at(2));
            let given_back = i64::try_from(THINGS.len()).unwrap();
            assert_eq!(entries(&ward.home, "alert.given_back"), given_back, "{way}");
            for alert in &alerts {
                let escalation = ward.home.read(|view| escalation::of_alert(view, *alert)).unwrap().unwrap();
                assert_eq!(
                    (escalation.run.state, escalation.run.next_at),
                    (State::Waiting, Some(at(2))),
                    "{way}"
                );
            }
            ward.tick(at(2));
            for (alert, (thing, _, step)) in alerts.iter().zip(THINGS) {
                ward.alert = *alert;
                is_back(&ward, who, step, &format!("{way}, with {thing}"));
            }
            // A colleague has them now, and nothing is given back twice.
            work_off(&ward, at(3));
            assert!(alerts.iter().all(|alert| case(&ward, *alert).owner == Some(ward.people[1])), "{way}");
            assert_eq!(entries(&ward.home, "alert.given_back"), given_back, "{way}");
        }
    }
}

/// It waits for a person, who was called, is announced as what it is, and is a colleague's to take.
fn is_back(ward: &Ward, who: UserId, step: usize, how: &str) {
    let back = case(ward, ward.alert);
    assert_eq!((back.state, back.owner, back.claimed_until), (AlertState::Open, None, None), "{how}");
    assert!(back.holders().is_empty() && back.snooze.is_none(), "{how}");
    assert_eq!(ward.story().last(), Some(&paged(step, step)), "{how}");
    let acts = ward.home.read(|view| alerts::acts(view, ward.alert)).unwrap();
    let last = acts.last().unwrap();
    assert_eq!((last.act.as_str(), last.whom), ("given_back", Some(who)), "{how}");
    ward.act(1, Act::Claim, at(2));
}

#[test]
fn a_call_to_somebody_who_can_answer_no_more_is_not_waited_for() {
    for ward in wards() {
        ward.tick(NOW);
        by(&ward, Actor::Operator, at(1), |tx| users::disable(tx, ward.people[0]));
        ward.tick(at(1));
        ward.tick(at(1));
        assert_eq!(ward.story(), [paged(0, 0), paged(1, 1)], "four minutes before its time");
    }
}

#[test]
fn what_takes_no_answer_away_takes_no_case_away() {
    for ward in wards() {
        let who = ward.people[HOLDER];
        ward.tick(NOW);
        ward.act(HOLDER, Act::Ack, at(1));
        turned(&ward, Actor::Operator, who, Role::Agent, at(2));
        by(&ward, Actor::Operator, at(2), |tx| users::set_password(tx, who, "$argon2id$own", None));
        by(&ward, Actor::Operator, at(2), |tx| store::people::sessions::kill_all(tx, who, "admin"));
        let later = Window { from: at(20), to: at(120) };
        by(&ward, Actor::Operator, at(2), |tx| absences::note(tx, who, later, &[]).map(drop));
        work_off(&ward, at(3));
        assert_eq!((case(&ward, ward.alert).owner, ward.state()), (Some(who), State::Acknowledged(who)));
        // Somebody else who goes takes nothing along.
        by(&ward, Actor::Operator, at(3), |tx| users::disable(tx, ward.people[0]));
        assert_eq!(case(&ward, ward.alert).owner, Some(who));
        // The absence begins: now it does, once, in the first cycle of an engine that looked a second ago.
        let mut engine = Departures::new((*ward.home).clone());
        let second = Duration::from_secs(1);
        engine.run(at(20).minus(second)).unwrap();
        assert_eq!(case(&ward, ward.alert).owner, Some(who));
        engine.run(at(20)).unwrap();
        assert_eq!(case(&ward, ward.alert).owner, None);
        ward.act(HOLDER, Act::Claim, at(21));
        work_off(&ward, at(30));
        assert_eq!(case(&ward, ward.alert).owner, Some(who), "who comes back by themselves may");
    }
}

#[test]
fn of_hundreds_the_first_go_back_with_the_act_itself_and_the_rest_in_parts_whoever_is_killed_over_it() {
    for ward in wards() {
        let most = AT_ONCE * 2 + 5;
        let mut all = vec![ward.alert];
        all.extend((1..most).map(|_| raise(&ward.home, NOW)));
        while ward.tick(NOW) > 0 {}
        all.iter().for_each(|alert| ward.act_on(*alert, HOLDER, Act::Ack, at(1)));
        let shown = ward.home.read(departures::resting).unwrap();
        let held = shown[&ward.people[HOLDER]];
        assert_eq!((held.cases, held.red), (most, most), "the page says it before");
        by(&ward, Actor::Operator, at(2), |tx| users::disable(tx, ward.people[HOLDER]));
        let back = || entries(&ward.home, "alert.given_back");
        assert_eq!(back(), i64::try_from(AT_ONCE).unwrap());
        let turn = |now| Departures::new((*ward.home).clone()).run(now).unwrap().did;
        assert_eq!([turn(at(2)), turn(at(2)), turn(at(2))], [AT_ONCE, 5, 0], "each by a fresh engine");
        assert_eq!(back(), i64::try_from(most).unwrap());
        assert!(all.iter().all(|alert| case(&ward, *alert).holders().is_empty()));
        assert!(!ward.home.read(departures::any).unwrap());
    }
}

#[test]
fn who_was_blocked_meanwhile_takes_nothing_and_is_given_nothing() {
    for ward in wards() {
        ward.tick(NOW);
        by(&ward, Actor::Operator, at(1), |tx| users::disable(tx, ward.people[HOLDER]));
        let acts = |who: usize, what: Act| {
            let id = ward.people[who];
            let mut refused = String::new();
            let done = ward.home.write(Actor::User { id, role: Role::Clinician }, at(1), |tx| {
                alerts::acted(tx, ward.alert, id, what, Some("porque sim")).map(drop).map_err(|why| {
                    refused = why.to_string();
                    Error::Conflict("refused")
                })
            });
            assert!(done.is_err(), "{what:?}");
            refused
        };
        for what in [Act::Claim, Act::Ack, Act::Snooze { until: at(30) }] {
            assert!(acts(HOLDER, what).contains("answers for alerts no more"), "{what:?}");
        }
        assert!(acts(0, Act::Reassign { to: ward.people[HOLDER] }).contains("can be called"));
        assert!(case(&ward, ward.alert).holders().is_empty());
    }
}

/// A red was handed to somebody on holiday, and waited the whole time of the step for them.
#[test]
fn who_is_away_is_handed_nothing_and_may_take_it_themselves() {
    for ward in wards() {
        ward.tick(NOW);
        let who = ward.people[HOLDER];
        let within = Window { from: at(1), to: at(60) };
        by(&ward, Actor::Operator, at(1), |tx| absences::note(tx, who, within, &[]).map(drop));
        let hand = |to: UserId, minute| {
            let mut refused = None;
            let id = ward.people[0];
            let done = ward.home.write(Actor::User { id, role: Role::Clinician }, at(minute), |tx| {
                alerts::acted(tx, ward.alert, id, Act::Reassign { to }, None).map(drop).map_err(|why| {
                    refused = Some(why);
                    Error::Conflict("refused")
                })
            });
            done.map_err(|_refused| refused)
        };
        let refused = hand(who, 2).unwrap_err();
        let away = matches!(refused, Some(alerts::Refused::Away { who: absent, until }) if absent == who && until == at(60));
        assert!(away && case(&ward, ward.alert).owner.is_none(), "{refused:?}");
        // What they take themselves they may have.
        ward.act(HOLDER, Act::Claim, at(3));
        assert!(case(&ward, ward.alert).rests_on(who));
    }
}
