//! The facts from outside: what a manager is shown, and of whom.

use crate::tests::{House, Role, houses, json};

/// A clinic in which one red was raised and answered; gives the manager's token and the clinician's id.
fn answered(house: &House) -> (String, String, String) {
    house.write(|tx| {
        store::rules::seed(tx)?;
        store::escalation::seed(tx)?;
        store::sla::seed(tx)
    });
    let patient = house.patient("Maria");
    house.grant_all(patient.id);
    let alert = crate::alerts::tests::raise(house, &patient);
    let clinician = house.user(Role::Clinician, None);
    let own = house.enter(clinician, Role::Clinician);
    house.post(&own, &format!("/api/v1/alerts/{alert}/ack"), &json!({})).must(200);
    let manager = house.enter(house.user(Role::Manager, None), Role::Manager);
    (manager, clinician.to_string(), patient.id.to_string())
}

#[test]
fn a_manager_sees_what_happened_and_which_colleague_did_it_and_never_to_which_patient() {
    for house in houses() {
        let (manager, clinician, patient) = answered(&house);
        let all = house.get(&manager, "/api/v1/kpis/facts?limit=1000").must(200);
        let text = all.to_string();
        assert!(!text.contains(&patient) && !text.contains("patient_key"), "{text}");
        let items = all["items"].as_array().unwrap();
        let of = |kind: &str| items.iter().find(|fact| fact["kind"] == kind).unwrap();
        let raised = of("alert.raised");
        assert_eq!(raised["dimensions"]["rule"], "tachycardia");
        assert_eq!((&raised["unit"], &raised["user_id"]), (&json!("ms"), &json!(null)));
        assert_eq!(raised["zone"], "America/Sao_Paulo");
        let keys: Vec<&str> = raised.as_object().unwrap().keys().map(String::as_str).collect();
        for left_out in ["subject", "patient_id", "patient_key"] {
            assert!(!keys.contains(&left_out), "{left_out} leads to the patient");
        }
        assert_eq!(of("alert.acknowledged")["user_id"], json!(clinician));
        assert_eq!(of("sla.met")["counted"].as_i64(), of("sla.met")["value"].as_i64());
    }
}

#[test]
fn facts_come_in_pages_by_kind_and_time_and_what_is_no_kind_is_refused() {
    for house in houses() {
        let (manager, ..) = answered(&house);
        let get = |query: &str| house.get(&manager, &format!("/api/v1/kpis/facts?{query}"));
        let (mut seen, mut query) = (Vec::new(), "kind=consent.granted&limit=1".to_owned());
        loop {
            let page = get(&query).must(200);
            seen.extend(page["items"].as_array().unwrap().iter().map(|fact| fact["id"].as_i64().unwrap()));
            match page["next"].as_str() {
                Some(next) => query = format!("kind=consent.granted&limit=1&after={next}"),
                None => break,
            }
        }
        assert!(seen.len() > 2 && seen.is_sorted(), "{seen:?}");
        let early = get("to=2020-01-01T00:00:00Z").must(200);
        assert_eq!(early["items"], json!([]));
        for wrong in
            ["kind=alert.seen", "from=2026-11-22T12:00:00Z&to=2026-11-22T12:00:00Z", "after=x", "limit=0"]
        {
            assert_eq!(get(wrong).status, 422, "{wrong}");
        }
    }
}
