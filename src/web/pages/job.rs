//! A job as people see it: how far it is, and a way to stop it. What it is called, its own page says.

use crate::{Key, Words};
use domain::{Instant, JobId};
use store::jobs::{self, State};

/// A job under way.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    /// Its id.
    pub id: JobId,
    /// What it does, as in `audit.verification`.
    pub kind: String,
    /// How it stands.
    pub state: State,
    /// How many things are done, and of how many.
    pub of: (u64, u64),
    /// The same in percent; `None` while nobody knows.
    pub percent: Option<u64>,
    /// Since when it waits or runs.
    pub since: Instant,
    /// The node that runs it.
    pub node: Option<String>,
}

impl From<&jobs::Job> for UnderWay {
    fn from(job: &jobs::Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind.clone(),
            state: job.state,
            of: (job.done, job.total),
            percent: job.percent(),
            since: job.begun_at.unwrap_or(job.asked_at),
            node: job.node.clone(),
        }
    }
}

/// What each kind of job is called: one line a kind.
fn kind(name: &str) -> Option<Key> {
    match name {
        store::audit::VERIFICATION => Some(Key("job-audit-verification")),
        _ => None,
    }
}

impl UnderWay {
    /// What it is called.
    #[must_use]
    pub(crate) fn name(&self, w: &Words) -> String {
        kind(&self.kind).map_or_else(|| self.kind.clone(), |word| w.say(word))
    }

    /// How far it is: "41 % · 120.000 de 290.000", with a noun of its own after it where `unit` has one.
    #[must_use]
    pub(crate) fn words(&self, w: &Words, unit: Option<Key>) -> String {
        match (self.state, self.percent) {
            (State::Queued, _) => w.say("job-queued"),
            (State::Cancelling, _) => w.say("job-cancelling"),
            (_, None) => w.say("job-begins"),
            (_, Some(percent)) => {
                let (done, total) = (w.whole(&self.of.0), w.whole(&self.of.1));
                let of = w.two(unit.unwrap_or(Key("job-of")), "done", done, "total", total);
                format!("{percent} % · {of}")
            }
        }
    }

    /// Whether somebody may still stop it.
    #[must_use]
    pub(crate) const fn stops(&self) -> bool {
        matches!(self.state, State::Queued | State::Running)
    }
}
