//! Showing who one is: password and second factor, slowed down per account and network, with answers and
//! times that do not tell whether an account exists.

use totp_rs::Builder;

use super::checks::Who;
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::state::State;
use domain::people::password::{Cost, Memory};
use domain::{Email, Instant, UserId};
use store::people::sessions::{self, Kind, Session};
use store::people::throttles::{self, Tried};
use store::people::users::{self, User};
use store::{Actor, Secret, Urgency};

/// What somebody shows.
pub(crate) struct Attempt {
    /// E-mail, as typed.
    pub email: String,
    /// Password.
    pub password: String,
    /// Code of the second factor.
    pub totp: Option<String>,
    /// The network that asks.
    pub network: String,
    /// What the browser keeps of earlier sign-ins.
    pub known: Vec<String>,
    /// What will carry the session.
    pub kind: Kind,
}

/// Somebody who has shown who they are.
pub(crate) struct Signed {
    /// Who.
    pub user: User,
    /// The session.
    pub session: Session,
    /// The cookie's value, or the refresh token.
    pub secret: Secret,
}

/// Checks an attempt and opens a session. Waits for its turn, then runs on a blocking thread, which keeps the turn
/// though whoever asked may be gone.
///
/// # Errors
/// `E_RATE`, `E_BUSY`, `E_CREDENTIALS`, `E_TOTP`, `E_HELD`, `E_FACTOR`; store faults.
pub(crate) async fn attempt(state: &actix_web::web::Data<State>, attempt: Attempt) -> Result<Signed, Fault> {
    let (shared, asked) = (actix_web::web::Data::clone(state), actix_web::web::Data::clone(state));
    let attempt = std::sync::Arc::new(attempt);
    let first = std::sync::Arc::clone(&attempt);
    let look = state.checks.look().await?;
    // Who must wait takes no turn from who need not.
    let known = actix_web::web::block(move || {
        let _look = look;
        Account::of(&first).may_try(&asked)
    });
    let known = known.await.map_err(|_stopped| Fault::new(Code::Busy))??;
    let who = if known { Who::Known } else { Who::Stranger(&attempt.network) };
    let mut turn = state.checks.turn(who).await?;
    let done = actix_web::web::block(move || check(&shared, &attempt, &mut turn.memory)).await;
    done.map_err(|_stopped| Fault::new(Code::Busy))?
}

/// The account that an attempt names, whether there is one or not.
struct Account<'a> {
    email: Option<Email>,
    name: String,
    attempt: &'a Attempt,
}

impl<'a> Account<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let email: Option<Email> = attempt.email.parse().ok();
        let typed = attempt.email.trim().to_lowercase();
        let name = email.as_ref().map_or(typed, |email| email.as_str().to_owned());
        Self { email, name, attempt }
    }

    /// As it is counted. A browser is known when it shows a tag that was made here for this account.
    fn tried(&self, state: &State) -> Result<Tried<'_>, Fault> {
        let mut browser = None;
        for shown in &self.attempt.known {
            let chance = shown.split_once('.').map_or("", |(chance, _)| chance);
            let right = state.store.read(|view| throttles::known_browser(view, &self.name, chance))?;
            if right == *shown {
                browser = Some(chance);
            }
        }
        Ok(Tried { account: &self.name, network: &self.attempt.network, browser })
    }

    /// Whether the account signed in before from where it is tried now; refused while it must wait.
    fn may_try(&self, state: &State) -> Result<bool, Fault> {
        self.must_not_wait(state)?;
        let tried = self.tried(state)?;
        Ok(tried.browser.is_some() || state.store.read(|view| throttles::is_home(view, tried))?)
    }

    fn must_not_wait(&self, state: &State) -> Result<(), Fault> {
        let tried = self.tried(state)?;
        let wait = state.store.read(|view| throttles::wait(view, tried, state.now()))?;
        if wait.is_zero() {
            return Ok(());
        }
        Err(Fault::new(Code::Rate).with("retry_after", wait.as_secs().max(1)))
    }
}

fn check(state: &State, attempt: &Attempt, memory: &mut Memory) -> Result<Signed, Fault> {
    let now = state.now();
    let named = Account::of(attempt);
    named.must_not_wait(state)?;
    let tried = named.tried(state)?;
    let account = match &named.email {
        Some(email) => state.store.read(|view| users::find_by_email(view, email))?,
        None => None,
    };
    let password = account.as_ref().and_then(|account| account.password.as_deref());
    let right = match password {
        Some(phc) => memory.verify(&attempt.password, phc),
        None => {
            memory.pretend(Cost::STANDARD);
            false
        }
    };
    let failed = |code: Code| {
        let counted = state.store.write(Actor::System("auth"), now, |tx| throttles::failed(tx, tried));
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
    if let Some(held) = user.held {
        return Err(Fault::new(Code::Held).with("held_for", held.why.name()));
    }
    let kind = match attempt.kind {
        _ if !owes_factor(state, &user, now) => attempt.kind,
        Kind::Program => return Err(Code::Factor.into()),
        Kind::Browser | Kind::Enrolment => Kind::Enrolment,
    };
    let (session, secret) = state.store.write(Actor::User { id: user.id, role: user.role }, now, |tx| {
        throttles::succeeded(tx, tried)?;
        sessions::create(tx, user.id, kind)
    })?;
    Ok(Signed { user, session, secret })
}

/// A new account may sign in without its second factor for so long: it is set from inside.
const FIRST_DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);

/// Whether the role demands a second factor that this account should have set by now.
fn owes_factor(state: &State, user: &User, now: Instant) -> bool {
    demands_factor(state, user.role) && !user.has_totp && now.since(user.created_at) > FIRST_DAY
}

/// Whether a role may not be without a second factor.
#[must_use]
pub(crate) fn demands_factor(state: &State, role: domain::Role) -> bool {
    state.factor_roles.contains(&role)
}

/// Whether who is signed in showed who they are within the last minutes: before roles, resets, exports and keys.
///
/// # Errors
/// `E_STEP_UP`; store faults.
pub(crate) fn stepped_up(state: &State, viewer: &super::auth::Viewer, now: Instant) -> Result<(), Fault> {
    let session = state.store.read(|view| sessions::live(view, viewer.session, now))?;
    let fresh = session.is_some_and(|session| now.since(session.confirmed_at) <= STEP_UP);
    if fresh { Ok(()) } else { Err(Code::StepUp.into()) }
}

/// How long a sign-in counts as fresh.
const STEP_UP: std::time::Duration = std::time::Duration::from_secs(300);

/// Whether `code` is the code of now, the step before or the step after, and was not used yet (RFC 6238 §5.2).
fn second_factor(state: &State, user: UserId, code: &str, now: Instant) -> Result<bool, Fault> {
    let Some(secret) = state.store.read(|view| users::totp(view, user))? else { return Ok(false) };
    let Some(step) = step(secret, code, now)? else { return Ok(false) };
    spend(state, user, step, now)
}

/// Spends a time step, so that its code counts once, on this node and on every other.
///
/// # Errors
/// Store faults.
pub(crate) fn spend(state: &State, user: UserId, step: u64, now: Instant) -> Result<bool, Fault> {
    let spent = state.store.keep_house(Urgency::Urgent, "auth", now, |tx| users::spend_step(tx, user, step));
    Ok(spent?)
}

/// The time step whose code this is.
///
/// # Errors
/// `E_INTERNAL` for a secret that is too short to be one.
pub(crate) fn step(secret: Vec<u8>, code: &str, now: Instant) -> Result<Option<u64>, Fault> {
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
pub(crate) async fn again(
    state: &actix_web::web::Data<State>,
    user: UserId,
    password: String,
) -> Result<(), Fault> {
    let mut turn = state.checks.turn(Who::Known).await?;
    let shared = actix_web::web::Data::clone(state);
    let done = actix_web::web::block(move || is_theirs(&shared, user, &password, &mut turn.memory)).await;
    done.map_err(|_stopped| Fault::new(Code::Busy))?
}

/// Takes password and second factor of somebody who is signed in once more: their session is fresh from now on. Waits for
/// its turn; a wrong one counts as a failed sign-in.
///
/// # Errors
/// `E_RATE`, `E_CREDENTIALS`, `E_TOTP`; store faults.
pub(crate) async fn confirm(
    state: &actix_web::web::Data<State>,
    viewer: &super::auth::Viewer,
    password: String,
    code: Option<String>,
) -> Result<(), Fault> {
    again(state, viewer.id, password).await?;
    let (shared, viewer) = (actix_web::web::Data::clone(state), viewer.clone());
    let done = actix_web::web::block(move || {
        let now = shared.now();
        let user = shared.store.read(|view| users::get(view, viewer.id))?;
        if user.has_totp && !second_factor(&shared, viewer.id, code.as_deref().unwrap_or_default(), now)? {
            let Some(who) = user.identity else { return Err(Code::Credentials.into()) };
            let session = viewer.id.to_string();
            let tried = Tried { account: who.email.as_str(), network: "", browser: Some(&session) };
            shared.store.write(Actor::System("auth"), now, |tx| throttles::failed(tx, tried))?;
            return Err(Fault::new(Code::Totp));
        }
        Ok(shared.store.write(viewer.actor(), now, |tx| sessions::confirm(tx, viewer.session, viewer.id))?)
    });
    done.await.map_err(|_stopped| Fault::new(Code::Busy))?
}

fn is_theirs(state: &State, user: UserId, typed: &str, memory: &mut Memory) -> Result<(), Fault> {
    let now = state.now();
    let account = state.store.read(|view| users::account(view, user))?;
    let Some(who) = account.user.identity else { return Err(Code::Credentials.into()) };
    // Somebody who is signed in is a browser of their own.
    let session = user.to_string();
    let tried = Tried { account: who.email.as_str(), network: "", browser: Some(&session) };
    let wait = state.store.read(|view| throttles::wait(view, tried, now))?;
    if !wait.is_zero() {
        return Err(Fault::new(Code::Rate).with("retry_after", wait.as_secs().max(1)));
    }
    if account.password.is_some_and(|phc| memory.verify(typed, &phc)) {
        return Ok(());
    }
    state.store.write(Actor::System("auth"), now, |tx| throttles::failed(tx, tried))?;
    Err(Code::Credentials.into())
}
