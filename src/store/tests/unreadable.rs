//! What an operator reads about a stored value that was altered, moved or cannot be opened any more: table, column and
//! row, and nothing of what stands there.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;

use super::{act, patient};
use crate::db::conn::on;
use crate::db::idempotency::{self, Answer, Call};
use crate::keys::seal::Broken;
use crate::messages::{self, About, New, Topic};
use crate::patients::audience::Audience;
use crate::testing::{NOW, destroy_keys, grant_calls, stores};
use crate::{Error, Keyed, Place, Result, Store, Subject, Urgency, alerts, devices, patients};
use domain::alerts::Level;
use domain::messages::{Channel, Class};
use domain::{AlertId, DeviceIdentity, Rule};
use rules::{Change, Episode, Finding};

fn tamper(store: &Store, sql: &str) {
    let run = |tx: &mut crate::Tx<'_>| Ok(on!(&mut *tx.conn, |conn| conn.batch_execute(sql))?);
    store.keep_house(Urgency::Urgent, "test", NOW, run).unwrap();
}

fn words<T: std::fmt::Debug>(read: Result<T>) -> String {
    read.unwrap_err().to_string()
}

fn alert(store: &Store, of: &patients::Patient) -> AlertId {
    let rule = &Rule::seeds()[0];
    let opened = Change::Opened { level: Level::Red, started_at: NOW, at: NOW };
    let episode = Episode::opened(rule, &opened).unwrap();
    let finding = Finding::of(rule, Level::Red, &[]);
    act(store, |tx| {
        grant_calls(tx, of.id)?;
        alerts::open(tx, Keyed { key: of.key, id: of.id }, rule, &episode, &finding, false)
    })
    .unwrap()
}

fn message(store: &Store) -> i64 {
    let new = || New {
        key: "planned".to_owned(),
        class: Class::Clinical,
        channel: Channel::Email,
        recipient: "a".to_owned(),
        template: "page",
        variables: json!({}),
        about: About::house(Topic::Engine, "planned"),
        due_at: NOW,
        not_after: NOW,
    };
    act(store, |tx| {
        tx.unchanged();
        messages::plan(tx, &new())?;
        Ok(messages::by_key(tx, "planned")?.unwrap().id)
    })
    .unwrap()
}

#[test]
fn a_value_that_was_altered_is_named_by_table_column_and_row_and_not_shown() {
    for store in stores() {
        let maria = patient(&store, "Maria");
        let (alert, message) = (alert(&store, &maria), message(&store));
        let device = DeviceIdentity { label: "A".into(), model: "B".into(), serial: None };
        let device = act(&store, |tx| devices::insert(tx, &device)).unwrap();
        tamper(&store, "UPDATE alerts SET episode = 'Maria'");
        let read = words(store.read(|view| alerts::get(view, alert)));
        assert_eq!(read, format!("a stored value is not readable: alerts.episode, row {alert}"));
        tamper(&store, "UPDATE messages SET class = 'Maria'");
        let read = words(act(&store, |tx| messages::by_key(tx, "planned")));
        assert_eq!(read, format!("a stored value is not readable: messages.class, row {message}"));
        tamper(&store, "UPDATE devices SET id = 'Maria'");
        let read = words(store.read(|view| devices::id_of(view, device.key)));
        assert_eq!(read, format!("a stored value is not readable: devices.id, row {}", device.key));
        tamper(&store, "UPDATE consents SET state = 'Maria' WHERE purpose = 'telemetry.collect'");
        let read = words(store.read(|view| crate::consents::ledger::stored(view, maria.key)));
        let row = format!("{}:telemetry.collect", maria.key);
        assert_eq!(read, format!("a stored value is not readable: consents.state, row {row}"));
    }
}

#[test]
fn a_sealed_value_that_does_not_open_names_its_place_and_why() {
    for store in stores() {
        let (ana, bia) = (patient(&store, "Ana"), patient(&store, "Bia"));
        let blob = |of: &patients::Patient| {
            let sealed = crate::db::schema::patients::table.find(of.key);
            let sealed = sealed.select(crate::db::schema::patients::identity);
            store.read(|view| Ok(sealed.get_result::<Vec<u8>>(view.conn)?)).unwrap()
        };
        let own = blob(&bia);
        let (from, to) = (ana.key, bia.key);
        tamper(
            &store,
            &format!(
                "UPDATE patients SET identity = (SELECT identity FROM patients WHERE \"key\" = {from}) WHERE \"key\" = {to}"
            ),
        );
        let moved = store.read(|view| patients::get(view, &Audience::program(), bia.id));
        assert!(matches!(moved, Err(Error::Sealed(Broken::Altered, _))), "{moved:?}");
        let place = format!("(patients.identity, row {})", bia.id);
        let moved = moved.unwrap_err();
        assert!(moved.is_the_rows());
        assert_eq!(
            moved.to_string(),
            format!("a sealed value cannot be opened {place}: the bytes were altered or moved")
        );
        assert_eq!(
            moved.without_row(),
            "a sealed value cannot be opened (patients.identity): the bytes were altered or moved"
        );

        destroy_keys(&store, Subject::Patient(bia.id));
        let id = bia.id.to_string();
        let gone = store.read(|view| view.open(Place::new("patients", "identity", &id), &own));
        assert!(matches!(gone, Err(Error::Sealed(Broken::KeyDestroyed, _))), "{gone:?}");
        assert_eq!(words(gone), format!("a sealed value cannot be opened {place}: its key was destroyed"));
        let key = store.read(|view| view.key(Subject::Patient(bia.id), crate::Class::Identity).map(drop));
        let key = words(key);
        assert!(key.starts_with("a sealed value cannot be opened (subject_keys.wrapped, row "), "{key}");
    }
}

#[test]
fn the_key_that_a_caller_chose_is_no_rows_name() {
    for store in stores() {
        let ana = patient(&store, "Ana").id;
        let call = Call { actor: "user:1", route: "POST /api/v1/patients", key: "Ana-Lima", body: b"{}" };
        let answer = Answer { status: 201, body: b"{}".to_vec() };
        let keep = |tx: &mut crate::Tx<'_>| idempotency::insert(tx, &call, Subject::Patient(ana), &answer);
        store.keep_house(Urgency::Urgent, "api", NOW, keep).unwrap();
        tamper(&store, "UPDATE idempotent_answers SET answer = (SELECT identity FROM patients)");
        let read = words(store.read(|view| idempotency::find(view, &call)));
        assert!(read.contains("(idempotent_answers.answer, row "), "{read}");
        assert!(!read.contains("Ana") && !read.contains("POST"), "{read}");
    }
}
