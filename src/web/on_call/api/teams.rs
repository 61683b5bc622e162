//! What being on call leans on: teams, certificates, channels that reach a person no more, capacity and load.

use std::collections::BTreeSet;

use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schedules::lasting;
use crate::Code;
use crate::http::api::{Answer, Body, Call, IfMatch, List, Reply};
use crate::http::fault::Fault;
use domain::messages::Channel;
use domain::on_call::capacity::{self, Agent, Work};
use domain::on_call::{Licence, Team};
use domain::rules::Name;
use domain::{AlertId, Instant, UserId};
use store::Tx;
use store::on_call::{self, Certificate, Gone};
use store::patients::audience::Requested;
use store::versions::{self, Version};

/// People who are paged together.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeenTeam {
    /// Its lasting id.
    id: String,
    version: u32,
    /// `{pt, en}`.
    #[schema(value_type = Object)]
    name: Name,
    #[schema(value_type = Vec<String>)]
    members: Vec<UserId>,
}

impl From<Version<Team>> for SeenTeam {
    fn from(team: Version<Team>) -> Self {
        let Team { name, members } = team.body;
        Self { id: team.name, version: team.version, name, members }
    }
}

/// Every team, by id.
#[utoipa::path(get, path = "/api/v1/teams", tag = "schedules", responses((status = 200, body = List<SeenTeam>)))]
pub(crate) async fn teams(call: Call) -> Answer {
    call.run(|desk| {
        let teams = desk.read(|view| Ok(versions::all_in_force::<Team>(view, desk.now)?))?;
        Reply::ok(&List::whole(teams.into_iter().map(SeenTeam::from).collect::<Vec<_>>()))
    })
    .await
}

/// One team.
#[utoipa::path(get, path = "/api/v1/teams/{id}", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = SeenTeam), (status = 404)))]
pub(crate) async fn team(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let stored = desk.read(|view| Ok(versions::in_force::<Team>(view, &id, desk.now)?))?;
        let stored = stored.ok_or_else(|| Fault::new(Code::NotFound))?;
        let version = i64::from(stored.version);
        Ok(Reply::ok(&SeenTeam::from(stored))?.at(version))
    })
    .await
}

/// A team to be put in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenTeam {
    /// `{pt, en}`.
    #[schema(value_type = Object)]
    name: Name,
    #[schema(value_type = Vec<String>)]
    members: Vec<UserId>,
}

/// Puts a new version in force. `If-Match: "0"` for a team that is not there yet.
#[utoipa::path(put, path = "/api/v1/teams/{id}", tag = "schedules", params(("id" = String, Path)), request_body = WrittenTeam, responses((status = 200, body = SeenTeam), (status = 412), (status = 422), (status = 428)))]
pub(crate) async fn put_team(
    call: Call,
    id: Path<String>,
    expected: IfMatch,
    body: Body<WrittenTeam>,
) -> Answer {
    call.run(move |desk| {
        lasting(&id)?;
        let WrittenTeam { name, members } = body.value;
        let team = Team { name, members };
        let published = desk.write(|tx| {
            let now = tx.now();
            let current = versions::in_force::<Team>(tx, &id, now)?.map_or(0, |team| team.version);
            let seen = expected.or(i64::from(current))?;
            let seen = u32::try_from(seen).map_err(|_range| Fault::new(Code::Precondition))?;
            let version = keep_team(tx, &id, &team, seen)?;
            Ok(SeenTeam {
                id: id.to_string(),
                version,
                name: team.name.clone(),
                members: team.members.clone(),
            })
        })?;
        let version = i64::from(published.version);
        Ok(Reply::ok(&published)?.at(version))
    })
    .await
}

/// Puts a team in force whose members may sign in.
///
/// # Errors
/// `E_INVALID` names the field; `E_PRECONDITION`; store faults.
pub(crate) fn keep_team(tx: &mut Tx<'_>, id: &str, team: &Team, seen: u32) -> Result<u32, Fault> {
    team.check().map_err(|faulty| Fault::invalid("members", &faulty.to_string()))?;
    let known = on_call::people(tx)?;
    if !team.members.iter().all(|user| known.contains_key(user)) {
        return Err(Fault::invalid("members", "active members of staff"));
    }
    Ok(versions::publish(tx, id, team, seen)?)
}

/// What is known of a person who may be on call.
#[derive(Serialize, ToSchema)]
pub(crate) struct Fit {
    #[schema(value_type = String)]
    user_id: UserId,
    /// The first instant at which their certificate is not valid; null: they hold none.
    #[schema(value_type = Option<String>)]
    valid_until: Option<Instant>,
    /// Whether it is valid now.
    valid: bool,
    noted_by: Option<String>,
    #[schema(value_type = Option<String>)]
    noted_at: Option<Instant>,
    /// `{council, number}`, as in `COREN-SP` and the number in its register.
    #[schema(value_type = Option<Object>)]
    licence: Option<Licence>,
    /// Channels that reach them no more: `{channel, why, since}`.
    unreachable: Vec<Lost>,
}

/// A channel that reaches somebody no more.
#[derive(Serialize, ToSchema)]
pub(crate) struct Lost {
    channel: &'static str,
    why: String,
    #[schema(value_type = String)]
    since: Instant,
}

impl Fit {
    fn of(user_id: UserId, certificate: Option<Certificate>, gone: Vec<Gone>, now: Instant) -> Self {
        let valid_until = certificate.as_ref().map(|certificate| certificate.valid_until);
        let lost = |gone: Gone| Lost { channel: gone.channel.name(), why: gone.why, since: gone.since };
        Self {
            user_id,
            valid_until,
            valid: valid_until.is_some_and(|until| now < until),
            noted_at: certificate.as_ref().map(|certificate| certificate.noted_at),
            noted_by: certificate.as_ref().map(|certificate| certificate.noted_by.clone()),
            licence: certificate.and_then(|certificate| certificate.licence),
            unreachable: gone.into_iter().map(lost).collect(),
        }
    }
}

/// A person's certificate, and the channels that reach them no more.
#[utoipa::path(get, path = "/api/v1/users/{id}/certificate", tag = "schedules", params(("id" = String, Path)), responses((status = 200, body = Fit), (status = 404)))]
pub(crate) async fn fitness(call: Call, id: Path<UserId>) -> Answer {
    call.run(move |desk| {
        let fit = desk.read(|view| {
            store::people::users::get(view, *id)?;
            let (certificate, gone) = (on_call::certificate(view, *id)?, on_call::unreachable(view, *id)?);
            Ok(Fit::of(*id, certificate, gone, desk.now))
        })?;
        Reply::ok(&fit)
    })
    .await
}

/// A certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certified {
    /// The first instant at which it is not valid; now or earlier takes it away.
    #[schema(value_type = String)]
    valid_until: Instant,
    /// `{council, number}`; what was noted stays unless it is given.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    licence: Option<Licence>,
}

/// Notes or renews a person's certificate.
#[utoipa::path(put, path = "/api/v1/users/{id}/certificate", tag = "schedules", params(("id" = String, Path)), request_body = Certified, responses((status = 200, body = Fit), (status = 404), (status = 422, description = "not within ten years")))]
pub(crate) async fn certify(call: Call, id: Path<UserId>, body: Body<Certified>) -> Answer {
    call.run(move |desk| {
        let fit = desk.write(|tx| {
            let Certified { valid_until, licence } = &body.value;
            on_call::certify(tx, *id, *valid_until)?;
            if let Some(licence) = licence {
                on_call::license(tx, *id, Some(licence))?;
            }
            let (certificate, gone) = (on_call::certificate(tx, *id)?, on_call::unreachable(tx, *id)?);
            Ok(Fit::of(*id, certificate, gone, desk.now))
        })?;
        Reply::ok(&fit)
    })
    .await
}

/// A channel reaches a person again: the mailbox was mended, the address corrected.
#[utoipa::path(delete, path = "/api/v1/users/{id}/unreachable/{channel}", tag = "schedules", params(("id" = String, Path), ("channel" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn reached(call: Call, path: Path<(UserId, String)>) -> Answer {
    call.run(move |desk| {
        let (user, channel) = &*path;
        let channel = Channel::from_name(channel).ok_or_else(|| Fault::new(Code::NotFound))?;
        desk.write(|tx| {
            store::people::users::get(tx, *user)?;
            Ok(on_call::reached_again(tx, *user, channel)?)
        })?;
        Ok(Reply::none())
    })
    .await
}

/// A capacity.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Carries {
    /// Unresolved alerts the person carries well, 0 to 500; a tenth of it is reserved for red.
    most: u32,
}

/// Sets how much a person carries.
#[utoipa::path(put, path = "/api/v1/users/{id}/capacity", tag = "schedules", params(("id" = String, Path)), request_body = Carries, responses((status = 204), (status = 404), (status = 422)))]
pub(crate) async fn carry(call: Call, id: Path<UserId>, body: Body<Carries>) -> Answer {
    call.run(move |desk| {
        desk.write(|tx| Ok(on_call::capacity::set(tx, *id, body.value.most)?))?;
        Ok(Reply::none())
    })
    .await
}

/// For which alert.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Says to whom this alert would go next.
    #[param(value_type = Option<String>)]
    alert_id: Option<Requested<AlertId>>,
}

/// What everybody carries.
#[derive(Serialize, ToSchema)]
pub(crate) struct Carried {
    people: Vec<Load>,
    capacity: u32,
    load: u32,
    /// A tenth of each person's capacity.
    reserve_for_red: u32,
    /// Of that, in use.
    reserve_used: u32,
    ordinary_free: u32,
    /// Alerts below red that nobody has.
    waiting: u32,
    /// Of these, how many nobody has room for.
    displaced: u32,
    /// For `alert_id`: who is on call, has room, and knows the patient or carries least; null: it waits.
    #[schema(value_type = Option<String>)]
    next: Option<UserId>,
}

/// What one person carries.
#[derive(Serialize, ToSchema)]
pub(crate) struct Load {
    #[schema(value_type = String)]
    user_id: UserId,
    on_call: bool,
    capacity: u32,
    load: u32,
    ordinary_free: u32,
    red_free: u32,
    reserve_used: u32,
}

fn load(agent: &Agent, on_duty: &BTreeSet<UserId>) -> Load {
    Load {
        user_id: agent.user,
        on_call: on_duty.contains(&agent.user),
        capacity: agent.capacity,
        load: agent.load,
        ordinary_free: agent.free(Work::Ordinary),
        red_free: agent.free(Work::Red),
        reserve_used: agent.reserve_used(),
    }
}

/// Capacity and present load of everybody who may act on alerts, and what the reserve for red displaces.
#[utoipa::path(get, path = "/api/v1/on-call/capacity", tag = "schedules", params(Asked), responses((status = 200, body = Carried)))]
pub(crate) async fn carried(call: Call, asked: Query<Asked>) -> Answer {
    call.run(move |desk| {
        let carried = desk.read(|view| {
            let agents = on_call::capacity::agents(view, None)?;
            let waiting = on_call::capacity::waiting(view)?;
            let on_duty = on_call::capacity::on_duty(view, desk.now)?;
            let next = match asked.alert_id {
                Some(asked) => {
                    let alert = desk.viewer.audience.alert(view, asked)?.id();
                    on_call::capacity::next_for(view, alert, desk.now)?
                }
                None => None,
            };
            let report = capacity::report(&agents, waiting);
            Ok(Carried {
                people: agents.iter().map(|agent| load(agent, &on_duty)).collect(),
                capacity: report.capacity,
                load: report.load,
                reserve_for_red: report.reserve,
                reserve_used: report.reserve_used,
                ordinary_free: report.ordinary_free,
                waiting,
                displaced: report.displaced,
                next,
            })
        })?;
        Reply::ok(&carried)
    })
    .await
}
