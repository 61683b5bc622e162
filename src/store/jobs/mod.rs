//! Jobs: long work that a person asks for, and that runs on after they have left. A row says who asked, how far it is, and
//! which node runs it until when. What the work is, only its kind knows; what a person may read of it says whoever asks
//! for it. [`run`] is for whoever runs them.

pub mod retention;
mod rows;
pub mod run;
#[cfg(test)]
mod tests;

use diesel::prelude::*;
use serde_json::Value;

use self::rows::{Row, place};
use crate::db::conn::{held, literally, on};
use crate::db::error::{Error, Result};
use crate::db::schema::jobs;
use crate::{Act, Tx, View};
use domain::{Instant, JobId};

/// What a job goes on from, and what came of it, have at most so many bytes of JSON.
pub(crate) const MOST_BYTES: usize = 4_096;
/// What is open, in the words of the index.
const OPEN: &str = "jobs.finished_at IS NULL";

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for a node.
    Queued,
    /// A node runs it.
    Running,
    /// A node runs it, and is to stop.
    Cancelling,
    /// It came to its end.
    Done,
    /// It was begun too often without an end.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl State {
    const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Cancelling, Self::Done, Self::Failed, Self::Cancelled];

    /// The word of the table and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does, such as `audit.verification`.
    pub kind: String,
    /// Who asked, as [`crate::Actor::name`] has it.
    pub asked_by: String,
    /// When.
    pub asked_at: Instant,
    /// How it stands.
    pub state: State,
    /// How many things are done…
    pub done: u64,
    /// …of so many; 0 while nobody knows.
    pub total: u64,
    /// What it begins with, or goes on from.
    pub checkpoint: Option<Value>,
    /// The node that runs it ([`crate::Store::name`]).
    pub node: Option<String>,
    /// Which run this is: a run whose number is no longer this one writes nothing.
    pub fence: i64,
    /// Until when nobody else takes it.
    pub lease_until: Option<Instant>,
    /// How often it was begun without being put back in order.
    pub attempts: i64,
    /// When it was first begun.
    pub begun_at: Option<Instant>,
    /// When it ended.
    pub finished_at: Option<Instant>,
    /// What came of it, in one word.
    pub code: Option<String>,
    sealed: Option<Vec<u8>>,
}

impl Job {
    /// What came of it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn result(&self, view: &mut View<'_>) -> Result<Option<Value>> {
        let id = self.id.to_string();
        self.sealed.as_ref().map(|sealed| view.open_json(place(&id), sealed)).transpose()
    }

    /// For how many of a hundred parts it is done; `None` while nobody knows.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        let part = u128::from(self.done) * 100 / u128::from(self.total).max(1);
        (self.total > 0).then(|| u64::try_from(part).unwrap_or(100).min(100))
    }
}

/// What became of a request for a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The job.
    pub job: Job,
    /// Whether it was asked for just now; false: one of this kind was open already.
    pub is_new: bool,
}

/// Asks for a job that begins with `checkpoint`: what it needs to know, and nothing personal. There is one open job of a
/// kind; while there is, whoever asks gets that one.
///
/// # Errors
/// [`Error::Corrupt`] for a checkpoint over `MOST_BYTES`; database errors.
pub fn ask(tx: &mut Tx<'_>, kind: &'static str, checkpoint: Option<&Value>) -> Result<Asked> {
    let (id, now) = (JobId::new(tx.now()), tx.now().micros());
    let new = (
        jobs::id.eq(id.to_string()),
        jobs::kind.eq(kind),
        jobs::asked_by.eq(tx.actor().name()),
        jobs::asked_at.eq(now),
        jobs::state.eq(State::Queued.name()),
        jobs::checkpoint.eq(checkpoint.map(rows::text).transpose()?),
    );
    let insert = diesel::insert_into(jobs::table).values(new);
    let added = on!(&mut *tx.conn, |conn| insert.on_conflict_do_nothing().execute(conn))?;
    if added == 0 {
        tx.unchanged();
        // The one in the way may have ended meanwhile: then it is asked for again.
        let open = open_of(tx, kind)?.ok_or(Error::GivenUp)?;
        return Ok(Asked { job: open, is_new: false });
    }
    let job = find(tx, id)?;
    tx.audit(&Act::new("job.asked").public(rows::particulars(&job, "asked")))?;
    tx.signal("job.changed", id)?;
    Ok(Asked { job, is_new: true })
}

/// Asks for the end of a job. One that waits is over at once; whoever runs it sees it as soon as it has done its next bit.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for one that is over; database errors.
pub fn cancel(tx: &mut Tx<'_>, id: JobId) -> Result<Job> {
    let held = held!(tx, Row, jobs::table.find(id.to_string()));
    let job = held.into_iter().next().ok_or(Error::NotFound("job"))?.read()?;
    match job.state {
        State::Queued => {
            tx.audit(&Act::new("job.cancelled").public(rows::particulars(&job, "cancelled")))?;
            rows::end(tx, &job, State::Cancelled, None, None)?;
        }
        State::Running => {
            diesel::update(jobs::table.find(id.to_string()))
                .set(jobs::state.eq(State::Cancelling.name()))
                .execute(tx.conn)?;
            tx.audit(&Act::new("job.cancelled").public(rows::particulars(&job, "cancelled")))?;
            tx.signal("job.changed", id)?;
        }
        State::Cancelling => tx.unchanged(),
        State::Done | State::Failed | State::Cancelled => {
            return Err(Error::Conflict("the job is over: there is nothing to cancel"));
        }
    }
    find(tx, id)
}

/// A job.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn find(view: &mut View<'_>, id: JobId) -> Result<Job> {
    let row: Option<Row> =
        jobs::table.find(id.to_string()).select(Row::as_select()).get_result(view.conn).optional()?;
    row.ok_or(Error::NotFound("job"))?.read()
}

/// The jobs of a kind, the newest first.
///
/// # Errors
/// Database errors.
pub fn of_kind(view: &mut View<'_>, kind: &str, most: i64) -> Result<Vec<Job>> {
    let rows: Vec<Row> = jobs::table
        .filter(jobs::kind.eq(kind))
        .order(jobs::id.desc())
        .limit(most)
        .select(Row::as_select())
        .load(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// Every job that is not over: one of a kind.
///
/// # Errors
/// Database errors.
pub fn open(view: &mut View<'_>) -> Result<Vec<Job>> {
    let rows: Vec<Row> =
        jobs::table.filter(literally(OPEN)).order(jobs::kind).select(Row::as_select()).load(view.conn)?;
    rows.into_iter().map(Row::read).collect()
}

fn open_of(view: &mut View<'_>, kind: &str) -> Result<Option<Job>> {
    let row: Option<Row> = jobs::table
        .filter(literally(OPEN))
        .filter(jobs::kind.eq(kind))
        .select(Row::as_select())
        .get_result(view.conn)
        .optional()?;
    row.map(Row::read).transpose()
}
