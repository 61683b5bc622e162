//! Escalation policies: versions that nobody changes, proposals that a second person puts in force, and what a policy
//! would have done last month.

use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::escalation::rehearsal::{Rehearsal, faulty_field, rehearse};
use crate::http::api::{Answer, Body, Call, IfMatch, List, MayBody, Reply};
use crate::http::fault::Fault;
use crate::versions::api::{self, Shown, Standing, Wanted};
use domain::escalation::{Beyond, Policy, Step, Target};
use domain::on_call::Because;
use domain::rules::Name;
use domain::{Instant, UserId};
use store::escalation;
use store::escalation::paging::{self, LeftOut};
use store::versions::{self, Version};

/// One version of a policy, and who stands behind it.
#[derive(Serialize, ToSchema)]
#[schema(as = EscalationPolicy)]
pub(crate) struct Seen {
    /// id, version, name, starts_after, steps, repeat, acknowledged_for, nobody_reached. Minutes.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    policy: Policy,
    /// Of the policy of reds: what lets a red wait for too long, by field. It was in force before there were bounds.
    beyond: Vec<&'static str>,
    #[serde(flatten)]
    standing: Standing,
}

impl Shown for Policy {
    type Seen = Seen;

    fn seen(stored: Version<Self>, standing: Standing) -> Result<Seen, Fault> {
        let all = if stored.name == escalation::RED { stored.body.beyond() } else { Vec::new() };
        let beyond = all.into_iter().map(Beyond::name).collect();
        Ok(Seen { policy: stored.body, beyond, standing })
    }
}

/// What a policy says.
#[derive(Deserialize, ToSchema)]
#[schema(as = EscalationPolicyProposal)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proposal {
    /// In both languages: {pt, en}.
    #[schema(value_type = Object)]
    name: Name,
    /// Minutes before the first step.
    #[serde(default)]
    starts_after: u32,
    /// {targets: [{person | role | schedule | team: …}], minutes, certificate?, skip_if_empty?}, first to last.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<Step>,
    #[serde(default)]
    repeat: u8,
    /// Minutes after which an acknowledged case that nobody resolved pages again; null: never.
    acknowledged_for: Option<u32>,
    /// Who is paged when nobody was reached, every so many minutes.
    #[schema(value_type = Object)]
    nobody_reached: Step,
}

impl Proposal {
    fn policy(self, id: &str, version: u32) -> Result<Policy, Fault> {
        let Self { name, starts_after, steps, repeat, acknowledged_for, nobody_reached } = self;
        let id = id.to_owned();
        let policy =
            Policy { id, version, name, starts_after, steps, repeat, acknowledged_for, nobody_reached };
        policy.check().map_err(|faulty| faulty_field(&faulty))?;
        Ok(policy)
    }
}

crate::versions::api::which!(EscalationPolicyVersion);

/// Policies in force, or proposals that wait for a second person.
#[utoipa::path(get, path = "/api/v1/escalation-policies", tag = "escalation", params(Wanted), responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| api::wanted::<Policy>(desk, &wanted)).await
}

/// One policy as it is in force; its ETag is the newest version's number, proposals included.
#[utoipa::path(get, path = "/api/v1/escalation-policies/{id}", tag = "escalation", params(("id" = String, Path)), responses((status = 200, body = Seen), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| api::get::<Policy>(desk, &id)).await
}

/// Every version of a policy, newest first, with its author and whoever approved it.
#[utoipa::path(get, path = "/api/v1/escalation-policies/{id}/history", tag = "escalation", params(("id" = String, Path)), responses((status = 200, body = List<Seen>), (status = 404)))]
pub(crate) async fn history(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| api::history::<Policy>(desk, &id)).await
}

/// Proposes a version, which waits for a second person. `If-Match` holds the newest number that was seen, `"0"` for a
/// new policy.
#[utoipa::path(post, path = "/api/v1/escalation-policies/{id}/proposals", tag = "escalation", params(("id" = String, Path), ("if-match" = String, Header)), request_body = Proposal, responses((status = 201, body = Seen), (status = 412), (status = 422)))]
pub(crate) async fn propose(call: Call, id: Path<String>, seen: IfMatch, body: Body<Proposal>) -> Answer {
    call.run(move |desk| api::propose(desk, &id, seen, |_, version| body.value.policy(&id, version))).await
}

/// Puts another person's proposal in force, now. Alerts that are being escalated keep the version they began with.
#[utoipa::path(post, path = "/api/v1/escalation-policies/{id}/approve", tag = "escalation", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = Seen), (status = 403, description = "E_FOUR_EYES"), (status = 409)))]
pub(crate) async fn approve(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| api::decide::<Policy>(desk, &id, body.value.version, true)).await
}

/// Takes a proposal off the table.
#[utoipa::path(post, path = "/api/v1/escalation-policies/{id}/refuse", tag = "escalation", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = Seen), (status = 409)))]
pub(crate) async fn refuse(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| api::decide::<Policy>(desk, &id, body.value.version, false)).await
}

/// When.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct When {
    /// Now by default.
    #[param(value_type = Option<String>)]
    at: Option<Instant>,
}

/// Somebody whom a step means.
#[derive(Serialize, ToSchema)]
#[schema(as = EscalationCandidate)]
pub(crate) struct Candidate {
    #[schema(value_type = String)]
    user_id: UserId,
    /// Through which target.
    #[schema(value_type = Object)]
    target: Target,
    /// For a schedule: {rotation | temporary | override: its place}.
    #[schema(value_type = Option<Object>)]
    because: Option<Because>,
    /// `disabled`, `held`, `cannot_answer`, `no_certificate`, `absent` or `twice`: not paged.
    left_out: Option<&'static str>,
}

/// Whom a step would page.
#[derive(Serialize, ToSchema)]
#[schema(as = EscalationStepTargets)]
pub(crate) struct Meant {
    /// From 1; null for those who are called when nobody was reached.
    step: Option<usize>,
    people: Vec<Candidate>,
}

impl From<paging::Candidate> for Candidate {
    fn from(candidate: paging::Candidate) -> Self {
        let left_out = candidate.left_out.map(|why| match why {
            LeftOut::Disabled => "disabled",
            LeftOut::Held => "held",
            LeftOut::NoCertificate => "no_certificate",
            LeftOut::Twice => "twice",
            LeftOut::Absent => "absent",
            LeftOut::CannotAnswer => "cannot_answer",
        });
        let paging::Candidate { user, target, because, .. } = candidate;
        Self { user_id: user, target, because, left_out }
    }
}

/// Who would be paged at an instant, and why, by the version in force then.
#[utoipa::path(get, path = "/api/v1/escalation-policies/{id}/targets", tag = "escalation", params(("id" = String, Path), When), responses((status = 200, body = List<Meant>), (status = 404)))]
pub(crate) async fn targets(call: Call, id: Path<String>, when: Query<When>) -> Answer {
    call.run(move |desk| {
        let at = when.at.unwrap_or(desk.now);
        let items = desk.read(|view| {
            let stored = versions::in_force::<Policy>(view, &id, at)?;
            let policy = stored.ok_or_else(|| Fault::new(crate::Code::NotFound))?.body;
            let steps = policy.steps.iter().enumerate().map(|(place, step)| (Some(place + 1), step));
            let mut items = Vec::new();
            for (step, meant) in steps.chain(std::iter::once((None, &policy.nobody_reached))) {
                let people = paging::candidates(view, meant, at)?.into_iter().map(Candidate::from);
                items.push(Meant { step, people: people.collect() });
            }
            Ok(items)
        })?;
        Reply::ok(&List::whole(items))
    })
    .await
}

/// What one step would have done.
#[derive(Serialize, ToSchema)]
#[schema(as = DryRunStep)]
pub(crate) struct DryRunStep {
    /// How often it paged somebody.
    #[serde(rename = "climbed")]
    called: u32,
    pages: u32,
    /// How often nobody was found.
    empty: u32,
}

/// Pages to a person on a day.
#[derive(Serialize, ToSchema)]
#[schema(as = DryRunDay)]
pub(crate) struct Day {
    #[schema(value_type = String)]
    user_id: UserId,
    /// A date of the organisation's zone.
    day: String,
    pages: u32,
}

/// What a policy would have done.
#[derive(Serialize, ToSchema)]
#[schema(as = DryRunOutcome)]
pub(crate) struct DryRunOutcome {
    /// Alerts that were escalated.
    alerts: u32,
    pages: u32,
    /// Alerts that came to the top without an answer.
    nobody_reached: u32,
    steps: Vec<DryRunStep>,
    top: DryRunStep,
    people: Vec<Day>,
}

/// A policy over the last month's alerts, beside the version in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct DryRun {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    draft: DryRunOutcome,
    in_force: Option<DryRunOutcome>,
    difference: Option<Difference>,
}

/// The draft less the version in force.
#[derive(Serialize, ToSchema)]
#[schema(as = DryRunDifference)]
pub(crate) struct Difference {
    pages: i64,
    nobody_reached: i64,
    /// Pages to the most paged person on that person's worst day.
    worst_day: i64,
}

impl From<domain::escalation::DryRun> for DryRunOutcome {
    fn from(outcome: domain::escalation::DryRun) -> Self {
        let step = |step: &domain::escalation::StepTally| DryRunStep {
            called: step.paged,
            pages: step.pages,
            empty: step.empty,
        };
        let people = outcome.people.iter().flat_map(|(user, days)| {
            days.iter().map(|(day, pages)| Day { user_id: *user, day: day.to_string(), pages: *pages })
        });
        Self {
            alerts: outcome.cases,
            pages: outcome.pages(),
            nobody_reached: outcome.unanswered,
            steps: outcome.steps.iter().map(step).collect(),
            top: step(&outcome.top),
            people: people.collect(),
        }
    }
}

impl From<Rehearsal> for DryRun {
    fn from(rehearsal: Rehearsal) -> Self {
        let difference = rehearsal.difference().map(|less| Difference {
            pages: less.pages,
            nobody_reached: less.unanswered,
            worst_day: less.worst_day,
        });
        let Rehearsal { from, to, draft, in_force } = rehearsal;
        Self { from, to, draft: draft.into(), in_force: in_force.map(DryRunOutcome::from), difference }
    }
}

/// What a policy would have done with the red alerts of the last 30 days, with today's people and schedules; without
/// a body, the version in force.
#[utoipa::path(post, path = "/api/v1/escalation-policies/{id}/dry-run", tag = "escalation", params(("id" = String, Path)), request_body = Option<Proposal>, responses((status = 200, body = DryRun), (status = 404), (status = 422)))]
pub(crate) async fn dry_run(call: Call, id: Path<String>, body: MayBody<Proposal>) -> Answer {
    call.run(move |desk| {
        let policy = body.0.map(|proposal| proposal.policy(&id, 0)).transpose()?;
        let rehearsal = desk.read(|view| {
            let policy = match policy {
                Some(policy) => policy,
                None => {
                    let stored = versions::in_force::<Policy>(view, &id, desk.now)?;
                    stored.ok_or_else(|| Fault::new(crate::Code::NotFound))?.body
                }
            };
            rehearse(view, &policy, desk.now)
        })?;
        Reply::ok(&DryRun::from(rehearsal))
    })
    .await
}
