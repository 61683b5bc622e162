//! The ladder under driven time, on every backend at hand: red to "nobody reached", and every act that makes it
//! silent.

use std::time::Duration;

use serde_json::json;

use super::Module as _;
use super::escalate::Escalate;
use super::outbox;
use crate::domain::alert::{Act, LEASE};
use crate::domain::escalation::{Policy, State, Step, Target};
use crate::domain::message::State as Way;
use crate::domain::{AlertId, Instant, PatientIdentity, Role, Rule, StaffIdentity, UserId};
use crate::store::testing::{Home, NOW, stores};
use crate::store::{Actor, Store, Tx, alerts, escalations, messages, patients, users, versions};

const MINUTE: u64 = 60;

/// A clinic with one red alert and four people who could be called.
struct Ward {
    home: Home,
    alert: AlertId,
    people: Vec<UserId>,
}

fn at(minutes: u64) -> Instant {
    NOW.plus(Duration::from_secs(minutes * MINUTE))
}

fn wards() -> Vec<Ward> {
    stores().into_iter().map(ward).collect()
}

fn step(user: UserId, minutes: u32) -> Step {
    Step { targets: vec![Target::Person(user)], minutes, certificate: false, skip_if_empty: true }
}

fn ward(home: Home) -> Ward {
    let system = Actor::System("test");
    let people: Vec<UserId> = (0..4).map(|n| staff(&home, &format!("p{n}@example.org"))).collect();
    let policy = Policy {
        id: escalations::RED.into(),
        version: 1,
        name: crate::domain::rule::Name { pt: "a".into(), en: "a".into() },
        starts_after: 0,
        steps: people.iter().take(3).map(|user| step(*user, 5)).collect(),
        repeat: 0,
        acknowledged_for: Some(30),
        nobody_reached: step(people[3], 15),
    };
    home.write(system, NOW, |tx| {
        versions::seed(tx, escalations::RED, &policy)?;
        outbox::seed(tx)
    })
    .unwrap();
    let alert = raise(&home, NOW);
    Ward { home, alert, people }
}

fn staff(store: &Store, email: &str) -> UserId {
    let identity = StaffIdentity { name: "Ana Lima".parse().unwrap(), email: email.parse().unwrap() };
    let new = users::NewUser { identity, role: Role::Clinician, patient: None, password: None };
    store.write(Actor::System("test"), NOW, |tx| users::insert(tx, &new)).unwrap().id
}

fn raise(store: &Store, at: Instant) -> AlertId {
    let identity = PatientIdentity {
        name: "Bia Reis".parse().unwrap(),
        birth_date: "1990-05-17".parse().unwrap(),
        cpf: None,
        cns: None,
        email: None,
        phone: None,
    };
    let details = patients::Details { identity, zone: "America/Sao_Paulo".into(), language: "pt-BR".into() };
    store
        .write(Actor::System("test"), at, |tx| {
            let patient = patients::insert(tx, &details)?;
            red(tx, (patient.key, patient.id), at)
        })
        .unwrap()
}

fn red(
    tx: &mut Tx<'_>,
    patient: (i64, crate::domain::PatientId),
    at: Instant,
) -> crate::store::Result<AlertId> {
    let rule = &Rule::seeds()[0];
    let episode = serde_json::from_value(json!({
        "rule": rule.id, "version": rule.version, "started_at": at.minus(Duration::from_secs(60)).micros(),
        "levels": [{ "at": at.micros(), "level": "red" }], "ended_at": null, "by_hand": false,
    }));
    let sample =
        json!({ "at": at, "value": 137.0, "unit": "/min", "device_id": UserId::new(at), "flags": [] });
    let finding = serde_json::from_value(json!({
        "rule": rule.id, "version": rule.version, "level": "red", "signal": "heart_rate",
        "condition": { "op": ">", "value": 120.0, "for": 60 }, "count": 61,
        "min": sample, "max": sample, "samples": [sample], "sources": [UserId::new(at)],
    }));
    alerts::open(tx, patient, rule, &episode.unwrap(), &finding.unwrap(), false)
}

impl Ward {
    /// One cycle of the engine.
    fn tick(&self, now: Instant) -> usize {
        Escalate::new((*self.home).clone()).run(now).unwrap().did
    }

    fn act(&self, who: usize, what: Act, now: Instant) {
        let id = self.people[who];
        let actor = Actor::User { id, role: Role::Clinician };
        let mut refused = None;
        let done = self.home.write(actor, now, |tx| {
            alerts::acted(tx, self.alert, id, what, None).map(drop).or_else(|why| match why {
                alerts::Refused::Store(error) => Err(error),
                other @ alerts::Refused::Act(_) => {
                    refused = Some(other);
                    Err(crate::store::Error::Conflict("refused"))
                }
            })
        });
        assert!(done.is_ok(), "{what:?}: {refused:?} {done:?}");
    }

    fn state(&self) -> State {
        self.home.read(|view| escalations::of_alert(view, self.alert)).unwrap().unwrap().run.state
    }

    /// What the climb did so far: the word, the rung and the place of whoever was paged.
    fn story(&self) -> Vec<(String, Option<usize>, Vec<usize>)> {
        self.home
            .read(|view| {
                let id = escalations::of_alert(view, self.alert)?.unwrap().id;
                escalations::steps(view, &id)
            })
            .unwrap()
            .into_iter()
            .map(|did| {
                let place = |user| self.people.iter().position(|one| *one == user).unwrap();
                (did.did, did.step, did.people.into_iter().map(place).collect())
            })
            .collect()
    }

    fn ways(&self) -> Vec<Way> {
        let about = self.alert.to_string();
        let all = self.home.read(|view| messages::of_case(view, escalations::ALERT, &about)).unwrap();
        all.into_iter().map(|message| message.way.state).collect()
    }
}

fn paged(step: usize, who: usize) -> (String, Option<usize>, Vec<usize>) {
    ("paged".into(), Some(step), vec![who])
}

#[test]
fn with_nobody_answering_it_climbs_to_nobody_reached_and_calls_again_until_somebody_takes_it() {
    for ward in wards() {
        assert_eq!((ward.tick(NOW), ward.tick(NOW)), (1, 0), "twice changes nothing");
        for minute in 1..=60 {
            ward.tick(at(minute));
        }
        let last = ("paged".to_owned(), None, vec![3]);
        let mut story = vec![paged(0, 0), paged(1, 1), paged(2, 2), ("nobody_reached".into(), None, vec![])];
        story.extend(std::iter::repeat_n(last, 4));
        assert_eq!(ward.story(), story);
        assert_eq!(ward.state(), State::NobodyReached);
        let entries = |kind| crate::store::testing::entries(&ward.home, kind);
        assert_eq!((entries("alert.escalated"), entries("alert.unreached")), (7, 1));
        ward.act(3, Act::Ack, at(61));
        assert_eq!(ward.tick(at(80)), 0);
        assert!(ward.ways().iter().all(|way| *way == Way::Cancelled), "{:?}", ward.ways());
    }
}

/// Acked on the phone, the SMS still came (grafana oncall 4654, 4760); acked and forgotten (goalert 3378).
#[test]
fn an_answer_cancels_what_is_planned_at_once_and_runs_out_without_a_resolution() {
    for ward in wards() {
        ward.tick(NOW);
        ward.act(1, Act::Ack, at(2));
        assert_eq!(ward.ways(), [Way::Cancelled]);
        assert_eq!((ward.tick(at(31)), ward.tick(at(32))), (0, 1));
        assert_eq!(ward.story()[1..], [("resumed".to_owned(), Some(0), vec![]), paged(0, 0)]);
        let case = ward.home.read(|view| alerts::get(view, ward.alert)).unwrap().case;
        assert_eq!((case.state.name(), case.owner, case.acknowledgements.len()), ("open", None, 1));
        ward.act(1, Act::Ack, at(33));
        ward.act(1, Act::Unack, at(34));
        assert_eq!((ward.tick(at(34)), ward.state()), (1, State::Climbing));
        ward.act(1, Act::Resolve { outcome: crate::domain::Outcome::TrueAlarm }, at(35));
        assert_eq!((ward.state(), ward.tick(at(600))), (State::Done, 0));
    }
}

#[test]
fn a_claim_holds_the_ladder_for_its_lease_and_a_silence_until_its_end() {
    for ward in wards() {
        ward.tick(NOW);
        ward.act(2, Act::Claim, at(1));
        assert_eq!(ward.tick(at(10)), 0, "left alone with it");
        let over = at(1).plus(LEASE);
        assert_eq!(ward.tick(over), 1);
        let case = ward.home.read(|view| alerts::get(view, ward.alert)).unwrap().case;
        assert_eq!((case.owner, case.claimed_until), (None, None));
        ward.act(0, Act::Snooze { until: at(40) }, at(12));
        assert_eq!((ward.tick(at(39)), ward.tick(at(40))), (0, 1));
        ward.home
            .keep_house(crate::store::Urgency::Patient, "test", at(40), |tx| alerts::wake(tx, 10))
            .unwrap();
        assert_eq!(ward.tick(at(40)), 0, "the end of a silence pages once");
        ward.act(0, Act::Reassign { to: ward.people[3] }, at(41));
        assert_eq!(ward.ways().last(), Some(&Way::Accepted), "who is handed it is paged");
    }
}

/// The button on an old message (goalert's `last_escalation <= created_at`).
#[test]
fn a_stale_button_does_nothing_and_a_fresh_one_pages_the_next_rung() {
    for ward in wards() {
        ward.tick(NOW);
        let force = |seen, now| {
            let actor = Actor::User { id: ward.people[3], role: Role::Agent };
            ward.home.write(actor, now, |tx| escalations::force(tx, ward.alert, seen))
        };
        let stale = force(NOW.minus(Duration::from_secs(1)), at(1));
        assert!(matches!(stale, Err(crate::store::Error::Refused { code: "E_STALE_STEP", .. })));
        force(NOW, at(1)).unwrap();
        ward.tick(at(1));
        assert_eq!(ward.story(), [paged(0, 0), paged(1, 1)]);
    }
}

/// One bad row blocks the module (goalert 3783).
#[test]
fn a_row_that_cannot_be_read_is_set_aside_and_holds_up_nobody() {
    for ward in wards() {
        let other = raise(&ward.home, NOW);
        ward.home
            .keep_house(crate::store::Urgency::Urgent, "test", NOW, |tx| escalations::break_row(tx, other))
            .unwrap();
        ward.tick(NOW);
        assert_eq!(ward.story(), [paged(0, 0)]);
        assert_eq!(ward.tick(at(1)), 0, "it is not tried again and again");
        let late = ward.home.read(|view| crate::store::lapses::look(view, at(3))).unwrap();
        assert!(late.iter().any(|lapse| lapse.kind == "set_aside"), "{late:?}");
    }
}

/// A weekend's empty rung lost its whole delay (goalert 4548); disabled people are not waited for (oncall 1511).
#[test]
fn a_rung_without_anybody_is_skipped_at_once() {
    for ward in wards() {
        ward.home.write(Actor::System("test"), NOW, |tx| users::disable(tx, ward.people[0])).unwrap();
        ward.tick(NOW);
        assert_eq!(ward.story(), [("empty".to_owned(), Some(0), vec![]), paged(1, 1)]);
    }
}
