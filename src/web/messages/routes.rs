//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/alerts/{id}/messages" SeeAlerts => api::log::list;
        GET "/api/v1/messages" SignedIn => api::list;
        POST "/api/v1/messages/{id}/read" SignedIn => api::read;
        GET "/api/v1/messages/test" SignedIn => api::tests;
        POST "/api/v1/messages/test" SignedIn => api::try_out;
        GET "/api/v1/messages/mail" SignedIn => api::reader::get;
        PUT "/api/v1/messages/mail" SignedIn => api::reader::put;
        GET "/api/v1/messages/letters" SignedIn => api::reader::get_before;
        PUT "/api/v1/messages/letters" SignedIn => api::reader::put_before;
        GET "/api/v1/webhooks" SeeWebhooks => api::webhooks::list;
        POST "/api/v1/webhooks" ManageWebhooks => api::webhooks::create;
        POST "/api/v1/webhooks/{id}/disable" ManageWebhooks => api::webhooks::disable;
        POST "/api/v1/webhooks/{id}/test" ManageWebhooks => api::webhooks::test;
        GET "/api/v1/webhooks/{id}/messages" SeeWebhooks => api::webhooks::messages;
        POST "/api/v1/webhooks/{id}/replay" ManageWebhooks => api::webhooks::replay;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/pager" SignedIn => page::pager::show;
        POST "/pager" SignedIn => page::pager::seen;
        GET "/webhooks" SeeWebhooks => page::webhooks::list;
        POST "/webhooks" ManageWebhooks => page::webhooks::create;
        GET "/webhooks/{id}" SeeWebhooks => page::webhooks::show;
        POST "/webhooks/{id}/{act}" ManageWebhooks => page::webhooks::act;
        GET "/account/trial" SignedIn => page::trial::arrived;
        POST "/account/trial" SignedIn => page::trial::send;
    }
}
