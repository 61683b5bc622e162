//! Consent, from the text shown to the row that is enforced.

use std::time::Duration;

use consent::{
    Change, Code, Controller, Giver, Grant, Lang, Ledger, Purpose, Records, Request, State, TelemetryCollect,
    Term, Version,
};

use super::{act, entries, patient};
use crate::consents::{self, Hand, Outcome};
use crate::consents::{ledger, terms};
use crate::patients::audience::Audience;
use crate::testing::{NOW, stores};
use crate::tests::hears;
use crate::{Actor, Ask, Error, Result, Store, Touched, Urgency, Url};
use diesel::RunQueryDsl;
use domain::PatientId;

const COLLECT: Purpose = Purpose::TelemetryCollect;

fn hash(store: &Store, purpose: Purpose) -> [u8; 32] {
    let current = store.read(|view| terms::current(view, purpose)).unwrap();
    let text = current.iter().find(|term| term.lang == Lang::PtBr).unwrap();
    hex::decode(&text.text_sha256).unwrap().try_into().unwrap()
}

fn grant(store: &Store, who: PatientId) -> Result<Outcome> {
    let yes = Grant::of(hash(store, COLLECT));
    act(store, |tx| consents::grant(tx, who, COLLECT, yes.clone(), &Giver::Subject.into()))
}

fn revoke(store: &Store, who: PatientId) -> Result<Outcome> {
    store.write(Actor::Operator, NOW.plus(Duration::from_secs(1)), |tx| {
        consents::revoke(tx, who, COLLECT, &Giver::Subject.into())
    })
}

fn next_version(change: Change) -> Vec<Term> {
    Term::seeds(&Controller::demo())
        .unwrap()
        .into_iter()
        .filter(|term| term.purpose() == COLLECT)
        .map(|term| {
            let text = term.text().replace("Clínica Zelo", "Clínica Zelo Nova");
            Term::new(COLLECT, term.lang(), Version(1, 1, 0), change, text).unwrap()
        })
        .collect()
}

#[test]
fn a_grant_and_its_revocation_leave_event_row_entry_and_word() {
    for store in stores() {
        let ana = patient(&store, "Ana");
        drop(store.take_touched());
        let mut announced = store.signals();
        let given = grant(&store, ana.id).unwrap();
        assert_eq!((given.record.state, given.record.epoch, given.changed), (State::Granted, 1, true));
        hears(&mut announced, "consent.changed", &ana.id);
        assert_eq!(store.take_touched(), [Touched::Patient(ana.key)]);
        let taken = revoke(&store, ana.id).unwrap();
        assert_eq!((taken.record.state, taken.record.epoch), (State::Revoked, 2));
        let twice = revoke(&store, ana.id).unwrap();
        assert_eq!((twice.id, twice.record.epoch, twice.changed), (taken.id, 2, false));
        assert_eq!((entries(&store, "consent.granted"), entries(&store, "consent.revoked")), (1, 1));
        let history = store.read(|view| {
            let ana = Audience::program().patient(view, ana.id)?;
            consents::history(view, ana, &Ask::default())
        });
        let history = history.unwrap().items;
        assert_eq!(history.iter().map(|entry| entry.epoch).collect::<Vec<_>>(), [1, 2]);
    }
}

#[test]
fn folding_the_stored_events_gives_the_stored_rows() {
    for store in stores() {
        let ana = patient(&store, "Ana");
        grant(&store, ana.id).unwrap();
        revoke(&store, ana.id).unwrap();
        grant(&store, ana.id).unwrap();
        let by = Giver::StaffAssisted.into();
        act(&store, |tx| consents::refuse(tx, ana.id, Purpose::AlertEscalate, &by)).unwrap();
        let (events, rows) = store
            .read(|view| Ok((consents::events(view, ana.key)?, ledger::stored(view, ana.key)?)))
            .unwrap();
        let folded = Ledger::fold(&events).unwrap();
        for purpose in Purpose::ALL {
            assert_eq!(folded.record(*purpose), rows.record(*purpose), "{purpose}");
        }
        assert_eq!(rows.record(COLLECT).unwrap().epoch, 3);
    }
}

#[test]
fn a_text_that_is_not_current_carries_no_grant() {
    for store in stores() {
        let ana = patient(&store, "Ana");
        let old = hash(&store, COLLECT);
        act(&store, |tx| terms::publish(tx, &next_version(Change::None), "a", "b")).unwrap();
        for wrong in [old, [7; 32], hash(&store, Purpose::CareRemind)] {
            let yes = Grant::of(wrong);
            let stale =
                act(&store, |tx| consents::grant(tx, ana.id, COLLECT, yes.clone(), &Giver::Subject.into()));
            let Err(Error::Rejected(why)) = stale else { panic!("not rejected") };
            assert_eq!((why.code, why.from), (Code::StaleTerm, None));
            act(&store, |tx| consents::rejected(tx, ana.id, &why)).unwrap();
        }
        assert_eq!(entries(&store, "decision.deny"), 3);
        assert!(grant(&store, ana.id).is_ok());
    }
}

#[test]
fn only_the_first_grant_reaches_back() {
    for store in stores() {
        let ana = patient(&store, "Ana");
        let earlier = NOW.minus(Duration::from_secs(86_400)).micros();
        let back = |store: &Store| {
            let yes = Grant { measured_from: Some(earlier), ..Grant::of(hash(store, COLLECT)) };
            act(store, |tx| consents::grant(tx, ana.id, COLLECT, yes.clone(), &Giver::Subject.into()))
        };
        assert_eq!(back(&store).unwrap().record.measured_from, earlier);
        revoke(&store, ana.id).unwrap();
        assert!(matches!(back(&store), Err(Error::Rejected(why)) if why.code == Code::Retroactive));
    }
}

#[test]
fn a_material_change_of_term_makes_standing_grants_stale() {
    for store in stores() {
        let (ana, bia) = (patient(&store, "Ana"), patient(&store, "Bia"));
        grant(&store, ana.id).unwrap();
        grant(&store, bia.id).unwrap();
        revoke(&store, bia.id).unwrap();
        let later = NOW.plus(Duration::from_secs(1));
        store
            .write(Actor::Operator, later, |tx| terms::publish(tx, &next_version(Change::Sharing), "a", "b"))
            .unwrap();
        while store.keep_house(Urgency::Patient, "consent", NOW, consents::end_due).unwrap() > 0 {}
        let state = |key| store.read(|view| ledger::of(view, key)).unwrap().record(COLLECT).unwrap().state;
        assert_eq!((state(ana.key), state(bia.key)), (State::Stale, State::Revoked));
        assert_eq!(grant(&store, ana.id).unwrap().record.epoch, 3);
    }
}

#[test]
fn a_published_term_never_changes_and_an_old_one_can_still_be_shown() {
    for store in stores() {
        let old = hash(&store, COLLECT);
        let seeds = Term::seeds(&Controller::demo()).unwrap();
        let again = act(&store, |tx| terms::publish(tx, &seeds[..2], "a", "b"));
        assert!(matches!(again, Err(Error::Refused { code: "E_TERM_VERSION", .. })));
        let mixed = act(&store, |tx| terms::publish(tx, &seeds, "a", "b"));
        assert!(matches!(mixed, Err(Error::Refused { code: "E_TERM_VERSION", .. })));
        act(&store, |tx| terms::publish(tx, &next_version(Change::None), "a", "b")).unwrap();
        let shown = store.read(|view| terms::by_hash(view, &old)).unwrap().unwrap();
        assert!(!shown.current && shown.version == "1.0.0");
        let all = store.read(|view| terms::page(view, Some(COLLECT), &Ask::default())).unwrap().items;
        assert_eq!(all.iter().filter(|term| term.current).count(), 2);
        assert_eq!(all.len(), 4);
        assert_eq!(entries(&store, "term.published"), 12);
    }
}

#[test]
fn a_grant_with_a_period_expires_by_itself() {
    for store in stores() {
        let ana = patient(&store, "Ana");
        let until = NOW.plus(Duration::from_secs(60));
        let yes = Grant { valid_until: Some(until.micros()), ..Grant::of(hash(&store, COLLECT)) };
        act(&store, |tx| consents::grant(tx, ana.id, COLLECT, yes.clone(), &Giver::Subject.into())).unwrap();
        let expire = |now| store.keep_house(Urgency::Patient, "consent", now, consents::end_due).unwrap();
        assert_eq!((expire(NOW), expire(until), expire(until)), (0, 1, 0));
        let rows = store.read(|view| ledger::of(view, ana.key)).unwrap();
        assert_eq!(rows.record(COLLECT).unwrap().state, State::Expired);
    }
}

#[test]
fn the_proof_of_an_act_comes_back_and_locked_rows_come_in_order() {
    for store in stores() {
        let (ana, bia) = (patient(&store, "Ana"), patient(&store, "Bia"));
        let proof = serde_json::json!({ "gesture": "tap", "screen_id": "consent-1" });
        let hand = Hand { giver: Giver::StaffAssisted, evidence: Some(proof.clone()) };
        let yes = Grant::of(hash(&store, COLLECT));
        let given = act(&store, |tx| consents::grant(tx, bia.id, COLLECT, yes.clone(), &hand)).unwrap();
        assert_eq!(store.read(|view| consents::evidence(view, given.id)).unwrap(), Some(proof));
        grant(&store, ana.id).unwrap();
        let locked = store.keep_house(Urgency::Patient, "ingest", NOW, |tx| {
            ledger::lock_for_share(tx, &[bia.key, ana.key, 999], &[COLLECT, Purpose::AlertEvaluate])
        });
        let keys: Vec<i64> = locked.unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [ana.key, bia.key]);
    }
}

#[derive(diesel::QueryableByName)]
struct Waiting {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    waiting: i64,
}

// The locks themselves: `pg_stat_activity` is one picture for the whole transaction, and a connection that was opened
// after it is never in it.
const WAITING_FOR_ME: &str = "SELECT count(*) AS waiting FROM pg_locks \
     WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))";

#[test]
fn a_revocation_waits_for_the_write_that_leans_on_the_grant() {
    for store in stores().into_iter().filter(|store| matches!(store.url(), Url::Postgres(_))) {
        let ana = patient(&store, "Ana");
        grant(&store, ana.id).unwrap();
        std::thread::scope(|scope| {
            let revoker = store
                .keep_house(Urgency::Patient, "ingest", NOW, |tx| {
                    assert_eq!(ledger::lock_for_share(tx, &[ana.key], &[COLLECT])?.len(), 1);
                    let store: &Store = &store;
                    let revoker = scope.spawn(move || revoke(store, ana.id).unwrap().record.epoch);
                    while diesel::sql_query(WAITING_FOR_ME).get_result::<Waiting>(tx.conn)?.waiting == 0 {
                        assert!(!revoker.is_finished(), "the revocation did not wait");
                    }
                    Ok(revoker)
                })
                .unwrap();
            assert_eq!(revoker.join().unwrap(), 2);
        });
    }
}

#[test]
fn nobody_is_asked_for_what_no_consent_can_carry() {
    for store in stores() {
        let ana = patient(&store, "Ana");
        let no = store.write(Actor::Operator, NOW, |tx| {
            consents::refuse(tx, ana.id, Purpose::ShareCommercial, &Giver::Subject.into())
        });
        assert!(matches!(no, Err(Error::Rejected(why)) if why.code == Code::Prohibited11_4));
    }
}

/// Ten thousand grants of one text, and who is last among them. Those whose turn does not come in the first
/// transactions are rows alone.
fn long_line(store: &Store) -> crate::patients::Patient {
    const SEVENTY: usize = 70;
    let people = "INSERT INTO patients (key, id, identity, zone, language, created_at, version) \
         WITH RECURSIVE line(n) AS (SELECT 1000001 UNION ALL SELECT n + 1 FROM line WHERE n < 1009929) \
         SELECT line.n, '0199f0a0-0000-7000-8000-00000' || line.n, p.identity, p.zone, p.language, p.created_at, 1 \
         FROM patients p, line WHERE p.key = (SELECT min(key) FROM patients)";
    let filler = "INSERT INTO consents (patient_key, purpose, state, previous, epoch, term_sha256, valid_from, \
         valid_until, measured_from, first_granted_at, scope, pending, guardian, updated_at) \
         WITH RECURSIVE line(n) AS (SELECT 1000001 UNION ALL SELECT n + 1 FROM line WHERE n < 1009929) \
         SELECT line.n, c.purpose, c.state, c.previous, c.epoch, c.term_sha256, c.valid_from, c.valid_until, \
         c.measured_from, c.first_granted_at, c.scope, c.pending, c.guardian, c.updated_at \
         FROM consents c, line WHERE c.patient_key = (SELECT min(patient_key) FROM consents)";
    let yes = Grant::of(hash(store, COLLECT));
    let mut last = None;
    for n in 0..=SEVENTY {
        let made = act(store, |tx| {
            let made = crate::patients::insert(tx, &super::details(super::identity("Zoe")))?;
            if n == SEVENTY {
                diesel::sql_query(people).execute(tx.conn)?;
                diesel::sql_query(filler).execute(tx.conn)?;
                let behind = "UPDATE patients SET key = 2000000 WHERE id = ";
                diesel::sql_query(format!("{behind}'{}'", made.id)).execute(tx.conn)?;
            }
            consents::grant(tx, made.id, COLLECT, yes.clone(), &Giver::Subject.into())?;
            crate::patients::get(tx, &Audience::program(), made.id)
        });
        last = Some(made.unwrap());
    }
    last.unwrap()
}

#[test]
fn the_last_of_ten_thousand_superseded_grants_is_denied_by_the_publication_itself() {
    for store in stores() {
        let zoe = long_line(&store);
        let permitted = |now: domain::Instant| {
            let records = store.read(|view| ledger::of(view, zoe.key)).unwrap();
            let (bases, subject) = (consent::Bases::default(), consent::Subject::default());
            let context = consent::Context::system(now.micros());
            let request = Request { bases: &bases, records: &records, subject: &subject, context: &context };
            consent::decide::<TelemetryCollect>(&request).map(drop).map_err(|denied| denied.code)
        };
        assert_eq!(permitted(NOW), Ok(()));
        drop(store.take_touched());
        let later = NOW.plus(Duration::from_millis(1));
        store
            .write(Actor::Operator, later, |tx| terms::publish(tx, &next_version(Change::Sharing), "a", "b"))
            .unwrap();
        // In the same second, while the line is worked off.
        assert_eq!(permitted(later), Err(Code::TermsChanged));
        assert!(store.take_touched().contains(&Touched::Everything), "no copy of a consent outlives it");
        let raw = store.read(|view| ledger::stored(view, zoe.key)).unwrap();
        assert_eq!(raw.record(COLLECT).unwrap().state, State::Granted, "its turn has not come");
        let records = store.keep_house(Urgency::Patient, "ingest", later, |tx| {
            ledger::lock_for_share(tx, &[zoe.key], &[COLLECT])
        });
        assert_eq!(records.unwrap()[0].1.state, State::Stale, "ingest is told the same");
        let granted = store.read(|view| ledger::in_state(view, COLLECT, &[State::Granted])).unwrap();
        assert!(granted.iter().all(|(key, _)| *key != zoe.key));
        // Whoever says yes to the new text is permitted at once, and does not wait in the line either.
        let yes = Grant::of(hash(&store, COLLECT));
        let again = store
            .write(Actor::Operator, later, |tx| {
                consents::grant(tx, zoe.id, COLLECT, yes.clone(), &Giver::Subject.into())
            })
            .unwrap();
        assert_eq!((again.record.state, again.record.epoch), (State::Granted, 3));
        assert_eq!(again.record.measured_from, later.micros());
        assert_eq!(permitted(later), Ok(()));
        let folded = Ledger::fold(&store.read(|view| consents::events(view, zoe.key)).unwrap()).unwrap();
        let raw = store.read(|view| ledger::stored(view, zoe.key)).unwrap();
        assert_eq!(folded.record(COLLECT), raw.record(COLLECT));
    }
}
