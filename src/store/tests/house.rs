//! Access entries, stored answers and signals to dashboards.

use std::sync::Barrier;

use diesel::prelude::*;

use super::{act, entries, patient};
use crate::db::idempotency::{self, Answer, Call};
use crate::db::schema::patients;
use crate::db::settings;
use crate::live::signals;
use crate::privacy::accesses::{self, COVERS, Look, What};
use crate::testing::{NOW, stores};
use crate::{Actor, Error, Result, Store, Subject, Tx, Urgency, Url};
use domain::{Role, UserId};

#[test]
fn looks_are_in_the_log_once_in_five_minutes_per_viewer_patient_and_thing() {
    for store in stores() {
        let (ana, bia) = (patient(&store, "Ana"), patient(&store, "Bia"));
        let viewer = |role| Actor::User { id: UserId::new(NOW), role };
        let (one, two) = (viewer(Role::Clinician), viewer(Role::Agent));
        let at = |who: &crate::patients::Patient, what, refused| Look { patient: who.id, what, refused };
        let look = |who, seen: &[Look], now| {
            accesses::witness(&store, who, Some("patients"), &seen.iter().copied().collect(), now).unwrap();
        };
        let written = || entries(&store, "access.read");
        let readings = at(&ana, What::Readings, None);
        look(one, &[readings], NOW);
        look(one, &[readings], NOW);
        assert_eq!(written(), 1);
        look(two, &[readings], NOW);
        look(one, &[at(&ana, What::Consents, None)], NOW);
        look(one, &[at(&ana, What::Readings, Some("E_REVOKED"))], NOW);
        assert_eq!(written(), 4, "another viewer, another thing, a refusal");
        let list = [at(&ana, What::Identity, None), at(&bia, What::Identity, None)];
        look(two, &list, NOW);
        look(two, &list, NOW);
        assert_eq!(written(), 5, "a list is one entry");
        look(one, &[readings], NOW.plus(COVERS));
        assert_eq!(written(), 6);
        let of = |who: &crate::patients::Patient| {
            store.read(|view| accesses::of_patient(view, who.key, None, 10)).unwrap()
        };
        let access: Vec<_> =
            of(&ana).into_iter().map(|access| (access.what, access.refused, access.listed)).collect();
        assert_eq!(access.len(), 6);
        assert!(access.contains(&(What::Readings, Some("E_REVOKED".to_owned()), false)));
        assert_eq!(of(&bia).len(), 1);
        let stranger = Look { patient: domain::PatientId::new(NOW), ..readings };
        look(one, &[stranger], NOW);
        assert_eq!(written(), 6, "nobody was looked at");
    }
}

#[test]
fn a_repeated_call_gets_the_first_answer_and_another_body_is_refused() {
    for store in stores() {
        let ana = patient(&store, "Ana").id;
        let call =
            Call { actor: "user:1", route: "POST /api/v1/patients", key: "k-1", body: b"{\"name\":\"Ana\"}" };
        let answer = Answer { status: 201, body: b"{\"id\":1}".to_vec() };
        let find = |call: &Call<'_>| store.read(|view| idempotency::find(view, call));
        assert_eq!(find(&call).unwrap(), None);
        let keep = || {
            store.keep_house(Urgency::Urgent, "api", NOW, |tx| {
                idempotency::insert(tx, &call, Subject::Patient(ana), &answer)
            })
        };
        keep().unwrap();
        assert!(matches!(keep(), Err(Error::Conflict(_))));
        assert_eq!(find(&call).unwrap(), Some(answer.clone()));
        assert_eq!(find(&Call { actor: "user:2", ..call }).unwrap(), None);
        let other = find(&Call { body: b"{}", ..call });
        assert!(matches!(other, Err(Error::Refused { code: "E_IDEMPOTENCY", .. })));
        let later = NOW.plus(idempotency::RETENTION).plus(COVERS);
        assert_eq!(store.keep_house(Urgency::Patient, "retention", later, idempotency::prune).unwrap(), 1);
        assert_eq!(find(&call).unwrap(), None);
    }
}

#[test]
fn a_listener_that_comes_back_hears_what_it_missed_or_is_told_to_start_anew() {
    for store in stores() {
        patient(&store, "Ana");
        let last = store.read(signals::newest).unwrap();
        let bia = patient(&store, "Bia").id;
        let missed = store.read(|view| signals::after(view, last, 100)).unwrap().unwrap();
        assert_eq!(missed.len(), 1);
        assert_eq!(
            (missed[0].name.as_str(), missed[0].subject.clone()),
            ("patient.changed", bia.to_string())
        );
        assert_eq!(store.read(|view| signals::after(view, last + 1_000, 100)).unwrap(), None);
        let later = NOW.plus(COVERS);
        store.keep_house(Urgency::Patient, "retention", later, |tx| signals::prune(tx, later)).unwrap();
        assert_eq!(store.read(|view| signals::after(view, last, 100)).unwrap(), None);
    }
}

#[test]
fn a_change_without_an_entry_is_not_committed() {
    for store in stores() {
        let silent = act(&store, |tx| tx.signal("patient.changed", "y"));
        assert!(matches!(silent, Err(Error::Unaudited)));
        let undone = act(&store, |tx| {
            settings::set(tx, "colour", "red")?;
            Err::<(), _>(Error::Conflict("no"))
        });
        assert!(undone.is_err());
        assert_eq!(store.read(|view| settings::get(view, "colour")).unwrap(), None);
    }
}

#[test]
fn an_act_that_postgresql_gives_up_for_another_is_done_all_the_same() {
    for store in stores().into_iter().filter(|store| matches!(store.url(), Url::Postgres(_))) {
        let keys = [patient(&store, "Ana").key, patient(&store, "Bia").key];
        let both = Barrier::new(2);
        let change = |tx: &mut Tx<'_>, key: i64| -> Result<()> {
            let row = diesel::update(patients::table.find(key));
            row.set(patients::version.eq(patients::version + 1)).execute(tx.conn)?;
            Ok(())
        };
        // Each changes one row, waits until the other has changed the other row, and wants that one too.
        let runs = std::thread::scope(|scope| {
            let (store, both): (&Store, _) = (&store, &both);
            let acts = [[keys[0], keys[1]], [keys[1], keys[0]]].map(|[first, second]| {
                scope.spawn(move || {
                    let mut runs = 0;
                    let done = act(store, |tx| {
                        change(tx, first)?;
                        if runs == 0 {
                            both.wait();
                        }
                        runs += 1;
                        change(tx, second)?;
                        tx.unchanged();
                        Ok(())
                    });
                    done.map(|()| runs)
                })
            });
            acts.map(|act| act.join().unwrap().unwrap()).iter().sum::<i32>()
        });
        assert!(runs >= 3, "one of the two was given up, and done again: {runs}");
        for key in keys {
            let version: i64 = store
                .read(|view| Ok(patients::table.find(key).select(patients::version).get_result(view.conn)?))
                .unwrap();
            assert_eq!(version, 3, "each change is there once");
        }
    }
}
