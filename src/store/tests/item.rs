//! One thing of a batch that fails leaves nothing, and what was done beside it stays.

use diesel::prelude::*;
use serde_json::json;

use super::{act, entries};
use crate::db::schema::audit_bodies;
use crate::db::settings;
use crate::live::signals;
use crate::people::users::{self, NewUser};
use crate::testing::{NOW, stores};
use crate::{Act, Class, Error, Place, Result, Store, Subject, Touched, Tx};
use domain::{Role, StaffIdentity, UserId};

fn entry(tx: &mut Tx<'_>, kind: &'static str) -> Result<()> {
    tx.audit(&Act::new(kind).body(json!({ "row": kind })))
}

/// Does everything that a transaction can leave behind, then fails.
fn failing(tx: &mut Tx<'_>, subject: Subject) -> Result<()> {
    settings::set(tx, "colour", "red")?;
    entry(tx, "engine.quarantined")?;
    tx.signal("alert.changed", "undone")?;
    tx.tell_nodes("alert.changed", "undone");
    tx.touch(Touched::Rules);
    tx.key_or_new(subject, Class::Audit)?;
    Err(Error::Conflict("no"))
}

fn bodies(store: &Store) -> i64 {
    store.read(|view| Ok(audit_bodies::table.count().get_result(view.conn)?)).unwrap()
}

#[test]
fn an_item_that_fails_leaves_no_entry_no_body_no_word_and_no_change() {
    for store in stores() {
        let subject = Subject::User(UserId::new(NOW));
        let before = (entries(&store, "admin.config"), bodies(&store));
        let last = store.read(signals::newest).unwrap();
        let mut announced = store.signals();
        drop(store.take_touched());
        act(&store, |tx| {
            entry(tx, "engine.lapse")?;
            assert!(tx.item(|tx| failing(tx, subject)).is_err());
            tx.item(|tx| entry(tx, "engine.lapse"))?;
            tx.signal("config.changed", "done")
        })
        .unwrap();
        assert_eq!((entries(&store, "engine.lapse"), entries(&store, "engine.quarantined")), (2, 0));
        assert_eq!((entries(&store, "admin.config"), bodies(&store)), (before.0, before.1 + 2));
        assert_eq!(store.read(|view| settings::get(view, "colour")).unwrap(), None);
        let stored = store.read(|view| signals::after(view, last, 9)).unwrap().unwrap();
        assert_eq!(stored.iter().map(|one| one.subject.as_str()).collect::<Vec<_>>(), ["done"]);
        assert_eq!(store.take_touched(), []);
        crate::tests::hears(&mut announced, "config.changed", &"done");
        assert!(announced.try_recv().is_err(), "nothing else was told");
    }
}

#[test]
fn an_item_that_fails_answers_for_no_other_change() {
    for store in stores() {
        let silent = act(&store, |tx| {
            assert!(tx.item(|tx| failing(tx, Subject::System)).is_err());
            settings::save(tx, "colour", "blue")
        });
        assert!(matches!(silent, Err(Error::Unaudited)), "{silent:?}");
        assert_eq!(store.read(|view| settings::get(view, "colour")).unwrap(), None);
    }
}

#[test]
fn a_key_that_an_item_made_and_lost_seals_nothing() {
    for store in stores() {
        let subject = Subject::User(UserId::new(NOW));
        let place = Place::new("audit_bodies", "bytes", "a");
        let blob = act(&store, |tx| {
            assert!(tx.item(|tx| failing(tx, subject)).is_err());
            entry(tx, "engine.lapse")?;
            tx.seal(subject, Class::Audit, place, b"kept")
        });
        let blob = blob.unwrap();
        let again = store.reopened().unwrap();
        assert_eq!(again.read(|view| view.open(place, &blob)).unwrap(), b"kept");
    }
}

#[test]
fn a_key_that_was_looked_at_before_its_commit_failed_is_forgotten_with_it() {
    for store in stores() {
        let subject = Subject::User(UserId::new(NOW));
        let place = Place::new("audit_bodies", "bytes", "a");
        let lost = act(&store, |tx| {
            tx.key_or_new(subject, Class::Audit)?;
            tx.key(subject, Class::Audit)?;
            Err::<(), _>(Error::Conflict("no"))
        });
        assert!(lost.is_err());
        let sealed = act(&store, |tx| {
            let item = tx.item(|tx| {
                tx.key_or_new(subject, Class::Audit)?;
                tx.key(subject, Class::Audit)?;
                Err::<(), _>(Error::Conflict("no"))
            });
            assert!(item.is_err());
            entry(tx, "engine.lapse")?;
            tx.seal(subject, Class::Audit, place, b"kept")
        });
        let blob = sealed.unwrap();
        let again = store.reopened().unwrap();
        assert_eq!(again.read(|view| view.open(place, &blob)).unwrap(), b"kept");
    }
}

#[test]
fn a_user_whose_act_failed_does_not_stand_in_the_way_of_the_next_one() {
    for store in stores() {
        let identity = StaffIdentity {
            name: "Ana Lima".parse().unwrap(),
            email: "ana@clinica.example".parse().unwrap(),
        };
        let new = NewUser { identity, role: Role::Agent, password: None, patient: None };
        let lost =
            act(&store, |tx| users::insert(tx, &new).and_then(|_user| Err::<(), _>(Error::Conflict("no"))));
        assert!(lost.is_err());
        let again = act(&store, |tx| users::insert(tx, &new));
        assert!(again.is_ok(), "{again:?}");
    }
}
