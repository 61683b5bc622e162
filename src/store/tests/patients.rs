//! Patients are found without being readable on disk.

use super::{act, details, entries, identity, patient};
use crate::patients::audience::Audience;
use crate::patients::{block, find_by_cns, find_by_cpf, get, id_of, insert, key_of, page, subject, update};
use crate::testing::{NOW, stores};
use crate::{Ask, Error};
use domain::{PatientId, PatientIdentity};

const ALL: Audience = Audience::program();

fn maria() -> PatientIdentity {
    PatientIdentity {
        cpf: Some("529.982.247-25".parse().unwrap()),
        cns: Some("298765432100018".parse().unwrap()),
        ..identity("Maria Quitéria Zzyzx")
    }
}

#[test]
fn a_patient_is_found_by_id_number_cpf_and_cns() {
    for store in stores() {
        let made = act(&store, |tx| insert(tx, &details(maria()))).unwrap();
        let found = store
            .read(|view| {
                assert_eq!(key_of(view, made.id)?, made.key);
                assert_eq!(id_of(view, made.key)?, made.id);
                assert_eq!(find_by_cpf(view, &ALL, &"52998224725".parse().unwrap())?.unwrap().id, made.id);
                assert_eq!(
                    find_by_cns(view, &ALL, &"298765432100018".parse().unwrap())?.unwrap().id,
                    made.id
                );
                assert_eq!(find_by_cpf(view, &ALL, &"11144477735".parse().unwrap())?, None);
                get(view, &ALL, made.id)
            })
            .unwrap();
        assert_eq!(found, made);
        assert_eq!(entries(&store, "patient.registered"), 1);
        let nobody = store.read(|view| get(view, &ALL, PatientId::new(NOW)));
        assert!(matches!(nobody, Err(Error::NotFound("patient"))));
    }
}

#[test]
fn two_patients_cannot_share_a_cpf_but_many_have_none() {
    for store in stores() {
        patient(&store, "Ana");
        patient(&store, "Bia");
        act(&store, |tx| insert(tx, &details(maria()))).unwrap();
        let twice = act(&store, |tx| insert(tx, &details(maria())));
        assert!(matches!(twice, Err(Error::Conflict(why)) if why.contains("CPF")));
    }
}

#[test]
fn a_correction_needs_the_version_that_was_seen() {
    for store in stores() {
        let made = act(&store, |tx| insert(tx, &details(maria()))).unwrap();
        let fixed = details(PatientIdentity { cpf: None, ..maria() });
        let next = act(&store, |tx| update(tx, made.id, 1, &fixed)).unwrap();
        assert_eq!((next.version, next.identity.unwrap().cpf), (2, None));
        assert_eq!(
            store.read(|view| find_by_cpf(view, &ALL, &"52998224725".parse().unwrap())).unwrap(),
            None
        );
        let late = act(&store, |tx| update(tx, made.id, 1, &fixed));
        assert!(matches!(late, Err(Error::Stale { current: 2 })));
        assert_eq!(entries(&store, "patient.corrected"), 1);
    }
}

#[test]
fn pages_give_everybody_once_and_in_order() {
    for store in stores() {
        let made: Vec<_> = (0..7).map(|n| patient(&store, &format!("Paciente {n}")).id).collect();
        let mut seen = Vec::new();
        let mut ask = Ask { limit: 3, ..Ask::default() };
        loop {
            let page = store.read(|view| page(view, &ALL, &ask)).unwrap();
            assert!(page.items.len() <= 3);
            seen.extend(page.items.iter().map(|patient| patient.id));
            match page.next {
                Some(next) => ask.after = next,
                None => break,
            }
        }
        let mut made = made;
        made.sort();
        assert_eq!(seen, made);
    }
}

#[test]
fn neither_name_nor_document_is_readable_in_the_files() {
    let store = stores().swap_remove(0);
    let made = act(&store, |tx| insert(tx, &details(maria()))).unwrap();
    let mut bytes = Vec::new();
    for file in ["zelo.db", "zelo.db-wal"] {
        bytes.extend(std::fs::read(store.dir().join(file)).unwrap());
    }
    let holds = |rare: &str| bytes.windows(rare.len()).any(|window| window == rare.as_bytes());
    assert!(holds(&made.id.to_string()), "the search itself is blind");
    for rare in ["Zzyzx", "52998224725", "298765432100018", "1990-05-17"] {
        assert!(!holds(rare), "{rare}");
    }
}

#[test]
fn the_decision_learns_age_and_block_but_no_name() {
    for store in stores() {
        let ana = patient(&store, "Ana");
        let see = || store.read(|view| subject(view, ana.key, NOW)).unwrap();
        assert_eq!(see(), consent::Subject::default());
        act(&store, |tx| block(tx, ana.id, true)).unwrap();
        assert_eq!(see().blocked, Some(consent::Allowed::Any));
        act(&store, |tx| block(tx, ana.id, false)).unwrap();
        let born = chrono::NaiveDate::from_ymd_opt(2015, 1, 1).unwrap();
        let child = details(PatientIdentity { birth_date: born, ..identity("Ana") });
        act(&store, |tx| update(tx, ana.id, 3, &child)).unwrap();
        assert_eq!(see(), consent::Subject { age_band: consent::AgeBand::Child, ..Default::default() });
    }
}
