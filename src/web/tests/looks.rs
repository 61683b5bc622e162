//! "Who saw Maria's data?": whatever route shows a patient, or refuses to, leaves a look that names them.

use super::*;
use crate::store::accesses::{self, Told, What};
use crate::store::pseudonyms;
use crate::web::serve::rows;

fn told(house: &House, patient: &patients::Patient) -> Vec<Told> {
    house.home.read(|view| accesses::of_patient(view, patient.key, None, 10_000)).unwrap()
}

#[test]
fn every_route_that_shows_a_patient_or_refuses_to_leaves_a_look_that_names_them() {
    let house = houses().remove(0);
    let ana = house.patient("Marialva");
    house.grant_all(ana.id);
    records::measure(&house, &ana, house.now(), &[129.0, 133.5]);
    let alert = alerts::raise(&house, &ana);
    let device = house.home.read(|view| {
        crate::store::devices::page(view, &crate::store::Ask::default()).map(|page| page.items[0].id)
    });
    let device = device.unwrap();
    let mut looked = 0;
    for row in rows().iter().filter(|row| row.method == "GET" && !row.path.contains("/live")) {
        let id = match row.path.strip_prefix("/api/v1").unwrap_or(row.path) {
            path if path.starts_with("/alerts/") => alert.to_string(),
            path if path.starts_with("/devices/") => device.to_string(),
            _ => ana.id.to_string(),
        };
        let path = row.path.replace("{id}", &id).replace("{index}", "0");
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
            let looks: Vec<Told> =
                told(&house, &ana).into_iter().filter(|look| look.viewer == Some(user)).collect();
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
            let said = house.home.read(|view| pseudonyms::of(view, user, ana.id)).unwrap();
            for path in [format!("/patients/{said}"), format!("/patients/{}", ana.id)] {
                let page = house.get(&token, &path);
                let page = page.must(200);
                assert!(!page.as_str().unwrap().contains("Marialva"), "{path} names the patient to {role:?}");
            }
            house.get(&token, &format!("/api/v1/patients/{said}/consents")).must(200);
            let entries = house.get(&token, &format!("/api/v1/audit/entries?patient_id={said}")).must(200);
            assert!(entries["items"].is_array());
        }
        assert!(
            told(&house, &ana).iter().any(|look| look.what == What::Looks),
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
