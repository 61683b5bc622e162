//! What tests of the engine look at, and break, in the rows of clocks.

use diesel::prelude::*;

use super::{SlaClock, t};
use crate::{Result, Tx, View};
use domain::{AlertId, Instant};

/// Why rows were set aside.
pub fn set_aside(view: &mut View<'_>) -> Result<Vec<String>> {
    let rows = t::sla_timers.filter(t::spoiled.is_not_null());
    Ok(rows.select(t::spoiled.assume_not_null()).load(view.conn)?)
}

/// When the engine acts on a clock by itself.
pub fn next(view: &mut View<'_>, id: AlertId, name: &str) -> Result<Option<Instant>> {
    let row = t::sla_timers.filter(t::subject.eq(id.to_string()).and(t::service_level.eq(name)));
    let at: Option<i64> = row.select(t::next_at).first(view.conn)?;
    Ok(at.map(Instant::from_micros))
}

/// Writes what no program wrote into an alert's clocks.
pub fn break_rows(tx: &mut Tx<'_>, id: AlertId) -> Result<()> {
    let rows = t::sla_timers.filter(t::subject.eq(id.to_string()));
    diesel::update(rows).set(t::record.eq("{}")).execute(tx.conn)?;
    Ok(())
}

/// Writes a clock as it was read, however long ago.
pub fn save(tx: &mut Tx<'_>, clock: &mut SlaClock) -> Result<()> {
    super::save(tx, clock)
}
