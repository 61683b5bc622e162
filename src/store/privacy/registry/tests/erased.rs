//! Each sealed column is under the key that the registry names, and cannot be opened once that key is destroyed.

use std::time::Duration;

use consent::{Giver, Grant, Purpose};
use diesel::prelude::*;
use diesel::sql_types::Binary;
use diesel::{QueryableByName, sql_query};

use super::super::{Form, Owner, holdings};
use crate::attachments::NewAttachment;
use crate::consents::{Hand, terms};
use crate::db::conn::on;
use crate::db::idempotency::{self, Answer, Call};
use crate::db::schema::subject_keys;
use crate::devices::status::{self, Charge};
use crate::devices::{self, bindings, commands};
use crate::keys::seal::{Broken, key_of};
use crate::messages::webhooks;
use crate::on_call::testing::person;
use crate::on_call::{certify, license};
use crate::patients::Patient;
use crate::patients::audience::Audience;
use crate::people::users;
use crate::privacy::reveals;
use crate::readings::quarantine::{self, Aside};
use crate::readings::testing::{collect, heart_rate, message};
use crate::readings::{self, Amended, Batch, By};
use crate::testing::{NOW, grant_calls, stores};
use crate::tests::{act, patient};
use crate::{
    Actor, Class, Error, Keyed, Place, Store, Subject, Tx, Urgency, alerts, consents, jobs, keys, patients,
};
use domain::alerts::{Act as Deed, Level};
use domain::attachments::{FileName, MediaType};
use domain::on_call::Licence;
use domain::{DeviceIdentity, Role, Rule};
use rules::{Change, Episode, Finding};

#[derive(QueryableByName)]
struct Blob {
    #[diesel(sql_type = Binary)]
    blob: Vec<u8>,
}

/// Every blob of a sealed column, with the subject and the class of the key that sealed it. The log keeps some bodies in
/// clear: those are nobody's.
fn sealed(store: &Store, table: &str, column: &str) -> Vec<(Vec<u8>, Subject, Class)> {
    let sql = format!("SELECT {column} AS blob FROM {table} WHERE {column} IS NOT NULL");
    let read = store.read(|view| {
        let blobs: Vec<Blob> = on!(&mut *view.conn, |c| sql_query(&sql).load(c)?);
        let mut found = Vec::new();
        for Blob { blob } in blobs {
            let key = match key_of(&blob) {
                Err(Broken::Altered) if table == "audit_bodies" => continue,
                key => key.unwrap(),
            };
            let (subject, class): (String, i16) = subject_keys::table
                .find(key.id)
                .select((subject_keys::subject, subject_keys::class))
                .get_result(view.conn)?;
            found.push((blob, Subject::parse(&subject).unwrap(), Class::from_code(class).unwrap()));
        }
        Ok(found)
    });
    read.unwrap()
}

fn columns() -> impl Iterator<Item = (&'static str, &'static str, Class, Owner)> {
    holdings().flat_map(|holding| {
        holding.columns.iter().filter_map(|column| match column.form {
            Form::Sealed(class, owner) => Some((holding.table, column.name, class, owner)),
            _ => None,
        })
    })
}

const fn is_whose(owner: Owner, subject: Subject) -> bool {
    match owner {
        Owner::Patient => matches!(subject, Subject::Patient(_)),
        Owner::User => matches!(subject, Subject::User(_)),
        Owner::Device => matches!(subject, Subject::Device(_)),
        Owner::System => matches!(subject, Subject::System),
        Owner::PatientOrDevice => matches!(subject, Subject::Patient(_) | Subject::Device(_)),
        Owner::Subject => true,
    }
}

fn house<T>(store: &Store, f: impl FnOnce(&mut Tx<'_>) -> crate::Result<T>) -> T {
    store.keep_house(Urgency::Urgent, "test", NOW, f).unwrap()
}

/// Maria has something in every sealed column that can be a patient's; her device and a clinician have the others.
fn maria(store: &Store) -> Patient {
    let maria = patient(store, "Maria");
    consented(store, &maria);
    let device = worn(store, &maria);
    measured(store, &maria, device);
    judged(store, &maria);
    asked(store, &maria);
    maria
}

fn consented(store: &Store, maria: &Patient) {
    let hand = Hand { giver: Giver::StaffAssisted, evidence: Some(serde_json::json!({ "gesture": "tap" })) };
    act(store, |tx| {
        let term = terms::current(tx, Purpose::TelemetryCollect)?.remove(0);
        let hash = hex::decode(term.text_sha256).unwrap().try_into().unwrap();
        consents::grant(tx, maria.id, Purpose::TelemetryCollect, Grant::of(hash), &hand)?;
        grant_calls(tx, maria.id)
    })
    .unwrap();
}

fn worn(store: &Store, maria: &Patient) -> i64 {
    let identity =
        DeviceIdentity { label: "Pulseira 7".into(), model: "Acme Band".into(), serial: Some("SN-1".into()) };
    let device = act(store, |tx| devices::insert(tx, &identity)).unwrap();
    act(store, |tx| bindings::bind(tx, device.id, maria.id, NOW, true)).unwrap();
    house(store, |tx| status::report(tx, device.id, b"{}"));
    house(store, |tx| status::charge(tx, device.id, device.key, Charge { at: NOW, percent: 40.0 }));
    let (body, until) = (serde_json::json!({ "every": 5 }), NOW.plus(Duration::from_secs(60)));
    let command = act(store, |tx| commands::insert(tx, device.id, &body, until)).unwrap();
    house(store, |tx| commands::reply(tx, device.id, command, &body));
    device.key
}

fn measured(store: &Store, maria: &Patient, device_key: i64) {
    let (reading, received) = (heart_rate(NOW, 71.0), message(NOW.secs(), 0));
    house(store, |tx| {
        let key = tx.key(Subject::Patient(maria.id), Class::Telemetry)?;
        let mut batch = Batch::default();
        batch.admit(&collect(), &key, maria.key, device_key, received, &[reading])?;
        readings::append(tx, &batch).map(drop)
    });
    readings::roll(store, NOW, domain::Instant::MAX).unwrap();
    let patient = Keyed { key: maria.key, id: maria.id };
    let amended = Amended { patient, device_key, reading: heart_rate(NOW, 72.0), received, by: By::Source };
    house(store, |tx| readings::amend(tx, &collect(), &amended));
    let aside = Aside {
        patient: Some(patient),
        device_key,
        subject: Subject::Patient(maria.id),
        reason: "E_IMPLAUSIBLE",
        received,
        reading: Some(heart_rate(NOW, 299.0)),
        names: None,
        payload: None,
    };
    house(store, |tx| {
        let id = quarantine::insert(tx, &aside)?;
        let item = quarantine::get(tx, id)?;
        quarantine::decide(tx, &item, maria.id, false, "solta")
    });
}

fn judged(store: &Store, maria: &Patient) {
    let ana = person(store, Role::Clinician);
    let rule = &Rule::seeds()[0];
    let opened = Change::Opened { level: Level::Red, started_at: NOW, at: NOW };
    let episode = Episode::opened(rule, &opened).unwrap();
    let finding = Finding::of(rule, Level::Red, &[]);
    let alert = act(store, |tx| {
        alerts::open(tx, Keyed { key: maria.key, id: maria.id }, rule, &episode, &finding, false)
    })
    .unwrap();
    let by = Actor::User { id: ana, role: Role::Clinician };
    let noted = |tx: &mut Tx<'_>| {
        let acted = alerts::acted(tx, alert, ana, Deed::Ack, Some("liguei para ela"));
        acted.map(drop).map_err(|_refused| Error::Conflict("refused"))
    };
    store.write(by, NOW, noted).unwrap();
    let alert = store.read(|view| Audience::program().alert(view, alert)).unwrap();
    let name = FileName::of("relato.txt", MediaType::Text);
    for bytes in [&b"um"[..], b"outro"] {
        let file = NewAttachment { name: &name, media: MediaType::Text, bytes };
        let (file, _) = store.write(by, NOW, |tx| alerts::attachments::attach(tx, alert, &file)).unwrap();
        let file = store.read(|view| Audience::program().attachment(view, file.id.into())).unwrap();
        if bytes == b"outro" {
            store
                .write(by, NOW, |tx| alerts::attachments::detach(tx, alert, file, &"engano".into()))
                .unwrap();
        }
    }
    let licence = Licence { council: "COREN-SP".parse().unwrap(), number: "123456".parse().unwrap() };
    act(store, |tx| certify(tx, ana, NOW.plus(Duration::from_secs(86_400)))).unwrap();
    act(store, |tx| license(tx, ana, Some(&licence))).unwrap();
    act(store, |tx| users::set_totp(tx, ana, Some(b"secret"), None)).unwrap();
}

fn asked(store: &Store, maria: &Patient) {
    let auditor = Actor::User { id: person(store, Role::Auditor), role: Role::Auditor };
    store.write(auditor, NOW, |tx| reveals::ask(tx, maria.id, "auditoria 12")).unwrap();
    act(store, |tx| webhooks::insert(tx, "https://ehr.example/hook", "secret")).unwrap();
    act(store, |tx| jobs::ask(tx, "test.count", None)).unwrap();
    house(store, |tx| {
        let held = jobs::run::claim(tx, &["test.count"], "a")?.unwrap();
        jobs::run::end(tx, &held, jobs::run::End::Done("ok", &serde_json::json!({ "count": 7 }), 0))
    });
    let call = Call { actor: "operator", route: "POST /api/v1/patients", key: "k", body: b"{}" };
    let answer = Answer { status: 201, body: b"Maria".to_vec() };
    house(store, |tx| idempotency::insert(tx, &call, Subject::Patient(maria.id), &answer));
}

#[test]
fn each_sealed_column_is_under_the_key_that_the_registry_names() {
    for store in stores() {
        maria(&store);
        for (table, column, class, owner) in columns() {
            let found = sealed(&store, table, column);
            assert!(!found.is_empty(), "{table}.{column}: nothing is sealed there, so nothing was shown");
            for (_, subject, sealing) in found {
                assert_eq!(sealing, class, "{table}.{column}");
                assert!(is_whose(owner, subject), "{table}.{column} is under the key of {subject:?}");
            }
        }
    }
}

#[test]
fn nothing_that_was_sealed_for_a_patient_opens_once_their_keys_are_destroyed() {
    for store in stores() {
        let (maria, bia) = (maria(&store), patient(&store, "Bia"));
        let whose = Subject::Patient(maria.id);
        for class in (1..=5).filter_map(Class::from_code) {
            act(&store, |tx| keys::destroy(tx, whose, class)).unwrap();
        }
        let mut gone = 0;
        for (table, column, ..) in columns() {
            let place = Place::new(table, column, "whichever: the key is looked for first");
            for (blob, subject, _) in sealed(&store, table, column) {
                let opened = store.read(|view| view.open(place, &blob));
                let destroyed = matches!(opened, Err(Error::Sealed(Broken::KeyDestroyed, _)));
                assert_eq!(destroyed, subject == whose, "{table}.{column} of {subject:?}: {opened:?}");
                gone += usize::from(destroyed);
            }
        }
        assert!(gone >= 10, "{gone} blobs were hers");
        assert!(store.read(|view| view.key(whose, Class::Telemetry)).is_err(), "no mask comes off");
        let other = store.read(|view| patients::get(view, &Audience::program(), bia.id)).unwrap();
        assert!(other.identity.is_some(), "somebody else is as they were");
    }
}

#[test]
fn a_destroyed_key_that_this_node_knows_only_from_a_blob_is_forgotten_too() {
    for store in stores() {
        let maria = patient(&store, "Maria");
        let named = |store: &Store| {
            store.read(|view| patients::get(view, &Audience::program(), maria.id)).unwrap().identity.is_some()
        };
        store.keys().forget_all();
        assert!(named(&store), "her name is read by the key that it names itself");
        act(&store, |tx| keys::destroy(tx, Subject::Patient(maria.id), Class::Identity)).unwrap();
        assert!(!named(&store));
    }
}
