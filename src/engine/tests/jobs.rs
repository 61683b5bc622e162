//! What runs jobs, with kinds of its own: how it stops, goes on, fails, and how often it writes.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::jobs::{Found, Jobs, Kind, Work};
use crate::{Status, Wake};
use domain::{Clock, JobId, Role, UserId};
use store::jobs::{self, Job, State, run};
use store::testing::{Home, NOW, entries, stores};
use store::{Actor, Error, Store, Tx, Urgency};

const KIND: &str = "test.count";

/// What a test does when the count is at a number.
type Meanwhile = Box<dyn Fn(u64) + Send + Sync>;

/// Counts to a hundred, a second each, and saves where it is.
struct Count {
    clock: Clock,
    saves: bool,
    meanwhile: Meanwhile,
}

impl Kind for Count {
    fn name(&self) -> &'static str {
        KIND
    }

    fn run(&self, _store: &Store, work: &mut Work<'_>) -> store::Result<Found> {
        let from = work.checkpoint().and_then(|at| at["at"].as_u64()).unwrap_or(0);
        for at in from + 1..=100 {
            self.clock.advance(Duration::from_secs(1));
            if self.saves {
                work.save(json!({ "at": at }));
            }
            work.reached(at, 100)?;
            (self.meanwhile)(at);
        }
        Ok(Found { code: "counted", result: json!({ "from": from }) })
    }

    fn ended(&self, tx: &mut Tx<'_>, found: &Found) -> store::Result<()> {
        store::db::settings::save(tx, "test.ended", found.code)
    }
}

fn runner(home: &Home, clock: &Clock, wake: &Wake, saves: bool, meanwhile: Meanwhile) -> Jobs {
    let count = Count { clock: clock.clone(), saves, meanwhile };
    let kinds: Vec<Box<dyn Kind>> = vec![Box::new(count)];
    Jobs::new((*home).clone(), clock.clone(), kinds, wake.clone(), Status::default())
}

fn person() -> Actor {
    Actor::User { id: UserId::new(NOW), role: Role::Dpo }
}

fn asked(home: &Home, clock: &Clock) -> JobId {
    home.write(person(), clock.now(), |tx| jobs::ask(tx, KIND, None)).unwrap().job.id
}

fn job(store: &Store, id: JobId) -> (Job, Option<Value>) {
    store
        .read(|view| {
            let job = jobs::find(view, id)?;
            let result = job.result(view)?;
            Ok((job, result))
        })
        .unwrap()
}

fn each(test: impl Fn(&Home, &Clock, &Wake)) {
    for home in stores() {
        test(&home, &Clock::driven(NOW), &Wake::default());
    }
}

fn quiet() -> Meanwhile {
    Box::new(|_at| ())
}

#[test]
fn a_job_runs_to_its_end_and_is_told_of_once_a_second_at_most() {
    each(|home, clock, wake| {
        let id = asked(home, clock);
        let (store, seen) = ((*home).clone(), std::sync::Arc::new(Mutex::new(Vec::new())));
        let recorder = std::sync::Arc::clone(&seen);
        let watch: Meanwhile = Box::new(move |_at| recorder.lock().unwrap().push(job(&store, id).0.done));
        let beats = Mutex::new(0_u32);
        let beat = || *beats.lock().unwrap() += 1;
        let runner = runner(home, clock, wake, false, watch);
        assert_eq!(runner.turn(&beat).unwrap().did, 1);
        let seen = seen.lock().unwrap();
        assert!(seen.is_sorted() && seen.last() == Some(&100), "{seen:?}");
        assert_eq!(*beats.lock().unwrap(), 100, "each write is a beat");
        let (done, result) = job(home, id);
        assert_eq!((done.state, done.code.as_deref()), (State::Done, Some("counted")));
        assert_eq!((done.done, done.total), (100, 100));
        assert_eq!(result, Some(json!({ "from": 0 })));
        let ended = home.read(|view| store::db::settings::get(view, "test.ended")).unwrap();
        assert_eq!(ended.as_deref(), Some("counted"), "what follows is in the same transaction");
        assert_eq!(entries(home, "job.ended"), 1);
        assert_eq!(runner.turn(&|| ()).unwrap().did, 0, "nothing is left");
    });
}

#[test]
fn words_within_a_second_are_one_write() {
    struct Chatty;
    impl Kind for Chatty {
        fn name(&self) -> &'static str {
            KIND
        }
        fn run(&self, _store: &Store, work: &mut Work<'_>) -> store::Result<Found> {
            (0..10_000).try_for_each(|at| work.reached(at, 10_000))?;
            Ok(Found { code: "ok", result: Value::Null })
        }
    }
    each(|home, clock, wake| {
        let id = asked(home, clock);
        let beats = Mutex::new(0_u32);
        let jobs = Jobs::new(
            (*home).clone(),
            clock.clone(),
            vec![Box::new(Chatty)],
            wake.clone(),
            Status::default(),
        );
        jobs.turn(&|| *beats.lock().unwrap() += 1).unwrap();
        assert_eq!(*beats.lock().unwrap(), 0, "no second went by");
        let done = job(home, id).0;
        assert_eq!(
            (done.state, done.done, done.total),
            (State::Done, 10_000, 10_000),
            "all of it, though never written"
        );
    });
}

#[test]
fn a_person_stops_it_within_a_slice() {
    each(|home, clock, wake| {
        let id = asked(home, clock);
        let (store, at) = ((*home).clone(), clock.clone());
        let cancels: Meanwhile = Box::new(move |count| {
            if count == 40 {
                store.write(person(), at.now(), |tx| jobs::cancel(tx, id)).unwrap();
            }
        });
        runner(home, clock, wake, true, cancels).turn(&|| ()).unwrap();
        let (over, result) = job(home, id);
        assert_eq!((over.state, over.done, result), (State::Cancelled, 40, None));
    });
}

#[test]
fn a_node_that_stops_puts_its_job_back_and_it_goes_on_after_the_restart() {
    each(|home, clock, wake| {
        let id = asked(home, clock);
        let ends = wake.clone();
        let stops: Meanwhile = Box::new(move |count| {
            if count == 40 {
                ends.stop();
            }
        });
        runner(home, clock, wake, true, stops).turn(&|| ()).unwrap();
        let (waits, _) = job(home, id);
        assert_eq!((waits.state, waits.node, waits.attempts), (State::Queued, None, 0));
        assert_eq!((waits.done, waits.checkpoint), (41, Some(json!({ "at": 41 }))));
        runner(home, clock, &Wake::default(), true, quiet()).turn(&|| ()).unwrap();
        assert_eq!(job(home, id).1, Some(json!({ "from": 41 })), "nothing is done twice, nothing left out");
    });
}

#[test]
fn a_runner_that_lost_its_job_ends_at_its_next_word_and_changes_nothing() {
    each(|home, clock, wake| {
        let id = asked(home, clock);
        let (store, at) = ((*home).clone(), clock.clone());
        let stands_still: Meanwhile = Box::new(move |count| {
            if count == 40 {
                // As a machine that was suspended: another node has taken the job when it wakes up.
                at.advance(run::LEASE);
                let taken = store
                    .keep_house(Urgency::Patient, "jobs", at.now(), |tx| run::claim(tx, &[KIND], "another"));
                assert_eq!(taken.unwrap().unwrap().job.checkpoint, Some(json!({ "at": 40 })));
            }
            assert!(count <= 40, "it went on without its job");
        });
        runner(home, clock, wake, true, stands_still).turn(&|| ()).unwrap();
        let (stands, result) = job(home, id);
        assert_eq!((stands.state, stands.node.as_deref()), (State::Running, Some("another")));
        assert_eq!((stands.done, result), (40, None));
        assert_eq!(entries(home, "job.ended"), 0);
    });
}

#[test]
fn a_job_that_panics_is_tried_again_later_and_given_up_in_the_end() {
    struct Falls;
    impl Kind for Falls {
        fn name(&self) -> &'static str {
            KIND
        }
        fn run(&self, _store: &Store, _work: &mut Work<'_>) -> store::Result<Found> {
            panic!("a job that cannot be done");
        }
    }
    each(|home, clock, wake| {
        let id = asked(home, clock);
        let jobs =
            Jobs::new((*home).clone(), clock.clone(), vec![Box::new(Falls)], wake.clone(), Status::default());
        for _ in 0..run::ATTEMPTS {
            assert!(matches!(jobs.turn(&|| ()), Err(Error::Panicked)));
            assert_eq!(jobs.turn(&|| ()).unwrap().did, 0, "not at once");
            clock.advance(run::PAUSE);
        }
        assert_eq!(jobs.turn(&|| ()).unwrap().did, 0);
        let (failed, _) = job(home, id);
        assert_eq!((failed.state, failed.code.as_deref()), (State::Failed, Some(run::GIVEN_UP)));
    });
}
