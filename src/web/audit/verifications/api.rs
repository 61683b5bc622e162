//! Verifications of the whole log, for programs.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::Serialize;
use utoipa::ToSchema;

use super::{LISTED, Report, report};
use crate::http::api::{Answer, Call, Desk, List, Reply};
use crate::http::fault::Fault;
use crate::http::jobs::{Job, of_kind};
use domain::JobId;
use store::audit::VERIFICATION;
use store::{Subject, View, jobs};

/// A verification, and what it found.
#[derive(Serialize, ToSchema)]
pub(crate) struct Verification {
    #[serde(flatten)]
    job: Job,
    /// Null until it is done.
    report: Option<Report>,
}

impl Verification {
    fn of(view: &mut View<'_>, desk: &Desk, job: &jobs::Job) -> Result<Self, Fault> {
        let report = report(view, &desk.viewer, job)?;
        Ok(Self { job: Job::of(view, &desk.viewer, job)?, report })
    }
}

/// Asks for a verification of the whole log and the tables under it: 202. While one is under way, whoever asks gets that
/// one: 200.
#[utoipa::path(post, path = "/api/v1/audit/verifications", tag = "audit", responses((status = 202, body = Verification), (status = 200, body = Verification)))]
pub(crate) async fn ask(call: Call) -> Answer {
    call.run(|desk| {
        desk.create(&[], |tx| {
            let asked = jobs::ask(tx, VERIFICATION, None)?;
            let status = if asked.is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
            Ok((Subject::User(desk.viewer.id), status, Verification::of(tx, desk, &asked.job)?))
        })
    })
    .await
}

/// The last twenty verifications, the newest first; those that are over stay for 30 days.
#[utoipa::path(get, path = "/api/v1/audit/verifications", tag = "audit", responses((status = 200, body = List<Verification>)))]
pub(crate) async fn list(call: Call) -> Answer {
    call.run(|desk| {
        let items = desk.read(|view| {
            let found = jobs::of_kind(view, VERIFICATION, LISTED)?;
            found.iter().map(|job| Verification::of(view, desk, job)).collect::<Result<Vec<_>, Fault>>()
        })?;
        Reply::ok(&List::whole(items))
    })
    .await
}

/// One verification: how far it is, and what it found.
#[utoipa::path(get, path = "/api/v1/audit/verifications/{id}", tag = "audit", params(("id" = String, Path)), responses((status = 200, body = Verification), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<JobId>) -> Answer {
    call.run(move |desk| {
        let found = desk.read(|view| {
            let job = of_kind(view, *id, VERIFICATION)?;
            Verification::of(view, desk, &job)
        })?;
        Reply::ok(&found)
    })
    .await
}

/// Stops a verification: one that runs is `cancelling` until its node has heard it, which takes about a second.
#[utoipa::path(post, path = "/api/v1/audit/verifications/{id}/cancel", tag = "audit", params(("id" = String, Path)), responses((status = 200, body = Verification), (status = 404), (status = 409, description = "It is over")))]
pub(crate) async fn cancel(call: Call, id: Path<JobId>) -> Answer {
    call.run(move |desk| {
        let stopped = desk.write(|tx| {
            of_kind(tx, *id, VERIFICATION)?;
            let job = jobs::cancel(tx, *id)?;
            Verification::of(tx, desk, &job)
        })?;
        Reply::ok(&stopped)
    })
    .await
}
