//! What pages show and do: each handler fills a view model from the store for this viewer, now. The rows below
//! are the pages' part of the route table.

mod absence;
mod accesses;
mod account;
mod alert;
mod audit;
mod calendars;
mod consents;
mod devices;
mod door;
mod house;
mod kept;
mod ladder;
mod many;
mod message_templates;
mod needs;
mod on_duty;
mod pager;
mod password;
mod patient;
mod patients;
mod people;
mod policies;
mod policy_words;
mod portal;
mod promises;
mod queue;
mod readings;
mod schedule;
mod schedules;
mod search;
mod service_levels;
mod swaps;
mod teams;
mod ties;
mod timeline;
mod told;
mod trial;
mod users;
mod visit;
mod webhooks;
mod wheels;
mod windows;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(in crate::pages) use consents::as_shown as shown_to_the_patient;

use actix_web::http::Method;

use crate::routes::Row;
use domain::Can;

macro_rules! pages {
    ($($method:ident $path:literal $right:ident $(or $also:ident)* => $handler:expr;)+) => {
        vec![$(Row::page(Method::$method, $path, Can::$right, $handler)$(.or(Can::$also))*,)+]
    };
}

/// Every address for people.
#[must_use]
pub fn rows() -> Vec<Row> {
    pages! {
        GET "/" Anyone => door::home;
        GET "/login" Anyone => door::form;
        POST "/login" Anyone => door::enter;
        POST "/logout" SignedIn => door::leave;
        GET "/password/{secret}" Anyone => password::form;
        POST "/password/{secret}" Anyone => password::set;
        POST "/preferences" Anyone => door::prefer;
        GET "/queue" SeeAlerts => queue::show;
        GET "/queue/many" AnswerCalls => many::show;
        POST "/queue/many" AnswerCalls => many::answer;
        GET "/alerts/{id}" SeeAlerts => alert::show;
        POST "/alerts/{id}/{act}" AnswerCalls => alert::act;
        POST "/alerts/{id}/sla/{act}" ActOnAlerts => promises::act;
        GET "/pager" SignedIn => pager::show;
        POST "/pager" SignedIn => pager::seen;
        GET "/patients" SeeContacts => patients::list;
        POST "/patients" ManagePatients => patients::register;
        GET "/patients/{id}" SeeContacts or SeeConsents => patient::show;
        POST "/patients/{id}/consents" AssistConsent or RevokeConsent => consents::act;
        POST "/quarantine/{id}/{act}" JudgeQuarantine => patient::judge;
        GET "/devices" SeeDevices => devices::list;
        POST "/devices" ManageDevices => devices::enrol;
        GET "/devices/{id}" SeeDevices => devices::show;
        GET "/devices/{id}/pairing" ManageDevices => devices::pairing;
        POST "/devices/{id}/pairing" ManageDevices => devices::pair;
        POST "/devices/{id}/commands/{command}/cancel" ManageDevices => devices::cancel_command;
        POST "/devices/{id}/{act}" ManageDevices => devices::act;
        GET "/accesses" ReadAudit => accesses::list;
        POST "/accesses" Reveal => accesses::reveal;
        GET "/patients/{id}/accesses" ReadAudit => accesses::of_patient;
        POST "/reveals/{id}/{act}" Reveal => accesses::act;
        GET "/audit" ReadAudit => audit::explore;
        GET "/audit/entries/{index}" ReadAudit => audit::one;
        GET "/audit/entries/{index}/proof" ReadAudit => audit::proof;
        POST "/audit/verify" ReadAudit => audit::verify;
        POST "/audit/export" ReadAudit => crate::api::audit::export;
        GET "/status" SeeStatus => house::status;
        GET "/webhooks" SeeWebhooks => webhooks::list;
        POST "/webhooks" ManageWebhooks => webhooks::create;
        GET "/webhooks/{id}" SeeWebhooks => webhooks::show;
        POST "/webhooks/{id}/{act}" ManageWebhooks => webhooks::act;
        GET "/rules" SeeRules => house::rules;
        GET "/policies" SeePolicies => policies::list;
        POST "/policies" ProposePolicies => policies::begin;
        GET "/policies/{id}" SeePolicies => policies::show;
        POST "/policies/{id}" ProposePolicies => policies::edit;
        POST "/policies/{id}/{act}" ApprovePolicies => policies::decide;
        GET "/service-levels" SeePolicies => service_levels::list;
        POST "/service-levels" ProposePolicies => service_levels::begin;
        GET "/service-levels/{id}" SeePolicies => service_levels::show;
        POST "/service-levels/{id}" ProposePolicies => service_levels::edit;
        POST "/service-levels/{id}/{act}" ApprovePolicies => service_levels::decide;
        GET "/calendars" SeePolicies => calendars::list;
        POST "/calendars" ManageSchedules => calendars::begin;
        GET "/calendars/{id}" SeePolicies => calendars::show;
        POST "/calendars/{id}" ManageSchedules => calendars::edit;
        GET "/message-templates" SeeTemplates => message_templates::list;
        GET "/message-templates/{id}" SeeTemplates => message_templates::show;
        POST "/message-templates/{id}" ManageTemplates => message_templates::edit;
        POST "/message-templates/{id}/{act}" ManageTemplates => message_templates::decide;
        GET "/schedules" SeeSchedules => schedules::list;
        POST "/schedules" ManageSchedules => needs::create;
        POST "/schedules/{id}/need" ManageSchedules => needs::set;
        GET "/teams" SeeSchedules => teams::list;
        POST "/teams" ManageSchedules => teams::create;
        POST "/teams/{id}" ManageSchedules => teams::change;
        GET "/on-duty" SeeSchedules => on_duty::list;
        GET "/on-duty/{id}" SeeSchedules => on_duty::show;
        POST "/on-duty/{id}/{act}" ManageSchedules => on_duty::act;
        GET "/schedules/{id}" SeeSchedules => schedule::show;
        POST "/schedules/{id}/feed" SeeSchedules => schedule::feed;
        POST "/schedules/{id}/unfeed" SeeSchedules => wheels::unfeed;
        POST "/schedules/{id}/swap" AnswerCalls => swaps::ask;
        POST "/swaps/{id}/{act}" AnswerCalls => swaps::act;
        GET "/absence" ManageSchedules or AnswerCalls => absence::show;
        POST "/absence" ManageSchedules or AnswerCalls => absence::act;
        POST "/absence/{id}/{act}" ManageSchedules or AnswerCalls => absence::change;
        POST "/schedules/{id}/{act}" ManageSchedules => wheels::act;
        GET "/users" ManageUsers or VouchForUsers => users::list;
        POST "/users" ManageUsers => users::create;
        POST "/users/{id}/{act}" ManageUsers or VouchForUsers => users::act;
        GET "/me" OwnThings => portal::show;
        GET "/account" SignedIn => account::show;
        GET "/account/trial" SignedIn => trial::arrived;
        POST "/account/trial" SignedIn => trial::send;
        POST "/account/letters" SignedIn => account::letters;
        POST "/account/password" SignedIn => account::password;
        POST "/account/totp" SignedIn => account::set;
        POST "/account/totp/remove" SignedIn => account::remove;
        GET "/api/docs" Anyone => door::api_docs;
    }
}
