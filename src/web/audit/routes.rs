//! Its rows of the route table: every address with the right that opens it.

use super::verifications::{api as verifications, page as verifying};
use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/audit/entries" ReadAudit => api::entries;
        GET "/api/v1/audit/checkpoint" ReadAudit => api::checkpoint;
        GET "/api/v1/audit/key" ReadAudit => api::public_key;
        GET "/api/v1/audit/proofs" ReadAudit => api::proofs;
        GET "/api/v1/audit/export" ReadAudit => api::export;
        GET "/api/v1/audit/verifications" ReadAudit => verifications::list;
        POST "/api/v1/audit/verifications" ReadAudit => verifications::ask;
        GET "/api/v1/audit/verifications/{id}" ReadAudit => verifications::get;
        POST "/api/v1/audit/verifications/{id}/cancel" ReadAudit => verifications::cancel;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/audit" ReadAudit => page::explore;
        GET "/audit/entries/{index}" ReadAudit => page::one;
        GET "/audit/entries/{index}/proof" ReadAudit => page::proof;
        GET "/audit/verifications" ReadAudit => verifying::list;
        POST "/audit/verifications" ReadAudit => verifying::ask;
        POST "/audit/verifications/{id}/cancel" ReadAudit => verifying::cancel;
        POST "/audit/export" ReadAudit => api::export;
    }
}
