//! "Give me what is mine": one step, whole, whatever staff may see, noted, and not without end.

use crate::tests::*;
use store::privacy::accesses::What;
use store::testing::entries;

fn path(patient: PatientId, format: &str) -> String {
    format!("/api/v1/patients/{patient}/export?format={format}")
}

#[test]
fn a_person_takes_all_of_it_away_whatever_staff_may_see() {
    for house in houses() {
        let ana = house.patient("Marialva");
        house.grant_all(ana.id);
        crate::patients::tests::measure(
            &house,
            &ana,
            house.now().minus(Duration::from_secs(100)),
            &[129.0, 131.0, 133.5],
        );
        crate::alerts::tests::raise(&house, &ana);
        let own = house.enter(house.user(Role::Patient, Some(ana.id)), Role::Patient);
        let clinician = house.staff(Role::Clinician);
        house.get(&clinician, &format!("/api/v1/patients/{}/readings", ana.id)).must(200);
        house.clock.advance(Duration::from_secs(1));
        house.revoke(ana.id, "alert.evaluate").must(201);
        house.write(|tx| patients::block(tx, ana.id, true));
        let staff = house.get(&clinician, &format!("/api/v1/patients/{}/readings", ana.id));
        assert_eq!(staff.status, 403, "staff see none of it");

        let all = house.get(&own, &path(ana.id, "json")).must(200);
        let values = |all: &Value| -> Vec<f64> {
            all["readings"].as_array().unwrap().iter().map(|row| row["value"].as_f64().unwrap()).collect()
        };
        assert_eq!(values(&all), [129.0, 131.0, 133.5]);
        assert_eq!(all["patient"]["name"], "Marialva");
        assert_eq!(all["patient"]["cpf"], "52998224725", "it is theirs");
        assert_eq!(all["controller"]["dpo"]["contact"], "encarregado@clinica.example");
        let acts: Vec<&str> = all["consent_history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["action"].as_str().unwrap())
            .collect();
        assert_eq!(acts, ["granted", "granted", "granted", "revoked"]);
        assert_eq!(all["consents"].as_array().unwrap().len(), 3);
        let changes: Vec<&Value> =
            all["record_changes"].as_array().unwrap().iter().map(|change| &change["what"]).collect();
        assert_eq!(changes, ["registered", "blocked"]);
        let looks = all["accesses"].as_array().unwrap();
        assert!(looks.iter().any(|look| look["what"] == "readings" && look["role"] == "clinician"));
        assert!(looks.iter().any(|look| look["refused"] == "E_BLOCKED_18_IV"));
        assert_eq!(looks[0]["what"], "export", "this copy is in it");
        assert_eq!(
            (&all["alerts"][0]["rule"], &all["alerts"][0]["peak"]),
            (&json!("tachycardia"), &json!("red"))
        );
        assert_eq!(all["devices"].as_array().unwrap().len(), 1);

        let table = house.get(&own, &path(ana.id, "csv")).must(200);
        let lines: Vec<&str> = table.as_str().unwrap().split("\r\n").collect();
        assert!(lines[0].starts_with("signal,at,value,unit"));
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert!(lines[1].starts_with("heart_rate,") && lines[1].contains(",129,/min,"), "{}", lines[1]);

        let page = house.get(&own, "/me").must(200);
        let page = page.as_str().unwrap();
        assert!(page.contains(&path(ana.id, "json")) && page.contains(&path(ana.id, "csv")));
        assert!(page.contains("encarregado@clinica.example") && page.contains("Ana Exemplo"));
    }
}

#[test]
fn a_copy_is_the_persons_alone_noted_each_time_and_not_without_end() {
    for house in houses() {
        let ana = house.patient("Ana");
        let identity = PatientIdentity { cpf: None, ..ana.identity.clone().unwrap() };
        let (zone, language) = (ana.zone.clone(), ana.language.clone());
        let bia = patients::Details { identity, zone, language };
        let bia = house.write(|tx| patients::insert(tx, &bia));
        let own = house.enter(house.user(Role::Patient, Some(ana.id)), Role::Patient);
        assert_eq!(house.get(&own, &path(bia.id, "json")).status, 404);
        for role in Role::STAFF {
            assert_eq!(house.get(&house.staff(role), &path(ana.id, "json")).code(), "E_ROLE", "{role:?}");
        }
        assert_eq!(house.get(&own, &path(ana.id, "xml")).status, 422);
        for n in 1..=6 {
            house.get(&own, &path(ana.id, "json")).must(200);
            assert_eq!(entries(&house.home, "access.export"), n, "each is an entry");
        }
        assert_eq!(house.get(&own, &path(ana.id, "csv")).code(), "E_RATE");
        let looks = house.home.read(|view| store::privacy::accesses::of_patient(view, ana.key, None, 100));
        let exports =
            looks.unwrap().into_iter().filter(|look| look.what == What::Export && look.refused.is_none());
        assert_eq!(exports.count(), 6);
    }
}

#[test]
fn nobody_named_as_officer_is_said_and_a_dpo_or_administrator_names_one() {
    for house in houses() {
        let ana = house.patient("Ana");
        let own = house.enter(house.user(Role::Patient, Some(ana.id)), Role::Patient);
        let put = |who: &str, contact: &str| {
            let body = json!({ "name": "Eva Lima", "contact": contact }).to_string();
            house.call("PUT", "/api/v1/organisation/dpo", &[("authorization", who)], Some(&body))
        };
        for role in [Role::Clinician, Role::Manager, Role::Patient, Role::Auditor] {
            let user = house.user(role, (role == Role::Patient).then_some(ana.id));
            assert_eq!(put(&house.enter(user, role), "eva@clinica.example").code(), "E_ROLE");
        }
        let dpo = house.staff(Role::Dpo);
        assert_eq!(put(&dpo, "ramal 12").code(), "E_INVALID");
        put(&dpo, "eva@clinica.example").must(200);
        let organisation = house.get(&own, "/api/v1/organisation").must(200);
        assert_eq!(organisation["dpo"], json!({ "name": "Eva Lima", "contact": "eva@clinica.example" }));
        assert!(house.get(&own, "/me").must(200).as_str().unwrap().contains("eva@clinica.example"));
        house.write(|tx| store::db::settings::forget(tx, "dpo"));
        let page = house.get(&own, "/me").must(200);
        assert!(page.as_str().unwrap().contains("O texto de cada permissão"), "a way out");
    }
}
