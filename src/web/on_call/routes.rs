//! Its rows of the route table: every address with the right that opens it.

use super::{api, page};
use crate::http::route::{Row, api_rows, page_rows};

/// Its addresses for programs.
pub(crate) fn api() -> Vec<Row> {
    api_rows! {
        GET "/api/v1/users/{id}/certificate" SeeSchedules => api::teams::fitness;
        PUT "/api/v1/users/{id}/certificate" ManageSchedules => api::teams::certify;
        PUT "/api/v1/users/{id}/capacity" ManageSchedules => api::teams::carry;
        DELETE "/api/v1/users/{id}/unreachable/{channel}" ManageSchedules => api::teams::reached;
        GET "/api/v1/schedules" SeeSchedules => api::schedules::list;
        GET "/api/v1/schedules/{id}" SeeSchedules => api::schedules::get;
        PUT "/api/v1/schedules/{id}" ManageSchedules => api::schedules::put;
        GET "/api/v1/schedules/{id}/overrides" SeeSchedules => api::changes::overrides;
        POST "/api/v1/schedules/{id}/overrides" ManageSchedules => api::changes::override_with;
        PUT "/api/v1/schedules/{id}/overrides/{place}" ManageSchedules => api::changes::change_override;
        DELETE "/api/v1/schedules/{id}/overrides/{place}" ManageSchedules => api::changes::take_override;
        GET "/api/v1/schedules/{id}/temporaries" SeeSchedules => api::changes::temporaries;
        POST "/api/v1/schedules/{id}/temporaries" ManageSchedules => api::changes::instead;
        PUT "/api/v1/schedules/{id}/temporaries/{place}" ManageSchedules => api::changes::change_temporary;
        DELETE "/api/v1/schedules/{id}/temporaries/{place}" ManageSchedules => api::changes::take_temporary;
        GET "/api/v1/schedules/{id}/swaps" SeeSchedules => api::swaps::list;
        POST "/api/v1/schedules/{id}/swaps" AnswerCalls => api::swaps::ask;
        POST "/api/v1/swaps/{id}/accept" AnswerCalls => api::swaps::accept;
        POST "/api/v1/swaps/{id}/decline" AnswerCalls => api::swaps::decline;
        POST "/api/v1/swaps/{id}/withdraw" AnswerCalls => api::swaps::withdraw;
        GET "/api/v1/users/{id}/turns" SeeSchedules => api::absences::turns;
        POST "/api/v1/users/{id}/absences" ManageSchedules or AnswerCalls => api::absences::absent;
        GET "/api/v1/absences" SeeSchedules => api::absences::list;
        PUT "/api/v1/absences/{id}" ManageSchedules or AnswerCalls => api::absences::change;
        DELETE "/api/v1/absences/{id}" ManageSchedules or AnswerCalls => api::absences::take_back;
        GET "/api/v1/schedules/{id}/shifts" SeeSchedules => api::schedules::shifts;
        GET "/api/v1/schedules/{id}/on-call" SeeSchedules => api::schedules::at;
        GET "/api/v1/schedules/{id}/issues" SeeSchedules => api::schedules::issues;
        POST "/api/v1/schedules/{id}/feed" SeeSchedules => api::feeds::open;
        DELETE "/api/v1/schedules/{id}/feed" SeeSchedules => api::feeds::close;
        GET "/api/v1/schedules/{id}/calendar.ics" Anyone => api::feeds::calendar;
        GET "/api/v1/teams" SeeSchedules => api::teams::teams;
        GET "/api/v1/teams/{id}" SeeSchedules => api::teams::team;
        PUT "/api/v1/teams/{id}" ManageSchedules => api::teams::put_team;
        GET "/api/v1/on-call/capacity" SeeSchedules => api::teams::carried;
    }
}

/// Its addresses for people.
pub(crate) fn pages() -> Vec<Row> {
    page_rows! {
        GET "/schedules" SeeSchedules => page::schedules::list;
        POST "/schedules" ManageSchedules => page::needs::create;
        POST "/schedules/{id}/need" ManageSchedules => page::needs::set;
        GET "/teams" SeeSchedules => page::teams::list;
        POST "/teams" ManageSchedules => page::teams::create;
        POST "/teams/{id}" ManageSchedules => page::teams::change;
        GET "/on-duty" SeeSchedules => page::people::list;
        GET "/on-duty/{id}" SeeSchedules => page::people::show;
        POST "/on-duty/{id}/{act}" ManageSchedules => page::people::act;
        GET "/schedules/{id}" SeeSchedules => page::schedule::show;
        POST "/schedules/{id}/feed" SeeSchedules => page::schedule::feed;
        POST "/schedules/{id}/unfeed" SeeSchedules => page::rotations::unfeed;
        POST "/schedules/{id}/swap" AnswerCalls => page::swaps::ask;
        POST "/swaps/{id}/{act}" AnswerCalls => page::swaps::act;
        GET "/absence" ManageSchedules or AnswerCalls => page::absence::show;
        POST "/absence" ManageSchedules or AnswerCalls => page::absence::act;
        POST "/absence/{id}/{act}" ManageSchedules or AnswerCalls => page::absence::change;
        POST "/schedules/{id}/{act}" ManageSchedules => page::rotations::act;
    }
}
