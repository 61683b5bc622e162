//! Works off what is due: warnings, breaches and pauses that are over. One node takes a row, and each row is processed
//! on its own; one that cannot be read is set aside and reported.

use std::time::{Duration, Instant as Moment};

use diesel::prelude::*;

use super::follow::explained;
use super::{ALERT, Row, SlaClock, facts, save};
use crate::alerts::{self, StoredAlert};
use crate::db::conn::held;
use crate::db::error::{Error, Result};
use crate::db::schema::sla_timers::dsl as t;
use crate::db::turn::locks::Lock;
use crate::db::tx::act::Act;
use crate::db::tx::{Tx, View};
use crate::escalation::paging::{self, Finder};
use crate::messages::{self, About, Ground, New};
use crate::{escalation, versions};
use domain::escalation::{Found, Pace, Policy, Run};
use domain::messages::{Channel, Class};
use domain::{AlertId, Instant, UserId};

/// How long a message about a deadline is worth sending; an answer cancels it earlier.
const WARNING_LASTS: Duration = Duration::from_secs(24 * 3_600);

/// What the engine did with a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Did {
    /// Warned that little time is left.
    Warned,
    /// Recorded that the time is over.
    Breached,
    /// Ended a pause that lasted too long.
    Resumed,
}

/// The result of one transaction.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// The clocks that were worked off.
    pub acts: Vec<(AlertId, Did)>,
    /// How many were set aside.
    pub spoiled: usize,
    /// Whether there may be more.
    pub more: bool,
}

/// Whether a clock is due.
///
/// # Errors
/// Database errors.
pub fn any_due(view: &mut View<'_>, now: Instant) -> Result<bool> {
    let due = t::sla_timers.filter(t::next_at.le(now.micros()).and(t::spoiled.is_null()));
    Ok(due.select(t::id).first::<String>(view.conn).optional()?.is_some())
}

/// Works off at most `limit` due clocks, and begins no further one after `turn`.
///
/// # Errors
/// Database errors that no single row caused.
pub fn work(tx: &mut Tx<'_>, limit: i64, turn: Duration) -> Result<Done> {
    let began = Moment::now();
    let (due, count) = due(tx, limit)?;
    let more = !due.is_empty() && i64::try_from(count).is_ok_and(|n| n == limit);
    let mut done = Done { more, ..Done::default() };
    for (place, row) in due.into_iter().enumerate() {
        // At least one, however slow the machine: otherwise nothing would ever be done.
        if place > 0 && began.elapsed() > turn {
            done.more = true;
            break;
        }
        let id = row.id.clone();
        match tx.item(|tx| act(tx, row)) {
            Ok(did) => done.acts.extend(did),
            Err(error) if error.is_the_rows() => {
                spoil(tx, &id, &error)?;
                done.spoiled += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The due clocks, the longest due first, each locked under its alert; those whose alert somebody else holds are
/// skipped. Returns too how many were due.
fn due(tx: &mut Tx<'_>, limit: i64) -> Result<(Vec<Row>, usize)> {
    let now = tx.now().micros();
    let due = || t::sla_timers.filter(t::next_at.le(now).and(t::spoiled.is_null()));
    let found: Vec<(String, String)> = due()
        .order((t::next_at.asc(), t::id.asc()))
        .limit(limit)
        .select((t::id, t::subject))
        .load(tx.conn)?;
    let count = found.len();
    let (ids, subjects): (Vec<String>, Vec<String>) = found.into_iter().unzip();
    let free = alerts::hold_to_call(tx, &subjects)?;
    let rows =
        due().filter(t::id.eq_any(ids).and(t::subject.eq_any(free))).order((t::next_at.asc(), t::id.asc()));
    Ok((held!(tx, Row, rows), count))
}

/// `None` when nothing was due after all.
fn act(tx: &mut Tx<'_>, row: Row) -> Result<Option<(AlertId, Did)>> {
    let now = tx.now();
    let mut clock = row.read(tx)?;
    let id: AlertId =
        clock.subject.parse().map_err(|_not_an_id| Error::corrupt("sla_timers.subject").in_row(&clock.id))?;
    tx.lock(Lock::Clocks(id));
    let alert = alerts::get(tx, id)?;
    let Some(did) = clock.due(now) else {
        save(tx, &mut clock)?;
        return Ok(None);
    };
    let kind = match did {
        Did::Warned => {
            clock.record.warned_at = Some(now);
            "sla.warned"
        }
        Did::Breached => {
            clock.record.breached_at = Some(now);
            "sla.breached"
        }
        Did::Resumed => {
            clock.go_on(now);
            "sla.resumed"
        }
    };
    save(tx, &mut clock)?;
    if did == Did::Breached {
        facts::missed(tx, alert.case.patient, &clock);
    }
    let body = serde_json::json!({ ALERT: id, "clocks": [explained(&clock, now)] });
    tx.audit(&Act::new(kind).patient(alert.case.patient).body(body))?;
    tx.signal("alert.changed", id)?;
    announce(tx, &alert, &clock, did)?;
    Ok(Some((id, did)))
}

/// Tells the people concerned. A breach begins its policy, unless the case is escalating already.
fn announce(tx: &mut Tx<'_>, alert: &StoredAlert, clock: &SlaClock, did: Did) -> Result<()> {
    let now = tx.now();
    let template = match did {
        Did::Warned => "sla_warning",
        Did::Breached => "sla_breach",
        Did::Resumed => return Ok(()),
    };
    let policy = match &clock.on_breach {
        Some(policy) => versions::in_force::<Policy>(tx, policy, now)?,
        None => None,
    };
    let ground = Ground::ask(tx, alert.case.patient)?;
    if let (Did::Breached, Some(policy)) = (did, &policy) {
        let (pace, case) = (Pace::of(clock.level(), &clock.calendar), &alert.case);
        let run = Run::breached(escalation::kept(policy.clone()), pace, case, now);
        escalation::begin(tx, case.id, case.patient, run, ground)?;
    }
    // Without a legal basis for calling people, the clock shows on the queue only.
    let Ok(ground) = ground else { return Ok(()) };
    let people = match (alert.case.owner, &policy) {
        (Some(owner), _) => vec![owner],
        (None, Some(policy)) => first_found(tx, &policy.body)?,
        (None, None) => Vec::new(),
    };
    write_to(tx, clock, template, &people, ground)
}

/// The people of the first step that finds any.
fn first_found(tx: &mut Tx<'_>, policy: &Policy) -> Result<Found> {
    let (mut finder, now) = (Finder::default(), tx.now());
    for step in &policy.steps {
        let found = finder.find(tx, step, now)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Found::new())
}

fn write_to(
    tx: &mut Tx<'_>,
    clock: &SlaClock,
    template: &str,
    people: &[UserId],
    ground: Ground,
) -> Result<()> {
    let now = tx.now();
    let mut to: Vec<(Channel, String)> = Vec::new();
    for user in people {
        to.extend(paging::channels(tx, *user)?.into_iter().map(|channel| (channel, user.to_string())));
    }
    to.extend(paging::webhooks(tx)?.into_iter().map(|id| (Channel::Webhook, id)));
    let variables = serde_json::json!({
        "link": format!("/{ALERT}s/{}", clock.subject),
        "since": clock.timer().started_at.to_string(),
        "until": clock.due_at().map(|due| due.to_string()),
    });
    for (channel, recipient) in to {
        let key = format!("sla:{}:{}:{recipient}:{}", clock.id, clock.fence, channel.name());
        let new = New {
            key,
            class: Class::Clinical,
            channel,
            recipient,
            template,
            variables: variables.clone(),
            about: About::patient(ground, ALERT, &clock.subject),
            due_at: now,
            not_after: now.plus(WARNING_LASTS),
        };
        messages::plan(tx, &new)?;
    }
    Ok(())
}

pub(super) fn spoil(tx: &mut Tx<'_>, id: &str, error: &Error) -> Result<()> {
    tracing::error!(row = id, %error, "sla_timers: this clock cannot be worked off; it is set aside");
    diesel::update(t::sla_timers.find(id)).set(t::spoiled.eq(error.to_string())).execute(tx.conn)?;
    let body = serde_json::json!({ "table": "sla_timers", "row": id, "why": error.without_row() });
    tx.audit(&Act::new("engine.quarantined").body(body))
}
