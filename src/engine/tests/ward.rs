//! A clinic with one red alert and four people who could be called, on a store of a test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::Module as _;
use crate::escalation::Escalate;
use crate::messages::outbox::{self, Breakers, Outbox};
use domain::alerts::Act;
use domain::escalation::{Policy, State, Step, Target};
use domain::messages::{self as message, Attempt, State as Way};
use domain::rules::Name;
use domain::{AlertId, Instant, PatientId, PatientIdentity, Role, Rule, StaffIdentity, UserId};
use notify::{Channel, Outgoing, SendOutcome};
use store::escalation::{self, paging};
use store::people::users;
use store::testing::{Home, NOW, grant_calls, stores};
use store::{Actor, Error, Keyed, Result, Store, Tx, Urgency, alerts, messages, patients, versions};

const MINUTE: u64 = 60;

/// The clinic.
pub(super) struct Ward {
    pub home: Home,
    pub alert: AlertId,
    pub people: Vec<UserId>,
}

pub(super) fn at(minutes: u64) -> Instant {
    NOW.plus(Duration::from_secs(minutes * MINUTE))
}

pub(super) fn wards() -> Vec<Ward> {
    stores().into_iter().map(ward).collect()
}

fn step(user: UserId, minutes: u32) -> Step {
    Step { targets: vec![Target::Person(user)], minutes, certificate: false, skip_if_empty: true }
}

pub(super) fn ward(home: Home) -> Ward {
    let system = Actor::System("test");
    let people: Vec<UserId> = (0..4).map(|n| staff(&home, &format!("p{n}@example.org"))).collect();
    let policy = Policy {
        id: escalation::RED.into(),
        version: 1,
        name: Name { pt: "a".into(), en: "a".into() },
        starts_after: 0,
        steps: people.iter().take(3).map(|user| step(*user, 5)).collect(),
        repeat: 0,
        acknowledged_for: Some(30),
        nobody_reached: step(people[3], 15),
    };
    home.write(system, NOW, |tx| {
        versions::seed(tx, escalation::RED, &policy)?;
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

pub(super) fn raise(store: &Store, at: Instant) -> AlertId {
    raised(store, at, false)
}

/// One that late readings raised.
pub(super) fn raise_late(store: &Store, at: Instant) -> AlertId {
    raised(store, at, true)
}

fn raised(store: &Store, at: Instant, retrospective: bool) -> AlertId {
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
            grant_calls(tx, patient.id)?;
            red(tx, Keyed { key: patient.key, id: patient.id }, at, retrospective)
        })
        .unwrap()
}

pub(super) fn red(
    tx: &mut Tx<'_>,
    patient: Keyed<PatientId>,
    at: Instant,
    retrospective: bool,
) -> Result<AlertId> {
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
    alerts::open(tx, patient, rule, &episode.unwrap(), &finding.unwrap(), retrospective)
}

impl Ward {
    /// From now on people are reached by e-mail too.
    pub(super) fn sends_e_mail(&self) {
        self.home.keep_house(Urgency::Urgent, "test", NOW, |tx| paging::send_e_mail(tx, true)).unwrap();
    }

    /// One cycle of the engine.
    pub(super) fn tick(&self, now: Instant) -> usize {
        Escalate::new((*self.home).clone()).run(now).unwrap().did
    }

    pub(super) fn act(&self, who: usize, what: Act, now: Instant) {
        self.act_on(self.alert, who, what, now);
    }

    pub(super) fn act_on(&self, alert: AlertId, who: usize, what: Act, now: Instant) {
        let id = self.people[who];
        let actor = Actor::User { id, role: Role::Clinician };
        let mut refused = None;
        let done = self.home.write(actor, now, |tx| {
            let why = matches!(what, Act::Snooze { .. }).then_some("na sala de exames");
            alerts::acted(tx, alert, id, what, why).map(drop).map_err(|why| match why {
                alerts::Refused::Store(error) => error,
                other => {
                    refused = Some(other);
                    Error::Conflict("refused")
                }
            })
        });
        assert!(done.is_ok(), "{what:?}: {refused:?} {done:?}");
    }

    pub(super) fn state(&self) -> State {
        self.home.read(|view| escalation::of_alert(view, self.alert)).unwrap().unwrap().run.state
    }

    /// What the escalation did so far: the word, the step and the place of whoever was paged.
    pub(super) fn story(&self) -> Vec<(String, Option<usize>, Vec<usize>)> {
        self.home
            .read(|view| {
                let id = escalation::of_alert(view, self.alert)?.unwrap().id;
                escalation::steps(view, &id)
            })
            .unwrap()
            .into_iter()
            .map(|did| {
                let place = |user| self.people.iter().position(|one| *one == user).unwrap();
                (did.did, did.step, did.people.into_iter().map(place).collect())
            })
            .collect()
    }

    pub(super) fn ways(&self) -> Vec<Way> {
        let about = self.alert.to_string();
        let all = self.home.read(|view| messages::of_case(view, escalation::ALERT, &about)).unwrap();
        all.into_iter().map(|message| message.way.state).collect()
    }
}

pub(super) fn paged(step: usize, who: usize) -> (String, Option<usize>, Vec<usize>) {
    ("paged".into(), Some(step), vec![who])
}

/// A wire that writes down what it was given, and may end what sends.
#[derive(Default)]
pub(super) struct Wire {
    /// The keys of what it was given, in order.
    pub given: Mutex<Vec<String>>,
}

impl Channel for Wire {
    fn channel(&self) -> message::Channel {
        message::Channel::Email
    }

    fn send(&self, message: &Outgoing, _now: Instant) -> SendOutcome {
        self.given.lock().unwrap().push(message.key.clone());
        SendOutcome { attempt: Attempt::Accepted, provider_id: None, code: "wire", fault: None }
    }
}

/// One cycle of the escalation and of the outbox of a wire.
pub(super) fn cycle(store: &Store, wire: &Arc<dyn Channel>, now: Instant) -> Result<usize> {
    let mut escalate = Escalate::new(store.clone());
    let mut post = Outbox::new(store.clone(), Arc::clone(wire), Breakers::default(), String::new());
    let mut did = 0;
    loop {
        let escalate = [escalate.run(now)?, post.run(now)?];
        did += escalate.iter().map(|one| one.did).sum::<usize>();
        if escalate.iter().all(|one| !one.more) {
            return Ok(did);
        }
    }
}
