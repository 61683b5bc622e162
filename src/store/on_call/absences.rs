//! Absences. An absence is a fact about a person: whatever a schedule says, now or after a change, nobody who is away
//! is on call in it, unless an override says that it means them although they are away.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;

use super::absence_mail::{self, Turned};
use super::absence_parts::{self};
pub use super::away::{StoredAbsence, after, get, list};
use super::linter::ask_a_certificate;
use super::people;
use crate::db::error::{Error, Result};
use crate::db::schema::absences as rows;
use crate::db::{settings, turn};
use crate::escalation::paging;
use crate::people::departures::{self, Why};
use crate::{Act, Subject, Tx, View, versions};
use domain::escalation::Policy;
use domain::on_call::{Absence, Absences, Cover, Duty, Fitness, Shift, gaps};
use domain::time::civil::{Window, union};
use domain::{AbsenceId, Instant, UserId};

/// An absence and what it leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The absence.
    pub id: AbsenceId,
    /// The schedules in which they have turns in that time.
    pub schedules: Vec<String>,
    /// Where nobody is on call who would have been.
    pub uncovered: Vec<(String, Window)>,
}

/// Counts what was done to absences.
const ACTS: &str = "absences.acts";
/// The most absences of one person that may lie ahead.
const MOST_AHEAD: usize = 50;
/// The most people who stand in during one absence.
const MOST_COVERS: usize = 1_000;
/// An absence ends no further ahead: a year of leave that is noted a month before it begins. What is longer is a
/// mistyped year, or somebody who has left, and would take a person off call where nobody looks any more.
pub const FURTHEST: Duration = Duration::from_secs(400 * 86_400);

/// Why an absence is not noted or changed, where its reader can mend it.
pub mod why {
    /// Nothing of it lies ahead.
    pub const OVER: &str = "this absence is over, or ends before it begins: look at its days";
    /// A change that would leave nothing of it ahead.
    pub const ENDED: &str = "an absence ends after this instant: take it back to end it now";
    /// A turn that somebody is to stand in for is none.
    pub const NO_TURN: &str =
        "somebody stands in for what is no turn of theirs, or for themselves: ask for the turns again";
    /// Who stands in takes no calls.
    pub const UNABLE: &str = "somebody who stands in may not be on call";
    /// Who stands in is away.
    pub const AWAY: &str = "somebody who stands in is away in that time";
}

/// They, as if one person were there: that person's turns are those of their own and those in which they stand in.
fn of_others(view: &mut View<'_>, user: UserId, from: Instant) -> Result<Absences> {
    let held = list(view, from)?;
    let others = held.iter().filter(|held| held.absence.user != user);
    Ok(Absences::new(others.flat_map(StoredAbsence::unfolded).collect()))
}

/// A person's turns in every schedule in a window, by schedule, in order of time.
///
/// # Errors
/// Database errors.
pub fn turns_of(
    view: &mut View<'_>,
    user: UserId,
    within: Window,
    now: Instant,
) -> Result<Vec<(String, Window)>> {
    let absences = after(view, within.from)?;
    turns(view, user, within, now, &absences)
}

fn turns(
    view: &mut View<'_>,
    user: UserId,
    within: Window,
    now: Instant,
    absences: &Absences,
) -> Result<Vec<(String, Window)>> {
    let mut out = Vec::new();
    for held in versions::all_in_force::<Duty>(view, now)? {
        let shifts = held.body.schedule.shifts(within, absences.in_schedule(&held.name));
        let own = shifts.into_iter().filter(|shift| shift.user == user);
        let turns = union(own.map(|shift| shift.window).collect());
        out.extend(turns.into_iter().map(|window| (held.name.clone(), window)));
    }
    Ok(out)
}

/// Notes that somebody is away, with whoever stands in. What nobody covers is said, not refused: an absence comes
/// whether somebody stands in or not. Where it has begun, the alerts that rest on them go back to the queue. Whoever is
/// away, stands in or keeps the schedules hears of what others did.
///
/// # Errors
/// [`Error::Refused`] for an absence that is over or ends too far ahead, of somebody who is on call nowhere, or a cover
/// by somebody who may not or cannot; [`Error::Conflict`] where another of theirs lies in that time.
pub fn note(tx: &mut Tx<'_>, user: UserId, within: Window, covers: &[Cover]) -> Result<Left> {
    let now = tx.now();
    let covers = &absence_parts::from_then_on(covers, now);
    let within = Window { from: within.from.max(now), to: absence_parts::as_stored(within.to) };
    let begun = within.from <= now;
    lock_people(tx, user, covers)?;
    fits(tx, user, within, None)?;
    stand_in(tx, user, within, covers)?;
    // A person who is away from now on gives back their alerts now; an absence that begins later gives them back then.
    if begun {
        departures::leave(tx, user, Why::Absent)?;
    }
    let id = AbsenceId::new(now);
    let told = serde_json::to_string(covers).map_err(|_shape| Error::corrupt("an absence to store"))?;
    diesel::insert_into(rows::table)
        .values((
            rows::id.eq(id.to_string()),
            rows::user_id.eq(user.to_string()),
            rows::from_at.eq(within.from.micros()),
            rows::until_at.eq(within.to.micros()),
            rows::known_at.eq(now.micros()),
            rows::noted_by.eq(tx.actor().name()),
            rows::covers.eq(told),
            rows::begun_at.eq(begun.then_some(now.micros())),
        ))
        .execute(tx.conn)?;
    let noted = Absence { user, window: within, known_at: now, covers: covers.clone() };
    settled(tx, "shift.absent", &Turned { id, before: None, after: Some(&noted) })
}

/// The same, once: by whom it was noted a moment ago with the same days and stand-ins (a button that was pressed twice,
/// a form that was sent again), they read what came of it.
///
/// # Errors
/// As [`note`].
pub fn note_once(tx: &mut Tx<'_>, user: UserId, within: Window, covers: &[Cover]) -> Result<Left> {
    lock_people(tx, user, covers)?;
    let (me, now) = (tx.actor().name(), tx.now());
    let same = |held: &StoredAbsence| {
        let Absence { window, known_at, .. } = held.absence;
        // What was to begin before it was noted began then.
        let from = window.from == within.from || (within.from < window.from && window.from == known_at);
        let to = window.to == absence_parts::as_stored(within.to);
        let words = from && to && absence_parts::stand_in_so(&held.absence, covers);
        words && held.absence.user == user && held.noted_by == me
    };
    match list(tx, now)?.into_iter().find(same) {
        Some(held) => {
            tx.unchanged();
            left_by(tx, held.id, user, held.absence.window, now)
        }
        None => note(tx, user, within, covers),
    }
}

/// The person of an absence, and what it leaves open from now on.
///
/// # Errors
/// [`Error::NotFound`].
pub fn left(view: &mut View<'_>, id: AbsenceId, now: Instant) -> Result<(UserId, Left)> {
    let Absence { user, window, .. } = get(view, id)?.absence;
    Ok((user, left_by(view, id, user, window, now)?))
}

/// Another beginning or end. What has begun keeps its beginning, and nothing that was changes. What is new in it goes
/// over whatever was said to be meant before.
///
/// # Errors
/// As [`note`]; [`Error::NotFound`]; [`Error::Conflict`] once it is over.
pub fn change(tx: &mut Tx<'_>, id: AbsenceId, within: Window) -> Result<Left> {
    let (stored, now) = (not_over(tx, id)?, tx.now());
    let held = &stored.absence;
    let from = if held.window.from <= now { held.window.from } else { within.from.max(now) };
    let within = Window { from, to: absence_parts::as_stored(within.to) };
    if within.to <= now {
        return refused(why::ENDED);
    }
    fits(tx, held.user, within, Some(id))?;
    let parts = serde_json::to_string(&absence_parts::moved(held, &stored.parts, within, now))
        .map_err(|_shape| Error::corrupt("the parts of an absence to store"))?;
    let span = (rows::from_at.eq(within.from.micros()), rows::until_at.eq(within.to.micros()));
    let row = diesel::update(rows::table.find(id.to_string()));
    row.set((span, rows::parts.eq(Some(parts)))).execute(tx.conn)?;
    let changed = Absence { window: within, ..held.clone() };
    settled(tx, "shift.absence_changed", &Turned { id, before: Some(held), after: Some(&changed) })
}

/// Takes it back: what has begun ends now, what has not never was. Whoever stood in stands in no more.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] once it is over.
pub fn take_back(tx: &mut Tx<'_>, id: AbsenceId) -> Result<()> {
    let (held, now) = (not_over(tx, id)?.absence, tx.now());
    let row = rows::table.find(id.to_string());
    if held.window.from < now {
        diesel::update(row).set(rows::until_at.eq(now.micros())).execute(tx.conn)?;
    } else {
        diesel::delete(row).execute(tx.conn)?;
    }
    let within = Window { to: now.max(held.window.from), ..held.window };
    announce(tx, "shift.absence_ended", id, held.user, within, &[])?;
    absence_mail::announce(tx, &Turned { id, before: Some(&held), after: None })?;
    tx.signal("config.changed", "schedule")
}

/// Absences that began and whose people's alerts were not given back yet.
///
/// # Errors
/// Database errors.
pub fn begun(view: &mut View<'_>, now: Instant) -> Result<Vec<(AbsenceId, UserId)>> {
    let now = now.micros();
    let begun =
        rows::table.filter(rows::until_at.gt(now).and(rows::from_at.le(now)).and(rows::begun_at.is_null()));
    let found: Vec<(String, String)> = begun.select((rows::id, rows::user_id)).load(view.conn)?;
    let read = |(id, user): (String, String)| {
        let user = user.parse().map_err(|_not_an_id| Error::corrupt("absences.user_id").in_row(&id))?;
        Ok((id.parse().map_err(|_not_an_id| Error::corrupt("absences.id").in_row(&id))?, user))
    };
    found.into_iter().map(read).collect()
}

/// Begins an absence: what rests on that person goes back to the queue.
///
/// # Errors
/// Database errors.
pub fn begin(tx: &mut Tx<'_>, id: AbsenceId, user: UserId) -> Result<()> {
    departures::leave(tx, user, Why::Absent)?;
    let begun = rows::begun_at.eq(Some(tx.now().micros()));
    diesel::update(rows::table.find(id.to_string())).set(begun).execute(tx.conn)?;
    Ok(())
}

/// Whether somebody went away after an instant and is away now, though no schedule has them on call all the same.
///
/// # Errors
/// Database errors.
pub(crate) fn left_since(view: &mut View<'_>, user: UserId, since: Instant, now: Instant) -> Result<bool> {
    let of_theirs = rows::user_id.eq(user.to_string()).and(rows::until_at.gt(now.micros()));
    let began = rows::from_at.gt(since.micros()).and(rows::from_at.le(now.micros()));
    let found: Option<String> =
        rows::table.filter(of_theirs.and(began)).select(rows::id).first(view.conn).optional()?;
    Ok(found.is_some() && paging::away(view, now)?.contains_key(&user))
}

/// Locks these people, so that absences that concern them are recorded and changed one at a time.
fn lock_people(tx: &mut Tx<'_>, user: UserId, covers: &[Cover]) -> Result<()> {
    let mut people: Vec<UserId> = covers.iter().map(|cover| cover.by).chain([user]).collect();
    people.sort_unstable();
    people.dedup();
    turn::share(tx)?;
    people.into_iter().try_for_each(|user| departures::settle(tx, user))
}

/// Locks an absence that can still be changed until the transaction ends.
fn not_over(tx: &mut Tx<'_>, id: AbsenceId) -> Result<StoredAbsence> {
    let user = get(tx, id)?.absence.user;
    lock_people(tx, user, &[])?;
    // Somebody else may have changed it or taken it back first.
    let held = get(tx, id)?;
    if held.absence.window.to <= tx.now() {
        return Err(Error::Conflict("this absence is over"));
    }
    Ok(held)
}

/// Whether a person may be away then.
fn fits(view: &mut Tx<'_>, user: UserId, within: Window, but: Option<AbsenceId>) -> Result<()> {
    if within.from >= within.to {
        return refused(why::OVER);
    }
    if within.to > view.now().plus(FURTHEST) {
        return refused("an absence ends within 400 days from now: look at its year");
    }
    if !people(view)?.contains_key(&user) {
        return refused(
            "this person takes no calls, or has left: they are on call nowhere and need no absence",
        );
    }
    if overlapping(view, user, within, but)?.is_some() {
        return Err(Error::Conflict("an absence of this person lies in that time: change that one"));
    }
    let now = view.now();
    let mut others = list(view, now)?;
    others.retain(|held| held.absence.user == user && Some(held.id) != but);
    if others.len() >= MOST_AHEAD {
        return Err(Error::Conflict("fifty absences of this person lie ahead"));
    }
    Ok(())
}

/// The first of a person's absences that lies in a time, but for one.
///
/// # Errors
/// Database errors.
pub fn overlapping(
    view: &mut View<'_>,
    user: UserId,
    within: Window,
    but: Option<AbsenceId>,
) -> Result<Option<StoredAbsence>> {
    let meets = |held: &StoredAbsence| {
        held.absence.user == user && Some(held.id) != but && held.absence.window.meet(within).is_some()
    };
    Ok(list(view, within.from)?.into_iter().find(meets))
}

/// Whether each stands in for a turn of theirs, may be on call, and is there.
fn stand_in(view: &mut Tx<'_>, user: UserId, within: Window, covers: &[Cover]) -> Result<()> {
    if covers.is_empty() {
        return Ok(());
    }
    if covers.len() > MOST_COVERS {
        return refused("a thousand people stand in at the most");
    }
    let now = view.now();
    let others = of_others(view, user, now)?;
    let turns = turns(view, user, within, now, &others)?;
    let (known, absences) = (people(view)?, after(view, now)?);
    for cover in covers {
        let mut own = turns.iter().filter(|(schedule, _)| *schedule == cover.schedule);
        let inside = |window: &Window| window.meet(cover.window()) == Some(cover.window());
        if cover.by == user || !own.any(|(_, window)| inside(window)) {
            return refused(why::NO_TURN);
        }
        if !known.contains_key(&cover.by) {
            return refused(why::UNABLE);
        }
        if absences.of(cover.by).any(|window| window.meet(cover.window()).is_some()) {
            return refused(why::AWAY);
        }
    }
    Ok(())
}

/// Records the act, and returns what the absence leaves open.
fn settled(tx: &mut Tx<'_>, kind: &'static str, turned: &Turned<'_>) -> Result<Left> {
    let Some(Absence { user, window, .. }) = turned.after else { return Err(Error::NotFound("absence")) };
    let now = tx.now();
    let left = left_by(tx, turned.id, *user, *window, now)?;
    announce(tx, kind, turned.id, *user, *window, &left.uncovered)?;
    absence_mail::announce(tx, turned)?;
    tx.signal("config.changed", "schedule")?;
    Ok(left)
}

/// What an absence leaves open: where nobody is on call who may be called there, however many are.
fn left_by(view: &mut View<'_>, id: AbsenceId, user: UserId, within: Window, now: Instant) -> Result<Left> {
    let ahead = Window { from: within.from.max(now), ..within };
    let others = of_others(view, user, now)?;
    let turns = turns(view, user, ahead, now, &others)?;
    let (absences, known) = (after(view, now)?, people(view)?);
    let asked = ask_a_certificate(&versions::all_in_force::<Policy>(view, now)?);
    let mut uncovered = Vec::new();
    for held in versions::all_in_force::<Duty>(view, now)? {
        let certificate = held.body.need.certificate || asked.contains(&held.name);
        for (_, window) in turns.iter().filter(|(name, _)| *name == held.name) {
            let shifts = held.body.schedule.shifts(*window, absences.in_schedule(&held.name));
            let callable = shifts.iter().filter_map(|shift| callable(shift, &known, certificate));
            uncovered.extend(gaps(*window, callable).map(|gap| (held.name.clone(), gap)));
        }
    }
    let mut schedules: Vec<String> = turns.into_iter().map(|(schedule, _)| schedule).collect();
    schedules.dedup();
    Ok(Left { id, schedules, uncovered })
}

/// The part of a shift in which its person may be called.
fn callable(shift: &Shift, known: &BTreeMap<UserId, Fitness>, certificate: bool) -> Option<Window> {
    let fit = known.get(&shift.user)?;
    let window = shift.window;
    if !certificate {
        return Some(window);
    }
    let until = fit.certified_until.filter(|until| *until > window.from)?;
    Some(Window { to: window.to.min(until), ..window })
}

fn announce(
    tx: &mut Tx<'_>,
    kind: &'static str,
    id: AbsenceId,
    user: UserId,
    within: Window,
    uncovered: &[(String, Window)],
) -> Result<()> {
    let body = serde_json::json!({
        "absence": id, "absent": user, "from": within.from, "to": within.to, "uncovered": uncovered.len(),
    });
    tx.audit(&Act::new(kind).about(Subject::User(user)).body(body))?;
    let (count, now) = (acts(tx)?.map_or(0, |(count, _)| count), tx.now());
    settings::save(tx, ACTS, &format!("{} {}", count.saturating_add(1), now.micros()))
}

/// How often absences were noted, changed and taken back so far, and when last: a calendar that somebody follows
/// changes with each, and no version of a schedule tells of it.
///
/// # Errors
/// Database errors.
pub fn acts(view: &mut View<'_>) -> Result<Option<(u32, Instant)>> {
    let Some(text) = settings::get(view, ACTS)? else { return Ok(None) };
    let read = text.split_once(' ').and_then(|(count, at)| Some((count.parse().ok()?, at.parse().ok()?)));
    let (count, at) = read.ok_or(Error::corrupt("settings.value").in_row(ACTS))?;
    Ok(Some((count, Instant::from_micros(at))))
}

fn refused<T>(what: &'static str) -> Result<T> {
    Err(Error::Refused { code: "E_INVALID", what })
}
