//! One service level: its target and until when it would be due if an alert came now, proposals that wait, the
//! form that writes one, and every version.

use askama::Template;

use crate::pages::{Choice, Html};
use crate::versions::view::{Editor, Kind, Line, SettingView, Wrong};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::alerts::Level;
use domain::rules::Name;
use domain::sla::{Faulty, Metric, ServiceLevel, Target};
use domain::{Instant, Label};

/// The page of one service level.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// What is in force, what waits, what was.
    pub kept: SettingView,
    /// For an alert that comes now.
    pub now: Option<Due>,
    /// The form, for who may propose.
    pub editor: Option<Editor<Draft>>,
    /// Calendars in force.
    pub calendars: Vec<Choice>,
    /// Policies in force.
    pub policies: Vec<Choice>,
    /// The same for the draft, when it was looked at.
    pub drafted: Option<Due>,
}

/// When an alert that comes now would be warned about and due.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Due {
    /// `None`: the calendar opens no more.
    pub warn: Option<Instant>,
    /// `None`: the calendar opens no more.
    pub due: Option<Instant>,
}

/// A service level while it is being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    /// In Portuguese.
    pub name_pt: String,
    /// In English.
    pub name_en: String,
    /// `yellow` or `red`.
    pub level: String,
    /// `first_response` or `resolution`.
    pub metric: String,
    /// How many.
    pub count: String,
    /// Of what: `minutes`, `open_minutes`, `days`, `working_days`.
    pub unit: String,
    /// The calendar's id.
    pub calendar: String,
    /// The policy's id; nothing: none is run.
    pub on_breach: String,
}

/// What a target may be counted in.
const UNITS: [(&str, Key); 4] = [
    ("minutes", Key("level-unit-minutes")),
    ("open_minutes", Key("level-unit-open-minutes")),
    ("days", Key("level-unit-days")),
    ("working_days", Key("level-unit-working-days")),
];
const LEVELS: [(&str, Key); 2] = [("red", Key("level-red")), ("yellow", Key("level-yellow"))];
const METRICS: [(&str, Key); 2] =
    [("first_response", Key("level-first-response")), ("resolution", Key("level-resolution"))];

const fn counted(target: Target) -> (&'static str, u32) {
    match target {
        Target::Minutes(n) => ("minutes", n),
        Target::OpenMinutes(n) => ("open_minutes", n),
        Target::Days(n) => ("days", n),
        Target::WorkingDays(n) => ("working_days", n),
    }
}

/// How long it may take, in words.
#[must_use]
pub(crate) fn target(w: &Words, target: Target) -> String {
    let minutes = |n: u32| w.span(&std::time::Duration::from_secs(60 * u64::from(n)));
    match target {
        Target::Minutes(n) => w.one("level-in-minutes", "span", minutes(n)),
        Target::OpenMinutes(n) => w.one("level-in-open-minutes", "span", minutes(n)),
        Target::Days(n) => w.count("level-in-days", n),
        Target::WorkingDays(n) => w.count("level-in-working-days", n),
    }
}

/// Its name in the reader's language.
#[must_use]
pub(crate) fn name(w: &Words, level: &ServiceLevel) -> String {
    match w.lang {
        Lang::PtBr => level.name.pt.to_string(),
        Lang::En => level.name.en.to_string(),
    }
}

fn label_of(choices: &[Choice], id: &str) -> String {
    choices
        .iter()
        .find(|choice| choice.value == id)
        .map_or_else(|| id.to_owned(), |choice| choice.label.clone())
}

/// What a service level says, line by line; `policies` gives what they are called.
#[must_use]
pub(crate) fn lines(w: &Words, level: &ServiceLevel, policies: &[Choice]) -> Vec<Line> {
    let line = |label: Key, text: String| Line { label: w.say(label), text };
    let word = |words: &[(&str, Key)], name: &str| {
        words.iter().find(|(known, _)| *known == name).map_or_else(String::new, |(_, key)| w.say(*key))
    };
    let breach = match &level.on_breach {
        Some(policy) => label_of(policies, policy),
        None => w.say("level-no-policy"),
    };
    vec![
        line(Key("policy-name-pt"), level.name.pt.to_string()),
        line(Key("policy-name-en"), level.name.en.to_string()),
        line(Key("level-level"), word(&LEVELS, level.level.name())),
        line(Key("level-metric"), word(&METRICS, level.metric.name())),
        line(Key("level-target"), target(w, level.target)),
        line(Key("level-calendar"), level.calendar.clone()),
        line(Key("level-on-breach"), breach),
    ]
}

impl Draft {
    /// A service level as it stands, or one that nobody wrote yet.
    #[must_use]
    pub(crate) fn of(level: Option<&ServiceLevel>) -> Self {
        let Some(level) = level else { return Self::default() };
        let (unit, count) = counted(level.target);
        Self {
            name_pt: level.name.pt.to_string(),
            name_en: level.name.en.to_string(),
            level: level.level.name().to_owned(),
            metric: level.metric.name().to_owned(),
            count: count.to_string(),
            unit: unit.to_owned(),
            calendar: level.calendar.clone(),
            on_breach: level.on_breach.clone().unwrap_or_default(),
        }
    }

    /// What a form sent, field by field.
    #[must_use]
    pub(crate) fn sent(get: impl Fn(&str) -> String) -> Self {
        Self {
            name_pt: get("name_pt"),
            name_en: get("name_en"),
            level: get("level"),
            metric: get("metric"),
            count: get("count"),
            unit: get("unit"),
            calendar: get("calendar"),
            on_breach: get("on_breach"),
        }
    }

    /// The service level it makes, or every mistake; a calendar and a policy are those that are in force.
    ///
    /// # Errors
    /// The mistakes, each at its field.
    pub(crate) fn service_level(
        &self,
        w: &Words,
        calendars: &[Choice],
        policies: &[Choice],
    ) -> Result<ServiceLevel, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut at = |field: &str, label: Key, what: Key| {
            wrong.push(Wrong { field: field.to_owned(), label: w.say(label), what: w.say(what) });
        };
        let (pt, en) = (self.name_pt.parse::<Label>().ok(), self.name_en.parse::<Label>().ok());
        if pt.is_none() {
            at("name_pt", Key("policy-name-pt"), Key("policy-wrong-name"));
        }
        if en.is_none() {
            at("name_en", Key("policy-name-en"), Key("policy-wrong-name"));
        }
        let level = Level::from_name(&self.level).filter(|level| *level != Level::Green);
        if level.is_none() {
            at("level", Key("level-level"), Key("level-wrong-level"));
        }
        let metric = Metric::from_name(&self.metric);
        if metric.is_none() {
            at("metric", Key("level-metric"), Key("level-wrong-metric"));
        }
        let count = self.count.parse::<u32>().ok();
        let target = match (self.unit.as_str(), count) {
            (_, None) => None,
            ("minutes", Some(n)) => Some(Target::Minutes(n)),
            ("open_minutes", Some(n)) => Some(Target::OpenMinutes(n)),
            ("days", Some(n)) => Some(Target::Days(n)),
            ("working_days", Some(n)) => Some(Target::WorkingDays(n)),
            _ => {
                at("unit", Key("level-unit"), Key("level-wrong-unit"));
                None
            }
        };
        if count.is_none() {
            at("count", Key("level-target"), Key("level-wrong-target"));
        }
        let is_there = |choices: &[Choice], id: &str| choices.iter().any(|choice| choice.value == id);
        if !is_there(calendars, &self.calendar) {
            at("calendar", Key("level-calendar"), Key("level-wrong-calendar"));
        }
        if !self.on_breach.is_empty() && !is_there(policies, &self.on_breach) {
            at("on_breach", Key("level-on-breach"), Key("level-wrong-policy"));
        }
        let name = pt.zip(en).map(|(pt, en)| Name { pt, en });
        let (calendar, on_breach) = (self.calendar.clone(), Some(self.on_breach.clone()));
        let on_breach = on_breach.filter(|id| !id.is_empty());
        let made = level.zip(metric).zip(target).zip(name).map(|(((level, metric), target), name)| {
            ServiceLevel { name, level, metric, target, calendar, on_breach }
        });
        match made.as_ref().map(ServiceLevel::check) {
            Some(Err(Faulty::Target(_))) => at("count", Key("level-target"), Key("level-wrong-target")),
            Some(Err(Faulty::Slow)) => at("count", Key("level-target"), Key("level-beyond-slow")),
            Some(Err(Faulty::Mute)) => at("on_breach", Key("level-on-breach"), Key("level-beyond-mute")),
            Some(Err(Faulty::Level) | Ok(())) | None => {}
        }
        made.filter(|_| wrong.is_empty()).ok_or(wrong)
    }
}

#[derive(Template)]
#[template(path = "sla/level.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::shell::DEFAULT_ZONE;
    use domain::sla::{calendars, seeds};

    const WORDS: Words = Words { lang: Lang::PtBr, zone: DEFAULT_ZONE, now: Instant::from_micros(0) };

    fn choices(ids: &[&str]) -> Vec<Choice> {
        ids.iter().map(|id| Choice { value: (*id).to_owned(), label: (*id).to_owned() }).collect()
    }

    #[test]
    fn every_seed_goes_through_the_form_unchanged() {
        let calendars = choices(&calendars().map(|(name, _)| name));
        let policies = choices(&["red_alert", "standard"]);
        for (name, level) in seeds() {
            let made = Draft::of(Some(&level)).service_level(&WORDS, &calendars, &policies);
            assert_eq!(made, Ok(level), "{name}");
        }
    }

    #[test]
    fn every_mistake_is_told_at_its_field_at_once() {
        let fields = |draft: &Draft| -> Vec<String> {
            let wrong = draft.service_level(&WORDS, &choices(&["always"]), &[]).unwrap_err();
            wrong.into_iter().map(|wrong| wrong.field).collect()
        };
        assert_eq!(
            fields(&Draft::default()),
            ["name_pt", "name_en", "level", "metric", "count", "calendar"],
            "an empty form"
        );
        let [(_, seed), ..] = seeds();
        let draft = Draft::of(Some(&seed));
        assert_eq!(fields(&draft), ["on_breach"], "a policy that is gone");
        let never =
            Draft { count: "367".to_owned(), unit: "days".to_owned(), on_breach: String::new(), ..draft };
        assert_eq!(fields(&never), ["count"]);
        assert_eq!(fields(&Draft { unit: "weeks".to_owned(), ..never }), ["unit"]);
    }
}
