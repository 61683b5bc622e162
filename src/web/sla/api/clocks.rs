//! The SLA clocks of one alert: where each clock stands, when it is due, and why it stood still when it did.

use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, List, Reply};
use crate::http::fault::Fault;
use domain::calendars::Closed;
use domain::sla::{PauseReason, Segment, Still, Target};
use domain::{AlertId, Instant};
use store::patients::audience::Requested;
use store::sla;

/// A service level and its clock.
#[derive(Serialize, ToSchema)]
#[schema(as = SlaClock)]
pub(crate) struct Shown {
    service_level: String,
    service_level_version: u32,
    level: &'static str,
    /// `first_response` or `resolution`.
    metric: &'static str,
    #[schema(value_type = Object)]
    target: Target,
    calendar: String,
    calendar_version: u32,
    on_breach: Option<String>,
    /// `running`, `paused`, `warned`, `breached`, `met`, `late` or `withdrawn`.
    standing: &'static str,
    #[schema(value_type = String)]
    started_at: Instant,
    /// Null while it is paused.
    #[schema(value_type = Option<String>)]
    due_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    warned_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    breached_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    stopped_at: Option<Instant>,
    /// `answered`, `resolved` or `withdrawn`.
    #[schema(value_type = Option<String>)]
    ended: Option<sla::Ended>,
    /// Clocks that ran before: the answer was taken back, or the case opened again.
    earlier: usize,
    /// Of a target in minutes, what is used.
    used_seconds: u64,
    /// Its life so far, without a seam.
    segments: Vec<Stretch>,
}

/// A stretch of a clock's life.
#[derive(Serialize, ToSchema)]
#[schema(as = SlaSegment)]
pub(crate) struct Stretch {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Null: it ran. Else `waiting_patient`, `waiting_third_party`, `scheduled_callback`, `off_hours`, `day_off`,
    /// `holiday` or `exception`.
    still: Option<&'static str>,
    /// The holiday's or the exception's name.
    name: Option<String>,
}

impl From<Segment> for Stretch {
    fn from(segment: Segment) -> Self {
        let (still, name) = match segment.still {
            None => (None, None),
            Some(Still::Paused(reason)) => (Some(reason.name()), None),
            Some(Still::Closed(Closed::OffHours)) => (Some("off_hours"), None),
            Some(Still::Closed(Closed::DayOff)) => (Some("day_off"), None),
            Some(Still::Closed(Closed::Holiday(name))) => (Some("holiday"), Some(name)),
            Some(Still::Closed(Closed::Exception(name))) => (Some("exception"), Some(name)),
        };
        Self { from: segment.window.from, to: segment.window.to, still, name }
    }
}

impl Shown {
    fn of(clock: sla::SlaClock, now: Instant) -> Self {
        let timer = clock.timer();
        let segments = timer.trace(&clock.calendar, now).into_iter().map(Stretch::from).collect();
        Self {
            service_level_version: clock.service_level_version(),
            level: clock.level().name(),
            metric: clock.metric.name(),
            target: timer.target,
            calendar_version: clock.calendar_version,
            standing: clock.word(now),
            started_at: timer.started_at,
            due_at: clock.due_at(),
            warned_at: clock.warned_at(),
            breached_at: clock.breached_at(),
            stopped_at: timer.stopped_at,
            ended: clock.ended(),
            earlier: clock.past().len(),
            used_seconds: timer.used(&clock.calendar, now).as_secs(),
            segments,
            service_level: clock.service_level,
            calendar: clock.calendar_name,
            on_breach: clock.on_breach,
        }
    }

    fn all(clocks: Vec<sla::SlaClock>, now: Instant) -> Result<Reply, Fault> {
        Reply::ok(&List::whole(clocks.into_iter().map(|clock| Self::of(clock, now)).collect()))
    }
}

/// Why a clock shall stand still.
#[derive(Deserialize, ToSchema)]
#[schema(as = SlaPause)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// `waiting_patient`, `waiting_third_party` or `scheduled_callback`.
    #[schema(value_type = String)]
    reason: PauseReason,
}

/// The SLA clocks of an alert, each with the trace that explains its clock.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/sla", tag = "sla", params(("id" = String, Path)), responses((status = 200, body = List<Shown>), (status = 404)))]
pub(crate) async fn show(call: Call, id: Path<Requested<AlertId>>) -> Answer {
    call.run(move |desk| {
        let clocks = desk.read(|view| {
            let alert = desk.viewer.audience.alert(view, *id)?;
            desk.cases().get(view, alert)?.judged_or_fault()?;
            Ok(sla::of_alert(view, alert.id())?)
        })?;
        Shown::all(clocks, desk.now)
    })
    .await
}

/// Lets the clocks of an alert that somebody answered for stand still: at most seven days over the life of the
/// case, one day for a red, whose next pause is for another person than the last.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/sla/pause", tag = "sla", params(("id" = String, Path)), request_body = Why, responses((status = 200, body = List<Shown>), (status = 403, description = "E_FOUR_EYES"), (status = 409, description = "E_STATE")))]
pub(crate) async fn pause(call: Call, id: Path<Requested<AlertId>>, body: Body<Why>) -> Answer {
    call.run(move |desk| {
        let clocks = desk.write(|tx| {
            let alert = desk.viewer.audience.alert(tx, *id)?;
            Ok(sla::pause(tx, alert.id(), body.value.reason)?)
        })?;
        Shown::all(clocks, desk.now)
    })
    .await
}

/// Lets paused clocks go on.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/sla/resume", tag = "sla", params(("id" = String, Path)), responses((status = 200, body = List<Shown>), (status = 409, description = "E_STATE")))]
pub(crate) async fn resume(call: Call, id: Path<Requested<AlertId>>) -> Answer {
    call.run(move |desk| {
        let clocks = desk.write(|tx| {
            let alert = desk.viewer.audience.alert(tx, *id)?;
            Ok(sla::resume(tx, alert.id())?)
        })?;
        Shown::all(clocks, desk.now)
    })
    .await
}
