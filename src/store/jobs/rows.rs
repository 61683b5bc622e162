//! The rows of jobs, and how one ends.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::{Job, MOST_BYTES, State};
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::jobs;
use crate::keys::seal::Place;
use crate::{Act, Class, Subject, Tx};
use domain::Instant;

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub(super) struct Row {
    id: String,
    kind: String,
    asked_by: String,
    asked_at: i64,
    state: String,
    done: i64,
    total: i64,
    checkpoint: Option<String>,
    node: Option<String>,
    fence: i64,
    lease_until: Option<i64>,
    attempts: i64,
    begun_at: Option<i64>,
    finished_at: Option<i64>,
    code: Option<String>,
    result: Option<Vec<u8>>,
}

impl Row {
    pub(super) fn read(self) -> Result<Job> {
        let id = self.id.clone();
        self.parse().in_row(id)
    }

    fn parse(self) -> Result<Job> {
        let checkpoint = self.checkpoint.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Job {
            id: self.id.parse().map_err(|_not_an_id| Error::corrupt("jobs.id"))?,
            kind: self.kind,
            asked_by: self.asked_by,
            asked_at: Instant::from_micros(self.asked_at),
            state: State::from_name(&self.state).ok_or(Error::corrupt("jobs.state"))?,
            done: u64::try_from(self.done).unwrap_or(0),
            total: u64::try_from(self.total).unwrap_or(0),
            checkpoint: checkpoint.map_err(|_shape| Error::corrupt("jobs.checkpoint"))?,
            node: self.node,
            fence: self.fence,
            lease_until: self.lease_until.map(Instant::from_micros),
            attempts: self.attempts,
            begun_at: self.begun_at.map(Instant::from_micros),
            finished_at: self.finished_at.map(Instant::from_micros),
            code: self.code,
            sealed: self.result,
        })
    }
}

/// The place of a job's result.
pub(super) const fn place(id: &str) -> Place<'_> {
    Place::new("jobs", "result", id)
}

/// A bounded value as the row has it.
pub(super) fn text(value: &Value) -> Result<String> {
    let text = value.to_string();
    if text.len() > MOST_BYTES { Err(Error::corrupt("a job's value, too large to store")) } else { Ok(text) }
}

/// What the log says of a job in clear: nothing of a person. A body is stored under its hash, so no two may be alike.
pub(super) fn particulars(job: &Job, step: &str) -> Value {
    json!({ "job": job.id, "kind": job.kind, "step": step })
}

/// All of it is done.
pub(super) fn complete(tx: &mut Tx<'_>, job: &Job, total: u64) -> Result<()> {
    let all = i64::try_from(job.total.max(total)).unwrap_or(i64::MAX);
    let row = jobs::table.find(job.id.to_string());
    diesel::update(row).set((jobs::done.eq(all), jobs::total.eq(all))).execute(tx.conn)?;
    Ok(())
}

/// Ends a job whose row is held, or whose fence was just found to stand: `code` and `result` are what came of it.
pub(super) fn end(
    tx: &mut Tx<'_>,
    job: &Job,
    state: State,
    code: Option<&str>,
    result: Option<&Value>,
) -> Result<()> {
    let id = job.id.to_string();
    let sealed = match result {
        Some(result) => {
            let plain = text(result)?;
            Some(tx.seal(Subject::System, Class::Audit, place(&id), plain.as_bytes())?)
        }
        None => None,
    };
    diesel::update(jobs::table.find(&id))
        .set((
            jobs::state.eq(state.name()),
            jobs::code.eq(code),
            jobs::result.eq(sealed),
            jobs::finished_at.eq(tx.now().micros()),
            jobs::node.eq(None::<String>),
            jobs::lease_until.eq(None::<i64>),
            jobs::checkpoint.eq(None::<String>),
            // Whoever still runs it is refused.
            jobs::fence.eq(jobs::fence + 1),
        ))
        .execute(tx.conn)?;
    let body = json!({
        "job": job.id, "kind": job.kind, "step": "ended", "code": code, "attempts": job.attempts,
    });
    tx.audit(&Act::new("job.ended").code(state.name()).public(body))?;
    tx.signal("job.changed", job.id)
}
