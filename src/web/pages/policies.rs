//! Escalation policies: who is paged in which order. The list, and the words in which one ladder is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use askama::Template;

use super::Html;
use crate::domain::escalation::{Policy, Step, Target};
use crate::domain::{Instant, UserId};
use crate::web::shell::role_word;
use crate::web::{Key, Lang, Section, Shell, Theme, Words};

/// The list.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// In force, by id.
    pub policies: Vec<Row>,
    /// Waiting for a second person, oldest first.
    pub proposals: Vec<Waiting>,
}

/// One policy in force.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its lasting id.
    pub id: String,
    /// Its name in the reader's language.
    pub name: String,
    /// The version in force.
    pub version: u32,
    /// The ladder in words.
    pub lines: Vec<Line>,
    /// How long until nobody was reached, at the longest.
    pub lasts: Duration,
}

/// A proposal that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Of which policy.
    pub id: String,
    /// Its name in the reader's language.
    pub name: String,
    /// Its number.
    pub version: u32,
    /// Who wrote it; `None`: the program.
    pub author: Option<String>,
    /// Whether the reader wrote it.
    pub mine: bool,
    /// When.
    pub proposed_at: Instant,
}

/// One line of a ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// "Passo 1".
    pub label: String,
    /// "Plantão clínico (escala) · 5 min · só com certificado".
    pub text: String,
}

/// How schedules, teams and people are called.
#[derive(Debug, Clone, Default)]
pub struct Names {
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
    pub fn target(&self, w: &Words, target: &Target) -> String {
        let of = |held: Option<&String>, name: &str, kind: Key| match held {
            Some(held) => format!("{held} ({})", w.say(kind)),
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

    /// A whole ladder, line by line; the same labels in every version, so that two can be laid side by side.
    #[must_use]
    pub fn lines(&self, w: &Words, policy: &Policy) -> Vec<Line> {
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
pub fn name(w: &Words, policy: &Policy) -> String {
    match w.lang {
        Lang::PtBr => policy.name.pt.clone(),
        Lang::En => policy.name.en.clone(),
    }
}

/// A line of two versions side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which line.
    pub label: String,
    /// In force.
    pub before: Option<String>,
    /// Proposed.
    pub after: Option<String>,
}

impl Change {
    /// Whether they differ.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.before != self.after
    }

    /// What happened to the line.
    #[must_use]
    pub const fn word(&self) -> Key {
        match (&self.before, &self.after) {
            (None, _) => Key("policy-line-new"),
            (_, None) => Key("policy-line-gone"),
            _ => Key("policy-line-changed"),
        }
    }
}

/// Two ladders side by side, in the order of the second; lines that are gone stand where they stood.
#[must_use]
pub fn side_by_side(before: &[Line], after: &[Line]) -> Vec<Change> {
    let text = |lines: &[Line], label: &str| {
        lines.iter().find(|line| line.label == label).map(|line| line.text.clone())
    };
    let longer = if before.len() > after.len() { before } else { after };
    let of = |line: &Line| Change {
        label: line.label.clone(),
        before: text(before, &line.label),
        after: text(after, &line.label),
    };
    longer.iter().map(of).collect()
}

#[derive(Template)]
#[template(path = "policies.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page.
///
/// # Errors
/// The formatter's.
pub fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ladders_lie_side_by_side_and_what_is_gone_is_told() {
        let line = |label: &str, text: &str| Line { label: label.to_owned(), text: text.to_owned() };
        let before = [line("1", "a"), line("2", "b"), line("end", "z")];
        let after = [line("1", "c"), line("end", "z")];
        let told = side_by_side(&before, &after);
        let words: Vec<(&str, bool, Key)> =
            told.iter().map(|change| (change.label.as_str(), change.differs(), change.word())).collect();
        assert_eq!(words[0], ("1", true, Key("policy-line-changed")));
        assert_eq!(words[1], ("2", true, Key("policy-line-gone")));
        assert!(!words[2].1);
        assert_eq!(side_by_side(&after, &before)[1].word(), Key("policy-line-new"));
    }
}
