//! One-time links: to set a password, to pair. Only the hash is kept; using one spends it.

use std::time::Duration;

use diesel::prelude::*;

use super::holds;
use crate::db::error::{Error, Result};
use crate::db::prune::oldest;
use crate::db::schema::links;
use crate::keys::Subject;
use crate::keys::secret::{Secret, hash};
use crate::{Act, Tx, View};
use domain::{Instant, UserId};

/// How long a link to set a password may be used.
pub const PASSWORD_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Setting a password, the first or a new one.
    Password,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
        }
    }
}

/// Makes a link; earlier ones of the same purpose stop working.
///
/// # Errors
/// Database errors.
pub fn insert(tx: &mut Tx<'_>, user: UserId, purpose: Purpose, life: Duration) -> Result<Secret> {
    let now = tx.now();
    let earlier =
        links::table.filter(links::user_id.eq(user.to_string()).and(links::purpose.eq(purpose.name())));
    diesel::delete(earlier).execute(tx.conn)?;
    let secret = Secret::fresh()?;
    let made_by = holds::somebody_else(tx, user);
    diesel::insert_into(links::table)
        .values((
            links::secret.eq(hash(secret.reveal())),
            links::user_id.eq(user.to_string()),
            links::purpose.eq(purpose.name()),
            links::expires_at.eq(now.plus(life).micros()),
            links::made_by.eq(made_by.map(|by| by.to_string())),
        ))
        .execute(tx.conn)?;
    let body = serde_json::json!({ "link": purpose.name(), "expires": now.plus(life) });
    tx.audit(&Act::new("admin.config").about(Subject::User(user)).body(body))?;
    Ok(secret)
}

/// Whose a link is, without spending it; `None` when it is unknown, spent or too old.
///
/// # Errors
/// Database errors.
pub fn whose(view: &mut View<'_>, secret: &str, purpose: Purpose, now: Instant) -> Result<Option<UserId>> {
    let good = links::table.find(hash(secret)).filter(
        links::purpose
            .eq(purpose.name())
            .and(links::used_at.is_null())
            .and(links::expires_at.gt(now.micros())),
    );
    let user: Option<String> = good.select(links::user_id).first(view.conn).optional()?;
    user.map(|user| user.parse().map_err(|_not_an_id| Error::corrupt("links.user_id"))).transpose()
}

/// Spends a link and says whose it is and who else made it; `None` when it is unknown, spent or too old.
///
/// # Errors
/// Database errors.
pub fn claim(tx: &mut Tx<'_>, secret: &str, purpose: Purpose) -> Result<Option<(UserId, Option<UserId>)>> {
    let now = tx.now().micros();
    let good = links::table.find(hash(secret)).filter(
        links::purpose.eq(purpose.name()).and(links::used_at.is_null()).and(links::expires_at.gt(now)),
    );
    let spent: Option<(String, Option<String>)> = diesel::update(good)
        .set(links::used_at.eq(Some(now)))
        .returning((links::user_id, links::made_by))
        .get_result(tx.conn)
        .optional()?;
    let Some((user, made_by)) = spent else { return Ok(None) };
    let user = user.parse().map_err(|_not_an_id| Error::corrupt("links.user_id"))?;
    let made_by = made_by.map(|by| by.parse().map_err(|_not_an_id| Error::corrupt("links.made_by")));
    Ok(Some((user, made_by.transpose()?)))
}

/// Spends every link of a user.
///
/// # Errors
/// Database errors.
pub(crate) fn revoke_all(tx: &mut Tx<'_>, user: UserId) -> Result<usize> {
    Ok(diesel::delete(links::table.filter(links::user_id.eq(user.to_string()))).execute(tx.conn)?)
}

/// Forgets links that can no longer be used.
///
/// # Errors
/// Database errors.
pub fn prune(tx: &mut Tx<'_>, before: Instant) -> Result<usize> {
    Ok(oldest!(tx, links, links::expires_at.lt(before.micros()), links::expires_at))
}
