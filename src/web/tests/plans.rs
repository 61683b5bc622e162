//! No look walks over what is finished: every statement of every page, route and engine module, and the plan that the
//! database makes of it, in a house with a past.

use std::sync::{Arc, Mutex};

use super::*;
use crate::routes::rows;
use ::rules::Watchlist;
use domain::AlertId;
use engine::alerts::late_reds;
use engine::devices::{moves, silence};
use engine::health::{auditor, clock};
use engine::messages::outbox;
use engine::messages::outbox::{Breakers, Outbox};
use engine::on_call::{coverage, handover};
use engine::{
    Module, Status, Wake, audit, consents, escalation, housekeeping, jobs, people, readings,
    rules as reevaluate, sla as deadline,
};
use store::alerts::copies;
use store::db::plans;
use store::devices::{self, commands};
use store::patients::audience::Audience;
use store::{escalation as escalations, on_call, rules, sla};

/// Finished things of each kind.
const PAST: usize = 3_000;
/// The most rows that a statement may look at for one answer: less than the past holds.
const MOST: f64 = 1_200.0;

/// Statements that may walk or sort, and why: a part of the text without quotes. What is sorted is bounded by what its
/// filter finds along an index.
const ALLOWED: &[(&str, &str)] = &[
    ("AS counted", "a count that stops at 10,000"),
    ("AS closed", "a count that stops at 100,000"),
    ("leaf >= ", "the log's explorer looks through a bounded stretch"),
    ("'unescalated_red' AS kind", "reds that are open"),
    ("(1=0)", "nothing is asked for"),
    ("DISTINCT messages.recipient", "one alert's messages"),
    ("alerts.state = 'snoozed'", "what is silent now"),
    ("ORDER BY bindings.preferred DESC", "one patient's devices"),
    ("escalations.state <> 'done' AND", "what escalates now"),
    ("messages.state NOT IN ('due', 'sending')) GROUP BY", "one day's messages"),
    ("quarantine.reason = 'E_IMPLAUSIBLE')) GROUP BY", "what waits of one patient"),
    ("ORDER BY readings.at, readings.device_key", "readings of one instant"),
    ("readings.at <= ", "the last minute of the journal"),
    ("FROM sla_timers WHERE (((sla_timers.kind = 'alert') AND (sla_timers.subject = ", "one alert's clocks"),
    ("FROM sla_timers WHERE ((sla_timers.kind = 'alert') AND (sla_timers.subject = ", "one alert's clocks"),
    ("WHERE retrospective = TRUE AND ended_at IS NULL", "late reds that stand"),
];

/// A job that says how far it is, and no more.
struct Counts;

impl jobs::Kind for Counts {
    fn name(&self) -> &'static str {
        "test.count"
    }

    fn run(&self, _store: &Store, work: &mut jobs::Work<'_>) -> store::Result<jobs::Found> {
        work.save(json!({ "at": 1 }));
        work.reached(1, 2)?;
        Ok(jobs::Found { code: "ok", result: Value::Null })
    }
}

struct Scene {
    house: House,
    patient: patients::Patient,
    resolved: AlertId,
    open: AlertId,
    device: domain::DeviceId,
    people: Vec<(Role, UserId)>,
}

impl Scene {
    fn new(home: Home) -> Self {
        let house = House::signed(home);
        house.write(|tx| {
            rules::seed(tx)?;
            on_call::seed(tx)?;
            escalations::seed(tx)?;
            outbox::seed(tx)?;
            sla::seed(tx)
        });
        let patient = house.patient("Ana");
        house.grant_all(patient.id);
        let people: Vec<(Role, UserId)> = Role::ALL
            .into_iter()
            .map(|role| (role, house.user(role, (role == Role::Patient).then_some(patient.id))))
            .collect();
        let values: Vec<f64> = (0..1_000).map(|n| if n % 2 == 0 { 80.0 } else { 81.0 }).collect();
        crate::patients::tests::measure(&house, &patient, house.now(), &values);
        let device = house
            .home
            .read(|view| {
                devices::page(view, &Audience::program(), &store::Ask::default()).map(|page| page.items[0].id)
            })
            .unwrap();
        let resolved = crate::alerts::tests::raise(&house, &patient);
        escalation::Escalate::new((*house.home).clone()).run(house.now()).unwrap();
        let clinician = people.iter().find(|(role, _)| *role == Role::Clinician).unwrap().1;
        let token = house.enter(clinician, Role::Clinician);
        let act = |what: &str, body: Value| {
            house.post(&token, &format!("/api/v1/alerts/{resolved}/{what}"), &body).must(200);
        };
        act("ack", json!({}));
        act("resolve", json!({ "outcome": "true", "note": "visto" }));
        house.write(|tx| stored_past(tx, resolved, device));
        let past = |tx: &mut Tx<'_>| {
            left(tx, patient.key);
            crate::patients::timeline_tests::past(tx, patient.key)?;
            Ok(())
        };
        house.home.keep_house(store::Urgency::Urgent, "test", house.now(), past).unwrap();
        house.clock.advance(Duration::from_secs(120));
        let open = crate::alerts::tests::raise(&house, &patient);
        Self { house, patient, resolved, open, device, people }
    }

    fn walk(&self) {
        for row in rows().iter().filter(|row| row.method == "GET" && !LEFT_OUT.contains(&row.path)) {
            let ids = match row.path.strip_prefix("/api/v1").unwrap_or(row.path) {
                path if path.starts_with("/alerts/") => {
                    vec![self.open.to_string(), self.resolved.to_string()]
                }
                path if path.starts_with("/devices/") => vec![self.device.to_string()],
                path if path.starts_with("/users/") => vec![self.people[0].1.to_string()],
                _ => vec![self.patient.id.to_string()],
            };
            for (id, (role, user)) in ids.iter().flat_map(|id| self.people.iter().map(move |who| (id, who))) {
                let token = self.house.enter(*user, *role);
                let path = row.path.replace("{id}", id).replace("{index}", "3").replace("{place}", "0");
                let path = if path.ends_with("/series") { format!("{path}?signal=heart_rate") } else { path };
                let got = self.house.get(&token, &path);
                // 503: the engine of this house does not run.
                assert!(got.status < 500 || got.status == 503, "{path} as {role:?}: {}", got.body);
                for query in
                    ASKED.iter().filter(|(of, _)| *of == row.path).flat_map(|(_, asked)| asked.iter())
                {
                    let got = self.house.get(&token, &format!("{path}?{query}"));
                    assert!(got.status < 500, "{path}?{query} as {role:?}: {}", got.body);
                }
            }
        }
    }

    fn act(&self) {
        let token = self.house.enter(self.people[2].1, self.people[2].0);
        assert_eq!(self.people[2].0, Role::Clinician);
        for what in ["claim", "ack", "unack", "snooze", "resolve"] {
            let until = self.house.now().plus(Duration::from_secs(600));
            let body = match what {
                "snooze" => json!({ "until": until, "note": "em exame" }),
                "resolve" => json!({ "outcome": "true" }),
                _ => json!({}),
            };
            self.house.post(&token, &format!("/api/v1/alerts/{}/{what}", self.open), &body).must(200);
        }
        self.house.clock.advance(Duration::from_secs(1));
        self.house.revoke(self.patient.id, "telemetry.collect").must(201);
        let signed_in = json!({ "email": self.house.email(self.people[2].1), "password": PASSWORD });
        self.house.call("POST", "/api/v1/auth/token", &[], Some(&signed_in.to_string())).must(200);
    }

    fn engine(&self) {
        let (store, clock) = ((*self.house.home).clone(), self.house.clock.clone());
        let known = store.read(rules::in_force).unwrap();
        let watch = Arc::new(Mutex::new(Watchlist::new(known.into())));
        let breakers = Breakers::default();
        let signer = store::audit::open(&store, &self.house.home.dir().join("keys"), NOW).unwrap();
        let in_app = Arc::new(notify::InApp);
        let modules: Vec<Box<dyn Module>> = vec![
            Box::new(clock::Watch::new(store.clone(), clock.clone(), breakers.clone())),
            Box::new(reevaluate::Reevaluate::new(
                store.clone(),
                consent::Bases::default(),
                Arc::clone(&watch),
            )),
            Box::new(late_reds::LateReds::new(store.clone(), watch)),
            Box::new(moves::Moves::new(store.clone(), consent::Bases::default())),
            Box::new(people::Departures::new(store.clone())),
            Box::new(escalation::Escalate::new(store.clone())),
            Box::new(deadline::Deadline::new(store.clone())),
            Box::new(handover::Handover::new(store.clone())),
            Box::new(coverage::Coverage::new(store.clone())),
            Box::new(silence::Silence::new(store.clone())),
            Box::new(consents::Bases::new(store.clone())),
            Box::new(housekeeping::Housekeeping::new(store.clone())),
            Box::new(audit::Seal::new(store.clone(), signer).unwrap()),
            Box::new(readings::Roll::new(store.clone())),
            Box::new(auditor::Auditor::new(store.clone(), Status::default())),
            Box::new(Outbox::new(store.clone(), in_app, breakers, "https://zelo.example".to_owned())),
        ];
        if self.house.home.read(|view| Ok(store::jobs::open(view)?.is_empty())).unwrap() {
            self.house.write(|tx| store::jobs::ask(tx, "test.count", None));
        }
        let kinds: Vec<Box<dyn jobs::Kind>> = vec![Box::new(Counts)];
        let jobs = jobs::Jobs::new(store.clone(), clock.clone(), kinds, Wake::default(), Status::default());
        jobs.turn(&|| ()).unwrap();
        for mut module in modules {
            for _ in 0..2 {
                module.run(clock.now()).unwrap();
            }
            clock.advance(Duration::from_secs(5));
        }
    }
}

/// What hands out the whole log on purpose, and what never ends.
const LEFT_OUT: [&str; 2] = ["/api/v1/audit/export", "/api/v1/live"];

/// What is asked of some routes beside the whole.
const ASKED: &[(&str, &[&str])] = &[
    (
        "/api/v1/alerts",
        &["state=resolved", "state=open", "level=red", "peak=red", "level=green&state=resolved"],
    ),
    ("/api/v1/patients/{id}/alerts", &["state=resolved", "level=red", "peak=red"]),
    ("/queue", &["state=resolved", "part=badge", "level=red", "mine=1", "q=ana", "state=resolved&q=ana"]),
    ("/audit", &["kind=access.read", "decision=permit"]),
    ("/api/v1/audit/entries", &["kind=access.read", "decision=permit"]),
    ("/patients", &["q=ana"]),
    (
        "/api/v1/kpis/facts",
        &["kind=alert.raised", "from=1970-01-01T00:00:00Z", "from=1970-01-01T00:00:00Z&kind=alert.raised"],
    ),
    (
        "/api/v1/patients/{id}/timeline",
        // What comes after a binding.
        &["before=OTAwMDAwMDAwMDAwMDAwMC5kZXZpY2VzLmJvdW5kOng", "limit=200"],
    ),
    (
        "/api/v1/patients/{id}/superseded",
        &["from=1970-01-01T00:00:00Z", "signal=weight&from=1970-01-01T00:00:00Z"],
    ),
];

/// Finished things of every kind that a long life brings.
fn stored_past(tx: &mut Tx<'_>, alert: AlertId, device: domain::DeviceId) -> store::Result<()> {
    copies::of_alert(tx, alert, PAST)?;
    let now = tx.now().micros();
    let identity = || domain::DeviceIdentity { label: "x".into(), model: "x".into(), serial: None };
    for _ in 0..PAST / 2 {
        devices::insert(tx, &identity())?;
    }
    let id = "substr(o.id, 1, 24) || ##";
    let earlier = |column: &str| format!("o.{column} - # * 120000000");
    for _ in 0..PAST / 2 {
        // Their time is over before anybody came for them.
        commands::insert(tx, device, &json!({}), tx.now())?;
    }
    copies::of_rows(
        tx,
        "bindings",
        "o.to_at IS NULL",
        &[
            ("id", id),
            ("device_key", ""),
            ("patient_key", ""),
            ("from_at", &earlier("from_at")),
            ("to_at", "o.from_at - # * 120000000 + 1000000"),
            ("preferred", ""),
            ("created_at", ""),
        ],
        PAST / 10,
    )?;
    copies::of_rows(
        tx,
        "signals",
        "o.id = (SELECT MAX(id) FROM signals)",
        &[("name", ""), ("subject", ""), ("at", "")],
        PAST,
    )?;
    copies::of_rows(
        tx,
        "facts",
        "o.id = (SELECT MAX(id) FROM facts)",
        &[
            ("kind", ""),
            ("subject", "##"),
            ("occurrence", ""),
            ("at", &earlier("at")),
            ("local_date", ""),
            ("zone", ""),
            ("dimensions", ""),
        ],
        PAST,
    )?;
    copies::of_rows(
        tx,
        "looks",
        "o.id = (SELECT MAX(id) FROM looks)",
        &[
            ("patient_key", ""),
            ("viewer", ""),
            ("role", ""),
            ("what", ""),
            ("code", ""),
            ("listed", ""),
            ("at", &earlier("at")),
        ],
        PAST,
    )?;
    plans::run(
        tx,
        &format!(
            "INSERT INTO lapses (kind, subject, expected_at, noticed_at, over_at) VALUES ('late_step', 'x', {now}, {now}, {now}); \
             INSERT INTO jobs (id, kind, asked_by, asked_at, state, finished_at, code) \
             VALUES ('0199f3a1-7c00-7000-8000-ffffffffffff', 'audit.verification', 'operator', {now}, 'failed', {now}, 'x'); \
             INSERT INTO withdrawals (id, at, what) VALUES ('x', {now}, '{{}}'); \
             INSERT INTO merged_readings (received, device_key, patient_key, signal, at) VALUES (1, 99, 99, 1, 1); \
             INSERT INTO moves (device_key, patient_key, gives, from_at, to_at, created_at, reached_at, moved, done_at) \
             VALUES (99, 99, TRUE, 0, 1, 0, 1, 1, 1); \
             INSERT INTO measured (patient_key, signal, at) VALUES (99999, 1, 1)"
        ),
    );
    copies::of_rows(
        tx,
        "lapses",
        "o.subject = 'x'",
        &[("kind", ""), ("subject", "##"), ("expected_at", ""), ("noticed_at", ""), ("over_at", "")],
        PAST,
    )?;
    copies::of_rows(
        tx,
        "jobs",
        "o.code = 'x'",
        &[
            ("id", id),
            ("kind", ""),
            ("asked_by", ""),
            ("asked_at", ""),
            ("state", ""),
            ("finished_at", ""),
            ("code", ""),
        ],
        PAST,
    )?;
    copies::of_rows(tx, "withdrawals", "o.id = 'x'", &[("id", "##"), ("at", ""), ("what", "")], PAST)?;
    copies::of_rows(
        tx,
        "merged_readings",
        "o.patient_key = 99",
        &[
            ("received", "o.received + #"),
            ("device_key", ""),
            ("patient_key", ""),
            ("signal", ""),
            ("at", ""),
        ],
        PAST,
    )?;
    copies::of_rows(
        tx,
        "moves",
        "o.patient_key = 99",
        &[
            ("device_key", "o.device_key + #"),
            ("patient_key", "o.patient_key + #"),
            ("gives", ""),
            ("from_at", ""),
            ("to_at", ""),
            ("created_at", ""),
            ("reached_at", ""),
            ("moved", ""),
            ("done_at", ""),
        ],
        PAST,
    )?;
    copies::of_rows(
        tx,
        "measured",
        "o.patient_key = 99999",
        &[("patient_key", "o.patient_key + #"), ("signal", ""), ("at", "")],
        PAST,
    )?;
    Ok(())
}

/// A long series whose readings turned out to be another's: nothing of it is to be opened.
fn left(tx: &mut Tx<'_>, patient: i64) {
    let weight = domain::Signal::Weight.code();
    plans::run(
        tx,
        &format!(
            "INSERT INTO measured (patient_key, signal, at) VALUES ({patient}, {weight}, 1000000); \
             INSERT INTO amendments \
             (patient_key, signal, at, device_key, generation, received, amended_at, item, sealed, stands, \
             supersedes) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PAST}) \
             SELECT {patient}, {weight}, i * 1000000, 99, 1, 1, 1, 'x', X'00', FALSE, FALSE FROM n; \
             INSERT INTO chunks \
             (patient_key, signal, span_from, span_to, first_at, last_at, count, sealed, overlaid) \
             VALUES ({patient}, {weight}, 0, 3600000000, 1000000, 3000000000, {PAST}, X'00', TRUE)"
        ),
    );
}

#[test]
fn no_look_walks_over_what_is_finished() {
    plans::prepare();
    // On SQLite: PostgreSQL plans small tables otherwise than large ones, whatever the indexes.
    for home in stores().into_iter().take(1) {
        let scene = Scene::new(home);
        let statements = plans::watch(&scene.house.home, || {
            scene.walk();
            scene.engine();
            scene.act();
            scene.engine();
        });
        assert!(statements.len() > 200, "{} statements were seen", statements.len());
        let mut faults = Vec::new();
        plans::each(&scene.house.home, &statements, MOST, |statement, found| {
            let plain = statement.replace(['`', '"'], "");
            if !ALLOWED.iter().any(|(part, _why)| plain.contains(part)) {
                faults.push(format!("{}\n    {statement}", found.join("; ")));
            }
        });
        assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), statements.len(), faults.join("\n"));
    }
}
