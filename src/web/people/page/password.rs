//! The page behind a one-time link: whoever holds it sets the password of its account. The link's secret goes
//! into no log, no error and no page.

use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::Code;
use crate::http::fault::Fault;
use crate::pages::shell;
use crate::pages::visit::{Answer, blocking, html_of, see_other, unrendered};
use crate::people::checks::Who;
use crate::people::view::password::{View, Why, page};
use crate::state::State;
use domain::people::password::{Cost, Memory, Refused};
use domain::{Role, UserId};
use store::Actor;
use store::db::settings;
use store::people::links::{self, Purpose};
use store::people::users;

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    password: String,
    again: String,
}

/// What became of a try.
enum Tried {
    Set,
    Refused(Why),
    Dead,
}

/// The form, or that the link does not hold. Looking does not spend the link.
pub(crate) async fn form(request: HttpRequest, state: Data<State>, secret: Path<String>) -> Answer {
    let owner = blocking(move || owner(&state, &secret)).await.map_err(|fault| fault.of(&request))?;
    let view = if owner.is_some() { View::Form(None) } else { View::Dead };
    render(&request, view)
}

/// Spends the link and sets the password; then the reader signs in with it.
pub(crate) async fn set(
    request: HttpRequest,
    state: Data<State>,
    secret: Path<String>,
    sent: Form<Sent>,
) -> Answer {
    let tried = attempt(&state, secret.into_inner(), sent.into_inner()).await;
    match tried.map_err(|fault| fault.of(&request))? {
        Tried::Set => Ok(see_other("/login")),
        Tried::Refused(why) => render(&request, View::Form(Some(why))),
        Tried::Dead => render(&request, View::Dead),
    }
}

async fn attempt(state: &Data<State>, secret: String, sent: Sent) -> Result<Tried, Fault> {
    // Asked first: a link that does not hold costs no hash.
    let (asked, shared) = (Data::clone(state), Data::clone(state));
    let look = state.checks.look().await?;
    let (owner, secret) = blocking(move || {
        let _look = look;
        Ok((owner(&asked, &secret)?, secret))
    })
    .await?;
    let Some((user, role)) = owner else { return Ok(Tried::Dead) };
    let mut turn = state.checks.turn(Who::Known).await?;
    blocking(move || try_now(&shared, &secret, &sent, user, role, &mut turn.memory)).await
}

fn try_now(
    state: &State,
    secret: &str,
    sent: &Sent,
    user: UserId,
    role: Role,
    memory: &mut Memory,
) -> Result<Tried, Fault> {
    let known = known(state, user)?;
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    if sent.password != sent.again {
        return Ok(Tried::Refused(Why::Differ));
    }
    let phc = match memory.hash(&sent.password, &known, Cost::STANDARD) {
        Ok(phc) => phc,
        Err(Refused::Machine) => return Err(Fault::new(Code::Internal)),
        Err(refused) => return Ok(Tried::Refused(Why::Password(refused))),
    };
    let done = state.store.write(Actor::User { id: user, role }, state.now(), |tx| {
        // Of two tries at once, only the one that spends the link sets a password.
        match links::claim(tx, secret, Purpose::Password)? {
            Some((claimed, made_by)) if claimed == user => users::set_password(tx, user, &phc, made_by),
            _ => Err(store::Error::NotFound("link")),
        }
    });
    match done {
        Ok(()) => Ok(Tried::Set),
        Err(store::Error::NotFound(_)) => Ok(Tried::Dead),
        Err(other) => Err(other.into()),
    }
}

/// What others know of the account's owner.
fn known(state: &State, user: UserId) -> Result<Vec<String>, Fault> {
    let (identity, organisation) = state
        .store
        .read(|view| Ok((users::get(view, user)?.identity, settings::get(view, settings::ORGANISATION)?)))?;
    let own = identity.map(|who| [String::from(who.name), String::from(who.email)]);
    Ok(own.into_iter().flatten().chain(organisation).collect())
}

/// Whose password the link sets. A service has none to set.
fn owner(state: &State, secret: &str) -> Result<Option<(UserId, Role)>, Fault> {
    let now = state.now();
    let found = state.store.read(|view| {
        let user = links::whose(view, secret, Purpose::Password, now)?;
        user.map(|user| users::get(view, user)).transpose()
    })?;
    Ok(found.map(|user| (user.id, user.role)).filter(|(_, role)| *role != Role::Service))
}

fn render(request: &HttpRequest, view: View) -> Answer {
    let html = page(&shell::of(request), &view).map_err(|error| unrendered(error).of(request))?;
    let mut answer: HttpResponse = html_of(html);
    *answer.status_mut() = match view {
        View::Form(None) => return Ok(answer),
        View::Form(Some(_)) => Code::Invalid.status(),
        View::Dead => Code::NotFound.status(),
    };
    Ok(answer)
}
