//! Its rows of the route table: every address with the right that opens it.

use super::api;
use crate::http::route::{Row, api_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/kpis/facts" SeeKpis => api::facts;
    }
}
