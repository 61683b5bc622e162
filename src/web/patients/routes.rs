//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/patients" SeeContacts => api::list;
        POST "/api/v1/patients" ManagePatients => api::create;
        GET "/api/v1/patients/{id}" SeeContacts or OwnThings => api::get;
        PATCH "/api/v1/patients/{id}" ManagePatients => api::patch;
        GET "/api/v1/patients/{id}/timeline" SeeContacts or SeeConsents => api::timeline::list;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/patients" SeeContacts => page::list::list;
        POST "/patients" ManagePatients => page::list::register;
        GET "/patients/{id}" SeeContacts or SeeConsents => page::patient::show;
        GET "/patients/{id}/timeline" SeeContacts or SeeConsents => page::timeline::show;
        POST "/quarantine/{id}/{act}" JudgeQuarantine => page::patient::judge;
    }
}
