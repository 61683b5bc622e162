//! One commit for whatever is queued: who sent it, whose it is, whether consent permits it, the rows, the
//! receipts, the judgement. Nothing is answered before it is durable; nothing that failed is answered at all.

mod amend;
mod apart;
mod aside;
mod charges;
mod judge;
mod ledger;
pub(super) mod plan;
mod reception;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mqtt::gateway::Reply;

use super::admit::Admitted;
use super::answer::{Verdict, answer};
use super::roster::Roster;
use super::{ANNOUNCE_EVERY, Options, SharedWatchlist, Stats, lock};
use amend::{amend, look_up};
use apart::Apart;
use charges::Charges;
use domain::{Clock, Instant, Measured, PatientId};
use judge::{Fresh, judge};
use ledger::Ledger;
use plan::{NewRows, Planned, Planner, Standings, set_aside_conflicts};
use reception::Receptions;
use rules::{JudgedReading, SeriesKey, Watchlist};
use store::audit::receipts;
use store::db::turn;
use store::health::nodes;
use store::health::nodes::Proven;
use store::health::standing::Standing;
use store::readings::{self, Batch, Known};
use store::rules::judgement::Whose;
use store::rules::reevaluations;
use store::{Error, Result, Store, Touched, Tx, Urgency};
use supervise::Watched;

/// What was decided of a message, as its receipt carries it: 0 taken whole, a consent code's number when
/// consent refused it, and these.
pub mod decision {
    /// Taken, but for some parts.
    pub(crate) const IN_PART: u8 = 100;
    /// Nothing in it could be taken.
    pub const NOTHING: u8 = 101;
    /// It cannot be read.
    pub(crate) const UNREADABLE: u8 = 102;
    /// Over a quota.
    pub(crate) const QUOTA: u8 = 103;
    /// The device is nobody's.
    pub const NOT_BOUND: u8 = 104;
}

/// Commits groups of messages, one after the other.
pub struct Committer {
    store: Store,
    clock: Clock,
    bases: consent::Bases,
    watch: SharedWatchlist,
    committed: Box<dyn Fn() + Send>,
    stats: Arc<Stats>,
    roster: Roster,
    ledger: Ledger,
    standing: Standing,
    /// The seat in which the ledger numbers.
    seating: u64,
    batch: Batch,
    charges: Charges,
    involved: Vec<i64>,
    /// Who has new readings.
    concerned: Vec<PatientId>,
    receptions: Receptions,
    announced: HashMap<PatientId, Instant>,
}

impl Committer {
    /// A committer that begins after the last second that has receipts.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn new(store: Store, clock: Clock, options: Options, stats: Arc<Stats>) -> Result<Self> {
        let last = store.read(receipts::last_second)?;
        Ok(Self {
            store,
            clock,
            bases: options.bases,
            watch: options.watch,
            committed: options.committed,
            stats,
            roster: Roster::default(),
            ledger: Ledger::new(options.standing.number().unwrap_or(0), last),
            seating: options.standing.seating(),
            standing: options.standing,
            batch: Batch::default(),
            charges: Charges::default(),
            involved: Vec::new(),
            concerned: Vec::new(),
            receptions: Receptions::default(),
            announced: HashMap::new(),
        })
    }

    /// Forgets what a commit that did not come to its end may have left behind.
    pub fn begin(&mut self) {
        self.lost();
    }

    /// Waits until the node takes part; whether it does. In another seat it begins after every receipt there is.
    pub(crate) fn may_commit(&mut self, watched: &Watched) -> bool {
        if !self.standing.takes_part() {
            watched.rests();
        }
        let Some(number) = self.standing.wait() else { return false };
        watched.works();
        let seating = self.standing.seating();
        if (self.ledger.node(), self.seating) == (number, seating) {
            return true;
        }
        match self.store.read(receipts::last_second) {
            Ok(last) => (self.ledger, self.seating) = (Ledger::new(number, last), seating),
            Err(error) => self.give_up(&error),
        }
        self.seating == seating
    }

    /// Commits a group and answers it. When the group cannot be committed each message is tried alone, so
    /// that a bad one fails only itself.
    pub fn commit(&mut self, group: &mut Vec<Admitted>) {
        let count = u64::try_from(group.len()).unwrap_or(0);
        match self.attempt(group) {
            Ok(planned) => self.tell(group.drain(..), planned),
            Err(error) if count == 1 => self.give_up(&error),
            Err(error) => {
                tracing::warn!(%error, messages = count, "a group could not be committed; trying each alone");
                for message in group.drain(..) {
                    match self.attempt(std::slice::from_ref(&message)) {
                        Ok(planned) => self.tell(std::iter::once(message), planned),
                        Err(error) => self.give_up(&error),
                    }
                }
            }
        }
        self.stats.queued.fetch_sub(count, Ordering::Relaxed);
    }

    /// Drops a group unanswered.
    pub(crate) fn turn_away(&mut self, group: &mut Vec<Admitted>) {
        let count = u64::try_from(group.drain(..).len()).unwrap_or(0);
        self.stats.queued.fetch_sub(count, Ordering::Relaxed);
    }

    /// The message is dropped unanswered: the device keeps it and sends it again.
    fn give_up(&self, error: &Error) {
        tracing::error!(%error, cause = ?std::error::Error::source(error), "a message could not be committed");
        Stats::add(&self.stats.not_stored, 1);
    }

    fn attempt(&mut self, group: &[Admitted]) -> Result<Vec<Planned>> {
        let store = self.store.clone();
        let known = look_up(&store, group)?;
        let done = store.keep_house(Urgency::Patient, "ingest", self.clock.now(), |tx| {
            let touched = store.take_touched();
            self.forget(&touched);
            self.roster.refresh(store.url(), &touched);
            self.transact(tx, group, &known)
        });
        if let Err(error) = &done {
            self.lost();
            if matches!(error, Error::Unseated) {
                self.standing.doubt();
            }
        }
        done
    }

    /// What memory learned in a transaction that is gone must be forgotten with it.
    fn lost(&mut self) {
        self.roster.clear();
        self.batch.failed();
        self.charges.forget();
        let mut watch = lock(&self.watch);
        self.involved.drain(..).for_each(|key| watch.forget_patient(key));
    }

    fn forget(&self, touched: &[Touched]) {
        if touched.is_empty() {
            return;
        }
        let mut watch = lock(&self.watch);
        for touched in touched {
            match touched {
                Touched::Patient(key) => watch.forget_patient(*key),
                Touched::Everything => watch.forget_all(),
                Touched::Device(_) | Touched::Rules => {}
            }
        }
    }

    fn transact(&mut self, tx: &mut Tx<'_>, group: &[Admitted], known: &Known) -> Result<Vec<Planned>> {
        turn::share(tx)?;
        // Asked inside the turn: waiting for it takes time, a receipt's second must not be over, and what is refused here is
        // refused for good.
        let proven = nodes::hold_and_prove(tx, self.ledger.node(), self.store.name(), &self.clock)?;
        let now = proven.at();
        let received = in_doubt(group, &self.clock, proven);
        let group = received.as_deref().unwrap_or(group);
        self.batch.clear();
        self.involved.clear();
        self.concerned.clear();
        self.ledger.begin(now);
        self.receptions.begin(now);
        self.roster.gather_devices(tx, group)?;
        let apart = Apart::of(group, &self.roster, now);
        let group = apart.as_ref().map_or(group, |apart| apart.messages.as_slice());
        self.roster.gather_patients(tx, group, now)?;
        let mut planner = Planner {
            roster: &self.roster,
            ledger: &mut self.ledger,
            batch: &mut self.batch,
            bases: &self.bases,
            known,
            standings: Standings::new(),
            receptions: &mut self.receptions,
            reception: None,
            proven,
        };
        let mut planned = Vec::with_capacity(group.len());
        for message in group {
            planned.push(planner.plan(tx, message)?);
        }
        let standings = planner.standings;
        self.involved.extend(standings.keys().map(|(patient, _)| *patient));
        let appended = readings::append(tx, &self.batch)?;
        set_aside_conflicts(tx, group, &mut planned, &appended.conflicts)?;
        let mut watch = reevaluations::machines(tx, &self.watch);
        amend(tx, group, &mut planned, &standings, known, &mut watch)?;
        let new_rows = NewRows::new(&appended);
        self.ledger.sign(tx, group, &planned, &new_rows)?;
        self.charges.keep(tx, group, &planned)?;
        let fresh = fresh(group, &planned, &new_rows, &standings, &watch);
        judge(tx, &mut watch, &fresh, self.store.url().file().is_some())?;
        Stats::add(&self.stats.readings, appended.new);
        self.concerned.extend(concerned(&planned));
        Ok(match apart {
            Some(apart) => apart.join(planned),
            None => planned,
        })
    }

    /// Answers what is committed, in the order it came.
    fn tell(&mut self, group: impl Iterator<Item = Admitted>, planned: Vec<Planned>) {
        let now = self.clock.now();
        Reply::send_all(group.zip(&planned).map(|(message, plan)| {
            let answer = answer(&message, &plan.verdict, &plan.parts, &plan.suspect(), now);
            (message.reply, answer)
        }));
        let refused = planned.iter().filter(|plan| plan.verdict != Verdict::Taken).count();
        let aside =
            planned.iter().map(|plan| usize::try_from(plan.parts.aside()).unwrap_or(usize::MAX)).sum();
        Stats::add(&self.stats.messages, planned.len());
        Stats::add(&self.stats.refused, refused);
        Stats::add(&self.stats.quarantined, aside);
        Stats::add(&self.stats.commits, 1);
        self.announce(now);
        (self.committed)();
    }

    /// Tells open pages that a patient has new readings, at most once a second each.
    fn announce(&mut self, now: Instant) {
        for id in self.concerned.drain(..) {
            let last = self.announced.get(&id);
            if last.is_none_or(|last| now.since(*last) >= ANNOUNCE_EVERY || *last > now) {
                self.announced.insert(id, now);
                self.store.announce("readings.changed", id);
            }
        }
    }
}

/// The messages of a group, where the clock that stamped some of them may have been wrong (the machine was suspended): those
/// count as received now, as if they were sent again. Their first instant proves nothing, and would refuse them for good.
fn in_doubt(group: &[Admitted], clock: &Clock, proven: Proven) -> Option<Vec<Admitted>> {
    let doubts = |message: &Admitted| clock.doubts(message.received_at);
    let again = |message: &Admitted| {
        if doubts(message) { message.received_again(proven.at()) } else { message.share(None) }
    };
    group.iter().any(doubts).then(|| group.iter().map(again).collect())
}

/// Whose readings a commit holds.
fn concerned(planned: &[Planned]) -> impl Iterator<Item = PatientId> {
    let with = planned.iter().filter(|plan| !plan.readings.is_empty());
    with.filter_map(|plan| plan.patient.as_ref().map(|patient| patient.row.id))
}

/// What of a commit is new, may be judged and is looked at by a rule, each series in the order of its instants.
fn fresh(
    group: &[Admitted],
    planned: &[Planned],
    new_rows: &NewRows,
    standings: &Standings,
    watch: &Watchlist,
) -> Vec<Fresh> {
    let mut fresh = Vec::new();
    for (message, plan) in group.iter().zip(planned) {
        let Some(patient) = &plan.patient else { continue };
        let standing = standings.get(&(patient.row.key, message.device));
        let Some(Ok(permit)) = standing.map(|standing| &standing.evaluate) else { continue };
        let whose = Whose { key: patient.row.key, id: patient.row.id };
        let judged = new_rows
            .of(plan)
            .filter(|reading| watch.judges(reading.signal) && permit.covers(reading.at.micros()).is_ok());
        fresh.extend(judged.map(|reading| Fresh {
            whose,
            key: SeriesKey { patient_key: whose.key, signal: reading.signal },
            reading: JudgedReading::from(&Measured { reading: *reading, device: message.device }),
        }));
    }
    fresh.sort_by_key(|fresh| (fresh.key, fresh.reading.at));
    fresh
}
