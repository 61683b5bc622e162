//! How this node is doing: counts and clocks, nothing of a person.

use serde::Serialize;
use utoipa::ToSchema;

use crate::health::pulse::Pulse;
use crate::http::api::{Answer, Call, Reply};
use crate::http::fault::Fault;
use crate::people::auth::Viewer;
use crate::privacy::pseudonyms;
use crate::state::{self, Module, Rests};
use domain::messages::Channel;
use domain::{Instant, Level};
use store::health::lapses;
use store::rules::reevaluations;
use store::{View, alerts};

/// One engine module.
#[derive(Serialize, ToSchema)]
pub(crate) struct Run {
    name: &'static str,
    #[schema(value_type = Option<String>)]
    last_run_at: Option<Instant>,
    took_ms: u64,
    runs: u64,
    did: u64,
    error: Option<String>,
}

impl From<Module> for Run {
    fn from(module: Module) -> Self {
        let Module { name, last_run_at, took, runs, did, error } = module;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { name, last_run_at, took_ms, runs, did, error }
    }
}

/// How this node is doing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    node: String,
    #[schema(value_type = String)]
    at: Instant,
    connections: usize,
    /// Transactions since the start.
    commits: u64,
    /// Series that wait to be judged anew.
    reevaluations: i64,
    red: i64,
    yellow: i64,
    modules: Vec<Run>,
    /// When the engine's auditor last finished a look; null: too long ago.
    #[schema(value_type = Option<String>)]
    heartbeat_at: Option<Instant>,
    /// The last step of the wall clock, for a day.
    clock_step: Option<ClockStep>,
    /// Plans that were not carried out in time.
    lapses: Vec<Lapse>,
    /// How many of those are about a red alert.
    lapses_of_red: usize,
    /// Whether the engine is on time, as `/healthz/engine` says it.
    ok: bool,
    /// Alerts that nobody answered up to the top of their policy.
    nobody_reached: u32,
    /// Messages on their way.
    messages: Vec<MessageCounts>,
    /// How each channel's provider is doing, then every domain, mailbox and program that is left alone for a while.
    breakers: Vec<Resting>,
    /// The certificates that this node shows.
    certificates: Vec<Shown>,
}

/// A certificate that this node shows.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusCertificate)]
pub(crate) struct Shown {
    /// `HTTPS`, `MQTT over TLS`.
    door: &'static str,
    /// The last instant at which it is good.
    #[schema(value_type = String)]
    not_after: Instant,
}

/// A step of the wall clock.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClockStep {
    /// When it was noticed.
    #[schema(value_type = String)]
    at: Instant,
    /// By how much, milliseconds; negative: back.
    by_ms: i64,
}

/// A plan that was not carried out in time.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusLapse)]
pub(crate) struct Lapse {
    /// `late_step`, `late_timer`, `late_message`, `late_program`, `stuck_message`, `unescalated_red`, `set_aside`.
    kind: String,
    /// The row's id; of `late_program` the webhook's.
    subject: String,
    /// How many wait: the calls of a program, one of anything else.
    count: usize,
    #[schema(value_type = String)]
    expected_at: Instant,
    #[schema(value_type = String)]
    noticed_at: Instant,
}

impl From<lapses::Standing> for Lapse {
    fn from(standing: lapses::Standing) -> Self {
        let lapses::Standing { lapse, noticed_at, count } = standing;
        Self { kind: lapse.kind, subject: lapse.subject, count, expected_at: lapse.expected_at, noticed_at }
    }
}

/// Messages of a channel in a state: what waits, and of what is over the last day's.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusMessages)]
pub(crate) struct MessageCounts {
    channel: String,
    state: String,
    count: i64,
}

/// Somebody who is left alone for a while, after failures in a row.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = StatusBreaker)]
pub(crate) struct Resting {
    channel: &'static str,
    /// `provider`, `domain`, `mailbox` or `program`.
    whom: &'static str,
    /// The domain whose mail server does not answer.
    domain: Option<String>,
    /// The user whose mailbox, or the webhook whose program, does not answer; auditors and the DPO know the user by a
    /// pseudonym.
    id: Option<String>,
    /// Since when.
    #[schema(value_type = Option<String>)]
    since: Option<Instant>,
    /// Until when: then one message asks whether it is back. Null: it is asked.
    #[schema(value_type = Option<String>)]
    open_until: Option<Instant>,
    /// What the last attempt came to, as in `smtp_421` or `timeout`.
    why: Option<&'static str>,
}

impl Resting {
    fn provider((channel, open_until): (Channel, Option<Instant>)) -> Self {
        Self { channel: channel.name(), whom: "provider", open_until, ..Self::default() }
    }
}

impl Resting {
    /// As a viewer may know whose mailbox it is: auditors and the DPO by a pseudonym.
    fn known_to(mut self, view: &mut View<'_>, viewer: &Viewer) -> Result<Self, Fault> {
        if self.whom == "mailbox"
            && let Some(user) = self.id.as_ref().and_then(|id| id.parse().ok())
        {
            self.id = Some(pseudonyms::staff(view, viewer, user)?.to_string());
        }
        Ok(self)
    }

    fn of(rest: state::Resting) -> Self {
        let (whom, domain, id) = match (rest.what, rest.channel) {
            (Rests::Domain(name), _) => ("domain", Some(name), None),
            (Rests::Recipient(id), Channel::Webhook) => ("program", None, Some(id)),
            (Rests::Recipient(id), _) => ("mailbox", None, Some(id)),
        };
        let (since, open_until, why) = (Some(rest.since), Some(rest.until), Some(rest.why));
        Self { channel: rest.channel.name(), whom, domain, id, since, open_until, why }
    }
}

/// How this node is doing.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", responses((status = 200, body = Status)))]
pub(crate) async fn show(call: Call) -> Answer {
    call.run(|desk| {
        let (waiting, counts) =
            desk.read(|view| Ok((reevaluations::backlog(view)?.0, alerts::counts(view)?)))?;
        let pulse = desk.read(|view| Pulse::take(view, &desk.state, desk.now))?;
        let resting = desk.read(|view| {
            let rests = pulse.resting.iter().cloned();
            rests.map(|rest| Resting::of(rest).known_to(view, &desk.viewer)).collect::<Result<Vec<_>, _>>()
        })?;
        let of = |level: Level| counts.iter().find(|(code, _)| *code == level.code()).map_or(0, |(_, n)| *n);
        let state = &desk.state;
        Reply::ok(&Status {
            node: state.node.clone(),
            at: desk.now,
            connections: state.edge.connections(),
            commits: state.store.commits(),
            reevaluations: waiting,
            red: of(Level::Red),
            yellow: of(Level::Yellow),
            modules: state.engine.modules().into_iter().map(Run::from).collect(),
            heartbeat_at: pulse.heartbeat,
            clock_step: pulse.step.map(|step| ClockStep { at: step.at, by_ms: step.by_ms }),
            nobody_reached: pulse.unreached,
            lapses_of_red: pulse.of_red,
            ok: pulse.is_well(desk.now),
            lapses: pulse.lapses.into_iter().map(Lapse::from).collect(),
            messages: pulse
                .messages
                .into_iter()
                .map(|((channel, state), count)| MessageCounts { channel, state, count })
                .collect(),
            certificates: state
                .certificates
                .iter()
                .map(|one| Shown { door: one.door.name(), not_after: one.not_after })
                .collect(),
            breakers: pulse.breakers.into_iter().map(Resting::provider).chain(resting).collect(),
        })
    })
    .await
}
