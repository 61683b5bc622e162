//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/calendars" SeePolicies => api::list;
        GET "/api/v1/calendars/{id}" SeePolicies => api::get;
        PUT "/api/v1/calendars/{id}" ManageSchedules => api::put;
        GET "/api/v1/calendars/{id}/history" SeePolicies => api::history;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/calendars" SeePolicies => page::list;
        POST "/calendars" ManageSchedules => page::begin;
        GET "/calendars/{id}" SeePolicies => page::show;
        POST "/calendars/{id}" ManageSchedules => page::edit;
    }
}
