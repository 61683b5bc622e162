//! A house without threads: its ingest and its engine's lanes are run by hand, at the instants at which something
//! happens or is due.

use std::collections::{BTreeSet, HashMap};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mqtt::gateway::{Delivery, Protocol, Reply};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use super::clinic::{self, Clinic};
use super::people::People;
use super::summary::Telemetry;
use super::wearer::STEP;
use super::wire::{Announcement, Wire};
use super::{Plan, telemetry};
use crate::demo::seed::DemoUser;
use crate::error::Result;
use ::rules::Watchlist;
use audit::note::Signer;
use domain::messages::Channel;
use domain::{AlertId, Clock, DeviceId, Instant, UserId};
use engine::alerts::late_reds;
use engine::devices::silence;
use engine::health::auditor;
use engine::messages::outbox;
use engine::{
    Lane, Status, audit as seal, consents, escalation, housekeeping, people, readings, rules as reevaluate,
    sla as deadline,
};
use ingest::Stats;
use ingest::admit::Admitted;
use ingest::commit::Committer;
use store::db::ahead;
use store::escalation::{self as escalations, paging};
use store::health::standing::{Place, Standing};
use store::{Signalled, Store, Urgency, alerts, messages, rules, sla};

/// Messages in one commit, as in a running node.
const GROUP: usize = 4_096;
/// How often housekeeping runs.
const HOUSEKEEPING: i64 = 1_800;
/// How often the journal is rolled: each time looks over all of it, and time runs fast here.
const ROLLED: i64 = 24 * 3_600;
/// A lane that always has more to do is a fault of the program.
const ROUNDS: usize = 100_000;

/// Everything that a simulation moves.
pub(super) struct World {
    store: Store,
    clock: Clock,
    until: Instant,
    clinic: Clinic,
    people: People,
    committer: Committer,
    stats: Arc<Stats>,
    prompt: Lane,
    house: Lane,
    post: Lane,
    status: Status,
    signals: Receiver<Signalled>,
    /// How far each person has looked at their dashboard.
    seen: HashMap<UserId, i64>,
}

impl World {
    /// Founds the clinic and builds the house around it.
    ///
    /// # Errors
    /// The store refuses.
    pub(super) fn begin(store: &Store, clock: Clock, signer: Signer, plan: &Plan) -> Result<Self> {
        let now = clock.now();
        let rules = store.keep_house(Urgency::Urgent, "start", now, |tx| {
            rules::seed(tx)?;
            escalations::seed(tx)?;
            outbox::seed(tx)?;
            sla::seed(tx)?;
            paging::send_e_mail(tx, true)?;
            rules::in_force(tx)
        })?;
        let clinic = clinic::found(store, plan, now)?;
        let watch = Arc::new(Mutex::new(Watchlist::new(rules.into())));
        let stats = Arc::new(Stats::default());
        let bases = consent::Bases::default();
        let options = ingest::Options {
            standing: Standing::new(Place::Seated(0)),
            bases: bases.clone(),
            watch: Arc::clone(&watch),
            committed: Box::new(|| {}),
        };
        let committer = Committer::new(store.clone(), clock.clone(), options, Arc::clone(&stats))?;
        let status = Status::default();
        let breakers = outbox::Breakers::default();
        let way = |channel, away| {
            let wire = Arc::new(Wire::new(channel, away));
            let base_url = "https://zelo.example".to_owned();
            outbox::Outbox::new(store.clone(), wire, breakers.clone(), base_url)
        };
        let post = Lane::new(
            "outbox",
            vec![Box::new(way(Channel::InApp, None)), Box::new(way(Channel::Email, Some(plan.away())))],
        );
        let prompt = Lane::new(
            "engine",
            vec![
                Box::new(reevaluate::Reevaluate::new(store.clone(), bases, Arc::clone(&watch))),
                Box::new(late_reds::LateReds::new(store.clone(), watch)),
                Box::new(people::Departures::new(store.clone())),
                Box::new(escalation::Escalate::new(store.clone())),
                Box::new(deadline::Deadline::new(store.clone())),
            ],
        );
        let house = Lane::new(
            "house",
            vec![
                Box::new(silence::Silence::new(store.clone())),
                Box::new(consents::Bases::new(store.clone())),
                Box::new(housekeeping::Housekeeping::new(store.clone())),
                Box::new(seal::Seal::new(store.clone(), signer)?),
                Box::new(auditor::Auditor::new(store.clone(), Status::default())),
            ],
        );
        Ok(Self {
            signals: store.signals(),
            store: store.clone(),
            people: People::new(plan.seed),
            until: plan.until,
            clock,
            clinic,
            committer,
            stats,
            prompt,
            house,
            post,
            status,
            seen: HashMap::new(),
        })
    }

    /// Lives until the end, and seals what happened.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn run(&mut self) -> Result<()> {
        let mut slow = Lane::new("engine-roll", vec![Box::new(readings::Roll::new(self.store.clone()))]);
        let status = self.status.clone();
        // In a thread of its own, as in a running node: nothing that a person sees hangs on where a reading lies.
        std::thread::scope(|scope| {
            let (midnight, midnights) = std::sync::mpsc::sync_channel(1);
            scope.spawn(move || midnights.iter().for_each(|now| drain(&mut slow, now, &status)));
            self.live(&midnight)
        })?;
        // What the last second brought is sealed when it is over.
        self.clock.advance(std::time::Duration::from_secs(2));
        drain(&mut self.house, self.clock.now(), &self.status);
        Ok(())
    }

    /// From one thing that is due to the next.
    fn live(&mut self, midnight: &SyncSender<Instant>) -> Result<()> {
        let mut step = self.clock.now().plus(STEP);
        let mut due = None;
        let mut stirred = true;
        loop {
            if stirred {
                let now = self.clock.now();
                due = self.store.read(|view| ahead::next(view, now))?;
            }
            let awaited = [Some(step), due, self.people.next(), Some(self.until)];
            let Some(next) = awaited.into_iter().flatten().min() else { break };
            self.clock.advance(next.since(self.clock.now()));
            let now = self.clock.now();
            if now >= self.until {
                break;
            }
            let mut sent = false;
            if now == step {
                sent = self.measure(now);
                step = step.plus(STEP);
            }
            // Where nobody did anything and nothing is due there is nothing to do.
            stirred = sent || due == Some(now) || self.people.next().is_some_and(|at| at <= now);
            if stirred {
                self.people.act(&self.clinic, &self.store, now)?;
                self.cycle(now);
                self.look()?;
            }
            if now.secs().rem_euclid(HOUSEKEEPING) == 0 {
                drain(&mut self.house, now, &self.status);
            }
            if now.secs().rem_euclid(ROLLED) == 0 {
                roll(midnight, now);
            }
        }
        roll(midnight, self.clock.now());
        Ok(())
    }

    /// What came in.
    pub(super) fn telemetry(&self) -> Telemetry {
        telemetry(&self.stats)
    }

    /// Who signs in.
    pub(super) fn users(&self) -> Vec<DemoUser> {
        self.clinic.users.clone()
    }

    /// Every wearable measures, and tells what it has to tell; says whether any did.
    fn measure(&mut self, now: Instant) -> bool {
        let mut group = Vec::new();
        for wearer in &mut self.clinic.wearers {
            let device = wearer.device;
            group.extend(wearer.step(now).into_iter().map(|text| delivered(device, text, now)));
        }
        let sent = !group.is_empty();
        while !group.is_empty() {
            let mut part: Vec<Admitted> = group.drain(..group.len().min(GROUP)).collect();
            self.committer.commit(&mut part);
        }
        sent
    }

    /// The engine works off what is due, then the messages leave.
    fn cycle(&mut self, now: Instant) {
        drain(&mut self.prompt, now, &self.status);
        drain(&mut self.post, now, &self.status);
    }

    /// People see what changed and what reached them.
    fn look(&mut self) -> Result<()> {
        let mut called = BTreeSet::new();
        loop {
            match self.signals.try_recv() {
                Ok(signal) if signal.name == "alert.changed" => {
                    let Ok(id) = signal.subject.parse::<AlertId>() else { continue };
                    let stored = self.store.read(|view| alerts::get(view, id))?;
                    self.people.see(&self.clinic, &stored);
                }
                Ok(signal) if signal.name == "message.changed" => {
                    if let Ok(user) = signal.subject.parse::<UserId>() {
                        called.insert(user);
                    }
                }
                Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let mut announcements = Vec::new();
        for user in called {
            announcements.extend(self.step(user)?);
        }
        self.people.hear(&self.clinic, announcements);
        Ok(())
    }

    /// What came to a person's dashboard since they last looked.
    fn step(&mut self, user: UserId) -> Result<Vec<Announcement>> {
        let seen = self.seen.entry(user).or_default();
        let (after, name) = (*seen, user.to_string());
        let fresh = self.store.read(|view| messages::after(view, Channel::InApp, &name, after, 1_000))?;
        *seen = fresh.last().map_or(after, |last| last.id);
        let about = |page: &messages::Stored| {
            let alert = (page.kind == escalations::ALERT).then(|| page.subject.parse().ok()).flatten()?;
            Some(Announcement { at: page.created_at, alert, user })
        };
        Ok(fresh.iter().filter_map(about).collect())
    }
}

/// Has the journal rolled; waits while two rolls are under way.
fn roll(midnight: &SyncSender<Instant>, now: Instant) {
    if midnight.send(now).is_err() {
        tracing::error!("the journal is not rolled any more");
    }
}

/// Cycles until nothing more is to be done at this instant.
fn drain(lane: &mut Lane, now: Instant, status: &Status) {
    // Driven time never goes back: it is its own steady clock.
    let steady = std::time::Duration::from_micros(u64::try_from(now.micros()).unwrap_or(0));
    let rounds = (0..ROUNDS).take_while(|_| lane.cycle(now, steady, status)).count();
    if rounds == ROUNDS {
        tracing::error!("a lane of the engine does not come to rest");
    }
}

fn delivered(device: DeviceId, text: String, now: Instant) -> Admitted {
    Admitted::from(Delivery {
        device: device.0,
        session: 1,
        packet_id: Some(1),
        qos: 1,
        resent: false,
        content_type: None,
        payload: Bytes::from(text),
        received_at: now.micros(),
        protocol: Protocol::V5,
        reply: Reply::unheard(),
    })
}
