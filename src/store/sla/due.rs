//! What is due: warnings, breaches and pauses that are over. Each row is taken by one node and stands on its own; one
//! that cannot be read is set aside and told.

use std::time::{Duration, Instant as Moment};

use diesel::prelude::*;

use super::follow::told;
use super::{ALERT, COLUMNS, Promise, Row, keep};
use crate::domain::{AlertId, Instant};
use crate::store::Conn;
use crate::store::act::Act;
use crate::store::alerts::{self, StoredAlert};
use crate::store::error::{Error, Result};
use crate::store::schema::{alerts as a, sla_timers::dsl as t};
use crate::store::tx::{Tx, View};

/// What the engine did with a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Did {
    /// Told that little time is left.
    Warned,
    /// Told that the time is over.
    Breached,
    /// Ended a pause that lasted too long.
    Resumed,
}

/// What one turn did.
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

/// Works off at most `limit` clocks that are due, and stops after `turn`.
///
/// # Errors
/// Database errors that are not one row's.
pub fn work(tx: &mut Tx<'_>, limit: i64, turn: Duration) -> Result<Done> {
    let began = Moment::now();
    let due = due(tx, limit)?;
    let mut done = Done { more: i64::try_from(due.len()).is_ok_and(|n| n == limit), ..Done::default() };
    for row in due {
        if began.elapsed() > turn {
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

/// The longest due first; on PostgreSQL held, and what another node holds is its own.
fn due(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Row>> {
    let now = tx.now().micros();
    let query = t::sla_timers
        .filter(t::next_at.le(now).and(t::spoiled.is_null()))
        .order((t::next_at.asc(), t::id.asc()))
        .limit(limit)
        .select(COLUMNS);
    Ok(match &mut *tx.conn {
        Conn::Pg(conn) => query.for_update().skip_locked().load(conn)?,
        Conn::Sqlite(conn) => query.load(conn)?,
    })
}

/// `None` when nothing was due after all, or somebody is changing the alert: the next cycle sees.
fn act(tx: &mut Tx<'_>, row: Row) -> Result<Option<(AlertId, Did)>> {
    let now = tx.now();
    let mut promise = row.read(tx)?;
    let id: AlertId = promise.subject.parse().map_err(|_not_an_id| Error::Corrupt("sla_timers.subject"))?;
    if !alone(tx, id)? {
        return Ok(None);
    }
    let alert = alerts::get(tx, id)?;
    let Some(did) = promise.due(now) else {
        keep(tx, &mut promise)?;
        return Ok(None);
    };
    let kind = match did {
        Did::Warned => {
            promise.record.warned_at = Some(now);
            "sla.warned"
        }
        Did::Breached => {
            promise.record.breached_at = Some(now);
            "sla.breached"
        }
        Did::Resumed => {
            promise.go_on(now);
            "sla.resumed"
        }
    };
    keep(tx, &mut promise)?;
    let body = serde_json::json!({ ALERT: id, "clocks": [told(&promise, now)] });
    tx.audit(&Act::new(kind).patient(alert.case.patient).body(body))?;
    tx.signal("alert.changed", id)?;
    tell(tx, &alert, &promise, did)?;
    Ok(Some((id, did)))
}

/// Takes the alert's row before anything of it, as whoever acts on it does; not while another has it.
fn alone(tx: &mut Tx<'_>, id: AlertId) -> Result<bool> {
    let Conn::Pg(conn) = &mut *tx.conn else { return Ok(true) };
    let row = a::table.find(id.to_string()).select(a::version).for_update().skip_locked();
    Ok(row.first::<i64>(conn).optional()?.is_some())
}

/// Whoever must hear of it: the owner, or the policy's first step; a breach begins the policy.
fn tell(_tx: &mut Tx<'_>, _alert: &StoredAlert, _promise: &Promise, _did: Did) -> Result<()> {
    Ok(())
}

pub(super) fn spoil(tx: &mut Tx<'_>, id: &str, error: &Error) -> Result<()> {
    diesel::update(t::sla_timers.find(id)).set(t::spoiled.eq(error.to_string())).execute(tx.conn)?;
    let body = serde_json::json!({ "clock": id, "why": error.to_string() });
    tx.audit(&Act::new("engine.quarantined").code("sla").body(body))?;
    tx.signal("config.changed", "engine")
}
