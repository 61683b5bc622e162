//! People who sign in, and services: name and e-mail sealed, found by a blind index of the e-mail.

use diesel::prelude::*;

use super::holds::{self, Gain, Why};
use super::{departures, links, sessions, throttles};
use crate::db::error::{Error, Result};
use crate::db::page::{Ask, Cursor, Page};
use crate::db::schema::users;
use crate::db::turn;
use crate::keys::seal::{Broken, Place};
use crate::keys::{Class, Subject};
use crate::patients::audience::Audience;
use crate::privacy::withdrawals::{self, Withdrawal};
use crate::{Act, Tx, View};
use domain::{Email, Instant, PatientId, Role, SessionId, StaffIdentity, UserId};

/// Somebody who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Who it is; `None` once erased.
    pub identity: Option<StaffIdentity>,
    /// As what.
    pub role: Role,
    /// For the role `patient`: which one.
    pub patient: Option<PatientId>,
    /// Whether a second factor is set.
    pub has_totp: bool,
    /// Since when.
    pub created_at: Instant,
    /// Since when they may not sign in.
    pub disabled_at: Option<Instant>,
    /// What waits for a second person before anybody may sign in here.
    pub held: Option<Hold>,
    /// For If-Match.
    pub version: i64,
}

impl User {
    /// Whom they may see. Whoever is tied to a patient sees that patient alone, whatever their role.
    #[must_use]
    pub fn audience(&self) -> Audience {
        Audience::of_user(self.patient)
    }
}

/// What waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who did something since somebody last vouched, the last one last: none of them can vouch for it.
    pub by: Vec<UserId>,
    /// What was done last.
    pub why: Why,
    /// When.
    pub at: Instant,
}

/// A user with what a sign-in compares.
pub struct Account {
    /// Who.
    pub user: User,
    /// Argon2id string (PHC form); a service has none.
    pub password: Option<String>,
}

/// Who is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Who it is.
    pub identity: StaffIdentity,
    /// As what.
    pub role: Role,
    /// Argon2id string (PHC form); none for a service, or until a link is used.
    pub password: Option<String>,
    /// For the role `patient`: which one.
    pub patient: Option<PatientId>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Row {
    id: String,
    identity: Vec<u8>,
    role: String,
    password: Option<String>,
    totp: Option<Vec<u8>>,
    patient_id: Option<String>,
    created_at: i64,
    disabled_at: Option<i64>,
    version: i64,
    held_by: Option<String>,
    held_for: Option<String>,
    held_at: Option<i64>,
}

impl Row {
    fn open(self, view: &mut View<'_>) -> Result<Account> {
        let identity = match view.open_json(place("identity", &self.id), &self.identity) {
            Ok(identity) => Some(identity),
            Err(Error::Sealed(Broken::KeyDestroyed)) => None,
            Err(other) => return Err(other),
        };
        let held = match (self.held_by, self.held_for, self.held_at) {
            (Some(by), Some(why), Some(at)) => Some(Hold {
                by: holds::named(&by)?,
                why: Why::from_name(&why)?,
                at: Instant::from_micros(at),
            }),
            _ => None,
        };
        let patient = self.patient_id.map(|id| id.parse()).transpose();
        let user = User {
            id: self.id.parse().map_err(|_not_an_id| Error::Corrupt("users.id"))?,
            identity,
            role: Role::from_name(&self.role).ok_or(Error::Corrupt("users.role"))?,
            patient: patient.map_err(|_not_an_id| Error::Corrupt("users.patient_id"))?,
            has_totp: self.totp.is_some(),
            created_at: Instant::from_micros(self.created_at),
            disabled_at: self.disabled_at.map(Instant::from_micros),
            held,
            version: self.version,
        };
        Ok(Account { user, password: self.password })
    }
}

const fn place<'a>(column: &'a str, id: &'a str) -> Place<'a> {
    Place::new("users", column, id)
}

const EMAIL: &str = "users.email";

/// Adds a user.
///
/// # Errors
/// [`Error::Conflict`] when the e-mail is taken, or role and patient do not go together.
pub fn insert(tx: &mut Tx<'_>, new: &NewUser) -> Result<User> {
    if (new.role == Role::Patient) != new.patient.is_some() {
        return Err(Error::Conflict("the role patient, and only it, belongs to a patient"));
    }
    if new.role == Role::Service && new.password.is_some() {
        return Err(Error::Conflict("a service has a scoped token and no password"));
    }
    let now = tx.now();
    let id = UserId::new(now);
    let text = id.to_string();
    let sealed = tx.seal_json(Subject::User(id), Class::Identity, place("identity", &text), &new.identity)?;
    let index = tx.blind(EMAIL, new.identity.email.as_str())?;
    diesel::insert_into(users::table)
        .values((
            users::id.eq(&text),
            users::email_index.eq(index),
            users::identity.eq(sealed),
            users::role.eq(new.role.name()),
            users::password.eq(&new.password),
            users::patient_id.eq(new.patient.map(|id| id.to_string())),
            users::created_at.eq(now.micros()),
            users::version.eq(1_i64),
        ))
        .execute(tx.conn)
        .map_err(|error| match Error::from(error) {
            Error::Conflict(_) => Error::Conflict("another user has this e-mail address"),
            other => other,
        })?;
    tx.audit(&role_act(id, new.role))?;
    let by = holds::somebody_else(tx, id);
    if !holds::weigh(tx, id, Gain::Role { from: None, to: new.role }, by)? && new.password.is_some() {
        holds::weigh(tx, id, Gain::Password, by)?;
    }
    get(tx, id)
}

/// The account behind an e-mail address, disabled ones included.
///
/// # Errors
/// Database errors.
pub fn find_by_email(view: &mut View<'_>, email: &Email) -> Result<Option<Account>> {
    let index = view.blind(EMAIL, email.as_str())?;
    let row =
        users::table.filter(users::email_index.eq(index)).select(Row::as_select()).get_result(view.conn);
    row.optional()?.map(|row: Row| row.open(view)).transpose()
}

/// A user with what a sign-in compares.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn account(view: &mut View<'_>, id: UserId) -> Result<Account> {
    let row = users::table.find(id.to_string()).select(Row::as_select()).get_result(view.conn).optional()?;
    row.ok_or(Error::NotFound("user"))?.open(view)
}

/// A user who must exist.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn get(view: &mut View<'_>, id: UserId) -> Result<User> {
    Ok(account(view, id)?.user)
}

/// The role of a user; `None` without such a user.
///
/// # Errors
/// Database errors.
pub fn role_of(view: &mut View<'_>, id: UserId) -> Result<Option<Role>> {
    let row = users::table.filter(users::id.eq(id.to_string())).select(users::role);
    let role: Option<String> = row.first(view.conn).optional()?;
    Ok(role.and_then(|role| Role::from_name(&role)))
}

/// Users in the order in which they came.
///
/// # Errors
/// Database errors.
pub fn page(view: &mut View<'_>, ask: &Ask) -> Result<Page<User>> {
    let Cursor { at, id } = &ask.after;
    let rows: Vec<Row> = users::table
        .filter(users::created_at.ge(at).and(users::created_at.gt(at).or(users::id.gt(id))))
        .order((users::created_at, users::id))
        .limit(ask.reach())
        .select(Row::as_select())
        .load(view.conn)?;
    let page = Page::of(rows, ask, |row| Cursor { at: row.created_at, id: row.id.clone() });
    page.try_map(|row| row.open(view).map(|account| account.user))
}

/// How many users there are.
///
/// # Errors
/// Database errors.
pub fn count(view: &mut View<'_>) -> Result<usize> {
    let count: i64 = users::table.count().get_result(view.conn)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Sets a password by its Argon2id string; every session and every link still open ends. `made_by`: who made the link
/// by which it is set; somebody else could know it, and so it opens nothing until a second person has vouched.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn set_password(tx: &mut Tx<'_>, id: UserId, phc: &str, made_by: Option<UserId>) -> Result<()> {
    // Before the person's row: should it be held, what rests on them goes back.
    turn::share(tx)?;
    let changed = diesel::update(users::table.find(id.to_string()))
        .set((users::password.eq(Some(phc)), users::version.eq(users::version + 1)))
        .execute(tx.conn)?;
    found(changed)?;
    withdrawals::note(tx, &Withdrawal::Credentials { user: id })?;
    links::revoke_all(tx, id)?;
    sessions::kill_all(tx, id, "password")?;
    tx.audit(
        &Act::new("admin.config").about(Subject::User(id)).body(serde_json::json!({ "password": "set" })),
    )?;
    holds::weigh(tx, id, Gain::Password, made_by.filter(|by| *by != id)).map(drop)
}

/// Sets or takes away the secret of the second factor. Every session but `stays` ends; taken away by somebody else, the
/// account waits for a second person.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn set_totp(tx: &mut Tx<'_>, id: UserId, secret: Option<&[u8]>, stays: Option<SessionId>) -> Result<()> {
    turn::share(tx)?;
    let text = id.to_string();
    let sealed = secret
        .map(|secret| tx.seal(Subject::User(id), Class::Identity, place("totp", &text), secret))
        .transpose()?;
    let changed = diesel::update(users::table.find(&text))
        .set((users::totp.eq(sealed), users::version.eq(users::version + 1)))
        .execute(tx.conn)?;
    found(changed)?;
    sessions::kill_others(tx, id, stays, "factor")?;
    withdrawals::note(tx, &Withdrawal::Credentials { user: id })?;
    tx.audit(&Act::new("auth.mfa").about(Subject::User(id)).decided(secret.is_some()))?;
    let by = holds::somebody_else(tx, id).filter(|_| secret.is_none());
    holds::weigh(tx, id, Gain::Factor, by).map(drop)
}

/// Spends a time step of a person's second factor; false when it, or a later one, was spent before, on any node.
///
/// # Errors
/// Database errors.
pub fn spend_step(tx: &mut Tx<'_>, id: UserId, step: u64) -> Result<bool> {
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    let fresh = users::totp_step.is_null().or(users::totp_step.lt(step));
    let spent = diesel::update(users::table.find(id.to_string()).filter(fresh))
        .set(users::totp_step.eq(Some(step)))
        .execute(tx.conn)?;
    Ok(spent == 1)
}

/// The secret of the second factor, if one is set.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn totp(view: &mut View<'_>, id: UserId) -> Result<Option<Vec<u8>>> {
    let text = id.to_string();
    let sealed: Option<Option<Vec<u8>>> =
        users::table.find(&text).select(users::totp).get_result(view.conn).optional()?;
    let sealed = sealed.ok_or(Error::NotFound("user"))?;
    sealed.map(|blob| view.open(place("totp", &text), &blob)).transpose()
}

/// Gives a user another role; their sessions end, since a token carries the role. Alerts that they may not act on in it
/// go back to the queue.
///
/// # Errors
/// `E_FOUR_EYES` for one's own, `E_LAST_ADMIN`; [`Error::Stale`], [`Error::NotFound`]; [`Error::Conflict`] for a role
/// that is bound to a patient or a service.
pub fn set_role(tx: &mut Tx<'_>, id: UserId, version: i64, role: Role) -> Result<User> {
    departures::watched(tx, id, |tx| turn_into(tx, id, version, role))?;
    get(tx, id)
}

fn turn_into(tx: &mut Tx<'_>, id: UserId, version: i64, role: Role) -> Result<()> {
    let user = get(tx, id)?;
    if user.version != version {
        return Err(Error::Stale { current: user.version });
    }
    holds::not_oneself(tx, id)?;
    if role != Role::Admin {
        holds::another_administrator_stays(tx, id)?;
    }
    let bound = [Role::Patient, Role::Service];
    if bound.contains(&role) || bound.contains(&user.role) {
        return Err(Error::Conflict("a patient's or a service's sign-in keeps its role: add another user"));
    }
    diesel::update(users::table.find(id.to_string()))
        .set((users::role.eq(role.name()), users::version.eq(users::version + 1)))
        .execute(tx.conn)?;
    withdrawals::note(tx, &Withdrawal::Role { user: id, role })?;
    sessions::kill_all(tx, id, "role")?;
    tx.audit(&role_act(id, role))?;
    let by = holds::somebody_else(tx, id);
    holds::weigh(tx, id, Gain::Role { from: Some(user.role), to: role }, by).map(drop)
}

/// Ends a user's sign-in until [`unlock`]; their sessions end with it, and what rests on them goes back to the queue.
///
/// # Errors
/// `E_LAST_ADMIN` for the only one who manages users; [`Error::NotFound`]; database errors.
pub fn disable(tx: &mut Tx<'_>, id: UserId) -> Result<()> {
    block(tx, id, None)
}

/// As [`disable`], with the reason that the log keeps.
///
/// # Errors
/// As [`disable`].
pub fn block(tx: &mut Tx<'_>, id: UserId, reason: Option<&str>) -> Result<()> {
    departures::watched(tx, id, |tx| lock_out(tx, id, reason))
}

fn lock_out(tx: &mut Tx<'_>, id: UserId, reason: Option<&str>) -> Result<()> {
    holds::another_administrator_stays(tx, id)?;
    let now = tx.now().micros();
    let changed = diesel::update(users::table.find(id.to_string()))
        .set((users::disabled_at.eq(Some(now)), users::version.eq(users::version + 1)))
        .execute(tx.conn)?;
    found(changed)?;
    withdrawals::note(tx, &Withdrawal::User { user: id, disabled: true })?;
    links::revoke_all(tx, id)?;
    sessions::kill_all(tx, id, "disabled")?;
    let body = serde_json::json!({ "user": id, "role": "none", "reason": reason });
    tx.audit(&Act::new("admin.role").about(Subject::User(id)).body(body))
}

/// Lets a disabled user sign in again with the password they had, and forgets the account's failed sign-ins.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for somebody who was erased; database errors.
pub fn unlock(tx: &mut Tx<'_>, id: UserId, reason: Option<&str>) -> Result<()> {
    holds::not_oneself(tx, id)?;
    let user = get(tx, id)?;
    let who = user.identity.ok_or(Error::Conflict("the user was erased: add another"))?;
    let everywhere = throttles::Tried { account: who.email.as_str(), network: "", browser: None };
    throttles::succeeded(tx, everywhere)?;
    if user.disabled_at.is_some() {
        diesel::update(users::table.find(id.to_string()))
            .set((users::disabled_at.eq(None::<i64>), users::version.eq(users::version + 1)))
            .execute(tx.conn)?;
        withdrawals::note(tx, &Withdrawal::User { user: id, disabled: false })?;
        tx.audit(&role_act(id, user.role))?;
    }
    let body = serde_json::json!({ "sign_in": "unlocked", "reason": reason });
    tx.audit(&Act::new("admin.config").about(Subject::User(id)).body(body))
}

const fn found(rows: usize) -> Result<()> {
    if rows == 0 { Err(Error::NotFound("user")) } else { Ok(()) }
}

fn role_act(id: UserId, role: Role) -> Act<'static> {
    let body = serde_json::json!({ "user": id, "role": role.name() });
    Act::new("admin.role").about(Subject::User(id)).body(body)
}
