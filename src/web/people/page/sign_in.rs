//! In and out: sign-in by form, sign-out, the landing of each role, language and scheme.

use actix_web::cookie::time::Duration as Age;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::web::{Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::http::fault::Fault;
use crate::pages::shell::{self, LANG_COOKIE, THEME_COOKIE, Theme, back, landing};
use crate::pages::visit::{Answer, Visit, blocking, html_of, see_other, unrendered};
use crate::people::auth::{self, Site, network, site};
use crate::people::sign_in::{self, Attempt};
use crate::people::view::login;
use crate::state::State;
use crate::{Code, Lang};
use store::people::sessions::{self, Kind, LIFE};
use store::people::throttles;

/// A year, for what the reader prefers.
const COOKIE_AGE: Age = Age::days(365);

/// `/`: where this role begins.
pub(crate) async fn home(request: HttpRequest) -> Answer {
    let found = auth::identify(&request).await.map_err(|fault| fault.of(&request))?;
    Ok(see_other(found.map_or("/login", |viewer| landing(viewer.role))))
}

/// `?next=`.
#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

/// The form.
pub(crate) async fn form(request: HttpRequest, asked: Query<Next>) -> Answer {
    let known = auth::identify(&request).await.map_err(|fault| fault.of(&request))?;
    if let Some(viewer) = known {
        return Ok(see_other(&onward(&asked.next, viewer.role)));
    }
    render(&request, &login::View { next: back(&asked.next).to_owned(), ..login::View::default() }, None)
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    totp: Option<String>,
    #[serde(default)]
    next: String,
}

/// Signs in; a refusal shows the form again, with the second factor when it is the one missing.
pub(crate) async fn enter(request: HttpRequest, state: Data<State>, sent: Form<Credentials>) -> Answer {
    let Credentials { email, password, totp, next } = sent.into_inner();
    let totp = totp.filter(|code| !code.trim().is_empty());
    let mut known = known(&request);
    let attempt = Attempt {
        email: email.clone(),
        password,
        totp,
        network: network(&request),
        known: known.clone(),
        kind: Kind::Browser,
    };
    match sign_in::attempt(&state, attempt).await {
        Ok(signed) => {
            let mut answer = see_other(&onward(&next, signed.user.role));
            let cookie = session_cookie(site(&request), signed.secret.reveal().to_owned());
            set_cookie(&mut answer, &cookie);
            let who = signed.user.identity.map_or_else(String::new, |who| who.email.as_str().to_owned());
            let chance = signed.session.id.to_string();
            let made = state.store.read(|view| throttles::known_browser(view, &who, &chance));
            known.insert(0, made.map_err(|error| Fault::from(error).of(&request))?);
            known.truncate(KNOWN);
            set_cookie(&mut answer, &browser_cookie(site(&request), known.join("~")));
            Ok(answer)
        }
        Err(fault) => again(&request, fault, email, next),
    }
}

fn again(request: &HttpRequest, fault: Fault, email: String, next: String) -> Answer {
    if !matches!(fault.code, Code::Credentials | Code::Totp | Code::Rate | Code::Held) {
        return Err(fault.of(request));
    }
    let wait_secs = fault.more.get("retry_after").and_then(serde_json::Value::as_u64);
    let totp = fault.code == Code::Totp;
    let view =
        login::View { email, totp, next: back(&next).to_owned(), refused: Some(fault.code), wait_secs };
    render(request, &view, Some(fault.code))
}

fn render(request: &HttpRequest, view: &login::View, refused: Option<Code>) -> Answer {
    let html = login::page(&shell::of(request), view).map_err(|error| unrendered(error).of(request))?;
    let mut answer = html_of(html);
    if let Some(code) = refused {
        *answer.status_mut() = code.status();
    }
    Ok(answer)
}

fn onward(next: &str, role: domain::Role) -> String {
    match back(next) {
        "/" | "/login" => landing(role).to_owned(),
        asked => asked.to_owned(),
    }
}

fn session_cookie(site: Site, secret: String) -> Cookie<'static> {
    let life = Age::seconds(i64::try_from(LIFE.as_secs()).unwrap_or(0));
    Cookie::build(site.cookie(), secret)
        .path("/")
        .http_only(true)
        .secure(site.secure_cookie)
        .same_site(SameSite::Strict)
        .max_age(life)
        .finish()
}

/// The most accounts that one browser remembers to have signed in to.
const KNOWN: usize = 6;

/// The cookie by which a browser shows where somebody signed in before. It opens nothing: it only keeps a stranger's
/// failures from its owner.
const fn browser_name(site: Site) -> &'static str {
    if site.secure_cookie { "__Host-zelo-browser" } else { "zelo_browser" }
}

fn browser_cookie(site: Site, value: String) -> Cookie<'static> {
    Cookie::build(browser_name(site), value)
        .path("/")
        .http_only(true)
        .secure(site.secure_cookie)
        .same_site(SameSite::Strict)
        .max_age(COOKIE_AGE)
        .finish()
}

fn known(request: &HttpRequest) -> Vec<String> {
    let cookie = request.cookie(browser_name(site(request)));
    cookie.map_or_else(Vec::new, |cookie| cookie.value().split('~').take(KNOWN).map(str::to_owned).collect())
}

fn set_cookie(answer: &mut HttpResponse, cookie: &Cookie<'_>) {
    if let Err(error) = answer.add_cookie(cookie) {
        tracing::error!(%error, "a cookie could not be set");
    }
}

/// Ends the session.
pub(crate) async fn leave(visit: Visit, request: HttpRequest) -> Answer {
    let site = site(&request);
    let mut answer = visit
        .act(|room| {
            room.write(|tx| Ok(sessions::kill(tx, room.viewer.session, "logout")?))?;
            Ok("/login".to_owned())
        })
        .await?;
    let mut gone = session_cookie(site, String::new());
    gone.make_removal();
    set_cookie(&mut answer, &gone);
    Ok(answer)
}

/// What the switches send.
#[derive(Deserialize)]
pub(crate) struct Preferences {
    lang: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    back: String,
}

/// Keeps language or scheme in a cookie.
pub(crate) async fn prefer(sent: Form<Preferences>) -> HttpResponse {
    let mut answer = see_other(back(&sent.back));
    let chosen = [
        (LANG_COOKIE, sent.lang.as_deref().and_then(Lang::from_tag).map(Lang::tag)),
        (THEME_COOKIE, sent.theme.as_deref().map(|name| Theme::from_name(name).name())),
    ];
    for (name, value) in chosen {
        let Some(value) = value else { continue };
        let cookie = Cookie::build(name, value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(COOKIE_AGE)
            .finish();
        set_cookie(&mut answer, &cookie);
    }
    answer
}

/// The documentation of the API.
pub(crate) async fn api_docs(request: HttpRequest) -> Answer {
    use crate::pages::api_docs::{View, page};
    let viewer = auth::identify(&request).await.map_err(|fault| fault.of(&request))?;
    let mut shell = shell::of(&request);
    shell.viewer = viewer.map(|viewer| viewer.in_shell());
    let document = serde_json::to_value(crate::http::openapi::value())
        .map_err(|_shape| Fault::new(Code::Internal).of(&request))?;
    let html = blocking(move || page(&shell, &View::of(&document)).map_err(unrendered)).await;
    html.map(html_of).map_err(|fault| fault.of(&request))
}
