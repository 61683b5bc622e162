//! Changes of single windows by form: overrides and temporary schedules, as they are held and as they were sent.

use super::rotations::{Sent, duty};
use super::schedule::{LOCAL, local};
use crate::http::fault::Fault;
use crate::on_call::api::changes::{self as api, change, names};
use crate::on_call::view::schedule::{Changed, OwnTurn};
use crate::people::page::names::People;
use crate::{Code, Words};
use domain::on_call::{Change, Override, Schedule, Temporary};
use domain::time::civil::{Window, Zone};
use domain::{Instant, UserId};
use store::on_call::changes;
use store::{Tx, View};

/// Empty rows for turns at the end of a form.
const SPARE: usize = 3;
/// As many turns as a form may hold.
const MOST_ROWS: usize = 200;

/// What is changed and not over yet, in the order in which it is laid over the rotations; the newest last.
///
/// # Errors
/// Store faults.
pub(crate) fn of(
    view: &mut View<'_>,
    w: &Words,
    people: &mut People,
    schedule: &Schedule,
    now: Instant,
) -> Result<Vec<Changed>, Fault> {
    let (zone, mut out) = (schedule.zone, Vec::new());
    let clock = |at: Instant| zone.local(at).format(LOCAL).to_string();
    for (place, own) in schedule.temporaries.iter().enumerate().filter(|(_, own)| own.to > now) {
        let mut turns = Vec::new();
        for (user, from, to) in &own.shifts {
            let name = people.user(view, *user)?;
            turns.push(OwnTurn { user: user.to_string(), name, from: clock(*from), to: clock(*to) });
        }
        let names: Vec<&str> = turns.iter().map(|turn| turn.name.as_str()).collect();
        let what = if names.is_empty() {
            w.say("change-temporary-nobody")
        } else {
            w.one("change-temporary", "names", names.join(", "))
        };
        out.push(Changed {
            place,
            is_temporary: true,
            window: (own.from, own.to),
            fields: (clock(own.from), clock(own.to)),
            what,
            turns: with_room(turns),
            ..Changed::default()
        });
    }
    for (place, over) in schedule.overrides.iter().enumerate().filter(|(_, over)| over.to > now) {
        let what = match over.change {
            Change::Add(comes) => w.one("change-add", "name", people.user(view, comes)?),
            Change::Remove(gone) => w.one("change-remove", "name", people.user(view, gone)?),
            Change::Replace(gone, comes) => {
                let (comes, gone) = (people.user(view, comes)?, people.user(view, gone)?);
                w.two("change-replace", "comes", comes, "gone", gone)
            }
        };
        let id = |user: Option<UserId>| user.map_or_else(String::new, |user| user.to_string());
        let (add, remove) = names(over.change);
        out.push(Changed {
            place,
            window: (over.from, over.to),
            fields: (clock(over.from), clock(over.to)),
            what,
            add: id(add),
            remove: id(remove),
            ..Changed::default()
        });
    }
    Ok(out)
}

/// Turns and empty rows to add some.
pub(crate) fn with_room(mut turns: Vec<OwnTurn>) -> Vec<OwnTurn> {
    turns.extend(vec![OwnTurn::default(); SPARE]);
    turns
}

fn at(zone: Zone, sent: &Sent, name: &str) -> Result<Instant, Fault> {
    let read = sent.first(name).and_then(|text| local(zone, text));
    read.ok_or_else(|| Fault::invalid("day", "a day and an hour"))
}

fn window(zone: Zone, sent: &Sent) -> Result<Window, Fault> {
    let (from, to) = (at(zone, sent, "from")?, at(zone, sent, "to")?);
    if from < to { Ok(Window { from, to }) } else { Err(Fault::invalid("to", "after its start")) }
}

fn place(sent: &Sent) -> Result<Option<usize>, Fault> {
    sent.first("place").map(|text| text.parse().map_err(|_number| Fault::new(Code::NotFound))).transpose()
}

fn drafted(sent: &Sent) -> Result<usize, Fault> {
    place(sent)?.ok_or_else(|| Fault::new(Code::NotFound))
}

/// An override, new or at its place.
///
/// # Errors
/// `E_INVALID`, `E_DOUBT`, `E_PRECONDITION`.
pub(crate) fn put_override(tx: &mut Tx<'_>, id: &str, sent: &Sent) -> Result<(), Fault> {
    let Window { from, to } = window(duty(tx, id)?.schedule.zone, sent)?;
    let over =
        Override { from, to, change: change(sent.user("add")?, sent.user("remove")?)?, meant_at: None };
    api::put_override(tx, id, place(sent)?, over, sent.version()?, sent.first("sure").is_some())
}

/// Takes an override back.
///
/// # Errors
/// `E_NOT_FOUND`, `E_PRECONDITION`.
pub(crate) fn take_override(tx: &mut Tx<'_>, id: &str, sent: &Sent) -> Result<(), Fault> {
    changes::take_override(tx, id, drafted(sent)?, sent.version()?)?;
    Ok(())
}

/// A temporary schedule, new or at its place. A turn without hours of its own lasts as long as the window.
///
/// # Errors
/// As [`put_override`].
pub(crate) fn put_temporary(tx: &mut Tx<'_>, id: &str, sent: &Sent) -> Result<(), Fault> {
    let zone = duty(tx, id)?.schedule.zone;
    let Window { from, to } = window(zone, sent)?;
    let rows: usize = sent.first("rows").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut shifts = Vec::new();
    for row in 0..rows.min(MOST_ROWS) {
        let Some(user) = sent.user(&format!("t{row}-who"))? else { continue };
        let own = |name: &str, else_at: Instant| match sent.first(&format!("t{row}-{name}")) {
            Some(text) => local(zone, text).ok_or_else(|| Fault::invalid("day", "a day and an hour")),
            None => Ok(else_at),
        };
        shifts.push((user, own("from", from)?, own("to", to)?));
    }
    let own = Temporary { from, to, shifts };
    api::put_temporary(tx, id, place(sent)?, &own, sent.version()?, sent.first("sure").is_some())
}

/// Takes a temporary schedule back.
///
/// # Errors
/// `E_NOT_FOUND`, `E_PRECONDITION`.
pub(crate) fn take_temporary(tx: &mut Tx<'_>, id: &str, sent: &Sent) -> Result<(), Fault> {
    changes::take_temporary(tx, id, drafted(sent)?, sent.version()?)?;
    Ok(())
}
