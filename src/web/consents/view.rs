//! Consents, purpose by purpose: where each stands, under which text, and the acts that change it.

use consent::{Denied, Purpose, Verdict};

use crate::{Key, Words};
use domain::{Instant, PatientId};

/// Consents of one patient.
#[derive(Debug, Clone)]
pub(crate) struct Consents {
    /// Whose.
    pub patient: PatientId,
    /// In the order of the registry of purposes.
    pub lines: Vec<Line>,
    /// Whether the reader may grant or refuse: assisting, or for themselves.
    pub may_grant: bool,
    /// Whether the reader may revoke.
    pub may_revoke: bool,
    /// Whether the reader is the patient: the words change.
    pub own: bool,
}

/// One purpose.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The id in the registry, such as `telemetry.collect`.
    pub purpose: String,
    /// Where it stands.
    pub state: State,
    /// Since when; `None` when never asked.
    pub at: Option<Instant>,
    /// The epoch, +1 with each act.
    pub epoch: u64,
    /// The version of the text that was accepted.
    pub accepted: Option<String>,
    /// What the program does for it now, as the decision says.
    pub effect: Effect,
    /// The text in force, which a grant accepts. Without one there is nothing to grant.
    pub term: Option<Term>,
}

/// What the program does for a purpose now: made of the decision alone, so that no sentence says something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It acts.
    Acts(Purpose),
    /// It does not.
    Rests(Purpose),
    /// It does not, because this purpose above it is not in force.
    Idle(Purpose),
}

impl Effect {
    /// Of a decision that the house asks for itself.
    #[must_use]
    pub(crate) fn of(purpose: Purpose, decided: &Result<Verdict, Denied>) -> Self {
        match decided {
            Ok(_) => Self::Acts(purpose),
            Err(denied) => match denied.root().1.filter(|root| *root != purpose) {
                Some(above) => Self::Idle(above),
                None => Self::Rests(purpose),
            },
        }
    }

    /// The sentence.
    #[must_use]
    pub(crate) fn words(&self, w: &Words) -> String {
        match self {
            Self::Acts(Purpose::TelemetryCollect) => w.say("effect-collect-on"),
            Self::Rests(Purpose::TelemetryCollect) => w.say("effect-collect-off"),
            Self::Acts(Purpose::AlertEvaluate) => w.say("effect-evaluate-on"),
            Self::Rests(Purpose::AlertEvaluate) => w.say("effect-evaluate-off"),
            Self::Acts(_) => w.say("effect-on"),
            Self::Rests(_) => w.say("effect-off"),
            Self::Idle(above) => {
                let name = purpose(above.as_str())
                    .map_or_else(|| above.as_str().to_owned(), |(name, _)| w.say(name));
                w.one("effect-idle", "purpose", name)
            }
        }
    }
}

/// A consent text in force.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    /// The version.
    pub version: String,
    /// As it is to be shown, word for word.
    pub text: String,
    /// The hash that the form sends back: a stale one is refused with `E_STALE_TERM`.
    pub sha256: String,
}

/// A piece of a term as it is laid out; together they hold each of its words, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block<'a> {
    /// The first line.
    Title(&'a str),
    /// A heading (`## `).
    Heading(&'a str),
    /// A paragraph.
    Text(&'a str),
    /// Lines that begin with `- `.
    List(Vec<&'a str>),
}

impl Term {
    /// The text in blocks.
    #[must_use]
    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        for line in self.text.lines().filter(|line| !line.trim().is_empty()) {
            match (line.strip_prefix("## "), line.strip_prefix("- "), blocks.last_mut()) {
                (Some(heading), _, _) => blocks.push(Block::Heading(heading)),
                (None, Some(item), Some(Block::List(items))) => items.push(item),
                (None, Some(item), _) => blocks.push(Block::List(vec![item])),
                (None, None, None) => blocks.push(Block::Title(line)),
                (None, None, Some(_)) => blocks.push(Block::Text(line)),
            }
        }
        blocks
    }
}

/// Where a consent stands (compliance §2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Never asked.
    None,
    /// Asked, no answer yet.
    Offered,
    /// Granted.
    Granted,
    /// Refused.
    Refused,
    /// Revoked.
    Revoked,
    /// Expired.
    Expired,
    /// Granted under a text that has changed since.
    Stale,
    /// Suspended.
    Suspended,
}

impl State {
    /// Whether data may flow.
    #[must_use]
    pub(crate) const fn is_granted(self) -> bool {
        matches!(self, Self::Granted)
    }

    /// Whether there is something to revoke.
    #[must_use]
    pub(crate) const fn is_revocable(self) -> bool {
        matches!(self, Self::Granted | Self::Expired | Self::Stale | Self::Suspended)
    }

    /// Its class and icon: a permit, a refusal, or neither.
    #[must_use]
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Granted => "shield-check",
            Self::Refused | Self::Revoked => "ban",
            Self::None | Self::Offered => "file-question",
            Self::Expired | Self::Stale | Self::Suspended => "hourglass",
        }
    }

    /// The word.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::None => Key("consent-none"),
            Self::Offered => Key("consent-offered"),
            Self::Granted => Key("consent-granted"),
            Self::Refused => Key("consent-refused"),
            Self::Revoked => Key("consent-revoked"),
            Self::Expired => Key("consent-expired"),
            Self::Stale => Key("consent-stale"),
            Self::Suspended => Key("consent-suspended"),
        }
    }
}

impl Line {
    /// What the purpose is called; one outside the registry by its id.
    #[must_use]
    pub(crate) fn name(&self) -> Option<Key> {
        purpose(&self.purpose).map(|(name, _)| name)
    }

    /// What it means for the patient.
    #[must_use]
    pub(crate) fn meaning(&self) -> Option<Key> {
        purpose(&self.purpose).map(|(_, meaning)| meaning)
    }

    /// The id without what an `id` attribute cannot hold well.
    #[must_use]
    pub(crate) fn slug(&self) -> String {
        self.purpose.replace('.', "-")
    }
}

/// The name of a purpose and what it means.
#[must_use]
pub(crate) fn purpose(id: &str) -> Option<(Key, Key)> {
    Some(match id {
        "telemetry.collect" => (Key("purpose-telemetry-collect"), Key("purpose-telemetry-collect-means")),
        "alert.evaluate" => (Key("purpose-alert-evaluate"), Key("purpose-alert-evaluate-means")),
        "alert.escalate" => (Key("purpose-alert-escalate"), Key("purpose-alert-escalate-means")),
        "care.remind" => (Key("purpose-care-remind"), Key("purpose-care-remind-means")),
        "engage.message" => (Key("purpose-engage-message"), Key("purpose-engage-message-means")),
        "analytics.identified" => {
            (Key("purpose-analytics-identified"), Key("purpose-analytics-identified-means"))
        }
        "share.ehr" => (Key("purpose-share-ehr"), Key("purpose-share-ehr-means")),
        "share.portability" => (Key("purpose-share-portability"), Key("purpose-share-portability-means")),
        "research.identified" => {
            (Key("purpose-research-identified"), Key("purpose-research-identified-means"))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::Sao_Paulo;
    use consent::{
        AlertEscalate, AlertEvaluate, Bases, Change, Context, Datum, Denied, Reach, Record, Request, Scope,
        State, Subject, TelemetryCollect, decide,
    };

    use super::{Block, Effect, Purpose, Term};
    use crate::{Lang, Words};
    use domain::Instant;

    /// A row of one purpose in one state, as the ledger keeps it.
    fn row(purpose: Purpose, state: Option<State>) -> Option<Record> {
        state.map(|state| Record {
            purpose,
            state,
            previous: None,
            epoch: 1,
            since: 0,
            term_sha256: None,
            valid_from: 0,
            valid_until: None,
            measured_from: 0,
            first_granted_at: Some(0),
            scope: Scope::default(),
            pending: Change::None,
            guardian: false,
        })
    }

    /// Whether the code of this program acts for a purpose: what it asks before it stores, judges and calls.
    fn acts(purpose: Purpose, records: &Vec<Record>) -> Result<(), Denied> {
        let (bases, subject) = (Bases::default(), Subject::default());
        let house = Context::system(1);
        let calls = Context { data: &[Datum::Finding], reach: Reach::Staff, ..house };
        let context = if purpose == Purpose::AlertEscalate { calls } else { house };
        let request = Request { bases: &bases, records, subject: &subject, context: &context };
        match purpose {
            Purpose::TelemetryCollect => decide::<TelemetryCollect>(&request).map(drop),
            Purpose::AlertEvaluate => decide::<AlertEvaluate>(&request).map(drop),
            Purpose::AlertEscalate => decide::<AlertEscalate>(&request).map(drop),
            other => unreachable!("{other} is shown: say here what its code asks"),
        }
    }

    #[test]
    fn a_term_is_laid_out_with_every_word_and_no_mark() {
        let term = |text: &str| Term { version: "1.0.0".into(), text: text.into(), sha256: String::new() };
        let laid = term("Receber\n\nUma coisa só.\n\n## Para que serve\n\nPara cuidar.\n- um;\n- dois.\n");
        let expected = vec![
            Block::Title("Receber"),
            Block::Text("Uma coisa só."),
            Block::Heading("Para que serve"),
            Block::Text("Para cuidar."),
            Block::List(vec!["um;", "dois."]),
        ];
        assert_eq!(laid.blocks(), expected);
        for seed in consent::Term::seeds(&consent::Controller::demo()).unwrap() {
            let laid = term(seed.text());
            let words: Vec<String> = laid
                .blocks()
                .into_iter()
                .flat_map(|block| match block {
                    Block::Title(text) | Block::Heading(text) | Block::Text(text) => vec![text.to_owned()],
                    Block::List(items) => items.into_iter().map(str::to_owned).collect(),
                })
                .collect();
            let plain = seed.text().replace("## ", "").replace("\n- ", "\n");
            let plain: Vec<&str> = plain.lines().filter(|line| !line.is_empty()).collect();
            assert_eq!(words, plain);
            assert!(words.iter().all(|text| !text.contains('#') && !text.starts_with('-')));
        }
    }

    #[test]
    fn no_state_of_any_purpose_has_a_sentence_that_the_decision_does_not_bear_out() {
        let states: Vec<Option<State>> = State::ALL.iter().copied().map(Some).chain([None]).collect();
        let mut shown = 0;
        for combination in 0..states.len().pow(u32::try_from(Purpose::ASKED.len()).unwrap()) {
            let mut rest = combination;
            let mut records = Vec::new();
            for purpose in Purpose::ASKED {
                records.extend(row(*purpose, states[rest % states.len()]));
                rest /= states.len();
            }
            for purpose in Purpose::ASKED {
                let (bases, subject) = (Bases::default(), Subject::default());
                let context = crate::consents::page::as_shown(1);
                let request =
                    Request { bases: &bases, records: &records, subject: &subject, context: &context };
                let effect = Effect::of(*purpose, &consent::judge(*purpose, &request));
                let done = acts(*purpose, &records);
                assert_eq!(effect == Effect::Acts(*purpose), done.is_ok(), "{purpose} {records:?}");
                if let Err(denied) = done {
                    let above = denied.root().1.filter(|above| above != purpose);
                    let waits = above.map_or(Effect::Rests(*purpose), Effect::Idle);
                    assert_eq!(effect, waits, "a child says what it waits for: {purpose} {records:?}");
                }
                for lang in Lang::ALL {
                    let words = Words { lang, zone: Sao_Paulo, now: Instant::from_micros(1) };
                    let acts = Effect::Acts(*purpose).words(&words);
                    assert_eq!(effect.words(&words) == acts, effect == Effect::Acts(*purpose), "{acts}");
                    shown += 1;
                }
            }
        }
        assert_eq!(shown, 512 * 3 * 2);
    }
}
