//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/patients/{id}/accesses" ReadAudit or OwnThings => api::accesses::list;
        GET "/api/v1/patients/{id}/export" OwnThings => api::own_data::take;
        POST "/api/v1/patients/{id}/reveals" Reveal => api::reveals::create;
        GET "/api/v1/reveals" Reveal => api::reveals::list;
        POST "/api/v1/reveals/{id}/approve" ApproveReveals => api::reveals::approve;
        POST "/api/v1/reveals/{id}/refuse" ApproveReveals => api::reveals::refuse;
        POST "/api/v1/reveals/{id}/open" Reveal => api::reveals::open;
        GET "/api/v1/organisation" SignedIn => api::organisation::get;
        PUT "/api/v1/organisation/dpo" NameOfficer => api::organisation::put_dpo;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/accesses" ReadAudit => page::accesses::list;
        POST "/accesses" Reveal => page::accesses::reveal;
        GET "/patients/{id}/accesses" ReadAudit => page::accesses::of_patient;
        POST "/reveals/{id}/{act}" Reveal => page::accesses::act;
        GET "/me" OwnThings => page::portal::show;
    }
}
