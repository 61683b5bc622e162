//! People who sign in, and services: name and e-mail sealed, found by a blind index of the e-mail.

use diesel::prelude::*;

use super::error::{Error, Result};
use super::keys::{Class, Subject};
use super::page::{Ask, Cursor, Page};
use super::schema::users;
use super::seal::{Broken, Place};
use super::withdrawals::{self, Withdrawal};
use super::{Act, Tx, View, links, sessions, throttles};
use crate::domain::{Email, Instant, PatientId, Role, StaffIdentity, UserId};

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
    /// For If-Match.
    pub version: i64,
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
}

impl Row {
    fn open(self, view: &mut View<'_>) -> Result<Account> {
        let identity = match view.open_json(place("identity", &self.id), &self.identity) {
            Ok(identity) => Some(identity),
            Err(Error::Sealed(Broken::KeyDestroyed)) => None,
            Err(other) => return Err(other),
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
    tx.audit(&role_act(id, Some(new.role)))?;
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

/// Users in the order in which they came.
///
/// # Errors
/// Database errors.
pub fn page(view: &mut View<'_>, ask: &Ask) -> Result<Page<User>> {
    let Cursor { at, id } = &ask.after;
    let rows: Vec<Row> = users::table
        .filter(users::created_at.gt(at).or(users::created_at.eq(at).and(users::id.gt(id))))
        .order((users::created_at, users::id))
        .limit(ask.reach())
        .select(Row::as_select())
        .load(view.conn)?;
    let page = Page::of(rows, ask, |row| Cursor { at: row.created_at, id: row.id.clone() });
    page.try_map(|row| row.open(view).map(|account| account.user))
}

/// Sets a password by its Argon2id string; every session and every link still open ends.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn set_password(tx: &mut Tx<'_>, id: UserId, phc: &str) -> Result<()> {
    let changed = diesel::update(users::table.find(id.to_string()))
        .set((users::password.eq(Some(phc)), users::version.eq(users::version + 1)))
        .execute(tx.conn)?;
    found(changed)?;
    withdrawals::note(tx, &Withdrawal::Credentials { user: id })?;
    links::revoke_all(tx, id)?;
    sessions::kill_all(tx, id, "password")?;
    tx.audit(
        &Act::new("admin.config").about(Subject::User(id)).body(serde_json::json!({ "password": "set" })),
    )
}

/// Sets or takes away the secret of the second factor.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn set_totp(tx: &mut Tx<'_>, id: UserId, secret: Option<&[u8]>) -> Result<()> {
    let text = id.to_string();
    let sealed = secret
        .map(|secret| tx.seal(Subject::User(id), Class::Identity, place("totp", &text), secret))
        .transpose()?;
    let changed = diesel::update(users::table.find(&text))
        .set((users::totp.eq(sealed), users::version.eq(users::version + 1)))
        .execute(tx.conn)?;
    found(changed)?;
    withdrawals::note(tx, &Withdrawal::Credentials { user: id })?;
    tx.audit(&Act::new("auth.mfa").about(Subject::User(id)).decided(secret.is_some()))
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

/// Gives a user another role; their sessions end, since a token carries the role.
///
/// # Errors
/// [`Error::Stale`], [`Error::NotFound`]; [`Error::Conflict`] for a role that is bound to a patient or a service.
pub fn set_role(tx: &mut Tx<'_>, id: UserId, version: i64, role: Role) -> Result<User> {
    let user = get(tx, id)?;
    if user.version != version {
        return Err(Error::Stale { current: user.version });
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
    tx.audit(&role_act(id, Some(role)))?;
    get(tx, id)
}

/// Ends a user's sign-in until [`unlock`]; their sessions end with it.
///
/// # Errors
/// [`Error::NotFound`]; database errors.
pub fn disable(tx: &mut Tx<'_>, id: UserId) -> Result<()> {
    let now = tx.now().micros();
    let changed = diesel::update(users::table.find(id.to_string()))
        .set((users::disabled_at.eq(Some(now)), users::version.eq(users::version + 1)))
        .execute(tx.conn)?;
    found(changed)?;
    withdrawals::note(tx, &Withdrawal::User { user: id, disabled: true })?;
    links::revoke_all(tx, id)?;
    sessions::kill_all(tx, id, "disabled")?;
    tx.audit(&role_act(id, None))
}

/// Lets a disabled user sign in again with the password they had, and forgets the account's failed sign-ins.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for somebody who was erased; database errors.
pub fn unlock(tx: &mut Tx<'_>, id: UserId) -> Result<()> {
    let user = get(tx, id)?;
    let who = user.identity.ok_or(Error::Conflict("the user was erased: add another"))?;
    throttles::succeeded(tx, who.email.as_str())?;
    if user.disabled_at.is_some() {
        diesel::update(users::table.find(id.to_string()))
            .set((users::disabled_at.eq(None::<i64>), users::version.eq(users::version + 1)))
            .execute(tx.conn)?;
        withdrawals::note(tx, &Withdrawal::User { user: id, disabled: false })?;
        tx.audit(&role_act(id, Some(user.role)))?;
    }
    let body = serde_json::json!({ "sign_in": "unlocked" });
    tx.audit(&Act::new("admin.config").about(Subject::User(id)).body(body))
}

const fn found(rows: usize) -> Result<()> {
    if rows == 0 { Err(Error::NotFound("user")) } else { Ok(()) }
}

fn role_act(id: UserId, role: Option<Role>) -> Act<'static> {
    let body = serde_json::json!({ "user": id, "role": role.map_or("none", Role::name) });
    Act::new("admin.role").about(Subject::User(id)).body(body)
}
