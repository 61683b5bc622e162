//! Whether the engine is on time: the auditor's heartbeat and findings, messages on their way, and
//! escalations that nobody answered. Counts, kinds and instants; nothing of a person.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http::fault::Fault;
use crate::state::{Resting, State};
use domain::Instant;
use domain::escalation;
use domain::messages::Channel;
use domain::time::Step;
use store::alerts::passed::PassedOver;
use store::health::clock;
use store::health::lapses::{self, Standing};
use store::{View, escalation as escalations, messages};

/// A module that has not come round for this long is silent.
const SILENT_AFTER: Duration = Duration::from_secs(90);
/// How long a step of the clock keeps an outside monitor awake.
const STEP_ALARMS: Duration = Duration::from_secs(600);
/// Of messages that are over, those of so long are counted: what is past does not cost a look.
const LATELY: Duration = Duration::from_secs(24 * 3_600);
/// As many escalations as one look takes in.
const MOST: i64 = 5_000;

/// Whether the engine is on time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse {
    /// When the auditor last finished a look, lately.
    pub heartbeat: Option<Instant>,
    /// Modules that have not come round.
    pub silent: Vec<&'static str>,
    /// By how many milliseconds this node's clock is off while it stands aside.
    pub aside: Option<i64>,
    /// The last step of the wall clock, as long as it is shown.
    pub step: Option<Step>,
    /// What was planned and not done in time.
    pub lapses: Vec<Standing>,
    /// How many of those are about a red alert.
    pub of_red: usize,
    /// Messages by channel and state: what waits, and what came to its end of the last day's.
    pub messages: BTreeMap<(String, String), i64>,
    /// Until when each channel's provider is left alone.
    pub breakers: Vec<(Channel, Option<Instant>)>,
    /// Domains, mailboxes and programs that are left alone.
    pub resting: Vec<Resting>,
    /// Escalations that came to the top without an answer.
    pub unreached: u32,
    /// Escalations that were set aside.
    pub set_aside: u32,
    /// Alerts for which nobody is called because another session of the database holds them.
    pub passed_over: Option<PassedOver>,
}

impl Pulse {
    /// Takes it.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn take(view: &mut View<'_>, state: &State, now: Instant) -> Result<Self, Fault> {
        let escalates = escalations::going_on(view, escalations::ALERT, MOST)?;
        let count = |takes: &dyn Fn(&escalations::Escalation) -> bool| {
            u32::try_from(escalates.iter().filter(|escalation| takes(escalation)).count()).unwrap_or(u32::MAX)
        };
        let lately = messages::lately(view, now.minus(LATELY))?;
        let messages = lately.into_iter().map(|(channel, state, n)| ((channel, state), n));
        let lapses = lapses::standing(view)?;
        Ok(Self {
            of_red: lapses::of_red(view, &lapses)?,
            heartbeat: state.engine.heartbeat(view, now)?,
            silent: state.engine.silent(now, SILENT_AFTER),
            aside: state.engine.aside(),
            step: clock::last_step(view, now)?,
            lapses,
            messages: messages.collect(),
            // Whom nobody wrote to since the end of their rest is asked as soon as somebody does.
            breakers: state
                .engine
                .breakers()
                .into_iter()
                .map(|(way, at)| (way, at.filter(|at| *at > now)))
                .collect(),
            resting: state.engine.resting().into_iter().filter(|rest| rest.until > now).collect(),
            unreached: count(&|escalation| escalation.run.state == escalation::State::NobodyReached),
            set_aside: u32::try_from(escalations::set_aside(view)?).unwrap_or(u32::MAX),
            passed_over: state.store.passed_over(),
        })
    }

    /// Whether an outside monitor may sleep.
    #[must_use]
    pub(crate) fn is_well(&self, now: Instant) -> bool {
        let stepped = self.step.is_some_and(|step| now.since(step.at) <= STEP_ALARMS);
        self.aside.is_none()
            && self.heartbeat.is_some()
            && self.silent.is_empty()
            && !stepped
            && self.of_red == 0
            && self.passed_over.is_none()
    }

    /// Messages of a channel that stand at any of these states.
    #[must_use]
    pub(crate) fn messages(&self, channel: Channel, states: &[&str]) -> u64 {
        let of = |state: &&str| self.messages.get(&(channel.name().to_owned(), (*state).to_owned())).copied();
        u64::try_from(states.iter().filter_map(of).sum::<i64>()).unwrap_or(0)
    }
}
