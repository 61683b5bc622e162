//! Escalations that are due: pages the next step, says when nobody was found or reached, and goes on where a wait
//! ended. A row that cannot be processed is set aside and does not hold up the others.

mod sweep;

use std::collections::{BTreeMap, BTreeSet};

use consent::Denied;

use self::sweep::Sweeps;
use super::alerts::worn;
use super::{Module, Progress};
use domain::escalation::{Did, Pace, State};
use domain::{AlertId, Instant, PatientId, UserId};
use store::escalation::paging;
use store::escalation::paging::Finder;
use store::escalation::{self, Advanced, Escalation, Row};
use store::messages::Ground;
use store::{Store, Tx, Urgency, Url, alerts, messages, sla};

/// Escalations in one transaction: few enough that a person's act does not wait long for their locks.
const BATCH: usize = 100;
/// Batches in one cycle; in parallel on PostgreSQL.
const AT_ONCE: usize = 5;

/// An escalation that is due, and its case.
type Due = (String, String);

/// Escalation as a module.
pub struct Escalate {
    store: Store,
    sweeps: Sweeps,
}

impl Escalate {
    /// Works on the escalations in this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { sweeps: Sweeps::new(store.clone()), store }
    }

    /// Works off what is due in batches: one after the other on SQLite, which has one writer, and in parallel on
    /// PostgreSQL.
    fn work(&self, due: &[Due], now: Instant) -> store::Result<usize> {
        if matches!(self.store.url(), Url::Sqlite(_)) {
            return due.chunks(BATCH).map(|some| self.batch(some, now)).sum();
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                due.chunks(BATCH).map(|some| scope.spawn(|| self.batch(some, now))).collect();
            let lost = |_panicked| Err(store::Error::corrupt("an escalation"));
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(lost)).sum()
        })
    }

    /// Works off a batch in one transaction. When a row is at fault, does the batch again row by row and sets that one
    /// aside.
    fn batch(&self, due: &[Due], now: Instant) -> store::Result<usize> {
        let at_once = self.house(now, |tx| {
            let rows = escalation::take(tx, due)?;
            let count = rows.len();
            advance(tx, rows)?;
            Ok(count)
        });
        match at_once {
            Err(error) if error.is_the_rows() => self.house(now, |tx| one_by_one(tx, due)),
            done => done,
        }
    }

    fn house<T>(&self, now: Instant, f: impl FnOnce(&mut Tx<'_>) -> store::Result<T>) -> store::Result<T> {
        self.store.keep_house(Urgency::Urgent, "escalate", now, f)
    }
}

impl Module for Escalate {
    fn name(&self) -> &'static str {
        "escalate"
    }

    fn run(&mut self, now: Instant) -> store::Result<Progress> {
        let reach = i64::try_from(BATCH * AT_ONCE).unwrap_or(i64::MAX);
        let due = self.store.read(|view| escalation::due(view, now, reach))?;
        let did = self.work(&due, now)?;
        let (called, more) = self.sweeps.run(now)?;
        let did = did + called;
        Ok(Progress { did, more: more || did > 0 })
    }
}

fn one_by_one(tx: &mut Tx<'_>, due: &[Due]) -> store::Result<usize> {
    let rows = escalation::take(tx, due)?;
    let count = rows.len();
    for row in rows {
        let id = row.id.clone();
        match tx.item(|tx| advance(tx, vec![row])) {
            Err(error) if error.is_the_rows() => {
                tracing::error!(escalation = %id, %error, "an escalation cannot be worked off; it is set aside");
                escalation::spoil(tx, &id, &error)?;
            }
            done => done?,
        }
    }
    Ok(count)
}

/// Moves each row on, then writes the results of all together. Alerts that wait for a person again come first: the
/// order of locks is alert, escalation, message.
fn advance(tx: &mut Tx<'_>, rows: Vec<Row>) -> store::Result<()> {
    let mut finder = Finder::default();
    let known = Known::of(tx, &rows)?;
    let mut advanced: Vec<Advanced> = rows
        .into_iter()
        .map(|row| tick(tx, row.open()?, &known, &mut finder))
        .filter_map(Result::transpose)
        .collect::<store::Result<_>>()?;
    escalation::call_newcomers(tx, &mut advanced, &mut finder)?;
    let mut worn = Vec::new();
    for one in advanced.iter().filter(|one| one.did.contains(&Did::Resumed)) {
        worn.push((one, resume(tx, &one.from)?));
    }
    escalation::save(tx, &advanced)?;
    escalation::record(tx, &advanced)?;
    for (one, hands) in &worn {
        worn::announce(tx, one, hands)?;
    }
    for one in advanced.iter().filter(|one| one.ground.is_err()) {
        messages::cancel(tx, &one.from.kind, &one.from.subject)?;
    }
    escalation::page(tx, &advanced, &mut finder)?;
    advanced.iter().try_for_each(|one| tx.signal("alert.changed", &one.from.subject))
}

/// What is looked up once for a batch.
struct Known {
    /// For each patient the permit to call people, or why there is none.
    permits: BTreeMap<PatientId, Result<Ground, Denied>>,
    /// For each case the people who may not hold it again before somebody else has, and whom it is no use to call.
    /// Absent where there is nobody.
    worn_out: BTreeMap<AlertId, BTreeSet<UserId>>,
}

impl Known {
    fn of(tx: &mut Tx<'_>, rows: &[Row]) -> store::Result<Self> {
        let patients: BTreeSet<PatientId> = rows.iter().filter_map(Row::patient).collect();
        let permits = Ground::ask_all(tx, &patients.into_iter().collect::<Vec<_>>())?;
        let alerts: Vec<AlertId> = rows.iter().filter_map(|row| row.subject().parse().ok()).collect();
        Ok(Self { permits, worn_out: alerts::worn_out(tx, &alerts)? })
    }
}

fn tick(
    tx: &mut Tx<'_>,
    from: Escalation,
    known: &Known,
    finder: &mut Finder,
) -> store::Result<Option<Advanced>> {
    let Some(due_at) = from.run.next_at else { return Ok(None) };
    let mut run = from.run.clone();
    let now = tx.now();
    let ground = from.patient.and_then(|patient| known.permits.get(&patient).copied());
    let ground = ground.ok_or_else(|| store::Error::corrupt("escalations.patient_id").in_row(&from.id))?;
    if ground.is_err() {
        let did = run.withhold(now);
        return Ok(Some(Advanced { from, run, did, due_at, ground }));
    }
    if run.pace == Pace::Relentless && run.policy.id != escalation::RED {
        // A row from before escalations had a pace has the fastest one by default: look up its own.
        match sla::pace(tx, case_of(&from)?)? {
            Pace::Relentless => {}
            pace => run.paced(pace),
        }
    }
    let worn = known.worn_out.get(&case_of(&from)?).cloned().unwrap_or_default();
    if matches!(run.state, State::Acknowledged(_) | State::Snoozed(_)) && !worn.is_empty() {
        run.moves_on();
    }
    let mut failed = None;
    let did = run.tick(now, &mut |step| {
        let found = finder.find(tx, step, now).unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        });
        let able: Vec<UserId> = found.iter().copied().filter(|user| !worn.contains(user)).collect();
        // After the last step somebody who may not hold it again is better than nobody.
        if able.is_empty() && *step == from.run.policy.nobody_reached { found } else { able }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let in_vain = match did.last() {
        Some(Did::Paged { step: Some(_), people, .. }) => nobody_hears(tx, people)?,
        Some(Did::Empty { .. }) => !worn.is_empty(),
        _ => false,
    };
    if in_vain {
        run.hasten(now);
    }
    Ok(Some(Advanced { from, run, did, due_at, ground }))
}

/// Whether waiting for these people is pointless: each is out of reach or away.
fn nobody_hears(tx: &mut Tx<'_>, people: &[UserId]) -> store::Result<bool> {
    let now = tx.now();
    for user in people {
        if !paging::awaited_in_vain(tx, *user, now)? {
            return Ok(false);
        }
    }
    Ok(!people.is_empty())
}

/// Returns the case to waiting for a person, and shows it on its pages. Returns who may not hold it again before
/// somebody else has.
fn resume(tx: &mut Tx<'_>, of: &Escalation) -> store::Result<BTreeSet<UserId>> {
    let id = case_of(of)?;
    alerts::resume(tx, id)?;
    Ok(alerts::get(tx, id)?.case.worn_out())
}

fn case_of(of: &Escalation) -> store::Result<AlertId> {
    of.subject.parse().map_err(|_not_an_id| store::Error::corrupt("escalations.subject").in_row(&of.id))
}
