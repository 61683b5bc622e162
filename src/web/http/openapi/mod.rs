//! The API's description (OpenAPI 3.1), made from the handlers themselves; a test holds it against the route table.

use std::collections::HashSet;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, openapi};

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
        crate::people::api::tokens::token, crate::people::api::tokens::refresh, crate::people::api::tokens::logout, crate::people::api::tokens::jwks,
        crate::patients::api::list, crate::patients::api::create, crate::patients::api::get, crate::patients::api::patch, crate::patients::api::timeline::list,
        crate::readings::api::list, crate::readings::api::series, crate::readings::api::latest, crate::readings::api::superseded,
        crate::privacy::api::own_data::take, crate::privacy::api::organisation::get, crate::privacy::api::organisation::put_dpo, crate::privacy::api::reveals::create, crate::privacy::api::reveals::list, crate::privacy::api::reveals::approve, crate::privacy::api::reveals::refuse, crate::privacy::api::reveals::open,
        crate::privacy::api::accesses::list, crate::alerts::api::attachments::list, crate::alerts::api::attachments::create, crate::alerts::api::attachments::get, crate::alerts::api::attachments::delete,
        crate::alerts::api::list, crate::alerts::api::get, crate::alerts::api::of_patient, crate::alerts::api::claim, crate::alerts::api::ack, crate::alerts::api::together::ack, crate::alerts::api::snooze, crate::alerts::api::resolve,
        crate::alerts::api::reassign, crate::alerts::api::unack, crate::alerts::api::escalate, crate::escalation::api::progress::escalation, crate::messages::api::list, crate::messages::api::read,
        crate::messages::api::try_out, crate::messages::api::tests, crate::messages::api::reader::get, crate::messages::api::reader::put,
        crate::messages::api::reader::get_before, crate::messages::api::reader::put_before,
        crate::sla::api::clocks::show, crate::sla::api::clocks::pause, crate::sla::api::clocks::resume,
        crate::calendars::api::list, crate::calendars::api::get, crate::calendars::api::put, crate::calendars::api::history,
        crate::sla::api::levels::list, crate::sla::api::levels::get, crate::sla::api::levels::history, crate::sla::api::levels::propose,
        crate::sla::api::levels::approve, crate::sla::api::levels::refuse,
        crate::readings::api::quarantine::list, crate::readings::api::quarantine::release, crate::readings::api::quarantine::discard,
        crate::consents::api::state, crate::consents::api::act, crate::consents::api::terms::list,
        crate::devices::api::list, crate::devices::api::create, crate::devices::api::get, crate::devices::api::of_patient, crate::devices::api::bind, crate::devices::api::unbind,
        crate::devices::api::disable, crate::devices::api::enable, crate::devices::api::issue_token, crate::devices::api::revoke_token,
        crate::devices::api::moves::ending, crate::devices::api::moves::quarantine, crate::devices::api::moves::list,
        crate::devices::api::commands::list, crate::devices::api::commands::create, crate::devices::api::commands::cancel,
        crate::people::api::users::list, crate::people::api::users::create, crate::people::api::users::get, crate::people::api::users::patch, crate::people::api::users::disable, crate::people::api::users::unlock, crate::people::api::users::vouch, crate::people::api::users::reset,
        crate::people::api::users::end_sessions,
        crate::rules::api::list, crate::rules::api::get,
        crate::escalation::api::policies::list, crate::escalation::api::policies::get, crate::escalation::api::policies::history, crate::escalation::api::policies::propose, crate::escalation::api::policies::approve, crate::escalation::api::policies::refuse,
        crate::escalation::api::policies::targets, crate::escalation::api::policies::dry_run,
        crate::messages::api::log::list, crate::templates::api::list, crate::templates::api::get, crate::templates::api::history, crate::templates::api::propose, crate::templates::api::approve,
        crate::templates::api::refuse,
        crate::messages::api::webhooks::list, crate::messages::api::webhooks::create, crate::messages::api::webhooks::disable, crate::messages::api::webhooks::test, crate::messages::api::webhooks::messages, crate::messages::api::webhooks::replay,
        crate::on_call::api::schedules::list, crate::on_call::api::schedules::get, crate::on_call::api::schedules::put, crate::on_call::api::schedules::shifts,
        crate::on_call::api::changes::overrides, crate::on_call::api::changes::override_with, crate::on_call::api::changes::change_override,
        crate::on_call::api::changes::take_override, crate::on_call::api::changes::temporaries, crate::on_call::api::changes::instead,
        crate::on_call::api::changes::change_temporary, crate::on_call::api::changes::take_temporary,
        crate::on_call::api::schedules::at, crate::on_call::api::schedules::issues, crate::on_call::api::absences::turns, crate::on_call::api::absences::absent, crate::on_call::api::absences::list, crate::on_call::api::absences::change, crate::on_call::api::absences::take_back, crate::on_call::api::swaps::list, crate::on_call::api::swaps::ask, crate::on_call::api::swaps::accept, crate::on_call::api::swaps::decline,
        crate::on_call::api::swaps::withdraw, crate::on_call::api::feeds::open, crate::on_call::api::feeds::close, crate::on_call::api::feeds::calendar,
        crate::on_call::api::teams::teams, crate::on_call::api::teams::team, crate::on_call::api::teams::put_team, crate::on_call::api::teams::fitness, crate::on_call::api::teams::certify, crate::on_call::api::teams::carry, crate::on_call::api::teams::reached, crate::on_call::api::teams::carried,
        crate::audit::api::entries, crate::audit::api::checkpoint, crate::audit::api::public_key, crate::audit::api::proofs, crate::audit::api::export,
        crate::audit::verifications::api::ask, crate::audit::verifications::api::list, crate::audit::verifications::api::get, crate::audit::verifications::api::cancel,
        crate::kpis::api::facts, crate::health::api::show, live::stream, document,
    ),
    components(schemas(crate::messages::api::webhooks::WebhookCall, Problem, crate::privacy::api::own_data::OwnData))
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
pub(crate) fn value() -> openapi::OpenApi {
    Document::openapi()
}

/// Whether an operation says that it takes a body.
#[must_use]
pub(crate) fn takes_body(method: &Method, path: &str) -> bool {
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
pub(crate) async fn document() -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=60")).json(value())
}
