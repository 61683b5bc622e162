//! Changes of single windows: added, changed, taken back. Each is a new version of the schedule, made from the one that
//! somebody saw: a place in a list means something in that version only.

use super::{absences, get, publish};
use crate::db::error::{Error, Result};
use crate::versions::Version;
use crate::{Tx, View};
use domain::Instant;
use domain::on_call::{Doubt, Override, Schedule, Temporary, doubts_of};
use domain::time::civil::Window;

/// Changes the schedule that somebody saw.
///
/// # Errors
/// [`Error::Stale`] when another is in force; as [`publish`].
pub(crate) fn edit(
    tx: &mut Tx<'_>,
    id: &str,
    seen: u32,
    change: impl FnOnce(&mut Schedule) -> Result<()>,
) -> Result<u32> {
    let now = tx.now();
    let Version { version, mut body, .. } = get(tx, id, now)?;
    if version != seen {
        return Err(Error::Stale { current: i64::from(version) });
    }
    change(&mut body.schedule)?;
    publish(tx, id, &body, seen)
}

/// One more override on top of the others, or another one at a place.
///
/// # Errors
/// As `edit`; [`Error::Refused`] for one that is over; [`Error::NotFound`] without that place.
pub fn put_override(
    tx: &mut Tx<'_>,
    id: &str,
    place: Option<usize>,
    over: Override,
    seen: u32,
) -> Result<u32> {
    not_over(over.to, tx.now())?;
    edit(tx, id, seen, |schedule| put(&mut schedule.overrides, place, over))
}

/// Takes an override back.
///
/// # Errors
/// As `edit`; [`Error::NotFound`] without that place.
pub fn take_override(tx: &mut Tx<'_>, id: &str, place: usize, seen: u32) -> Result<u32> {
    edit(tx, id, seen, |schedule| take(&mut schedule.overrides, place))
}

/// One more temporary schedule, or another one at a place.
///
/// # Errors
/// As `edit`; [`Error::Refused`] for one that is over; [`Error::NotFound`] without that place.
pub fn put_temporary(
    tx: &mut Tx<'_>,
    id: &str,
    place: Option<usize>,
    own: Temporary,
    seen: u32,
) -> Result<u32> {
    not_over(own.to, tx.now())?;
    edit(tx, id, seen, |schedule| put(&mut schedule.temporaries, place, own))
}

/// Takes a temporary schedule back.
///
/// # Errors
/// As `edit`; [`Error::NotFound`] without that place.
pub fn take_temporary(tx: &mut Tx<'_>, id: &str, place: usize, seen: u32) -> Result<u32> {
    edit(tx, id, seen, |schedule| take(&mut schedule.temporaries, place))
}

/// What is doubtful about an override, with the one at its place out of the way.
///
/// # Errors
/// [`Error::NotFound`].
pub fn doubts(
    view: &mut View<'_>,
    id: &str,
    place: Option<usize>,
    over: &Override,
    now: Instant,
) -> Result<Vec<Doubt>> {
    let mut schedule = get(view, id, now)?.body.schedule;
    if let Some(place) = place {
        take(&mut schedule.overrides, place)?;
    }
    Ok(schedule.doubts(over, now, absences::after(view, now)?.in_schedule(id)))
}

/// What is doubtful about a temporary schedule.
#[must_use]
pub fn doubts_of_temporary(own: &Temporary, now: Instant) -> Vec<Doubt> {
    doubts_of(Window { from: own.from, to: own.to }, now)
}

fn not_over(to: Instant, now: Instant) -> Result<()> {
    let what = "this window is over, so nothing would change: look at its year";
    if to > now { Ok(()) } else { Err(Error::Refused { code: "E_INVALID", what }) }
}

fn put<T>(list: &mut Vec<T>, place: Option<usize>, item: T) -> Result<()> {
    match place {
        None => list.push(item),
        Some(place) => *list.get_mut(place).ok_or(Error::NotFound("change"))? = item,
    }
    Ok(())
}

fn take<T>(list: &mut Vec<T>, place: usize) -> Result<()> {
    if place >= list.len() {
        return Err(Error::NotFound("change"));
    }
    list.remove(place);
    Ok(())
}
