//! Names that people read: none holds what is not seen, whichever route it comes in by, and what looks the same is the
//! same.

use crate::tests::*;
use domain::templates::seeds::seeds;
use store::{escalation, sla, versions};

/// What a name must not hold.
const UNSEEN: [&str; 7] = [
    "Noite\u{202e}etioN",
    "Noi\u{200b}te",
    "Noite\u{7}",
    "Noite\u{2066}",
    "Noi\u{2060}te",
    "\u{3164}",
    "Noite\u{feff}x",
];

fn both(name: &str) -> Value {
    json!({ "pt": name, "en": name })
}

/// Every route that takes a name, with the name in it, and whether it expects a version.
fn routes(person: UserId, patient: PatientId, name: &str) -> Vec<(&'static str, String, Value, Role)> {
    let steps = json!([{ "targets": [{ "role": "clinician" }], "minutes": 5 }]);
    let nobody = json!({ "targets": [{ "role": "manager" }], "minutes": 5 });
    let need = json!({ "certificate": false, "most_hours_in_a_week": 168 });
    let turn = |name: &str| json!([{ "name": name, "starts": "2026-11-16T08:00:00", "lengths": [{ "weeks": 1 }], "people": [person] }]);
    let schedule = |named: &str, turned: &str| json!({ "name": both(named), "need": need, "zone": "America/Sao_Paulo", "rotations": turn(turned) });
    let policy =
        json!({ "name": both(name), "steps": steps, "acknowledged_for": 30, "nobody_reached": nobody });
    let week = json!(["", "", "", "", "", "", ""]);
    let calendar = json!({ "zone": "America/Sao_Paulo", "place": null, "week": week, "exceptions": { "2026-12-24": { "label": name } } });
    let mut level = serde_json::to_value(&domain::sla::seeds()[0].1).unwrap();
    level["name"] = both(name);
    let template = |named: &str, subject: &str| json!({ "name": both(named), "subject": both(subject), "text": both("Desde {since}: {link}") });
    let (put, post) = ("PUT", "POST");
    let at = |path: &str| format!("/api/v1/{path}");
    vec![
        (
            post,
            at("users"),
            json!({ "name": name, "email": "ana@clinica.example", "role": "agent" }),
            Role::Admin,
        ),
        (post, at("patients"), json!({ "name": name, "birth_date": "1990-05-17" }), Role::Admin),
        (post, at("devices"), json!({ "label": name, "model": "W7" }), Role::Admin),
        (post, at("devices"), json!({ "label": "Pulseira", "model": name }), Role::Admin),
        (post, at("devices"), json!({ "label": "Pulseira", "model": "W7", "serial": name }), Role::Admin),
        (put, at("teams/night"), json!({ "name": both(name), "members": [person] }), Role::Manager),
        (put, at("schedules/nights"), schedule(name, "Semana"), Role::Manager),
        (put, at("schedules/days"), schedule("Noite", name), Role::Manager),
        (post, at("escalation-policies/red_alert/proposals"), policy, Role::Manager),
        (put, at("calendars/night"), calendar, Role::Manager),
        (post, at("service-levels/red_first_response/proposals"), level, Role::Manager),
        (post, at("message-templates/page/proposals"), template(name, "Zelo: alguém espera"), Role::Manager),
        (post, at("message-templates/page/proposals"), template("Chamado", name), Role::Manager),
        (
            put,
            at(&format!("users/{person}/certificate")),
            json!({ "valid_until": "2027-06-01T00:00:00Z", "licence": { "council": name, "number": "1" } }),
            Role::Manager,
        ),
        (post, at(&format!("users/{person}/disable")), json!({ "reason": name }), Role::Admin),
        ("PATCH", at(&format!("patients/{patient}")), json!({ "name": name }), Role::Admin),
    ]
}

fn send(house: &House, (method, path, body, role): &(&'static str, String, Value, Role)) -> Got {
    let who = house.staff(*role);
    let seen = if path.contains("/proposals") || *method == "PATCH" { "*" } else { "\"0\"" };
    let mut headers = vec![("authorization", who.as_str())];
    if *method != "POST" || path.contains("/proposals") {
        headers.push(("if-match", seen));
    }
    house.call(method, path, &headers, Some(&body.to_string()))
}

#[test]
fn no_route_takes_a_name_that_holds_what_is_not_seen() {
    let house = houses().remove(0);
    house.write(|tx| {
        escalation::seed(tx)?;
        sla::seed(tx)?;
        seeds().iter().try_for_each(|template| versions::seed(tx, &template.id, template))
    });
    let (person, patient) = (house.user(Role::Agent, None), house.patient("Bia").id);
    for name in UNSEEN {
        for route in routes(person, patient, name) {
            let got = send(&house, &route);
            assert!(
                matches!(got.status, 400 | 422),
                "{} {} {name:?}: {} {}",
                route.0,
                route.1,
                got.status,
                got.body
            );
        }
    }
    for route in routes(person, patient, " Espac\u{327}o\u{a0}1 ") {
        let got = send(&house, &route);
        let text = got.body.to_string();
        assert!((200..300).contains(&got.status), "{} {}: {} {text}", route.0, route.1, got.status);
        assert!(!text.contains('\u{327}') && !text.contains('\u{a0}'), "{} {text}", route.1);
    }
}
