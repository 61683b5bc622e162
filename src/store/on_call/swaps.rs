//! Shift swaps: one side asks, the other agrees, and the schedule's next version says so. Nobody else is needed;
//! request and answer are in the log.

use std::time::Duration;

use diesel::prelude::*;

use super::changes::edit;
use super::{absences, get, people};
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::schema::swaps as rows;
use crate::db::tx::Actor;
use crate::escalation::paging;
use crate::messages::{self, About, New, Topic};
use crate::{Act, Subject, Tx, View};
use domain::messages::Class;
use domain::on_call::{Away, Because, Change, Override, Schedule, Shift};
use domain::time::civil::{Window, union};
use domain::{Instant, SwapId, UserId};

/// An offered shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Its id.
    pub id: SwapId,
    /// In which schedule.
    pub schedule: String,
    /// Who is on call.
    pub giver: UserId,
    /// Who would be; `None`: whoever comes first.
    pub taker: Option<UserId>,
    /// When.
    pub window: Window,
    /// The taker's turn that the giver has instead.
    pub back: Option<Window>,
    /// Who asked: one of the two.
    pub asked_by: UserId,
    /// When.
    pub asked_at: Instant,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Who is on call.
    pub giver: UserId,
    /// Who would be; `None`: whoever comes first.
    pub taker: Option<UserId>,
    /// When.
    pub window: Window,
    /// The taker's turn that the giver has instead.
    pub back: Option<Window>,
}

/// An answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The other side agrees.
    Accept,
    /// The other side does not.
    Decline,
    /// The person who asked withdraws the request.
    Withdraw,
}

impl Swap {
    /// Whether a person may give this answer. An offer to all is for people with shifts in the schedule: nobody else
    /// puts themselves on call.
    #[must_use]
    pub fn may(&self, schedule: &Schedule, me: UserId, word: Word) -> bool {
        match (word, self.taker) {
            (Word::Withdraw, _) => me == self.asked_by,
            (Word::Decline, None) => false,
            (Word::Accept, None) => me != self.giver && schedule.people().contains(&me),
            (_, Some(taker)) => me != self.asked_by && (me == taker || me == self.giver),
        }
    }
}

/// The longest shift that may be swapped; longer ones are for a manager to change.
const LONGEST: Duration = Duration::from_secs(31 * 86_400);
/// The most open requests of one person.
const MOST_OPEN: i64 = 20;
/// The most requests of a schedule that are shown.
const SHOWN: i64 = 200;

type Row = (String, String, String, Option<String>, i64, i64, Option<i64>, Option<i64>, String, i64);

const COLUMNS: (
    rows::id,
    rows::schedule,
    rows::giver,
    rows::taker,
    rows::from_at,
    rows::to_at,
    rows::back_from,
    rows::back_to,
    rows::asked_by,
    rows::asked_at,
) = (
    rows::id,
    rows::schedule,
    rows::giver,
    rows::taker,
    rows::from_at,
    rows::to_at,
    rows::back_from,
    rows::back_to,
    rows::asked_by,
    rows::asked_at,
);

fn read(row: Row) -> Result<Swap> {
    let id = row.0.clone();
    parse(row).in_row(id)
}

fn parse(row: Row) -> Result<Swap> {
    let (id, schedule, giver, taker, from, to, back_from, back_to, asked_by, asked_at) = row;
    let user = |text: &str, column| text.parse().map_err(|_not_an_id| Error::corrupt(column));
    let window = |from, to| Window { from: Instant::from_micros(from), to: Instant::from_micros(to) };
    Ok(Swap {
        id: id.parse().map_err(|_not_an_id| Error::corrupt("swaps.id"))?,
        schedule,
        giver: user(&giver, "swaps.giver")?,
        taker: taker.map(|taker| user(&taker, "swaps.taker")).transpose()?,
        window: window(from, to),
        back: back_from.zip(back_to).map(|(from, to)| window(from, to)),
        asked_by: user(&asked_by, "swaps.asked_by")?,
        asked_at: Instant::from_micros(asked_at),
    })
}

/// The open requests of a schedule while there is something left to swap, in the order of time.
///
/// # Errors
/// Database errors.
pub fn open(view: &mut View<'_>, schedule: &str, now: Instant) -> Result<Vec<Swap>> {
    let found: Vec<Row> = rows::table
        .filter(rows::schedule.eq(schedule).and(rows::outcome.is_null()).and(rows::to_at.gt(now.micros())))
        .order((rows::to_at, rows::id))
        .limit(SHOWN)
        .select(COLUMNS)
        .load(view.conn)?;
    found.into_iter().map(read).collect()
}

/// One that is not answered yet.
///
/// # Errors
/// [`Error::NotFound`].
pub(crate) fn one(view: &mut View<'_>, id: SwapId) -> Result<Swap> {
    let found: Option<Row> = rows::table
        .find(id.to_string())
        .filter(rows::outcome.is_null())
        .select(COLUMNS)
        .first(view.conn)
        .optional()?;
    read(found.ok_or(Error::NotFound("swap"))?)
}

/// Makes a request: a person on call offers a shift, to one person or to the first to accept, or somebody offers to
/// take it.
///
/// # Errors
/// [`Error::Refused`] where a turn is not the stated person's, or somebody could not take it; [`Error::Conflict`]
/// with too many open ones; [`Error::NotFound`].
pub fn ask(tx: &mut Tx<'_>, schedule: &str, asked: &Asked) -> Result<Swap> {
    let (me, now) = (whoever(tx)?, tx.now());
    if me != asked.giver && Some(me) != asked.taker {
        return refused("a swap is asked for by one of the two: give a turn of yours, or offer to take one");
    }
    let window = left(asked.window, now)?;
    let back = asked.back.map(|back| left(back, now)).transpose()?;
    let swap = Swap {
        id: SwapId::new(now),
        schedule: schedule.to_owned(),
        giver: asked.giver,
        taker: asked.taker,
        window,
        back,
        asked_by: me,
        asked_at: now,
    };
    fits(tx, &swap, now)?;
    let mine = rows::asked_by.eq(me.to_string()).and(rows::outcome.is_null());
    let open: i64 = rows::table.filter(mine.and(rows::to_at.gt(now.micros()))).count().get_result(tx.conn)?;
    if open >= MOST_OPEN {
        return Err(Error::Conflict("twenty swaps of yours are open: withdraw one first"));
    }
    diesel::insert_into(rows::table)
        .values((
            rows::id.eq(swap.id.to_string()),
            rows::schedule.eq(schedule),
            rows::giver.eq(swap.giver.to_string()),
            rows::taker.eq(swap.taker.map(|user| user.to_string())),
            (rows::from_at.eq(window.from.micros()), rows::to_at.eq(window.to.micros())),
            rows::back_from.eq(back.map(|back| back.from.micros())),
            rows::back_to.eq(back.map(|back| back.to.micros())),
            (rows::asked_by.eq(me.to_string()), rows::asked_at.eq(now.micros())),
        ))
        .execute(tx.conn)?;
    noted(tx, "shift.offered", &swap, swap.taker)?;
    let body = get(tx, schedule, now)?.body.schedule;
    let known = people(tx)?;
    let announced: Vec<UserId> = match (me == swap.giver, swap.taker) {
        (true, Some(taker)) => vec![taker],
        (true, None) => {
            body.people().into_iter().filter(|user| *user != me && known.contains_key(user)).collect()
        }
        (false, _) => vec![swap.giver],
    };
    announced.into_iter().try_for_each(|user| announce(tx, "swap_asked", &swap, user))?;
    tx.signal("config.changed", "swap")?;
    Ok(swap)
}

/// Answers, or takes back what was asked. An agreement is a new version of the schedule; the same is looked at again as
/// when it was asked.
///
/// # Errors
/// [`Error::Refused`] for whom it is not to say, and where it does not fit any more; [`Error::NotFound`] once it is
/// answered.
pub fn answer(tx: &mut Tx<'_>, id: SwapId, word: Word) -> Result<Swap> {
    let (me, now) = (whoever(tx)?, tx.now());
    let asked = one(tx, id)?;
    let schedule = get(tx, &asked.schedule, now)?.body.schedule;
    if !asked.may(&schedule, me, word) {
        let what = match asked.taker {
            None => "a turn that is offered to all is for those who have turns in this schedule",
            Some(_) => "only the other of the two may say so",
        };
        return Err(Error::Refused { code: "E_ROLE", what });
    }
    let (outcome, kind) = match word {
        Word::Accept => ("taken", "shift.taken"),
        Word::Decline => ("declined", "shift.declined"),
        Word::Withdraw => ("withdrawn", "shift.declined"),
    };
    let taker = asked.taker.or((word == Word::Accept).then_some(me));
    let swap = Swap { taker, ..asked };
    let row = rows::table.find(id.to_string()).filter(rows::outcome.is_null());
    let decided = (
        rows::taker.eq(swap.taker.map(|user| user.to_string())),
        rows::outcome.eq(outcome),
        rows::decided_by.eq(me.to_string()),
        rows::decided_at.eq(now.micros()),
    );
    if diesel::update(row).set(decided).execute(tx.conn)? == 0 {
        return Err(Error::NotFound("swap"));
    }
    if let (Word::Accept, Some(taker)) = (word, swap.taker) {
        let back = swap.back.map(|back| left(back, now)).transpose()?;
        let swap = Swap { window: left(swap.window, now)?, back, ..swap.clone() };
        fits(tx, &swap, now)?;
        let seen = get(tx, &swap.schedule, now)?.version;
        edit(tx, &swap.schedule, seen, |schedule| {
            let over = |window: Window, gone, comes| Override {
                from: window.from,
                to: window.to,
                change: Change::Replace(gone, comes),
                meant_at: None,
            };
            schedule.overrides.push(over(swap.window, swap.giver, taker));
            schedule.overrides.extend(swap.back.map(|back| over(back, taker, swap.giver)));
            Ok(())
        })?;
    }
    noted(tx, kind, &swap, swap.taker)?;
    if word != Word::Withdraw {
        let template = if word == Word::Accept { "swap_taken" } else { "swap_declined" };
        announce(tx, template, &swap, swap.asked_by)?;
    }
    tx.signal("config.changed", "swap")?;
    Ok(swap)
}

fn whoever(tx: &Tx<'_>) -> Result<UserId> {
    match tx.actor() {
        Actor::User { id, .. } => Ok(id),
        _ => Err(Error::Refused { code: "E_ROLE", what: "people swap turns" }),
    }
}

fn refused<T>(what: &'static str) -> Result<T> {
    Err(Error::Refused { code: "E_INVALID", what })
}

/// The part of a window that is still to come.
fn left(window: Window, now: Instant) -> Result<Window> {
    let left = Window { from: window.from.max(now), to: window.to };
    if left.from >= left.to {
        return refused("this turn is over");
    }
    if left.to > left.from.plus(LONGEST) {
        return refused("more than a month is no turn to swap: ask a manager");
    }
    Ok(left)
}

/// Whether each turn is the stated person's, and whoever takes one may and could.
fn fits(view: &mut View<'_>, swap: &Swap, now: Instant) -> Result<()> {
    let duty = get(view, &swap.schedule, now)?.body;
    let (schedule, known, absences) = (&duty.schedule, people(view)?, absences::after(view, now)?);
    let away = absences.in_schedule(&swap.schedule);
    if !has(schedule, swap.giver, swap.window) {
        let shifts = schedule.shifts(swap.window, away);
        let stands_in =
            |shift: &Shift| shift.user == swap.giver && matches!(shift.because, Because::StandsInFor(_));
        return if shifts.iter().any(stands_in) {
            refused("whoever gives this turn stands in for somebody: ask whoever keeps the schedules")
        } else {
            refused("whoever gives this turn has it not, or not all of it")
        };
    }
    if away.is_covered(swap.giver, swap.window) {
        return refused("somebody stands in for this turn already: ask whoever keeps the schedules");
    }
    let Some(taker) = swap.taker else {
        return if swap.back.is_some() {
            refused("a turn in return is somebody's: say whose")
        } else {
            Ok(())
        };
    };
    if taker == swap.giver || swap.back.is_some_and(|back| back.meet(swap.window).is_some()) {
        return refused("nobody swaps with themselves, nor two turns at the same time");
    }
    let takes = |user: UserId, window: Window| {
        let Some(fit) = known.get(&user) else { return refused("this person may not be on call") };
        if duty.need.certificate && fit.certified_until.is_none_or(|until| until < window.to) {
            return refused(
                "this schedule asks for a certificate that is valid until the turn ends: ask a manager",
            );
        }
        if away.meets(user, window) {
            return refused("whoever takes this turn is away in that time: change the absence first");
        }
        let is_there = schedule.shifts(window, away).iter().any(|shift| shift.user == user);
        if is_there { refused("whoever takes this turn is on call in it already") } else { Ok(()) }
    };
    takes(taker, swap.window)?;
    let Some(back) = swap.back else { return Ok(()) };
    if !has(schedule, taker, back) || away.is_covered(taker, back) {
        return refused("whoever gives the turn in return has it not, or not all of it");
    }
    takes(swap.giver, back)
}

/// Whether all of a window is a turn of somebody's. An absence takes no turn away: whoever is away gives theirs to a
/// colleague; who stands in for somebody has none to give.
fn has(schedule: &Schedule, user: UserId, window: Window) -> bool {
    let own = schedule.shifts(window, Away::NOBODY).into_iter().filter(|shift| shift.user == user);
    union(own.map(|shift| shift.window).collect()) == [window]
}

fn noted(tx: &mut Tx<'_>, kind: &'static str, swap: &Swap, taker: Option<UserId>) -> Result<()> {
    let body = serde_json::json!({
        "swap": swap.id, "schedule": swap.schedule, "giver": swap.giver, "taker": taker,
        "from": swap.window.from, "to": swap.window.to,
        "back": swap.back.map(|back| [back.from, back.to]),
    });
    tx.audit(&Act::new(kind).about(Subject::User(swap.giver)).body(body))
}

/// Tells a person on every channel that reaches them.
fn announce(tx: &mut Tx<'_>, template: &'static str, swap: &Swap, user: UserId) -> Result<()> {
    for channel in paging::channels(tx, user)? {
        let new = New {
            key: format!("{template}:{}:{user}:{}", swap.id, channel.name()),
            class: Class::Transactional,
            channel,
            recipient: user.to_string(),
            template,
            variables: serde_json::json!({
                "link": format!("/schedules/{}", swap.schedule),
                "from": swap.window.from.to_string(),
                "until": swap.window.to.to_string(),
            }),
            about: About::house(Topic::Schedule, &swap.schedule),
            due_at: tx.now(),
            not_after: swap.window.to,
        };
        messages::plan(tx, &new)?;
    }
    Ok(())
}
