//! An alert's run through its policy: whom it called, with which receipt, and when it acts next.

use actix_web::web::Path;
use serde::Serialize;
use utoipa::ToSchema;

use crate::alerts::cases;
use crate::http::api::{Answer, Call, Desk, Reply};
use crate::http::fault::Fault;
use domain::escalation::State;
use domain::{AlertId, Instant, UserId};
use store::patients::audience::{Requested, Visible};
use store::{escalation, messages};

/// One thing that an escalation did.
#[derive(Serialize, ToSchema)]
#[schema(as = EscalationStep)]
pub(crate) struct Stepped {
    #[schema(value_type = String)]
    at: Instant,
    #[schema(value_type = String)]
    due_at: Instant,
    /// `paged`, `empty`, `nobody_reached`, `resumed`, `withheld` (no legal basis for calling people).
    did: String,
    /// From 1; null: those who are called when nobody was reached.
    step: Option<usize>,
    round: u8,
    #[schema(value_type = Vec<String>)]
    people: Vec<UserId>,
}

/// A page to a person, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = EscalationPage)]
pub(crate) struct Sent {
    #[schema(value_type = String)]
    at: Instant,
    recipient: String,
    channel: &'static str,
    state: &'static str,
}

/// Where it stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EscalationState)]
enum ProgressState {
    /// Waits for an answer: `climbing` to programs.
    #[serde(rename = "climbing")]
    Waiting,
    /// By whom.
    #[schema(value_type = String)]
    Acknowledged(UserId),
    /// By whom: nobody is called while it is theirs for a few minutes.
    #[schema(value_type = String)]
    Claimed(UserId),
    /// By whom.
    #[schema(value_type = String)]
    Snoozed(UserId),
    NobodyReached,
    NoBasis,
    Done,
}

impl ProgressState {
    /// An escalation waits for a claim as for a silence; the case says which of them it is.
    const fn of(state: State, silenced: bool) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Acknowledged(by) => Self::Acknowledged(by),
            State::Snoozed(by) if silenced => Self::Snoozed(by),
            State::Snoozed(by) => Self::Claimed(by),
            State::NobodyReached => Self::NobodyReached,
            State::NoBasis => Self::NoBasis,
            State::Done => Self::Done,
        }
    }
}

/// An alert's run through its policy.
#[derive(Serialize, ToSchema)]
#[schema(as = Escalation)]
pub(crate) struct Progress {
    policy: String,
    version: u32,
    /// `climbing`, {acknowledged | claimed | snoozed: who}, `nobody_reached`, `no_basis` (nobody is called), `done`.
    state: ProgressState,
    /// When somebody was last paged: what `escalate` must have seen.
    #[schema(value_type = String)]
    stepped_at: Instant,
    /// When it acts next by itself.
    #[schema(value_type = Option<String>)]
    next_at: Option<Instant>,
    steps: Vec<Stepped>,
    pages: Vec<Sent>,
}

/// How an alert runs through its policy.
///
/// # Errors
/// `E_NOT_FOUND`; a masked alert; database errors.
pub(crate) fn progress(desk: &Desk, alert: Visible<AlertId>) -> Result<Reply, Fault> {
    let id = alert.id();
    desk.read(|view| {
        desk.cases().get(view, alert)?.judged_or_fault()?;
        let run = escalation::of_alert(view, id)?.ok_or_else(|| Fault::new(crate::Code::NotFound))?;
        let steps = escalation::steps(view, &run.id)?.into_iter().map(|step| Stepped {
            at: step.at,
            due_at: step.due_at,
            did: step.did,
            step: step.step.map(|place| place + 1),
            round: step.round,
            people: step.people,
        });
        let pages = messages::of_case(view, &run.kind, &run.subject)?.into_iter().map(|page| Sent {
            at: page.created_at,
            recipient: page.recipient,
            channel: page.channel.name(),
            state: page.way.state.name(),
        });
        let silenced = cases::silence(view, id)?.is_some();
        let run = &run.run;
        Reply::ok(&Progress {
            policy: run.policy.id.clone(),
            version: run.policy.version,
            state: ProgressState::of(run.state, silenced),
            stepped_at: run.stepped_at,
            next_at: run.next_at,
            steps: steps.collect(),
            pages: pages.collect(),
        })
    })
}

/// Who was paged for an alert, with which receipt, and when its escalation acts next.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/escalation", tag = "alerts", params(("id" = String, Path)), responses((status = 200, body = Progress), (status = 404)))]
pub(crate) async fn escalation(call: Call, id: Path<Requested<AlertId>>) -> Answer {
    call.run(move |desk| {
        let alert = desk.read(|view| Ok(desk.viewer.audience.alert(view, *id)?))?;
        progress(desk, alert)
    })
    .await
}
