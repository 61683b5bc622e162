//! What machines are told that ask whether the node is well.

use std::time::{Duration, Instant as Moment};

use crate::alerts::tests::raise;
use crate::state::{EngineView, Module, Resting, Rests};
use crate::tests::{Built, House, Limits, NOW, houses, stores};
use domain::certificate::{Certificate, Door};
use domain::messages::Channel;
use domain::{Instant, Role, UserId};
use engine::Module as _;
use engine::escalation::Escalate;
use store::people::users;
use store::testing::foreign;
use store::{Urgency, escalation, on_call};

fn ready(house: &House) -> (u16, String) {
    let got = house.call("GET", "/readyz", &[], None);
    (got.status, got.body.as_str().unwrap_or_default().to_owned())
}

fn until(what: &str, within: u64, mut holds: impl FnMut() -> bool) {
    let began = Moment::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(within), "{what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_lock_that_nobody_gives_back_is_told_to_whoever_asks() {
    for house in houses().into_iter().filter(|house| house.home.url().file().is_none()) {
        house.home.watch_health().unwrap();
        let user = house.user(Role::Admin, None);
        let other = foreign(&house.home, "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
        assert_eq!(ready(&house).0, 200, "a lock for which nobody waits");
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| house.home.read(|view| users::get(view, user)).map(drop));
            until("it is not ready", 3, || ready(&house).0 == 503);
            let (_, answer) = ready(&house);
            assert!(answer.contains("not ready: a statement waits for a lock (users)"), "{answer}");
            let engine = house.call("GET", "/healthz/engine", &[], None).must(503);
            assert!(engine["ailments"].to_string().contains("waits for a lock (users)"), "{engine}");
            drop(other);
            waits.join().unwrap().unwrap();
        });
        until("ready by itself", 5, || ready(&house).0 == 200);
    }
}

/// Somebody looked at an alert at the database's console and went away: the escalation passes it over, and says so.
#[test]
fn an_alert_that_another_session_has_locked_is_told_by_status_metrics_and_monitor_and_never_in_silence() {
    for house in houses().into_iter().filter(|house| house.home.url().file().is_none()) {
        house.home.watch_health().unwrap();
        house.home.keep_house(Urgency::Urgent, "test", NOW, escalation::seed).unwrap();
        let red = raise(&house, &house.patient("Ana Souza"));
        let other =
            foreign(&house.home, &format!("BEGIN; SELECT 1 FROM alerts WHERE id = '{red}' FOR UPDATE"));
        let beside = house.home.reopened().unwrap();
        beside.watch_health().unwrap();
        let [mut escalates, mut others] = [(*house.home).clone(), beside.clone()].map(Escalate::new);
        let mut cycle = || escalates.run(NOW).unwrap().did;
        assert_eq!(cycle(), 0, "it is held");
        until("it is told by both", 15, || {
            cycle();
            others.run(NOW.plus(Duration::from_secs(1))).unwrap();
            house.home.passed_over().is_some() && beside.passed_over().is_some()
        });
        let passed_over = house.home.passed_over().unwrap();
        assert_eq!(
            (passed_over.alerts, passed_over.reds, passed_over.holder.is_some()),
            (1, 1, true),
            "{passed_over:?}"
        );
        let engine = house.call("GET", "/healthz/engine", &[], None).must(503);
        let ailments = engine["ailments"].to_string();
        assert!(ailments.contains("1 of them red, are locked by another session (session"), "{engine}");
        assert_eq!(engine["passed_over"], 1, "{engine}");
        assert_eq!(ready(&house), (200, "ready\n".to_owned()), "other nodes would do no better");
        let metrics = house.get(&house.staff(Role::Admin), "/metrics").must(200);
        assert!(metrics.as_str().unwrap().contains("zelo_engine_passed_over 1"), "{metrics}");
        assert_eq!(house.home.passed_over().map(|passed| passed.since), Some(NOW));
        assert_eq!(beside.passed_over().map(|passed| passed.since), Some(NOW.plus(Duration::from_secs(1))));
        drop(other);
        until("it escalates", 10, || cycle() > 0);
        until("nothing is left to tell", 5, || house.home.passed_over().is_none());
        until("nor by the node that had nothing to do any more", 5, || beside.passed_over().is_none());
    }
}

#[test]
fn a_node_that_ends_says_so_before_its_port_closes_where_somebody_asks() {
    for mut house in houses() {
        let running = house.running.take().unwrap();
        let long = Duration::from_millis(400);
        let began = Moment::now();
        house.runtime.block_on(running.drain(Duration::from_secs(60)));
        assert!(began.elapsed() < long, "nobody has asked: nobody is waited for");
        assert_eq!(ready(&house).0, 503);
        std::thread::scope(|scope| {
            let drains = scope.spawn(|| house.runtime.block_on(running.drain(long)));
            while !drains.is_finished() {
                assert_eq!(
                    ready(&house),
                    (503, "not ready: this node is ending: send no more here\n".to_owned())
                );
                assert_eq!(house.call("GET", "/healthz", &[], None).status, 200, "it still answers");
            }
        });
        assert!(began.elapsed() >= long, "who asks is waited for");
        house.runtime.block_on(running.stop());
    }
}

#[test]
fn a_certificate_at_its_end_is_told_while_the_node_serves_and_wakes_the_monitor_once_it_is_over() {
    let day = Duration::from_secs(86_400);
    let home = stores().remove(0);
    let certificates = vec![
        Certificate { door: Door::Https, not_after: NOW.plus(day * 40) },
        Certificate { door: Door::Mqtts, not_after: NOW.plus(day * 90) },
    ];
    let house = House::built(home, Limits::of_descriptors(4_096), Built { certificates, ..Built::default() });
    let engine = || house.call("GET", "/healthz/engine", &[], None).body["ailments"].to_string();
    assert_eq!(ready(&house), (200, "ready\n".to_owned()));
    house.clock.advance(day * 11);
    let (status, answer) = ready(&house);
    assert!(status == 200 && answer.contains("the certificate of HTTPS expires in 29 day(s)"), "{answer}");
    assert!(!engine().contains("certificate"), "nobody is woken yet: {}", engine());
    house.clock.advance(day * 30);
    let (status, answer) = ready(&house);
    assert!(status == 200 && answer.contains("the certificate of HTTPS expired at"), "{answer}");
    assert!(engine().contains("the certificate of HTTPS expired at"), "{}", engine());
    let admin = house.staff(Role::Admin);
    let shown = house.get(&admin, "/api/v1/status").must(200);
    assert_eq!(shown["certificates"][1]["door"], "MQTT over TLS");
}

/// A node that left a mailbox alone, and one whose time is over.
struct Rested(UserId);

impl EngineView for Rested {
    fn modules(&self) -> Vec<Module> {
        Vec::new()
    }

    fn resting(&self) -> Vec<Resting> {
        let rest = |until: Instant| Resting {
            channel: Channel::Email,
            what: Rests::Recipient(self.0.to_string()),
            since: NOW.minus(Duration::from_secs(60)),
            until,
            why: "timeout",
        };
        vec![rest(NOW.plus(Duration::from_secs(60))), rest(NOW.minus(Duration::from_secs(1)))]
    }
}

/// An auditor read "mailbox: Eva Silva", and that it rested until an hour that had passed.
#[test]
fn a_mailbox_that_rests_is_shown_while_it_does_and_auditors_and_the_dpo_read_no_name_of_it() {
    for home in stores() {
        let eva = on_call::testing::person(&home, Role::Clinician);
        let house = House::with(home, Limits::of_descriptors(4_096), std::sync::Arc::new(Rested(eva)));
        let seen = |role: Role| {
            let who = house.staff(role);
            let status = house.get(&who, "/api/v1/status").must(200);
            let rests = status["breakers"].as_array().unwrap();
            assert_eq!(rests.len(), 1, "{status}");
            rests[0]["id"].as_str().unwrap().to_owned()
        };
        assert_eq!(seen(Role::Manager), eva.to_string());
        let (auditor, dpo) = (seen(Role::Auditor), seen(Role::Dpo));
        assert!(auditor != eva.to_string() && dpo != eva.to_string() && auditor != dpo, "{auditor} {dpo}");
    }
}
