//! Jobs as programs see them, whatever they do. Each kind has its own addresses, with its own rights: there is no address
//! for jobs as such.

use serde::Serialize;
use utoipa::ToSchema;

use super::fault::Fault;
use crate::people::auth::Viewer;
use crate::privacy::pseudonyms;
use domain::{Can, Instant, JobId, Role, UserId};
use store::{View, jobs};

/// How a job stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    #[schema(value_type = String)]
    id: JobId,
    /// What it does, as in `audit.verification`.
    kind: String,
    /// `queued`, `running`, `cancelling`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// How many things are done…
    done: u64,
    /// …of so many; 0 while nobody knows.
    total: u64,
    /// How often it was begun without being put back in order.
    attempts: i64,
    /// The user who asked; auditors and the DPO know them by a pseudonym, unless it is themselves.
    #[schema(value_type = Option<String>)]
    asked_by: Option<UserId>,
    #[schema(value_type = String)]
    asked_at: Instant,
    #[schema(value_type = Option<String>)]
    begun_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    finished_at: Option<Instant>,
    /// What came of it, in one word; `given_up` for one that failed.
    code: Option<String>,
}

impl Job {
    /// A job as this viewer may know it.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn of(view: &mut View<'_>, viewer: &Viewer, job: &jobs::Job) -> Result<Self, Fault> {
        let asked_by = match asker(job) {
            Some(id) if id != viewer.id => Some(pseudonyms::staff(view, viewer, id)?),
            own => own,
        };
        Ok(Self {
            id: job.id,
            kind: job.kind.clone(),
            state: job.state.name(),
            done: job.done,
            total: job.total,
            attempts: job.attempts,
            asked_by,
            asked_at: job.asked_at,
            begun_at: job.begun_at,
            finished_at: job.finished_at,
            code: job.code.clone(),
        })
    }
}

/// The user who asked for a job.
#[must_use]
pub(crate) fn asker(job: &jobs::Job) -> Option<UserId> {
    job.asked_by.strip_prefix("user:")?.parse().ok()
}

/// A job of this kind.
///
/// # Errors
/// `E_NOT_FOUND`, for one of another kind too; store faults.
pub(crate) fn of_kind(view: &mut View<'_>, id: JobId, kind: &str) -> Result<jobs::Job, Fault> {
    let job = jobs::find(view, id)?;
    if job.kind == kind { Ok(job) } else { Err(store::Error::NotFound("job").into()) }
}

/// Whether a role is told that some job moved. Only its id is announced; its own address says more to whom it may.
#[must_use]
pub(crate) fn may_know(role: Role) -> bool {
    [Can::ReadAudit, Can::SeeStatus].iter().any(|right| right.held_by(role))
}
