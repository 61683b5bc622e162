//! Showing who one is: password and second factor, slowed down per account and per address, with answers and
//! times that do not tell whether an account exists.

use totp_rs::Builder;

use super::code::Code;
use super::fault::Fault;
use super::state::State;
use crate::domain::password::{self, Cost};
use crate::domain::{Email, Instant, UserId};
use crate::store::sessions::{self, Kind, Session};
use crate::store::throttles::{self, Bucket};
use crate::store::users::{self, User};
use crate::store::{Actor, Secret};

/// What somebody shows.
pub struct Attempt {
    /// E-mail, as typed.
    pub email: String,
    /// Password.
    pub password: String,
    /// Code of the second factor.
    pub totp: Option<String>,
    /// The address that asks.
    pub address: String,
    /// What will carry the session.
    pub kind: Kind,
}

/// Somebody who has shown who they are.
pub struct Signed {
    /// Who.
    pub user: User,
    /// The session.
    pub session: Session,
    /// The cookie's value, or the refresh token.
    pub secret: Secret,
}

/// Checks an attempt and opens a session. Waits for its turn, then runs on a blocking thread.
///
/// # Errors
/// `E_RATE`, `E_CREDENTIALS`, `E_TOTP`; store faults.
pub async fn attempt(state: &actix_web::web::Data<State>, attempt: Attempt) -> Result<Signed, Fault> {
    let turn = state.checks.acquire().await.map_err(|_closed| Fault::new(Code::Busy))?;
    let held = actix_web::web::Data::clone(state);
    let done = actix_web::web::block(move || check(&held, &attempt)).await;
    drop(turn);
    done.map_err(|_stopped| Fault::new(Code::Busy))?
}

fn check(state: &State, attempt: &Attempt) -> Result<Signed, Fault> {
    let now = state.now();
    let email: Option<Email> = attempt.email.parse().ok();
    let typed = attempt.email.trim().to_lowercase();
    let account_name = email.as_ref().map_or(typed.as_str(), Email::as_str);
    let buckets = [Bucket::Account(account_name), Bucket::Address(&attempt.address)];
    let wait = state.store.read(|view| throttles::wait(view, &buckets, now))?;
    if !wait.is_zero() {
        return Err(Fault::new(Code::Rate).with("retry_after", wait.as_secs().max(1)));
    }
    let account = match &email {
        Some(email) => state.store.read(|view| users::find_by_email(view, email))?,
        None => None,
    };
    let password = account.as_ref().and_then(|account| account.password.as_deref());
    let right = match password {
        Some(phc) => password::verify(&attempt.password, phc),
        None => {
            password::pretend(Cost::STANDARD);
            false
        }
    };
    let failed = |code: Code| {
        let counted = state.store.write(Actor::System("auth"), now, |tx| throttles::failed(tx, &buckets));
        counted.map_or_else(Fault::from, |()| Fault::new(code))
    };
    let user = match account.map(|account| account.user) {
        Some(user) if right && user.disabled_at.is_none() => user,
        _ => return Err(failed(Code::Credentials)),
    };
    if user.has_totp {
        match &attempt.totp {
            None => return Err(Fault::new(Code::Totp)),
            Some(code) if !second_factor(state, user.id, code, now)? => return Err(failed(Code::Totp)),
            Some(_) => {}
        }
    }
    let (session, secret) = state.store.write(Actor::User { id: user.id, role: user.role }, now, |tx| {
        throttles::succeeded(tx, account_name)?;
        sessions::create(tx, user.id, attempt.kind)
    })?;
    Ok(Signed { user, session, secret })
}

/// Whether `code` is the code of now, the step before or the step after, and was not used yet (RFC 6238 §5.2).
fn second_factor(state: &State, user: UserId, code: &str, now: Instant) -> Result<bool, Fault> {
    let Some(secret) = state.store.read(|view| users::totp(view, user))? else { return Ok(false) };
    Ok(step(secret, code, now)?.is_some_and(|step| state.spend_step(user, step)))
}

/// The time step whose code this is.
///
/// # Errors
/// `E_INTERNAL` for a secret that is too short to be one.
pub fn step(secret: Vec<u8>, code: &str, now: Instant) -> Result<Option<u64>, Fault> {
    let Ok(totp) = Builder::new().with_secret(secret).build() else {
        tracing::error!("a second factor's secret is not one");
        return Err(Code::Internal.into());
    };
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    Ok(totp.check(&code, u64::try_from(now.secs()).unwrap_or(0)))
}

/// Whether the password of somebody who is signed in is this one: asked again before what guards their sign-in
/// changes. Waits for its turn; a wrong one counts as a failed sign-in.
///
/// # Errors
/// `E_RATE`, `E_CREDENTIALS`; store faults.
pub async fn again(state: &actix_web::web::Data<State>, user: UserId, password: String) -> Result<(), Fault> {
    let turn = state.checks.acquire().await.map_err(|_closed| Fault::new(Code::Busy))?;
    let held = actix_web::web::Data::clone(state);
    let done = actix_web::web::block(move || is_theirs(&held, user, &password)).await;
    drop(turn);
    done.map_err(|_stopped| Fault::new(Code::Busy))?
}

fn is_theirs(state: &State, user: UserId, typed: &str) -> Result<(), Fault> {
    let now = state.now();
    let account = state.store.read(|view| users::account(view, user))?;
    let Some(who) = account.user.identity else { return Err(Code::Credentials.into()) };
    let buckets = [Bucket::Account(who.email.as_str())];
    let wait = state.store.read(|view| throttles::wait(view, &buckets, now))?;
    if !wait.is_zero() {
        return Err(Fault::new(Code::Rate).with("retry_after", wait.as_secs().max(1)));
    }
    if account.password.is_some_and(|phc| password::verify(typed, &phc)) {
        return Ok(());
    }
    state.store.write(Actor::System("auth"), now, |tx| throttles::failed(tx, &buckets))?;
    Err(Code::Credentials.into())
}
