//! Calendars that people follow from other programs. The address carries a secret of which only the hash is kept; a
//! new one, or none, ends the old address. It shows what its owner may see, as long as they may.

use diesel::prelude::*;

use crate::db::error::{Error, Result};
use crate::db::schema::{feeds, users};
use crate::keys::secret::{Secret, hash};
use crate::privacy::withdrawals::{self, Withdrawal};
use crate::{Act, Subject, Tx, View};
use domain::{Can, Role, UserId};

/// Makes the address of a schedule's feed for a person; an earlier one stops working.
///
/// # Errors
/// Database errors; no randomness.
pub fn open(tx: &mut Tx<'_>, schedule: &str, user: UserId) -> Result<Secret> {
    remove(tx, schedule, user)?;
    let secret = Secret::fresh()?;
    diesel::insert_into(feeds::table)
        .values((
            feeds::secret.eq(hash(secret.reveal())),
            feeds::user_id.eq(user.to_string()),
            feeds::schedule.eq(schedule),
            feeds::created_at.eq(tx.now().micros()),
        ))
        .execute(tx.conn)?;
    record(tx, schedule, user, "opened")?;
    Ok(secret)
}

/// Ends the address of a person's feed.
///
/// # Errors
/// [`Error::NotFound`] without one.
pub fn close(tx: &mut Tx<'_>, schedule: &str, user: UserId) -> Result<()> {
    if remove(tx, schedule, user)? == 0 {
        return Err(Error::NotFound("feed"));
    }
    withdrawals::note(tx, &Withdrawal::Feed { schedule: schedule.to_owned(), user })?;
    record(tx, schedule, user, "closed")
}

/// Whether a person follows a schedule.
///
/// # Errors
/// Database errors.
pub fn is_open(view: &mut View<'_>, schedule: &str, user: UserId) -> Result<bool> {
    let row = feeds::table.filter(feeds::schedule.eq(schedule).and(feeds::user_id.eq(user.to_string())));
    Ok(row.count().get_result::<i64>(view.conn)? > 0)
}

/// Whose feed of this schedule a secret opens: somebody who may sign in and see schedules today.
///
/// # Errors
/// Database errors.
pub fn whose(view: &mut View<'_>, schedule: &str, secret: &str) -> Result<Option<UserId>> {
    let row: Option<(String, String)> = feeds::table
        .inner_join(users::table.on(users::id.eq(feeds::user_id)))
        .filter(feeds::secret.eq(hash(secret)).and(feeds::schedule.eq(schedule)))
        .filter(users::disabled_at.is_null())
        .select((users::id, users::role))
        .first(view.conn)
        .optional()?;
    let Some((id, role)) = row else { return Ok(None) };
    let may = Role::from_name(&role).is_some_and(|role| Can::SeeSchedules.held_by(role));
    let id = id.parse().map_err(|_not_an_id| Error::corrupt("feeds.user_id").in_row(&id))?;
    Ok(may.then_some(id))
}

fn remove(tx: &mut Tx<'_>, schedule: &str, user: UserId) -> Result<usize> {
    let row = feeds::table.filter(feeds::schedule.eq(schedule).and(feeds::user_id.eq(user.to_string())));
    Ok(diesel::delete(row).execute(tx.conn)?)
}

fn record(tx: &mut Tx<'_>, schedule: &str, user: UserId, what: &str) -> Result<()> {
    let body = serde_json::json!({ "feed": schedule, "now": what });
    tx.audit(&Act::new("admin.config").about(Subject::User(user)).body(body))
}
