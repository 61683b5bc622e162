//! Colleagues who work on the alerts of the people that leave: claim, acknowledge, take the answer back, as fast as the
//! house lets them, on the alerts of whoever leaves next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use anyhow::Context as _;

use super::seed::Enrolled;
use domain::alerts::Act;
use domain::{AlertId, Clock, Flags, Level, Role, Rule, StaffIdentity, UserId};
use rules::{Change, Episode, Finding, JudgedReading};
use store::patients::audience::Audience;
use store::people::users::{self, NewUser};
use store::{Actor, Error, Keyed, Store, alerts};

/// So many of those who leave next have their alerts worked on.
const AHEAD: usize = 2;

/// Colleagues at work.
pub(crate) struct Colleagues {
    alerts: Arc<Vec<AlertId>>,
    next: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    acts: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Colleagues {
    /// Raises an alert for each who leaves, and sits so many colleagues down at them.
    ///
    /// # Errors
    /// Database errors.
    pub(crate) fn start(store: &Store, leaving: &[Enrolled], count: usize) -> anyhow::Result<Self> {
        let alerts =
            leaving.iter().map(|enrolled| raise(store, enrolled)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut colleagues = Self {
            alerts: Arc::new(alerts),
            next: Arc::default(),
            stop: Arc::default(),
            acts: Arc::default(),
            threads: Vec::with_capacity(count),
        };
        for n in 0..count {
            let who = agent(store, n)?;
            let (alerts, next) = (Arc::clone(&colleagues.alerts), Arc::clone(&colleagues.next));
            let (stop, acts) = (Arc::clone(&colleagues.stop), Arc::clone(&colleagues.acts));
            let store = store.clone();
            let thread = std::thread::Builder::new().name("colleague".into()).spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let at = next.load(Ordering::Relaxed);
                    for id in alerts.iter().skip(at).take(AHEAD) {
                        let done = work(&store, who, *id);
                        acts.fetch_add(done, Ordering::Relaxed);
                    }
                }
            })?;
            colleagues.threads.push(thread);
        }
        Ok(colleagues)
    }

    /// The next one leaves.
    pub(crate) fn turn_to(&self, place: usize) {
        self.next.store(place, Ordering::Relaxed);
    }

    /// They go home; how often they acted.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            drop(thread.join());
        }
        self.acts.load(Ordering::Relaxed)
    }
}

/// Claims an alert, answers for it, takes the answer back; how much of it the house took.
fn work(store: &Store, who: UserId, id: AlertId) -> u64 {
    let actor = Actor::User { id: who, role: Role::Agent };
    let acted = |what: Act| {
        let done = store.write(actor, Clock::System.now(), |tx| {
            alerts::acted(tx, id, who, what, None).map(drop).map_err(|refused| match refused {
                alerts::Refused::Store(error) => error,
                // A colleague came first, or a revocation: it held the same locks.
                _ => Error::Conflict("the case does not take it"),
            })
        });
        u64::from(done.is_ok())
    };
    [Act::Claim, Act::Ack, Act::Unack].into_iter().map(acted).sum()
}

fn agent(store: &Store, n: usize) -> anyhow::Result<UserId> {
    let identity = StaffIdentity {
        name: format!("Colega {n}").parse().context("a name")?,
        email: format!("colega-{n}@bench.example").parse().context("an address")?,
    };
    let new = NewUser { identity, role: Role::Agent, password: None, patient: None };
    Ok(store.write(Actor::System("bench"), Clock::System.now(), |tx| users::insert(tx, &new))?.id)
}

fn raise(store: &Store, enrolled: &Enrolled) -> anyhow::Result<AlertId> {
    let now = Clock::System.now();
    let rule = Rule::seeds().into_iter().next().context("a rule")?;
    let opened = Change::Opened { level: Level::Red, started_at: now, at: now };
    let episode = Episode::opened(&rule, &opened).context("an episode")?;
    let reading =
        JudgedReading { at: now, value: 137.0, flags: Flags::default(), device: enrolled.device()? };
    let finding = Finding::of(&rule, Level::Red, &[reading]);
    Ok(store.write(Actor::System("bench"), now, |tx| {
        let key = Audience::program().patient(tx, enrolled.patient)?.key();
        alerts::open(tx, Keyed { key, id: enrolled.patient }, &rule, &episode, &finding, false)
    })?)
}
