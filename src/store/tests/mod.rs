//! What the rooms of the store promise together, on every backend at hand.

mod ailing;
mod consents;
mod devices;
mod doubt;
mod house;
mod item;
mod lapses;
mod paging;
mod patients;
mod restore;
mod short;
mod sign_in;
mod still;
mod unreadable;

use std::time::{Duration, Instant as Moment};

use chrono::NaiveDate;
use diesel::prelude::*;
use tokio::sync::broadcast::Receiver;

use super::db::schema::audit_entries;
use super::testing::NOW;
use super::{Actor, Result, Signalled, Store, Tx, patients as rows};
use domain::PatientIdentity;

pub(super) fn identity(name: &str) -> PatientIdentity {
    PatientIdentity {
        name: name.parse().unwrap(),
        birth_date: NaiveDate::from_ymd_opt(1990, 5, 17).unwrap(),
        cpf: None,
        cns: None,
        email: None,
        phone: None,
    }
}

pub(super) fn details(identity: PatientIdentity) -> rows::Details {
    rows::Details { identity, zone: "America/Sao_Paulo".to_owned(), language: "pt-BR".to_owned() }
}

pub(super) fn patient(store: &Store, name: &str) -> rows::Patient {
    act(store, |tx| rows::insert(tx, &details(identity(name)))).unwrap()
}

pub(super) fn act<T>(store: &Store, f: impl FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    store.write(Actor::Operator, NOW, f)
}

pub(super) fn entries(store: &Store, kind: &str) -> i64 {
    store
        .read(|view| {
            Ok(audit_entries::table.filter(audit_entries::kind.eq(kind)).count().get_result(view.conn)?)
        })
        .unwrap()
}

/// Waits until a signal is told; on PostgreSQL it takes the way by the database.
pub(crate) fn hears(told: &mut Receiver<Signalled>, name: &str, subject: &impl ToString) {
    let (began, subject) = (Moment::now(), subject.to_string());
    while began.elapsed() < Duration::from_secs(10) {
        match told.try_recv() {
            Ok(signal) if signal.name == name && signal.subject == subject => return,
            Ok(_other) => {}
            Err(_nothing_yet) => std::thread::park_timeout(Duration::from_millis(5)),
        }
    }
    panic!("{name} {subject} was not told");
}
