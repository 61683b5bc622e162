//! Judges series again that late data touched. A sweep replays a series from before the late reading on and makes the
//! stored episodes those that the readings would have given had they arrived in order. It reads in stretches and
//! without a lock, and stops where the replay agrees with what is stored. Only a replay that reaches the head of the
//! series rebuilds the machines; what arrives meanwhile is held back for them.
//!
//! On PostgreSQL, where several nodes serve, the node whose ingest asked for a replay does it at once, and so has the
//! series in memory afterwards. A row that nobody settled for `ORPHANED` is open to any node. A replay that changed
//! an alert tells the other nodes to forget the patient; one that changed nothing tells nobody, so a series does not
//! travel back and forth between nodes.

mod settle;
mod sweep;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use consent::{AlertEvaluate, Context, Datum, Denied, Permit, Request, decide};

use super::{Module, Progress};
use domain::{Instant, Rule};
use rules::{SeriesKey, Watchlist};
use store::db::turn;
use store::devices::roster::{self, PatientRow};
use store::readings::{self, Want};
use store::rules::reevaluations::{self, Due};
use store::{Store, Tx, Urgency, Url};

use sweep::{Stand, Sweep};

/// Series in one cycle: they share one pass over the journal, and each keeps the end of its readings in memory.
const SERIES: i64 = 512;
/// Series taken or settled in one transaction on SQLite: under load a turn to write comes once per ingest commit, and
/// one series a turn would never catch up. On PostgreSQL writers do not take turns, and the row of a settled series
/// must not stay locked while the next one waits for the machines: there it is one.
const GROUP: usize = 64;
/// A transaction that has settled series for this long ends, whatever is left of its group: ingest waits for its turn.
const TURN: Duration = Duration::from_millis(8);
/// A cycle stops reading after this; the sweeps it did not finish are taken again.
const READING: Duration = Duration::from_secs(20);
/// After this long any node may take a mark that its own node did not settle. The same goes for a mark dated this far
/// ahead: it was written on a wrong clock.
pub(crate) const ORPHANED: Duration = Duration::from_secs(5);
/// After this long any node may take a row that another node took and did not settle: that node died.
const ABANDONED: Duration = Duration::from_secs(60);
/// How far a reading's stamp may lie ahead of its reception; a replay reads this far past now to reach the head.
const AHEAD: Duration = Duration::from_secs(360);

/// A row that was taken, the permit to judge it, and whether its machines are to be rebuilt.
type Taken = (Due, Permit<AlertEvaluate>, bool);
/// A sweep that has stopped reading for now, and where it stopped.
type Stood = (Sweep, Stand);

/// The replays as a module.
pub struct Reevaluate {
    store: Store,
    bases: consent::Bases,
    watch: Arc<Mutex<Watchlist>>,
    me: i64,
}

impl Reevaluate {
    /// Replays this store's series for the machines in `watch`.
    #[must_use]
    pub fn new(store: Store, bases: consent::Bases, watch: Arc<Mutex<Watchlist>>) -> Self {
        let (high, low) = uuid::Uuid::now_v7().as_u64_pair();
        Self { store, bases, watch, me: (high ^ low).cast_signed() }
    }
}

impl Module for Reevaluate {
    fn name(&self) -> &'static str {
        "reevaluate"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let marked = self.store.read(|view| reevaluations::due(view, SERIES))?;
        let full = i64::try_from(marked.len()).is_ok_and(|n| n == SERIES);
        let due = self.mine(marked, now);
        let left = self.judge_again(&due, now);
        let mut watch = self.watch();
        // Rows that were not finished are taken again; readings held back for their sweeps would be held back for
        // nobody.
        due.iter().for_each(|due| watch.abandon(key(due)));
        Ok(Progress { did: due.len(), more: left? || full })
    }
}

const fn key(due: &Due) -> SeriesKey {
    SeriesKey { patient_key: due.patient_key, signal: due.signal }
}

impl Reevaluate {
    /// Takes, reads and settles these series. Says whether work is left.
    fn judge_again(&self, due: &[Due], now: Instant) -> store::Result<bool> {
        let mut sweeps = Vec::with_capacity(due.len());
        for group in due.chunks(self.together()) {
            sweeps.extend(self.take(group, now)?);
        }
        let (began, mut left) = (Moment::now(), false);
        while !sweeps.is_empty() && began.elapsed() < READING {
            let (under, stood) = self.advance(sweeps, now)?;
            sweeps = under;
            let (again, more) = self.settle(stood, now)?;
            sweeps.extend(again);
            left |= more;
        }
        Ok(left || !sweeps.is_empty())
    }

    fn watch(&self) -> MutexGuard<'_, Watchlist> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> Arc<[Rule]> {
        self.watch().rules().clone()
    }

    fn together(&self) -> usize {
        if self.store.url().file().is_some() { GROUP } else { 1 }
    }

    /// The rows that this node should settle. On SQLite, where it is alone: all of them.
    fn mine(&self, mut marked: Vec<Due>, now: Instant) -> Vec<Due> {
        if let Url::Postgres(_) = self.store.url() {
            let watch = self.watch();
            marked.retain(|due| {
                let ahead = due.since.since(now) >= ORPHANED;
                let free = due.taken.is_none_or(|(by, at)| {
                    by == self.me || now.since(at) >= ABANDONED || at.since(now) >= ORPHANED
                });
                free && (watch.asks(key(due)) || now.since(due.since) >= ORPHANED || ahead)
            });
        }
        marked
    }

    fn permit(&self, patient: &PatientRow, now: Instant) -> Result<Permit<AlertEvaluate>, Denied> {
        let context = Context { data: &[Datum::Reading], ..Context::system(now.micros()) };
        let request = Request {
            bases: &self.bases,
            records: &patient.records,
            subject: &patient.subject,
            context: &context,
        };
        decide::<AlertEvaluate>(&request)
    }

    /// Takes rows and begins their sweeps. A series whose machines are not in memory is held back from here on.
    fn take(&self, group: &[Due], now: Instant) -> store::Result<Vec<Sweep>> {
        let keys: Vec<i64> =
            group.iter().map(|due| due.patient_key).collect::<BTreeSet<_>>().into_iter().collect();
        let taken = self.store.keep_house(Urgency::Patient, "reevaluate", now, |tx| {
            // The turn comes first in the order of locks, before the machines and any row of a replay.
            turn::share(tx)?;
            let patients = roster::patients(tx, &keys)?;
            let patients: HashMap<i64, PatientRow> = patients.into_iter().map(|row| (row.key, row)).collect();
            let mut taken = Vec::with_capacity(group.len());
            for due in group {
                let permit = patients.get(&due.patient_key).and_then(|row| self.permit(row, now).ok());
                taken.extend(self.take_one(tx, due, permit)?);
            }
            Ok(taken)
        })?;
        let rules = self.rules();
        let begin =
            |(due, permit, known)| self.store.read(|view| Sweep::begin(view, due, permit, &rules, known));
        taken.into_iter().map(begin).collect()
    }

    fn take_one(
        &self,
        tx: &mut Tx<'_>,
        due: &Due,
        permit: Option<Permit<AlertEvaluate>>,
    ) -> store::Result<Option<Taken>> {
        let series = key(due);
        let Some(permit) = permit else {
            self.watch().forget(series);
            reevaluations::clear(tx, due.patient_key, due.signal)?;
            return Ok(None);
        };
        // Machines before rows: ingest holds its machines while it marks a row, and the database cannot see a deadlock
        // that runs through a mutex.
        let mut watch = reevaluations::machines(tx, &self.watch);
        let taken = reevaluations::take(tx, due, self.me)?;
        watch.taken(series);
        let Some(mut taken) = taken else { return Ok(None) };
        let anew = !watch.knows(series);
        if anew {
            taken.late.until = Instant::MAX;
            reevaluations::to_the_head(tx, &taken)?;
            watch.begin(series, taken.late.from);
        }
        Ok(Some((taken, permit, anew)))
    }

    /// Reads on. Returns the sweeps that the journal was not read far enough for, and those that have stopped.
    fn advance(&self, mut sweeps: Vec<Sweep>, now: Instant) -> store::Result<(Vec<Sweep>, Vec<Stood>)> {
        let head = now.plus(AHEAD);
        let wants: Vec<Want> = sweeps.iter().map(Sweep::want).collect();
        let journal = self.store.read(|view| readings::journal(view, &wants, head))?;
        let (mut under, mut stood) = (Vec::new(), Vec::new());
        for mut sweep in sweeps.drain(..) {
            match self.store.read(|view| sweep.advance(view, &journal, head))? {
                Stand::Under => under.push(sweep),
                stand => stood.push((sweep, stand)),
            }
        }
        Ok((under, stood))
    }
}
