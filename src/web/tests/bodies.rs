//! What comes as a body is read or refused: nothing that somebody wrote counts as not written.

use super::*;
use crate::http::route::Face;
use crate::routes::rows;

const ID: &str = "018f0000-0000-7000-8000-000000000001";

/// A body that looks right at a glance: a comma too many.
const BROKEN: &str = r#"{"note": "liguei para a paciente, glicemia capilar 48",}"#;

#[test]
fn every_route_that_takes_a_body_refuses_one_that_it_cannot_read() {
    let house = houses().remove(0);
    let document = serde_json::to_value(crate::http::openapi::value()).unwrap();
    let mut walked = 0;
    for row in rows().iter().filter(|row| row.face == Face::Api) {
        let operation = &document["paths"][row.path][row.method.as_str().to_lowercase()];
        // A file is taken as it is.
        if operation["requestBody"]["content"]["application/json"].is_null() {
            continue;
        }
        let path = row
            .path
            .replace("{id}", ID)
            .replace("{token}", ID)
            .replace("{attachment}", ID)
            .replace("{channel}", "email")
            .replace("{place}", "0");
        let role = Role::ALL.into_iter().find(|role| *role != Role::Patient && row.admits(Some(*role)));
        let who = house.staff(role.unwrap());
        for (kind, body) in
            [("application/json", BROKEN), ("application/json", "\u{0}"), ("application/json", " ")]
        {
            let headers = [("authorization", who.as_str()), ("content-type", kind), ("if-match", "\"1\"")];
            let got = house.call(row.method.as_str(), &path, &headers, Some(body));
            let seen = (got.status, got.code().to_owned());
            assert_eq!(seen, (400, "E_MALFORMED".to_owned()), "{} {path} with {body:?}", row.method);
        }
        let headers = [("authorization", who.as_str()), ("content-type", "text/plain")];
        let got = house.call(row.method.as_str(), &path, &headers, Some("note=SAMU"));
        assert_eq!((got.status, got.code()), (415, "E_MEDIA_TYPE"), "{} {path}", row.method);
        walked += 1;
    }
    assert!(walked > 30, "{walked}");
}

#[test]
fn every_route_without_a_body_refuses_whatever_says_something() {
    let house = houses().remove(0);
    let mut walked = 0;
    for row in rows().iter().filter(|row| row.face == Face::Api && row.method != "GET") {
        if crate::http::openapi::takes_body(&row.method, row.path) {
            continue;
        }
        let path =
            ["{id}", "{token}", "{command}"].iter().fold(row.path.to_owned(), |p, name| p.replace(name, ID));
        let path = path.replace("{channel}", "email").replace("{place}", "0");
        let role = Role::ALL.into_iter().find(|role| *role != Role::Patient && row.admits(Some(*role)));
        let who = house.staff(role.unwrap());
        let send = |kind: &str, body: &str| {
            let headers = [("authorization", who.as_str()), ("content-type", kind)];
            let got = house.call(row.method.as_str(), &path, &headers, Some(body));
            (got.status, got.code().to_owned())
        };
        for body in [BROKEN, r#"{"zzz":1}"#, "[]", "1", " "] {
            let seen = send("application/json", body);
            assert_eq!(seen, (400, "E_MALFORMED".to_owned()), "{} {path} with {body:?}", row.method);
        }
        assert_eq!(send("text/plain", "note=SAMU").0, 415, "{} {path}", row.method);
        walked += 1;
    }
    assert!(walked > 10, "{walked}");
    let admin = house.staff(Role::Admin);
    let disable = format!("/api/v1/devices/{ID}/disable");
    assert_eq!(
        house.post(&admin, &disable, &json!({})).status,
        404,
        "an object that says nothing is nothing"
    );
}

#[test]
fn a_body_that_may_be_left_out_is_left_out_by_zero_bytes_alone() {
    let house = houses().remove(0);
    let manager = house.staff(Role::Manager);
    let path = "/api/v1/escalation-policies/none/dry-run";
    let with = |body: Option<&str>| house.call("POST", path, &[("authorization", &manager)], body);
    assert_eq!(with(None).status, 404, "no policy of that name, and nothing to rehearse");
    assert_eq!(with(Some("")).status, 404);
    assert_eq!(
        with(Some(r#"{"steps":[{"targets":[{"role":"manager"}],"minutes":1}]}"#)).code(),
        "E_MALFORMED"
    );
    let clinician = house.staff(Role::Clinician);
    let ack =
        |body: &str| house.post(&clinician, &format!("/api/v1/alerts/{ID}/ack"), &json!({ "note": body }));
    assert_eq!(ack(&"x".repeat(2_000_000)).status, 413, "too long is told, not cut off");
}

#[test]
fn a_repeated_call_whose_key_cannot_be_read_is_refused() {
    let house = houses().remove(0);
    let admin = house.staff(Role::Admin);
    let body = json!({ "name": "Ana", "birth_date": "1990-05-17" }).to_string();
    let headers = [("authorization", admin.as_str()), ("idempotency-key", "chave-é")];
    let got = house.call("POST", "/api/v1/patients", &headers, Some(&body));
    assert_eq!((got.status, got.code()), (422, "E_INVALID"));
}
