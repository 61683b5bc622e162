//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/patients/{id}/consents" SeeConsents or OwnThings => api::state;
        POST "/api/v1/patients/{id}/consents" AssistConsent or RevokeConsent => api::act;
        GET "/api/v1/terms" SignedIn => api::terms::list;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        POST "/patients/{id}/consents" AssistConsent or RevokeConsent => page::act;
    }
}
