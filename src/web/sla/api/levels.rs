//! Service levels: the target for alerts of a level, on which clock, and what follows a breach. Two people stand
//! behind a change.

use actix_web::web::{Path, Query};

use crate::http::api::{Answer, Body, Call, Desk, IfMatch, List};
use crate::http::fault::Fault;
use crate::versions::api::{self, SettingVersion, Shown, Standing, Wanted};
use domain::calendars::Calendar;
use domain::escalation::Policy;
use domain::sla::{Faulty, ServiceLevel};
use store::versions::{self, Version};

impl Shown for ServiceLevel {
    type Seen = SettingVersion;

    fn seen(stored: Version<Self>, standing: Standing) -> Result<SettingVersion, Fault> {
        SettingVersion::of(&stored, standing)
    }
}

crate::versions::api::which!(SettingWhich);

/// Service levels in force, or proposals that wait for a second person. Each says {name: {pt, en}, level, metric: first_response | resolution, target: {minutes |
/// open_minutes | days | working_days: n}, calendar, on_breach: a policy or null}.
#[utoipa::path(get, path = "/api/v1/service-levels", tag = "sla", params(Wanted), responses((status = 200, body = List<SettingVersion>)))]
pub(crate) async fn list(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| api::wanted::<ServiceLevel>(desk, &wanted)).await
}

/// One service level as it is in force.
#[utoipa::path(get, path = "/api/v1/service-levels/{id}", tag = "sla", params(("id" = String, Path)), responses((status = 200, body = SettingVersion), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| api::get::<ServiceLevel>(desk, &id)).await
}

/// Every version of a service level, newest first.
#[utoipa::path(get, path = "/api/v1/service-levels/{id}/history", tag = "sla", params(("id" = String, Path)), responses((status = 200, body = List<SettingVersion>), (status = 404)))]
pub(crate) async fn history(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| api::history::<ServiceLevel>(desk, &id)).await
}

/// Proposes a version, which waits for a second person. `If-Match` holds the newest number that was seen, `"0"` for a
/// new service level.
#[utoipa::path(post, path = "/api/v1/service-levels/{id}/proposals", tag = "sla", params(("id" = String, Path), ("if-match" = String, Header)), request_body = Object, responses((status = 201, body = SettingVersion), (status = 412), (status = 422)))]
pub(crate) async fn propose(call: Call, id: Path<String>, seen: IfMatch, body: Body<ServiceLevel>) -> Answer {
    call.run(move |desk| {
        check(desk, &body.value)?;
        api::propose(desk, &id, seen, |_, _| Ok(body.value))
    })
    .await
}

/// Puts another person's proposal in force, now. Clocks that run keep the version they started with.
#[utoipa::path(post, path = "/api/v1/service-levels/{id}/approve", tag = "sla", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = SettingVersion), (status = 403, description = "E_FOUR_EYES"), (status = 409)))]
pub(crate) async fn approve(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| api::decide::<ServiceLevel>(desk, &id, body.value.version, true)).await
}

/// Takes a proposal off the table.
#[utoipa::path(post, path = "/api/v1/service-levels/{id}/refuse", tag = "sla", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = List<SettingVersion>), (status = 409)))]
pub(crate) async fn refuse(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| {
        api::decide::<ServiceLevel>(desk, &id, body.value.version, false)?;
        api::history::<ServiceLevel>(desk, &id)
    })
    .await
}

/// A service level names a calendar and a policy that are in force.
fn check(desk: &Desk, level: &ServiceLevel) -> Result<(), Fault> {
    level.check().map_err(|faulty| {
        let field = match faulty {
            Faulty::Level => "level",
            Faulty::Target(_) | Faulty::Slow => "target",
            Faulty::Mute => "on_breach",
        };
        Fault::invalid(field, &faulty.to_string())
    })?;
    desk.read(|view| {
        if versions::in_force::<Calendar>(view, &level.calendar, desk.now)?.is_none() {
            return Err(Fault::invalid("calendar", "one that is in force"));
        }
        match &level.on_breach {
            Some(policy) if versions::in_force::<Policy>(view, policy, desk.now)?.is_none() => {
                Err(Fault::invalid("on_breach", "a policy that is in force, or null"))
            }
            _ => Ok(()),
        }
    })
}
