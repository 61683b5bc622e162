//! For whoever runs jobs. A job is taken by a conditional update that raises its fence; from then on whatever its runner
//! writes asks whether that fence still stands, so two runs of one job are never in force together, however late one of
//! them wakes up. A node that says nothing for [`LEASE`] has lost its job: another takes it, from the last checkpoint.

use std::time::Duration;

use diesel::prelude::*;
use serde_json::Value;

use super::rows::{self, Row};
use super::{Job, OPEN, State};
use crate::db::conn::{held, literally};
use crate::db::error::Result;
use crate::db::schema::jobs;
use crate::{Tx, View};
use domain::{Instant, JobId};

/// For how long a job is a node's that says nothing of it.
pub const LEASE: Duration = Duration::from_secs(120);
/// The pause after a run that failed.
pub const PAUSE: Duration = Duration::from_secs(30);
/// A job that was begun so often without an end or an orderly stop is given up.
pub const ATTEMPTS: i64 = 5;
/// The code of one that was.
pub const GIVEN_UP: &str = "given_up";

/// A run of a job, as its runner holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The job as it was taken.
    pub job: Job,
    /// Until when it is ours unless we say more.
    pub until: Instant,
}

/// What a runner hears when it says how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Go on; it is ours until then.
    On(Instant),
    /// Somebody asked for its end.
    Cancel,
    /// It is no longer ours.
    Gone,
}

/// Whether a job of these kinds waits for a node at `now`.
///
/// # Errors
/// Database errors.
pub fn is_due(view: &mut View<'_>, kinds: &[&str], now: Instant) -> Result<bool> {
    let open: Vec<(String, Option<i64>)> =
        jobs::table.filter(literally(OPEN)).select((jobs::kind, jobs::lease_until)).load(view.conn)?;
    let waits = |until: Option<i64>| until.is_none_or(|until| until <= now.micros());
    Ok(open.iter().any(|(kind, until)| kinds.contains(&kind.as_str()) && waits(*until)))
}

/// Takes the job that has waited longest, for `node`. On the way those end that were begun too often, and those that were
/// to stop when their node fell silent.
///
/// # Errors
/// Database errors.
pub fn claim(tx: &mut Tx<'_>, kinds: &[&str], node: &str) -> Result<Option<Run>> {
    let now = tx.now();
    let free = jobs::lease_until.is_null().or(jobs::lease_until.le(now.micros()));
    // By kind, as the index of open jobs has them: by id, the database would walk every job that is over.
    let open = jobs::table.filter(literally(OPEN)).filter(free).order(jobs::kind);
    let mut open =
        held!(tx, Row, open, skip_locked).into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    open.sort_unstable_by_key(|job| job.id);
    for job in open {
        if !kinds.contains(&job.kind.as_str()) {
            continue;
        }
        if job.state == State::Cancelling {
            rows::end(tx, &job, State::Cancelled, None, None)?;
        } else if job.attempts >= ATTEMPTS {
            rows::end(tx, &job, State::Failed, Some(GIVEN_UP), None)?;
        } else if let Some(run) = take(tx, &job, node)? {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

fn take(tx: &mut Tx<'_>, job: &Job, node: &str) -> Result<Option<Run>> {
    let (now, until) = (tx.now(), tx.now().plus(LEASE));
    let id = job.id.to_string();
    let ours = jobs::table.filter(jobs::id.eq(&id).and(jobs::fence.eq(job.fence)));
    // Without a checkpoint the work begins anew.
    let done = if job.checkpoint.is_some() { job.done } else { 0 };
    let taken = diesel::update(ours)
        .set((
            jobs::state.eq(State::Running.name()),
            jobs::node.eq(node),
            jobs::fence.eq(job.fence + 1),
            jobs::lease_until.eq(until.micros()),
            jobs::attempts.eq(job.attempts + 1),
            jobs::begun_at.eq(job.begun_at.unwrap_or(now).micros()),
            jobs::done.eq(i64::try_from(done).unwrap_or(i64::MAX)),
        ))
        .execute(tx.conn)?;
    if taken == 0 {
        return Ok(None);
    }
    tx.signal("job.changed", job.id)?;
    Ok(Some(Run { job: super::find(tx, job.id)?, until }))
}

/// Says how far a run is, and from where another could go on. Open pages are notified; nothing of it is stored.
///
/// # Errors
/// [`crate::Error::Corrupt`] for a checkpoint over `MOST_BYTES`; database errors.
pub fn report(tx: &mut Tx<'_>, run: &Run, done: u64, total: u64, checkpoint: Option<&Value>) -> Result<Word> {
    let Some(job) = ours(tx, run)? else { return Ok(Word::Gone) };
    if job.state == State::Cancelling {
        return Ok(Word::Cancel);
    }
    let until = tx.now().plus(LEASE);
    let id = run.job.id.to_string();
    diesel::update(jobs::table.find(&id))
        .set((
            jobs::done.eq(i64::try_from(done).unwrap_or(i64::MAX)),
            jobs::total.eq(i64::try_from(total).unwrap_or(i64::MAX)),
            jobs::lease_until.eq(until.micros()),
        ))
        .execute(tx.conn)?;
    if let Some(checkpoint) = checkpoint {
        diesel::update(jobs::table.find(&id))
            .set(jobs::checkpoint.eq(rows::text(checkpoint)?))
            .execute(tx.conn)?;
    }
    tx.tell_nodes("job.changed", run.job.id);
    Ok(Word::On(until))
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End<'a> {
    /// The work is done: what came of it, in one word and whole, and of how much it was: work that is done at once was
    /// never written before.
    Done(&'a str, &'a Value, u64),
    /// It was stopped because somebody asked for it.
    Cancelled,
    /// The node leaves: the job waits for whoever comes next, and this attempt does not count.
    PutBack,
    /// It failed: it is tried again after [`PAUSE`].
    PutOff,
}

/// Ends a run. False: it was no longer in force, and nothing of it holds.
///
/// # Errors
/// [`crate::Error::Corrupt`] for a result over `MOST_BYTES`; database errors.
pub fn end(tx: &mut Tx<'_>, run: &Run, how: End<'_>) -> Result<bool> {
    let Some(job) = ours(tx, run)? else { return Ok(false) };
    let (fewer, until) = match how {
        End::Done(code, result, total) => {
            rows::end(tx, &job, State::Done, Some(code), Some(result))?;
            return rows::complete(tx, &job, total).map(|()| true);
        }
        End::Cancelled => return rows::end(tx, &job, State::Cancelled, None, None).map(|()| true),
        // Whoever asked for its end need not wait for another node to hear it.
        End::PutBack | End::PutOff if job.state == State::Cancelling => {
            return rows::end(tx, &job, State::Cancelled, None, None).map(|()| true);
        }
        End::PutBack => (1, None),
        End::PutOff => (0, Some(tx.now().plus(PAUSE).micros())),
    };
    diesel::update(jobs::table.find(job.id.to_string()))
        .set((
            jobs::state.eq(State::Queued.name()),
            jobs::node.eq(None::<String>),
            jobs::fence.eq(job.fence + 1),
            jobs::lease_until.eq(until),
            jobs::attempts.eq(job.attempts - fewer),
        ))
        .execute(tx.conn)?;
    tx.signal("job.changed", job.id)?;
    Ok(true)
}

/// The job of a run, its row held, as long as the run is in force.
fn ours(tx: &mut Tx<'_>, run: &Run) -> Result<Option<Job>> {
    let id: JobId = run.job.id;
    let held = jobs::table
        .filter(jobs::id.eq(id.to_string()).and(jobs::fence.eq(run.job.fence)))
        .filter(literally(OPEN));
    held!(tx, Row, held).into_iter().next().map(Row::read).transpose()
}
