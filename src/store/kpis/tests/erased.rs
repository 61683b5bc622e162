//! Facts about people who are erased, and old ones: figures stay, and nothing points at anybody.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::*;
use crate::keys::{self, Class, Subject};
use crate::kpis::facts::{append, unlink_old};
use crate::on_call::testing::person;
use domain::kpis::{Amount, Fact};

/// All columns of a row as text: what whoever holds the file can read.
#[derive(QueryableByName)]
struct Whole {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    subject: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    patient_key: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    user_id: Option<String>,
}

fn table(store: &Store) -> Vec<Whole> {
    let rows = diesel::sql_query("SELECT kind, subject, patient_key, user_id FROM facts ORDER BY id");
    store.read(|view| Ok(rows.load(view.conn)?)).unwrap()
}

/// What figures are made of.
fn counted(store: &Store) -> Vec<(Kind, Instant, String, Option<Amount>)> {
    let figure = |fact: Recorded| (fact.kind, fact.at, fact.date.to_string(), fact.amount);
    behind(store, 0).into_iter().map(figure).collect()
}

#[test]
fn the_facts_of_a_patient_who_is_erased_stay_and_point_at_nobody() {
    for store in clinics() {
        let (maria, bia) = (consented(&store, "Maria"), consented(&store, "Bia"));
        let ana = person(&store, Role::Clinician);
        let (hers, others) = (red(&store, &maria), red(&store, &bia));
        for alert in [hers, others] {
            does(&store, ana, alert, Act::Ack, at(90)).unwrap();
        }
        let (figures, before) = (counted(&store), newest(&store));
        let of_bia =
            |store: &Store| table(store).iter().filter(|row| row.patient_key == Some(bia.key)).count();
        let (whole, bias) = (table(&store).len(), of_bia(&store));
        for _ in 0..2 {
            act(&store, |tx| keys::destroy(tx, Subject::Patient(maria.id), Class::Identity)).unwrap();
        }
        let rows = table(&store);
        assert!(rows.iter().all(|row| row.patient_key != Some(maria.key)));
        let hers = [maria.id.to_string(), hers.to_string()];
        assert!(rows.iter().all(|row| row.subject.as_ref().is_none_or(|subject| !hers.contains(subject))));
        assert_eq!(rows.iter().filter(|row| row.subject.is_none()).count(), whole - bias + 1);
        assert_eq!(of_bia(&store), bias, "somebody else is as they were");
        let answered = Some(ana.to_string());
        assert!(
            rows.iter().filter(|row| row.kind == "alert.acknowledged").all(|row| row.user_id == answered)
        );
        assert_eq!(counted(&store)[..figures.len()], figures, "no figure changed");
        assert_eq!(kinds(&store, before), ["patient.erased"], "once, however often it is asked");
        let erased = only(&store, before, Kind::PatientErased);
        assert_eq!((erased.subject, erased.patient_key, erased.user), (None, None, None));
    }
}

#[test]
fn what_happens_in_the_transaction_of_the_erasure_points_at_nobody_either() {
    for store in stores() {
        let maria = patient(&store, "Maria");
        act(&store, |tx| {
            append(tx, Fact::new(Kind::DeviceUnbound, "x", 0, NOW).of(Some(maria.id)));
            keys::destroy(tx, Subject::Patient(maria.id), Class::Identity)
        })
        .unwrap();
        assert!(table(&store).iter().all(|row| row.subject.is_none() && row.patient_key.is_none()));
        let undone = act(&store, |tx| {
            let bia = crate::patients::insert(tx, &crate::tests::details(crate::tests::identity("Bia")))?;
            keys::destroy(tx, Subject::Patient(bia.id), Class::Identity)?;
            Err::<(), _>(Error::Conflict("no"))
        });
        assert!(undone.is_err());
        assert_eq!(kinds(&store, 0).iter().filter(|kind| **kind == "patient.erased").count(), 1);
    }
}

#[test]
fn a_person_of_staff_who_is_erased_did_nothing_by_name_any_more() {
    for store in clinics() {
        let (maria, ana) = (consented(&store, "Maria"), person(&store, Role::Clinician));
        does(&store, ana, red(&store, &maria), Act::Ack, at(90)).unwrap();
        assert!(table(&store).iter().any(|row| row.user_id == Some(ana.to_string())));
        act(&store, |tx| keys::destroy(tx, Subject::User(ana), Class::Identity)).unwrap();
        let rows = table(&store);
        assert!(rows.iter().all(|row| row.user_id.is_none()));
        assert!(
            rows.iter().all(|row| row.patient_key == Some(maria.key)),
            "the patient's facts are hers still"
        );
        assert!(!kinds(&store, 0).contains(&"patient.erased"));
    }
}

#[test]
fn old_facts_are_about_nobody_and_figures_stay() {
    for store in clinics() {
        let (maria, ana) = (consented(&store, "Maria"), person(&store, Role::Clinician));
        does(&store, ana, red(&store, &maria), Act::Ack, at(90)).unwrap();
        let figures = counted(&store);
        let unlink = |before| alone(&store, at(1_000), |tx| unlink_old(tx, before)).unwrap();
        assert_eq!(unlink(NOW), 0);
        assert!(unlink(at(1)) > 0);
        let linked: Vec<String> =
            table(&store).into_iter().filter(|row| row.subject.is_some()).map(|row| row.kind).collect();
        assert_eq!(linked.len(), 3, "those of the answer are newer: {linked:?}");
        assert!(unlink(at(1_000)) == 3 && unlink(at(1_000)) == 0);
        assert!(table(&store).iter().all(|row| row.patient_key.is_none() && row.user_id.is_none()));
        assert_eq!(counted(&store), figures);
    }
}
