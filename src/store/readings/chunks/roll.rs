//! Folds closed rows of the journal into chunks, in two steps so that no transaction is long. First the chunks are
//! written, a few series at a time; then the rows they hold are removed. In between a row is in both places, and
//! readers count it once by its identity. A roll may stop at any point and run again.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::backlog;
use super::fold::{Existing, Folded, fold};
use super::rows::{self, Outline, Ready, Series, open_by_id, touching};
use super::span::{Level, Span};
use crate::db::conn::on;
use crate::db::error::{Error, Result};
use crate::db::schema::{merged_readings, patients};
use crate::keys::SubjectKey;
use crate::keys::seal::Broken;
use crate::patients::keyed::Keyed;
use crate::readings::amendments::in_force::amended;
use crate::readings::amendments::released;
use crate::readings::journal::backend::{ReadingStore, Share};
use crate::readings::journal::lock::RollLock;
use crate::readings::journal::row::{Row, StoredReading};
use crate::readings::quarantine::{self, Aside};
use crate::{Class, Store, Subject, Tx, Urgency, View};
use domain::{Instant, PatientId};

/// Chunks and rows set aside that one transaction writes.
const WRITES: usize = 64;
/// Rows removed in one transaction: on SQLite it takes the only turn to write for a few milliseconds.
const REMOVED: usize = 4_000;
/// A pass that removed this many rows has PostgreSQL reuse their space at once ([`RollLock::reclaim`]).
const RECLAIMED: usize = 10_000;
const MODULE: &str = "roll";

/// The result of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rolled {
    /// Rows that left the journal.
    pub readings: usize,
    /// Chunks written.
    pub chunks: usize,
    /// Late rows that repeat what a chunk already holds.
    pub merged: usize,
    /// Late rows that contradict a chunk's value; they went to quarantine (`E_CONFLICT`).
    pub conflicts: usize,
    /// Series left for the next pass: their chunks changed meanwhile, or could not be read.
    pub left: usize,
    /// Whether closed rows remain.
    pub more: bool,
}

/// Folds rows measured before `until`, at most one pass full; [`Rolled::more`] says whether rows are left. Does nothing
/// while another node rolls.
///
/// # Errors
/// Database errors. A series that cannot be read is left and counted.
pub fn roll(store: &Store, now: Instant, until: Instant) -> Result<Rolled> {
    roll_within(store, now, until, Limits { pass: backlog::PASS, transactions: usize::MAX })
}

/// The limits of a pass.
pub(crate) struct Limits {
    pub pass: i64,
    pub transactions: usize,
}

/// As [`roll`], within these limits.
pub(crate) fn roll_within(store: &Store, now: Instant, until: Instant, limits: Limits) -> Result<Rolled> {
    let Some(mut held) = RollLock::take(store)? else { return Ok(Rolled::default()) };
    let (rows, share, more) = store.read(|view| {
        let share = backlog::share(view, until, limits.pass)?;
        let (rows, all) = backlog::closed(view, until, share, limits.pass)?;
        Ok((rows, share, !all || share.parts > 1))
    })?;
    let mut pass = Pass {
        store,
        now,
        share,
        transactions: limits.transactions,
        out: Rolled { more, ..Rolled::default() },
        plans: Vec::new(),
        done: Vec::new(),
    };
    for (series, rows) in by_series(rows)? {
        pass.take(series, rows)?;
    }
    pass.commit()?;
    pass.remove()?;
    if pass.out.readings >= RECLAIMED {
        held.reclaim()?;
    }
    Ok(pass.out)
}

/// By patient first, so that a patient's key and id are looked up once.
fn by_series(rows: Vec<Row>) -> Result<BTreeMap<Series, Vec<Row>>> {
    let mut out: BTreeMap<Series, Vec<Row>> = BTreeMap::new();
    for row in rows {
        let signal = row.signal()?;
        out.entry(Series::new(row.patient_key, signal)).or_default().push(row);
    }
    Ok(out)
}

/// One series, read and folded before the transaction that writes it, so that the transaction stays short.
struct Plan {
    series: Series,
    patient: PatientId,
    read: Span,
    /// The chunks as they were read; `write` gives up when they have changed since.
    seen: Vec<Outline>,
    ready: Vec<Ready>,
    folded: Folded,
}

struct Pass<'s> {
    store: &'s Store,
    now: Instant,
    share: Share,
    transactions: usize,
    out: Rolled,
    plans: Vec<Plan>,
    done: Vec<Row>,
}

impl Pass<'_> {
    fn take(&mut self, series: Series, rows: Vec<Row>) -> Result<()> {
        match self.store.read(|view| plan(view, series, &rows)) {
            Ok(plan) => self.plans.push(plan),
            // The patient was erased and the key destroyed: these rows can never be read again, so they are only
            // removed.
            Err(Error::Sealed(Broken::KeyDestroyed, _)) => self.done.extend(rows),
            Err(Error::Sealed(..) | Error::Corrupt(_)) => self.out.left += 1,
            Err(error) => return Err(error),
        }
        let writes = |plan: &Plan| {
            plan.ready.len()
                + plan.folded.split.len()
                + plan.folded.merged.len()
                + plan.folded.conflicts.len()
        };
        if self.plans.iter().map(writes).sum::<usize>() >= WRITES { self.commit() } else { Ok(()) }
    }

    fn may_go_on(&mut self) -> bool {
        let left = self.transactions.checked_sub(1);
        self.transactions = left.unwrap_or_default();
        self.out.more |= left.is_none();
        left.is_some()
    }

    fn commit(&mut self) -> Result<()> {
        let plans = std::mem::take(&mut self.plans);
        if plans.is_empty() || !self.may_go_on() {
            return Ok(());
        }
        let written = self.store.keep_house(Urgency::Patient, MODULE, self.now, |tx| {
            // Should this node have lost the roll lock with its connection, its writes still cannot interleave with
            // another node's.
            RollLock::serialise(tx)?;
            plans.iter().map(|plan| write(tx, plan)).collect::<Result<Vec<bool>>>()
        })?;
        for (plan, written) in plans.into_iter().zip(written) {
            if !written {
                self.out.left += 1;
                continue;
            }
            let aside = plan.folded.merged.len() + plan.folded.conflicts.len();
            self.out.chunks += plan.ready.len();
            self.out.merged += plan.folded.merged.len();
            self.out.conflicts += plan.folded.conflicts.len();
            self.out.readings += aside;
            self.done.extend(plan.folded.held);
        }
        Ok(())
    }

    fn remove(&mut self) -> Result<()> {
        let mut done = std::mem::take(&mut self.done);
        done.sort_unstable_by_key(Row::identity);
        let mut rest = done.as_slice();
        while let Some(most) = rest.get(REMOVED.min(rest.len()).saturating_sub(1)) {
            if !self.may_go_on() {
                return Ok(());
            }
            // Cut between instants, not within one: on SQLite the slice is then a range of the primary key.
            let (slice, after) = rest.split_at(rest.partition_point(|row| row.at <= most.at));
            self.store.keep_house(Urgency::Patient, MODULE, self.now, |tx| {
                Ok(on!(&mut *tx.conn, |c| c.remove(slice, self.share))?)
            })?;
            self.out.readings += slice.len();
            rest = after;
        }
        Ok(())
    }
}

fn plan(view: &mut View<'_>, series: Series, rows: &[Row]) -> Result<Plan> {
    let patient = crate::patients::id_of(view, series.patient_key)?;
    let key = view.key(Subject::Patient(patient), Class::Telemetry)?;
    let opened: Vec<(Row, StoredReading)> =
        rows.iter().map(|row| Ok((*row, row.open(&key)?))).collect::<Result<_>>()?;
    let (level, read) = reach(view, series, rows)?;
    let seen = touching(view.conn, series, read)?;
    let mut existing = Vec::with_capacity(seen.len());
    for chunk in &seen {
        let span = chunk.span();
        let first = rows.partition_point(|row| row.at < span.from);
        let wanted = rows.get(first).is_some_and(|row| span.holds(row.at));
        let readings = if wanted { open_by_id(view, series, chunk)? } else { Vec::new() };
        existing.push(Existing { id: chunk.id, span, readings });
    }
    let released = released::before(view, series, &opened)?;
    let folded = fold(existing, opened, &released, level);
    let ready = pack_all(view, series, &key, &folded)?;
    Ok(Plan { series, patient, read, seen, ready, folded: Folded { written: Vec::new(), ..folded } })
}

fn pack_all(view: &mut View<'_>, series: Series, key: &SubjectKey, folded: &Folded) -> Result<Vec<Ready>> {
    let pack = |(id, span, readings): &(Option<i64>, Span, Vec<StoredReading>)| {
        let overlaid = is_overlaid(view, series, *span, readings)?;
        Ready::new(series, key, *id, *span, overlaid, readings)
    };
    folded.written.iter().map(pack).collect()
}

/// Whether each of these readings has an amendment. Amendments are never removed, so the answer stays true.
fn is_overlaid(view: &mut View<'_>, series: Series, span: Span, readings: &[StoredReading]) -> Result<bool> {
    let amended = amended(view.conn, series, span)?;
    let has = |reading: &StoredReading| amended.contains(&(reading.reading.at.micros(), reading.device_key));
    Ok(readings.iter().all(has))
}

/// The level that fits the rows (with fewer than three rows: that of the chunk before them), and the span of the chunks
/// that they may fall into.
fn reach(view: &mut View<'_>, series: Series, rows: &[Row]) -> Result<(Level, Span)> {
    let instants: Vec<i64> = rows.iter().map(|row| row.at).collect();
    let (first, last) =
        (instants.first().copied().unwrap_or_default(), instants.last().copied().unwrap_or_default());
    let neighbour = if instants.len() < 3 { rows::before(view.conn, series, last)? } else { None };
    let level =
        neighbour.and_then(|chunk| Level::of(chunk.span())).unwrap_or_else(|| Level::fitting(&instants));
    Ok((level, Span { from: level.around(first).from, to: level.around(last).to }))
}

/// Writes one series' chunks and sets late rows aside. Writes nothing and returns `false` when its chunks have changed
/// since they were read, or the patient was erased.
fn write(tx: &mut Tx<'_>, plan: &Plan) -> Result<bool> {
    let there = touching(tx.conn, plan.series, plan.read)?;
    let erased: Option<i64> =
        patients::table.find(plan.series.patient_key).select(patients::erased_at).get_result(tx.conn)?;
    if there != plan.seen || erased.is_some() {
        return Ok(false);
    }
    rows::remove(tx, &plan.folded.split)?;
    for chunk in &plan.ready {
        chunk.write(tx, plan.series)?;
    }
    for row in &plan.folded.merged {
        diesel::insert_into(merged_readings::table)
            .values((
                merged_readings::received.eq(row.message().stored()),
                merged_readings::device_key.eq(row.device_key),
                merged_readings::patient_key.eq(row.patient_key),
                merged_readings::signal.eq(row.signal),
                merged_readings::at.eq(row.at),
            ))
            .execute(tx.conn)?;
    }
    for (_, reading) in &plan.folded.conflicts {
        let aside = Aside {
            patient: Some(Keyed { key: plan.series.patient_key, id: plan.patient }),
            device_key: reading.device_key,
            subject: Subject::Patient(plan.patient),
            reason: "E_CONFLICT",
            received: reading.received,
            reading: Some(reading.reading),
            names: None,
            payload: None,
        };
        quarantine::insert(tx, &aside)?;
    }
    let conflicts = plan.folded.conflicts.iter().map(|(row, _)| *row);
    let mut aside: Vec<Row> = plan.folded.merged.iter().copied().chain(conflicts).collect();
    aside.sort_unstable_by_key(Row::identity);
    on!(&mut *tx.conn, |c| c.remove(&aside, Share::ALL))?;
    Ok(true)
}
