//! Nobody is called without a permit, and whatever ends a legal basis ends everything that rests on it.

use std::time::Duration;

use consent::{Act as Choice, Giver, Grant, Purpose};

use crate::Module as _;
use crate::consents::Bases;
use crate::messages::outbox::{Breakers, Outbox};
use crate::tests::ward::{Ward, Wire, at, paged, raise, wards};
use domain::alerts::{Act, AlertState, Outcome};
use domain::escalation::State;
use domain::messages::{Channel, State as Way};
use domain::{AlertId, Instant};
use store::alerts::{self, StoredAlert};
use store::consents::{self, terms};
use store::patients::audience::Audience;
use store::testing::{NOW, entries, grant_calls};
use store::{Actor, Keyed, Tx, Urgency, escalation, messages, patients};

const SECOND: Duration = Duration::from_secs(1);

fn change(ward: &Ward, alert: AlertId, purpose: Purpose, choice: &Choice, at: Instant) {
    let patient = stored(ward, alert).case.patient;
    ward.home
        .write(Actor::Operator, at, |tx| {
            consents::act(tx, patient, purpose, choice.clone(), &Giver::System.into()).map(drop)
        })
        .unwrap();
}

fn stored(ward: &Ward, alert: AlertId) -> StoredAlert {
    ward.home.read(|view| alerts::get(view, alert)).unwrap()
}

fn withheld() -> (String, Option<usize>, Vec<usize>) {
    ("withheld".to_owned(), None, Vec::new())
}

#[test]
fn without_a_permit_nobody_is_called_and_with_one_again_the_case_goes_on() {
    for ward in wards() {
        ward.sends_e_mail();
        ward.tick(NOW);
        change(&ward, ward.alert, Purpose::AlertEscalate, &Choice::Revoked, at(1));
        assert_eq!(ward.state(), State::NoBasis);
        assert!(ward.ways().iter().all(|way| *way == Way::Cancelled), "{:?}", ward.ways());
        let case = stored(&ward, ward.alert).case;
        assert_eq!((case.state, case.outcome), (AlertState::Open, None), "it stays on the queue");
        assert_eq!(ward.tick(at(30)), 0, "nobody is called");
        assert_eq!(entries(&ward.home, "decision.deny"), 1);
        let patient = case.patient;
        ward.home.write(Actor::Operator, at(31), |tx| grant_calls(tx, patient)).unwrap();
        ward.tick(at(31));
        assert_eq!(ward.story(), [paged(0, 0), withheld(), paged(0, 0)]);
    }
}

#[test]
fn a_red_that_begins_without_a_permit_waits_on_the_queue_from_the_start() {
    for ward in wards() {
        let patient = stored(&ward, ward.alert).case.patient;
        change(&ward, ward.alert, Purpose::AlertEscalate, &Choice::Revoked, at(1));
        ward.act(0, Act::Resolve { outcome: Outcome::TrueAlarm }, at(2));
        let again = ward
            .home
            .write(Actor::System("test"), at(3), |tx| {
                let key = Audience::program().patient(tx, patient)?.key();
                crate::tests::ward::red(tx, Keyed { key, id: patient }, at(3), false)
            })
            .unwrap();
        let escalation = ward.home.read(|view| escalation::of_alert(view, again)).unwrap().unwrap();
        assert_eq!((escalation.run.state, escalation.run.next_at), (State::NoBasis, None));
        let did = ward.home.read(|view| escalation::steps(view, &escalation.id)).unwrap();
        assert_eq!(did.iter().map(|step| step.did.as_str()).collect::<Vec<_>>(), ["withheld"]);
    }
}

/// The period of a grant ends between two steps, without anybody's act.
#[test]
fn the_permit_is_asked_at_each_step() {
    for ward in wards() {
        let patient = stored(&ward, ward.alert).case.patient;
        change(&ward, ward.alert, Purpose::AlertEscalate, &Choice::Revoked, NOW);
        ward.home
            .write(Actor::Operator, NOW.plus(SECOND), |tx| {
                let term = terms::current(tx, Purpose::AlertEscalate)?.remove(0);
                let hash = hex::decode(term.text_sha256).unwrap().try_into().unwrap();
                let until = Some(at(3).micros());
                let yes = Grant { valid_until: until, ..Grant::of(hash) };
                consents::grant(tx, patient, Purpose::AlertEscalate, yes, &Giver::Subject.into())
            })
            .unwrap();
        ward.tick(at(1));
        ward.tick(at(7));
        assert_eq!(ward.story(), [withheld(), paged(0, 0), withheld()]);
        assert_eq!(ward.tick(at(60)), 0);
    }
}

/// Somebody answered; when the answer runs out the case waits for a person again, and nobody is called.
#[test]
fn a_wait_ends_without_a_permit_too() {
    for ward in wards() {
        ward.act(0, Act::Ack, NOW);
        change(&ward, ward.alert, Purpose::AlertEscalate, &Choice::Revoked, at(1));
        assert_eq!(ward.state(), State::Acknowledged(ward.people[0]), "who answered goes on");
        ward.tick(at(31));
        assert_eq!((ward.state(), stored(&ward, ward.alert).case.state), (State::NoBasis, AlertState::Open));
        assert!(ward.ways().is_empty());
    }
}

/// Claimed for an attempt, and then the permit goes, or somebody answers: nothing goes to the provider.
#[test]
fn a_claimed_message_is_looked_at_again_when_it_is_handed_over() {
    type Between<'a> = (&'a str, Box<dyn Fn(&Ward)>);
    let cases: [Between<'_>; 3] = [
        ("E_REVOKED", Box::new(|ward| revoke(ward, Purpose::AlertEscalate))),
        ("E_REVOKED", Box::new(|ward| revoke(ward, Purpose::TelemetryCollect))),
        ("not_wanted", Box::new(|ward| ward.act(0, Act::Ack, at(1)))),
    ];
    for (code, between) in cases {
        for ward in wards() {
            ward.sends_e_mail();
            ward.tick(NOW);
            let house = |f: &mut dyn FnMut(&mut Tx<'_>) -> store::Result<Vec<messages::Stored>>| {
                ward.home.keep_house(Urgency::Urgent, "test", at(1), |tx| f(tx)).unwrap()
            };
            let claimed = house(&mut |tx| messages::claim(tx, Channel::Email, None, 10));
            assert_eq!(claimed.len(), 1);
            between(&ward);
            let look = |tx: &mut Tx<'_>| Ok(messages::hand_over(tx, &claimed)?.len());
            assert_eq!(ward.home.keep_house(Urgency::Urgent, "test", at(1), look).unwrap(), 0);
            let end = |tx: &mut Tx<'_>| messages::suppress(tx, &claimed[0]);
            let ended = ward.home.keep_house(Urgency::Urgent, "test", at(1), end).unwrap();
            assert_eq!(ended, Some(code));
            let ways = ward.ways();
            assert!(ways.iter().all(|way| *way == Way::Cancelled), "{ways:?}");
            assert_eq!(entries(&ward.home, "message.suppressed"), 1);
        }
    }
}

fn revoke(ward: &Ward, purpose: Purpose) {
    change(ward, ward.alert, purpose, &Choice::Revoked, at(1));
}

#[test]
fn what_is_due_goes_to_the_provider_under_its_permit_only() {
    for ward in wards() {
        ward.sends_e_mail();
        let other = raise(&ward.home, NOW);
        ward.tick(NOW);
        let escalate = |tx: &mut Tx<'_>| {
            // As if the permit had gone by time alone: nothing was cancelled.
            let key = alerts::get(tx, ward.alert)?.patient_key;
            consents::basis::expire_silently(tx, key)
        };
        ward.home.keep_house(Urgency::Urgent, "test", NOW, escalate).unwrap();
        let wire = std::sync::Arc::new(Wire::default());
        let mut post = Outbox::new((*ward.home).clone(), wire.clone(), Breakers::default(), String::new());
        while post.run(at(1)).unwrap().more {}
        let given = wire.given.lock().unwrap().clone();
        let escalation = ward.home.read(|view| escalation::of_alert(view, other)).unwrap().unwrap();
        assert_eq!(given.len(), 1, "{given:?}");
        assert!(given[0].contains(&escalation.id), "the other's");
    }
}

/// Revoked, suspended, expired, a heavier text, a block, a birth date that makes a child of them.
#[test]
fn every_end_of_a_basis_ends_what_rests_on_it() {
    type End = fn(&Ward, AlertId);
    let ends: [(&str, End); 7] = [
        ("collect revoked", |ward, alert| {
            change(ward, alert, Purpose::TelemetryCollect, &Choice::Revoked, at(1));
        }),
        ("evaluate revoked", |ward, alert| {
            change(ward, alert, Purpose::AlertEvaluate, &Choice::Revoked, at(1));
        }),
        ("suspended", |ward, alert| {
            change(ward, alert, Purpose::AlertEvaluate, &Choice::Suspended, at(1));
        }),
        ("expired", |ward, alert| {
            change(ward, alert, Purpose::TelemetryCollect, &Choice::Expired, at(1));
        }),
        ("another sharing", |ward, alert| {
            let to = Choice::Superseded(consent::Change::Sharing);
            change(ward, alert, Purpose::AlertEvaluate, &to, at(1));
        }),
        ("blocked", |ward, alert| {
            let patient = stored(ward, alert).case.patient;
            ward.home.write(Actor::Operator, at(1), |tx| patients::block(tx, patient, true)).unwrap();
        }),
        ("a child", |ward, alert| {
            let patient = stored(ward, alert).case.patient;
            ward.home
                .write(Actor::Operator, at(1), |tx| {
                    let row = patients::get(tx, &Audience::program(), patient)?;
                    let mut identity = row.identity.clone().unwrap();
                    identity.birth_date = "2020-01-01".parse().unwrap();
                    let details = patients::Details {
                        identity,
                        zone: row.zone.clone(),
                        language: row.language.clone(),
                    };
                    patients::update(tx, patient, row.version, &details)
                })
                .unwrap();
        }),
    ];
    for (what, end) in ends {
        for ward in wards() {
            ward.sends_e_mail();
            ward.tick(NOW);
            drop(ward.home.take_touched());
            end(&ward, ward.alert);
            let after = stored(&ward, ward.alert);
            assert_eq!(after.case.outcome, Some(Outcome::ConsentRevoked), "{what}");
            assert!(after.is_hidden(), "{what}: the finding");
            assert_eq!(ward.state(), State::Done, "{what}");
            assert!(ward.ways().iter().all(|way| *way == Way::Cancelled), "{what}: {:?}", ward.ways());
            assert!(!ward.home.take_touched().is_empty(), "{what}: judgement forgets");
        }
    }
}

/// Nobody acts: the engine finds by itself that the decision says something else.
#[test]
fn a_basis_that_ends_by_time_alone_is_found_by_the_engine() {
    for ward in wards() {
        ward.tick(NOW);
        let key = stored(&ward, ward.alert).patient_key;
        ward.home
            .keep_house(Urgency::Urgent, "test", NOW, |tx| consents::basis::end_silently(tx, key))
            .unwrap();
        Bases::new((*ward.home).clone()).run(at(1)).unwrap();
        let after = stored(&ward, ward.alert);
        assert_eq!((after.case.outcome, after.is_hidden()), (Some(Outcome::ConsentRevoked), true));
        assert_eq!(ward.state(), State::Done);
    }
}

/// A heavier text ends many grants, a few in each transaction.
#[test]
fn many_grants_are_superseded_a_few_at_a_time() {
    for ward in wards() {
        let all: Vec<AlertId> = (0..150).map(|_| raise(&ward.home, NOW)).collect();
        let current = ward.home.read(|view| terms::current(view, Purpose::AlertEvaluate)).unwrap();
        let heavier: Vec<consent::Term> = current
            .iter()
            .map(|term| {
                let to = consent::Change::Sharing;
                let version = consent::Version(9, 0, 0);
                consent::Term::new(
                    term.purpose,
                    term.lang,
                    version,
                    to,
                    term.text.replace("Clínica Zelo", "Clínica Zelo Nova"),
                )
                .unwrap()
            })
            .collect();
        ward.home.write(Actor::Operator, at(1), |tx| terms::publish(tx, &heavier, "a", "b")).unwrap();
        let ended = || all.iter().filter(|alert| stored(&ward, **alert).is_hidden()).count();
        assert!(ended() < 100, "not all in the transaction that published");
        let mut bases = Bases::new((*ward.home).clone());
        while bases.run(at(2)).unwrap().more {}
        assert_eq!(ended(), all.len());
        assert_eq!(entries(&ward.home, "consent.superseded"), 151);
    }
}
