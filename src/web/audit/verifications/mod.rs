//! The verification of the whole log, as a job: asked for, followed, stopped, and what came of it.

pub(crate) mod api;
pub(crate) mod page;
#[cfg(test)]
mod tests;
pub(crate) mod view;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use crate::privacy::pseudonyms;
use domain::{Instant, PatientId};
use store::audit::{BROKEN, VERIFICATION};
use store::jobs::State;
use store::{View, jobs};

/// How many are listed.
const LISTED: i64 = 20;

/// What a verification found, as `zelo audit verify --json` says it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = VerificationReport)]
pub(crate) struct Report {
    /// Whether everything holds.
    ok: bool,
    /// Entries through all years, as of the moment it began.
    size: u64,
    /// The root of the newest tree, base64.
    root: String,
    /// Where it first breaks.
    first_break: Option<Break>,
}

/// Where a log breaks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = VerificationBreak)]
pub(crate) struct Break {
    /// The first entry concerned; null when no entry commits to what was altered.
    index: Option<u64>,
    /// What is wrong. Auditors and the DPO read a patient's pseudonym in it.
    what: String,
}

/// What a job found, as a viewer may read it; `None` while it has not found anything.
fn report(view: &mut View<'_>, viewer: &Viewer, job: &jobs::Job) -> Result<Option<Report>, Fault> {
    let Some(result) = job.result(view)? else { return Ok(None) };
    let read = serde_json::from_value(result);
    let mut report: Report = read.map_err(|_shape| store::Error::corrupt("jobs.result").in_row(job.id))?;
    if let Some(found) = &mut report.first_break {
        found.what = shown(view, viewer, &found.what)?;
    }
    Ok(Some(report))
}

/// When the newest verification with a verdict ended, if it found a break.
///
/// # Errors
/// Store faults.
pub(crate) fn log_broken(view: &mut View<'_>) -> Result<Option<Instant>, Fault> {
    let all = jobs::of_kind(view, VERIFICATION, LISTED)?;
    let verdict = all.into_iter().find(|job| job.state == State::Done);
    Ok(verdict.filter(|job| job.code.as_deref() == Some(BROKEN)).and_then(|job| job.finished_at))
}

/// Names people in a text by the ids under which this viewer knows them. They stand in it as `patient 0199…`, as the
/// row of an unreadable value (`patients.identity, row 0199…`), or as the owner of a key (`row patient:0199…`).
fn shown(view: &mut View<'_>, viewer: &Viewer, what: &str) -> Result<String, Fault> {
    let (mut out, mut of_people, mut person) = (String::with_capacity(what.len()), false, false);
    for word in what.split_inclusive(' ') {
        let owner = OWNERS.into_iter().find(|owner| word.starts_with(owner)).unwrap_or_default();
        let rest = word.strip_prefix(owner).unwrap_or(word);
        let (id, rest) = rest.split_at_checked(ID).unwrap_or(("", rest));
        out.push_str(owner);
        match id.parse::<PatientId>() {
            // The pseudonym of somebody of the staff is made as a patient's.
            Ok(id) if person || !owner.is_empty() => {
                out.push_str(&pseudonyms::shown(view, viewer, id)?.to_string());
            }
            _ => out.push_str(id),
        }
        out.push_str(rest);
        let word = word.trim_end();
        if word != "row" {
            of_people = TABLES.iter().any(|table| word.trim_start_matches('(').starts_with(table));
        }
        person = word == "patient" || (word == "row" && of_people);
    }
    Ok(out)
}

/// Whose key it is, before the id.
const OWNERS: [&str; 2] = ["patient:", "user:"];

/// The tables whose rows have the id of a person, before the column.
const TABLES: [&str; 4] = ["patients.", "users.", "certificates.", "letters."];

/// The characters of an id.
const ID: usize = 36;
