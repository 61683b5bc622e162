//! One fact for each thing that happened, in its transaction, once, in the order of commits, and about nobody who is erased.

mod care;
mod erased;
mod order;
mod rows;

use std::time::Duration;

use crate::kpis::facts::{Recorded, since};
use crate::patients::Patient;
use crate::testing::{Home, NOW, grant_calls, stores};
use crate::tests::{act, patient};
use crate::{Actor, Error, Keyed, Result, Store, Tx, Urgency, alerts, escalation, on_call, sla};
use domain::alerts::{Act, Level};
use domain::kpis::{Dimension, Kind};
use domain::{AlertId, Instant, Role, Rule, UserId};
use rules::{Change, Episode, Finding};

pub(super) fn at(seconds: u64) -> Instant {
    NOW.plus(Duration::from_secs(seconds))
}

/// A store with the policies and the service levels of a clinic.
pub(super) fn clinics() -> Vec<Home> {
    let seeded = |store: &Store| {
        act(store, |tx| on_call::seed(tx).and_then(|()| escalation::seed(tx)).and_then(|()| sla::seed(tx)))
    };
    stores().into_iter().inspect(|store| seeded(store).unwrap()).collect()
}

/// All facts behind a number.
pub(super) fn behind(store: &Store, id: i64) -> Vec<Recorded> {
    store.read(|view| since(view, id, 10_000)).unwrap()
}

/// The number of the newest fact.
pub(super) fn newest(store: &Store) -> i64 {
    behind(store, 0).last().map_or(0, |fact| fact.id)
}

/// The kinds of facts behind a number, sorted.
pub(super) fn kinds(store: &Store, id: i64) -> Vec<&'static str> {
    let mut kinds: Vec<_> = behind(store, id).iter().map(|fact| fact.kind.name()).collect();
    kinds.sort_unstable();
    kinds
}

/// The only fact of a kind behind a number.
pub(super) fn only(store: &Store, id: i64, kind: Kind) -> Recorded {
    let mut all = behind(store, id);
    all.retain(|fact| fact.kind == kind);
    assert_eq!(all.len(), 1, "{kind:?}: {all:#?}");
    all.remove(0)
}

pub(super) fn code(fact: &Recorded, dimension: Dimension) -> &str {
    fact.dimensions.get(&dimension).map_or("", |code| code.as_str())
}

/// What a fact says of how long it took: by the calendar, and by the case's own clock.
pub(super) fn took(fact: &Recorded) -> (i64, Option<i64>) {
    let amount = fact.amount.unwrap();
    (amount.value, amount.counted)
}

pub(super) fn consented(store: &Store, name: &str) -> Patient {
    let who = patient(store, name);
    act(store, |tx| grant_calls(tx, who.id)).unwrap();
    who
}

/// A red alert that is raised at [`NOW`], a minute after its first reading.
pub(super) fn red(store: &Store, of: &Patient) -> AlertId {
    let (rule, episode) = tachycardia();
    let finding = Finding::of(&rule, Level::Red, &[]);
    let opened = |tx: &mut Tx<'_>| {
        alerts::open(tx, Keyed { key: of.key, id: of.id }, &rule, &episode, &finding, false)
    };
    act(store, opened).unwrap()
}

pub(super) fn tachycardia() -> (Rule, Episode) {
    let rule = Rule::seeds().remove(0);
    let opened =
        Change::Opened { level: Level::Red, started_at: NOW.minus(Duration::from_secs(60)), at: NOW };
    let episode = Episode::opened(&rule, &opened).unwrap();
    (rule, episode)
}

/// What a clinician does with an alert.
pub(super) fn does(store: &Store, who: UserId, alert: AlertId, what: Act, now: Instant) -> Result<()> {
    store.write(Actor::User { id: who, role: Role::Clinician }, now, |tx| {
        let acted = alerts::acted(tx, alert, who, what, Some("visto"));
        acted.map(drop).map_err(|_refused| Error::Conflict("refused"))
    })
}

/// What the program does by itself.
pub(super) fn alone<T>(store: &Store, now: Instant, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    store.keep_house(Urgency::Urgent, "test", now, f)
}
