//! What one viewer is shown of an alert, under a permit of this moment: clinicians the finding, agents and technicians
//! which rule spoke and the signal's latest value, managers the rule alone.

use crate::alerts::cases::{Case, Judged};
use crate::alerts::view::queue::Latest;
use crate::http::fault::Fault;
use crate::pages::visit::{Room, masked};
use crate::people::auth::permit_display;
use crate::rules::view::Step;
use crate::{Key, Lang, Words};
use ::rules::Finding;
use domain::{Role, Signal};
use store::privacy::accesses::What;
use store::{View, readings, rules};

/// What a viewer is shown of an alert.
pub(crate) struct FindingShown {
    /// The finding, the rule's name, or why there is none.
    pub sentence: String,
    /// What the finding rests on.
    pub detail: Option<String>,
    /// The alerting signal's latest value.
    pub latest: Option<Latest>,
}

/// What this viewer may be shown of an alert, under a permit of this moment. A value in it is a look at readings.
///
/// # Errors
/// Store faults.
pub(crate) fn finding(
    view: &mut View<'_>,
    room: &Room,
    case: &Case,
    names: &RuleNames,
) -> Result<FindingShown, Fault> {
    let (text, measured) = worded(view, room, case, names)?;
    if measured || text.detail.is_some() || text.latest.is_some() {
        room.sight.saw(case.patient, What::Readings);
    }
    Ok(text)
}

/// The sentence alone.
///
/// # Errors
/// Store faults.
pub(crate) fn sentence(
    view: &mut View<'_>,
    room: &Room,
    case: &Case,
    names: &RuleNames,
) -> Result<String, Fault> {
    let (text, measured) = worded(view, room, case, names)?;
    if measured {
        room.sight.saw(case.patient, What::Readings);
    }
    Ok(text.sentence)
}

/// What may be shown, and whether its sentence holds a value.
fn worded(
    view: &mut View<'_>,
    room: &Room,
    case: &Case,
    names: &RuleNames,
) -> Result<(FindingShown, bool), Fault> {
    let w = room.words();
    let hidden = |sentence: String| (FindingShown { sentence, detail: None, latest: None }, false);
    let judged = match case.judged_or_fault() {
        Ok(judged) => judged,
        Err(fault) => return Ok(hidden(masked(fault)?.sentence(w))),
    };
    let rule = names.of(judged);
    if crate::people::auth::purposes(room.viewer.role).is_empty() {
        return Ok(hidden(rule));
    }
    if case.moved_at.is_some() {
        return Ok(hidden(moved(view, w, judged)?));
    }
    let permit = match permit_display(view, &room.state, &room.viewer, case.patient_key) {
        Ok(permit) => permit,
        Err(fault) => return Ok(hidden(masked(fault)?.sentence(w))),
    };
    // What is measured now says nothing of an alert that is over and done with.
    let stands = case.state != domain::AlertState::Resolved && !case.is_past();
    let signals: &[Signal] = if stands { &[judged.signal] } else { &[] };
    let latest = readings::latest(view, &permit, case.patient_key, signals)?;
    let latest = latest.first().map(|stored| Latest {
        signal: judged.signal,
        value: stored.reading.canonical(),
        at: stored.reading.at,
        suspect: stored.reading.flags.is_suspect(),
    });
    let mut measured = false;
    let (sentence, detail) = match room.viewer.role {
        Role::Clinician => match judged.finding(view, &permit)? {
            Some(found) => {
                measured = found.suspected().is_some();
                let range =
                    found.min.as_ref().zip(found.max.as_ref()).map(|(min, max)| (min.value, max.value));
                (headline(w, judged.signal, &found), Some(evidence(w, judged.signal, found.count, range)))
            }
            None => (w.say("finding-hidden"), None),
        },
        _ => (rule, None),
    };
    Ok((FindingShown { sentence, detail, latest }, measured))
}

/// The sentence on an alert whose readings left its patient. They may be back, and nothing judge them: who had taken the
/// permission for it away gave it for what is measured from then on.
///
/// # Errors
/// Store faults.
pub(crate) fn moved(view: &mut View<'_>, w: &Words, judged: &Judged) -> Result<String, Fault> {
    Ok(if judged.has_its_readings(view)? { w.say("finding-back") } else { w.say("did-moved") })
}

/// "Glicose abaixo de 54 mg/dL por 15 min", or "Glicose 38 mg/dL: valor extremo, medir de novo": the level stands
/// beside it as colour, shape and word.
#[must_use]
pub(crate) fn headline(w: &Words, signal: Signal, found: &Finding) -> String {
    if let Some(sample) = found.suspected() {
        let measured =
            format!("{} {} {}", w.signal(&signal), w.value(&signal, &sample.value), w.unit(&signal));
        return w.one("finding-measure-again", "measured", measured);
    }
    let condition = found.condition;
    let step = Step {
        level: crate::pages::Level::Red,
        above: condition.op.upward(),
        value: condition.value,
        for_secs: condition.lasting.as_secs(),
    };
    format!("{} {}", w.signal(&signal), step.words(w, &signal))
}

/// "61 leituras, 121–134 bpm".
fn evidence(w: &Words, signal: Signal, count: usize, range: Option<(f64, f64)>) -> String {
    let readings = w.count(Key("finding-readings"), count);
    let Some((min, max)) = range else { return readings };
    let (min, max, unit) = (w.value(&signal, &min), w.value(&signal, &max), w.unit(&signal));
    if min == max { format!("{readings}, {min} {unit}") } else { format!("{readings}, {min}–{max} {unit}") }
}

/// Of two sentences the one in the reader's language.
pub(crate) fn tongue(w: &Words, pt: String, en: String) -> String {
    match w.lang {
        Lang::PtBr => pt,
        Lang::En => en,
    }
}

/// What rules are called in the reader's language.
pub(crate) struct RuleNames(Vec<(String, String)>);

impl RuleNames {
    /// Every rule's name.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn load(view: &mut View<'_>, lang: Lang) -> Result<Self, Fault> {
        let name = |rule: domain::Rule| {
            let name = match lang {
                Lang::PtBr => rule.name.pt.into(),
                Lang::En => rule.name.en.into(),
            };
            (rule.id, name)
        };
        Ok(Self(rules::in_force(view)?.into_iter().map(name).collect()))
    }

    /// The name of the rule that raised an alert; its id when it is no more.
    #[must_use]
    pub(crate) fn of(&self, judged: &Judged) -> String {
        let id = &judged.rule;
        self.0.iter().find(|(known, _)| known == id).map_or_else(|| id.clone(), |(_, name)| name.clone())
    }
}
