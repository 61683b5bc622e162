//! Climbs that are due: pages the next rung, says when nobody was found or reached, and goes on where a wait ended.
//! A row that cannot be worked off is set aside and holds up nobody else.

use super::{Module, Progress};
use crate::domain::Instant;
use crate::domain::escalation::Did;
use crate::store::escalations::{self, Climbed, Escalation, Row};
use crate::store::paging::Finder;
use crate::store::{self, Store, Tx, Urgency, Url, alerts, messages};

/// Climbs in one transaction: few enough that an act of a person does not wait long.
const BATCH: i64 = 100;
/// Batches at once on PostgreSQL, where what is held by one is left alone by the others.
const AT_ONCE: usize = 5;

/// Escalation as a module.
pub struct Escalate {
    store: Store,
}

impl Escalate {
    /// Climbs the policies of this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// One batch, and more beside it when it was full and the database serves several at once.
    fn work(&self, now: Instant) -> store::Result<usize> {
        let did = self.batch(now)?;
        let full = i64::try_from(did).is_ok_and(|did| did == BATCH);
        if !full || matches!(self.store.url(), Url::Sqlite(_)) {
            return Ok(did);
        }
        let beside = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| self.batch(now))).collect();
            let lost = |_panicked| Err(store::Error::Corrupt("an escalation"));
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(lost)).sum::<store::Result<usize>>()
        })?;
        Ok(did + beside)
    }

    /// A batch at once; when a row is at fault, again with each row on its own, and that one is set aside.
    fn batch(&self, now: Instant) -> store::Result<usize> {
        let at_once = self.house(now, |tx| {
            let due = escalations::due(tx, BATCH)?;
            let count = due.len();
            climb(tx, due)?;
            Ok(count)
        });
        match at_once {
            Err(error) if error.is_the_rows() => self.house(now, one_by_one),
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
        if !self.store.read(|view| escalations::any_due(view, now))? {
            return Ok(Progress::default());
        }
        let did = self.work(now)?;
        Ok(Progress { did, more: did > 0 })
    }
}

fn one_by_one(tx: &mut Tx<'_>) -> store::Result<usize> {
    let due = escalations::due(tx, BATCH)?;
    let count = due.len();
    for row in due {
        let id = row.id.clone();
        match tx.item(|tx| climb(tx, vec![row])) {
            Err(error) if error.is_the_rows() => {
                tracing::error!(escalation = %id, %error, "an escalation cannot be worked off; it is set aside");
                escalations::spoil(tx, &id, &error.to_string())?;
            }
            done => done?,
        }
    }
    Ok(count)
}

/// Climbs each row, then writes what became of all of them at once.
fn climb(tx: &mut Tx<'_>, rows: Vec<Row>) -> store::Result<()> {
    let mut finder = Finder::default();
    let climbed: Vec<Climbed> = rows
        .into_iter()
        .map(|row| tick(tx, row.open()?, &mut finder))
        .filter_map(Result::transpose)
        .collect::<store::Result<_>>()?;
    escalations::keep(tx, &climbed)?;
    escalations::record(tx, &climbed)?;
    messages::page(tx, &climbed, &mut finder)?;
    for one in climbed.iter().filter(|one| one.from.kind == escalations::ALERT) {
        if one.did.contains(&Did::Resumed) {
            resume(tx, &one.from)?;
        }
        tx.signal("alert.changed", &one.from.subject)?;
    }
    Ok(())
}

fn tick(tx: &mut Tx<'_>, from: Escalation, finder: &mut Finder) -> store::Result<Option<Climbed>> {
    let Some(due_at) = from.run.next_at else { return Ok(None) };
    let mut run = from.run.clone();
    let now = tx.now();
    let mut failed = None;
    let did = run.tick(now, &mut |step| {
        finder.find(tx, step, now).unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        })
    });
    failed.map_or(Ok(Some(Climbed { from, run, did, due_at })), Err)
}

/// The case waits for a person again, and its pages show it.
fn resume(tx: &mut Tx<'_>, of: &Escalation) -> store::Result<()> {
    let id = of.subject.parse().map_err(|_not_an_id| store::Error::Corrupt("escalations.subject"))?;
    alerts::resume(tx, id)
}
