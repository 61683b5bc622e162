//! Service levels: what is promised to an alert of a level, on which clock, and what follows a breach. Two people stand
//! behind a change.

use actix_web::http::StatusCode;
use actix_web::web::Path;

use super::kept::{self, Kept, Which};
use super::{Answer, Body, Call, Desk, IfMatch, List, Reply};
use crate::domain::calendar::Calendar;
use crate::domain::escalation::Policy;
use crate::domain::sla::{Faulty, ServiceLevel};
use crate::store::versions;
use crate::web::code::Code;
use crate::web::fault::Fault;

/// Service levels in force. Each says {name: {pt, en}, level, metric: first_response | resolution, target: {minutes |
/// open_minutes | days | working_days: n}, calendar, on_breach: a policy or null}.
#[utoipa::path(get, path = "/api/v1/service-levels", tag = "promises", responses((status = 200, body = List<Kept>)))]
pub async fn list(call: Call) -> Answer {
    call.run(kept::list::<ServiceLevel>).await
}

/// One service level as it is in force.
#[utoipa::path(get, path = "/api/v1/service-levels/{id}", tag = "promises", params(("id" = String, Path)), responses((status = 200, body = Kept), (status = 404)))]
pub async fn get(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| kept::get::<ServiceLevel>(desk, &id)).await
}

/// Every version of a service level, newest first.
#[utoipa::path(get, path = "/api/v1/service-levels/{id}/history", tag = "promises", params(("id" = String, Path)), responses((status = 200, body = List<Kept>), (status = 404)))]
pub async fn history(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| kept::history::<ServiceLevel>(desk, &id)).await
}

/// Proposes a version, which waits for a second person. `If-Match` holds the newest number that was seen, `"0"` for a
/// new service level.
#[utoipa::path(post, path = "/api/v1/service-levels/{id}/proposals", tag = "promises", params(("id" = String, Path), ("if-match" = String, Header)), request_body = Object, responses((status = 201, body = Kept), (status = 412), (status = 422)))]
pub async fn propose(call: Call, id: Path<String>, seen: IfMatch, body: Body<ServiceLevel>) -> Answer {
    call.run(move |desk| {
        kept::named(&id)?;
        check(desk, &body.value)?;
        let newest = desk.read(|view| kept::newest::<ServiceLevel>(view, &id))?;
        let seen = u32::try_from(seen.or(newest)?).map_err(|_range| Fault::new(Code::Precondition))?;
        let made = desk.write(|tx| {
            let version = versions::propose(tx, &id, &body.value, seen)?;
            Ok(versions::get::<ServiceLevel>(tx, &id, version)?)
        })?;
        Ok(Reply::with(StatusCode::CREATED, &Kept::of(&made, None)?)?.at(i64::from(made.version)))
    })
    .await
}

/// Puts another person's proposal in force, now. Clocks that run keep the version they started with.
#[utoipa::path(post, path = "/api/v1/service-levels/{id}/approve", tag = "promises", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = Kept), (status = 403, description = "E_FOUR_EYES"), (status = 409)))]
pub async fn approve(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| {
        let which = body.value.version;
        desk.write(|tx| Ok(versions::approve::<ServiceLevel>(tx, &id, which)?))?;
        kept::get::<ServiceLevel>(desk, &id)
    })
    .await
}

/// Takes a proposal off the table.
#[utoipa::path(post, path = "/api/v1/service-levels/{id}/refuse", tag = "promises", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = List<Kept>), (status = 409)))]
pub async fn refuse(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| {
        let which = body.value.version;
        desk.write(|tx| Ok(versions::refuse::<ServiceLevel>(tx, &id, which)?))?;
        kept::history::<ServiceLevel>(desk, &id)
    })
    .await
}

/// A promise names a calendar and a policy that are in force.
fn check(desk: &Desk, level: &ServiceLevel) -> Result<(), Fault> {
    level.check().map_err(|faulty| {
        let field = match faulty {
            Faulty::Level => "level",
            Faulty::Target(_) => "target",
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
