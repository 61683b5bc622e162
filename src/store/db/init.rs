//! The first rows of a database: the epochs of its key-encryption keys, the system's own keys, its name.
//! Opening checks that key files and database belong together before anything is read or sealed.

use std::collections::HashMap;

use consent::{Controller, Term};
use diesel::prelude::*;

use super::conn::{Conn, on};
use super::error::{Error, Result};
use super::schema::kek_epochs;
use super::settings;
use crate::consents::terms;
use crate::health::nodes;
use crate::keys::kek::Keks;
use crate::keys::{Class, Subject};
use crate::{Act, Actor, Store};
use domain::Instant;
use domain::id::uuid_at;

/// Makes what a database needs before its first use: keys, name, first terms. May run again: what is there
/// stays.
///
/// # Errors
/// A [`consent::TermFault`] when the controller's details make no valid term; database errors.
pub fn initialise(store: &Store, controller: &Controller, now: Instant) -> Result<()> {
    if store.read(|view| settings::get(view, settings::INSTANCE))?.is_some() {
        return Ok(());
    }
    store.write(Actor::System("init"), now, |tx| {
        for class in Class::ALL {
            tx.key_or_new(Subject::System, class)?;
        }
        settings::set(tx, settings::ORGANISATION, &controller.name)?;
        let (name, contact) = (controller.dpo_name.clone(), controller.dpo_contact.clone());
        settings::set_officer(tx, &settings::Officer { name, contact })?;
        settings::set(tx, settings::INSTANCE, &uuid_at(now).to_string())?;
        let seeds = Term::seeds(controller)?;
        for texts in seeds.chunk_by(|one, next| one.purpose() == next.purpose()) {
            terms::publish(tx, texts, "zelo", &controller.dpo_name)?;
        }
        tx.audit(&Act::new("key.created").body(serde_json::json!({ "subject": Subject::System.name() })))
    })
}

/// Whether [`initialise`] ran.
///
/// # Errors
/// Database errors.
pub fn is_initialised(store: &Store) -> Result<bool> {
    Ok(store.read(|view| settings::get(view, settings::INSTANCE))?.is_some())
}

/// Holds the key files against the epochs that the database knows, and records new epochs.
///
/// # Errors
/// [`Error::Keys`] when a file is another key than the one this database was sealed with, one is missing, or one is new
/// while other nodes serve that cannot have it.
pub(crate) fn fit_keys(conn: &mut Conn, keks: &Keks, now: Instant) -> Result<()> {
    let files: HashMap<i64, [u8; 32]> =
        keks.fingerprints().map(|(epoch, print)| (i64::from(epoch), print)).collect();
    let rows: Vec<(i64, Vec<u8>, Option<i64>)> = kek_epochs::table
        .select((kek_epochs::epoch, kek_epochs::fingerprint, kek_epochs::retired_at))
        .order(kek_epochs::epoch)
        .load(conn)?;
    for (epoch, fingerprint, retired) in &rows {
        match files.get(epoch) {
            Some(print) if print.as_slice() == fingerprint.as_slice() => {}
            Some(_other) => {
                return Err(Error::Keys(format!(
                    "kek-{epoch}.key is not the key this database was sealed with: put the right file in the keys directory"
                )));
            }
            None if retired.is_some() => {}
            None => {
                return Err(Error::Keys(format!(
                    "kek-{epoch}.key is missing: put it back in the keys directory from where it is kept"
                )));
            }
        }
    }
    let known = |epoch: &i64| rows.iter().any(|(row, ..)| row == epoch);
    // What is wrapped under a key that another node has not can be read there by nobody: no device is let in, and a
    // revocation finds no patient.
    if let Conn::Pg(pg) = &mut *conn
        && !rows.is_empty()
        && let Some(new) = files.keys().find(|epoch| !known(epoch))
    {
        let others = nodes::others(pg, "")?;
        if !others.is_empty() {
            return Err(Error::Keys(format!(
                "kek-{new}.key is new to this database, and other nodes serve from it that do not have it: {others}. Stop \
                 them all, copy the file into the keys directory of each, then start them; one that was lost is gone a \
                 minute after it last spoke"
            )));
        }
    }
    for (epoch, print) in files.iter().filter(|(epoch, _)| !known(epoch)) {
        let row = (
            kek_epochs::epoch.eq(epoch),
            kek_epochs::fingerprint.eq(print.as_slice()),
            kek_epochs::created_at.eq(now.micros()),
        );
        on!(&mut *conn, |conn| diesel::insert_into(kek_epochs::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, bare, stores};
    use crate::{Urgency, Url};
    use domain::Clock;

    #[test]
    fn initialising_twice_changes_nothing() {
        for store in stores() {
            let before = store.read(|view| settings::get(view, settings::INSTANCE)).unwrap();
            initialise(&store, &Controller::demo(), NOW).unwrap();
            assert_eq!(store.read(|view| settings::get(view, settings::INSTANCE)).unwrap(), before);
            assert!(is_initialised(&store).unwrap());
        }
        for store in bare() {
            assert!(!is_initialised(&store).unwrap());
        }
    }

    #[test]
    fn a_new_key_waits_until_no_node_serves_without_it() {
        for store in stores() {
            let now = Clock::System.now();
            let node = nodes::Node { id: "a".into(), home: "one:/data".into(), number: None };
            let seat = store
                .keep_house(Urgency::Urgent, "test", now, |tx| {
                    nodes::take(tx, &node, nodes::Clocks::agree(now))
                })
                .unwrap();
            Keks::generate(&store.dir().join("keys"), 2).unwrap();
            let early = store.reopened().err().map(|error| error.to_string());
            // On SQLite there is one process.
            let Url::Postgres(_) = store.url() else {
                assert_eq!(early, None);
                continue;
            };
            let early = early.unwrap();
            assert!(early.starts_with("kek-2.key is new") && early.contains("0 (one:/data)"), "{early}");
            store.keep_house(Urgency::Urgent, "test", now, |tx| nodes::leave(tx, seat, "a")).unwrap();
            drop(store.reopened().unwrap());
            // Whoever starts after that has it or is refused by name.
            store
                .keep_house(Urgency::Urgent, "test", now, |tx| {
                    nodes::take(tx, &node, nodes::Clocks::agree(now))
                })
                .unwrap();
            store.reopened().unwrap();
        }
    }

    #[test]
    fn another_key_and_a_missing_key_are_both_refused_by_name() {
        for store in stores() {
            let keys = store.dir().join("keys");
            Keks::generate(&keys, 2).unwrap();
            store.reopened().unwrap();
            std::fs::rename(keys.join("kek-1.key"), store.dir().join("away")).unwrap();
            let missing = store.reopened().err().unwrap().to_string();
            assert!(missing.starts_with("kek-1.key is missing"), "{missing}");
            Keks::generate(&keys, 1).unwrap();
            let other = store.reopened().err().unwrap().to_string();
            assert!(other.starts_with("kek-1.key is not the key"), "{other}");
        }
    }
}
