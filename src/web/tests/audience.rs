//! The route table walked by people who may see one patient: of another they are answered as of nobody, in every route,
//! list and count. A member of staff who is tied to a patient stands for a care team of one.

use super::*;
use crate::http::route::Row;
use crate::routes::rows;
use domain::{AlertId, DeviceId, Flags, Reading, Signal, Unit};
use store::patients::Details;
use store::patients::audience::Audience;
use store::readings::quarantine::{self, Aside};
use store::readings::{self, ReceiptRef};
use store::{Ask, Class, Keyed, Subject, devices};

/// Nobody's and nothing's.
const NONE: &str = "018f0000-0000-7000-8000-000000000001";
/// What an address names below the first id, which is nothing either.
const BELOW: &str = "018f0000-0000-7000-8000-000000000002";

/// A patient with one of everything that an address may name.
struct Someone {
    patient: patients::Patient,
    alert: String,
    attachment: String,
    device: String,
    aside: String,
    reveal: String,
}

impl Someone {
    fn new(house: &House, name: &str, auditor: &str) -> Self {
        let identity = PatientIdentity {
            name: name.parse().unwrap(),
            birth_date: NaiveDate::from_ymd_opt(1990, 5, 17).unwrap(),
            cpf: None,
            cns: None,
            email: None,
            phone: None,
        };
        let details = Details { identity, zone: "America/Sao_Paulo".into(), language: "pt-BR".into() };
        let patient = house.write(|tx| patients::insert(tx, &details));
        house.grant_all(patient.id);
        crate::patients::tests::measure(house, &patient, house.now(), &[129.0, 133.5]);
        let alert = crate::alerts::tests::raise(house, &patient).to_string();
        let attachment = crate::alerts::tests::attachments::attached(house, &alert, b"relato").to_string();
        let key = house.home.read(|view| readings::preference(view, patient.key)).unwrap()[0];
        let device = house.home.read(|view| devices::id_of(view, key)).unwrap().to_string();
        let aside = house.write(|tx| set_aside(tx, &patient, key)).to_string();
        let path = format!("/api/v1/patients/{}/reveals", patient.id);
        let asked = house.post(auditor, &path, &json!({ "reason": "2026-11/7" })).must(202);
        let reveal = asked["id"].as_str().unwrap().to_owned();
        Self { patient, alert, attachment, device, aside, reveal }
    }

    /// The id of theirs that an address names first; `None` for one that names nobody.
    fn named_by(&self, path: &str) -> Option<String> {
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        Some(match path.split("/{id}").next().filter(|kind| *kind != path)? {
            "/patients" => self.patient.id.to_string(),
            "/alerts" => self.alert.clone(),
            "/devices" => self.device.clone(),
            "/quarantine" => self.aside.clone(),
            "/reveals" => self.reveal.clone(),
            _ => return None,
        })
    }
}

fn set_aside(tx: &mut Tx<'_>, patient: &patients::Patient, device_key: i64) -> store::Result<uuid::Uuid> {
    let reading = Reading {
        signal: Signal::HeartRate,
        at: NOW,
        value: 72.0,
        unit: Unit::PerMinute,
        flags: Flags::default(),
    };
    let aside = Aside {
        patient: Some(Keyed { key: patient.key, id: patient.id }),
        device_key,
        subject: Subject::Patient(patient.id),
        reason: "E_CONFLICT",
        received: ReceiptRef::new(NOW.secs(), 0, 2).unwrap(),
        reading: Some(reading),
        names: None,
        payload: None,
    };
    tx.key_or_new(Subject::Patient(patient.id), Class::Telemetry)?;
    tx.audit(&store::Act::new("admin.config"))?;
    quarantine::insert(tx, &aside)
}

/// Whatever a route asks for besides the id, so that nothing but the id decides.
fn sent(row: &Row, ana: &Someone, now: Instant) -> (String, Option<String>, &'static str) {
    let act = match row.path {
        "/alerts/{id}/{act}" => "claim",
        "/alerts/{id}/sla/{act}" => "pause",
        "/devices/{id}/{act}" => "disable",
        "/quarantine/{id}/{act}" => "release",
        _ => "open",
    };
    let path = row.path.replace("{act}", act).replace("{token}", BELOW).replace("{command}", BELOW);
    // Theirs in each answer: with another case it is nobody's.
    let path = path.replace("{attachment}", &ana.attachment);
    let path = if path.ends_with("/series") { format!("{path}?signal=heart_rate") } else { path };
    if row.method == "DELETE" && row.path.ends_with("{attachment}") {
        return (path, Some(json!({ "reason": "engano" }).to_string()), "application/json");
    }
    if row.method == "GET" || row.method == "DELETE" {
        return (path, None, "application/json");
    }
    if path.starts_with("/alerts/") && path.ends_with("/attachments") {
        let form =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\na\r\n--b--\r\n";
        return (path, Some(form.to_owned()), "multipart/form-data; boundary=b");
    }
    if !path.starts_with("/api/") {
        let form = "reason=porque+sim&pause=waiting_patient&purpose=telemetry.collect&action=revoke";
        return (path, Some(form.to_owned()), "application/x-www-form-urlencoded");
    }
    let until = now.plus(Duration::from_secs(600));
    let body = match row.path.rsplit('/').next().unwrap() {
        "consents" => json!({ "purpose": "telemetry.collect", "action": "revoke" }),
        "reveals" => json!({ "reason": "2026-11/8" }),
        "snooze" => json!({ "until": until, "note": "em exame" }),
        "resolve" => json!({ "outcome": "other", "note": "visto" }),
        "reassign" => json!({ "to": NONE }),
        "escalate" => json!({ "seen": now }),
        "pause" => json!({ "reason": "waiting_patient" }),
        "bind" => json!({ "patient_id": ana.patient.id }),
        "commands" => json!({ "body": {} }),
        "release" | "discard" => json!({ "reason": "medido de novo" }),
        _ => json!({}),
    };
    (path, Some(body.to_string()), "application/json")
}

/// What an answer says, without the id that was asked for.
fn answer(house: &House, token: &str, row: &Row, ana: &Someone, id: &str) -> (u16, String) {
    let (path, body, kind) = sent(row, ana, house.now());
    let headers = [
        ("authorization", token),
        ("content-type", kind),
        ("if-match", "\"1\""),
        ("sec-fetch-site", "same-origin"),
    ];
    let bodiless = row.path.starts_with("/api/") && !crate::http::openapi::takes_body(&row.method, row.path);
    let body = body.filter(|_| !bodiless);
    let got = house.call(row.method.as_str(), &path.replace("{id}", id), &headers, body.as_deref());
    (got.status, got.body.to_string().replace(id, "ID"))
}

/// Ana, Bia, and whoever walks the table: of each role one who sees Ana alone, and a patient who is Ana.
fn walkers(house: &House) -> (Someone, Someone, Vec<(Role, UserId)>) {
    let auditor = house.staff(Role::Auditor);
    let ana = Someone::new(house, "Anastácia", &auditor);
    let bia = Someone::new(house, "Bianca", &auditor);
    let of = |role: Role| {
        let user = house.user(role, (role == Role::Patient).then_some(ana.patient.id));
        store::testing::tie(&house.home, user, ana.patient.id);
        (role, user)
    };
    let people = Role::ALL.into_iter().map(of).collect();
    (ana, bia, people)
}

#[test]
fn whoever_may_see_one_patient_is_answered_of_another_as_of_nobody_on_every_route() {
    for house in houses() {
        let (ana, bia, people) = walkers(&house);
        let (mut outside, mut inside) = (0, 0);
        for row in rows() {
            let Some(theirs) = bia.named_by(row.path) else { continue };
            for (role, user) in people.iter().filter(|(role, _)| row.admits(Some(*role))) {
                let token = house.enter(*user, *role);
                let unknown = answer(&house, &token, &row, &ana, NONE);
                let refused = answer(&house, &token, &row, &ana, &theirs);
                let what = format!("{} {} as {role:?}", row.method, row.path);
                assert_eq!(refused, unknown, "{what} tells that there is one");
                // An act that is the DPO's alone is refused to the auditor before anybody is looked up, and the reverse.
                assert!(
                    refused.0 == 404 || refused.0 == 403 && row.path.contains("/{act}"),
                    "{what}: {refused:?}"
                );
                outside += 1;
                // What only reads shows the same of whom they may see.
                if row.method == "GET" && *role != Role::Patient {
                    let own = ana.named_by(row.path).unwrap();
                    let (status, body) = answer(&house, &token, &row, &ana, &own);
                    let bare = row.path.ends_with("/escalation") || row.path.contains("{attachment}");
                    assert!(bare || status != 404, "{what}, who may see them: {status} {body}");
                    assert!(!body.contains("Bianca"), "{what} names another");
                    inside += 1;
                }
            }
        }
        assert!(outside > 100 && inside > 40, "{outside} {inside}");
        let open = house.home.read(|view| {
            let alert = Audience::program().alert(view, bia.alert.parse::<AlertId>().unwrap())?;
            Audience::program().device(view, bia.device.parse::<DeviceId>().unwrap())?;
            store::alerts::get(view, alert.id())
        });
        assert_eq!(open.unwrap().version, 1, "nothing was done to what lies outside");
    }
}

#[test]
fn lists_and_counts_hold_whom_their_reader_may_see_and_nobody_else() {
    for house in houses() {
        let (ana, bia, people) = walkers(&house);
        let theirs = [&bia.patient.id.to_string(), &bia.alert, &bia.device, &bia.reveal, "Bianca"];
        let mut shown = 0;
        for row in rows().iter().filter(|row| row.method == "GET" && !row.path.contains('{')) {
            if row.path == "/api/v1/live" || row.path.contains("/audit/export") {
                continue;
            }
            for (role, user) in people.iter().filter(|(role, _)| row.admits(Some(*role))) {
                let text = house.get(&house.enter(*user, *role), row.path).body.to_string();
                for id in theirs {
                    assert!(!text.contains(id), "{} shows {id} to {role:?}", row.path);
                }
                let own = [&ana.patient.id.to_string(), &ana.alert, &ana.device, &ana.reveal];
                shown += usize::from(own.into_iter().any(|id| text.contains(id.as_str())));
            }
        }
        assert!(shown > 20, "{shown}");
        let user = house.home.read(|view| users::get(view, people[0].1)).unwrap();
        let counts = house.home.read(|view| {
            let (own, all) = (user.audience(), Audience::program());
            let many = Ask::default();
            assert_eq!(patients::page(view, &own, &many)?.items.len(), 1);
            assert_eq!(devices::page(view, &own, &many)?.items.len(), 1);
            Ok([
                (patients::count(view, &own)?, patients::count(view, &all)?),
                (devices::count(view, &own)?, devices::count(view, &all)?),
            ])
        });
        assert_eq!(counts.unwrap(), [(1, 2), (1, 2)]);
    }
}

#[test]
fn what_a_body_names_is_looked_up_among_whom_its_sender_may_see() {
    for house in houses() {
        let (ana, bia, people) = walkers(&house);
        let by = |role: Role| house.enter(people.iter().find(|one| one.0 == role).unwrap().1, role);
        let ack = |id: &str| {
            let answer = house.post(&by(Role::Clinician), "/api/v1/alerts/ack", &json!({ "alerts": [id] }));
            answer.must(200)["items"][0]["code"].clone()
        };
        assert_eq!([ack(&bia.alert), ack(NONE)], [json!("E_NOT_FOUND"), json!("E_NOT_FOUND")]);
        assert_eq!(ack(&ana.alert), Value::Null);
        let bind = |device: &str, patient: &str| {
            let body = json!({ "patient_id": patient });
            let got = house.post(&by(Role::Technician), &format!("/api/v1/devices/{device}/bind"), &body);
            (got.status, got.body.to_string())
        };
        assert_eq!(bind(&ana.device, &bia.patient.id.to_string()), bind(&ana.device, NONE));
        let alerts = |patient: &str| {
            let got = house.get(&by(Role::Clinician), &format!("/api/v1/alerts?patient_id={patient}"));
            (got.status, got.body.to_string())
        };
        assert_eq!(alerts(&bia.patient.id.to_string()), alerts(NONE));
        assert_eq!(alerts(NONE).0, 404);
        assert_eq!(alerts(&ana.patient.id.to_string()).0, 200);
        let next = |alert: &str| {
            let got = house.get(&by(Role::Manager), &format!("/api/v1/on-call/capacity?alert_id={alert}"));
            (got.status, got.body.to_string())
        };
        assert_eq!((next(&bia.alert), next(NONE).0), (next(NONE), 404));
        assert_eq!(next(&ana.alert).0, 200);
    }
}
