//! Accounts as they are stored: looked up by id or by a blind index of the e-mail.

use diesel::prelude::*;

use crate::View;
use crate::db::error::InRow;
use crate::db::error::{Error, Result};
use crate::db::page::{Ask, Cursor, Page};
use crate::db::schema::users;
use crate::keys::seal::{Broken, Place};
use crate::patients::audience::Audience;
use domain::{Email, Instant, PatientId, Role, StaffIdentity, UserId};

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
        let id = self.id.clone();
        self.parse(view).in_row(id)
    }

    fn parse(self, view: &mut View<'_>) -> Result<Account> {
        let identity = match view.open_json(place("identity", &self.id), &self.identity) {
            Ok(identity) => Some(identity),
            Err(Error::Sealed(Broken::KeyDestroyed, _)) => None,
            Err(other) => return Err(other),
        };
        let held = match (self.held_by, self.held_for, self.held_at) {
            (Some(by), Some(why), Some(at)) => {
                Some(Hold { by: named(&by)?, why: Why::from_name(&why)?, at: Instant::from_micros(at) })
            }
            _ => None,
        };
        let patient = self.patient_id.map(|id| id.parse()).transpose();
        let user = User {
            id: self.id.parse().map_err(|_not_an_id| Error::corrupt("users.id"))?,
            identity,
            role: Role::from_name(&self.role).ok_or(Error::corrupt("users.role"))?,
            patient: patient.map_err(|_not_an_id| Error::corrupt("users.patient_id"))?,
            has_totp: self.totp.is_some(),
            created_at: Instant::from_micros(self.created_at),
            disabled_at: self.disabled_at.map(Instant::from_micros),
            held,
            version: self.version,
        };
        Ok(Account { user, password: self.password })
    }
}

pub(super) const fn place<'a>(column: &'a str, id: &'a str) -> Place<'a> {
    Place::new("users", column, id)
}

pub(super) const EMAIL: &str = "users.email";

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
    pub(crate) const ALL: [Self; 3] = [Self::Role, Self::Password, Self::Factor];

    /// The stored and spoken name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Password => "password",
            Self::Factor => "factor",
        }
    }

    pub(crate) fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|why| why.name() == name).ok_or(Error::corrupt("users.held_for"))
    }
}

/// The people in `users.held_by`.
///
/// # Errors
/// [`Error::Corrupt`].
pub(crate) fn named(held_by: &str) -> Result<Vec<UserId>> {
    let ids = held_by.split_whitespace().map(str::parse);
    ids.collect::<std::result::Result<_, _>>().map_err(|_not_an_id| Error::corrupt("users.held_by"))
}
