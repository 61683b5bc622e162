//! A change of hands that is recorded late, as a technician sees it.

use crate::patients::tests::measure;
use crate::tests::*;
use engine::Module as _;
use engine::devices::moves::Moves;
use store::{devices, readings};

#[test]
fn a_late_end_says_how_many_readings_leave_and_what_waits_is_seen_without_a_value() {
    for house in houses() {
        let ana = house.patient("Ana Lima");
        let add = json!({ "name": "Bia Melo", "birth_date": "1990-05-17", "cpf": "390.533.447-05" });
        let added = house.post(&house.staff(Role::Admin), "/api/v1/patients", &add).must(201);
        let bia: PatientId = added["id"].as_str().unwrap().parse().unwrap();
        house.grant_all(ana.id);
        house.grant_all(bia);
        let end = house.now();
        measure(&house, &ana, end, &[70.0, 71.0, 131.0, 132.0]);
        let key = house.home.read(|view| readings::preference(view, ana.key)).unwrap()[0];
        let device = house.home.read(|view| devices::id_of(view, key)).unwrap();
        let (technician, clinician) = (house.staff(Role::Technician), house.staff(Role::Clinician));
        let (path, at) = (format!("/api/v1/devices/{device}"), end.minus(Duration::from_secs(1)));
        let work = || {
            let mut moves = Moves::new((*house.home).clone(), consent::Bases::default());
            while moves.run(house.now()).unwrap().more {}
        };
        work();

        let two = json!({ "readings": 2, "more": false });
        let ahead = house.get(&technician, &format!("{path}/unbind?at={}", at.rfc3339())).must(200);
        assert_eq!((&ahead["moving"], &ahead["patient_id"]), (&two, &json!(ana.id)));
        let ended = house.post(&technician, &format!("{path}/unbind"), &json!({ "at": at })).must(200);
        assert_eq!((&ended["moving"], &ended["to"]), (&two, &json!(at)));
        work();

        let waits = house.get(&technician, &format!("{path}/quarantine")).must(200)["items"].clone();
        let seen = (&waits[0]["signal"], &waits[0]["readings"], &waits[0]["from"], &waits[0]["to"]);
        assert_eq!(seen, (&json!("heart_rate"), &json!(2), &json!(at), &json!(end)));
        assert!(!waits.to_string().contains("131"), "nobody permits a look");
        for what in ["quarantine", "moves", "unbind"] {
            house.get(&clinician, &format!("{path}/{what}")).must(403);
        }

        let body = json!({ "patient_id": bia, "from": at });
        let bound = house.post(&technician, &format!("{path}/bind"), &body).must(201);
        assert_eq!((&bound["moving"], &bound["patient_id"]), (&two, &json!(bia)));
        work();
        let values = |of: PatientId| -> Vec<f64> {
            let path = format!("/api/v1/patients/{of}/readings?signal=heart_rate");
            let items = house.get(&clinician, &path).must(200)["items"].clone();
            items.as_array().unwrap().iter().filter_map(|one| one["value"].as_f64()).collect()
        };
        assert_eq!((values(ana.id), values(bia)), (vec![70.0, 71.0], vec![131.0, 132.0]));
        let old = house.get(&clinician, &format!("/api/v1/patients/{}/superseded", ana.id)).must(200);
        assert_eq!(old["items"], json!([]), "another wearer's values are not hers to show");
        let moves = house.get(&technician, &format!("{path}/moves")).must(200)["items"].clone();
        let move_at = |place: usize| (moves[place]["what"].clone(), moves[place]["readings"].clone());
        assert_eq!((move_at(0), move_at(1)), ((json!("given"), json!(2)), (json!("taken"), json!(2))));
    }
}
