//! Users and their roles, for administrators. A new user gets a link to set a password; none is ever sent back.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, Desk, IfMatch, List, MayBody, Paging, Reply};
use crate::http::code::Code;
use crate::http::fault::Fault;
use domain::people::password::{Cost, Memory, Refused};
use domain::{Email, Instant, Line, Name, PatientId, Role, StaffIdentity, UserId};
use store::Subject;
use store::db::settings;
use store::patients::audience::{Requested, Visible};
use store::people::links::{self, PASSWORD_LIFE};
use store::people::users::{self, NewUser, User};
use store::people::{holds, sessions};
use store::privacy::accesses::What;

/// Somebody who signs in.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct Seen {
    #[schema(value_type = String)]
    id: UserId,
    name: Option<String>,
    email: Option<String>,
    #[schema(value_type = String)]
    role: Role,
    #[schema(value_type = Option<String>)]
    patient_id: Option<PatientId>,
    totp: bool,
    #[schema(value_type = String)]
    created_at: Instant,
    #[schema(value_type = Option<String>)]
    disabled_at: Option<Instant>,
    /// What somebody else did that a second person has not vouched for: nobody signs in here until then.
    held: Option<PendingApproval>,
    version: i64,
}

/// What waits for a second person.
#[derive(Serialize, ToSchema)]
#[schema(as = HeldAccount)]
pub(crate) struct PendingApproval {
    /// Who did it; neither they nor whoever did something before since the last vouching can vouch for it.
    #[schema(value_type = String)]
    by: UserId,
    /// `role`, `password` or `factor`.
    why: &'static str,
    #[schema(value_type = String)]
    at: Instant,
}

impl From<User> for Seen {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            name: user.identity.as_ref().map(|who| who.name.as_str().to_owned()),
            email: user.identity.as_ref().map(|who| who.email.as_str().to_owned()),
            role: user.role,
            patient_id: user.patient,
            totp: user.has_totp,
            created_at: user.created_at,
            disabled_at: user.disabled_at,
            held: user.held.and_then(|held| {
                Some(PendingApproval { by: *held.by.last()?, why: held.why.name(), at: held.at })
            }),
            version: user.version,
        }
    }
}

/// Who is to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(crate) struct Added {
    #[schema(value_type = String)]
    name: Name,
    #[schema(value_type = String)]
    email: Email,
    #[schema(value_type = String)]
    role: Role,
    /// At least 12 characters; without one the user sets it by a link (`reset`).
    password: Option<String>,
    /// For the role `patient`.
    #[schema(value_type = Option<String>)]
    patient_id: Option<Requested<PatientId>>,
}

/// What is changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub(crate) struct Change {
    /// Their sessions end with the old role.
    #[schema(value_type = String)]
    role: Role,
}

/// Why a sign-in ends or comes back.
#[derive(Deserialize, ToSchema)]
#[schema(as = BlockReason)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// As it is to stand in the log: one line.
    #[schema(value_type = String)]
    reason: Line<500>,
}

/// A one-time link.
#[derive(Serialize, ToSchema)]
#[schema(as = ResetLink)]
pub(crate) struct Link {
    /// The secret of the link, shown once.
    token: String,
    /// Seconds.
    expires_in: u64,
}

/// A user as the viewer is shown them; a patient who signs in is looked at.
fn seen(desk: &Desk, user: User) -> Seen {
    user.patient.into_iter().for_each(|patient| desk.sight.saw(patient, What::Identity));
    Seen::from(user)
}

/// Users in the order in which they came.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", params(Paging), responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call, paging: Query<Paging>) -> Answer {
    call.run(move |desk| {
        let ask = paging.ask()?;
        let page = desk.read(|view| Ok(users::page(view, &ask)?))?;
        Reply::ok(&List::of(page, |user| seen(desk, user)))
    })
    .await
}

/// One user.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", params(("id" = String, Path)), responses((status = 200, body = Seen), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<UserId>) -> Answer {
    call.run(move |desk| {
        let user = desk.read(|view| Ok(users::get(view, *id)?))?;
        let version = user.version;
        Ok(Reply::ok(&seen(desk, user))?.at(version))
    })
    .await
}

/// Adds a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = Added, responses((status = 201, body = Seen), (status = 409)))]
pub(crate) async fn create(call: Call, body: Body<Added>) -> Answer {
    let mut turn = match &body.value.password {
        Some(_) => Some(call.turn().await?),
        None => None,
    };
    call.run(move |desk| {
        desk.stepped_up()?;
        let Added { name, email, role, password, patient_id } = body.value;
        let phc = match (&password, &mut turn) {
            (Some(password), Some(turn)) => Some(hashed(desk, password, &name, &email, &mut turn.memory)?),
            _ => None,
        };
        drop(turn);
        let own = |asked| desk.read(|view| desk.viewer.visible(view, asked)).map(Visible::id);
        let patient = patient_id.map(own).transpose()?;
        let new = NewUser { identity: StaffIdentity { name, email }, role, password: phc, patient };
        desk.create(&body.bytes, |tx| {
            let user = users::insert(tx, &new)?;
            Ok((Subject::User(user.id), StatusCode::CREATED, seen(desk, user)))
        })
    })
    .await
}

fn hashed(
    desk: &Desk,
    password: &str,
    name: &Name,
    email: &Email,
    memory: &mut Memory,
) -> Result<String, Fault> {
    let organisation = desk.read(|view| Ok(settings::get(view, settings::ORGANISATION)?))?;
    let known = [name.as_str(), email.as_str(), organisation.as_deref().unwrap_or_default()];
    memory.hash(password, &known, Cost::STANDARD).map_err(|refused| match refused {
        Refused::Machine => Fault::new(Code::Internal),
        weak => Fault::invalid("password", &weak.to_string()),
    })
}

/// Gives a user another role.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", params(("id" = String, Path)), request_body = Change, responses((status = 200, body = Seen), (status = 412), (status = 428)))]
pub(crate) async fn patch(call: Call, id: Path<UserId>, expected: IfMatch, body: Body<Change>) -> Answer {
    call.run(move |desk| {
        desk.stepped_up()?;
        let user = desk.write(|tx| {
            let version = expected.or(users::get(tx, *id)?.version)?;
            Ok(users::set_role(tx, *id, version, body.value.role)?)
        })?;
        let version = user.version;
        Ok(Reply::ok(&seen(desk, user))?.at(version))
    })
    .await
}

/// Ends a user's sign-in until it is unlocked.
#[utoipa::path(post, path = "/api/v1/users/{id}/disable", tag = "users", params(("id" = String, Path)), request_body = Option<Reason>, responses((status = 204), (status = 404), (status = 409, description = "E_LAST_ADMIN")))]
pub(crate) async fn disable(call: Call, id: Path<UserId>, body: MayBody<Reason>) -> Answer {
    call.run(move |desk| {
        let reason = body.0.map(|body| body.reason);
        desk.write(|tx| Ok(users::block(tx, *id, reason.as_deref())?))?;
        Ok(Reply::none())
    })
    .await
}

/// Lets a disabled user sign in again, and forgets the account's failed sign-ins.
#[utoipa::path(post, path = "/api/v1/users/{id}/unlock", tag = "users", params(("id" = String, Path)), request_body = Option<Reason>, responses((status = 204), (status = 404), (status = 409)))]
pub(crate) async fn unlock(call: Call, id: Path<UserId>, body: MayBody<Reason>) -> Answer {
    call.run(move |desk| {
        desk.stepped_up()?;
        let reason = body.0.map(|body| body.reason);
        desk.write(|tx| Ok(users::unlock(tx, *id, reason.as_deref())?))?;
        Ok(Reply::none())
    })
    .await
}

/// Vouches for what somebody else did to an account, after asking the person themselves: they may sign in. With an
/// `If-Match` it is for the account as it was looked at.
#[utoipa::path(post, path = "/api/v1/users/{id}/vouch", tag = "users", params(("id" = String, Path)), responses((status = 204), (status = 403, description = "E_FOUR_EYES, E_STEP_UP"), (status = 404), (status = 409), (status = 412)))]
pub(crate) async fn vouch(call: Call, id: Path<UserId>, expected: IfMatch) -> Answer {
    call.run(move |desk| {
        desk.stepped_up()?;
        let seen = match expected {
            IfMatch::Version(version) => Some(version),
            IfMatch::Any | IfMatch::Absent => None,
        };
        desk.write(|tx| Ok(holds::vouch(tx, *id, seen)?))?;
        Ok(Reply::none())
    })
    .await
}

/// Makes a one-time link by which a user sets a password.
#[utoipa::path(post, path = "/api/v1/users/{id}/reset", tag = "users", params(("id" = String, Path)), responses((status = 201, body = Link), (status = 404)))]
pub(crate) async fn reset(call: Call, id: Path<UserId>) -> Answer {
    call.run(move |desk| {
        desk.stepped_up()?;
        let secret = desk.write(|tx| {
            users::get(tx, *id)?;
            Ok(links::insert(tx, *id, links::Purpose::Password, PASSWORD_LIFE)?)
        })?;
        let link = Link { token: secret.reveal().to_owned(), expires_in: PASSWORD_LIFE.as_secs() };
        Reply::with(StatusCode::CREATED, &link)
    })
    .await
}

/// Ends every session of a user.
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions", tag = "users", params(("id" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn end_sessions(call: Call, id: Path<UserId>) -> Answer {
    call.run(move |desk| {
        desk.write(|tx| {
            users::get(tx, *id)?;
            Ok(sessions::kill_all(tx, *id, "admin")?)
        })?;
        Ok(Reply::none())
    })
    .await
}
