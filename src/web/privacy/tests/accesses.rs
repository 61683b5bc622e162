//! "Who saw Maria's data?": whatever route shows a patient, or refuses to, leaves a look that names them.

use crate::routes::rows;
use crate::tests::*;
use store::patients::audience::Audience;
use store::privacy::accesses::{self, NotedAccess, What};
use store::privacy::pseudonyms;

fn accesses_of(house: &House, patient: &patients::Patient) -> Vec<NotedAccess> {
    house.home.read(|view| accesses::of_patient(view, patient.key, None, 10_000)).unwrap()
}

#[test]
fn every_route_that_shows_a_patient_or_refuses_to_leaves_a_look_that_names_them() {
    let house = houses().remove(0);
    let ana = house.patient("Marialva");
    house.grant_all(ana.id);
    crate::patients::tests::measure(&house, &ana, house.now(), &[129.0, 133.5]);
    let alert = crate::alerts::tests::raise(&house, &ana);
    let device = house.home.read(|view| {
        store::devices::page(view, &Audience::program(), &store::Ask::default()).map(|page| page.items[0].id)
    });
    let device = device.unwrap();
    let mut looked = 0;
    for row in rows().iter().filter(|row| row.method == "GET" && !row.path.contains("/live")) {
        let id = match row.path.strip_prefix("/api/v1").unwrap_or(row.path) {
            path if path.starts_with("/alerts/") => alert.to_string(),
            path if path.starts_with("/devices/") => device.to_string(),
            _ => ana.id.to_string(),
        };
        let path = row.path.replace("{id}", &id).replace("{index}", "0").replace("{place}", "0");
        let path = if path.ends_with("/series") { format!("{path}?signal=heart_rate") } else { path };
        for role in Role::ALL {
            let user = house.user(role, (role == Role::Patient).then_some(ana.id));
            let got = house.get(&house.enter(user, role), &path);
            let text = got.body.to_string();
            let shown =
                got.status == 200 && (text.contains(&ana.id.to_string()) || text.contains("Marialva"));
            let named = row.path.contains("/patients/{id}") || row.path.contains("/alerts/{id}");
            // A device names whom it measures to whoever may see it.
            let asked = named || row.path.contains("/devices/{id}");
            let refused = asked && matches!(got.status, 403 | 404);
            let looks: Vec<NotedAccess> =
                accesses_of(&house, &ana).into_iter().filter(|look| look.viewer == Some(user)).collect();
            if shown || named && got.status == 200 {
                assert!(looks.iter().any(|look| look.refused.is_none()), "{path} as {role:?} left no look");
                looked += 1;
            }
            if refused {
                assert!(
                    looks.iter().any(|look| look.refused.is_some()),
                    "{path} refused {role:?} in silence"
                );
                looked += 1;
            }
        }
    }
    assert!(looked > 100, "{looked}");
}

#[test]
fn auditors_and_the_dpo_know_people_by_a_pseudonym_that_opens_their_routes() {
    for house in houses() {
        let ana = house.patient("Marialva");
        house.grant_all(ana.id);
        for role in [Role::Auditor, Role::Dpo] {
            let user = house.user(role, None);
            let token = house.enter(user, role);
            let pseudonym = house.home.read(|view| pseudonyms::of(view, user, ana.id)).unwrap();
            for path in [format!("/patients/{pseudonym}"), format!("/patients/{}", ana.id)] {
                let page = house.get(&token, &path);
                let page = page.must(200);
                assert!(!page.as_str().unwrap().contains("Marialva"), "{path} names the patient to {role:?}");
            }
            house.get(&token, &format!("/api/v1/patients/{pseudonym}/consents")).must(200);
            let entries =
                house.get(&token, &format!("/api/v1/audit/entries?patient_id={pseudonym}")).must(200);
            assert!(entries["items"].is_array());
        }
        assert!(
            accesses_of(&house, &ana).iter().any(|look| look.what == What::Looks),
            "a look at the log is a look"
        );
    }
}

#[test]
fn the_auditors_list_answers_whatever_ids_it_is_given() {
    for house in houses() {
        let ana = house.patient("Ana").id.to_string();
        let user = house.user(Role::Agent, None).to_string();
        let auditor = house.staff(Role::Auditor);
        let nobody = "00000000-0000-7000-8000-000000000000";
        for patient in [ana.as_str(), user.as_str(), nobody] {
            for other in [ana.as_str(), user.as_str(), nobody] {
                let ask = |query: String| house.get(&auditor, &format!("/api/v1/audit/entries?{query}"));
                ask(format!("patient_id={patient}")).must(200);
                ask(format!("user_id={other}")).must(200);
                ask(format!("patient_id={patient}&user_id={other}")).must(200);
            }
        }
    }
}

fn looks_of(house: &House, patient: &patients::Patient, what: What) -> Vec<NotedAccess> {
    accesses_of(house, patient).into_iter().filter(|look| look.what == what).collect()
}

#[test]
fn a_pseudonym_opens_to_a_dpo_under_a_reason_and_to_an_auditor_once_a_dpo_agrees() {
    for house in houses() {
        let ana = house.patient("Marialva");
        let (dpo, auditor) = (house.user(Role::Dpo, None), house.user(Role::Auditor, None));
        let (as_dpo, as_auditor) = (house.enter(dpo, Role::Dpo), house.enter(auditor, Role::Auditor));
        let known = |viewer| house.home.read(|view| pseudonyms::of(view, viewer, ana.id)).unwrap();
        let reveals = |viewer| format!("/api/v1/patients/{}/reveals", known(viewer));
        for who in Role::ALL.into_iter().filter(|role| !matches!(role, Role::Dpo | Role::Auditor)) {
            let token = house.enter(house.user(who, (who == Role::Patient).then_some(ana.id)), who);
            let path = format!("/api/v1/patients/{}/reveals", ana.id);
            assert_eq!(house.post(&token, &path, &json!({ "reason": "7" })).code(), "E_ROLE", "{who:?}");
        }
        assert_eq!(house.post(&as_dpo, &reveals(dpo), &json!({ "reason": " " })).code(), "E_REASON");
        let asked =
            house.post(&as_auditor, &reveals(auditor), &json!({ "reason": "auditoria 12" })).must(202);
        assert!(!asked.to_string().contains("Marialva") && !asked.to_string().contains(&ana.id.to_string()));
        let shown = || looks_of(&house, &ana, What::Reveal).into_iter().filter(|look| look.refused.is_none());
        assert_eq!(shown().count(), 0, "asking shows nothing");

        let known_now = house.post(&as_dpo, &reveals(dpo), &json!({ "reason": "pedido 7" })).must(201);
        assert_eq!(
            (&known_now["name"], &known_now["patient_id"]),
            (&json!("Marialva"), &json!(ana.id.to_string()))
        );
        let id = asked["id"].as_str().unwrap();
        let act = |who: &str, act: &str| house.post(who, &format!("/api/v1/reveals/{id}/{act}"), &json!({}));
        assert_eq!(act(&as_auditor, "open").code(), "E_FOUR_EYES");
        assert_eq!(act(&as_auditor, "approve").code(), "E_ROLE");
        assert_eq!(act(&as_dpo, "approve").must(200)["state"], "approved");
        assert_eq!(act(&as_dpo, "open").status, 404, "it is the auditor's");
        assert_eq!(act(&as_auditor, "open").must(200)["name"], "Marialva");
        assert_eq!(shown().count(), 2);
        assert!(
            looks_of(&house, &ana, What::Reveal)
                .iter()
                .any(|look| look.refused.as_deref() == Some("E_FOUR_EYES"))
        );
        let listed = house.get(&as_dpo, "/api/v1/reveals").must(200);
        assert_eq!(
            (&listed["items"][0]["reason"], &listed["items"][0]["patient_id"]),
            (&json!("auditoria 12"), &json!(known(dpo).to_string()))
        );
        let other = house.staff(Role::Auditor);
        assert_eq!(house.get(&other, "/api/v1/reveals").must(200)["items"], json!([]));

        // The person sees both, by name and role, on the API and on the portal.
        let own = house.enter(house.user(Role::Patient, Some(ana.id)), Role::Patient);
        let seen = house.get(&own, &format!("/api/v1/patients/{}/accesses", ana.id)).must(200);
        let by: Vec<&str> = seen["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|look| look["what"] == "reveal" && look["refused"].is_null())
            .map(|look| look["role"].as_str().unwrap())
            .collect();
        assert_eq!(by, ["auditor", "dpo"]);
        let portal = house.get(&own, "/me").must(200);
        assert!(portal.as_str().unwrap().contains("pseudônimo"));

        house.clock.advance(Duration::from_secs(301));
        let stale = |id, role| {
            let session = house.tokens.user(
                if role == Role::Dpo { &as_dpo } else { &as_auditor }.trim_start_matches("Bearer "),
                NOW,
            );
            let token = house.tokens.for_user(id, role, session.unwrap().sid, house.now()).unwrap();
            format!("Bearer {token}")
        };
        let again = house.post(&stale(dpo, Role::Dpo), &reveals(dpo), &json!({ "reason": "pedido 7" }));
        assert_eq!(again.code(), "E_STEP_UP");
        assert_eq!(act(&stale(auditor, Role::Auditor), "open").code(), "E_STEP_UP");
    }
}

#[test]
fn the_page_of_looks_names_nobody_until_a_reveal_and_is_a_look_itself() {
    for house in houses() {
        let ana = house.patient("Marialva");
        house.get(&house.staff(Role::Clinician), &format!("/api/v1/patients/{}", ana.id)).must(200);
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let send = |who: &str, path: &str, body: &str| {
            let headers = [("authorization", who), form[0]];
            house.call("POST", path, &headers, Some(body))
        };
        for role in [Role::Auditor, Role::Dpo] {
            let user = house.user(role, None);
            let token = house.enter(user, role);
            let known = house.home.read(|view| pseudonyms::of(view, user, ana.id)).unwrap();
            let own = |what| {
                looks_of(&house, &ana, what).into_iter().filter(|look| look.viewer == Some(user)).count()
            };
            for path in ["/accesses".to_owned(), format!("/patients/{known}/accesses")] {
                let page = house.get(&token, &path).must(200);
                let page = page.as_str().unwrap();
                assert!(page.contains(&format!("/patients/{known}")) || page.contains("Contatos"), "{page}");
                assert!(!page.contains("Marialva") && !page.contains(&ana.id.to_string()), "{path} {role:?}");
            }
            assert_eq!(own(What::Looks), 1, "a look at the looks is one");
            // A DPO may come with what the request bears; an auditor has the pseudonym alone.
            let by_cpf = send(&token, "/accesses", "person=529.982.247-25&reason=pedido+7").must(200);
            let by_name = send(&token, "/accesses", &format!("person={known}&reason=pedido+7")).must(200);
            let named = |page: &Value| page.as_str().unwrap().contains("Marialva");
            assert_eq!((named(&by_cpf), named(&by_name)), (role == Role::Dpo, role == Role::Dpo));
            assert_eq!(own(What::Reveal), if role == Role::Dpo { 2 } else { 0 });
        }
        let dpo = house.staff(Role::Dpo);
        let vain = send(&dpo, "/accesses", "person=111.444.777-35&reason=pedido+8").must(200);
        assert!(vain.as_str().unwrap().contains("role=\"alert\""));
        assert_eq!(store::testing::entries(&house.home, "access.search"), 1);
        let requests = house
            .home
            .read(|view| store::privacy::reveals::newest(view, &Audience::program(), None, 9, NOW))
            .unwrap();
        let agree = format!("/reveals/{}/approve", requests[0].id);
        send(&dpo, &agree, "").must(200);
        assert_eq!(send(&house.staff(Role::Auditor), &agree, "").status, 403);
    }
}
