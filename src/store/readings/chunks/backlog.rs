//! What waits to be rolled: when it is time, and which rows a pass takes.

use std::time::Duration;

use diesel::prelude::*;

use crate::View;
use crate::db::conn::on;
use crate::db::error::Result;
use crate::db::schema::readings;
use crate::readings::journal::backend::Share;
use crate::readings::journal::row::{COLUMNS, Row};
use domain::Instant;

/// Rows that a pass should hold; twice as many are its limit.
pub(crate) const PASS: i64 = 500_000;
/// Age at which a row is closed: most late and repeated readings have arrived by then.
const CALM: Duration = Duration::from_secs(600);
/// The same when many rows wait: the journal must stay quick to scan.
const BUSY: Duration = Duration::from_secs(120);
const MANY: i64 = 50_000;
/// How often rows are folded when few wait.
const EVERY: Duration = Duration::from_secs(300);

/// Up to which event time rows should be folded now, if at all. `last` is when a pass last ran.
///
/// # Errors
/// Database errors.
pub fn due(view: &mut View<'_>, now: Instant, last: Instant) -> Result<Option<Instant>> {
    let busy = now.minus(BUSY);
    let beyond: Option<i64> = readings::table
        .filter(readings::at.lt(busy.micros()))
        .select(readings::at)
        .order(readings::at)
        .offset(MANY)
        .first(view.conn)
        .optional()?;
    if beyond.is_some() {
        return Ok(Some(busy));
    }
    Ok((now.since(last) >= EVERY).then(|| now.minus(CALM)))
}

/// Which patients a pass covers: all, or, if too many rows wait, one share of the patients with all their rows, chosen
/// to include the oldest row. Many rows a chunk are cheap, few are not.
pub(crate) fn share(view: &mut View<'_>, until: Instant, pass: i64) -> Result<Share> {
    let closed = readings::table.filter(readings::at.lt(until.micros()));
    let count: i64 = closed.count().get_result(view.conn)?;
    if count <= pass {
        return Ok(Share::ALL);
    }
    let parts = count / pass + 1;
    let oldest: i64 =
        closed.select(readings::patient_key).order((readings::at, readings::patient_key)).first(view.conn)?;
    Ok(Share { parts, part: oldest % parts })
}

/// A pass's rows in the order of their identity, and whether these are all.
pub(crate) fn closed(
    view: &mut View<'_>,
    until: Instant,
    share: Share,
    pass: i64,
) -> Result<(Vec<Row>, bool)> {
    let key = (readings::at, readings::patient_key, readings::signal, readings::device_key);
    let query = readings::table
        .filter(readings::at.lt(until.micros()))
        .filter(share.holds())
        .order(key)
        .limit(2 * pass)
        .select(COLUMNS);
    let rows: Vec<Row> = on!(&mut *view.conn, |c| query.load(c))?;
    let all = i64::try_from(rows.len()).is_ok_and(|count| count < 2 * pass);
    Ok((rows, all))
}
