//! The editor of a policy as a form: what was typed, kept as it was typed, and the policy or the mistakes it makes.
//! Without a script every button is a request; with one only the editor is drawn anew.

use crate::{Key, Words};
use domain::escalation::{Beyond, Faulty, Policy, Step, Target};
use domain::line::NotALine;
use domain::rules::Name;
use domain::{Label, Role, UserId};
use store::escalation::RED;

/// A policy while it is being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    /// In Portuguese.
    pub name_pt: String,
    /// In English.
    pub name_en: String,
    /// Minutes before the first step.
    pub starts_after: String,
    /// First to last.
    pub steps: Vec<StepDraft>,
    /// How often the policy is run again.
    pub repeat: String,
    /// Minutes; empty: never again.
    pub acknowledged_for: String,
    /// Those who are called when nobody was reached.
    pub nobody: StepDraft,
}

/// One step while it is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepDraft {
    /// `role:agent`, `schedule:night`, `team:a`, `person:<id>`.
    pub targets: Vec<String>,
    /// Minutes to answer.
    pub minutes: String,
    /// Only people with a valid certificate.
    pub certificate: bool,
    /// Escalation on at once when nobody is found.
    pub skip_if_empty: bool,
}

impl Default for StepDraft {
    fn default() -> Self {
        Self { targets: Vec::new(), minutes: "15".to_owned(), certificate: false, skip_if_empty: true }
    }
}

/// A mistake at a field, by the field's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The step, from 1; 0: nobody reached; `None`: a field of the policy itself.
    pub step: Option<usize>,
    /// The field.
    pub field: &'static str,
    /// What to do.
    pub what: Key,
}

impl Wrong {
    /// The id of the field.
    #[must_use]
    pub(crate) fn id(&self) -> String {
        match self.step {
            Some(step) => format!("s{step}-{}", self.field),
            None => self.field.to_owned(),
        }
    }

    /// In the reader's words.
    #[must_use]
    pub(crate) fn sentence(&self, w: &Words) -> String {
        match self.step {
            None => w.say(self.what),
            Some(0) => format!("{}: {}", w.say("policy-nobody"), w.say(self.what)),
            Some(number) => format!("{}: {}", w.one("policy-step", "n", number), w.say(self.what)),
        }
    }
}

/// A target as a form sends it.
#[must_use]
pub(crate) fn sent(target: &Target) -> String {
    match target {
        Target::Person(user) => format!("person:{user}"),
        Target::Role(role) => format!("role:{}", role.name()),
        Target::Schedule(name) => format!("schedule:{name}"),
        Target::Team(name) => format!("team:{name}"),
    }
}

fn read(text: &str) -> Option<Target> {
    let (kind, name) = text.split_once(':')?;
    Some(match kind {
        "person" => Target::Person(name.parse::<UserId>().ok()?),
        "role" => Target::Role(Role::from_name(name)?),
        "schedule" => Target::Schedule(name.to_owned()),
        "team" => Target::Team(name.to_owned()),
        _ => return None,
    })
}

impl StepDraft {
    fn of(step: &Step) -> Self {
        Self {
            targets: step.targets.iter().map(sent).collect(),
            minutes: step.minutes.to_string(),
            certificate: step.certificate,
            skip_if_empty: step.skip_if_empty,
        }
    }

    /// As many fields as there are targets, and an empty one to add another.
    #[must_use]
    pub(crate) fn fields(&self) -> Vec<(usize, String)> {
        let more = std::iter::once(String::new());
        self.targets.iter().cloned().chain(more).enumerate().collect()
    }

    fn step(&self, number: usize, wrong: &mut Vec<Wrong>) -> Step {
        let targets: Vec<Target> = self.targets.iter().filter_map(|text| read(text)).collect();
        let minutes = whole(&self.minutes).unwrap_or_else(|| {
            wrong.push(Wrong { step: Some(number), field: "minutes", what: Key("policy-wrong-minutes") });
            1
        });
        Step { targets, minutes, certificate: self.certificate, skip_if_empty: self.skip_if_empty }
    }
}

fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

impl Draft {
    /// A policy that nobody wrote yet: one empty step, run once.
    #[must_use]
    pub(crate) fn new() -> Self {
        let zero = || "0".to_owned();
        Self { starts_after: zero(), steps: vec![StepDraft::default()], repeat: zero(), ..Self::default() }
    }

    /// A policy as it stands, to be changed.
    #[must_use]
    pub(crate) fn of(policy: &Policy) -> Self {
        Self {
            name_pt: policy.name.pt.to_string(),
            name_en: policy.name.en.to_string(),
            starts_after: policy.starts_after.to_string(),
            steps: policy.steps.iter().map(StepDraft::of).collect(),
            repeat: policy.repeat.to_string(),
            acknowledged_for: policy.acknowledged_for.map_or_else(String::new, |n| n.to_string()),
            nobody: StepDraft::of(&policy.nobody_reached),
        }
    }

    /// What a form sent: `name_pt`, …, and for step n `sn-minutes`, `sn-certificate`, `sn-skip`, `sn-target` (many);
    /// step 0 is the one for nobody reached. `steps` says how many there are.
    #[must_use]
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
        };
        let step = |number: usize| {
            let name = format!("s{number}-target");
            let targets = pairs.iter().filter(|(key, value)| *key == name && !value.is_empty());
            StepDraft {
                targets: targets.map(|(_, value)| value.clone()).collect(),
                minutes: get(&format!("s{number}-minutes")),
                certificate: !get(&format!("s{number}-certificate")).is_empty(),
                skip_if_empty: !get(&format!("s{number}-skip")).is_empty(),
            }
        };
        let steps: usize = get("steps").parse().unwrap_or(0);
        Self {
            name_pt: get("name_pt"),
            name_en: get("name_en"),
            starts_after: get("starts_after"),
            steps: (1..=steps.min(MOST_FIELDS)).map(step).collect(),
            repeat: get("repeat"),
            acknowledged_for: get("acknowledged_for"),
            nobody: step(0),
        }
    }

    /// Its steps with their numbers, the one for nobody reached last.
    #[must_use]
    pub(crate) fn drafted(&self) -> Vec<(usize, &StepDraft)> {
        let steps = self.steps.iter().enumerate().map(|(place, step)| (place + 1, step));
        steps.chain(std::iter::once((0, &self.nobody))).collect()
    }

    /// One of the buttons of the form: `add`, `remove-n`, `up-n`; any other changes nothing.
    pub(crate) fn press(&mut self, button: &str) {
        let number = |name: &str| {
            let place = button.strip_prefix(name)?.parse::<usize>().ok()?.checked_sub(1)?;
            Some(place).filter(|place| *place < self.steps.len())
        };
        if button == "add" && self.steps.len() < MOST_FIELDS {
            self.steps.push(StepDraft::default());
        } else if let Some(place) = number("remove-") {
            self.steps.remove(place);
        } else if let Some(place) = number("up-").filter(|place| *place > 0) {
            self.steps.swap(place, place - 1);
        }
    }

    /// The policy it makes, or every mistake that is known.
    ///
    /// # Errors
    /// The mistakes, each at its field.
    pub(crate) fn policy(&self, id: &str, version: u32) -> Result<Policy, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut own = |field, what| wrong.push(Wrong { step: None, field, what });
        let mut named = |field, text: &str| {
            text.parse().unwrap_or_else(|_no_name: NotALine| {
                own(field, Key("policy-wrong-name"));
                Label::from("?")
            })
        };
        let name = Name { pt: named("name_pt", &self.name_pt), en: named("name_en", &self.name_en) };
        let starts_after = whole(&self.starts_after).unwrap_or_else(|| {
            own("starts_after", Key("policy-wrong-wait"));
            0
        });
        let repeat = whole(&self.repeat).unwrap_or_else(|| {
            own("repeat", Key("policy-wrong-repeat"));
            0
        });
        let acknowledged_for = (!self.acknowledged_for.is_empty()).then(|| {
            whole(&self.acknowledged_for).unwrap_or_else(|| {
                own("acknowledged_for", Key("policy-wrong-wait"));
                1
            })
        });
        let numbered = self.steps.iter().enumerate();
        let steps = numbered.map(|(place, step)| step.step(place + 1, &mut wrong)).collect();
        let nobody_reached = self.nobody.step(0, &mut wrong);
        let id = id.to_owned();
        let policy =
            Policy { id, version, name, starts_after, steps, repeat, acknowledged_for, nobody_reached };
        wrong.extend(faults(&policy).into_iter().filter(|found| !wrong.contains(found)).collect::<Vec<_>>());
        if wrong.is_empty() { Ok(policy) } else { Err(wrong) }
    }
}

/// As many steps as a form may hold; the policy's own bound speaks before it.
const MOST_FIELDS: usize = 25;

/// What lasts longer than a red may wait, at its field.
const fn wrong_for_a_red(beyond: Beyond) -> Wrong {
    let (step, field) = match beyond {
        Beyond::Start => (None, "starts_after"),
        Beyond::Step | Beyond::Policy => (None, "steps"),
        Beyond::Answer => (None, "acknowledged_for"),
        Beyond::Repeat => (Some(0), "minutes"),
    };
    Wrong { step, field, what: beyond_word(beyond) }
}

/// What a red allows, in words.
#[must_use]
pub(crate) const fn beyond_word(beyond: Beyond) -> Key {
    match beyond {
        Beyond::Start => Key("policy-beyond-start"),
        Beyond::Step => Key("policy-beyond-step"),
        Beyond::Policy => Key("policy-beyond-top"),
        Beyond::Answer => Key("policy-beyond-answer"),
        Beyond::Repeat => Key("policy-beyond-repeat"),
    }
}

/// Every fault of a policy: each found one is mended in a copy until the check is content.
fn faults(policy: &Policy) -> Vec<Wrong> {
    let mut copy = policy.clone();
    let mut found = Vec::new();
    let mended = Step {
        targets: vec![Target::Role(Role::Manager)],
        minutes: 1,
        certificate: false,
        skip_if_empty: true,
    };
    while let Err(faulty) = copy.check() {
        let (step, field, what) = match faulty {
            Faulty::NoSteps => {
                copy.steps.push(mended.clone());
                (None, "steps", Key("policy-wrong-no-steps"))
            }
            Faulty::TooManySteps => {
                copy.steps.truncate(1);
                (None, "steps", Key("policy-wrong-many-steps"))
            }
            Faulty::Repeat(_) => {
                copy.repeat = 0;
                (None, "repeat", Key("policy-wrong-repeat"))
            }
            Faulty::Wait(name, _) => {
                (copy.starts_after, copy.acknowledged_for) = match name {
                    "starts_after" => (0, copy.acknowledged_for),
                    _ => (copy.starts_after, None),
                };
                (None, name, Key("policy-wrong-wait"))
            }
            Faulty::NoTargets(number) | Faulty::CannotAnswer(number, _) | Faulty::Minutes(number, _) => {
                let slot = match number.checked_sub(1) {
                    None => Some(&mut copy.nobody_reached),
                    Some(place) => copy.steps.get_mut(place),
                };
                let Some(slot) = slot else { return found };
                if matches!(faulty, Faulty::NoTargets(_)) {
                    slot.targets.clone_from(&mended.targets);
                    (Some(number), "target", Key("policy-wrong-targets"))
                } else if matches!(faulty, Faulty::CannotAnswer(..)) {
                    slot.targets.clone_from(&mended.targets);
                    (Some(number), "target", Key("policy-wrong-role"))
                } else {
                    slot.minutes = 1;
                    (Some(number), "minutes", Key("policy-wrong-minutes"))
                }
            }
        };
        found.push(Wrong { step, field, what });
    }
    if found.is_empty() && policy.id == RED {
        found.extend(policy.beyond().into_iter().map(wrong_for_a_red));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::escalation::seeds;

    fn pairs(policy: &Policy) -> Vec<(String, String)> {
        let draft = Draft::of(policy);
        let mut out = vec![
            ("name_pt".to_owned(), draft.name_pt.clone()),
            ("name_en".to_owned(), draft.name_en.clone()),
            ("starts_after".to_owned(), draft.starts_after.clone()),
            ("repeat".to_owned(), draft.repeat.clone()),
            ("acknowledged_for".to_owned(), draft.acknowledged_for.clone()),
            ("steps".to_owned(), draft.steps.len().to_string()),
        ];
        for (number, step) in draft.drafted() {
            out.push((format!("s{number}-minutes"), step.minutes.clone()));
            out.extend(step.fields().into_iter().map(|(_, value)| (format!("s{number}-target"), value)));
            out.extend(step.certificate.then(|| (format!("s{number}-certificate"), "1".to_owned())));
            out.extend(step.skip_if_empty.then(|| (format!("s{number}-skip"), "1".to_owned())));
        }
        out
    }

    #[test]
    fn every_seed_goes_through_the_form_unchanged() {
        for policy in seeds() {
            let draft = Draft::from_pairs(&pairs(&policy));
            assert_eq!(draft.policy(&policy.id, policy.version), Ok(policy));
        }
    }

    #[test]
    fn every_mistake_is_told_at_its_field_at_once() {
        let mut draft = Draft::of(&seeds().remove(0));
        draft.steps[1].targets.clear();
        draft.steps[2].minutes = "soon".to_owned();
        draft.nobody.minutes = "0".to_owned();
        draft.repeat = "10".to_owned();
        draft.name_en.clear();
        let wrong = draft.policy("red_alert", 2).unwrap_err();
        let mut ids: Vec<String> = wrong.iter().map(Wrong::id).collect();
        ids.sort();
        assert_eq!(ids, ["name_en", "repeat", "s0-minutes", "s2-target", "s3-minutes"]);
    }

    #[test]
    fn the_buttons_add_remove_and_move_steps() {
        let mut draft = Draft::of(&seeds().remove(0));
        let first = draft.steps[0].clone();
        draft.press("up-2");
        assert_eq!(draft.steps[1], first);
        draft.press("remove-1");
        assert_eq!((draft.steps.len(), &draft.steps[0]), (3, &first));
        for nothing in ["up-1", "remove-9", "up-0", "remove-x", "check"] {
            let before = draft.clone();
            draft.press(nothing);
            assert_eq!(draft, before, "{nothing}");
        }
        draft.press("add");
        assert_eq!((draft.steps.len(), draft.steps[3].targets.len()), (4, 0));
    }
}
