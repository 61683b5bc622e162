//! Two processes on one PostgreSQL, and a schedule of faults between them: a red falls due in each, and each calls the
//! first person once or twice, and never not at all. A few minutes of it belong to the tests; for hours, name a seed and
//! how many faults: `ZELO_TEST_FAULTS=7:500 tests/run --test it durability::schedule`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant as Moment};

use domain::alerts::Act;
use domain::escalation::{Policy, Step, Target};
use domain::rules::Name;
use domain::{AlertId, Clock, Role, StaffIdentity, UserId};
use serde_json::Value;
use store::alerts::{self, lists};
use store::people::users;
use store::{Actor, Error, Url, audit, escalation, versions};

use super::writer::send_all;
use crate::notify::post::{DOMAIN, Post};
use crate::support::clinic::{Bed, Clinic};
use crate::support::dice::Dice;
use crate::support::lacks;
use crate::support::node::Node;
use crate::support::until::until;
use crate::support::wire::{State, Wire};

/// What the gate runs.
const USUAL: (u64, usize) = (20_261_130, 12);
/// After a fault everything is well again within this.
const WELL: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The process is gone (`kill -9`) and started again.
    Killed,
    /// Both are.
    BothKilled,
    /// The process stands still (SIGSTOP), as a machine under a snapshot does.
    Paused,
    /// Its connections to the database end, and new ones too.
    Cut,
    /// Its connections take what it sends and carry nothing.
    Still,
}

const FAULTS: [Fault; 5] = [Fault::Killed, Fault::BothKilled, Fault::Paused, Fault::Cut, Fault::Still];

/// One of the two nodes: its own data directory, its own wire to the database.
struct Seat {
    data: tempfile::TempDir,
    flags: Vec<String>,
    wire: Wire,
    node: Option<Node>,
}

impl Seat {
    fn new(clinic: &Clinic, settings: &Path) -> Self {
        let Url::Postgres(url) = clinic.store.url() else { unreachable!("this clinic is on PostgreSQL") };
        let (wire, url) = wired(url);
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("keys")).unwrap();
        for key in std::fs::read_dir(clinic.keys()).unwrap().map(Result::unwrap) {
            std::fs::copy(key.path(), data.path().join("keys").join(key.file_name())).unwrap();
        }
        let settings = settings.to_str().unwrap().to_owned();
        let flags = vec!["--database-url".into(), url, "--config".into(), settings];
        let mut seat = Self { data, flags, wire, node: None };
        seat.start();
        seat
    }

    fn start(&mut self) {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        self.node = Some(Node::serve(self.data.path(), &flags));
    }

    fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    fn kill(&mut self) {
        self.node.take().unwrap().kill();
    }

    fn ready(&self) {
        let api = self.node().api();
        until("the node is ready", WELL, || (api.get("/readyz").status == 200).then_some(()));
    }

    /// A wearable measures two minutes, the second of them too fast.
    async fn measures(&self, bed: &Bed) {
        let from = Clock::System.now().minus(Duration::from_secs(122));
        let samples = (0..122_u64).map(|second| {
            let at = from.plus(Duration::from_secs(second)).millis();
            serde_json::json!({ "ts": at, "values": { "heart_rate": if second < 61 { 80 } else { 130 } } })
        });
        let body = Value::Array(samples.collect()).to_string();
        let (host, port) = self.node().mqtt();
        let told = send_all(bed.client_of(host, port), bed.topic(), vec![body]).await;
        assert_eq!(told, (1, vec![]), "it is taken");
    }
}

/// A wire to the database of a URL, and the URL over it.
fn wired(url: &str) -> (Wire, String) {
    let (before, rest) = url.split_once("://").unwrap();
    let (authority, after) = rest.split_once('/').unwrap();
    let (login, place) = authority.rsplit_once('@').unwrap();
    let address: SocketAddr = place.to_socket_addrs().unwrap().next().unwrap();
    let wire = Wire::to(address);
    let url = format!("{before}://{login}@127.0.0.1:{}/{after}", wire.port);
    (wire, url)
}

struct Night {
    clinic: Clinic,
    post: Post,
    ana: UserId,
    seats: [Seat; 2],
}

impl Night {
    fn begin(beds: usize) -> Option<Self> {
        let clinic = Clinic::postgres(beds)?;
        // The first node makes it, and each has the same.
        audit::open(&clinic.store, &clinic.keys(), Clock::System.now()).unwrap();
        let post = Post::open();
        let email = format!("ana@{DOMAIN}").parse().unwrap();
        let identity = StaffIdentity { name: "Ana Lima".parse().unwrap(), email };
        let new = users::NewUser { identity, role: Role::Clinician, patient: None, password: None };
        let ana = clinic.store.write(Actor::Operator, Clock::System.now(), |tx| {
            let ana = users::insert(tx, &new)?.id;
            versions::seed(tx, escalation::RED, &policy(ana)).map(|()| ana)
        });
        let ana = ana.unwrap();
        let settings = clinic.dir.path().join("zelo.toml");
        let lines = format!(
            "notify_base_url = \"https://zelo.example\"\nnotify_smtp_url = \"plain://127.0.0.1:{}\"\n\
             notify_smtp_from = \"zelo@{DOMAIN}\"\n",
            post.smtp
        );
        std::fs::write(&settings, lines).unwrap();
        let seats = [Seat::new(&clinic, &settings), Seat::new(&clinic, &settings)];
        Some(Self { clinic, post, ana, seats })
    }

    /// One fault at one node, in which the red of a bed falls due.
    async fn suffer(&mut self, dice: &mut Dice, place: usize) {
        self.seats.iter().for_each(Seat::ready);
        let (fault, victim) = (dice.one(&FAULTS), dice.one(&[0, 1]));
        let (there, holds) = (dice.roll(2) == 0, Duration::from_millis(2_000 + dice.roll(6_000)));
        println!("{place}: {fault:?} of node {victim} for {holds:?}, measured there: {there}");
        let bed = &self.clinic.beds[place];
        // At the node itself right before it falls, or at the other one while it is down.
        let both = matches!(fault, Fault::BothKilled);
        if there || both {
            self.seats[victim].measures(bed).await;
        }
        match fault {
            Fault::Killed => self.seats[victim].kill(),
            Fault::BothKilled => self.seats.iter_mut().for_each(Seat::kill),
            Fault::Paused => self.seats[victim].node().pause(),
            Fault::Cut => self.seats[victim].wire.set(State::Cut),
            Fault::Still => self.seats[victim].wire.set(State::Still),
        }
        let ends = Moment::now() + holds;
        if !there && !both {
            self.seats[1 - victim].measures(bed).await;
        }
        tokio::time::sleep_until(ends.into()).await;
        match fault {
            Fault::Killed => self.seats[victim].start(),
            Fault::BothKilled => self.seats.iter_mut().for_each(Seat::start),
            Fault::Paused => self.seats[victim].node().resume(),
            Fault::Cut | Fault::Still => self.seats[victim].wire.set(State::Whole),
        }
        self.answered(place);
    }

    /// The first person is called, and answers.
    fn answered(&self, place: usize) {
        let alert = until("a red is raised", WELL, || self.alert(place));
        until("its message arrives", WELL, || (self.mails(alert) > 0).then_some(()));
        let who = Actor::User { id: self.ana, role: Role::Clinician };
        let acted = self.clinic.store.write(who, Clock::System.now(), |tx| {
            alerts::acted(tx, alert, self.ana, Act::Ack, None)
                .map(drop)
                .map_err(|_refused| Error::Conflict("refused"))
        });
        acted.unwrap();
    }

    fn alert(&self, place: usize) -> Option<AlertId> {
        let key = self.clinic.beds[place].patient_key;
        let found = self.clinic.store.read(|view| lists::of_patient(view, key, 10)).unwrap();
        assert!(found.len() <= 1, "one episode, one alert");
        found.first().map(|alert| alert.case.id)
    }

    /// How many messages name an alert.
    fn mails(&self, alert: AlertId) -> usize {
        let link = format!("/alerts/{alert}");
        self.post.mails("ana", 0).iter().filter(|mail| mail["text"].as_str().unwrap().contains(&link)).count()
    }

    fn verified(&self) -> bool {
        let vkey = audit::load(&self.clinic.store, &self.clinic.keys()).unwrap().vkey().clone();
        audit::verify(&self.clinic.store, &vkey, None, &[]).unwrap().ok
    }
}

fn policy(first: UserId) -> Policy {
    let step = |minutes| Step {
        targets: vec![Target::Person(first)],
        minutes,
        certificate: false,
        skip_if_empty: true,
    };
    Policy {
        id: escalation::RED.into(),
        version: 1,
        name: Name { pt: "Noite".into(), en: "Night".into() },
        starts_after: 0,
        steps: vec![step(30)],
        repeat: 1,
        acknowledged_for: None,
        nobody_reached: step(30),
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it goes on, whoever runs it says")]
fn asked() -> (u64, usize) {
    let Ok(asked) = std::env::var("ZELO_TEST_FAULTS") else { return USUAL };
    let (seed, count) = asked.split_once(':').expect("SEED:COUNT");
    (seed.parse().unwrap(), count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_falls_the_first_person_is_called_once_or_twice_for_each_red() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let (seed, count) = asked();
    let Some(mut night) = Night::begin(count) else {
        println!("skipped: ZELO_TEST_POSTGRES is not set (tests/run sets it)");
        return;
    };
    let mut dice = Dice(seed);
    for place in 0..count {
        night.suffer(&mut dice, place).await;
    }
    let mails: Vec<usize> = (0..count).map(|place| night.mails(night.alert(place).unwrap())).collect();
    println!("seed {seed}: {count} faults, mails of each red: {mails:?}");
    assert!(mails.iter().all(|count| (1..=2).contains(count)), "{mails:?}");
    for seat in &mut night.seats {
        assert!(seat.node.take().unwrap().stop().success());
    }
    for bed in &night.clinic.beds {
        assert_eq!(night.clinic.readings(bed), 122, "each reading is there once");
    }
    assert!(night.verified(), "an honest log");
    let one = "UPDATE readings SET masked = masked + 1 WHERE ctid = (SELECT ctid FROM readings LIMIT 1)";
    assert_eq!(night.clinic.tamper(one), 1);
    assert!(!night.verified(), "and one that is not");
}

#[test]
fn a_node_whose_database_is_silent_or_gone_ends_when_it_is_told_to() {
    let Some(clinic) = Clinic::postgres(0) else {
        println!("skipped: ZELO_TEST_POSTGRES is not set (tests/run sets it)");
        return;
    };
    audit::open(&clinic.store, &clinic.keys(), Clock::System.now()).unwrap();
    let settings = clinic.dir.path().join("zelo.toml");
    std::fs::write(&settings, "").unwrap();
    for state in [State::Still, State::Cut] {
        let mut seat = Seat::new(&clinic, &settings);
        seat.ready();
        seat.wire.set(state);
        let node = seat.node.take().unwrap();
        assert!(node.stop().success(), "{state:?}: within ten seconds, as if nothing were wrong");
    }
}
