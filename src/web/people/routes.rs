//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        POST "/api/v1/auth/token" Anyone => api::tokens::token;
        POST "/api/v1/auth/refresh" Anyone => api::tokens::refresh;
        POST "/api/v1/auth/logout" SignedIn => api::tokens::logout;
        GET "/.well-known/jwks.json" Anyone => api::tokens::jwks;
        GET "/api/v1/users" ManageUsers or VouchForUsers => api::users::list;
        POST "/api/v1/users" ManageUsers => api::users::create;
        GET "/api/v1/users/{id}" ManageUsers or VouchForUsers => api::users::get;
        PATCH "/api/v1/users/{id}" ManageUsers => api::users::patch;
        POST "/api/v1/users/{id}/disable" ManageUsers => api::users::disable;
        POST "/api/v1/users/{id}/unlock" ManageUsers => api::users::unlock;
        POST "/api/v1/users/{id}/vouch" VouchForUsers => api::users::vouch;
        POST "/api/v1/users/{id}/reset" ManageUsers => api::users::reset;
        DELETE "/api/v1/users/{id}/sessions" ManageUsers => api::users::end_sessions;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/" Anyone => page::sign_in::home;
        GET "/login" Anyone => page::sign_in::form;
        POST "/login" Anyone => page::sign_in::enter;
        POST "/logout" SignedIn => page::sign_in::leave;
        GET "/password/{secret}" Anyone => page::password::form;
        POST "/password/{secret}" Anyone => page::password::set;
        POST "/preferences" Anyone => page::sign_in::prefer;
        GET "/users" ManageUsers or VouchForUsers => page::users::list;
        POST "/users" ManageUsers => page::users::create;
        POST "/users/{id}/{act}" ManageUsers or VouchForUsers => page::users::act;
        GET "/account" SignedIn => page::account::show;
        POST "/account/mail" SignedIn => page::account::mail;
        POST "/account/password" SignedIn => page::account::password;
        POST "/account/totp" SignedIn => page::account::set;
        POST "/account/totp/remove" SignedIn => page::account::remove;
        GET "/api/docs" Anyone => page::sign_in::api_docs;
    }
}
