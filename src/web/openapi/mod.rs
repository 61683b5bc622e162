//! The API's description (OpenAPI 3.1), made from the handlers themselves; a test holds it against the route table.

use std::collections::HashSet;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, openapi};

use super::api::{
    absences, accesses, alerts, audit, auth, calendars, climb, commands, consents, devices, duty, feeds,
    handed, letters, message_log, messages, organisation, own_data, patients, policies, promises, quarantine,
    readings, reveals, rules, schedule_changes, schedules, service_levels, status, swaps, templates, terms,
    together, users, webhooks,
};
use super::live;
use super::problem::Problem;

mod shared;

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(title = "Zelo", description = "Refusals are RFC 9457 problems with a code `E_…`. Lists are {items, next}. Instants are RFC 3339, `from` inclusive, `to` exclusive."),
    modifiers(&Bearer, &Shared),
    security(("bearer" = [])),
    paths(
        auth::token, auth::refresh, auth::logout, auth::jwks,
        patients::list, patients::create, patients::get, patients::patch,
        readings::list, readings::series, readings::latest, readings::superseded,
        own_data::take, organisation::get, organisation::put_dpo, reveals::create, reveals::list, reveals::approve, reveals::refuse, reveals::open,
        accesses::list, alerts::list, alerts::get, alerts::of_patient, alerts::claim, alerts::ack, together::ack, alerts::snooze, alerts::resolve,
        alerts::reassign, alerts::unack, alerts::escalate, climb::escalation, messages::list, messages::read,
        messages::try_out, messages::tests, letters::get, letters::put,
        promises::show, promises::pause, promises::resume,
        calendars::list, calendars::get, calendars::put, calendars::history,
        service_levels::list, service_levels::get, service_levels::history, service_levels::propose,
        service_levels::approve, service_levels::refuse,
        quarantine::list, quarantine::release, quarantine::discard,
        consents::state, consents::act, terms::list,
        devices::list, devices::create, devices::get, devices::of_patient, devices::bind, devices::unbind,
        devices::disable, devices::enable, devices::issue_token, devices::revoke_token,
        handed::ending, handed::quarantine, handed::list,
        commands::list, commands::create, commands::cancel,
        users::list, users::create, users::get, users::patch, users::disable, users::unlock, users::vouch, users::reset,
        users::end_sessions,
        rules::list, rules::get,
        policies::list, policies::get, policies::history, policies::propose, policies::approve, policies::refuse,
        policies::targets, policies::dry_run,
        message_log::list, templates::list, templates::get, templates::history, templates::propose, templates::approve,
        templates::refuse,
        webhooks::list, webhooks::create, webhooks::disable, webhooks::test, webhooks::messages, webhooks::replay,
        schedules::list, schedules::get, schedules::put, schedules::shifts,
        schedule_changes::overrides, schedule_changes::override_with, schedule_changes::change_override,
        schedule_changes::take_override, schedule_changes::temporaries, schedule_changes::instead,
        schedule_changes::change_temporary, schedule_changes::take_temporary,
        schedules::at, schedules::issues, absences::turns, absences::absent, absences::list, absences::change, absences::take_back, swaps::list, swaps::ask, swaps::accept, swaps::decline,
        swaps::withdraw, feeds::open, feeds::close, feeds::calendar,
        duty::teams, duty::team, duty::put_team, duty::fitness, duty::certify, duty::carry, duty::reached, duty::carried,
        audit::entries, audit::checkpoint, audit::public_key, audit::proofs, audit::export,
        status::show, live::stream, document,
    ),
    components(schemas(webhooks::Told, Problem, own_data::OwnData))
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_with(Default::default).add_security_scheme("bearer", scheme);
    }
}

struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut openapi::OpenApi) {
        shared::complete(document);
    }
}

/// The document as a value, for the page that reads it.
#[must_use]
pub fn value() -> openapi::OpenApi {
    Document::openapi()
}

/// Whether an operation says that it takes a body.
#[must_use]
pub fn takes_body(method: &Method, path: &str) -> bool {
    static WITH_BODY: LazyLock<HashSet<(String, String)>> = LazyLock::new(|| {
        let mut document = value();
        let paths = std::mem::take(&mut document.paths.paths).into_iter();
        let with_body = paths.flat_map(|(path, mut item)| {
            let methods: Vec<_> = shared::operations(&mut item)
                .filter(|(_, operation)| operation.request_body.is_some())
                .map(|(method, _)| (method.to_ascii_uppercase(), path.clone()))
                .collect();
            methods
        });
        with_body.collect()
    });
    WITH_BODY.contains(&(method.as_str().to_owned(), path.to_owned()))
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "meta", responses((status = 200, description = "OpenAPI 3.1")))]
pub async fn document() -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=60")).json(value())
}
