//! Acts of a page that want a fresh sign-in: the reader is asked for password and code in place, and the act goes on with
//! what was filled in. The question is a form to the very address that was asked, so there is nowhere else to be led to.

use std::future::ready;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::Method;
use actix_web::web::{Bytes, Data, Form, block};
use actix_web::{HttpResponse, ResponseError as _};
use futures_util::stream::once;

use super::auth::Viewer;
use super::sign_in;
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::http::problem;
use crate::pages::confirm::{View, page};
use crate::pages::shell;
use crate::state::State;
use store::people::users;

/// Pages whose acts want it, and which acts; none named: all. The handlers ask again: here it is only made easy.
const FRESH: [(&str, &[&str]); 3] =
    [("/users", &[]), ("/users/{id}/{act}", &["reset", "unlock", "totp", "vouch"]), ("/audit/export", &[])];

/// The fields by which the question is answered; handlers do not look at them.
const PASSWORD: &str = "confirm_password";
const CODE: &str = "confirm_code";

/// What becomes of a request.
pub(crate) enum Passed {
    /// It goes on, with its body as it came.
    On(ServiceRequest),
    /// It is answered.
    Answered(ServiceRequest, HttpResponse),
}

/// Lets a request go on when its session is fresh, or becomes so by the password and code that come with it; else the
/// answer asks for them and holds what was filled in.
pub(crate) async fn ask(mut request: ServiceRequest, path: &str, viewer: &Viewer) -> Passed {
    let Some(state) = request.app_data::<Data<State>>().cloned() else { return Passed::On(request) };
    if !is_wanted(&request, path) {
        return Passed::On(request);
    }
    let standing = {
        let (state, viewer) = (Data::clone(&state), viewer.clone());
        block(move || Standing::of(&state, &viewer)).await
    };
    let standing = match standing.map_err(|_stopped| Fault::new(Code::Busy)).and_then(|found| found) {
        Ok(Standing { is_fresh: true, .. }) => return Passed::On(request),
        Ok(standing) => standing,
        Err(fault) => {
            let refusal = fault.of(request.request()).error_response();
            return Passed::Answered(request, refusal);
        }
    };
    let Ok(body) = request.extract::<Bytes>().await else {
        let refusal = problem::respond(request.request(), Code::TooLarge);
        return Passed::Answered(request, refusal);
    };
    request.set_payload(again(body.clone()));
    let sent = request.extract::<Form<Vec<(String, String)>>>().await;
    request.set_payload(again(body));
    let sent = sent.map(Form::into_inner).unwrap_or_default();
    let value_of = |name: &str| sent.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let refused = match value_of(PASSWORD) {
        None => None,
        Some(password) => match sign_in::confirm(&state, viewer, password, value_of(CODE)).await {
            Ok(()) => return Passed::On(request),
            Err(fault) => Some(fault),
        },
    };
    let answer = asked(&request, viewer, standing, sent, refused);
    Passed::Answered(request, answer)
}

/// How somebody who is signed in stands.
struct Standing {
    /// Whether they showed who they are just now.
    is_fresh: bool,
    /// Whether they have a second factor.
    has_code: bool,
}

impl Standing {
    fn of(state: &State, viewer: &Viewer) -> Result<Self, Fault> {
        let is_fresh = match sign_in::stepped_up(state, viewer, state.now()) {
            Ok(()) => true,
            Err(fault) if fault.code == Code::StepUp => false,
            Err(fault) => return Err(fault),
        };
        let has_code = state.store.read(|view| Ok(users::get(view, viewer.id)?.has_totp))?;
        Ok(Self { is_fresh, has_code })
    }
}

fn is_wanted(request: &ServiceRequest, path: &str) -> bool {
    let act = request.match_info().get("act").unwrap_or_default();
    let listed = FRESH.iter().find(|(listed, _)| *listed == path);
    let wanted = listed.is_some_and(|(_, acts)| acts.is_empty() || acts.contains(&act));
    wanted && request.method() == Method::POST && !problem::wants_fragment(request.headers())
}

/// A body that was read, to be read once more.
fn again(body: Bytes) -> Payload {
    Payload::Stream { payload: Box::pin(once(ready(Ok(body)))) }
}

fn asked(
    request: &ServiceRequest,
    viewer: &Viewer,
    standing: Standing,
    sent: Vec<(String, String)>,
    refused: Option<Fault>,
) -> HttpResponse {
    let mut shell = shell::of(request.request());
    shell.viewer = Some(viewer.in_shell());
    let status = refused.as_ref().map_or(Code::StepUp, |fault| fault.code).status();
    let view = View {
        to: request.path().to_owned(),
        fields: sent.into_iter().filter(|(name, _)| name != PASSWORD && name != CODE).collect(),
        has_code: standing.has_code,
        wait_secs: refused.as_ref().and_then(|fault| fault.more.get("retry_after")?.as_u64()),
        refused: refused.map(|fault| fault.code),
    };
    match page(&shell, &view) {
        Ok(html) => {
            let mut answer = HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html);
            answer.extensions_mut().insert(Code::StepUp);
            answer
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            problem::respond(request.request(), Code::Internal)
        }
    }
}
