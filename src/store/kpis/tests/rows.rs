//! Consents, devices, messages and patients, by the functions that change them.

use super::*;
use crate::devices::{self, bindings};
use crate::messages::{self, About, Answer, Ground, New};
use crate::on_call::testing::person;
use crate::testing::grant_one;
use crate::{consents, patients};
use consent::{Giver, Purpose};
use domain::DeviceIdentity;
use domain::messages::{Attempt, Channel, Class, Receipt};

#[test]
fn a_patient_and_each_answer_of_theirs_is_a_fact_and_the_same_answer_twice_is_none() {
    for store in stores() {
        let agent = Actor::User { id: person(&store, Role::Agent), role: Role::Agent };
        let details = crate::tests::details(crate::tests::identity("Maria"));
        let maria = store.write(agent, NOW, |tx| patients::insert(tx, &details)).unwrap();
        let registered = only(&store, 0, Kind::PatientRegistered);
        assert_eq!((registered.patient_key, registered.user.is_some()), (Some(maria.key), true));
        let (collect, by) = (Purpose::TelemetryCollect, Giver::Subject.into());
        act(&store, |tx| grant_one(tx, maria.id, collect)).unwrap();
        act(&store, |tx| consents::refuse(tx, maria.id, Purpose::AlertEvaluate, &by)).unwrap();
        for _ in 0..2 {
            act(&store, |tx| consents::revoke(tx, maria.id, collect, &by)).unwrap();
        }
        assert_eq!(kinds(&store, registered.id), ["consent.granted", "consent.refused", "consent.revoked"]);
        let granted = only(&store, 0, Kind::ConsentGranted);
        assert_eq!(code(&granted, Dimension::Purpose), "telemetry.collect");
        assert_eq!(code(&granted, Dimension::Giver), Giver::Subject.as_str());
    }
}

#[test]
fn a_patient_who_answers_is_not_named_a_second_time_by_their_account() {
    for store in stores() {
        let maria = patient(&store, "Maria");
        let own = Actor::User { id: UserId::new(NOW), role: Role::Patient };
        store.write(own, NOW, |tx| grant_one(tx, maria.id, Purpose::TelemetryCollect)).unwrap();
        assert_eq!(only(&store, 0, Kind::ConsentGranted).user, None);
    }
}

#[test]
fn a_binding_is_one_fact_when_it_begins_and_one_when_it_ends_however_it_is_corrected() {
    for store in stores() {
        let maria = patient(&store, "Maria");
        let identity = DeviceIdentity { label: "Pulseira".into(), model: "Acme".into(), serial: None };
        let device = act(&store, |tx| devices::insert(tx, &identity)).unwrap().id;
        let before = newest(&store);
        let earlier = NOW.minus(Duration::from_secs(3_600));
        act(&store, |tx| bindings::bind(tx, device, maria.id, NOW, false)).unwrap();
        act(&store, |tx| bindings::bind(tx, device, maria.id, earlier, false)).unwrap();
        assert_eq!(kinds(&store, before), ["device.bound"]);
        store.write(Actor::Operator, at(60), |tx| bindings::unbind(tx, device, None, at(60))).unwrap();
        store.write(Actor::Operator, at(90), |tx| bindings::unbind(tx, device, None, at(30))).unwrap();
        let unbound = only(&store, before, Kind::DeviceUnbound);
        assert_eq!((took(&unbound).0, unbound.patient_key), (3_660_000, Some(maria.key)));
        act(&store, |tx| bindings::bind(tx, device, maria.id, at(100), false)).unwrap();
        assert_eq!(kinds(&store, unbound.id), ["device.bound"], "another binding");
    }
}

/// A message about Maria, claimed for an attempt.
fn claimed(store: &Store, of: &Patient, key: &str, class: Class) -> messages::Stored {
    let mut left = alone(store, NOW, |tx| {
        let ground = Ground::ask(tx, of.id)?.map_err(|_denied| Error::Conflict("denied"))?;
        let new = New {
            key: key.to_owned(),
            class,
            channel: Channel::Email,
            recipient: key.to_owned(),
            template: "page",
            variables: serde_json::json!({}),
            about: About::patient(ground, "alert", key),
            due_at: NOW,
            not_after: at(600),
        };
        messages::plan(tx, &new)?;
        messages::claim(tx, Channel::Email, Some(key), 10)
    })
    .unwrap();
    left.remove(0)
}

#[test]
fn a_message_is_a_fact_when_a_provider_takes_it_and_when_it_does_not_arrive() {
    for store in stores() {
        let maria = consented(&store, "Maria");
        let before = newest(&store);
        let taken = claimed(&store, &maria, "taken", Class::Clinical);
        let accepted = Answer::new(Attempt::Accepted, "smtp_250");
        for _ in 0..2 {
            alone(&store, at(2), |tx| messages::attempted(tx, &taken, &accepted, None)).unwrap();
        }
        let fact = only(&store, before, Kind::MessageAccepted);
        assert_eq!((fact.patient_key, took(&fact).0), (Some(maria.key), 2_000));
        assert_eq!(
            serde_json::to_value(&fact.dimensions).unwrap(),
            serde_json::json!({ "outcome": "smtp_250", "channel": "email", "template": "page" })
        );
        for _ in 0..2 {
            alone(&store, at(3), |tx| messages::receipt(tx, "taken", Receipt::Undeliverable)).unwrap();
        }
        assert_eq!(kinds(&store, before), ["message.accepted", "message.failed"], "it came back");

        let before = newest(&store);
        let later = claimed(&store, &maria, "later", Class::Clinical);
        let busy = Answer::new(Attempt::Later(None), "smtp_451");
        let wait = Some(Duration::from_secs(5));
        alone(&store, at(1), |tx| messages::attempted(tx, &later, &busy, wait)).unwrap();
        assert_eq!(kinds(&store, before), Vec::<&str>::new(), "it is tried again");
        claimed(&store, &maria, "silent", Class::Marketing);
        for _ in 0..2 {
            alone(&store, at(60), |tx| messages::overdue(tx, 10)).unwrap();
        }
        let silent = only(&store, before, Kind::MessageFailed);
        assert_eq!(code(&silent, Dimension::Outcome), "no_answer");
        alone(&store, at(700), |tx| messages::claim(tx, Channel::Email, Some("later"), 10)).unwrap();
        let stale = only(&store, silent.id, Kind::MessageFailed);
        assert_eq!(code(&stale, Dimension::Outcome), "out_of_date");
    }
}
