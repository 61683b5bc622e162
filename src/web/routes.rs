//! The route table: every address of the house with the right that opens it. A route that is not here does not
//! exist, and the gate of each row runs before its handler.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::Data;
use actix_web::{Error, FromRequest, Handler, HttpMessage, HttpRequest, Responder, Route, web};

use super::api::body::{MayBody, Nothing};
use super::api::{
    absences, accesses, alerts, audit, auth, calendars, climb, commands, consents, devices, duty, feeds,
    handed, letters, message_log, messages, organisation, own_data, patients, policies, promises, quarantine,
    readings, reveals, rules, schedule_changes, schedules, service_levels, status, swaps, templates, terms,
    together, users, webhooks,
};
use super::auth::Viewer;
use super::code::Code;
use super::confirm::{self, Passed};
use super::fault::Fault;
use super::sight::{self, About, Sight};
use super::state::State;
use super::{auth as viewer, live, metrics, openapi, probes, problem};
use domain::{Can, Role};

/// For whom an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Programs: in the OpenAPI document.
    Api,
    /// People.
    Page,
    /// Machines that watch this one.
    Probe,
}

/// One row of the table.
pub struct Row {
    /// The method.
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Any of these rights opens it.
    pub rights: Vec<Can>,
    /// For whom it is.
    pub face: Face,
    route: Route,
    /// The same for whoever asks only for the head of the answer.
    head: Option<Route>,
}

impl Row {
    /// A row of the table.
    pub fn new<F, Args>(method: Method, path: &'static str, right: Can, face: Face, handler: F) -> Self
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
    pub fn page<F, Args>(method: Method, path: &'static str, right: Can, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self::new(method, path, right, Face::Page, handler)
    }

    /// Opened by another right too.
    #[must_use]
    pub fn or(mut self, right: Can) -> Self {
        self.rights.push(right);
        self
    }

    /// Whether it is for programs, changes something and takes no body.
    fn is_bodiless(&self) -> bool {
        self.face == Face::Api && self.method != Method::GET && !openapi::takes_body(&self.method, self.path)
    }

    /// Whether a role may pass; `None` is nobody known.
    #[must_use]
    pub fn admits(&self, role: Option<Role>) -> bool {
        admits(&self.rights, role)
    }
}

fn admits(rights: &[Can], role: Option<Role>) -> bool {
    rights.contains(&Can::Anyone) || role.is_some_and(|role| rights.iter().any(|right| right.held_by(role)))
}

macro_rules! api {
    ($($method:ident $path:literal $right:ident $(or $also:ident)* => $handler:expr;)+) => {
        vec![$(Row::new(Method::$method, $path, Can::$right, Face::Api, $handler)$(.or(Can::$also))*,)+]
    };
}

/// Every address for programs.
#[must_use]
pub fn api() -> Vec<Row> {
    let mut rows = api! {
        POST "/api/v1/auth/token" Anyone => auth::token;
        POST "/api/v1/auth/refresh" Anyone => auth::refresh;
        POST "/api/v1/auth/logout" SignedIn => auth::logout;
        GET "/.well-known/jwks.json" Anyone => auth::jwks;
        GET "/api/v1/patients" SeeContacts => patients::list;
        POST "/api/v1/patients" ManagePatients => patients::create;
        GET "/api/v1/patients/{id}" SeeContacts or OwnThings => patients::get;
        PATCH "/api/v1/patients/{id}" ManagePatients => patients::patch;
        GET "/api/v1/patients/{id}/devices" SeeDevices or OwnThings => devices::of_patient;
        GET "/api/v1/patients/{id}/readings" SeeReadings or OwnThings => readings::list;
        GET "/api/v1/patients/{id}/series" SeeReadings or OwnThings => readings::series;
        GET "/api/v1/patients/{id}/latest" SeeReadings or OwnThings => readings::latest;
        GET "/api/v1/patients/{id}/superseded" SeeReadings or OwnThings => readings::superseded;
        GET "/api/v1/patients/{id}/alerts" SeeAlerts => alerts::of_patient;
        GET "/api/v1/patients/{id}/quarantine" SeeReadings => quarantine::list;
        GET "/api/v1/patients/{id}/accesses" ReadAudit or OwnThings => accesses::list;
        GET "/api/v1/patients/{id}/export" OwnThings => own_data::take;
        POST "/api/v1/patients/{id}/reveals" Reveal => reveals::create;
        GET "/api/v1/reveals" Reveal => reveals::list;
        POST "/api/v1/reveals/{id}/approve" ApproveReveals => reveals::approve;
        POST "/api/v1/reveals/{id}/refuse" ApproveReveals => reveals::refuse;
        POST "/api/v1/reveals/{id}/open" Reveal => reveals::open;
        GET "/api/v1/patients/{id}/consents" SeeConsents or OwnThings => consents::state;
        POST "/api/v1/patients/{id}/consents" AssistConsent or RevokeConsent => consents::act;
        GET "/api/v1/alerts" SeeAlerts => alerts::list;
        POST "/api/v1/alerts/ack" ActOnAlerts or AnswerCalls => together::ack;
        GET "/api/v1/alerts/{id}" SeeAlerts => alerts::get;
        GET "/api/v1/alerts/{id}/messages" SeeAlerts => message_log::list;
        POST "/api/v1/alerts/{id}/claim" ActOnAlerts or AnswerCalls => alerts::claim;
        POST "/api/v1/alerts/{id}/ack" ActOnAlerts or AnswerCalls => alerts::ack;
        POST "/api/v1/alerts/{id}/snooze" ActOnAlerts => alerts::snooze;
        POST "/api/v1/alerts/{id}/resolve" ActOnAlerts => alerts::resolve;
        POST "/api/v1/alerts/{id}/reassign" ActOnAlerts or AnswerCalls => alerts::reassign;
        POST "/api/v1/alerts/{id}/unack" ActOnAlerts => alerts::unack;
        POST "/api/v1/alerts/{id}/escalate" ActOnAlerts => alerts::escalate;
        GET "/api/v1/alerts/{id}/escalation" SeeAlerts => climb::escalation;
        GET "/api/v1/messages" SignedIn => messages::list;
        POST "/api/v1/messages/{id}/read" SignedIn => messages::read;
        GET "/api/v1/messages/test" SignedIn => messages::tests;
        POST "/api/v1/messages/test" SignedIn => messages::try_out;
        GET "/api/v1/messages/letters" SignedIn => letters::get;
        PUT "/api/v1/messages/letters" SignedIn => letters::put;
        GET "/api/v1/alerts/{id}/sla" SeeAlerts => promises::show;
        POST "/api/v1/alerts/{id}/sla/pause" ActOnAlerts => promises::pause;
        POST "/api/v1/alerts/{id}/sla/resume" ActOnAlerts => promises::resume;
        GET "/api/v1/calendars" SeePolicies => calendars::list;
        GET "/api/v1/calendars/{id}" SeePolicies => calendars::get;
        PUT "/api/v1/calendars/{id}" ManageSchedules => calendars::put;
        GET "/api/v1/calendars/{id}/history" SeePolicies => calendars::history;
        GET "/api/v1/service-levels" SeePolicies => service_levels::list;
        GET "/api/v1/service-levels/{id}" SeePolicies => service_levels::get;
        GET "/api/v1/service-levels/{id}/history" SeePolicies => service_levels::history;
        POST "/api/v1/service-levels/{id}/proposals" ProposePolicies => service_levels::propose;
        POST "/api/v1/service-levels/{id}/approve" ApprovePolicies => service_levels::approve;
        POST "/api/v1/service-levels/{id}/refuse" ApprovePolicies => service_levels::refuse;
        POST "/api/v1/quarantine/{id}/release" JudgeQuarantine => quarantine::release;
        POST "/api/v1/quarantine/{id}/discard" JudgeQuarantine => quarantine::discard;
        GET "/api/v1/devices" SeeDevices => devices::list;
        POST "/api/v1/devices" ManageDevices => devices::create;
        GET "/api/v1/devices/{id}" SeeDevices => devices::get;
        GET "/api/v1/devices/{id}/unbind" ManageDevices => handed::ending;
        GET "/api/v1/devices/{id}/quarantine" ManageDevices => handed::quarantine;
        GET "/api/v1/devices/{id}/moves" ManageDevices => handed::list;
        POST "/api/v1/devices/{id}/bind" ManageDevices => devices::bind;
        POST "/api/v1/devices/{id}/unbind" ManageDevices => devices::unbind;
        POST "/api/v1/devices/{id}/disable" ManageDevices => devices::disable;
        POST "/api/v1/devices/{id}/enable" ManageDevices => devices::enable;
        POST "/api/v1/devices/{id}/tokens" ManageDevices => devices::issue_token;
        DELETE "/api/v1/devices/{id}/tokens/{token}" ManageDevices => devices::revoke_token;
        GET "/api/v1/devices/{id}/commands" SeeDevices => commands::list;
        POST "/api/v1/devices/{id}/commands" ManageDevices => commands::create;
        DELETE "/api/v1/devices/{id}/commands/{command}" ManageDevices => commands::cancel;
        GET "/api/v1/terms" SignedIn => terms::list;
        GET "/api/v1/organisation" SignedIn => organisation::get;
        PUT "/api/v1/organisation/dpo" NameOfficer => organisation::put_dpo;
        GET "/api/v1/users" ManageUsers or VouchForUsers => users::list;
        POST "/api/v1/users" ManageUsers => users::create;
        GET "/api/v1/users/{id}" ManageUsers or VouchForUsers => users::get;
        PATCH "/api/v1/users/{id}" ManageUsers => users::patch;
        POST "/api/v1/users/{id}/disable" ManageUsers => users::disable;
        POST "/api/v1/users/{id}/unlock" ManageUsers => users::unlock;
        POST "/api/v1/users/{id}/vouch" VouchForUsers => users::vouch;
        POST "/api/v1/users/{id}/reset" ManageUsers => users::reset;
        DELETE "/api/v1/users/{id}/sessions" ManageUsers => users::end_sessions;
        GET "/api/v1/users/{id}/certificate" SeeSchedules => duty::fitness;
        PUT "/api/v1/users/{id}/certificate" ManageSchedules => duty::certify;
        PUT "/api/v1/users/{id}/capacity" ManageSchedules => duty::carry;
        DELETE "/api/v1/users/{id}/unreachable/{channel}" ManageSchedules => duty::reached;
        GET "/api/v1/schedules" SeeSchedules => schedules::list;
        GET "/api/v1/schedules/{id}" SeeSchedules => schedules::get;
        PUT "/api/v1/schedules/{id}" ManageSchedules => schedules::put;
        GET "/api/v1/schedules/{id}/overrides" SeeSchedules => schedule_changes::overrides;
        POST "/api/v1/schedules/{id}/overrides" ManageSchedules => schedule_changes::override_with;
        PUT "/api/v1/schedules/{id}/overrides/{place}" ManageSchedules => schedule_changes::change_override;
        DELETE "/api/v1/schedules/{id}/overrides/{place}" ManageSchedules => schedule_changes::take_override;
        GET "/api/v1/schedules/{id}/temporaries" SeeSchedules => schedule_changes::temporaries;
        POST "/api/v1/schedules/{id}/temporaries" ManageSchedules => schedule_changes::instead;
        PUT "/api/v1/schedules/{id}/temporaries/{place}" ManageSchedules => schedule_changes::change_temporary;
        DELETE "/api/v1/schedules/{id}/temporaries/{place}" ManageSchedules => schedule_changes::take_temporary;
        GET "/api/v1/schedules/{id}/swaps" SeeSchedules => swaps::list;
        POST "/api/v1/schedules/{id}/swaps" AnswerCalls => swaps::ask;
        POST "/api/v1/swaps/{id}/accept" AnswerCalls => swaps::accept;
        POST "/api/v1/swaps/{id}/decline" AnswerCalls => swaps::decline;
        POST "/api/v1/swaps/{id}/withdraw" AnswerCalls => swaps::withdraw;
        GET "/api/v1/users/{id}/turns" SeeSchedules => absences::turns;
        POST "/api/v1/users/{id}/absences" ManageSchedules or AnswerCalls => absences::absent;
        GET "/api/v1/absences" SeeSchedules => absences::list;
        PUT "/api/v1/absences/{id}" ManageSchedules or AnswerCalls => absences::change;
        DELETE "/api/v1/absences/{id}" ManageSchedules or AnswerCalls => absences::take_back;
        GET "/api/v1/schedules/{id}/shifts" SeeSchedules => schedules::shifts;
        GET "/api/v1/schedules/{id}/on-call" SeeSchedules => schedules::at;
        GET "/api/v1/schedules/{id}/issues" SeeSchedules => schedules::issues;
        POST "/api/v1/schedules/{id}/feed" SeeSchedules => feeds::open;
        DELETE "/api/v1/schedules/{id}/feed" SeeSchedules => feeds::close;
        GET "/api/v1/schedules/{id}/calendar.ics" Anyone => feeds::calendar;
        GET "/api/v1/teams" SeeSchedules => duty::teams;
        GET "/api/v1/teams/{id}" SeeSchedules => duty::team;
        PUT "/api/v1/teams/{id}" ManageSchedules => duty::put_team;
        GET "/api/v1/on-call/capacity" SeeSchedules => duty::carried;
        GET "/api/v1/rule-sets" SeeRules => rules::list;
        GET "/api/v1/rule-sets/{id}" SeeRules => rules::get;
        GET "/api/v1/escalation-policies" SeePolicies => policies::list;
        GET "/api/v1/escalation-policies/{id}" SeePolicies => policies::get;
        GET "/api/v1/escalation-policies/{id}/history" SeePolicies => policies::history;
        GET "/api/v1/escalation-policies/{id}/targets" SeePolicies => policies::targets;
        POST "/api/v1/escalation-policies/{id}/proposals" ProposePolicies => policies::propose;
        POST "/api/v1/escalation-policies/{id}/approve" ApprovePolicies => policies::approve;
        POST "/api/v1/escalation-policies/{id}/refuse" ApprovePolicies => policies::refuse;
        POST "/api/v1/escalation-policies/{id}/dry-run" SeePolicies => policies::dry_run;
        GET "/api/v1/message-templates" SeeTemplates => templates::list;
        GET "/api/v1/message-templates/{id}" SeeTemplates => templates::get;
        GET "/api/v1/message-templates/{id}/history" SeeTemplates => templates::history;
        POST "/api/v1/message-templates/{id}/proposals" ManageTemplates => templates::propose;
        POST "/api/v1/message-templates/{id}/approve" ManageTemplates => templates::approve;
        POST "/api/v1/message-templates/{id}/refuse" ManageTemplates => templates::refuse;
        GET "/api/v1/webhooks" SeeWebhooks => webhooks::list;
        POST "/api/v1/webhooks" ManageWebhooks => webhooks::create;
        POST "/api/v1/webhooks/{id}/disable" ManageWebhooks => webhooks::disable;
        POST "/api/v1/webhooks/{id}/test" ManageWebhooks => webhooks::test;
        GET "/api/v1/webhooks/{id}/messages" SeeWebhooks => webhooks::messages;
        POST "/api/v1/webhooks/{id}/replay" ManageWebhooks => webhooks::replay;
        GET "/api/v1/audit/entries" ReadAudit => audit::entries;
        GET "/api/v1/audit/checkpoint" ReadAudit => audit::checkpoint;
        GET "/api/v1/audit/key" ReadAudit => audit::public_key;
        GET "/api/v1/audit/proofs" ReadAudit => audit::proofs;
        GET "/api/v1/audit/export" ReadAudit => audit::export;
        GET "/api/v1/status" SeeStatus => status::show;
        GET "/api/v1/live" SignedIn => live::stream;
        GET "/api/v1/openapi.json" Anyone => openapi::document;
    };
    rows.extend([
        Row::new(Method::GET, "/healthz", Can::Anyone, Face::Probe, probes::healthz),
        Row::new(Method::GET, "/healthz/engine", Can::Anyone, Face::Probe, probes::healthz_engine),
        Row::new(Method::GET, "/readyz", Can::Anyone, Face::Probe, probes::readyz),
        Row::new(Method::GET, "/metrics", Can::Anyone, Face::Probe, metrics::metrics),
    ]);
    rows
}

/// Mounts rows: one resource per path, each behind its gate; another method is `E_METHOD`.
pub fn mount(config: &mut web::ServiceConfig, rows: Vec<Row>) {
    let mut by_path: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
    for row in rows {
        by_path.entry(row.path).or_default().push(row);
    }
    for (path, rows) in by_path {
        let rights = rows.iter().map(|row| (row.method.clone(), row.rights.clone())).collect();
        let bodiless = rows.iter().filter(|row| row.is_bodiless()).map(|row| row.method.clone()).collect();
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

/// What stands before and behind every handler of one path.
struct Gate {
    path: &'static str,
    about: Option<About>,
    rights: Vec<(Method, Vec<Can>)>,
    /// Methods that change something and take no body.
    bodiless: Vec<Method>,
    is_probe: bool,
}

impl Gate {
    /// Knows who asks, lets pass who may, and puts every look, or refused look, in the log before the answer goes out.
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
            request.extensions_mut().insert(found.clone());
        }
        let refused = match refused {
            Some(fault) => Some(fault.of(request.request())),
            // What somebody wrote is read or refused, also where nobody reads.
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
        // What was only accepted showed nothing yet.
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
            // A refusal shows nothing that the log must know of first.
            Err(_) if refused => Ok(answer),
            Err(fault) => {
                let refusal = fault.of(answer.request());
                Ok(answer.into_response(actix_web::ResponseError::error_response(&refusal)))
            }
        }
    }
}

/// Whether this node stands aside: it would write, and show what is due, on a wrong time. Another one answers.
fn aside(request: &ServiceRequest) -> bool {
    request.app_data::<Data<State>>().is_some_and(|state| state.engine.aside().is_some())
}

/// The code that a refusal carries.
fn code_of(answer: &ServiceResponse<BoxBody>) -> &'static str {
    answer.response().extensions().get::<Code>().map_or(Code::NotFound.name(), |code| code.name())
}

/// Where somebody who owes a second factor may go: to set it, out, and where anybody may.
fn sets_factor(path: &str, rights: &[Can]) -> bool {
    rights.contains(&Can::Anyone) || matches!(path, "/account" | "/account/totp" | "/logout")
}

async fn wrong_method(request: HttpRequest) -> actix_web::HttpResponse {
    problem::respond(&request, Code::Method)
}

/// Anything that is nowhere in the table.
pub async fn nowhere(request: HttpRequest) -> actix_web::HttpResponse {
    problem::respond(&request, Code::NotFound)
}
