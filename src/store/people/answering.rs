//! Who can answer for an alert, as their account stands.

use diesel::prelude::*;

use crate::db::conn::Conn;
use crate::db::error::{Error, Result};
use crate::db::schema::users;
use crate::db::settings;
use crate::{Tx, View};
use domain::{Can, Role, UserId};

/// Counts departures: what waits for somebody is checked again when it has changed.
pub(super) const COUNTED: &str = "departures.counted";

/// Why a person can no longer answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Their sign-in was blocked.
    Blocked,
    /// Their account waits for a second person's word.
    Held,
    /// Their role takes no calls, or acts on alerts no more.
    Role,
    /// Their password and second factor count no more.
    Credentials,
    /// They were erased.
    Erased,
    /// Somebody noted that they are away now.
    Absent,
}

impl Why {
    /// Every reason.
    pub(crate) const ALL: [Self; 6] =
        [Self::Blocked, Self::Held, Self::Role, Self::Credentials, Self::Erased, Self::Absent];

    /// The stored name, as the audit log tells it.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Held => "held",
            Self::Role => "role",
            Self::Credentials => "credentials",
            Self::Erased => "erased",
            Self::Absent => "absent",
        }
    }

    pub(super) fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|why| why.name() == name).ok_or(Error::corrupt("departures.why"))
    }
}

/// What an account may do about alerts as it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Able {
    /// Why it answers for none, if so.
    pub(super) barred: Option<Why>,
    /// Whether it acts on any, called or not.
    pub(super) acts: bool,
}

/// An id without an account rules nobody out: nothing is known against it.
pub(super) fn able(view: &mut View<'_>, user: UserId) -> Result<Able> {
    let row = users::table.find(user.to_string());
    let row = row.select((users::role, users::disabled_at, users::held_at));
    let found: Option<(String, Option<i64>, Option<i64>)> = row.get_result(view.conn).optional()?;
    let Some((role, disabled_at, held_at)) = found else { return Ok(Able::default()) };
    let may = |can: Can| Role::from_name(&role).is_some_and(|role| can.held_by(role));
    let barred = match (disabled_at, held_at, may(Can::AnswerCalls)) {
        (Some(_), ..) => Some(Why::Blocked),
        (None, Some(_), _) => Some(Why::Held),
        (None, None, false) => Some(Why::Role),
        (None, None, true) => None,
    };
    Ok(Able { barred, acts: may(Can::ActOnAlerts) })
}

/// Locks the person's row: waits for acts in progress that give them something, and lets none begin until the
/// transaction ends.
///
/// # Errors
/// Database errors.
pub(crate) fn settle(tx: &mut Tx<'_>, user: UserId) -> Result<()> {
    if let Conn::Pg(conn) = &mut *tx.conn {
        let row = users::table.find(user.to_string()).select(users::id).for_update();
        let _held: Option<String> = row.get_result(conn).optional()?;
    }
    Ok(())
}

/// Checks before an act that leaves a case with these people that each can answer, and keeps that true until the
/// transaction ends. Returns who cannot.
///
/// # Errors
/// Database errors.
pub(crate) fn who_cannot(tx: &mut Tx<'_>, people: &[UserId]) -> Result<Option<UserId>> {
    let mut people = people.to_vec();
    people.sort_unstable();
    people.dedup();
    for user in people {
        if let Conn::Pg(conn) = &mut *tx.conn {
            let row = users::table.find(user.to_string()).select(users::id).for_key_share();
            let _held: Option<String> = row.get_result(conn).optional()?;
        }
        if able(tx, user)?.barred.is_some() {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// The number of departures so far: whoever depends on it looks again when it changes.
///
/// # Errors
/// Database errors.
pub(crate) fn counted(view: &mut View<'_>) -> Result<Option<String>> {
    settings::get(view, COUNTED)
}
