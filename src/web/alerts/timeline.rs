//! What a patient's timeline shows of their alerts: when each was raised, and what was done with it. Without the permit
//! an alert is there, and what judgement found of it is not.

use std::collections::HashMap;
use std::time::Duration;

use crate::alerts::cases::{Case, Cases};
use crate::alerts::page::queue::shown_level;
use crate::alerts::view::alert::ActKind;
use crate::attachments::view::word;
use crate::http::fault::Fault;
use crate::patients::event::{Entry, Event, Place, Position, Reader};
use crate::{Key, Lang, Words};
use domain::attachments::AttachedTo;
use domain::rules::Name;
use domain::{AlertId, Outcome};
use store::alerts::timeline::{self, PatientAct};
use store::attachments::{Attachment, timeline as files};
use store::patients::Patient;
use store::privacy::accesses::What;
use store::{View, rules};

/// Known so long after it began, an alert names when that was.
const LATE: Duration = Duration::from_secs(3_600);
/// The kind of subject whose files are meant.
const ALERT: &str = "alert";

/// Alerts, and what people and the program did with them.
///
/// # Errors
/// Store faults.
pub(crate) fn contribute(
    view: &mut View<'_>,
    reader: &mut Reader<'_>,
    patient: &Patient,
    position: &Position,
    limit: i64,
) -> Result<Vec<Event>, Fault> {
    let rules = RuleNames::load(view)?;
    let mut known = Known::new(reader);
    let mut events = Vec::new();
    for case in known.raised_before(view, patient.key, position, limit)? {
        let place = Place::of(case.raised_at, "alerts", case.id.to_string());
        events.push(Event::shown(place, raised(&case, &rules)));
    }
    for row in timeline::acts_before(view, patient.key, &position.of("alerts.acts"), limit)? {
        let place = Place::numbered(row.at, "alerts.acts", row.id);
        let case = known.case(view, row.alert)?;
        let whom = row.whom.map(|whom| reader.people.user(view, whom)).transpose()?;
        let Some(what) = ActKind::from_name(&row.act, whom) else {
            events.push(Event::left_out(place));
            continue;
        };
        let entry = done(case, &rules, &row, what).by(Some(reader.hand(view, &row.actor)?));
        events.push(Event::shown(place, entry));
    }
    for file in files::attached_before(view, patient.key, ALERT, &position.of("alerts.attached"), limit)? {
        let place = Place::of(file.at, "alerts.attached", file.id.to_string());
        let hand = reader.hand(view, &file.actor)?;
        let entry =
            on_file(known.case(view, alert_of(&file))?, &file, "attachment.added", Key("did-attached"));
        events.push(Event::shown(place, entry.by(Some(hand))));
    }
    for file in files::removed_before(view, patient.key, ALERT, &position.of("alerts.detached"), limit)? {
        let Some(removed) = &file.removed else { continue };
        let place = Place::of(removed.at, "alerts.detached", file.id.to_string());
        let hand = reader.hand(view, &removed.by)?;
        let entry =
            on_file(known.case(view, alert_of(&file))?, &file, "attachment.removed", Key("did-detached"));
        events.push(Event::shown(place, entry.by(Some(hand))));
    }
    Ok(events)
}

const fn alert_of(file: &Attachment) -> AlertId {
    let AttachedTo::Alert(alert) = file.to;
    alert
}

/// A file came or went: of which kind, and without its name, which is for the case's own page.
fn on_file(case: &Case, file: &Attachment, code: &'static str, text: Key) -> Entry {
    let media = file.media;
    let entry = Entry::new(code, What::Alerts, move |w| w.one(text, "what", w.say(word(media))));
    let entry = match case.judged() {
        Ok(_) => entry,
        Err(hidden) => entry.masked(hidden.code),
    };
    let entry = entry.icon("download").about("alerts", case.id).with("attachment", file.id.to_string());
    entry.with("media_type", media.name()).with("size", file.size)
}

fn raised(case: &Case, rules: &RuleNames) -> Entry {
    let (measured, late) = (case.started_at, case.raised_at.since(case.started_at) > LATE);
    let since = move |w: &Words, text: String| match late {
        true => format!("{text} · {}", w.one("event-measured", "time", w.clock(&measured))),
        false => text,
    };
    let entry = match case.judged() {
        Ok(judged) => {
            let (rule, peak) = (rules.of(&judged.rule), shown_level(judged.peak));
            let entry = Entry::new("alert.raised", What::Alerts, move |w| {
                since(w, format!("{}: {}", rule.name_in(w), ActKind::Raised(peak).words(w)))
            });
            entry
                .with("rule", judged.rule.clone())
                .with("rule_version", judged.rule_version)
                .with("signal", judged.signal.name())
                .with("peak", judged.peak.name())
        }
        // Which rule found something, and how grave it was, is part of what it found.
        Err(hidden) => {
            let entry = Entry::new("alert.raised", What::Alerts, move |w| since(w, w.say("alert-masked")));
            entry.masked(hidden.code)
        }
    };
    entry.about("alerts", case.id).with("started_at", measured.rfc3339())
}

fn done(case: &Case, rules: &RuleNames, row: &PatientAct, what: ActKind) -> Entry {
    let code = format!("alert.{}", row.act);
    let entry = match case.judged() {
        Ok(judged) => {
            let rule = rules.of(&judged.rule);
            let entry =
                Entry::new(code, What::Alerts, move |w| format!("{}: {}", rule.name_in(w), what.words(w)));
            entry.with("rule", judged.rule.clone())
        }
        Err(hidden) => {
            let sentence = move |w: &Words| format!("{}: {}", w.say("alert-masked"), what.words(w));
            Entry::new(code, What::Alerts, sentence).masked(hidden.code)
        }
    };
    let outcome = row.outcome.as_deref().and_then(Outcome::from_name).map(Outcome::name);
    let entry = entry.icon("hand").about("alerts", row.alert).with("outcome", outcome);
    entry.with("whom", row.whom.map(|whom| whom.to_string()))
}

/// A patient's alerts as one reader may see them now, each decided once.
pub(crate) struct Known<'a> {
    cases: Cases<'a>,
    found: HashMap<AlertId, Case>,
}

impl<'a> Known<'a> {
    /// For one contribution.
    pub(crate) fn new(reader: &Reader<'a>) -> Self {
        let audience = &reader.viewer.audience;
        Self { cases: Cases::new(reader.state, reader.now, reader.sight, audience), found: HashMap::new() }
    }

    /// One of them. Whoever shows it notes the look.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn case(&mut self, view: &mut View<'_>, id: AlertId) -> Result<&Case, Fault> {
        if !self.found.contains_key(&id) {
            let case = self.cases.find(view, id)?;
            self.found.insert(id, case);
        }
        self.found.get(&id).ok_or_else(|| crate::Code::Internal.into())
    }

    fn raised_before(
        &mut self,
        view: &mut View<'_>,
        patient_key: i64,
        position: &Position,
        limit: i64,
    ) -> Result<Vec<Case>, Fault> {
        let raised = self.cases.raised_before(view, patient_key, &position.of("alerts"), limit)?;
        self.found.extend(raised.iter().map(|case| (case.id, case.clone())));
        Ok(raised)
    }
}

/// The names of the rules that are in force.
pub(crate) struct RuleNames(Vec<domain::Rule>);

impl RuleNames {
    /// Every rule's.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn load(view: &mut View<'_>) -> Result<Self, Fault> {
        Ok(Self(rules::in_force(view)?))
    }

    /// Of one rule.
    pub(crate) fn of(&self, id: &str) -> RuleName {
        let known = self.0.iter().find(|rule| rule.id == id);
        RuleName { id: id.to_owned(), name: known.map(|rule| rule.name.clone()) }
    }
}

/// A rule's name in both languages; its id when it is no more.
pub(crate) struct RuleName {
    id: String,
    name: Option<Name>,
}

impl RuleName {
    /// In the reader's language.
    pub(crate) fn name_in(&self, w: &Words) -> String {
        match (&self.name, w.lang) {
            (None, _) => self.id.clone(),
            (Some(name), Lang::PtBr) => name.pt.to_string(),
            (Some(name), Lang::En) => name.en.to_string(),
        }
    }
}
