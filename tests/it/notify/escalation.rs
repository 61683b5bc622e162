//! The whole way, with nothing replaced but the clock: a wearable publishes over MQTT, the engine escalates, Exim delivers,
//! another program is called, a bounce comes back by IMAP, and the audit log has every hop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::alerts::Act;
use domain::escalation::{Policy, State as RunState, Step, Target};
use domain::messages::network::Networks;
use domain::messages::{Channel as Way, State};
use domain::rules::Name;
use domain::{AlertId, Clock, Instant, Role, StaffIdentity, UserId};
use engine::messages::outbox::GATHERS;
use notify::mailbox::Mailbox;
use notify::webhook::Hook;
use notify::{InApp, Post as Ways};
use rumqttc::v5::Event;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use serde_json::Value;
use store::alerts::{self, lists};
use store::messages::webhooks;
use store::messages::{self, Stored};
use store::people::users;
use store::{Actor, View, escalation, on_call, sla, versions};
use zelo::app::House;

use super::hook::Program;
use super::mail::{FROM, SECRET, imap, plain};
use super::post::{DOMAIN, Post};
use crate::support::clinic::{Bed, Clinic, eventually};
use crate::support::lacks;

const MINUTE: Duration = Duration::from_secs(60);
const BASE: &str = "https://zelo.example";

/// A clinic whose first person on call has an address that is gone.
struct Night {
    clinic: Clinic,
    clock: Clock,
    house: House,
    people: [UserId; 4],
    post: Post,
    program: Program,
}

impl Night {
    async fn begin(clinic: Clinic) -> Self {
        let clock = Clock::driven(Clock::System.now());
        let post = Post::open();
        let people = ["nobody-here", "ana", "bia", "caio"].map(|name| staff(&clinic, &clock, name));
        let secret = webhooks::fresh_secret().unwrap();
        let program = Program::timeless(&secret);
        clinic
            .store
            .write(Actor::Operator, clock.now(), |tx| {
                versions::seed(tx, escalation::RED, &policy(people))?;
                webhooks::insert(tx, &format!("http://127.0.0.1:{}/status/200", program.port), &secret)
            })
            .unwrap();
        let mailbox = Mailbox::new(&imap(&format!("plain://127.0.0.1:{}", post.imap)), FROM, SECRET).unwrap();
        let ways = Ways {
            channels: vec![
                Arc::new(InApp),
                Arc::new(plain(&post)),
                Arc::new(Hook::new(&Networks::this_host())),
            ],
            base_url: BASE.into(),
            bounces: Some(Arc::new(mailbox)),
        };
        let house = clinic.house_on(&clock, ways).await;
        Self { clinic, clock, house, people, post, program }
    }

    /// A wearable measures two minutes, the second of them too fast.
    async fn publish(&self) {
        let bed = &self.clinic.beds[0];
        let (client, mut events) = bed.client(&self.house);
        let from = self.clock.now().minus(Duration::from_secs(122));
        client.publish(bed.topic(), QoS::AtLeastOnce, false, beats(from)).await.unwrap();
        loop {
            if let Event::Incoming(Packet::PubAck(_)) = events.poll().await.unwrap() {
                return;
            }
        }
    }

    fn alert(&self) -> Option<AlertId> {
        let Bed { patient_key, .. } = self.clinic.beds[0];
        let found = self.clinic.store.read(|view| lists::of_patient(view, patient_key, 10)).unwrap();
        found.first().map(|alert| alert.case.id)
    }

    fn planned(&self, alert: AlertId) -> Vec<Stored> {
        let id = alert.to_string();
        self.clinic.store.read(|view| messages::of_case(view, escalation::ALERT, &id)).unwrap()
    }

    fn keys(&self, alert: AlertId, way: Way, user: Option<usize>) -> Vec<String> {
        let to = user.map(|place| self.people[place].to_string());
        let wanted = |one: &Stored| one.channel == way && to.as_ref().is_none_or(|to| *to == one.recipient);
        self.planned(alert).into_iter().filter(wanted).map(|one| one.key).collect()
    }

    /// Those that the escalation planned; its timers warn whoever owns the case, too.
    fn steps(&self, alert: AlertId, way: Way, user: Option<usize>) -> Vec<String> {
        self.keys(alert, way, user).into_iter().filter(|key| key.starts_with("esc:")).collect()
    }

    fn escalation(&self, alert: AlertId) -> escalation::Escalation {
        self.clinic.store.read(|view| escalation::of_alert(view, alert)).unwrap().unwrap()
    }

    /// Nothing that is due now is left to do. What was planned right after a message to the same person gathers, and goes
    /// out with the next minute.
    async fn quiet(&self, alert: AlertId) {
        let now = self.clock.now();
        eventually("everything that is due is done", || {
            let due = |view: &mut View<'_>| Ok(escalation::any_due(view, now)? || sla::any_due(view, now)?);
            let due = self.clinic.store.read(due).unwrap();
            let planned = self.planned(alert);
            let gathers = |one: &Stored| planned.iter().any(|other| fresh(other, one, now));
            let open = |one: &Stored| {
                one.way.state == State::Sending || (one.way.state == State::Due && !gathers(one))
            };
            !due && !planned.iter().any(open)
        })
        .await;
    }

    async fn minutes(&self, count: u32, alert: AlertId) {
        for _ in 0..count {
            self.clock.advance(MINUTE);
            self.house.wake.wake();
            self.quiet(alert).await;
        }
    }

    /// The Message-IDs in a mailbox once it holds so many mails.
    fn arrived(&self, user: &str, count: usize) -> Vec<String> {
        let mails = self.post.mails(user, count);
        let mut ids: Vec<String> =
            mails.iter().map(|mail| mail["headers"]["message-id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }
}

/// Whether a message left so lately that another to the same person waits for what else comes.
fn fresh(message: &Stored, other: &Stored, now: Instant) -> bool {
    let same = (message.channel, &message.recipient) == (other.channel, &other.recipient);
    let left = message.accepted_at.is_some_and(|at| now.since(at) < GATHERS);
    message.channel == Way::Email && same && left
}

fn staff(clinic: &Clinic, clock: &Clock, name: &str) -> UserId {
    let email = format!("{name}@{DOMAIN}").parse().unwrap();
    let identity = StaffIdentity { name: "Ana Lima".parse().unwrap(), email };
    let new = users::NewUser { identity, role: Role::Clinician, patient: None, password: None };
    clinic.store.write(Actor::Operator, clock.now(), |tx| users::insert(tx, &new)).unwrap().id
}

fn policy(people: [UserId; 4]) -> Policy {
    let step = |user, minutes| Step {
        targets: vec![Target::Person(user)],
        minutes,
        certificate: false,
        skip_if_empty: true,
    };
    let [first, second, third, last] = people;
    Policy {
        id: escalation::RED.into(),
        version: 1,
        name: Name { pt: "Noite".into(), en: "Night".into() },
        starts_after: 0,
        steps: vec![step(first, 3), step(second, 3), step(third, 3)],
        repeat: 1,
        acknowledged_for: None,
        nobody_reached: step(last, 5),
    }
}

fn beats(from: Instant) -> String {
    let samples = (0..122_u64).map(|second| {
        let at = from.plus(Duration::from_secs(second)).millis();
        serde_json::json!({ "ts": at, "values": { "heart_rate": if second < 61 { 80 } else { 130 } } })
    });
    Value::Array(samples.collect()).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_that_nobody_answers_walks_the_whole_policy_by_every_way_until_somebody_does() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    for clinic in Clinic::each(1) {
        walk(Night::begin(clinic).await).await;
    }
}

async fn walk(night: Night) {
    night.publish().await;
    eventually("a red is raised", || night.alert().is_some()).await;
    let alert = night.alert().unwrap();
    night.quiet(alert).await;

    // The first person's mailbox is gone: the report comes back, and is read within the next minute.
    let [first, ..] = night.people;
    let mail = night.keys(alert, Way::Email, Some(0));
    assert_eq!(mail.len(), 1);
    night.post.mails("zelo", 1);
    night.minutes(1, alert).await;
    let gone = || night.clinic.store.read(|view| on_call::unreachable(view, first)).unwrap();
    eventually("the bounce is read", || !gone().is_empty()).await;
    assert_eq!((gone()[0].channel, gone()[0].why.as_str()), (Way::Email, "bounced"));
    // Nobody waits for them: the next is called in the same minute.
    night.house.wake.wake();
    eventually("the escalation goes on", || night.escalation(alert).run.step == Some(1)).await;
    night.quiet(alert).await;

    // Twice the whole policy, then "nobody reached", and its second call five minutes later.
    night.minutes(18, alert).await;
    assert_eq!(night.escalation(alert).run.state, RunState::NobodyReached);
    let told: Vec<(String, Option<usize>, Vec<UserId>)> = {
        let id = night.escalation(alert).id;
        let steps = night.clinic.store.read(|view| escalation::steps(view, &id)).unwrap();
        steps.into_iter().map(|did| (did.did, did.step, did.people)).collect()
    };
    let [_, ana, bia, caio] = night.people;
    let paged = |step: usize, user| ("paged".to_owned(), Some(step), vec![user]);
    let round = [paged(0, first), paged(1, ana), paged(2, bia)];
    let last = [
        ("nobody_reached".to_owned(), None, vec![]),
        ("paged".to_owned(), None, vec![caio]),
        ("paged".to_owned(), None, vec![caio]),
    ];
    assert_eq!(told, [&round[..], &round[..], &last[..]].concat());

    // By the dashboard to everybody, by e-mail to whom it reaches, and to the other program.
    assert_eq!(night.steps(alert, Way::InApp, Some(0)).len(), 2);
    assert_eq!(night.keys(alert, Way::Email, Some(0)), mail, "not by e-mail again");
    let marks = notify::mark::Marks::new(SECRET, DOMAIN);
    for (place, name) in [(1, "ana"), (2, "bia"), (3, "caio")] {
        assert_eq!(night.steps(alert, Way::Email, Some(place)).len(), 2, "{name}");
        let keys = night.keys(alert, Way::Email, Some(place));
        let mut wanted: Vec<String> = keys.iter().map(|key| marks.id(key)).collect();
        wanted.sort();
        assert_eq!(night.arrived(name, wanted.len()), wanted, "{name}\n{}", night.post.logs());
    }
    calls(&night, alert);

    // Every hop is in the log.
    let log = |kind| night.clinic.entries(kind);
    assert_eq!((log("alert.raised"), log("alert.escalated"), log("alert.unreached")), (1, 8, 1));
    let out = [Way::Email, Way::Webhook].map(|way| night.keys(alert, way, None).len());
    let out = i64::try_from(out.iter().sum::<usize>()).unwrap();
    assert_eq!(
        (log("message.sent"), log("message.failed")),
        (out, 1),
        "each message and call, and one bounce"
    );
    assert_eq!(log("engine.lapse"), 0, "everything was done in time");

    // Somebody answers: nothing more goes out, however long it takes.
    let who = Actor::User { id: caio, role: Role::Clinician };
    night
        .clinic
        .store
        .write(who, night.clock.now(), |tx| {
            alerts::acted(tx, alert, caio, Act::Ack, None)
                .map(drop)
                .map_err(|_refused| store::Error::Conflict("refused"))
        })
        .unwrap();
    let steps = || [Way::InApp, Way::Email, Way::Webhook].map(|way| night.steps(alert, way, None).len());
    let before = steps();
    night.minutes(30, alert).await;
    assert_eq!((steps(), log("alert.escalated"), log("alert.ack")), (before, 8, 1));
    let more: Vec<Value> = std::iter::from_fn(|| night.program.calls.try_recv().ok()).collect();
    assert!(more.iter().all(|call| !call["id"].as_str().unwrap().starts_with("esc:")), "{more:?}");
    let Night { clinic, house, .. } = night;
    house.stop().await;
    clinic.verify();
}

/// Each step called the other program once, signed, with a cursor of its own and nothing of a person.
fn calls(night: &Night, alert: AlertId) {
    let calls: Vec<Value> = std::iter::from_fn(|| night.program.calls.try_recv().ok()).collect();
    assert!(calls.iter().all(|call| call["good"] == true && call["count"] == 1), "{calls:?}");
    let mut calls: Vec<Value> =
        calls.into_iter().filter(|call| call["id"].as_str().unwrap().starts_with("esc:")).collect();
    // Two of one minute are called at once, and may arrive either way.
    let cursor = |call: &Value| call["body"]["data"]["cursor"].as_i64().unwrap();
    calls.sort_by_key(cursor);
    let kinds: Vec<&str> = calls.iter().map(|call| call["body"]["type"].as_str().unwrap()).collect();
    let (page, again, nobody) = (["page"; 3], ["page_repeat"; 3], ["nobody_reached"; 2]);
    assert_eq!(kinds, [&page[..], &again[..], &nobody[..]].concat());
    let mut keys = night.steps(alert, Way::Webhook, None);
    let mut ids: Vec<&str> = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
    keys.sort();
    ids.sort_unstable();
    assert_eq!(ids, keys);
    let cursors: Vec<i64> = calls.iter().map(cursor).collect();
    assert!(cursors.is_sorted_by(|one, next| one < next), "{cursors:?}");
    let link = format!("{BASE}/alerts/{alert}");
    for call in &calls {
        let body: BTreeMap<String, Value> = serde_json::from_value(call["body"].clone()).unwrap();
        assert_eq!(body.keys().collect::<Vec<_>>(), ["at", "data", "type"]);
        assert_eq!(
            (&body["data"]["link"], &body["data"]["case"]["kind"]),
            (&Value::from(link.as_str()), &"alert".into())
        );
    }
}
