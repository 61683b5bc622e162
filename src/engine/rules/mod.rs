//! Judges again what late data touched: reads a series from before the late reading on, replays it, and makes the
//! stored episodes those that the clean stream would have told. It reads in stretches and without a lock, and stops
//! where what is told meets what is stored; only a replay that goes on to the head makes the machines anew, and what
//! arrives meanwhile is held back for them.
//!
//! Of nodes on one database, the one whose ingest asked settles a series at once, and so knows it afterwards; what
//! nobody settled for [`ORPHANED`] any node takes. A replay that changed an alert tells the other nodes to forget
//! the patient, one that changed nothing tells nobody: a series does not go to and fro.

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

/// Series judged again in one cycle: together they pass once over the journal, and each keeps its end in memory.
const SERIES: i64 = 512;
/// Series taken or settled in one turn to write on SQLite: under load a turn comes once per ingest commit, and one
/// series a turn would never catch up. On PostgreSQL writers do not take turns, and a settled series' row must not be
/// held while the next one waits for the machines.
const GROUP: usize = 64;
/// A turn ends after so long, whatever is left of its group: readings wait for it.
const TURN: Duration = Duration::from_millis(8);
/// A cycle reads no longer than this: what it did not finish is taken again.
const READING: Duration = Duration::from_secs(20);
/// A mark that its own node did not settle for so long is anybody's, and so is one of a clock this far ahead.
pub const ORPHANED: Duration = Duration::from_secs(5);
/// What a node took and did not settle for so long is anybody's: it died.
const ABANDONED: Duration = Duration::from_secs(60);
/// A stamp may be this far ahead of reception.
const AHEAD: Duration = Duration::from_secs(360);

/// A row that was taken, the permit to judge it, and whether its machines are to be made anew.
type Taken = (Due, Permit<AlertEvaluate>, bool);
/// A sweep that reads no further for now, and where it stands.
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
        // Whatever was not finished is taken again, and nothing is held back for nobody.
        due.iter().for_each(|due| watch.abandon(key(due)));
        Ok(Progress { did: due.len(), more: left? || full })
    }
}

const fn key(due: &Due) -> SeriesKey {
    SeriesKey { patient_key: due.patient_key, signal: due.signal }
}

impl Reevaluate {
    /// Whether work is left.
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

    /// What this node is to settle: all of it where it is alone.
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

    /// Takes rows over and begins their sweeps. A series that is not known is held back for from now on.
    fn take(&self, group: &[Due], now: Instant) -> store::Result<Vec<Sweep>> {
        let keys: Vec<i64> =
            group.iter().map(|due| due.patient_key).collect::<BTreeSet<_>>().into_iter().collect();
        let taken = self.store.keep_house(Urgency::Patient, "reevaluate", now, |tx| {
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

    /// Reads on, and says who stands where: those that the journal was not read far enough for, and the others.
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
