//! Programs that are called when somebody is paged: where, with which secret, what they were told and what they missed.
//! An address is shown without what stands after `?`, a secret once.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, List, Reply};
use crate::http::fault::Fault;
use crate::messages::reach;
use crate::state::State;
use domain::Instant;
use domain::messages::Channel;
use domain::messages::webhook;
use store::messages::webhooks::{self, Webhook};
use store::messages::{self, Stored};

/// What is listed at once when nobody says.
const USUAL: i64 = 100;
/// The most that is listed at once.
const MOST: i64 = 1_000;

/// A program that is called.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct Seen {
    id: String,
    /// Without what stands after `?`.
    url: String,
    #[schema(value_type = String)]
    created_at: Instant,
    /// Since when it is called no more.
    #[schema(value_type = Option<String>)]
    disabled_at: Option<Instant>,
}

impl From<Webhook> for Seen {
    fn from(Webhook { id, url, created_at, disabled_at }: Webhook) -> Self {
        Self { id, url: webhook::shown(&url).to_owned(), created_at, disabled_at }
    }
}

/// A program to be called.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewWebhook)]
#[serde(deny_unknown_fields)]
pub(crate) struct Added {
    /// `https://…`, or `http://` on this host; without name and password, and into no private network that the
    /// configuration does not allow.
    url: String,
}

/// A program that is called from now on.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub(crate) struct Made {
    #[serde(flatten)]
    seen: Seen,
    /// `whsec_…`, what both sides sign with (Standard Webhooks). Shown this once.
    secret: String,
}

/// One planned call.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookMessage)]
pub(crate) struct Planned {
    /// Grows in the order of planning; `data.cursor` of the call.
    cursor: i64,
    /// `data.sequence` of the call; null until it first leaves.
    sequence: Option<i64>,
    /// The call's `webhook-id`, the same each time.
    webhook_id: String,
    /// `page`, `page_repeat`, `nobody_reached`, `sla_warning`, `sla_breach`, `claimed`, `acknowledged`, `silenced`,
    /// `reassigned`, `resolved`, `reopened`, `coverage`, `lapse`, `lapses_overnight`, `log_broken`, `test`.
    #[serde(rename = "type")]
    kind: String,
    case: Case,
    #[schema(value_type = String)]
    at: Instant,
    /// `due`, `sending`, `accepted`, `failed` or `cancelled`.
    state: &'static str,
    attempts: u32,
    #[schema(value_type = Option<String>)]
    accepted_at: Option<Instant>,
}

/// What a call is about.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookCase)]
pub(crate) struct Case {
    kind: String,
    id: String,
}

impl From<Stored> for Planned {
    fn from(stored: Stored) -> Self {
        Self {
            cursor: stored.id,
            sequence: stored.sequence,
            webhook_id: stored.key,
            kind: stored.template,
            case: Case { kind: stored.kind, id: stored.subject },
            at: stored.created_at,
            state: stored.way.state.name(),
            attempts: stored.way.attempt,
            accepted_at: stored.accepted_at,
        }
    }
}

/// A part of what was planned.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookMessages)]
pub(crate) struct Part {
    items: Vec<Planned>,
    /// Pass it as `cursor` for what follows; null at the end.
    next: Option<i64>,
}

/// From where.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// What was planned after this cursor; everything when there is none.
    #[serde(default)]
    cursor: i64,
    /// At most so many rows: 100 by default, 1,000 at the most.
    limit: Option<i64>,
}

/// What was missed.
#[derive(Deserialize, ToSchema)]
#[schema(as = WebhookReplay)]
#[serde(deny_unknown_fields)]
pub(crate) struct Missed {
    /// The last cursor that arrived.
    after: i64,
}

/// What is called again.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookReplayed)]
pub(crate) struct Replayed {
    /// How many calls are due again.
    count: usize,
    /// Pass it as `after` to go on; null when that was all.
    next: Option<i64>,
}

/// A call that is planned.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookTested)]
pub(crate) struct Tested {
    /// Where the list of messages shows what became of it.
    cursor: i64,
}

/// The body of a call, the same bytes on each attempt. Signed as Standard Webhooks says, with `webhook-id`,
/// `webhook-timestamp` and `webhook-signature`.
#[derive(ToSchema)]
#[schema(as = WebhookCall)]
#[expect(dead_code, reason = "the shape of domain::webhook::Call, for the document only")]
pub(crate) struct WebhookCall {
    /// `page`, `page_repeat`, `nobody_reached`, `sla_warning`, `sla_breach`, `claimed`, `acknowledged`, `silenced`,
    /// `reassigned`, `resolved`, `reopened`, `coverage`, `lapse`, `lapses_overnight`, `log_broken`, `test`.
    #[schema(rename = "type")]
    kind: String,
    /// When it was planned.
    #[schema(value_type = String)]
    at: (),
    #[schema(inline)]
    data: EventData,
}

/// What waits, and where. Nothing of a person, nothing measured.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of domain::webhook::Data, for the document only")]
pub(crate) struct EventData {
    /// Grows in the order of planning: a receiver that was away asks for what came after it.
    cursor: i64,
    /// Which call to this program this is, from 1 and without a hole, in the order in which they first left; the same on
    /// each attempt.
    sequence: i64,
    case: Case,
    /// Where somebody signs in and sees it.
    link: String,
    /// Which round of the policy, from 1.
    repetition: u32,
}

/// Every program, those that are called no more included.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks", responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call) -> Answer {
    call.run(|desk| {
        let all = desk.read(|view| Ok(webhooks::all(view)?))?;
        Reply::ok(&List::whole(all.into_iter().map(Seen::from).collect::<Vec<_>>()))
    })
    .await
}

/// Adds a program. The secret is shown this once, so the call takes no `Idempotency-Key`.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks", request_body = Added, responses((status = 201, body = Made), (status = 422)))]
pub(crate) async fn create(call: Call, state: Data<State>, body: Body<Added>) -> Answer {
    let url = body.value.url;
    let checked = reach::may_be_called(&state, &url).await;
    call.run(move |desk| {
        checked.map_err(|why| Fault::invalid("url", &why.to_string()))?;
        let secret = webhooks::fresh_secret()?;
        let made = desk.write(|tx| {
            let id = webhooks::insert(tx, &url, &secret)?;
            Ok(webhooks::get(tx, &id)?)
        })?;
        Reply::with(StatusCode::CREATED, &Made { seen: made.into(), secret: secret.clone() })
    })
    .await
}

/// No more calls. What was planned and not made fails.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/disable", tag = "webhooks", params(("id" = String, Path)), responses((status = 204), (status = 404)))]
pub(crate) async fn disable(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        desk.write(|tx| Ok(webhooks::disable(tx, &id)?))?;
        Ok(Reply::none())
    })
    .await
}

/// Plans a call of the type `test`; the list of messages tells what became of it.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path)), responses((status = 202, body = Tested), (status = 404)))]
pub(crate) async fn test(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let cursor = desk.write(|tx| Ok(webhooks::try_out(tx, &id)?))?;
        Reply::with(StatusCode::ACCEPTED, &Tested { cursor })
    })
    .await
}

/// What was planned for a program after a cursor, in the order of planning, and where each call stands.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/messages", tag = "webhooks", params(("id" = String, Path), After), responses((status = 200, body = Part), (status = 404)))]
pub(crate) async fn messages(call: Call, id: Path<String>, from: Query<After>) -> Answer {
    call.run(move |desk| {
        let limit = match from.limit.unwrap_or(USUAL) {
            ..=0 => return Err(Fault::invalid("limit", "at least 1")),
            limit => limit.min(MOST),
        };
        let mut rows = desk.read(|view| {
            webhooks::get(view, &id)?;
            Ok(messages::after(view, Channel::Webhook, &id, from.cursor, limit + 1)?)
        })?;
        let more = i64::try_from(rows.len()).is_ok_and(|count| count > limit);
        if more {
            rows.pop();
        }
        let next = rows.last().map(|row| row.id).filter(|_| more);
        Reply::ok(&Part { items: rows.into_iter().map(Planned::from).collect(), next })
    })
    .await
}

/// Makes what was planned after a cursor due again, by the same `webhook-id`s: at most 500 at once. Calls in flight
/// arrive regardless; cancelled ones, because somebody answered the case, are listed and not replayed.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/replay", tag = "webhooks", params(("id" = String, Path)), request_body = Missed, responses((status = 202, body = Replayed), (status = 404)))]
pub(crate) async fn replay(call: Call, id: Path<String>, body: Body<Missed>) -> Answer {
    call.run(move |desk| {
        let (count, next) = desk.write(|tx| Ok(webhooks::replay(tx, &id, body.value.after)?))?;
        Reply::with(StatusCode::ACCEPTED, &Replayed { count, next })
    })
    .await
}
