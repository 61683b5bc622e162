//! Clocks from the outside: the trace that explains a clock, pauses, and settings that change in versions.

pub(crate) mod clocks;

use crate::alerts::tests::raise;
use crate::tests::*;
use store::{escalation, sla};

/// Houses with what a start seeds.
fn houses() -> Vec<House> {
    let seeded = |house: &House| {
        house.write(|tx| {
            escalation::seed(tx)?;
            sla::seed(tx)
        });
    };
    crate::tests::houses().into_iter().inspect(seeded).collect()
}

#[test]
fn a_clock_explains_itself_pauses_with_a_reason_and_goes_on() {
    for house in houses() {
        let ana = house.patient("Ana");
        house.grant_all(ana.id);
        let id = raise(&house, &ana);
        let clinician = house.staff(Role::Clinician);
        let path = format!("/api/v1/alerts/{id}/sla");
        let shown = house.get(&house.staff(Role::Manager), &path).must(200);
        let first = &shown["items"][0];
        assert_eq!(
            (&first["service_level"], &first["standing"]),
            (&json!("red_first_response"), &json!("running"))
        );
        let due = house.now().plus(Duration::from_secs(1_200));
        assert_eq!(first["due_at"], json!(due));
        let pause =
            |reason: &str| house.post(&clinician, &format!("{path}/pause"), &json!({ "reason": reason }));
        assert_eq!(pause("waiting_patient").code(), "E_STATE");
        house.post(&clinician, &format!("/api/v1/alerts/{id}/ack"), &json!({})).must(200);
        assert_eq!(pause("lunch").code(), "E_MALFORMED");
        assert_eq!(pause("waiting_patient").must(200)["items"][1]["standing"], "paused");
        house.clock.advance(Duration::from_secs(3_600));
        // A token lasts five minutes.
        let clinician = house.staff(Role::Clinician);
        house.post(&clinician, &format!("{path}/resume"), &json!({})).must(200);
        house.clock.advance(Duration::from_secs(60));
        let shown = house.get(&clinician, &path).must(200);
        let stills: Vec<&Value> =
            shown["items"][1]["segments"].as_array().unwrap().iter().map(|part| &part["still"]).collect();
        assert_eq!(stills.iter().filter(|still| **still == "waiting_patient").count(), 1, "{stills:?}");
        assert_eq!(
            (&shown["items"][0]["standing"], &shown["items"][0]["ended"]),
            (&json!("met"), &json!("answered"))
        );
    }
}

#[test]
fn a_half_day_is_a_new_version_of_the_calendar_and_history_keeps_the_old_one() {
    for house in houses() {
        let manager = house.staff(Role::Manager);
        let clinic = house.get(&manager, "/api/v1/calendars/clinic");
        assert_eq!(clinic.tag.as_deref(), Some("\"1\""));
        let mut says = clinic.must(200)["says"].clone();
        says["exceptions"]["2026-12-24"] = json!({ "label": "véspera de Natal", "hours": "08:00-12:00" });
        let put = |tag: &str, body: &Value| {
            let headers = [("authorization", manager.as_str()), ("if-match", tag)];
            house.call("PUT", "/api/v1/calendars/clinic", &headers, Some(&body.to_string()))
        };
        assert_eq!(put("\"1\"", &says).must(200)["version"], 2);
        assert_eq!(put("\"1\"", &says).code(), "E_PRECONDITION");
        says["week"][0] = json!("18:00-08:00");
        assert_eq!(put("\"2\"", &says).status, 400);
        says["week"][0] = json!("08:00-18:00");
        says["exceptions"]["2026-12-24"]["yearly"] = json!(true);
        says["place"] = json!({ "state": "RJ", "municipality": 3_304_557 });
        assert_eq!(
            put("\"2\"", &says).code(),
            "E_INVALID",
            "nobody knows the holidays of Rio's municipality"
        );
        // One that counts the clocks of reds does not close, and the answer says which.
        let mut shut = house.get(&manager, "/api/v1/calendars/always").must(200)["says"].clone();
        shut["week"][6] = json!("");
        let headers = [("authorization", manager.as_str()), ("if-match", "\"1\"")];
        let refused = house.call("PUT", "/api/v1/calendars/always", &headers, Some(&shut.to_string()));
        assert_eq!((refused.status, refused.code()), (422, "E_INVALID"));
        assert_eq!(refused.body["service_levels"], json!(["red_first_response", "red_resolution"]));
        let history = house.get(&manager, "/api/v1/calendars/clinic/history").must(200);
        let states: Vec<&Value> =
            history["items"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
        assert_eq!(states, ["in_force", "superseded"]);
    }
}

#[test]
fn a_service_level_needs_a_second_person_and_names_what_is_in_force() {
    for house in houses() {
        let (one, two) = (house.staff(Role::Manager), house.staff(Role::Clinician));
        let path = "/api/v1/service-levels/yellow_first_response";
        let mut says = house.get(&one, path).must(200)["says"].clone();
        says["target"] = json!({ "open_minutes": 120 });
        let propose = |says: &Value| {
            let headers = [("authorization", one.as_str()), ("if-match", "\"1\"")];
            house.call("POST", &format!("{path}/proposals"), &headers, Some(&says.to_string()))
        };
        for (field, value) in [
            ("calendar", json!("moon")),
            ("on_breach", json!("nothing")),
            ("target", json!({ "minutes": 0 })),
        ] {
            let mut wrong = says.clone();
            wrong[field] = value;
            let refused = propose(&wrong);
            assert_eq!((refused.code(), &refused.body["field"]), ("E_INVALID", &json!(field)));
        }
        assert_eq!(propose(&says).must(201)["state"], "proposed");
        let approve = |who: &str| house.post(who, &format!("{path}/approve"), &json!({ "version": 2 }));
        assert_eq!(approve(&one).code(), "E_FOUR_EYES");
        assert_eq!(house.get(&one, path).must(200)["version"], 1);
        assert_eq!(approve(&two).must(200)["says"]["target"]["open_minutes"], 120);
        assert_eq!(house.get(&one, "/api/v1/service-levels").must(200)["items"].as_array().unwrap().len(), 4);
    }
}
