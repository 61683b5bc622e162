//! One alert: what was found, by which readings, who did what, and what the reader may do now.

use askama::Template;

use crate::attachments::view::Files;
use crate::escalation::view::progress::{Progress, Standing};
use crate::pages::{AlertState, Choice, Html, Level, Masked, Owner, Snoozed};
use crate::sla::view::clocks::{REASONS, SlaClocks};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::{AlertId, Instant, PatientId, Signal};

/// The page of one alert.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The alert.
    pub alert: AlertId,
    /// The patient.
    pub patient: PatientId,
    /// Their name.
    pub name: String,
    /// Their telephone, for who may see contacts.
    pub phone: Option<String>,
    /// What judgement found; `None` without a legal basis to show.
    pub judged: Option<Judged>,
    /// Where it stands.
    pub state: AlertState,
    /// The start.
    pub started_at: Instant,
    /// The end.
    pub ended_at: Option<Instant>,
    /// When the policy wants it acknowledged.
    pub due: Option<Instant>,
    /// Who has it.
    pub owner: Option<Owner>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Raised by readings that came late.
    pub retrospective: bool,
    /// Every step was taken and nobody answered.
    pub nobody_reached: bool,
    /// Until when the owner's claim keeps others away.
    pub claimed_until: Option<Instant>,
    /// That it is put off: until when, and by whom.
    pub snoozed: Option<Snoozed>,
    /// The same people held it too often without an end: it is for another person.
    pub worn_out: bool,
    /// Its escalation.
    pub progress: Option<Progress>,
    /// Its SLA clocks.
    pub sla: SlaClocks,
    /// The finding and its readings, or why they are hidden.
    pub finding: Finding,
    /// What was done, oldest first.
    pub acts: Vec<Act>,
    /// The files on the case, for whoever acts.
    pub(crate) files: Option<Files>,
    /// Whether the reader may act.
    pub may_act: bool,
    /// Whether the reader may claim, acknowledge and hand over: whoever acts on alerts, or was called about this one.
    pub may_answer: bool,
    /// Whoever had it can answer no more, and nobody has taken it since: the sentence.
    pub given_back: Option<String>,
    /// Nobody is called, for want of a legal basis: the sentence with its article.
    pub uncalled: Option<String>,
    /// Whom it can be given to.
    pub colleagues: Vec<Choice>,
}

impl View {
    /// By what messages about it are distinguished from those about others.
    #[must_use]
    pub(crate) fn mark(&self) -> String {
        domain::messages::mark(&self.alert.to_string())
    }

    /// As it stands, where that may be shown.
    #[must_use]
    pub(crate) fn level(&self) -> Option<Level> {
        self.judged.as_ref().map(|judged| judged.level)
    }

    /// Whether it stands at red, as far as that may be shown.
    #[must_use]
    pub(crate) fn is_red(&self) -> bool {
        self.level() == Some(Level::Red)
    }

    /// Whether the reader may take it: nobody has it, or a claim ran out without an answer.
    #[must_use]
    pub(crate) const fn may_claim(&self) -> bool {
        self.owner.is_none()
    }
}

/// What judgement found.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    /// What the rule looks at.
    pub signal: Signal,
    /// The rule, such as `tachycardia`.
    pub rule: String,
    /// Its version.
    pub rule_version: u32,
    /// As it stands.
    pub level: Level,
    /// At its gravest.
    pub peak: Level,
}

/// What was found.
#[derive(Debug, Clone)]
pub(crate) enum Finding {
    /// In the reader's language, with the readings it rests on; an empty list for roles that see none.
    Shown {
        /// What fired, in short; the text says it whole.
        headline: Option<String>,
        /// Which readings, which rule version, which threshold.
        text: String,
        /// The readings.
        readings: Vec<Evidence>,
    },
    /// Consent no longer holds.
    Hidden(Masked),
}

/// A reading that a finding rests on.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// What was measured.
    pub signal: Signal,
    /// When.
    pub at: Instant,
    /// In the canonical unit.
    pub value: f64,
    /// By which device.
    pub device: String,
}

/// How an alert ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was real.
    True,
    /// It was not.
    FalseAlarm,
    /// Another alert says the same.
    Duplicate,
    /// Late data disproved it.
    Retracted,
    /// Consent ended.
    ConsentRevoked,
    /// Something else.
    Other,
}

impl Outcome {
    /// Those that a person may choose.
    pub(crate) const CHOICES: [Self; 4] = [Self::True, Self::FalseAlarm, Self::Duplicate, Self::Other];

    /// The name in the API.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::FalseAlarm => "false_alarm",
            Self::Duplicate => "duplicate",
            Self::Retracted => "retracted",
            Self::ConsentRevoked => "consent_revoked",
            Self::Other => "other",
        }
    }

    /// The word.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::True => Key("outcome-true"),
            Self::FalseAlarm => Key("outcome-false-alarm"),
            Self::Duplicate => Key("outcome-duplicate"),
            Self::Retracted => Key("outcome-retracted"),
            Self::ConsentRevoked => Key("outcome-consent-revoked"),
            Self::Other => Key("outcome-other"),
        }
    }
}

/// Something done to an alert.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// When.
    pub at: Instant,
    /// By whom; `None` for the system.
    pub who: Option<String>,
    /// What.
    pub what: ActKind,
    /// The reason or note that was given.
    pub note: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ActKind {
    /// Raised, at a level.
    Raised(Level),
    /// Changed level.
    Level(Level),
    /// Claimed.
    Claimed,
    /// Acknowledged.
    Acknowledged,
    /// The answer was taken back.
    Unacknowledged,
    /// Put off.
    Snoozed,
    /// Given to another.
    Reassigned,
    /// Resolved.
    Resolved,
    /// Whoever had it, by name, can answer no more: it went back to the queue.
    GivenBack(String),
    /// Its readings turned out to be another's.
    Moved,
    /// Its readings came back.
    Returned,
    /// Done about an alert that the same readings raised at another patient.
    Elsewhere(Box<Self>),
}

impl ActKind {
    /// From the name under which the store keeps what was done; `whom` it was about, by name.
    #[must_use]
    pub(crate) fn from_name(name: &str, whom: Option<String>) -> Option<Self> {
        Some(match name {
            "claim" => Self::Claimed,
            "ack" => Self::Acknowledged,
            "unack" => Self::Unacknowledged,
            "snooze" => Self::Snoozed,
            "reassign" => Self::Reassigned,
            "resolve" => Self::Resolved,
            "given_back" => Self::GivenBack(whom?),
            "moved" => Self::Moved,
            "returned" => Self::Returned,
            _ => return None,
        })
    }

    /// The words.
    #[must_use]
    pub(crate) fn words(&self, w: &Words) -> String {
        match self {
            Self::Raised(level) => w.one("did-raised", "level", w.say(level.word()).to_lowercase()),
            Self::Level(level) => w.one("did-level", "level", w.say(level.word()).to_lowercase()),
            Self::Claimed => w.say("did-claimed"),
            Self::Acknowledged => w.say("did-acknowledged"),
            Self::Unacknowledged => w.say("did-unacknowledged"),
            Self::Snoozed => w.say("did-snoozed"),
            Self::Reassigned => w.say("did-reassigned"),
            Self::Resolved => w.say("did-resolved"),
            Self::GivenBack(who) => w.one("did-given-back", "who", who),
            Self::Moved => w.say("did-moved"),
            Self::Returned => w.say("did-returned"),
            Self::Elsewhere(what) => w.one("did-elsewhere", "act", what.words(w)),
        }
    }

    /// The icon.
    #[must_use]
    pub(crate) const fn icon(&self) -> &'static str {
        match self {
            Self::Raised(level) | Self::Level(level) => level.icon(),
            Self::Claimed | Self::Reassigned => "hand",
            Self::Acknowledged => "check",
            Self::Unacknowledged | Self::GivenBack(_) | Self::Returned => "undo-2",
            Self::Moved => "history",
            Self::Elsewhere(what) => what.icon(),
            Self::Snoozed => "clock",
            Self::Resolved => "circle-check",
        }
    }
}

#[derive(Template)]
#[template(path = "alerts/alert.html", blocks = ["alert"])]
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

/// Everything below the heading, asked for again when this alert or a consent changed.
///
/// # Errors
/// The formatter's.
pub(crate) fn part(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.as_alert().render()
}
