//! How long jobs that are over stay to be read.

use std::time::Duration;

use diesel::prelude::*;

use crate::Tx;
use crate::db::conn::literally;
use crate::db::error::Result;
use crate::db::prune::oldest;
use crate::db::schema::jobs;
use domain::Instant;

/// From their end on.
pub const RETENTION: Duration = Duration::from_secs(30 * 86_400);

/// Forgets jobs that ended before an instant.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>, before: Instant) -> Result<usize> {
    let over = literally("jobs.finished_at IS NOT NULL").and(jobs::finished_at.lt(before.micros()));
    Ok(oldest!(tx, jobs, over.clone().assume_not_null(), jobs::finished_at.assume_not_null()))
}
