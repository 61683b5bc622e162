//! Jobs under driven time, on both backends: who may run one, until when, and what becomes of a runner that is late.

use std::time::Duration;

use serde_json::{Value, json};

use super::retention::{RETENTION, prune};
use super::run::{self, ATTEMPTS, End, GIVEN_UP, LEASE, PAUSE, Run, Word};
use super::*;
use crate::testing::{NOW, entries, stores};
use crate::tests::hears;
use crate::{Actor, Store, Url};
use crate::{Error, Urgency};
use domain::{Role, UserId};

const KIND: &str = "test.count";
const KINDS: [&str; 1] = [KIND];

fn later(seconds: u64) -> Instant {
    NOW.plus(Duration::from_secs(seconds))
}

fn person() -> Actor {
    Actor::User { id: UserId::new(NOW), role: Role::Auditor }
}

fn asked(store: &Store, checkpoint: Option<&Value>) -> Job {
    store.write(person(), NOW, |tx| ask(tx, KIND, checkpoint)).unwrap().job
}

fn keep<T>(store: &Store, now: Instant, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> T {
    store.keep_house(Urgency::Patient, "jobs", now, f).unwrap()
}

fn claimed(store: &Store, node: &str, now: Instant) -> Option<Run> {
    keep(store, now, |tx| run::claim(tx, &KINDS, node))
}

fn found(store: &Store, id: JobId) -> Job {
    store.read(|view| find(view, id)).unwrap()
}

#[test]
fn one_of_a_kind_is_open_and_whoever_asks_again_gets_that_one() {
    for store in stores() {
        let mut announced = store.signals();
        let first = asked(&store, None);
        hears(&mut announced, "job.changed", &first.id);
        let again = store.write(person(), later(1), |tx| ask(tx, KIND, None)).unwrap();
        assert_eq!((again.job.id, again.is_new), (first.id, false));
        let other = store.write(person(), later(1), |tx| ask(tx, "test.other", None)).unwrap();
        assert!(other.is_new, "of another kind there was none");
        assert_eq!(entries(&store, "job.asked"), 2);
        assert_eq!(store.read(open).unwrap().len(), 2);
        store.write(person(), later(2), |tx| cancel(tx, first.id)).unwrap();
        assert!(store.write(person(), later(3), |tx| ask(tx, KIND, None)).unwrap().is_new);
        let ids: Vec<JobId> =
            store.read(|view| of_kind(view, KIND, 10)).unwrap().into_iter().map(|job| job.id).collect();
        assert_eq!((ids.len(), ids[1]), (2, first.id), "the newest first");
    }
}

#[test]
fn what_begins_a_job_and_what_comes_of_it_are_bounded() {
    for store in stores() {
        let large = json!("x".repeat(MOST_BYTES));
        let refused = store.write(person(), NOW, |tx| ask(tx, KIND, Some(&large)));
        assert!(matches!(refused, Err(Error::Corrupt(_))));
        let job = asked(&store, Some(&json!({ "from": 7 })));
        let held = claimed(&store, "a", NOW).unwrap();
        assert_eq!(held.job.checkpoint, Some(json!({ "from": 7 })));
        let end = End::Done("ok", &large, 0);
        assert!(store.keep_house(Urgency::Patient, "jobs", NOW, |tx| run::end(tx, &held, end)).is_err());
        let result = json!({ "patient": "0199" });
        assert!(keep(&store, NOW, |tx| run::end(tx, &held, End::Done("ok", &result, 0))));
        let done = found(&store, job.id);
        assert_eq!(
            (done.state, done.code.as_deref(), done.checkpoint.clone()),
            (State::Done, Some("ok"), None)
        );
        assert!(!String::from_utf8_lossy(done.sealed.as_ref().unwrap()).contains("patient"), "it is sealed");
        assert_eq!(store.read(|view| done.result(view)).unwrap(), Some(result));
    }
}

#[test]
fn of_two_nodes_that_ask_at_once_one_has_the_job() {
    for store in stores() {
        let there = match store.url() {
            Url::Postgres(_) => store.reopened().unwrap(),
            Url::Sqlite(_) => (*store).clone(),
        };
        for round in 0..8_u64 {
            let job = asked(&store, None);
            let now = later(round);
            let other = there.clone();
            let thread = std::thread::spawn(move || claimed(&other, "b", now));
            let here = claimed(&store, "a", now);
            let there = thread.join().unwrap();
            let runs: Vec<Run> = here.into_iter().chain(there).collect();
            assert_eq!(runs.len(), 1, "one of them has it");
            assert_eq!(runs[0].job.id, job.id);
            assert!(keep(&store, now, |tx| run::end(tx, &runs[0], End::Cancelled)));
        }
    }
}

#[test]
fn a_node_that_is_silent_loses_its_job_and_is_refused_when_it_comes_back() {
    for store in stores() {
        let job = asked(&store, None);
        let first = claimed(&store, "a", NOW).unwrap();
        let checkpoint = json!({ "at": 40 });
        let answer = keep(&store, later(10), |tx| run::report(tx, &first, 40, 100, Some(&checkpoint)));
        assert_eq!(answer, Word::On(later(10).plus(LEASE)));
        let just_before = later(10).plus(LEASE).minus(Duration::from_micros(1));
        assert!(!store.read(|view| run::is_due(view, &KINDS, just_before)).unwrap());
        assert_eq!(claimed(&store, "b", just_before), None, "it is still the first one's");
        let dead = later(10).plus(LEASE);
        assert!(store.read(|view| run::is_due(view, &KINDS, dead)).unwrap());
        let second = claimed(&store, "b", dead).unwrap();
        assert_eq!((second.job.id, second.job.attempts, second.job.done), (job.id, 2, 40));
        assert_eq!(second.job.checkpoint, Some(checkpoint), "it goes on from there");

        let late = keep(&store, dead, |tx| run::report(tx, &first, 90, 100, None));
        assert_eq!(late, Word::Gone);
        let result = json!({});
        for how in [End::Done("late", &result, 0), End::PutBack, End::PutOff, End::Cancelled] {
            assert!(
                !keep(&store, dead, |tx| run::end(tx, &first, how)),
                "{how:?} of a run that is not in force"
            );
        }
        let stands = found(&store, job.id);
        assert_eq!((stands.state, stands.done, stands.node.as_deref()), (State::Running, 40, Some("b")));
        assert!(keep(&store, dead, |tx| run::end(tx, &second, End::Done("ok", &result, 0))));
        let done = found(&store, job.id);
        assert_eq!((done.code.as_deref(), done.done), (Some("ok"), 100), "what is done is done whole");
        assert_eq!(keep(&store, dead, |tx| run::report(tx, &second, 1, 100, None)), Word::Gone);
        assert_eq!(entries(&store, "job.ended"), 1);
    }
}

#[test]
fn without_a_checkpoint_the_next_run_begins_anew() {
    for store in stores() {
        let job = asked(&store, None);
        let first = claimed(&store, "a", NOW).unwrap();
        keep(&store, NOW, |tx| run::report(tx, &first, 40, 100, None));
        assert_eq!(found(&store, job.id).percent(), Some(40));
        let second = claimed(&store, "b", NOW.plus(LEASE)).unwrap();
        assert_eq!((second.job.done, second.job.begun_at), (0, Some(NOW)));
    }
}

#[test]
fn a_job_is_cancelled_in_each_state_and_once_over_in_none() {
    for store in stores() {
        // It waits: it is over at once.
        let waits = asked(&store, None);
        let gone = store.write(person(), NOW, |tx| cancel(tx, waits.id)).unwrap();
        assert_eq!((gone.state, gone.finished_at), (State::Cancelled, Some(NOW)));
        assert_eq!(claimed(&store, "a", NOW), None);
        // It runs: its runner hears of it, and again does not count twice.
        let runs = asked(&store, None);
        let held = claimed(&store, "a", NOW).unwrap();
        for _ in 0..2 {
            let stops = store.write(person(), NOW, |tx| cancel(tx, runs.id)).unwrap();
            assert_eq!((stops.state, stops.finished_at), (State::Cancelling, None));
        }
        assert_eq!(keep(&store, NOW, |tx| run::report(tx, &held, 1, 2, None)), Word::Cancel);
        assert!(keep(&store, NOW, |tx| run::end(tx, &held, End::Cancelled)));
        assert_eq!(found(&store, runs.id).state, State::Cancelled);
        // Its node is dead, or leaves before it heard: nobody begins it again.
        for how in [None, Some(End::PutBack), Some(End::PutOff)] {
            let lost = asked(&store, None);
            let held = claimed(&store, "a", NOW).unwrap();
            store.write(person(), NOW, |tx| cancel(tx, lost.id)).unwrap();
            how.into_iter().for_each(|how| assert!(keep(&store, NOW, |tx| run::end(tx, &held, how))));
            assert_eq!(claimed(&store, "b", NOW.plus(LEASE)), None);
            assert_eq!(found(&store, lost.id).state, State::Cancelled, "{how:?}");
        }
        // The work was done before its runner heard: what is done is done.
        let done = asked(&store, None);
        let held = claimed(&store, "a", NOW).unwrap();
        store.write(person(), NOW, |tx| cancel(tx, done.id)).unwrap();
        assert!(keep(&store, NOW, |tx| run::end(tx, &held, End::Done("ok", &json!(1), 0))));
        assert_eq!(found(&store, done.id).state, State::Done);
        let over = store.write(person(), NOW, |tx| cancel(tx, done.id));
        assert!(matches!(over, Err(Error::Conflict(_))));
        let unknown = store.write(person(), NOW, |tx| cancel(tx, JobId::new(NOW)));
        assert!(matches!(unknown, Err(Error::NotFound(_))));
        let (asked, cancelled, ended) =
            (entries(&store, "job.asked"), entries(&store, "job.cancelled"), entries(&store, "job.ended"));
        assert_eq!((asked, cancelled, ended), (6, 6, 6));
    }
}

#[test]
fn a_node_that_leaves_gives_its_job_back_and_one_that_fails_waits() {
    for store in stores() {
        let job = asked(&store, None);
        for _ in 0..ATTEMPTS * 2 {
            let held = claimed(&store, "a", NOW).unwrap();
            assert!(keep(&store, NOW, |tx| run::end(tx, &held, End::PutBack)));
        }
        assert_eq!(found(&store, job.id).attempts, 0, "an orderly stop does not count");
        let mut now = NOW;
        for attempt in 1..=ATTEMPTS {
            let held = claimed(&store, "a", now).unwrap();
            assert_eq!(held.job.attempts, attempt);
            assert!(keep(&store, now, |tx| run::end(tx, &held, End::PutOff)));
            assert_eq!(claimed(&store, "b", now), None, "not at once");
            now = now.plus(PAUSE);
        }
        assert_eq!(claimed(&store, "b", now), None);
        let failed = found(&store, job.id);
        assert_eq!((failed.state, failed.code.as_deref()), (State::Failed, Some(GIVEN_UP)));
    }
}

#[test]
fn a_node_takes_only_what_it_knows() {
    for store in stores() {
        let newer = store.write(person(), NOW, |tx| ask(tx, "test.newer", None)).unwrap().job;
        let known = asked(&store, None);
        assert_eq!(claimed(&store, "a", NOW).unwrap().job.id, known.id);
        assert_eq!(claimed(&store, "a", NOW), None);
        assert!(!store.read(|view| run::is_due(view, &KINDS, NOW)).unwrap());
        assert_eq!(found(&store, newer.id).state, State::Queued);
    }
}

#[test]
fn what_is_over_is_forgotten_after_its_time_and_what_is_open_never() {
    for store in stores() {
        let old = asked(&store, None);
        store.write(person(), NOW, |tx| cancel(tx, old.id)).unwrap();
        let open = asked(&store, None);
        let due = NOW.plus(RETENTION);
        assert_eq!(keep(&store, due, |tx| prune(tx, due.minus(RETENTION))), 0, "to the day");
        let past = due.plus(Duration::from_secs(1));
        assert_eq!(keep(&store, past, |tx| prune(tx, past.minus(RETENTION))), 1);
        assert!(matches!(store.read(|view| find(view, old.id)), Err(Error::NotFound(_))));
        assert_eq!(found(&store, open.id).state, State::Queued);
    }
}
