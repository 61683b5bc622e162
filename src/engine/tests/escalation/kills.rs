//! The engine is killed at each of its commit points and begun again: every step is paged at least once and at most
//! twice, and the log says once. The killed process is this test program again, with the story to run in its
//! environment.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Module as _;
use crate::escalation::Escalate;
use crate::messages::outbox::{Breakers, Outbox};
use crate::tests::ward::{at, paged, ward};
use domain::Instant;
use domain::messages::{self, Attempt};
use notify::{Channel, Outgoing, SendOutcome};
use store::keys::kek::Keks;
use store::testing::{Home, stores};
use store::{Store, Url};

const MINUTES: u64 = 17;
const STORY: &str = "ZELO_TEST_KILL_STORY";

/// Counts the points at which a process may die, and dies at one.
struct Fate {
    at: usize,
    passed: AtomicUsize,
}

impl Fate {
    fn point(&self) {
        if self.passed.fetch_add(1, Ordering::Relaxed) + 1 == self.at {
            std::process::abort();
        }
    }
}

/// A wire that writes each message down where a later process finds it: before the word of it is heard, and after,
/// the process may die.
struct Wire {
    file: PathBuf,
    fate: Arc<Fate>,
}

impl Channel for Wire {
    fn channel(&self) -> messages::Channel {
        messages::Channel::Email
    }

    fn send(&self, message: &Outgoing, _now: Instant) -> SendOutcome {
        self.fate.point();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file).unwrap();
        writeln!(file, "{}", message.key).unwrap();
        self.fate.point();
        SendOutcome { attempt: Attempt::Accepted, provider_id: None, code: "wire", fault: None }
    }
}

/// Runs the story from the minute it came to. Gives the points passed.
fn live(store: &Store, dir: &Path, die_at: usize) -> usize {
    let fate = Arc::new(Fate { at: die_at, passed: AtomicUsize::new(0) });
    let wire = Wire { file: dir.join("wire"), fate: Arc::clone(&fate) };
    let mut escalate = Escalate::new(store.clone());
    let mut post = Outbox::new(store.clone(), Arc::new(wire), Breakers::default(), String::new());
    let reached = dir.join("minute");
    let from = std::fs::read_to_string(&reached).map_or(0, |text| text.parse().unwrap());
    for minute in from..=MINUTES {
        std::fs::write(&reached, minute.to_string()).unwrap();
        loop {
            let commits = store.commits();
            let more = escalate.run(at(minute)).unwrap().more;
            if store.commits() > commits {
                fate.point();
            }
            let commits = store.commits();
            let sent = post.run(at(minute)).unwrap().more;
            if store.commits() > commits {
                fate.point();
            }
            if !more && !sent {
                break;
            }
        }
    }
    fate.passed.load(Ordering::Relaxed)
}

/// The process that is killed: does nothing in an ordinary run of the tests.
#[test]
fn a_story_that_another_test_kills() {
    #[expect(clippy::disallowed_methods, reason = "the test that starts this process says it so")]
    let Ok(story) = std::env::var(STORY) else { return };
    let [dir, database, die_at] = *story.split('|').collect::<Vec<_>>() else { panic!("{story}") };
    let keks = Keks::load(&Path::new(dir).join("keys")).unwrap();
    let store = Store::open(&Url::parse(database).unwrap(), keks).unwrap();
    live(&store, Path::new(dir), die_at.parse().unwrap());
}

#[test]
fn killed_at_each_commit_point_every_step_is_paged_once_or_twice_and_logged_once() {
    // How many points a whole life has.
    let points = stores().into_iter().map(|home| {
        let ward = ward(home);
        ward.sends_e_mail();
        live(&ward.home, ward.home.dir(), usize::MAX)
    });
    let points = points.max().unwrap();
    assert!(points >= 16, "{points}");
    (1..=points).for_each(|die_at| stores().into_iter().for_each(|home| killed(home, die_at)));
}

fn killed(home: Home, die_at: usize) {
    let ward = ward(home);
    ward.sends_e_mail();
    let dir = ward.home.dir();
    let database = match ward.home.url() {
        Url::Sqlite(file) => format!("sqlite://{}", file.display()),
        Url::Postgres(url) => url.clone(),
    };
    let (_, here) = module_path!().split_once("::").unwrap();
    let killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{here}::a_story_that_another_test_kills")])
        .env(STORY, format!("{}|{database}|{die_at}", dir.display()))
        .output()
        .unwrap();
    assert!(!killed.status.success(), "point {die_at}: the process lived");
    // What was under way is given up after a while, and made again.
    live(&ward.home, dir, usize::MAX);
    let mut post = Outbox::new(
        (*ward.home).clone(),
        Arc::new(Wire {
            file: dir.join("wire"),
            fate: Arc::new(Fate { at: usize::MAX, passed: AtomicUsize::new(0) }),
        }),
        Breakers::default(),
        String::new(),
    );
    while post.run(at(MINUTES + 1)).unwrap().more {}
    let given = std::fs::read_to_string(dir.join("wire")).unwrap();
    let mut times = std::collections::BTreeMap::new();
    given.lines().for_each(|key| *times.entry(key).or_insert(0) += 1);
    assert_eq!(times.len(), 4, "point {die_at}: {times:?}");
    assert!(times.values().all(|times| (1..=2).contains(times)), "point {die_at}: {times:?}");
    let mut story = vec![paged(0, 0), paged(1, 1), paged(2, 2), ("nobody_reached".into(), None, vec![])];
    story.push(("paged".to_owned(), None, vec![3]));
    assert_eq!(ward.story(), story, "point {die_at}");
}
