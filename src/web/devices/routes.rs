//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/patients/{id}/devices" SeeDevices or OwnThings => api::of_patient;
        GET "/api/v1/devices" SeeDevices => api::list;
        POST "/api/v1/devices" ManageDevices => api::create;
        GET "/api/v1/devices/{id}" SeeDevices => api::get;
        GET "/api/v1/devices/{id}/unbind" ManageDevices => api::moves::ending;
        GET "/api/v1/devices/{id}/quarantine" ManageDevices => api::moves::quarantine;
        GET "/api/v1/devices/{id}/moves" ManageDevices => api::moves::list;
        POST "/api/v1/devices/{id}/bind" ManageDevices => api::bind;
        POST "/api/v1/devices/{id}/unbind" ManageDevices => api::unbind;
        POST "/api/v1/devices/{id}/disable" ManageDevices => api::disable;
        POST "/api/v1/devices/{id}/enable" ManageDevices => api::enable;
        POST "/api/v1/devices/{id}/tokens" ManageDevices => api::issue_token;
        DELETE "/api/v1/devices/{id}/tokens/{token}" ManageDevices => api::revoke_token;
        GET "/api/v1/devices/{id}/commands" SeeDevices => api::commands::list;
        POST "/api/v1/devices/{id}/commands" ManageDevices => api::commands::create;
        DELETE "/api/v1/devices/{id}/commands/{command}" ManageDevices => api::commands::cancel;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/devices" SeeDevices => page::list;
        POST "/devices" ManageDevices => page::enrol;
        GET "/devices/{id}" SeeDevices => page::show;
        GET "/devices/{id}/pairing" ManageDevices => page::pairing;
        POST "/devices/{id}/pairing" ManageDevices => page::pair;
        POST "/devices/{id}/commands/{command}/cancel" ManageDevices => page::cancel_command;
        POST "/devices/{id}/{act}" ManageDevices => page::act;
    }
}
