//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/message-templates" SeeTemplates => api::list;
        GET "/api/v1/message-templates/{id}" SeeTemplates => api::get;
        GET "/api/v1/message-templates/{id}/history" SeeTemplates => api::history;
        POST "/api/v1/message-templates/{id}/proposals" ManageTemplates => api::propose;
        POST "/api/v1/message-templates/{id}/approve" ManageTemplates => api::approve;
        POST "/api/v1/message-templates/{id}/refuse" ManageTemplates => api::refuse;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/message-templates" SeeTemplates => page::list;
        GET "/message-templates/{id}" SeeTemplates => page::show;
        POST "/message-templates/{id}" ManageTemplates => page::edit;
        POST "/message-templates/{id}/{act}" ManageTemplates => page::decide;
    }
}
