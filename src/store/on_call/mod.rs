//! Who is on call when, as the store knows it: the schedule in force at each instant, who can be reached, whose
//! certificate is valid, who carries how much. A later edit never rewrites who was on call.

mod absence_mail;
#[cfg(test)]
mod absence_mail_tests;
mod absence_parts;
pub mod absences;
#[cfg(test)]
mod absences_tests;
pub(crate) mod away;
pub mod capacity;
pub mod changes;
pub mod feeds;
mod fitness;
mod linter;
mod schedules;
pub mod swaps;
#[cfg(test)]
mod swaps_tests;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod turns;

use std::time::Duration;

use super::db::error::{Error, Result};
use super::versions::{self, Version};
use super::{Tx, View};
use domain::on_call::{Because, Duty, Need, Override, Schedule, Shift};
use domain::rules::Name;
use domain::time::civil::{Window, Zone, union};
use domain::{Instant, UserId};
pub use fitness::{
    Certificate, Gone, certificate, certify, license, lost, mark_unreachable, people, reached_again,
    unreachable,
};
pub use linter::{Linter, dead_steps, problems};

/// A schedule with the version that was in force in a window.
type Piece = (Window, Version<Duty>);

/// Seeds the schedules that the default policies name, each with a zone and nobody in it.
///
/// # Errors
/// Database errors.
pub fn seed(tx: &mut Tx<'_>) -> Result<()> {
    let seeds = [
        ("clinician_on_call", "Clínico de plantão", "Clinician on call", true),
        ("clinician_backup", "Clínico reserva", "Backup clinician", true),
        ("coordination", "Coordenação", "Coordination", false),
        ("duty_manager", "Gestor de plantão", "Duty manager", false),
    ];
    for (id, pt, en, certificate) in seeds {
        let schedule = Schedule {
            zone: Zone::SAO_PAULO,
            rotations: Vec::new(),
            temporaries: Vec::new(),
            overrides: Vec::new(),
        };
        let need = Need { certificate, most_in_a_week: Duration::from_secs(60 * 3_600), averaged_weeks: 1 };
        versions::seed(tx, id, &Duty { name: Name { pt: pt.into(), en: en.into() }, need, schedule })?;
    }
    Ok(())
}

/// The schedule as it is in force now.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(view: &mut View<'_>, id: &str, now: Instant) -> Result<Version<Duty>> {
    versions::in_force(view, id, now)?.ok_or(Error::NotFound("schedule"))
}

/// Puts a schedule in force. Overrides and temporary schedules that were over before are left out: the versions
/// before hold them.
///
/// # Errors
/// [`Error::Refused`] for what cannot be lived or names somebody who cannot be on call; [`Error::Stale`].
pub fn publish(tx: &mut Tx<'_>, id: &str, duty: &Duty, seen: u32) -> Result<u32> {
    duty.check().map_err(|faulty| Error::Refused { code: "E_INVALID", what: reason(faulty) })?;
    let (known, now) = (people(tx)?, tx.now());
    let before = versions::in_force::<Duty>(tx, id, now)?.map(|stored| stored.body.schedule);
    let was = before.as_ref().map(Schedule::people).unwrap_or_default();
    // People who were in the schedule before may stay until somebody takes them out; the linter warns of them. Nobody
    // new is put in who could not answer.
    let strange = |user: &UserId| !known.contains_key(user) && !was.contains(user);
    let comes = duty.schedule.newcomers(before.as_ref());
    if duty.schedule.people().iter().any(strange) || comes.iter().any(|user| !known.contains_key(user)) {
        let what = "somebody named there may not be on call; name active agents, technicians, clinicians or managers";
        return Err(Error::Refused { code: "E_INVALID", what });
    }
    let mut stored = duty.clone();
    // Only the program sets when an override was confirmed.
    let known = |over: &Override| before.as_ref().is_some_and(|old| old.overrides.contains(over));
    for over in &mut stored.schedule.overrides {
        over.meant_at = over.meant_at.filter(|at| *at == now || known(over));
    }
    stored.schedule.overrides.retain(|over| over.to > now);
    stored.schedule.temporaries.retain(|own| own.to > now);
    versions::publish(tx, id, &stored, seen)
}

fn reason(faulty: domain::on_call::Faulty) -> &'static str {
    use domain::on_call::Faulty;
    match faulty {
        Faulty::TooMany(..) => "there are more rotations, people or windows than anybody reads",
        Faulty::Length => "a turn lasts from one hour to a year, and a rotation has at least one",
        Faulty::Months => "turns of months stand alone: all of a rotation's turns are months, or none is",
        Faulty::Overlap => "whoever goes stays for at most 240 minutes, and for less than the shortest turn",
        Faulty::Weeks => "hours are averaged over 1 to 4 weeks",
        Faulty::Window => "a window ends after it starts, and holds its shifts",
        Faulty::Starts => "a rotation starts between 2000 and 2200 and ends after it starts",
        Faulty::Hours => "a person may be on call for 1 to 168 hours a week",
    }
}

/// Which version was in force when, within a window, in order of time.
///
/// # Errors
/// Database errors.
pub fn pieces(view: &mut View<'_>, id: &str, within: Window) -> Result<Vec<Piece>> {
    let mut versions = versions::between::<Duty>(view, id, within.from, within.to)?;
    versions.extend(versions::in_force(view, id, within.from)?);
    let mut out = Vec::new();
    let mut until = within.to;
    for version in versions {
        let Some(from) = version.in_force_at else { continue };
        let window = Window { from: from.max(within.from), to: until };
        until = until.min(from);
        if window.from < window.to {
            out.push((window, version));
        }
    }
    out.reverse();
    Ok(out)
}

/// Who was, is and will be on call in a window, each stretch by the version in force then.
///
/// # Errors
/// Database errors.
pub fn shifts(view: &mut View<'_>, id: &str, within: Window) -> Result<Vec<Shift>> {
    let (pieces, absences) = (pieces(view, id, within)?, absences::after(view, within.from)?);
    let unfold = |(window, version): &Piece| version.body.schedule.shifts(*window, absences.in_schedule(id));
    Ok(pieces.iter().flat_map(unfold).collect())
}

/// Who was on call at an instant and why, by the version in force and the absences of then.
///
/// # Errors
/// [`Error::NotFound`] when there was no such schedule at that instant.
pub fn on_call(view: &mut View<'_>, id: &str, at: Instant) -> Result<(u32, Vec<(UserId, Because)>)> {
    let Version { version, body, .. } = get(view, id, at)?;
    Ok((version, body.schedule.at(at, absences::after(view, at)?.in_schedule(id))))
}

/// The turns of each person in a window: one from when they come to when they leave, whatever edits and reasons
/// there are in between. In order of time.
///
/// # Errors
/// Database errors.
pub fn turns(view: &mut View<'_>, id: &str, within: Window) -> Result<Vec<(Window, UserId)>> {
    let mut shifts = shifts(view, id, within)?;
    shifts.sort_unstable_by_key(|shift| (shift.user, shift.window));
    let people = shifts.chunk_by(|a, b| a.user == b.user);
    let mut turns: Vec<(Window, UserId)> = people
        .flat_map(|shifts| {
            let windows = union(shifts.iter().map(|shift| shift.window).collect());
            windows.into_iter().zip(shifts.iter().cycle()).map(|(window, shift)| (window, shift.user))
        })
        .collect();
    turns.sort_unstable();
    Ok(turns)
}
