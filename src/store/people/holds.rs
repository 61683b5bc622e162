//! Four eyes on access. Whatever one person does that would let them sign in as another locks that account until a
//! second person has vouched for it: a role with a new power, a password that somebody else chose or made the link for,
//! a second factor that somebody else removed.

use diesel::prelude::*;

pub(crate) use super::accounts::Why;
use super::accounts::{Hold, get, named};
use super::{departures, sessions};
use crate::db::conn::Conn;
use crate::db::error::{Error, Result};
use crate::db::schema::users;
use crate::keys::Subject;
use crate::{Act, Actor, Tx};
use domain::{Can, Role, UserId};

/// Whether a right gives one person power over another's data, care or account. Look-ups open to all staff, and a
/// person's own things, give none.
const fn is_power(can: Can) -> bool {
    match can {
        Can::SeeContacts
        | Can::SeeReadings
        | Can::SeeAlerts
        | Can::ActOnAlerts
        | Can::AnswerCalls
        | Can::SeeConsents
        | Can::AssistConsent
        | Can::RevokeConsent
        | Can::ReadAudit
        | Can::Reveal
        | Can::ApproveReveals
        | Can::SeeDevices
        | Can::ManageDevices
        | Can::NameOfficer
        | Can::ManageUsers
        | Can::VouchForUsers
        | Can::ManagePatients
        | Can::JudgeQuarantine
        | Can::ProposeRules
        | Can::ApproveRules
        | Can::ProposePolicies
        | Can::ApprovePolicies
        | Can::ManageSchedules
        | Can::ManageTemplates
        | Can::ManageWebhooks => true,
        Can::Anyone
        | Can::SignedIn
        | Can::SeeRules
        | Can::SeePolicies
        | Can::SeeSchedules
        | Can::SeeTemplates
        | Can::SeeWebhooks
        | Can::SeeKpis
        | Can::SeeStatus
        | Can::OwnThings => false,
    }
}

/// What somebody does to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gain {
    /// It gets a role; from none when it comes to be.
    Role {
        /// What it was.
        from: Option<Role>,
        /// What it is now.
        to: Role,
    },
    /// A password that somebody else chose, or made the link for.
    Password,
    /// A second factor is taken away.
    Factor,
}

impl Gain {
    /// Why the account waits for a second person, if it does: whatever lets one person in as another, and each role
    /// with a power that the account had not.
    fn waits(self) -> Option<Why> {
        match self {
            Self::Password => Some(Why::Password),
            Self::Factor => Some(Why::Factor),
            Self::Role { from, to } => empowers(to, from).then_some(Why::Role),
        }
    }
}

/// Every act on an account that may give power is weighed here: what `by`, somebody else, did alone holds the account
/// until a second person has vouched. Says whether it does.
///
/// # Errors
/// Database errors.
pub(crate) fn weigh(tx: &mut Tx<'_>, id: UserId, gain: Gain, by: Option<UserId>) -> Result<bool> {
    let Some((by, why)) = by.zip(gain.waits()) else { return Ok(false) };
    departures::watched(tx, id, |tx| hold(tx, id, by, why))?;
    Ok(true)
}

/// Whether a role gives a power that the one before did not give. Patients and services have none.
fn empowers(role: Role, before: Option<Role>) -> bool {
    let had = |can: &Can| before.is_some_and(|before| can.held_by(before));
    Can::ALL.iter().any(|can| {
        is_power(*can) && !matches!(role, Role::Patient | Role::Service) && can.held_by(role) && !had(can)
    })
}

/// The person who acts on somebody else; the operator and the program hold nothing.
pub(crate) fn somebody_else(tx: &Tx<'_>, id: UserId) -> Option<UserId> {
    match tx.actor() {
        Actor::User { id: by, .. } if by != id => Some(by),
        _ => None,
    }
}

/// Holds an account; whoever is signed in there goes out. Whoever held it before still cannot vouch for it: what a
/// second person does meanwhile, to a password, is no word on the role that the first gave.
fn hold(tx: &mut Tx<'_>, id: UserId, by: UserId, why: Why) -> Result<()> {
    let held: Option<String> =
        users::table.find(id.to_string()).select(users::held_by).get_result(tx.conn)?;
    let mut people = held.as_deref().map(named).transpose()?.unwrap_or_default();
    people.retain(|earlier| *earlier != by);
    people.push(by);
    let people: Vec<String> = people.iter().map(ToString::to_string).collect();
    diesel::update(users::table.find(id.to_string()))
        .set((
            users::held_by.eq(Some(people.join(" "))),
            users::held_for.eq(Some(why.name())),
            users::held_at.eq(Some(tx.now().micros())),
        ))
        .execute(tx.conn)?;
    sessions::kill_all(tx, id, "held")?;
    let body = serde_json::json!({ "held_for": why.name(), "by": by });
    tx.audit(&Act::new("admin.role").about(Subject::User(id)).body(body).decided(false))
}

/// Vouches for an account: who did what holds it cannot, nor can its own owner. `seen`: the version of the account that
/// they looked at, where they did; what was done to it since is not what they vouch for.
///
/// # Errors
/// `E_FOUR_EYES`; [`Error::Stale`]; [`Error::NotFound`]; [`Error::Conflict`] for an account that nothing holds.
pub fn vouch(tx: &mut Tx<'_>, id: UserId, seen: Option<i64>) -> Result<()> {
    let user = get(tx, id)?;
    if seen.is_some_and(|seen| seen != user.version) {
        return Err(Error::Stale { current: user.version });
    }
    let Some(Hold { by, why, .. }) = user.held else {
        return Err(Error::Conflict("nothing holds this account"));
    };
    if let Actor::User { id: viewer, .. } = tx.actor()
        && (by.contains(&viewer) || viewer == id)
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
pub(crate) fn not_oneself(tx: &Tx<'_>, id: UserId) -> Result<()> {
    match tx.actor() {
        Actor::User { id: viewer, .. } if viewer == id => Err(four_eyes("nobody changes their own power")),
        _ => Ok(()),
    }
}

/// Refuses what would leave nobody who manages users. Two who try it at once do so one after the other.
///
/// # Errors
/// `E_LAST_ADMIN`; database errors.
pub(crate) fn another_administrator_stays(tx: &mut Tx<'_>, but: UserId) -> Result<()> {
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
