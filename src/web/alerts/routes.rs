//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/patients/{id}/alerts" SeeAlerts => api::of_patient;
        GET "/api/v1/alerts" SeeAlerts => api::list;
        POST "/api/v1/alerts/ack" ActOnAlerts or AnswerCalls => api::together::ack;
        GET "/api/v1/alerts/{id}" SeeAlerts => api::get;
        GET "/api/v1/alerts/{id}/attachments" ActOnAlerts => api::attachments::list;
        POST "/api/v1/alerts/{id}/attachments" ActOnAlerts => api::attachments::create;
        GET "/api/v1/alerts/{id}/attachments/{attachment}" ActOnAlerts => api::attachments::get;
        DELETE "/api/v1/alerts/{id}/attachments/{attachment}" ActOnAlerts => api::attachments::delete;
        POST "/api/v1/alerts/{id}/claim" ActOnAlerts or AnswerCalls => api::claim;
        POST "/api/v1/alerts/{id}/ack" ActOnAlerts or AnswerCalls => api::ack;
        POST "/api/v1/alerts/{id}/snooze" ActOnAlerts => api::snooze;
        POST "/api/v1/alerts/{id}/resolve" ActOnAlerts => api::resolve;
        POST "/api/v1/alerts/{id}/reassign" ActOnAlerts or AnswerCalls => api::reassign;
        POST "/api/v1/alerts/{id}/unack" ActOnAlerts => api::unack;
        POST "/api/v1/alerts/{id}/escalate" ActOnAlerts => api::escalate;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/queue" SeeAlerts => page::queue::show;
        GET "/queue/many" AnswerCalls => page::many::show;
        POST "/queue/many" AnswerCalls => page::many::answer;
        GET "/alerts/{id}" SeeAlerts => page::alert::show;
        POST "/alerts/{id}/attachments" ActOnAlerts => page::attachments::attach;
        GET "/alerts/{id}/attachments/{attachment}" ActOnAlerts => page::attachments::download;
        POST "/alerts/{id}/attachments/{attachment}/remove" ActOnAlerts => page::attachments::remove;
        POST "/alerts/{id}/{act}" AnswerCalls => page::alert::act;
    }
}
