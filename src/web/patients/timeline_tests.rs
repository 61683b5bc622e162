//! The timeline from outside: what contributes, who sees which of it, what is masked, and pages that lose nothing.

use std::collections::BTreeSet;

use crate::patients::contributions::CONTRIBUTIONS;
use crate::patients::tests::measure;
use crate::tests::*;
use domain::{DeviceIdentity, Flags, Reading, Signal, Unit};
use engine::Module as _;
use engine::escalation::Escalate;
use engine::messages::outbox;
use store::db::plans;
use store::devices::{self, bindings};
use store::patients::audience::Audience;
use store::privacy::accesses::{Look, What, is_covered};
use store::readings::quarantine::{self, Aside};
use store::readings::{self, Amended, By, ReceiptRef};
use store::{Keyed, Subject, Urgency, escalation, on_call, rules, sla};

/// A patient to whom something of every kind has happened, all of it in a few instants.
struct Life {
    house: House,
    ana: patients::Patient,
    clinician: UserId,
}

impl Life {
    fn new(house: House) -> Self {
        house.write(|tx| {
            rules::seed(tx)?;
            on_call::seed(tx)?;
            escalation::seed(tx)?;
            outbox::seed(tx)?;
            sla::seed(tx)
        });
        let clinician = house.user(Role::Clinician, None);
        // Whom the top of the seeded policy calls.
        house.user(Role::Manager, None);
        let ana = house.patient("Marialva");
        house.grant_all(ana.id);
        let life = Self { house, ana, clinician };
        measure(&life.house, &life.ana, life.house.now(), &[70.0, 71.0, 170.0]);
        life.correct_record();
        life.change_devices();
        life.put_readings_right();
        let alert = crate::alerts::tests::raise(&life.house, &life.ana);
        Escalate::new((*life.house.home).clone()).run(life.house.now()).unwrap();
        let path = format!("/api/v1/alerts/{alert}/claim");
        life.house.post(&life.house.enter(clinician, Role::Clinician), &path, &json!({})).must(200);
        life.export_and_reveal();
        life
    }

    fn correct_record(&self) {
        self.house.write(|tx| {
            let now = patients::get(tx, &Audience::program(), self.ana.id)?;
            let details = patients::Details {
                identity: now.identity.unwrap(),
                zone: "America/Manaus".to_owned(),
                language: now.language,
            };
            patients::update(tx, self.ana.id, now.version, &details)
        });
    }

    fn change_devices(&self) {
        let now = self.house.now();
        self.house.write(|tx| {
            for _ in 0..3 {
                let identity = DeviceIdentity { label: "Oxímetro".into(), model: "X".into(), serial: None };
                let device = devices::insert(tx, &identity)?;
                bindings::bind(tx, device.id, self.ana.id, now.minus(Duration::from_secs(60)), false)?;
                bindings::unbind(tx, device.id, None, now)?;
            }
            Ok(())
        });
    }

    /// Two corrections by the source, and a clinician's decision.
    fn put_readings_right(&self) {
        let (house, ana, now) = (&self.house, &self.ana, self.house.now());
        let device_key = house.home.read(|view| readings::preference(view, ana.key)).unwrap()[0];
        let reading = |secs: u64, value| Reading {
            signal: Signal::HeartRate,
            at: now.minus(Duration::from_secs(secs)),
            value,
            unit: Unit::PerMinute,
            flags: Flags::default(),
        };
        let received = ReceiptRef::new(now.secs(), 0, 2).unwrap();
        house
            .home
            .keep_house(Urgency::Patient, "test", now, |tx| {
                let records = store::consents::ledger::of(tx, ana.key)?;
                let subject = patients::subject(tx, ana.key, now)?;
                let context = consent::Context::system(now.micros());
                let bases = consent::Bases::default();
                let request = consent::Request {
                    bases: &bases,
                    records: &records,
                    subject: &subject,
                    context: &context,
                };
                let permit = consent::decide::<consent::TelemetryCollect>(&request)?;
                for (secs, value) in [(1, 72.0), (2, 73.0)] {
                    let patient = Keyed { key: ana.key, id: ana.id };
                    let reading = reading(secs, value);
                    let new = Amended { patient, device_key, reading, received, by: By::Source };
                    readings::amend(tx, &permit, &new)?;
                }
                Ok(())
            })
            .unwrap();
        let item = house.write(|tx| {
            tx.audit(&store::Act::new("admin.config"))?;
            let aside = Aside {
                patient: Some(Keyed { key: ana.key, id: ana.id }),
                device_key,
                subject: Subject::Patient(ana.id),
                reason: "E_CLOCK",
                received,
                reading: Some(reading(0, 72.0)),
                names: None,
                payload: None,
            };
            quarantine::insert(tx, &aside)
        });
        let reason = json!({ "reason": "relógio errado" });
        let path = format!("/api/v1/quarantine/{item}/discard");
        house.post(&house.enter(self.clinician, Role::Clinician), &path, &reason).must(204);
    }

    fn export_and_reveal(&self) {
        let actor =
            Actor::User { id: self.house.user(Role::Patient, Some(self.ana.id)), role: Role::Patient };
        let (home, now) = (&self.house.home, self.house.now());
        let export = |tx: &mut Tx<'_>| {
            let ana = Audience::program().patient(tx, self.ana.id)?;
            store::privacy::exports::begin(tx, ana, "json")
        };
        home.write(actor, now, export).unwrap();
        let dpo = Actor::User { id: self.house.user(Role::Dpo, None), role: Role::Dpo };
        let why = "pedido 12/2026";
        home.write(dpo, now, |tx| store::privacy::reveals::at_once(tx, self.ana.id, why)).unwrap();
    }

    fn path(&self, query: &str) -> String {
        format!("/api/v1/patients/{}/timeline?{query}", self.ana.id)
    }

    fn seen_by(&self, role: Role, query: &str) -> Value {
        self.house.get(&self.house.staff(role), &self.path(query)).must(200)
    }
}

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap().clone()
}

fn codes(page: &Value) -> BTreeSet<String> {
    items(page).iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
}

fn kinds(page: &Value) -> BTreeSet<String> {
    items(page).iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_capability_adds_its_events_and_a_role_without_its_right_sees_none_of_them() {
    for house in houses() {
        let life = Life::new(house);
        for role in Role::STAFF {
            let expected: BTreeSet<String> = CONTRIBUTIONS
                .iter()
                .filter(|one| one.right.held_by(role))
                .map(|one| one.kind.to_owned())
                .collect();
            assert_eq!(kinds(&life.seen_by(role, "limit=200")), expected, "{role:?}");
            for one in CONTRIBUTIONS {
                let query = format!("kind={}", one.kind);
                let got = life.house.get(&life.house.staff(role), &life.path(&query));
                if one.right.held_by(role) {
                    assert_eq!(kinds(&got.must(200)), BTreeSet::from([one.kind.to_owned()]), "{role:?}");
                } else {
                    assert_eq!((got.status, got.code()), (403, "E_ROLE"), "{} as {role:?}", one.kind);
                }
            }
        }
        let all = codes(&life.seen_by(Role::Clinician, "limit=200"));
        for code in [
            "alert.claim",
            "alert.raised",
            "consent.granted",
            "device.bound",
            "device.unbound",
            "escalation.paged",
            "message.planned",
            "patient.corrected",
            "patient.registered",
            "reading.corrected",
            "reading.discarded",
        ] {
            assert!(all.contains(code), "{code} is not in {all:?}");
        }
        let private = BTreeSet::from(["access.export".to_owned(), "access.reveal".to_owned()]);
        assert_eq!(codes(&life.seen_by(Role::Dpo, "kind=privacy")), private);
        let none = life.house.get(&life.house.staff(Role::Dpo), &life.path("kind=nothing"));
        assert_eq!((none.status, none.code()), (422, "E_INVALID"));
    }
}

#[test]
fn an_event_says_who_did_it_what_it_is_about_and_what_a_program_may_want_of_it() {
    let life = Life::new(houses().remove(0));
    let all = items(&life.seen_by(Role::Clinician, "limit=200"));
    let find = |code: &str| all.iter().find(|item| item["code"] == code).unwrap();
    let claim = find("alert.claim");
    assert_eq!(claim["actor"], json!(format!("user:{}", life.clinician)));
    assert_eq!(
        (&claim["subject"]["noun"], &claim["fields"]["rule"]),
        (&json!("alerts"), &json!("tachycardia"))
    );
    let raised = find("alert.raised");
    assert_eq!((&raised["fields"]["peak"], &raised["masked"]), (&json!("red"), &json!(false)));
    assert_eq!(raised["subject"], claim["subject"]);
    let corrected = find("reading.corrected");
    assert_eq!(corrected["fields"]["readings"], json!({ "heart_rate": 2 }), "one event for one instant");
    assert!(!corrected.to_string().contains("72"), "no value is in it");
    assert_eq!(find("device.bound")["fields"]["label"], json!("Oxímetro"));
    // Auditors know nobody of whom they read: neither the patient nor who looked.
    let auditor = life.seen_by(Role::Auditor, "limit=200").to_string();
    assert!(!auditor.contains(&life.ana.id.to_string()) && !auditor.contains("Marialva"), "{auditor}");
}

#[test]
fn pages_of_any_size_give_what_one_query_gives_and_nothing_twice_although_more_happens_meanwhile() {
    for house in houses() {
        let life = Life::new(house);
        let token = life.house.enter(life.clinician, Role::Clinician);
        let whole = life.house.get(&token, &life.path("limit=200")).must(200);
        assert_eq!(whole["next"], json!(null));
        let whole = items(&whole);
        let mut instants: Vec<&str> = whole.iter().map(|item| item["at"].as_str().unwrap()).collect();
        let newest_first = instants.windows(2).all(|pair| pair[0] >= pair[1]);
        instants.dedup();
        assert!(newest_first && whole.len() > 20 && instants.len() < 5, "{} in {instants:?}", whole.len());
        for limit in [1, 2, 3, 5, 7, 11] {
            let (mut seen, mut before, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let page = life.house.get(&token, &life.path(&format!("limit={limit}{before}"))).must(200);
                assert!(items(&page).len() <= limit);
                seen.extend(items(&page));
                let Some(next) = page["next"].as_str() else { break };
                before = format!("&before={next}");
                pages += 1;
                if pages == 1 {
                    // Of the very instant at which the newest events stand.
                    life.correct_record();
                }
            }
            let came: Vec<&Value> = seen.iter().filter(|item| !whole.contains(item)).collect();
            assert!(came.is_empty(), "pages of {limit}: {came:?}");
            let before_it: Vec<&Value> =
                seen.iter().filter(|item| item["code"] != "patient.corrected").collect();
            let expected: Vec<&Value> =
                whole.iter().filter(|item| item["code"] != "patient.corrected").collect();
            assert_eq!(before_it, expected, "pages of {limit}");
        }
    }
}

#[test]
fn a_revocation_masks_what_judgement_said_and_hides_whom_it_called_and_what_was_measured() {
    for house in houses() {
        let life = Life::new(house);
        life.house.clock.advance(Duration::from_secs(1));
        life.house.revoke(life.ana.id, "alert.evaluate").must(201);
        let page = life.seen_by(Role::Clinician, "limit=200");
        assert_eq!(page["masked"], json!([{ "kind": "readings", "code": "E_REVOKED" }]));
        let left: BTreeSet<String> = kinds(&page);
        for kind in ["escalation", "messages", "readings"] {
            assert!(!left.contains(kind), "{kind} is told: {page}");
        }
        let alerts: Vec<Value> = items(&page).into_iter().filter(|item| item["kind"] == "alerts").collect();
        assert!(alerts.len() >= 2 && alerts.iter().all(|item| item["masked"] == json!(true)));
        let text = json!(alerts).to_string();
        assert!(!text.contains("tachycardia") && !text.contains("red"), "{text}");
        let html = life
            .house
            .get(&life.house.staff(Role::Clinician), &format!("/patients/{}/timeline", life.ana.id));
        let html = html.must(200).as_str().unwrap().to_owned();
        assert!(!html.to_lowercase().contains("taquicardia"), "{html}");
        assert!(html.contains("Alerta oculto") && html.contains("LGPD art. 8"), "{html}");
        // What a revocation hid stays hidden when the patient grants anew; the rows before it are still reached.
        life.house.clock.advance(Duration::from_secs(1));
        let agent = life.house.staff(Role::Agent);
        let term = life.house.term(&agent, "alert.evaluate");
        let body = json!({ "purpose": "alert.evaluate", "action": "grant", "term_sha256": term });
        life.house.post(&agent, &format!("/api/v1/patients/{}/consents", life.ana.id), &body).must(201);
        let page = life.seen_by(Role::Clinician, "kind=messages");
        assert_eq!((items(&page).len(), &page["next"]), (0, &json!(null)));
    }
}

#[test]
fn a_look_is_noted_at_what_a_page_shows_and_at_no_more() {
    let life = Life::new(houses().remove(0));
    let looked = |user: UserId, what: What| {
        let actor = Actor::User { id: user, role: Role::Clinician };
        let look = Look { patient: life.ana.id, what, refused: None };
        life.house.home.read(|view| is_covered(view, actor, look, NOW)).unwrap()
    };
    let (one, all) = (life.house.user(Role::Clinician, None), life.house.user(Role::Clinician, None));
    life.house.get(&life.house.enter(one, Role::Clinician), &life.path("kind=consents")).must(200);
    let noted = |user| What::ALL.into_iter().filter(|what| looked(user, *what)).collect::<Vec<_>>();
    assert_eq!(noted(one), [What::Consents]);
    life.house.get(&life.house.enter(all, Role::Clinician), &life.path("limit=200")).must(200);
    assert_eq!(noted(all), [What::Identity, What::Consents, What::Alerts, What::Readings]);
}

#[test]
fn the_page_turns_back_by_day_and_kind_and_the_patients_own_page_leads_to_it() {
    let life = Life::new(houses().remove(0));
    let now = life.house.now();
    life.house.home.keep_house(Urgency::Urgent, "test", now, |tx| past(tx, life.ana.key)).unwrap();
    let token = life.house.enter(life.clinician, Role::Clinician);
    let get = |path: &str| life.house.get(&token, path).must(200).as_str().unwrap().to_owned();
    let own = get(&format!("/patients/{}", life.ana.id));
    let place = format!("/patients/{}/timeline", life.ana.id);
    assert!(own.contains(&format!("href=\"{place}\"")));
    let first = get(&place);
    for one in CONTRIBUTIONS {
        let offered = first.contains(&format!("{place}?kind={}\"", one.kind));
        assert_eq!(offered, one.right.held_by(Role::Clinician), "{}", one.kind);
    }
    assert!(first.contains("<h2>Hoje</h2>") && first.contains("href=\"/devices/"), "{first}");
    let older = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let second = get(&older.replace("&amp;", "&").replace("&#38;", "&"));
    assert!(second.contains("Voltar ao mais recente") && second.contains("<h2>"), "{second}");
    let kind = get(&format!("{place}?kind=patients"));
    assert!(kind.contains("Cadastro corrigido") && !kind.contains("Concedido"), "{kind}");
}

/// What a long life leaves in the lists that the timeline reads, beside what others leave there.
pub(crate) fn past(tx: &mut Tx<'_>, patient: i64) -> store::Result<()> {
    let (now, weight) = (tx.now().micros(), Signal::Weight.code());
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)";
    plans::run(
        tx,
        &format!(
            "INSERT INTO patient_changes (patient_key, at, what) \
             {many} SELECT {patient}, {now} - i * 60000000, 'corrected' FROM n; \
             INSERT INTO moves (device_key, patient_key, gives, from_at, to_at, created_at, reached_at, moved, done_at) \
             {many} SELECT key, {patient}, TRUE, 0, 1, {now} - i * 60000000, 1, i % 2, 1 FROM n, devices \
             WHERE key = (SELECT MIN(key) FROM devices); \
             INSERT INTO looks (patient_key, viewer, role, what, code, listed, at) \
             {many} SELECT {patient}, 'operator', '', 'export', '', FALSE, {now} - i * 60000000 FROM n; \
             INSERT INTO quarantine (id, patient_key, device_key, reason, received, received_at, expires_at, sealed, \
             decided_at, decision) {many} SELECT 'past-' || i, {patient}, 99, 'E_CLOCK', i, 1, {now}, X'00', \
             {now} - i * 60000000, 'discarded' FROM n; \
             INSERT INTO amendments \
             (patient_key, signal, at, device_key, generation, received, amended_at, sealed, stands, supersedes) \
             {many} SELECT {patient}, {weight}, i * 1000000 + 1, 98, 1, 1, i, X'00', FALSE, TRUE FROM n"
        ),
    );
    Ok(())
}
