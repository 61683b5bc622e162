//! One person's absence over all schedules: their turns, and one act that says who stands in for each.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schedule_changes::asked_again;
use super::schedules::Between;
use super::{Answer, Body, Call, List, Reply};
use crate::domain::civil::Window;
use crate::domain::on_call::doubts_of;
use crate::domain::{Instant, UserId};
use crate::store::on_call::absences::{self, Cover};
use crate::store::users;
use crate::web::fault::Fault;

/// The widest window that is looked at at once.
const WIDEST: std::time::Duration = std::time::Duration::from_secs(400 * 86_400);

/// A turn in a schedule.
#[derive(Serialize, ToSchema)]
#[schema(as = ScheduleTurn)]
pub struct Turn {
    schedule: String,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
}

impl From<(String, Window)> for Turn {
    fn from((schedule, Window { from, to }): (String, Window)) -> Self {
        Self { schedule, from, to }
    }
}

/// Somebody stands in for a turn, or for a part of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AbsenceCover)]
pub struct StandsIn {
    schedule: String,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    #[schema(value_type = String)]
    user_id: UserId,
}

/// An absence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAbsence)]
pub struct Absent {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Who stands in; what is not named here stays without anybody, unless somebody else is on call beside.
    #[serde(default)]
    cover: Vec<StandsIn>,
    /// Meant as it is: a window far away or long is not asked again.
    #[serde(default)]
    sure: bool,
}

/// A schedule that was changed.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedSchedule)]
pub struct Changed {
    schedule: String,
    version: u32,
}

/// What became of an absence.
#[derive(Serialize, ToSchema)]
#[schema(as = Absence)]
pub struct Told {
    changed: Vec<Changed>,
    /// Where nobody is on call now who was before: fill it.
    uncovered: Vec<Turn>,
}

/// A window that is looked at at once.
///
/// # Errors
/// `E_INVALID`.
pub(crate) fn narrow(from: Instant, to: Instant) -> Result<Window, Fault> {
    let fits = from < to && to.since(from) <= WIDEST;
    if fits {
        Ok(Window { from, to })
    } else {
        Err(Fault::invalid("to", "after `from`, by 400 days at the most"))
    }
}

/// A person's turns in every schedule in a window of at most 400 days, as they are planned now.
#[utoipa::path(get, path = "/api/v1/users/{id}/turns", tag = "schedules", params(("id" = String, Path), Between), responses((status = 200, body = List<Turn>), (status = 404)))]
pub async fn turns(call: Call, id: Path<UserId>, asked: Query<Between>) -> Answer {
    call.run(move |desk| {
        let within = narrow(asked.from, asked.to)?;
        let turns = desk.read(|view| {
            users::get(view, *id)?;
            Ok(absences::turns_of(view, *id, within, desk.now)?)
        })?;
        Reply::ok(&List::whole(turns.into_iter().map(Turn::from).collect::<Vec<_>>()))
    })
    .await
}

/// Takes a person off every schedule for a while, with whoever stands in, in one act. It answers with what nobody covers.
/// A window far away or long is `E_DOUBT`, until it is said to be `sure`.
#[utoipa::path(post, path = "/api/v1/users/{id}/absences", tag = "schedules", params(("id" = String, Path)), request_body = Absent, responses((status = 201, body = Told), (status = 404), (status = 409), (status = 422)))]
pub async fn absent(call: Call, id: Path<UserId>, body: Body<Absent>) -> Answer {
    call.run(move |desk| {
        let Absent { from, to, cover, sure } = body.value;
        let within = narrow(from, to)?;
        if !sure {
            asked_again(&doubts_of(within, desk.now))?;
        }
        let stands_in = |one: StandsIn| Cover {
            schedule: one.schedule,
            window: Window { from: one.from, to: one.to },
            by: one.user_id,
        };
        let covers: Vec<Cover> = cover.into_iter().map(stands_in).collect();
        let done = desk.write(|tx| {
            users::get(tx, *id)?;
            Ok(absences::absent(tx, *id, within, &covers)?)
        })?;
        let changed = done.changed.into_iter().map(|(schedule, version)| Changed { schedule, version });
        let uncovered = done.uncovered.into_iter().map(Turn::from).collect();
        Reply::with(StatusCode::CREATED, &Told { changed: changed.collect(), uncovered })
    })
    .await
}
