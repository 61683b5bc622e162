//! Escalation policies: who is paged in which order. The words in which one escalation is described.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::pages::shell::role_word;
use crate::versions::view::Line;
use crate::{Key, Lang, Words};
use domain::UserId;
use domain::escalation::{Policy, Step, Target};

/// How schedules, teams and people are called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Schedules by their lasting id.
    pub schedules: BTreeMap<String, String>,
    /// Teams by their lasting id.
    pub teams: BTreeMap<String, String>,
    /// Staff.
    pub people: BTreeMap<UserId, String>,
    /// Those of them who may not sign in any more.
    pub gone: BTreeSet<UserId>,
}

impl Names {
    /// A target in words; one that is not there says so.
    #[must_use]
    pub(crate) fn target(&self, w: &Words, target: &Target) -> String {
        let of = |name_of: Option<&String>, name: &str, kind: Key| match name_of {
            Some(name_of) => format!("{name_of} ({})", w.say(kind)),
            None => w.one("policy-target-unknown", "name", name),
        };
        match target {
            Target::Person(user) => match self.people.get(user) {
                Some(name) => name.clone(),
                None => w.one("policy-target-unknown", "name", w.say("policy-person")),
            },
            Target::Role(role) => format!("{} ({})", w.say(role_word(*role)), w.say("policy-role")),
            Target::Schedule(name) => of(self.schedules.get(name), name, Key("policy-schedule")),
            Target::Team(name) => of(self.teams.get(name), name, Key("policy-team")),
        }
    }

    fn step(&self, w: &Words, step: &Step) -> String {
        let mut text: Vec<String> = step.targets.iter().map(|target| self.target(w, target)).collect();
        let targets = text.join(", ");
        text = vec![targets, minutes(w, step.minutes)];
        if step.certificate {
            text.push(w.say("policy-certificate-only"));
        }
        if !step.skip_if_empty {
            text.push(w.say("policy-waits-if-empty"));
        }
        text.join(" · ")
    }

    /// A whole policy, line by line; the same labels in every version, so that two can be laid side by side.
    #[must_use]
    pub(crate) fn lines(&self, w: &Words, policy: &Policy) -> Vec<Line> {
        let line = |label: String, text: String| Line { label, text };
        let mut lines = Vec::new();
        let wait = match policy.starts_after {
            0 => w.say("policy-starts-at-once"),
            wait => w.one("policy-starts-in", "span", minutes(w, wait)),
        };
        lines.push(line(w.say("policy-starts"), wait));
        for (place, step) in policy.steps.iter().enumerate() {
            lines.push(line(w.one("policy-step", "n", place + 1), self.step(w, step)));
        }
        lines.push(line(w.say("policy-repeat"), w.count("policy-repeats", u32::from(policy.repeat))));
        let again = match policy.acknowledged_for {
            Some(wait) => w.one("policy-acknowledged-for", "span", minutes(w, wait)),
            None => w.say("policy-acknowledged-never"),
        };
        lines.push(line(w.say("policy-acknowledged"), again));
        let top = self.step(w, &policy.nobody_reached);
        lines.push(line(w.say("policy-nobody"), w.one("policy-nobody-every", "step", top)));
        lines
    }
}

fn minutes(w: &Words, minutes: u32) -> String {
    w.span(&Duration::from_secs(60 * u64::from(minutes)))
}

/// A policy's name in the reader's language.
#[must_use]
pub(crate) fn name(w: &Words, policy: &Policy) -> String {
    match w.lang {
        Lang::PtBr => policy.name.pt.to_string(),
        Lang::En => policy.name.en.to_string(),
    }
}
