//! Signing in for programs: an access token of five minutes and a refresh token that rotates, both resting on one
//! session row.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, Reply};
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::people::auth::network;
use crate::people::sign_in::{self, Attempt};
use crate::state::State;
use domain::people::token::USER_LIFE;
use domain::{Role, SessionId, UserId};
use store::Urgency;
use store::people::sessions::{self, Kind, Rotated};
use store::people::users;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    email: String,
    password: String,
    /// The six digits of the second factor, where one is set.
    totp: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    refresh_token: String,
}

/// What a program signs in with from now on.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    /// Counts once; the answer to its use brings the next.
    refresh_token: String,
}

fn tokens(
    state: &State,
    user: UserId,
    role: Role,
    session: SessionId,
    refresh: &str,
) -> Result<Tokens, Fault> {
    let access = state.tokens.for_user(user, role, session, state.now());
    Ok(Tokens {
        access_token: access.map_err(|_key| Fault::new(Code::Internal))?,
        token_type: "Bearer",
        expires_in: USER_LIFE.as_secs(),
        refresh_token: refresh.to_owned(),
    })
}

/// Signs in.
#[utoipa::path(post, path = "/api/v1/auth/token", tag = "auth", request_body = Credentials, responses(
    (status = 200, body = Tokens), (status = 401, description = "E_CREDENTIALS, E_TOTP"), (status = 403, description = "E_HELD, E_FACTOR"), (status = 429, description = "E_RATE")))]
pub(crate) async fn token(request: HttpRequest, state: Data<State>, body: Body<Credentials>) -> Answer {
    let Credentials { email, password, totp } = body.value;
    let known = Vec::new();
    let attempt = Attempt { email, password, totp, network: network(&request), known, kind: Kind::Program };
    let signed = sign_in::attempt(&state, attempt).await.map_err(|fault| fault.of(&request))?;
    let made = tokens(&state, signed.user.id, signed.user.role, signed.session.id, signed.secret.reveal());
    made.map(|tokens| HttpResponse::Ok().json(tokens)).map_err(|fault| fault.of(&request))
}

/// Trades a refresh token for the next. One that was used before ends the session: two hold it.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = Refresh, responses(
    (status = 200, body = Tokens), (status = 401, description = "E_SIGN_IN")))]
pub(crate) async fn refresh(request: HttpRequest, state: Data<State>, body: Body<Refresh>) -> Answer {
    let shared = Data::clone(&state);
    let done = web::block(move || rotate(&shared, &body.value.refresh_token)).await;
    let done = done.unwrap_or_else(|_stopped| Err(Fault::new(Code::Busy)));
    done.map(|tokens| HttpResponse::Ok().json(tokens)).map_err(|fault| fault.of(&request))
}

fn rotate(state: &State, secret: &str) -> Result<Tokens, Fault> {
    let now = state.now();
    let rotated = state.store.keep_house(Urgency::Urgent, "auth", now, |tx| sessions::rotate(tx, secret))?;
    let Rotated::Fresh(session, next) = rotated else { return Err(Code::SignIn.into()) };
    let user = state.store.read(|view| users::get(view, session.user))?;
    if user.disabled_at.is_some() || user.held.is_some() {
        return Err(Code::SignIn.into());
    }
    tokens(state, user.id, user.role, session.id, next.reveal())
}

/// Ends the session of this token or cookie.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", responses((status = 204)))]
pub(crate) async fn logout(call: Call) -> Answer {
    call.run(|desk| {
        desk.write(|tx| Ok(sessions::kill(tx, desk.viewer.session, "logout")?))?;
        Ok(Reply::none())
    })
    .await
}

/// The keys that verify access tokens (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", responses((status = 200, description = "A JWK set")))]
pub(crate) async fn jwks(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=300")).json(state.tokens.jwks())
}
