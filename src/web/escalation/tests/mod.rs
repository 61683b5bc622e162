//! Policies, escalations and pages to people over the API: two persons for a change, one answer for an alert.

pub(crate) mod policies;
pub(crate) mod progress;

use crate::alerts::tests::raise;
use crate::tests::*;
use engine::Module as _;
use engine::escalation::Escalate;
use store::{Urgency, escalation};

pub(crate) const POLICIES: &str = "/api/v1/escalation-policies";

pub(crate) fn seeded() -> Vec<House> {
    let all = houses();
    for house in &all {
        house.home.keep_house(Urgency::Urgent, "test", house.now(), escalation::seed).unwrap();
    }
    all
}

pub(crate) fn propose(house: &House, who: &str, id: &str, seen: Option<&str>, body: &Value) -> Got {
    let mut headers = vec![("authorization", who)];
    headers.extend(seen.map(|seen| ("if-match", seen)));
    house.call("POST", &format!("{POLICIES}/{id}/proposals"), &headers, Some(&body.to_string()))
}

pub(crate) fn body(minutes: u32) -> Value {
    json!({
        "name": { "pt": "Noite", "en": "Night" },
        "steps": [{ "targets": [{ "role": "clinician" }], "minutes": minutes }],
        "acknowledged_for": 30,
        "nobody_reached": { "targets": [{ "role": "manager" }], "minutes": 5 },
    })
}

/// The engine works off what is due.
pub(crate) fn cycle(house: &House) {
    Escalate::new((*house.home).clone()).run(house.now()).unwrap();
}

#[test]
pub(crate) fn a_policy_is_proposed_against_what_was_seen_and_approved_by_another() {
    for house in seeded() {
        let (ana, bia) = (house.staff(Role::Clinician), house.staff(Role::Manager));
        let list = house.get(&house.staff(Role::Auditor), POLICIES).must(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 5);
        assert_eq!(propose(&house, &ana, "red_alert", None, &body(5)).code(), "E_PRECONDITION_REQUIRED");
        assert_eq!(propose(&house, &ana, "red_alert", Some("\"0\""), &body(5)).code(), "E_PRECONDITION");
        let wrong = propose(&house, &ana, "red_alert", Some("\"1\""), &body(0));
        assert_eq!((wrong.code(), &wrong.body["field"]), ("E_INVALID", &json!("steps[0].minutes")));
        let made = propose(&house, &ana, "red_alert", Some("\"1\""), &body(9));
        assert_eq!((made.status, made.tag.as_deref()), (201, Some("\"2\"")));
        assert_eq!((&made.body["state"], &made.body["version"]), (&json!("proposed"), &json!(2)));
        let waiting = house.get(&bia, &format!("{POLICIES}?state=proposed")).must(200);
        assert_eq!(waiting["items"].as_array().unwrap().len(), 1);

        let decide = |who: &str, act: &str| {
            house.post(who, &format!("{POLICIES}/red_alert/{act}"), &json!({ "version": 2 }))
        };
        let own = decide(&ana, "approve");
        assert_eq!((own.status, own.code()), (403, "E_FOUR_EYES"));
        assert_eq!(decide(&house.staff(Role::Agent), "approve").code(), "E_ROLE");
        assert_eq!(decide(&bia, "approve").must(200)["state"], "in_force");
        assert_eq!(decide(&bia, "refuse").code(), "E_CONFLICT");
        let now = house.get(&ana, &format!("{POLICIES}/red_alert"));
        assert_eq!((now.tag.as_deref(), &now.body["steps"][0]["minutes"]), (Some("\"2\""), &json!(9)));
        let history = house.get(&ana, &format!("{POLICIES}/red_alert/history")).must(200);
        let states: Vec<&str> =
            history["items"].as_array().unwrap().iter().map(|v| v["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["in_force", "superseded"]);
        let fresh = propose(&house, &bia, "night", Some("\"0\""), &body(5));
        assert_eq!((fresh.status, house.get(&ana, &format!("{POLICIES}/night")).status), (201, 404));
        assert_eq!(propose(&house, &bia, "Night!", Some("\"0\""), &body(5)).code(), "E_INVALID");
    }
}

#[test]
pub(crate) fn a_dry_run_and_who_would_be_paged_now() {
    for house in seeded() {
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let clinician = house.user(Role::Clinician, None);
        raise(&house, &ana);
        house.clock.advance(Duration::from_secs(3_600));
        let who = house.enter(clinician, Role::Clinician);
        let dry_run = house.post(&who, &format!("{POLICIES}/red_alert/dry-run"), &body(10)).must(200);
        let draft = &dry_run["draft"];
        assert_eq!((&draft["alerts"], &draft["steps"][0]["pages"]), (&json!(1), &json!(1)));
        assert_eq!(draft["people"][0], json!({ "user_id": clinician, "day": "2026-11-22", "pages": 1 }));
        assert_eq!((&draft["nobody_reached"], &dry_run["in_force"]["pages"]), (&json!(1), &json!(0)));
        assert_eq!(dry_run["difference"]["pages"], 1);
        let stored =
            house.call("POST", &format!("{POLICIES}/red_alert/dry-run"), &[("authorization", &who)], None);
        assert_eq!(stored.must(200)["difference"]["pages"], 0);

        let path = format!("{POLICIES}/complexity_high/targets");
        let targets = house.get(&who, &path).must(200);
        let people = targets["items"][0]["people"].as_array().unwrap();
        assert_eq!((people.len(), &people[0]["user_id"]), (1, &json!(clinician)));
        assert_eq!(
            (&people[0]["target"], &people[0]["left_out"]),
            (&json!({ "role": "clinician" }), &Value::Null)
        );
        let before = house.now().minus(Duration::from_secs(86_400));
        assert_eq!(house.get(&who, &format!("{path}?at={before}")).status, 404, "it was not in force then");
    }
}

#[test]
pub(crate) fn a_red_escalates_and_its_pages_are_delivered_and_read() {
    for house in seeded() {
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let manager = house.user(Role::Manager, None);
        let (boss, agent) = (house.enter(manager, Role::Manager), house.staff(Role::Agent));
        let id = raise(&house, &ana);
        let path = format!("/api/v1/alerts/{id}/escalation");
        let begun = house.get(&agent, &path).must(200);
        assert_eq!((&begun["state"], &begun["policy"]), (&json!("climbing"), &json!("red_alert")));
        cycle(&house);
        let advanced = house.get(&boss, &path).must(200);
        let did: Vec<&str> =
            advanced["steps"].as_array().unwrap().iter().map(|step| step["did"].as_str().unwrap()).collect();
        assert_eq!(did, ["empty", "empty", "empty", "paged"], "nobody is on call, so it goes on at once");
        assert_eq!(advanced["steps"][3]["people"], json!([manager]));

        let unread = |who: &str| house.get(who, "/api/v1/messages?mine&unread").must(200)["items"].clone();
        let waiting = unread(&boss);
        assert_eq!((waiting.as_array().unwrap().len(), &waiting[0]["state"]), (1, &json!("delivered")));
        assert_eq!(waiting[0]["link"], json!(format!("/alerts/{id}")));
        assert_eq!(unread(&agent), json!([]));
        let read = format!("/api/v1/messages/{}/read", waiting[0]["id"].as_str().unwrap());
        assert_eq!(house.post(&agent, &read, &json!({})).status, 404, "it is nobody else's");
        assert_eq!(house.post(&boss, &read, &json!({})).status, 204);
        assert_eq!(unread(&boss), json!([]));
        let pages = house.get(&agent, &path).must(200)["pages"].clone();
        let states: Vec<&Value> = pages
            .as_array()
            .unwrap()
            .iter()
            .filter(|page| page["channel"] == "in_app")
            .map(|page| &page["state"])
            .collect();
        assert_eq!(states, [&json!("read")]);
    }
}

#[test]
pub(crate) fn a_stale_button_pages_nobody_and_a_second_claim_names_the_first_and_its_end() {
    for house in seeded() {
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let one = house.user(Role::Agent, None);
        let (agent, clinician) = (house.enter(one, Role::Agent), house.staff(Role::Clinician));
        house.user(Role::Manager, None);
        let id = raise(&house, &ana);
        let act =
            |who: &str, act: &str, body: Value| house.post(who, &format!("/api/v1/alerts/{id}/{act}"), &body);
        let escalation = || house.get(&agent, &format!("/api/v1/alerts/{id}/escalation")).must(200);
        let seen = escalation()["stepped_at"].clone();
        house.clock.advance(Duration::from_secs(1));
        cycle(&house);
        let stale = act(&agent, "escalate", json!({ "seen": seen }));
        assert_eq!((stale.status, stale.code()), (409, "E_STALE_STEP"));
        let fresh = act(&agent, "escalate", json!({ "seen": escalation()["stepped_at"] })).must(200);
        assert_eq!(fresh["next_at"], json!(house.now()));
        cycle(&house);
        assert_eq!(escalation()["state"], "nobody_reached", "the escalation is over");

        act(&agent, "claim", json!({})).must(200);
        assert_eq!(escalation()["state"], json!({ "claimed": one }));
        let taken = act(&clinician, "claim", json!({}));
        assert_eq!((taken.status, taken.code(), &taken.body["owner"]), (409, "E_CLAIMED", &json!(one)));
        assert_eq!(taken.body["until"], json!(house.now().plus(Duration::from_secs(600))));
        assert_eq!(act(&agent, "unack", json!({})).code(), "E_STATE", "nobody answered yet");
        assert_eq!(act(&agent, "ack", json!({})).must(200)["state"], "acknowledged");
        assert_eq!(act(&clinician, "unack", json!({})).must(200)["state"], "open");
        assert_eq!(escalation()["next_at"], json!(house.now()), "it pages at once");
        let silence = json!({ "until": house.now().plus(Duration::from_secs(900)), "note": "em exame" });
        act(&agent, "snooze", silence).must(200);
        assert_eq!(escalation()["state"], json!({ "snoozed": one }), "a silence is no claim");
    }
}

#[test]
pub(crate) fn an_engine_that_gives_no_sign_is_told_to_the_monitor_without_a_person() {
    for house in houses() {
        let seen = house.call("GET", "/healthz/engine", &[], None);
        assert_eq!((seen.status, &seen.body["ok"]), (503, &json!(false)), "no engine runs here");
        let members: Vec<&String> = seen.body.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            [
                "ailments",
                "aside_by_ms",
                "clock_step",
                "heartbeat_at",
                "lapses",
                "lapses_of_red",
                "nobody_reached",
                "ok",
                "passed_over",
                "set_aside",
                "silent"
            ]
        );
        let admin = house.staff(Role::Admin);
        let metrics = house.get(&admin, "/metrics").must(200);
        assert!(metrics.as_str().unwrap().contains("zelo_engine_heartbeat_age_seconds -1"), "{metrics}");
        let status = house.get(&admin, "/api/v1/status").must(200);
        assert_eq!((&status["heartbeat_at"], &status["lapses"]), (&Value::Null, &json!([])));
    }
}

/// Fifty reds were fifty calls to answer: whoever answers names each, and is told what became of each.
#[test]
pub(crate) fn several_alerts_are_answered_for_in_one_call_that_names_each() {
    for house in seeded() {
        let ana = house.patient("Ana Prado");
        house.grant_all(ana.id);
        let alert = raise(&house, &ana);
        let one = house.user(Role::Clinician, None);
        let (clinician, other) = (house.enter(one, Role::Clinician), house.staff(Role::Clinician));
        let manager = house.staff(Role::Manager);
        let strange = UserId::new(house.now());
        let ack = |who: &str, alerts: Value| {
            house.post(who, "/api/v1/alerts/ack", &json!({ "alerts": alerts })).must(200)["items"].clone()
        };
        let answer = ack(&manager, json!([alert]));
        assert_eq!(
            (answer[0]["state"].as_str(), answer[0]["code"].as_str()),
            (None, Some("E_ROLE")),
            "was not called"
        );
        let answer = ack(&clinician, json!([alert, strange, alert]));
        let none = Value::Null;
        let wanted = json!([
            { "alert": alert, "state": "acknowledged", "owner": one, "code": none },
            { "alert": strange, "state": none, "owner": none, "code": "E_NOT_FOUND" },
        ]);
        assert_eq!(answer, wanted, "each once");
        assert_eq!(house.get(&clinician, &format!("/api/v1/alerts/{alert}")).must(200)["owner"], json!(one));
        assert_eq!(ack(&other, json!([alert]))[0]["owner"], json!(one), "it stays with who answered first");
        let acked =
            |alerts: Value| house.post(&clinician, "/api/v1/alerts/ack", &json!({ "alerts": alerts }));
        assert_eq!(acked(json!([])).code(), "E_INVALID", "there is no way to say: all");
    }
}
