//! Schedules: who answers when, by the version in force then, and what will go wrong in the next 30 days.

use std::time::Duration;

use actix_web::web::{Path, Query};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::absences::narrow;
use crate::http::api::{Answer, Body, Call, IfMatch, List, Reply};
use crate::http::fault::Fault;
use domain::on_call::{
    Absences, Because, Duty, Idle, Issue, Need, Override, Rotation, Schedule, Shift, Temporary,
};
use domain::rules::Name;
use domain::time::civil::{Window, Zone};
use domain::{Instant, UserId};
use store::on_call::absences;
use store::versions::{self, Version};
use store::{View, on_call};

/// How far the next hand-over is looked for.
const NEXT: Duration = Duration::from_secs(60 * 86_400);

/// A schedule in force.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(crate) struct Seen {
    /// Its lasting id, as in `clinician_on_call`.
    id: String,
    version: u32,
    /// `{pt, en}`.
    #[schema(value_type = Object)]
    name: Name,
    /// `{certificate, most_hours_in_a_week}`.
    #[schema(value_type = Object)]
    need: Need,
    /// `{zone, rotations, temporaries, overrides}`.
    #[schema(value_type = Object)]
    schedule: Schedule,
    /// Who wrote this version.
    author: String,
    #[schema(value_type = Option<String>)]
    in_force_at: Option<Instant>,
    /// Who is on call now.
    on_call: Vec<Present>,
    /// When that changes next, within 60 days.
    #[schema(value_type = Option<String>)]
    next_handover_at: Option<Instant>,
}

/// Somebody on call, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = OnCallPerson)]
pub(crate) struct Present {
    #[schema(value_type = String)]
    user_id: UserId,
    /// `{rotation|temporary|override: place in the list}`, or `{stands_in_for: id}` of who is away.
    #[schema(value_type = Object)]
    because: Because,
}

impl From<(UserId, Because)> for Present {
    fn from((user_id, because): (UserId, Because)) -> Self {
        Self { user_id, because }
    }
}

impl Seen {
    pub(crate) fn of(duty: Version<Duty>, now: Instant, absences: &Absences) -> Self {
        let Version { name: id, version, body: Duty { name, need, schedule }, author, in_force_at, .. } =
            duty;
        let away = absences.in_schedule(&id);
        let on_call = schedule.at(now, away).into_iter().map(Present::from).collect();
        let next_handover_at = schedule.next_change(Window { from: now, to: now.plus(NEXT) }, away);
        Self { id, version, name, need, schedule, author, in_force_at, on_call, next_handover_at }
    }
}

/// Every schedule, by id.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "schedules", responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call) -> Answer {
    call.run(|desk| {
        let (duty, absences) = desk.read(|view| {
            Ok((versions::all_in_force::<Duty>(view, desk.now)?, absences::after(view, desk.now)?))
        })?;
        let seen = duty.into_iter().map(|duty| Seen::of(duty, desk.now, &absences));
        Reply::ok(&List::whole(seen.collect::<Vec<_>>()))
    })
    .await
}

/// One schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = Seen), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let (duty, absences) =
            desk.read(|view| Ok((on_call::get(view, &id, desk.now)?, absences::after(view, desk.now)?)))?;
        let version = i64::from(duty.version);
        Ok(Reply::ok(&Seen::of(duty, desk.now, &absences))?.at(version))
    })
    .await
}

/// A schedule to be put in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewScheduleVersion)]
pub(crate) struct Written {
    /// `{pt, en}`.
    #[schema(value_type = Object)]
    name: Name,
    /// `{certificate, most_hours_in_a_week, averaged_weeks?}`: the hours of a week, averaged over 1 to 4 weeks.
    #[schema(value_type = Object)]
    need: Need,
    /// The IANA zone whose clock its people live by.
    #[schema(value_type = String)]
    zone: Zone,
    /// `{name, starts, ends?, lengths: [{hours|days|weeks|months: n}], people: [id], hours?: [Monday … Sunday],
    /// overlap_minutes?, idle_turns?}`; clock times without a zone. `idle_turns`: `skipped` (by default, a turn without
    /// hours is nobody's) or `counted`.
    #[serde(default, deserialize_with = "rotations")]
    #[schema(value_type = Vec<Object>)]
    rotations: Vec<Rotation>,
    /// `{from, to, shifts: [[id, from, to]]}`: in these windows only their own shifts count.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    temporaries: Vec<Temporary>,
    /// `{from, to, change: {add|remove: id} or {replace: [id, id]}}`, in order. `meant_at` is the house's own.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    overrides: Vec<Override>,
}

/// A rotation as it is written: turns without hours are nobody's unless somebody says otherwise. What stands in the
/// store from before there was a choice means the opposite, and keeps its meaning.
fn rotations<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Rotation>, D::Error> {
    let written = Vec::<Map<String, Value>>::deserialize(from)?;
    let whole = |mut one: Map<String, Value>| {
        let idle = serde_json::to_value(Idle::Skipped)?;
        one.entry("idle_turns").or_insert(idle);
        serde_json::from_value(Value::Object(one))
    };
    written.into_iter().map(whole).collect::<serde_json::Result<_>>().map_err(D::Error::custom)
}

/// A new version, and what it leaves open.
#[derive(Serialize, ToSchema)]
#[schema(as = ScheduleVersion)]
pub(crate) struct Published {
    pub(crate) version: u32,
    /// What will go wrong in the next 30 days, the loudest first.
    issues: Vec<Problem>,
}

pub(crate) fn published(view: &mut View<'_>, id: &str, now: Instant) -> Result<Published, Fault> {
    let duty = on_call::get(view, id, now)?;
    let found = on_call::problems(view, id, &duty.body, now)?;
    Ok(Published { version: duty.version, issues: found.iter().map(Problem::from).collect() })
}

pub(crate) fn seen_version(version: i64) -> Result<u32, Fault> {
    u32::try_from(version).map_err(|_range| Fault::new(crate::Code::Precondition))
}

/// Puts a new version in force. `If-Match: "0"` for a schedule that is not there yet.
#[utoipa::path(put, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = String, Path)), request_body = Written, responses((status = 200, body = Published), (status = 412), (status = 422), (status = 428)))]
pub(crate) async fn put(call: Call, id: Path<String>, expected: IfMatch, body: Body<Written>) -> Answer {
    call.run(move |desk| {
        lasting(&id)?;
        let Written { name, need, zone, rotations, temporaries, overrides } = body.value;
        let duty = Duty { name, need, schedule: Schedule { zone, rotations, temporaries, overrides } };
        let done = desk.write(|tx| {
            let now = tx.now();
            let current = versions::in_force::<Duty>(tx, &id, now)?.map_or(0, |duty| duty.version);
            let seen = seen_version(expected.or(i64::from(current))?)?;
            on_call::publish(tx, &id, &duty, seen)?;
            published(tx, &id, now)
        })?;
        Ok(Reply::ok(&done)?.at(i64::from(done.version)))
    })
    .await
}

/// A lasting id: what stands in addresses and policies.
pub(crate) fn lasting(id: &str) -> Result<(), Fault> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(plain);
    if fits { Ok(()) } else { Err(Fault::invalid("id", "1 to 64 of a-z, 0-9, _ and -")) }
}

/// Which window.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Between {
    #[param(value_type = String)]
    pub(crate) from: Instant,
    #[param(value_type = String)]
    pub(crate) to: Instant,
}

/// A person on call for a while.
#[derive(Serialize, ToSchema)]
#[schema(as = Shift)]
pub(crate) struct Shown {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    #[serde(flatten)]
    #[schema(inline)]
    who: Present,
}

impl From<Shift> for Shown {
    fn from(Shift { window, user, because }: Shift) -> Self {
        Self { from: window.from, to: window.to, who: (user, because).into() }
    }
}

/// Who was, is and will be on call, each stretch by the version in force then; at most 400 days.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/shifts", tag = "schedules", params(("id" = String, Path), Between), responses((status = 200, body = List<Shown>), (status = 404)))]
pub(crate) async fn shifts(call: Call, id: Path<String>, asked: Query<Between>) -> Answer {
    call.run(move |desk| {
        let within = narrow(asked.from, asked.to)?;
        let shifts = desk.read(|view| {
            on_call::get(view, &id, desk.now)?;
            Ok(on_call::shifts(view, &id, within)?)
        })?;
        Reply::ok(&List::whole(shifts.into_iter().map(Shown::from).collect::<Vec<_>>()))
    })
    .await
}

/// Which instant.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct When {
    /// Now, by default.
    #[param(value_type = Option<String>)]
    at: Option<Instant>,
}

/// Who was on call at an instant.
#[derive(Serialize, ToSchema)]
#[schema(as = OnCall)]
pub(crate) struct Then {
    #[schema(value_type = String)]
    at: Instant,
    /// The version in force then.
    version: u32,
    on_call: Vec<Present>,
}

/// Who is, or was, on call at an instant, by the version in force then: a later edit does not change it.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/on-call", tag = "schedules", params(("id" = String, Path), When), responses((status = 200, body = Then), (status = 404, description = "no such schedule at that instant")))]
pub(crate) async fn at(call: Call, id: Path<String>, asked: Query<When>) -> Answer {
    call.run(move |desk| {
        let at = asked.at.unwrap_or(desk.now);
        let (version, present) = desk.read(|view| Ok(on_call::on_call(view, &id, at)?))?;
        Reply::ok(&Then { at, version, on_call: present.into_iter().map(Present::from).collect() })
    })
    .await
}

/// What will go wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = ScheduleIssue)]
pub(crate) struct Problem {
    /// `gap`, `nobody_reachable`, `nobody_certified`, `certificate_ends`, `first_and_backup` (also in a schedule that a policy
    /// calls before this one), `beside_turn` (a change for a turn that has moved: the rest is with `user_id`), `unreachable`, `certificate_date` (`from` is the date), `overload` (in all schedules together).
    kind: &'static str,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = Option<String>)]
    to: Option<Instant>,
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// For `overload`: hours a week.
    hours: Option<u64>,
}

impl From<&Issue> for Problem {
    fn from(issue: &Issue) -> Self {
        let kind = issue.name();
        let over = |window: &Window| Self {
            kind,
            from: window.from,
            to: Some(window.to),
            user_id: None,
            hours: None,
        };
        match issue {
            Issue::Gap(window) | Issue::NobodyReachable(window) | Issue::NobodyCertified(window) => {
                over(window)
            }
            Issue::FirstAndBackup(user, window) | Issue::BesideTurn(user, window) => {
                Self { user_id: Some(*user), ..over(window) }
            }
            Issue::CertificateEnds(user, at)
            | Issue::Unreachable(user, at)
            | Issue::CertificateDate(user, at) => {
                Self { kind, from: *at, to: None, user_id: Some(*user), hours: None }
            }
            Issue::Overload(user, from, load) => {
                let hours = Some(load.as_secs() / 3_600);
                Self { kind, from: *from, to: None, user_id: Some(*user), hours }
            }
        }
    }
}

/// What will go wrong in the next 30 days, the loudest first.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/issues", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = List<Problem>), (status = 404)))]
pub(crate) async fn issues(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let found = desk.read(|view| published(view, &id, desk.now))?;
        Reply::ok(&List::whole(found.issues))
    })
    .await
}
