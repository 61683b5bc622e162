//! Rows of the route table, and the gate in front of each: it identifies the caller, checks the rights, and records
//! what the caller saw.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::Data;
use actix_web::{Error, FromRequest, Handler, HttpMessage, HttpRequest, Responder, Route, web};

use super::body::{MayBody, Nothing};
use super::code::Code;
use super::fault::Fault;
use super::problem;
use crate::people::auth::{self as viewer, Viewer};
use crate::people::confirm::{self, Passed};
use crate::privacy::about::About;
use crate::privacy::sight::{self, Sight};
use crate::state::State;
use domain::{Can, Role};

/// Who a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Programs; listed in the OpenAPI document.
    Api,
    /// People.
    Page,
    /// Monitoring.
    Probe,
}

/// Whether the OpenAPI document gives an operation a body.
pub(crate) type TakesBody = fn(&Method, &str) -> bool;

/// One row of the table.
pub struct Row {
    /// The method.
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Any of these rights opens it.
    pub rights: Vec<Can>,
    /// Who it is for.
    pub face: Face,
    route: Route,
    /// The same handler for HEAD; only GET rows have it.
    head: Option<Route>,
}

impl Row {
    /// A row of the table.
    pub(crate) fn new<F, Args>(method: Method, path: &'static str, right: Can, face: Face, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let head = (method == Method::GET).then(|| web::method(Method::HEAD).to(handler.clone()));
        let route = web::method(method.clone()).to(handler);
        Self { method, path, rights: vec![right], face, route, head }
    }

    /// A page.
    pub(crate) fn page<F, Args>(method: Method, path: &'static str, right: Can, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self::new(method, path, right, Face::Page, handler)
    }

    /// Lets another right open it too.
    #[must_use]
    pub(crate) fn or(mut self, right: Can) -> Self {
        self.rights.push(right);
        self
    }

    /// Whether it is an API operation that changes something and takes no body.
    fn is_bodiless(&self, takes_body: TakesBody) -> bool {
        self.face == Face::Api && self.method != Method::GET && !takes_body(&self.method, self.path)
    }

    /// Whether a role may pass; `None` is a caller who is not signed in.
    #[must_use]
    pub fn admits(&self, role: Option<Role>) -> bool {
        admits(&self.rights, role)
    }
}

fn admits(rights: &[Can], role: Option<Role>) -> bool {
    rights.contains(&Can::Anyone) || role.is_some_and(|role| rights.iter().any(|right| right.held_by(role)))
}

/// Rows for programs: method, path, rights, handler.
macro_rules! api_rows {
    ($($method:ident $path:literal $right:ident $(or $also:ident)* => $handler:expr;)+) => {
        vec![$($crate::http::route::Row::new(
            actix_web::http::Method::$method,
            $path,
            domain::Can::$right,
            $crate::http::route::Face::Api,
            $handler,
        )$(.or(domain::Can::$also))*,)+]
    };
}
pub(crate) use api_rows;

/// Rows for people.
macro_rules! page_rows {
    ($($method:ident $path:literal $right:ident $(or $also:ident)* => $handler:expr;)+) => {
        vec![$($crate::http::route::Row::page(
            actix_web::http::Method::$method,
            $path,
            domain::Can::$right,
            $handler,
        )$(.or(domain::Can::$also))*,)+]
    };
}
pub(crate) use page_rows;

/// Mounts rows: one resource per path, each behind its gate. Any other method answers `E_METHOD`.
pub(crate) fn mount(config: &mut web::ServiceConfig, rows: Vec<Row>, takes_body: TakesBody) {
    let mut by_path: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
    for row in rows {
        by_path.entry(row.path).or_default().push(row);
    }
    for (path, rows) in by_path {
        let rights = rows.iter().map(|row| (row.method.clone(), row.rights.clone())).collect();
        let bodiless =
            rows.iter().filter(|row| row.is_bodiless(takes_body)).map(|row| row.method.clone()).collect();
        let is_probe = rows.iter().all(|row| row.face == Face::Probe);
        let gate = Arc::new(Gate { path, about: About::of(path), rights, bodiless, is_probe });
        let routes = rows.into_iter().flat_map(|row| [Some(row.route), row.head]).flatten();
        let resource = routes.fold(web::resource(path), actix_web::Resource::route);
        config.service(
            resource
                .default_service(web::to(wrong_method))
                .wrap(from_fn(move |request, next| Arc::clone(&gate).pass(request, next))),
        );
    }
}

/// The gate around every handler of one path.
struct Gate {
    path: &'static str,
    about: Option<About>,
    rights: Vec<(Method, Vec<Can>)>,
    /// Methods that change something and take no body.
    bodiless: Vec<Method>,
    is_probe: bool,
}

impl Gate {
    /// Identifies the caller, checks the rights, calls the handler, and logs each access or refused access to a
    /// patient's data before the answer goes out: what was shown is never missing from the log.
    async fn pass(
        self: Arc<Self>,
        mut request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let asked = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let Some((_, rights)) = self.rights.iter().find(|(method, _)| method == asked) else {
            return Ok(next.call(request).await?.map_into_boxed_body());
        };
        if !self.is_probe && aside(&request) {
            let refusal = Fault::new(Code::Busy).of(request.request());
            return Ok(request.into_response(actix_web::ResponseError::error_response(&refusal)));
        }
        let known = viewer::identify(request.request()).await;
        let refused = match &known {
            Ok(Some(found)) if found.enrolling && !sets_factor(request.path(), rights) => {
                Some(Fault::new(Code::Factor))
            }
            Ok(found) if admits(rights, found.as_ref().map(|viewer| viewer.role)) => None,
            Ok(Some(_)) => Some(Fault::new(Code::Role)),
            Ok(None) => Some(Fault::new(Code::SignIn)),
            Err(fault) => Some(fault.clone()),
        };
        let found = known.ok().flatten();
        let sight = Sight::default();
        request.extensions_mut().insert(sight.clone());
        if let Some(found) = &found {
            let mut extensions = request.extensions_mut();
            extensions.insert(found.in_shell());
            extensions.insert(found.clone());
        }
        let refused = match refused {
            Some(fault) => Some(fault.of(request.request())),
            // A body sent where none is taken is refused, not ignored.
            None if self.bodiless.contains(request.method()) => {
                request.extract::<MayBody<Nothing>>().await.err()
            }
            None => None,
        };
        let answer = match (refused, &found) {
            (Some(refusal), _) => request.into_response(actix_web::ResponseError::error_response(&refusal)),
            (None, None) => next.call(request).await?.map_into_boxed_body(),
            (None, Some(viewer)) => match confirm::ask(request, self.path, viewer).await {
                Passed::On(request) => next.call(request).await?.map_into_boxed_body(),
                Passed::Answered(request, answer) => request.into_response(answer),
            },
        };
        match found {
            Some(found) => self.witnessed(answer, &found, &sight).await,
            None => Ok(answer),
        }
    }

    async fn witnessed(
        &self,
        answer: ServiceResponse<BoxBody>,
        viewer: &Viewer,
        sight: &Sight,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let Some(state) = answer.request().app_data::<Data<State>>().cloned() else { return Ok(answer) };
        let status = answer.status();
        let refused = matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE);
        // 202 and 204 showed nothing.
        let shown = status.is_success() && !matches!(status, StatusCode::NO_CONTENT | StatusCode::ACCEPTED);
        if let Some(about) = self.about.filter(|_| refused || shown) {
            let id = answer.request().match_info().get("id").unwrap_or_default().to_owned();
            if let Some(patient) = about.patient(&state, viewer, &id).await {
                match refused {
                    true => sight.refused(patient, about.what(), code_of(&answer)),
                    false if about.shows() && sight.is_silent() => sight.saw(patient, about.what()),
                    false => {}
                }
            }
        }
        match sight::witness(&state, viewer, self.path, sight.taken()).await {
            Ok(()) => Ok(answer),
            // A refusal showed no data, so it goes out even when the log cannot be written.
            Err(_) if refused => Ok(answer),
            Err(fault) => {
                let refusal = fault.of(answer.request());
                Ok(answer.into_response(actix_web::ResponseError::error_response(&refusal)))
            }
        }
    }
}

/// Whether this node stands aside because its clock is wrong: it would write, and show as due, at the wrong time.
/// Another node answers.
fn aside(request: &ServiceRequest) -> bool {
    request.app_data::<Data<State>>().is_some_and(|state| state.engine.aside().is_some())
}

/// The code that a refusal carries.
fn code_of(answer: &ServiceResponse<BoxBody>) -> &'static str {
    answer.response().extensions().get::<Code>().map_or(Code::NotFound.name(), |code| code.name())
}

/// Where a person who must still set a second factor may go: to set it, to sign out, and to public paths.
fn sets_factor(path: &str, rights: &[Can]) -> bool {
    rights.contains(&Can::Anyone) || matches!(path, "/account" | "/account/totp" | "/logout")
}

async fn wrong_method(request: HttpRequest) -> actix_web::HttpResponse {
    problem::respond(&request, Code::Method)
}

/// Answers every path that is not in the table.
pub(crate) async fn nowhere(request: HttpRequest) -> actix_web::HttpResponse {
    problem::respond(&request, Code::NotFound)
}
