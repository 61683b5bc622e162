//! The queue from the outside: who sees what of a finding, and who works on it.

pub(crate) mod attachments;
pub(crate) mod many;

use crate::patients::tests::measure;
use crate::tests::*;
use consent::Records as _;
use domain::{AlertId, DeviceId, Flags, Level, Rule};
use engine::Module as _;
use engine::escalation::Escalate;
use rules::{Change, Episode, Finding, JudgedReading};
use store::consents::ledger;
use store::testing::grant_calls;
use store::{Keyed, alerts, escalation};

pub(crate) fn raise(house: &House, patient: &patients::Patient) -> AlertId {
    let (rule, now) = (&Rule::seeds()[0], house.now());
    let started_at = now.minus(Duration::from_secs(60));
    let opened = Change::Opened { level: Level::Red, started_at, at: now };
    let episode = Episode::opened(rule, &opened).unwrap();
    let reading = |secs| JudgedReading {
        at: now.minus(Duration::from_secs(secs)),
        value: 131.0,
        flags: Flags::default(),
        device: DeviceId::new(now),
    };
    let finding = Finding::of(rule, Level::Red, &[reading(60), reading(0)]);
    let records = house.home.read(|view| ledger::of(view, patient.key)).unwrap();
    if records.record(consent::Purpose::AlertEscalate).is_none() {
        house.write(|tx| grant_calls(tx, patient.id));
    }
    house.write(|tx| {
        alerts::open(tx, Keyed { key: patient.key, id: patient.id }, rule, &episode, &finding, false)
    })
}

#[test]
pub(crate) fn a_finding_is_whole_for_clinicians_one_value_for_the_front_line_and_hidden_without_basis() {
    for house in houses() {
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        measure(&house, &ana, house.now(), &[129.0, 133.5]);
        let id = raise(&house, &ana);
        let path = format!("/api/v1/alerts/{id}");
        let seen = |role| house.get(&house.staff(role), &path).must(200);
        let whole = seen(Role::Clinician);
        assert_eq!((&whole["level"], &whole["state"]), (&json!("red"), &json!("open")));
        assert_eq!(whole["finding"]["readings"].as_array().unwrap().len(), 2);
        assert!(whole["finding"]["pt"].as_str().unwrap().contains("131"));
        for role in [Role::Agent, Role::Technician] {
            let part = seen(role);
            let readings = part["finding"]["readings"].as_array().unwrap();
            assert_eq!((readings.len(), readings[0]["value"].as_f64()), (1, Some(133.5)));
            assert!(!part["finding"].to_string().contains("131"), "{part}");
        }
        assert_eq!(seen(Role::Manager)["finding"], Value::Null);
        house.clock.advance(Duration::from_secs(1));
        house.revoke(ana.id, "alert.evaluate").must(201);
        for role in [Role::Clinician, Role::Agent] {
            let masked = seen(role);
            for member in ["finding", "rule", "rule_version", "signal", "level", "peak"] {
                assert_eq!(masked[member], Value::Null, "{member} for {role:?}");
            }
            assert_eq!(masked["masked"]["code"], "E_REVOKED");
            for part in ["escalation", "messages", "sla"] {
                let refused = house.get(&house.staff(role), &format!("{path}/{part}"));
                assert_eq!((refused.status, refused.code()), (403, "E_REVOKED"), "{part}");
            }
        }
    }
}

#[test]
pub(crate) fn alerts_are_found_by_what_they_are_and_by_what_they_were() {
    for house in houses() {
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let id = raise(&house, &ana);
        let clinician = house.staff(Role::Clinician);
        let found = |query: &str| {
            let list = house.get(&clinician, &format!("/api/v1/alerts?{query}")).must(200);
            list["items"].as_array().unwrap().iter().any(|alert| alert["id"] == json!(id.to_string()))
        };
        assert!(found("peak=red") && found("level=red&peak=red"));
        assert!(!found("peak=yellow") && !found("level=yellow&peak=red"));
        assert_eq!(house.get(&clinician, "/api/v1/alerts?peak=purple").status, 422);
    }
}

#[test]
pub(crate) fn a_claimed_alert_names_its_owner_and_can_be_handed_over() {
    for house in houses() {
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let id = raise(&house, &ana);
        let (one, two) = (house.user(Role::Agent, None), house.user(Role::Clinician, None));
        let (agent, clinician) = (house.enter(one, Role::Agent), house.enter(two, Role::Clinician));
        let act =
            |who: &str, act: &str, body: Value| house.post(who, &format!("/api/v1/alerts/{id}/{act}"), &body);
        assert_eq!(act(&agent, "claim", json!({})).must(200)["owner"], json!(one));
        let taken = act(&clinician, "claim", json!({}));
        assert_eq!((taken.status, taken.code(), &taken.body["owner"]), (409, "E_CLAIMED", &json!(one)));
        let auditor = house.user(Role::Auditor, None);
        assert_eq!(act(&agent, "reassign", json!({ "to": auditor })).code(), "E_INVALID");
        assert_eq!(act(&agent, "reassign", json!({ "to": two })).must(200)["owner"], json!(two));
        assert_eq!(act(&clinician, "ack", json!({})).must(200)["state"], "acknowledged");
        let past = json!({ "until": house.now(), "note": "em exame" });
        assert_eq!(act(&clinician, "snooze", past).code(), "E_INVALID");
        let until = house.now().plus(Duration::from_secs(900));
        assert_eq!(act(&clinician, "snooze", json!({ "until": until })).code(), "E_REASON");
        let why = json!({ "until": until, "note": "em exame" });
        let silent = act(&clinician, "snooze", why.clone()).must(200);
        assert_eq!((&silent["state"], &silent["snoozed"]["by"]), (&json!("snoozed"), &json!(two)));
        assert_eq!(act(&clinician, "snooze", why).code(), "E_FOUR_EYES");
        assert_eq!(act(&clinician, "resolve", json!({ "outcome": "retracted" })).code(), "E_INVALID");
        let done = act(&clinician, "resolve", json!({ "outcome": "true", "note": "atendida" })).must(200);
        assert_eq!((&done["state"], &done["outcome"]), (&json!("resolved"), &json!("true")));
        assert_eq!(act(&clinician, "ack", json!({})).code(), "E_STATE");
        let list = |query: &str| {
            let list = house.get(&agent, &format!("/api/v1/alerts?{query}")).must(200);
            list["items"].as_array().unwrap().len()
        };
        assert_eq!((list("state=resolved&level=red"), list("state=open")), (1, 0));
        assert_eq!(house.get(&agent, "/api/v1/alerts?level=pink").code(), "E_INVALID");
    }
}

/// The top of the seeded policy calls managers: whoever is called can answer, and nobody else of their role.
#[test]
pub(crate) fn whoever_is_called_may_claim_acknowledge_and_hand_over_that_alert_alone() {
    for house in houses() {
        house.write(escalation::seed);
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let one = house.user(Role::Manager, None);
        let manager = house.enter(one, Role::Manager);
        let id = raise(&house, &ana);
        let act =
            |who: &str, act: &str, body: Value| house.post(who, &format!("/api/v1/alerts/{id}/{act}"), &body);
        let early = act(&manager, "claim", json!({}));
        assert_eq!((early.status, early.code()), (403, "E_ROLE"), "nobody called them yet");
        Escalate::new((*house.home).clone()).run(house.now()).unwrap();
        let technician = house.staff(Role::Technician);
        assert_eq!(act(&technician, "ack", json!({})).code(), "E_ROLE", "called about nothing");
        assert_eq!(act(&manager, "claim", json!({})).must(200)["owner"], json!(one));
        assert_eq!(act(&manager, "ack", json!({})).must(200)["state"], "acknowledged");
        let resolve = act(&manager, "resolve", json!({ "outcome": "true", "note": "ok" }));
        assert_eq!((resolve.status, resolve.code()), (403, "E_ROLE"));
        let until = house.now().plus(Duration::from_secs(60));
        assert_eq!(act(&manager, "snooze", json!({ "until": until })).status, 403);
        let two = house.user(Role::Technician, None);
        assert_eq!(act(&manager, "reassign", json!({ "to": two })).must(200)["owner"], json!(two));
        let given = house.enter(two, Role::Technician);
        assert_eq!(act(&given, "ack", json!({})).must(200)["state"], "acknowledged", "it is theirs now");
        let known = house.get(&manager, &format!("/api/v1/patients/{}", ana.id)).must(200);
        assert_eq!(known["name"], "Ana", "whom to telephone");
    }
}

#[test]
pub(crate) fn a_red_without_a_permit_for_calling_people_says_so_with_its_article() {
    for house in houses() {
        house.write(escalation::seed);
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let id = raise(&house, &ana);
        let clinician = house.staff(Role::Clinician);
        let path = format!("/api/v1/alerts/{id}");
        assert_eq!(house.get(&clinician, &path).must(200)["uncalled"], Value::Null);
        house.clock.advance(Duration::from_secs(1));
        house.revoke(ana.id, "alert.escalate").must(201);
        let seen = house.get(&clinician, &path).must(200);
        let why = json!({ "code": "E_REVOKED", "basis": "LGPD art. 8 §5", "purpose": "alert.escalate" });
        assert_eq!((&seen["uncalled"], &seen["state"]), (&why, &json!("open")));
        let escalation = house.get(&clinician, &format!("{path}/escalation")).must(200);
        assert_eq!((&escalation["state"], &escalation["next_at"]), (&json!("no_basis"), &Value::Null));
        let seen_at = json!({ "seen": house.now() });
        let force = house.post(&clinician, &format!("{path}/escalate"), &seen_at);
        assert_eq!((force.status, force.code()), (403, "E_REVOKED"));
    }
}
