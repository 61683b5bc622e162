//! The SLA clocks of one alert: how much of each is used, when it warns, when it is over, and why its clock stood still.

use crate::pages::Level;
use crate::{Key, Words};
use domain::Instant;

/// The SLA clocks of an alert.
#[derive(Debug, Clone, Default)]
pub(crate) struct SlaClocks {
    /// What comes due first stands first.
    pub rows: Vec<Row>,
    /// Whether the reader may let the clocks stand still now.
    pub may_pause: bool,
    /// Whether the reader may let them go on.
    pub may_resume: bool,
}

/// One service level with its clock.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What is measured: first response, or resolution.
    pub metric: Key,
    /// For alerts of which level: one that has risen keeps the clocks of both.
    pub of: Level,
    /// The target, in words: "15 min".
    pub target: String,
    /// The calendar that counts it and its version; `None`: day and night.
    pub calendar: Option<(String, u32)>,
    /// The service level's lasting id, and its version.
    pub level: (String, u32),
    /// Where it stands.
    pub standing: Standing,
    /// Thousandths that are used, 1,000 at the most; `None`: unknown while it is paused.
    pub share: Option<u64>,
    /// The same in words: "12 min de 15 min (80 %)".
    pub used: Option<String>,
    /// When it warns, or warned.
    pub warns: Option<(bool, Instant)>,
    /// When it is over.
    pub due: Option<Instant>,
    /// When it stopped.
    pub stopped: Option<Instant>,
    /// Clocks that ran before this one.
    pub earlier: usize,
    /// Its life without a seam.
    pub trace: Vec<Stretch>,
}

impl Row {
    /// What is measured, and of which alerts: "Primeira resposta (alerta vermelho)".
    #[must_use]
    pub(crate) fn title(&self, w: &Words) -> String {
        let level = w.say(self.of.word()).to_lowercase();
        w.two("sla-of", "metric", w.say(self.metric), "level", level)
    }

    /// Whether its clock counts towards its end.
    #[must_use]
    pub(crate) const fn counts_down(&self) -> bool {
        matches!(self.standing, Standing::Running | Standing::Warned)
    }
}

/// Where a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In time.
    Running,
    /// Stands still, and why.
    Paused(Key),
    /// In time, most of it used.
    Warned,
    /// The time is over.
    Breached,
    /// Done in time.
    Met,
    /// Done too late.
    Late,
    /// It can no longer be met or breached.
    Withdrawn,
}

impl Standing {
    /// In words.
    #[must_use]
    pub(crate) fn words(&self, w: &Words) -> String {
        match self {
            Self::Running => w.say("sla-running"),
            Self::Paused(why) => w.one("sla-paused", "why", w.say(*why)),
            Self::Warned => w.say("sla-warned"),
            Self::Breached => w.say("sla-breached"),
            Self::Met => w.say("sla-met"),
            Self::Late => w.say("sla-late"),
            Self::Withdrawn => w.say("sla-withdrawn"),
        }
    }

    /// Its tone.
    #[must_use]
    pub(crate) const fn tone(&self) -> &'static str {
        match self {
            Self::Met => "on",
            Self::Warned => "warn",
            Self::Breached | Self::Late => "red",
            Self::Running | Self::Paused(_) | Self::Withdrawn => "off",
        }
    }

    /// Its icon.
    #[must_use]
    pub(crate) const fn icon(&self) -> &'static str {
        match self {
            Self::Running => "hourglass",
            Self::Paused(_) => "clock",
            Self::Warned => "triangle-alert",
            Self::Breached | Self::Late => "octagon-alert",
            Self::Met => "circle-check",
            Self::Withdrawn => "ban",
        }
    }
}

/// A stretch of a clock's life.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub to: Instant,
    /// Why it stood still; `None`: it ran.
    pub still: Option<String>,
}

/// Why a clock may be let stand still: what is sent, and its word.
pub(crate) const REASONS: [(&str, Key); 3] = [
    ("waiting_patient", Key("pause-waiting-patient")),
    ("waiting_third_party", Key("pause-waiting-third-party")),
    ("scheduled_callback", Key("pause-scheduled-callback")),
];

/// The word of a reason.
#[must_use]
pub(crate) fn reason_word(name: &str) -> Key {
    REASONS
        .into_iter()
        .find(|(reason, _)| *reason == name)
        .map_or(Key("pause-waiting-patient"), |(_, word)| word)
}
