//! The button that verifies the whole log, how far it is, and what came of it.

use actix_web::web::Path;

use super::view::{self as pages, Outcome, Past, Verifications};
use super::{LISTED, report};
use crate::Section;
use crate::http::fault::Fault;
use crate::http::jobs::{asker, of_kind};
use crate::pages::job::UnderWay;
use crate::pages::visit::{Answer, Room, Visit};
use crate::people::page::names::{People, reference};
use crate::privacy::pseudonyms::{knows_none, staff};
use domain::JobId;
use store::audit::VERIFICATION;
use store::jobs::{self, Job, State};
use store::{View, audit};

/// `/audit/verifications`, or the part of it that follows a verification.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Audit, |room| {
            let view = room.read(|view| fill(view, room))?;
            Ok(if room.is_part { pages::part(&room.shell, &view) } else { pages::page(&room.shell, &view) })
        })
        .await
}

/// What the part says.
///
/// # Errors
/// Store faults.
pub(crate) fn fill(view: &mut View<'_>, room: &Room) -> Result<Verifications, Fault> {
    let all = jobs::of_kind(view, VERIFICATION, LISTED)?;
    let (over, open): (Vec<Job>, Vec<Job>) = all.into_iter().partition(|job| job.state.is_over());
    let mut people = People::default();
    let past =
        over.iter().map(|job| past(view, room, &mut people, job)).collect::<Result<Vec<_>, Fault>>()?;
    Ok(Verifications { under_way: open.first().map(UnderWay::from), past })
}

fn past(view: &mut View<'_>, room: &Room, people: &mut People, job: &Job) -> Result<Past, Fault> {
    let by = match asker(job) {
        Some(id) if id == room.viewer.id => None,
        Some(id) if knows_none(&room.viewer) => Some(reference(&staff(view, &room.viewer, id)?.to_string())),
        Some(id) => Some(people.user(view, id)?),
        None => Some(job.asked_by.clone()),
    };
    let outcome = match (job.state, report(view, &room.viewer, job)?) {
        (State::Done, Some(report)) if job.code.as_deref() == Some(audit::WHOLE) => {
            Outcome::Whole { size: report.size }
        }
        (State::Done, Some(report)) => {
            let found = report.first_break;
            Outcome::Broken {
                index: found.as_ref().and_then(|found| found.index),
                what: found.map(|found| found.what).unwrap_or_default(),
            }
        }
        (State::Cancelled, _) => Outcome::Cancelled,
        _ => Outcome::Failed,
    };
    Ok(Past { at: job.finished_at.unwrap_or(job.asked_at), by, outcome })
}

/// POST `/audit/verifications`: the whole log and the tables under it.
pub(crate) async fn ask(visit: Visit) -> Answer {
    visit
        .act(|room| {
            room.write(|tx| Ok(jobs::ask(tx, VERIFICATION, None)?))?;
            Ok("/audit".to_owned())
        })
        .await
}

/// POST `/audit/verifications/{id}/cancel`. One that is over by then is over: the page says what came of it.
pub(crate) async fn cancel(visit: Visit, id: Path<JobId>) -> Answer {
    visit
        .act(move |room| {
            let job = room.read(|view| of_kind(view, *id, VERIFICATION))?;
            if !job.state.is_over() {
                room.write(|tx| Ok(jobs::cancel(tx, *id)?))?;
            }
            Ok("/audit".to_owned())
        })
        .await
}
