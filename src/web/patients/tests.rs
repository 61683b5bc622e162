//! Patients, consents and what they open: readings and series.

use crate::tests::*;
use domain::{DeviceIdentity, Flags, Reading, Signal, Unit};
use store::devices::{self, bindings};
use store::patients::audience::Audience;
use store::privacy::accesses;
use store::readings::{self, Batch, ReceiptRef};
use store::{Ask, Class, Keyed, Subject, Urgency};

/// Heart rates, one a second, ending at `end`.
pub(crate) fn measure(house: &House, patient: &patients::Patient, end: Instant, values: &[f64]) {
    let now = house.now();
    let device = house.write(|tx| {
        let identity = DeviceIdentity { label: "Pulseira".into(), model: "X".into(), serial: None };
        let device = devices::insert(tx, &identity)?;
        bindings::bind(tx, device.id, patient.id, now.minus(Duration::from_secs(7_200)), true)?;
        Ok(device)
    });
    let count = u64::try_from(values.len()).unwrap();
    let readings: Vec<Reading> = (0..count)
        .zip(values)
        .map(|(i, value)| Reading {
            signal: Signal::HeartRate,
            at: end.minus(Duration::from_secs(count - 1 - i)),
            value: *value,
            unit: Unit::PerMinute,
            flags: Flags::default(),
        })
        .collect();
    house
        .home
        .keep_house(Urgency::Urgent, "test", now, |tx| {
            let key = tx.key(Subject::Patient(patient.id), Class::Telemetry)?;
            let records = store::consents::ledger::of(tx, patient.key)?;
            let subject = patients::subject(tx, patient.key, now)?;
            let context = consent::Context::system(now.micros());
            let bases = consent::Bases::default();
            let request =
                consent::Request { bases: &bases, records: &records, subject: &subject, context: &context };
            let permit = consent::decide::<consent::TelemetryCollect>(&request)?;
            let mut batch = Batch::default();
            let received = ReceiptRef::new(now.secs(), 0, 1).unwrap();
            batch.admit(&permit, &key, patient.key, device.key, received, &readings)?;
            readings::append(tx, &batch)
        })
        .unwrap();
}

#[test]
pub(crate) fn without_a_legal_basis_readings_and_series_are_refused_by_code_and_article() {
    for house in houses() {
        let ana = house.patient("Ana");
        let clinician = house.staff(Role::Clinician);
        let paths = ["readings", "series?signal=heart_rate", "latest"]
            .map(|what| format!("/api/v1/patients/{}/{what}", ana.id));
        for path in &paths {
            let got = house.get(&clinician, path);
            assert_eq!((got.status, got.code()), (403, "E_NO_RECORD"), "{path}");
            assert_eq!(got.body["article"], "LGPD art. 11 I");
        }
        house.grant_all(ana.id);
        measure(&house, &ana, house.now(), &[80.0, 81.5, 82.0]);
        let list = house.get(&clinician, &paths[0]).must(200);
        let values: Vec<f64> =
            list["items"].as_array().unwrap().iter().map(|row| row["value"].as_f64().unwrap()).collect();
        assert_eq!(values, [80.0, 81.5, 82.0]);
        assert_eq!(list["items"][0]["unit"], "/min");
        let series = house.get(&clinician, &paths[1]).must(200);
        assert_eq!((&series["signal"], &series["unit"]), (&json!("heart_rate"), &json!("/min")));
        let n: u64 = series["buckets"].as_array().unwrap().iter().map(|row| row[4].as_u64().unwrap()).sum();
        assert_eq!(n, 3);
        assert!(Instant::parse(series["buckets"][0][0].as_str().unwrap()).is_some());
        assert_eq!(house.get(&clinician, &paths[2]).must(200)["items"][0]["value"], 82.0);
        house.clock.advance(Duration::from_secs(1));
        house.revoke(ana.id, "alert.evaluate").must(201);
        for path in &paths {
            let got = house.get(&clinician, path);
            assert_eq!((got.status, got.code()), (403, "E_REVOKED"), "{path}");
            assert_eq!(got.body["article"], "LGPD art. 8 §5");
            assert_eq!(got.body["since"], json!(house.now()));
        }
    }
}

#[test]
pub(crate) fn revoking_the_parent_masks_too_and_says_which() {
    let house = houses().remove(0);
    let ana = house.patient("Ana");
    house.grant_all(ana.id);
    house.clock.advance(Duration::from_secs(1));
    house.revoke(ana.id, "telemetry.collect").must(201);
    let got = house.get(&house.staff(Role::Clinician), &format!("/api/v1/patients/{}/latest", ana.id));
    assert_eq!((got.code(), &got.body["purpose"]), ("E_REVOKED", &json!("telemetry.collect")));
}

#[test]
pub(crate) fn a_list_pages_by_its_cursor_without_gap_or_double() {
    let house = houses().remove(0);
    let ana = house.patient("Ana");
    house.grant_all(ana.id);
    let values: Vec<f64> = (0..25).map(|i| 60.0 + f64::from(i)).collect();
    measure(&house, &ana, house.now(), &values);
    let clinician = house.staff(Role::Clinician);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/patients/{}/readings?signal=heart_rate&limit=10{after}", ana.id);
        let page = house.get(&clinician, &path).must(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["value"].as_f64().unwrap()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, values);
}

#[test]
pub(crate) fn a_look_is_in_the_log_and_a_refused_one_shows_nothing() {
    let house = houses().remove(0);
    let ana = house.patient("Ana");
    let user = house.user(Role::Clinician, None);
    let clinician = house.enter(user, Role::Clinician);
    let path = format!("/api/v1/patients/{}/latest", ana.id);
    let viewer = Actor::User { id: user, role: Role::Clinician };
    let covered = || {
        let look = accesses::Look { patient: ana.id, what: accesses::What::Readings, refused: None };
        house.home.read(|view| accesses::is_covered(view, viewer, look, NOW)).unwrap()
    };
    assert_eq!(house.get(&clinician, &path).status, 403);
    assert!(!covered());
    house.grant_all(ana.id);
    house.get(&clinician, &path).must(200);
    assert!(covered());
}

#[test]
pub(crate) fn consent_is_granted_to_the_text_that_stands_refused_and_revoked_once() {
    for house in houses() {
        let ana = house.patient("Ana");
        let agent = house.staff(Role::Agent);
        let path = format!("/api/v1/patients/{}/consents", ana.id);
        let act = |who: &str, body: Value| house.post(who, &path, &body);
        let stale =
            json!({ "purpose": "telemetry.collect", "action": "grant", "term_sha256": "00".repeat(32) });
        let got = act(&agent, stale);
        assert_eq!((got.status, got.code()), (409, "E_STALE_TERM"));
        let given = house.grant(&agent, ana.id, "telemetry.collect");
        assert_eq!((&given["state"], &given["epoch"]), (&json!("granted"), &json!(1)));
        assert_eq!(given["term_sha256"], json!(house.term(&agent, "telemetry.collect")));
        let refused = act(&agent, json!({ "purpose": "alert.escalate", "action": "refuse" })).must(201);
        assert_eq!(refused["state"], "refused");
        house.clock.advance(Duration::from_secs(1));
        let first = house.revoke(ana.id, "telemetry.collect").must(201);
        let twice = house.revoke(ana.id, "telemetry.collect").must(200);
        assert_eq!((&first["epoch"], &first["id"]), (&twice["epoch"], &twice["id"]));
        let auditor = house.staff(Role::Auditor);
        let seen = house.get(&auditor, &path).must(200);
        assert_eq!(
            (seen["items"].as_array().unwrap().len(), seen["history"].as_array().unwrap().len()),
            (2, 3)
        );
        let others = consent::Purpose::ALL.iter().filter(|purpose| !purpose.is_asked());
        for purpose in others.filter(|purpose| purpose.default_basis().is_some()) {
            for action in ["grant", "refuse"] {
                let hash = "00".repeat(32);
                let body = json!({ "purpose": purpose, "action": action, "term_sha256": hash });
                let got = act(&agent, body);
                assert_eq!((got.status, got.code()), (422, "E_NOT_ASKED"), "{action} {purpose}");
            }
        }
        let unknown = act(&agent, json!({ "purpose": "sell.everything", "action": "refuse" }));
        assert_eq!(unknown.code(), "E_UNKNOWN_PURPOSE");
        // Whoever may only revoke may not grant.
        let admin = house.staff(Role::Admin);
        assert_eq!(act(&admin, json!({ "purpose": "alert.escalate", "action": "refuse" })).code(), "E_ROLE");
    }
}

#[test]
pub(crate) fn a_patient_reaches_their_own_things_and_nobody_elses() {
    let house = houses().remove(0);
    let ana = house.patient("Ana");
    let other = house.write(|tx| {
        let mut details = patients::get(tx, &Audience::program(), ana.id)?.identity.unwrap();
        details.cpf = None;
        let details = patients::Details {
            identity: details,
            zone: "America/Sao_Paulo".to_owned(),
            language: "pt-BR".to_owned(),
        };
        patients::insert(tx, &details)
    });
    let me = house.enter(house.user(Role::Patient, Some(ana.id)), Role::Patient);
    house.grant(&me, ana.id, "telemetry.collect");
    house.grant(&me, ana.id, "alert.evaluate");
    for what in ["", "/readings", "/latest", "/consents", "/devices"] {
        house.get(&me, &format!("/api/v1/patients/{}{what}", ana.id)).must(200);
        assert_eq!(house.get(&me, &format!("/api/v1/patients/{}{what}", other.id)).status, 404, "{what}");
    }
}

#[test]
pub(crate) fn a_correction_names_its_version_and_a_repeated_call_its_key() {
    for house in houses() {
        let admin = house.staff(Role::Admin);
        let body =
            json!({ "name": "Ana Souza", "birth_date": "1990-05-17", "cpf": "529.982.247-25" }).to_string();
        let headers = [("authorization", admin.as_str()), ("idempotency-key", "k-1")];
        let create = |body: &str| house.call("POST", "/api/v1/patients", &headers, Some(body));
        let first = create(&body).must(201);
        assert_eq!(create(&body).must(201), first);
        assert_eq!(create(&body.replace("Souza", "Lima")).code(), "E_IDEMPOTENCY");
        let all =
            house.home.read(|view| patients::page(view, &Audience::program(), &Ask::default())).unwrap();
        assert_eq!(all.items.len(), 1);
        let path = format!("/api/v1/patients/{}", first["id"].as_str().unwrap());
        let tag = house.get(&admin, &path).tag.unwrap();
        let patch = |tag: Option<&str>, name: &str| {
            let mut headers = vec![("authorization", admin.as_str())];
            headers.extend(tag.map(|tag| ("if-match", tag)));
            house.call("PATCH", &path, &headers, Some(&json!({ "name": name }).to_string()))
        };
        assert_eq!(patch(None, "Ana Lima").code(), "E_PRECONDITION_REQUIRED");
        let changed = patch(Some(&tag), "Ana Lima");
        assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Ana Lima")));
        assert_eq!(patch(Some(&tag), "Ana Reis").code(), "E_PRECONDITION");
        let agent = house.staff(Role::Agent);
        assert_eq!(house.get(&agent, &path).must(200)["cpf"], "***.982.247-**");
    }
}

#[test]
pub(crate) fn a_conflict_that_a_clinician_releases_takes_the_place_of_the_wrong_value() {
    use store::readings::quarantine::{self, Aside};
    for house in houses() {
        let ana = house.patient("Ana Lima");
        house.grant_all(ana.id);
        let end = house.now();
        measure(&house, &ana, end, &[70.0, 170.0]);
        let device = house.home.read(|view| readings::preference(view, ana.key)).unwrap()[0];
        let item = house.write(|tx| {
            let right = Reading {
                signal: Signal::HeartRate,
                at: end,
                value: 72.0,
                unit: Unit::PerMinute,
                flags: Flags::default(),
            };
            let aside = Aside {
                patient: Some(Keyed { key: ana.key, id: ana.id }),
                device_key: device,
                subject: Subject::Patient(ana.id),
                reason: "E_CONFLICT",
                received: ReceiptRef::new(end.secs(), 0, 2).unwrap(),
                reading: Some(right),
                names: None,
                payload: None,
            };
            tx.audit(&store::Act::new("admin.config"))?;
            quarantine::insert(tx, &aside)
        });
        let (clinician, agent) = (house.staff(Role::Clinician), house.staff(Role::Agent));
        let path = format!("/api/v1/quarantine/{item}/release");
        house.post(&agent, &path, &json!({ "reason": "a agente quer" })).must(403);
        house.post(&clinician, &path, &json!({ "reason": "medido de novo: 72" })).must(204);
        let of = |what: &str| {
            let path = format!("/api/v1/patients/{}/{what}signal=heart_rate", ana.id);
            house.get(&clinician, &path).must(200)["items"].clone()
        };
        let values: Vec<f64> =
            of("readings?").as_array().unwrap().iter().filter_map(|one| one["value"].as_f64()).collect();
        assert_eq!(values, [70.0, 72.0]);
        assert_eq!(of("readings?")[1]["flags"], json!(["corrected"]));
        assert_eq!(of("latest?")[0]["value"], 72.0);
        let old = of("superseded?");
        assert_eq!((old.as_array().unwrap().len(), old[0]["value"].as_f64()), (1, Some(170.0)));
        assert_eq!((&old[0]["superseded_by"], &old[0]["quarantine_id"]), (&json!("clinician"), &json!(item)));
        house.revoke(ana.id, "alert.evaluate");
        let masked = house.get(&clinician, &format!("/api/v1/patients/{}/superseded", ana.id));
        assert_eq!(masked.status, 403);
    }
}

#[test]
pub(crate) fn a_withdrawal_that_waits_is_shown_without_a_value_and_a_clinician_lets_it_hold() {
    use store::readings::quarantine::{self, Aside, WITHDRAWN};
    for house in houses() {
        let ana = house.patient("Ana Lima");
        house.grant_all(ana.id);
        let end = house.now();
        measure(&house, &ana, end, &[70.0, 170.0]);
        let device_key = house.home.read(|view| readings::preference(view, ana.key)).unwrap()[0];
        let wait = |at: Instant| {
            house.write(|tx| {
                tx.audit(&store::Act::new("admin.config"))?;
                let aside = Aside {
                    patient: Some(Keyed { key: ana.key, id: ana.id }),
                    device_key,
                    subject: Subject::Patient(ana.id),
                    reason: WITHDRAWN,
                    received: ReceiptRef::new(end.secs(), 0, 2).unwrap(),
                    reading: None,
                    names: Some((Signal::HeartRate, at)),
                    payload: None,
                };
                quarantine::insert(tx, &aside)
            })
        };
        let (item, of_nothing) = (wait(end), wait(end.minus(Duration::from_secs(3_600))));
        let clinician = house.staff(Role::Clinician);
        let path = format!("/api/v1/patients/{}", ana.id);
        let waiting = house.get(&clinician, &format!("{path}/quarantine")).must(200)["items"].clone();
        let shown = waiting.as_array().unwrap().iter().find(|one| one["id"] == json!(item)).unwrap();
        assert_eq!((&shown["signal"], &shown["value"]), (&json!("heart_rate"), &json!(null)));
        assert_eq!(shown["at"], json!(end));
        let why = json!({ "reason": "o sensor estava solto" });
        house.post(&clinician, &format!("/api/v1/quarantine/{item}/release"), &why).must(204);
        let left =
            house.get(&clinician, &format!("{path}/readings?signal=heart_rate")).must(200)["items"].clone();
        assert_eq!(
            left.as_array().unwrap().iter().map(|one| one["value"].as_f64()).collect::<Vec<_>>(),
            [Some(70.0)]
        );
        let gone = house.post(&clinician, &format!("/api/v1/quarantine/{of_nothing}/release"), &why);
        assert_eq!((gone.status, gone.code()), (409, "E_STATE"), "{}", gone.body);
        house.post(&clinician, &format!("/api/v1/quarantine/{of_nothing}/discard"), &why).must(204);
    }
}

#[test]
pub(crate) fn the_same_call_at_the_same_moment_gets_one_answer() {
    for house in houses() {
        let (ana, admin) = (house.patient("Ana"), house.staff(Role::Admin));
        house.grant_all(ana.id);
        let revoke = json!({ "purpose": "telemetry.collect", "action": "revoke" }).to_string();
        let add =
            json!({ "name": "Bia Lima", "birth_date": "1990-05-17", "cpf": "390.533.447-05" }).to_string();
        let consents = format!("/api/v1/patients/{}/consents", ana.id);
        let dpo = house.staff(Role::Dpo);
        for (who, path, body) in [(&dpo, consents.as_str(), &revoke), (&admin, "/api/v1/patients", &add)] {
            let headers = [("authorization", who.as_str()), ("idempotency-key", "at-once")];
            let call = |_: usize| house.call("POST", path, &headers, Some(body));
            let answers: Vec<Value> = std::thread::scope(|scope| {
                let calls: Vec<_> =
                    (0..6).map(|number| scope.spawn(move || call(number).must(201))).collect();
                calls.into_iter().map(|call| call.join().unwrap()).collect()
            });
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{path}: {answers:?}");
        }
        let all =
            house.home.read(|view| patients::page(view, &Audience::program(), &Ask::default())).unwrap();
        assert_eq!(all.items.len(), 2);
    }
}
