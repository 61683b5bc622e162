//! Judges again what late data touched: reads a series from before the late reading on, replays it, makes the
//! stored episodes those that the clean stream would have told, and hands its machines back to the ingest.
//!
//! Of nodes on one database, the one whose ingest asked settles a series at once, and so knows it afterwards; what
//! nobody settled for [`ORPHANED`] any node takes. A replay that changed an alert tells the other nodes to forget
//! the patient, one that changed nothing tells nobody: a series does not go to and fro.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use consent::{AlertEvaluate, Context, Datum, Denied, Permit, Request, decide};

use super::{Module, Progress};
use crate::domain::{DeviceId, Instant, Measured, Rule};
use crate::rules::{JudgedReading, SeriesKey, Watchlist, replay};
use crate::store::judgement::{Whose, settled};
use crate::store::reevaluations::{self, Due};
use crate::store::roster::{self, PatientRow};
use crate::store::telemetry::{self, StoredReading, Want};
use crate::store::{self, Store, Touched, Tx, Urgency, Url, alerts, turn};

/// Series replayed in one cycle: each cycle passes once over the journal, so few and large ones are cheaper.
const SERIES: i64 = 4_096;
/// Series settled in one turn to write on SQLite: under load a turn comes once per ingest commit, and one series a
/// turn would never catch up. On PostgreSQL writers do not take turns, and a settled series' row must not be held
/// while the next one waits for the machines.
const GROUP: usize = 64;
/// A turn ends after so long, whatever is left of its group: readings wait for it.
const TURN: Duration = Duration::from_millis(8);
/// A mark that its own node did not settle for so long is anybody's, and so is one of a clock this far ahead.
pub const ORPHANED: Duration = Duration::from_secs(5);
/// A stamp may be this far ahead of reception.
const AHEAD: Duration = Duration::from_secs(360);

/// The replays as a module.
pub struct Reevaluate {
    store: Store,
    bases: consent::Bases,
    watch: Arc<Mutex<Watchlist>>,
}

impl Reevaluate {
    /// Replays this store's series for the machines in `watch`.
    #[must_use]
    pub const fn new(store: Store, bases: consent::Bases, watch: Arc<Mutex<Watchlist>>) -> Self {
        Self { store, bases, watch }
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
        if due.is_empty() {
            return Ok(Progress::default());
        }
        {
            let mut watch = self.watch();
            due.iter().for_each(|due| watch.begin(key(due)));
        }
        let mut read = self.read(&due, now)?;
        let together = if self.store.url().file().is_some() { GROUP } else { 1 };
        let mut rest = due.as_slice();
        while !rest.is_empty() {
            let group = rest.get(..together.min(rest.len())).unwrap_or(rest);
            let settled = self.store.keep_house(Urgency::Patient, "reevaluate", now, |tx| {
                let began = Moment::now();
                let mut count = 0;
                for due in group {
                    let readings = read.remove(&(due.patient_key, due.signal)).unwrap_or_default();
                    self.settle(tx, due, readings)?;
                    count += 1;
                    if began.elapsed() > TURN {
                        break;
                    }
                }
                Ok(count)
            });
            if settled.is_err() {
                let mut watch = self.watch();
                group.iter().for_each(|due| watch.forget(key(due)));
            }
            rest = rest.get(settled?..).unwrap_or_default();
        }
        Ok(Progress { did: due.len(), more: full })
    }
}

const fn key(due: &Due) -> SeriesKey {
    SeriesKey { patient_key: due.patient_key, signal: due.signal }
}

impl Reevaluate {
    fn watch(&self) -> MutexGuard<'_, Watchlist> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> Arc<[Rule]> {
        self.watch().rules().clone()
    }

    /// What this node is to settle: all of it where it is alone.
    fn mine(&self, mut marked: Vec<Due>, now: Instant) -> Vec<Due> {
        if let Url::Postgres(_) = self.store.url() {
            let watch = self.watch();
            marked.retain(|due| {
                let ahead = due.since.since(now) >= ORPHANED;
                watch.asks(key(due)) || now.since(due.since) >= ORPHANED || ahead
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

    /// What each patient permits now, looked up at once.
    fn permits(&self, due: &[Due], now: Instant) -> store::Result<Vec<Option<Permit<AlertEvaluate>>>> {
        let keys: Vec<i64> =
            due.iter().map(|due| due.patient_key).collect::<BTreeSet<_>>().into_iter().collect();
        let patients = self.store.keep_house(Urgency::Patient, "reevaluate", now, |tx| {
            turn::share(tx)?;
            roster::patients(tx, &keys)
        })?;
        let patients: HashMap<i64, PatientRow> = patients.into_iter().map(|row| (row.key, row)).collect();
        let permit = |due: &Due| self.permit(patients.get(&due.patient_key)?, now).ok();
        Ok(due.iter().map(permit).collect())
    }

    /// Reads every series from one lookback before its late reading, in one pass over the journal.
    fn read(
        &self,
        due: &[Due],
        now: Instant,
    ) -> store::Result<HashMap<(i64, crate::domain::Signal), Vec<StoredReading>>> {
        let rules = self.rules();
        let mut permits: Vec<Option<Permit<AlertEvaluate>>> = Vec::with_capacity(due.len());
        for group in due.chunks(GROUP) {
            permits.extend(self.permits(group, now)?);
        }
        self.store.read(|view| {
            let wants: Vec<Want<'_>> = due
                .iter()
                .zip(&permits)
                .filter_map(|(due, permit)| {
                    let (patient_key, signal) = (due.patient_key, due.signal);
                    let from = due.from.minus(lookback(&rules, due));
                    Some(Want { permit: permit.as_ref()?, patient_key, signal, from })
                })
                .collect();
            telemetry::scan(view, &wants, now.plus(AHEAD))
        })
    }

    fn settle(&self, tx: &mut Tx<'_>, due: &Due, readings: Vec<StoredReading>) -> store::Result<()> {
        turn::share(tx)?;
        let mut watch = self.watch();
        let series = key(due);
        let patient = roster::patient(tx, due.patient_key)?;
        let Some((from, version)) = reevaluations::hold(tx, due.patient_key, due.signal)? else {
            // Another node settled it.
            watch.forget(series);
            return Ok(());
        };
        let Ok(permit) = self.permit(&patient, tx.now()) else {
            watch.forget(series);
            return reevaluations::clear(tx, due.patient_key, due.signal);
        };
        let marks = watch.marks(series);
        let Some(arrived) = watch.arrived(series).filter(|_| from >= due.from) else {
            watch.forget(series);
            return Ok(());
        };
        let readings = match self.store.url() {
            // Who marked it meanwhile may be another node, whose readings never arrive here.
            Url::Postgres(_) if version != due.version + marks => reread(tx, due, &permit, watch.rules())?,
            _ => readings,
        };
        let sources = roster::sources(tx, due.patient_key)?;
        let (source, readings) = merged(&sources, readings, arrived);
        let rules = watch.rules().clone();
        let whose = Whose { key: patient.key, id: patient.id };
        let (mut machines, mut changes) = (Vec::new(), 0);
        for rule in rules.iter().filter(|rule| rule.signal == due.signal) {
            let (machine, changed) = retell(tx, whose, rule, due.from, &readings)?;
            machines.push(machine);
            changes += changed;
        }
        if changes > 0 {
            tx.touch_elsewhere(Touched::Patient(patient.key));
        }
        watch.know(series, source, machines, &readings);
        reevaluations::clear(tx, due.patient_key, due.signal)
    }
}

fn reread(
    tx: &mut Tx<'_>,
    due: &Due,
    permit: &Permit<AlertEvaluate>,
    rules: &[Rule],
) -> store::Result<Vec<StoredReading>> {
    let (patient_key, signal) = (due.patient_key, due.signal);
    let from = due.from.minus(lookback(rules, due));
    let until = tx.now().plus(AHEAD);
    telemetry::series(tx, permit, patient_key, signal, from, until)
}

fn lookback(rules: &[Rule], due: &Due) -> Duration {
    let looking = rules.iter().filter(|rule| rule.signal == due.signal);
    looking.map(Rule::lookback).max().unwrap_or_default()
}

fn retell(
    tx: &mut Tx<'_>,
    whose: Whose,
    rule: &Rule,
    from: Instant,
    readings: &[JudgedReading],
) -> store::Result<(crate::rules::Machine, usize)> {
    let since = from.minus(rule.lookback());
    let stored = alerts::episodes(tx, whose.key, &rule.id, since)?;
    let cuts = alerts::cuts(tx, whose.key, &rule.id, since)?;
    let before: Vec<_> = stored.iter().map(|alert| alert.episode.clone()).collect();
    let told = replay(rule, &before, &cuts, readings.iter().copied(), from);
    let reaching: Vec<_> = stored.into_iter().filter(|alert| alert.episode.reaches(from)).collect();
    let changed = settled(tx, whose, rule, &reaching, &told.episodes, readings)?;
    Ok((told.machine, changed))
}

/// The stored readings and those that arrived meanwhile, of the one source that this series is judged by: of
/// the devices that measured it the preferred, else the first bound.
fn merged(
    sources: &[(i64, DeviceId, roster::Binding)],
    stored: Vec<StoredReading>,
    arrived: Vec<(i64, JudgedReading)>,
) -> (i64, Vec<JudgedReading>) {
    let measured = |device: i64| {
        stored.iter().any(|reading| reading.device_key == device)
            || arrived.iter().any(|(key, _)| *key == device)
    };
    let chosen = sources.iter().find(|(device, ..)| measured(*device));
    let Some((source, id, _)) = chosen else { return (0, Vec::new()) };
    let from_store = stored
        .iter()
        .filter(|reading| reading.device_key == *source)
        .map(|stored| JudgedReading::from(&Measured { reading: stored.reading, device: *id }));
    let meanwhile = arrived.iter().filter(|(device, _)| device == source).map(|(_, reading)| *reading);
    let mut all: Vec<JudgedReading> = from_store.chain(meanwhile).collect();
    all.sort_by_key(|reading| reading.at);
    all.dedup_by_key(|reading| reading.at);
    (*source, all)
}
