//! Four eyes on who gets in. Whatever one person does that would let them sign in as another holds that account until
//! a second person has vouched for it: a role that sees readings, a password that somebody else chose or made the link
//! for, a second factor that somebody else took away.

use diesel::prelude::*;

use super::conn::Conn;
use super::error::{Error, Result};
use super::keys::Subject;
use super::schema::users;
use super::users::{Hold, get};
use super::{Act, Actor, Tx, sessions};
use crate::domain::{Can, Role, UserId};

/// What gives one person power over another's data or account.
const POWERS: [Can; 9] = [
    Can::SeeReadings,
    Can::SeeAlerts,
    Can::ReadAudit,
    Can::ManageDevices,
    Can::ManageUsers,
    Can::VouchForUsers,
    Can::ApproveRules,
    Can::ApprovePolicies,
    Can::ManageTemplates,
];

/// What was done to an account that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It was given a role with a right that it did not have.
    Role,
    /// Its password was set by, or by a link of, somebody else.
    Password,
    /// Its second factor was taken away by somebody else.
    Factor,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Role, Self::Password, Self::Factor];

    /// The stored and spoken name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Password => "password",
            Self::Factor => "factor",
        }
    }

    pub(in crate::store) fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|why| why.name() == name).ok_or(Error::Corrupt("users.held_for"))
    }
}

/// Whether a role gives a right over others that the one before did not give. Patients and services have none.
#[must_use]
pub(in crate::store) fn empowers(role: Role, before: Option<Role>) -> bool {
    let had = |can: &Can| before.is_some_and(|before| can.held_by(before));
    POWERS.iter().any(|can| can.held_by(role) && !had(can))
}

/// The person who acts on somebody else; the operator and the program hold nothing.
pub(in crate::store) fn somebody_else(tx: &Tx<'_>, id: UserId) -> Option<UserId> {
    match tx.actor() {
        Actor::User { id: by, .. } if by != id => Some(by),
        _ => None,
    }
}

/// Holds an account; whoever is signed in there goes out.
///
/// # Errors
/// Database errors.
pub(in crate::store) fn hold(tx: &mut Tx<'_>, id: UserId, by: UserId, why: Why) -> Result<()> {
    diesel::update(users::table.find(id.to_string()))
        .set((
            users::held_by.eq(Some(by.to_string())),
            users::held_for.eq(Some(why.name())),
            users::held_at.eq(Some(tx.now().micros())),
        ))
        .execute(tx.conn)?;
    sessions::kill_all(tx, id, "held")?;
    let body = serde_json::json!({ "held_for": why.name(), "by": by });
    tx.audit(&Act::new("admin.role").about(Subject::User(id)).body(body).decided(false))
}

/// Vouches for an account: who did what holds it cannot, nor can its own owner.
///
/// # Errors
/// `E_FOUR_EYES`; [`Error::NotFound`]; [`Error::Conflict`] for an account that nothing holds.
pub fn vouch(tx: &mut Tx<'_>, id: UserId) -> Result<()> {
    let user = get(tx, id)?;
    let Some(Hold { by, why, .. }) = user.held else {
        return Err(Error::Conflict("nothing holds this account"));
    };
    if let Actor::User { id: viewer, .. } = tx.actor()
        && (viewer == by || viewer == id)
    {
        return Err(four_eyes("whoever asked for it cannot vouch for it"));
    }
    diesel::update(users::table.find(id.to_string()))
        .set((
            users::held_by.eq(None::<String>),
            users::held_for.eq(None::<String>),
            users::held_at.eq(None::<i64>),
            users::version.eq(users::version + 1),
        ))
        .execute(tx.conn)?;
    let body = serde_json::json!({ "vouched_for": why.name(), "asked_by": by });
    tx.audit(&Act::new("admin.role").about(Subject::User(id)).body(body).decided(true))
}

/// Refuses what somebody does to their own power.
///
/// # Errors
/// `E_FOUR_EYES`.
pub(in crate::store) fn not_oneself(tx: &Tx<'_>, id: UserId) -> Result<()> {
    match tx.actor() {
        Actor::User { id: viewer, .. } if viewer == id => Err(four_eyes("nobody changes their own power")),
        _ => Ok(()),
    }
}

/// Refuses what would leave nobody who manages users. Two who try it at once do so one after the other.
///
/// # Errors
/// `E_LAST_ADMIN`; database errors.
pub(in crate::store) fn another_administrator_stays(tx: &mut Tx<'_>, but: UserId) -> Result<()> {
    let able = users::table
        .filter(users::role.eq(Role::Admin.name()).and(users::disabled_at.is_null()))
        .filter(users::held_at.is_null().and(users::password.is_not_null()))
        .order(users::id)
        .select(users::id);
    let able: Vec<String> = match &mut *tx.conn {
        Conn::Pg(conn) => able.for_update().load(conn)?,
        Conn::Sqlite(conn) => able.load(conn)?,
    };
    let but = but.to_string();
    let is_last = able.contains(&but) && able.iter().all(|id| *id == but);
    let what = "nobody would be left who manages users: make another administrator first";
    if is_last { Err(Error::Refused { code: "E_LAST_ADMIN", what }) } else { Ok(()) }
}

const fn four_eyes(what: &'static str) -> Error {
    Error::Refused { code: "E_FOUR_EYES", what }
}
