//! Why did nobody get it? What was planned for an alert, by which way to whom, and everything that happened to it.

use actix_web::web::Path;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, List, Reply};
use crate::http::fault::Fault;
use domain::messages::Channel;
use domain::{AlertId, Instant, UserId};
use store::messages::{self, Stored};
use store::patients::audience::Requested;
use store::{View, escalation, on_call};

/// A message about an alert.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertMessage)]
pub(crate) struct Seen {
    /// Tells its repetitions from another message.
    key: String,
    /// `in_app`, `email` or `webhook`.
    channel: &'static str,
    /// A user's id, or a webhook's.
    recipient: String,
    template: String,
    /// 0: there was none.
    template_version: u32,
    #[schema(value_type = String)]
    planned_at: Instant,
    /// Where it stands: `due`, `sending`, `accepted`, `sent`, `delivered`, `read`, `failed`, `cancelled`.
    state: &'static str,
    attempts: u32,
    /// When it is tried, or was to be tried.
    #[schema(value_type = String)]
    due_at: Instant,
    /// It is not sent after this.
    #[schema(value_type = String)]
    not_after: Instant,
    #[schema(value_type = Option<String>)]
    accepted_at: Option<Instant>,
    /// What happened, oldest first.
    events: Vec<Event>,
    /// The channels that do not reach this person now: nothing is planned for them.
    unreachable: Vec<Lost>,
}

/// Something that happened to a message.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageEvent)]
pub(crate) struct Event {
    #[schema(value_type = String)]
    at: Instant,
    /// The state it came to.
    what: String,
    /// The provider's answer: `smtp_250`, `http_503`, `timeout`, `bounced`, `out_of_date`, `replay`.
    code: Option<String>,
}

/// A channel that does not reach somebody.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LostChannel)]
pub(crate) struct Lost {
    channel: &'static str,
    /// `bounced`, or what was written down by hand.
    why: String,
    #[schema(value_type = String)]
    since: Instant,
}

/// Every message that was planned for an alert, in the order of planning. A person without an e-mail here has none, or
/// none that arrives.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/messages", tag = "alerts", params(("id" = String, Path)), responses((status = 200, body = List<Seen>), (status = 404)))]
pub(crate) async fn list(call: Call, id: Path<Requested<AlertId>>) -> Answer {
    call.run(move |desk| {
        desk.read(|view| {
            let alert = desk.viewer.audience.alert(view, *id)?;
            desk.cases().get(view, alert)?.judged_or_fault()?;
            let all = messages::of_case(view, escalation::ALERT, &alert.id().to_string())?;
            let items = all.into_iter().map(|stored| seen(view, stored)).collect::<Result<Vec<_>, _>>()?;
            Reply::ok(&List::whole(items))
        })
    })
    .await
}

fn seen(view: &mut View<'_>, stored: Stored) -> Result<Seen, Fault> {
    let events = messages::events(view, stored.id)?;
    let lost = match stored.recipient.parse::<UserId>() {
        Ok(user) if stored.channel != Channel::Webhook => on_call::unreachable(view, user)?,
        _ => Vec::new(),
    };
    Ok(Seen {
        key: stored.key,
        channel: stored.channel.name(),
        recipient: stored.recipient,
        template: stored.template,
        template_version: stored.template_version,
        planned_at: stored.created_at,
        state: stored.way.state.name(),
        attempts: stored.way.attempt,
        due_at: stored.way.due_at,
        not_after: stored.way.not_after,
        accepted_at: stored.accepted_at,
        events: events.into_iter().map(|(at, what, code)| Event { at, what, code }).collect(),
        unreachable: lost
            .into_iter()
            .map(|gone| Lost { channel: gone.channel.name(), why: gone.why, since: gone.since })
            .collect(),
    })
}
