//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/alerts/{id}/escalation" SeeAlerts => api::progress::escalation;
        GET "/api/v1/escalation-policies" SeePolicies => api::policies::list;
        GET "/api/v1/escalation-policies/{id}" SeePolicies => api::policies::get;
        GET "/api/v1/escalation-policies/{id}/history" SeePolicies => api::policies::history;
        GET "/api/v1/escalation-policies/{id}/targets" SeePolicies => api::policies::targets;
        POST "/api/v1/escalation-policies/{id}/proposals" ProposePolicies => api::policies::propose;
        POST "/api/v1/escalation-policies/{id}/approve" ApprovePolicies => api::policies::approve;
        POST "/api/v1/escalation-policies/{id}/refuse" ApprovePolicies => api::policies::refuse;
        POST "/api/v1/escalation-policies/{id}/dry-run" SeePolicies => api::policies::dry_run;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/policies" SeePolicies => page::policies::list;
        POST "/policies" ProposePolicies => page::policies::begin;
        GET "/policies/{id}" SeePolicies => page::policies::show;
        POST "/policies/{id}" ProposePolicies => page::policies::edit;
        POST "/policies/{id}/{act}" ApprovePolicies => page::policies::decide;
    }
}
