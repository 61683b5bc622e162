//! The route table: every path, with the right that opens it. A path that is not in the table does not exist. Each
//! capability brings its own rows.

use actix_web::http::Method;

use crate::health::{metrics, probes};
use crate::http::route::{Face, Row, api_rows};
use crate::http::{live, openapi};
use domain::Can;

/// Every row of the table.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows = api();
    rows.extend(pages());
    rows
}

/// The rows for programs: API and probes.
#[must_use]
pub(crate) fn api() -> Vec<Row> {
    let mut rows = api_rows! {
        GET "/api/v1/live" SignedIn => live::stream;
        GET "/api/v1/openapi.json" Anyone => openapi::document;
    };
    for capability in [
        super::alerts::routes::api,
        super::audit::routes::api,
        super::calendars::routes::api,
        super::consents::routes::api,
        super::devices::routes::api,
        super::escalation::routes::api,
        super::health::routes::api,
        super::kpis::routes::api,
        super::messages::routes::api,
        super::on_call::routes::api,
        super::patients::routes::api,
        super::people::routes::api,
        super::privacy::routes::api,
        super::readings::routes::api,
        super::rules::routes::api,
        super::sla::routes::api,
        super::templates::routes::api,
    ] {
        rows.extend(capability());
    }
    rows.extend([
        Row::new(Method::GET, "/healthz", Can::Anyone, Face::Probe, probes::healthz),
        Row::new(Method::GET, "/healthz/engine", Can::Anyone, Face::Probe, probes::healthz_engine),
        Row::new(Method::GET, "/readyz", Can::Anyone, Face::Probe, probes::readyz),
        Row::new(Method::GET, "/metrics", Can::Anyone, Face::Probe, metrics::metrics),
    ]);
    rows
}

/// The rows for people: pages.
#[must_use]
pub(crate) fn pages() -> Vec<Row> {
    [
        super::alerts::routes::pages,
        super::audit::routes::pages,
        super::calendars::routes::pages,
        super::consents::routes::pages,
        super::devices::routes::pages,
        super::escalation::routes::pages,
        super::health::routes::pages,
        super::messages::routes::pages,
        super::on_call::routes::pages,
        super::patients::routes::pages,
        super::people::routes::pages,
        super::privacy::routes::pages,
        super::sla::routes::pages,
        super::templates::routes::pages,
    ]
    .into_iter()
    .flat_map(|capability| capability())
    .collect()
}
