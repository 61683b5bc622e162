//! The route table walked with every role and with nobody, and held against the OpenAPI document.

use super::*;
use crate::http::route::Face;
use crate::routes::rows;
use domain::Can;

const ID: &str = "018f0000-0000-7000-8000-000000000001";

/// The code of a problem, or the one that an error page shows.
fn says(answer: &Got, code: &str) -> bool {
    let shown = format!("<code>{code}</code> · ");
    answer.code() == code || answer.body.as_str().is_some_and(|page| page.contains(&shown))
}

fn filled(path: &str) -> String {
    path.replace("{id}", ID)
        .replace("{attachment}", ID)
        .replace("{token}", ID)
        .replace("{channel}", "email")
        .replace("{place}", "0")
}

#[test]
fn every_route_opens_to_its_roles_and_to_nobody_else() {
    let house = houses().remove(0);
    let ana = house.patient("Ana");
    let users: Vec<(Role, UserId)> = Role::ALL
        .into_iter()
        .map(|role| (role, house.user(role, (role == Role::Patient).then_some(ana.id))))
        .collect();
    let ask = |method: &str, path: &str, who: Option<&str>| {
        let headers: Vec<(&str, &str)> = who.map(|who| ("authorization", who)).into_iter().collect();
        let body = matches!(method, "POST" | "PATCH").then_some("{}");
        house.call(method, path, &headers, body)
    };
    let mut walked = 0;
    for row in rows() {
        let path = filled(row.path);
        let stranger = ask(row.method.as_str(), &path, None);
        let open = row.rights.contains(&Can::Anyone);
        let sign_in = stranger.body.as_str().is_some_and(|page| page.contains("action=\"/login\""));
        let led_to_sign_in = row.face == Face::Page && !open && sign_in;
        let turned_away = led_to_sign_in || says(&stranger, "E_SIGN_IN");
        assert_eq!(turned_away, !open, "{} {path} to nobody: {}", row.method, stranger.body);
        for (role, user) in &users {
            let token = house.enter(*user, *role);
            let got = ask(row.method.as_str(), &path, Some(&token));
            let refused = got.status == 403 && says(&got, "E_ROLE");
            assert_eq!(refused, !row.admits(Some(*role)), "{} {path} as {role:?}: {}", row.method, got.body);
            assert!(open || got.status != 401, "{} {path} as {role:?}: {}", row.method, got.body);
            walked += 1;
        }
    }
    assert!(walked > 400, "{walked}");
}

#[test]
fn the_table_holds_the_matrix_of_the_contract() {
    let rows = rows();
    let roles = |method: &str, path: &str| -> Vec<&str> {
        let row = rows.iter().find(|row| row.method == method && row.path == path).unwrap();
        Role::ALL.into_iter().filter(|role| row.admits(Some(*role))).map(Role::name).collect()
    };
    let readings = "/api/v1/patients/{id}/readings";
    assert_eq!(roles("GET", readings), ["clinician", "patient"]);
    assert_eq!(roles("GET", "/api/v1/patients"), ["agent", "technician", "clinician", "manager", "admin"]);
    assert_eq!(roles("GET", "/api/v1/alerts"), ["agent", "technician", "clinician", "manager"]);
    assert_eq!(
        roles("POST", "/api/v1/alerts/{id}/claim"),
        ["agent", "technician", "clinician", "manager"],
        "whoever was called may answer; the store asks whether they were"
    );
    assert_eq!(roles("GET", "/api/v1/audit/entries"), ["auditor", "dpo"]);
    assert_eq!(roles("POST", "/api/v1/patients/{id}/reveals"), ["auditor", "dpo"]);
    assert_eq!(roles("POST", "/api/v1/reveals/{id}/open"), ["auditor", "dpo"]);
    assert_eq!(roles("POST", "/api/v1/reveals/{id}/approve"), ["dpo"]);
    assert_eq!(roles("POST", "/api/v1/users"), ["admin"]);
    assert_eq!(roles("POST", "/api/v1/devices"), ["technician", "admin"]);
}

#[test]
fn every_api_route_is_in_the_document_and_nothing_else_is() {
    let document = serde_json::to_value(crate::http::openapi::value()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut documented: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            documented.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let mut table: Vec<String> = rows()
        .iter()
        .filter(|row| row.face == Face::Api)
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();
    documented.sort();
    table.sort();
    assert_eq!(documented, table);
}

/// The operations of the document, by method and path.
fn operations() -> Vec<(String, Value)> {
    let document = serde_json::to_value(crate::http::openapi::value()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| -> Vec<(String, Value)> {
        let methods = item.as_object().unwrap().iter();
        methods
            .map(|(method, operation)| (format!("{} {path}", method.to_uppercase()), operation.clone()))
            .collect()
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn each_operation_has_an_id_of_its_own_and_says_what_it_refuses() {
    let mut ids = std::collections::BTreeSet::new();
    for (route, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        assert!(!id.is_empty() && ids.insert(id.clone()), "{route}: the id {id} is taken");
        let responses = operation["responses"].as_object().unwrap();
        let refusals = responses.iter().filter(|(status, _)| status.starts_with(['4', '5']));
        for (status, response) in refusals {
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(*schema, json!("#/components/schemas/Problem"), "{route} {status}");
        }
        assert!(responses.keys().any(|status| status.starts_with('2')), "{route} never succeeds");
        assert!(responses.contains_key("429") && responses.contains_key("503"), "{route}");
    }
}

#[test]
fn the_document_says_of_each_operation_whether_it_needs_a_sign_in() {
    for row in rows().iter().filter(|row| row.face == Face::Api) {
        let route = format!("{} {}", row.method, row.path);
        let (_, operation) = operations().into_iter().find(|(named, _)| *named == route).unwrap();
        let open = operation["security"] == json!([]);
        assert_eq!(open, row.rights.contains(&Can::Anyone), "{route}: {}", operation["security"]);
    }
}

#[test]
fn what_is_nowhere_and_what_cannot_be_read_are_problems() {
    let house = houses().remove(0);
    let admin = house.staff(Role::Admin);
    assert_eq!(
        (house.get(&admin, "/api/v1/nothing").status, house.get(&admin, "/api/v1/nothing").code().to_owned()),
        (404, "E_NOT_FOUND".to_owned())
    );
    let wrong = house.call("DELETE", "/api/v1/patients", &[("authorization", &admin)], None);
    assert_eq!((wrong.status, wrong.code()), (405, "E_METHOD"));
    let text = house.call(
        "POST",
        "/api/v1/patients",
        &[("authorization", &admin), ("content-type", "text/plain")],
        Some("x"),
    );
    assert_eq!((text.status, text.code()), (415, "E_MEDIA_TYPE"));
    let missing = house.post(&admin, "/api/v1/patients", &json!({ "name": "Ana" }));
    assert_eq!(
        (missing.status, missing.code(), &missing.body["field"]),
        (400, "E_MALFORMED", &json!("birth_date"))
    );
    let cpf = json!({ "name": "Ana", "birth_date": "1990-05-17", "cpf": "123" });
    let cpf = house.post(&admin, "/api/v1/patients", &cpf);
    assert_eq!((cpf.status, &cpf.body["field"]), (400, &json!("cpf")));
    let huge = json!({ "name": "a".repeat(1_100_000) });
    assert_eq!(house.post(&admin, "/api/v1/patients", &huge).status, 413);
    let ready = house.call("GET", "/readyz", &[], None);
    assert_eq!(ready.status, 200);
    let metrics = house.get(&admin, "/metrics").must(200);
    assert!(metrics.as_str().unwrap().contains("zelo_connections 0"), "{metrics}");
}

/// A node whose clock is an hour ahead while another one is right.
struct Ahead;

impl EngineView for Ahead {
    fn modules(&self) -> Vec<crate::Module> {
        Vec::new()
    }

    fn aside(&self) -> Option<i64> {
        Some(3_600_000)
    }
}

#[test]
fn a_node_that_stands_aside_answers_nobody_and_says_why() {
    for home in stores() {
        let house = House::with(home, Limits::of_descriptors(4_096), std::sync::Arc::new(Ahead));
        let ready = house.call("GET", "/readyz", &[], None).must(503);
        assert!(ready.as_str().unwrap().contains("off by 3600000 ms"), "{ready}");
        let engine = house.call("GET", "/healthz/engine", &[], None).must(503);
        assert_eq!((&engine["ok"], &engine["aside_by_ms"]), (&json!(false), &json!(3_600_000)));
        assert_eq!(house.call("GET", "/healthz", &[], None).status, 200);
        for path in ["/api/v1/status", "/api/v1/patients", "/login"] {
            assert_eq!(house.call("GET", path, &[], None).status, 503, "{path}");
        }
    }
}

#[test]
fn metrics_open_to_who_may_see_them_and_on_their_own_address_wherever_a_request_comes_from() {
    let house = houses().remove(0);
    // As a proxy on this host passes on what the whole world asks.
    for headers in [&[][..], &[("x-forwarded-for", "127.0.0.1")], &[("host", "127.0.0.1")]] {
        assert_eq!(house.call("GET", "/metrics", headers, None).status, 401, "{headers:?}");
    }
    let agent = house.staff(Role::Clinician);
    let may = Can::SeeStatus.held_by(Role::Clinician);
    assert_eq!(house.get(&agent, "/metrics").status == 200, may);
    let own = house.running.as_ref().and_then(|running| running.metrics).unwrap();
    let ask = |path: &str| house.client.get(format!("http://{own}{path}")).call().unwrap().status().as_u16();
    assert_eq!([ask("/metrics"), ask("/readyz"), ask("/healthz")], [200, 200, 200]);
    assert_eq!([ask("/login"), ask("/api/v1/patients"), ask("/")], [404, 404, 404]);
}

#[test]
fn a_full_disk_is_named_to_whoever_asks_and_makes_the_node_not_ready() {
    for house in houses() {
        let admin = house.staff(Role::Admin);
        let ana = json!({ "name": "Ana Souza", "birth_date": "1990-05-17" });
        store::testing::fill_disk(&house.home, "patients");
        let refused = house.post(&admin, "/api/v1/patients", &ana);
        assert_eq!((refused.status, refused.code()), (503, "E_DISK_FULL"), "{}", refused.body);
        let ready = house.call("GET", "/readyz", &[], None).must(503);
        assert!(ready.as_str().unwrap().contains("disk is full: make room"), "{ready}");
        assert_eq!(house.call("GET", "/healthz/engine", &[], None).status, 503);
        store::testing::make_room(&house.home, "patients");
        house.post(&admin, "/api/v1/patients", &ana).must(201);
        let began = std::time::Instant::now();
        while house.call("GET", "/readyz", &[], None).status != 200 {
            assert!(began.elapsed() < Duration::from_secs(10), "ready again by itself");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}
