//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/alerts/{id}/sla" SeeAlerts => api::clocks::show;
        POST "/api/v1/alerts/{id}/sla/pause" ActOnAlerts => api::clocks::pause;
        POST "/api/v1/alerts/{id}/sla/resume" ActOnAlerts => api::clocks::resume;
        GET "/api/v1/service-levels" SeePolicies => api::levels::list;
        GET "/api/v1/service-levels/{id}" SeePolicies => api::levels::get;
        GET "/api/v1/service-levels/{id}/history" SeePolicies => api::levels::history;
        POST "/api/v1/service-levels/{id}/proposals" ProposePolicies => api::levels::propose;
        POST "/api/v1/service-levels/{id}/approve" ApprovePolicies => api::levels::approve;
        POST "/api/v1/service-levels/{id}/refuse" ApprovePolicies => api::levels::refuse;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        POST "/alerts/{id}/sla/{act}" ActOnAlerts => page::clocks::act;
        GET "/service-levels" SeePolicies => page::levels::list;
        POST "/service-levels" ProposePolicies => page::levels::begin;
        GET "/service-levels/{id}" SeePolicies => page::levels::show;
        POST "/service-levels/{id}" ProposePolicies => page::levels::edit;
        POST "/service-levels/{id}/{act}" ApprovePolicies => page::levels::decide;
    }
}
