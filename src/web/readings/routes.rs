//! Its rows of the route table: every address with the right that opens it.

use super::api;
use crate::http::route::{Row, api_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/patients/{id}/readings" SeeReadings or OwnThings => api::list;
        GET "/api/v1/patients/{id}/series" SeeReadings or OwnThings => api::series;
        GET "/api/v1/patients/{id}/latest" SeeReadings or OwnThings => api::latest;
        GET "/api/v1/patients/{id}/superseded" SeeReadings or OwnThings => api::superseded;
        GET "/api/v1/patients/{id}/quarantine" SeeReadings => api::quarantine::list;
        POST "/api/v1/quarantine/{id}/release" JudgeQuarantine => api::quarantine::release;
        POST "/api/v1/quarantine/{id}/discard" JudgeQuarantine => api::quarantine::discard;
    }
}
