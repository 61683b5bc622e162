//! The whole log is verified by a press of a button: by HTTP from outside, and by what runs jobs from inside.

use std::sync::Arc;

use crate::tests::*;
use ::audit::Vkey;
use domain::UserId;
use engine::audit::verification::Verification;
use engine::jobs::{Jobs, Kind};
use engine::messages::outbox;
use engine::{Status, Wake};
use store::audit as log;
use store::audit::Sequencer;
use store::jobs::run;

const ALL: &str = "/api/v1/audit/verifications";

struct Scene {
    house: House,
    patient: PatientId,
    key: Vkey,
}

fn scenes() -> Vec<Scene> {
    stores().into_iter().map(Scene::new).collect()
}

impl Scene {
    fn new(home: Home) -> Self {
        let house = House::signed(home);
        house.write(outbox::seed);
        let patient = house.patient("Ana");
        let signer = log::open(&house.home, &house.home.dir().join("keys"), house.now()).unwrap();
        let key = signer.vkey().clone();
        let mut sequencer = Sequencer::begin(&house.home, signer).unwrap();
        sequencer.sequence(&house.home, house.now(), 1_000).unwrap();
        Self { house, patient: patient.id, key }
    }

    /// What the engine does of jobs in a turn.
    fn turn(&self) {
        let kind = Verification::new(self.key.clone(), Arc::new(|| Ok(None)));
        let kinds: Vec<Box<dyn Kind>> = vec![Box::new(kind)];
        let (store, clock) = ((*self.house.home).clone(), self.house.clock.clone());
        Jobs::new(store, clock, kinds, Wake::default(), Status::default()).turn(&|| ()).unwrap();
    }

    fn tamper(&self, sql: &str) {
        self.house
            .home
            .keep_house(store::Urgency::Urgent, "test", NOW, |tx| {
                store::db::plans::run(tx, sql);
                Ok(())
            })
            .unwrap();
    }

    fn report(&self) -> Value {
        serde_json::to_value(log::verify(&self.house.home, &self.key, None, &[]).unwrap()).unwrap()
    }

    fn notices_of(&self, user: UserId) -> Vec<String> {
        let about = log::VERIFICATION.to_owned();
        let all = self.house.home.read(|view| store::messages::of_case(view, "audit", &about)).unwrap();
        let theirs = all.into_iter().filter(|one| one.recipient == user.to_string());
        theirs.map(|one| one.template).collect()
    }
}

fn keyed(house: &House, who: &str, path: &str, key: &str) -> Got {
    house.call("POST", path, &[("authorization", who), ("idempotency-key", key)], None)
}

#[test]
fn a_verification_is_asked_for_once_runs_and_leaves_the_report_of_the_command_line() {
    for scene in scenes() {
        let house = &scene.house;
        let (auditor, dpo) = (house.staff(Role::Auditor), house.staff(Role::Dpo));
        let made = keyed(house, &auditor, ALL, "one").must(202);
        assert_eq!((&made["state"], &made["report"]), (&json!("queued"), &Value::Null));
        assert_eq!(keyed(house, &auditor, ALL, "one").must(202), made, "the same call again");
        let same = house.call("POST", ALL, &[("authorization", &dpo)], None).must(200);
        assert_eq!(same["id"], made["id"], "one is open already");
        assert_ne!(same["asked_by"], made["asked_by"], "by a pseudonym to anybody else");

        scene.turn();
        let path = format!("{ALL}/{}", made["id"].as_str().unwrap());
        let done = house.get(&dpo, &path).must(200);
        assert_eq!((&done["state"], &done["code"]), (&json!("done"), &json!("whole")));
        assert_eq!((&done["done"], &done["report"]), (&done["total"], &scene.report()));
        let all = house.get(&auditor, ALL).must(200);
        assert_eq!((all["items"].as_array().unwrap().len(), &all["items"][0]["id"]), (1, &made["id"]));
        let page = house.get(&auditor, "/audit").body;
        assert!(page.as_str().unwrap().contains("Íntegro"), "{page}");
        let again = house.call("POST", ALL, &[("authorization", &auditor)], None).must(202);
        assert_ne!(again["id"], made["id"], "the one before is over");
    }
}

#[test]
fn a_verification_is_stopped_and_one_that_is_over_is_not() {
    for scene in scenes() {
        let house = &scene.house;
        let auditor = house.staff(Role::Auditor);
        let stop = |id: &Value| {
            let path = format!("{ALL}/{}/cancel", id.as_str().unwrap());
            house.call("POST", &path, &[("authorization", &auditor)], None)
        };
        let ask = || house.call("POST", ALL, &[("authorization", &auditor)], None).must(202)["id"].clone();
        let waits = ask();
        assert_eq!(stop(&waits).must(200)["state"], "cancelled");
        stop(&waits).must(409);
        let runs = ask();
        let claimed = house.home.keep_house(store::Urgency::Patient, "jobs", NOW, |tx| {
            run::claim(tx, &[log::VERIFICATION], "another node")
        });
        assert!(claimed.unwrap().is_some());
        assert_eq!(stop(&runs).must(200)["state"], "cancelling");
        let page = house.get(&auditor, "/audit/verifications").body;
        assert!(page.as_str().unwrap().contains("cancelando"), "{page}");
        stop(&json!(UserId::new(NOW))).must(404);
        let other = house.write(|tx| store::jobs::ask(tx, "test.other", None)).job.id;
        stop(&json!(other)).must(404);
        house.get(&auditor, &format!("{ALL}/{other}")).must(404);
    }
}

#[test]
fn a_break_is_found_at_its_entry_and_told_to_who_answers_for_the_log() {
    for scene in scenes() {
        let house = &scene.house;
        let people = [Role::Dpo, Role::Admin].map(|role| house.user(role, None));
        let auditor = house.staff(Role::Auditor);
        scene.tamper("UPDATE audit_entries SET kind = 'access.read' WHERE leaf = 3");
        let made = house.call("POST", ALL, &[("authorization", &auditor)], None).must(202);
        scene.turn();
        let path = format!("{ALL}/{}", made["id"].as_str().unwrap());
        let done = house.get(&auditor, &path).must(200);
        assert_eq!((&done["state"], &done["code"]), (&json!("done"), &json!("broken")));
        assert_eq!((&done["report"], &done["report"]["first_break"]["index"]), (&scene.report(), &json!(3)));
        for who in people {
            assert!(scene.notices_of(who).contains(&"log_broken".to_owned()), "{who} is told");
        }
        let page = house.get(&auditor, "/audit").body;
        assert!(page.as_str().unwrap().contains("Quebra na entrada 3"), "{page}");
        let status = house.get(&house.staff(Role::Admin), "/status").body;
        assert!(status.as_str().unwrap().contains("O registro de auditoria não está íntegro"), "{status}");
    }
}

#[test]
fn an_auditor_reads_a_pseudonym_wherever_a_break_names_a_patient() {
    let scenes = (0..4).flat_map(|nth| scenes().into_iter().map(move |scene| (nth, scene)));
    for (nth, scene) in scenes {
        let house = &scene.house;
        let auditor = house.staff(Role::Auditor);
        let (id, other) = (scene.patient.to_string(), domain::AlertId::new(NOW).to_string());
        let whats = [
            (format!("patient {id} has 2 consent events; the log speaks of 1"), None),
            (
                format!("a sealed value cannot be opened (patients.identity, row {id}): its key is not here"),
                None,
            ),
            (
                format!("a sealed value cannot be opened (subject_keys.wrapped, row patient:{id}): moved"),
                None,
            ),
            (format!("a stored value is not readable: alerts.episode, row {other}"), Some(&other)),
        ];
        for (what, row) in whats.into_iter().skip(nth).take(1) {
            let claimed = |tx: &mut Tx<'_>| {
                store::jobs::ask(tx, log::VERIFICATION, None)?;
                Ok(run::claim(tx, &[log::VERIFICATION], "a")?.unwrap())
            };
            let held = house.write(claimed);
            let found =
                json!({ "ok": false, "size": 9, "root": "", "first_break": { "index": null, "what": what } });
            house.write(|tx| run::end(tx, &held, run::End::Done("broken", &found, 0)));
            let report = house.get(&auditor, ALL).must(200);
            let shown = report["items"][0]["report"]["first_break"]["what"].as_str().unwrap().to_owned();
            assert!(!shown.contains(&id), "{shown}");
            assert_eq!(shown.len(), what.len(), "another id of the same form stands there: {shown}");
            assert_eq!(shown == what, row.is_some(), "an alert's id is not a person's: {shown}");
        }
    }
}
