//! Devices: which there are, whom they measure, when they were last heard, and the acts upon one.

pub(crate) mod pairing;

use askama::Template;

use crate::pages::{Choice, Html, Paging};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::{CommandId, DeviceId, Instant, PatientId};
use store::devices::commands::State as Stands;
use store::devices::unbound::Waiting;

/// The list of devices.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// A page of them, silent ones first.
    pub rows: Vec<Link>,
    /// Which stretch of all devices this is.
    pub paging: Paging,
    /// Whether the reader may enrol.
    pub may_manage: bool,
    /// Patients that a new device can be bound to.
    pub patients: Offer,
}

/// The patients that a form offers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offer {
    /// By name; none when there are too many to choose from.
    pub patients: Vec<Choice>,
    /// Whether the reader types the number of one patient instead.
    pub typed: bool,
}

/// A device and the patient it measures.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// The device.
    pub device: DeviceId,
    /// What people call it.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// Last heard.
    pub seen_at: Option<Instant>,
    /// Its battery, in percent.
    pub battery: Option<f64>,
    /// Its last status message, and when it came.
    pub status: Option<(String, Option<Instant>)>,
    /// Whom it measures; the name only for who may see contacts.
    pub patient: Option<(PatientId, String)>,
    /// Bound until; `None` while it lasts.
    pub to: Option<Instant>,
    /// Whether it is the patient's preferred source.
    pub preferred: bool,
}

impl Link {
    /// Whether a session is open.
    #[must_use]
    pub(crate) fn is_on(&self) -> bool {
        self.state == State::Connected
    }
}

/// How a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// A session is open.
    Connected,
    /// Enrolled, never connected.
    Waiting,
    /// Known, no session now.
    Away,
    /// Away for longer than its rule of silence allows.
    Silent,
    /// Disabled.
    Disabled,
}

impl State {
    /// The word.
    #[must_use]
    pub(crate) const fn word(self) -> Key {
        match self {
            Self::Connected => Key("device-connected"),
            Self::Waiting => Key("device-waiting"),
            Self::Away => Key("device-away"),
            Self::Silent => Key("device-silent"),
            Self::Disabled => Key("device-disabled"),
        }
    }

    /// The icon.
    #[must_use]
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Connected => "wifi",
            Self::Waiting => "hourglass",
            Self::Away | Self::Silent => "wifi-off",
            Self::Disabled => "ban",
        }
    }

    /// The class of its tag.
    #[must_use]
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::Connected => "on",
            Self::Silent => "warn",
            Self::Waiting | Self::Away | Self::Disabled => "off",
        }
    }
}

/// The page of one device.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    /// As in the list.
    pub link: Link,
    /// The bindings, newest first.
    pub bindings: Vec<Binding>,
    /// What it measured while it was nobody's.
    pub nobodys: Vec<Waiting>,
    /// Which readings changed hands, newest first.
    pub moves: Vec<Moved>,
    /// The tokens, newest first.
    pub tokens: Vec<Token>,
    /// The last commands, newest first.
    pub commands: Vec<Command>,
    /// Whether the reader may manage.
    pub may_manage: bool,
    /// Patients it can be bound to.
    pub patients: Offer,
}

/// Wearers whose binding may have ended otherwise than was recorded.
const WEARERS: usize = 8;

impl Detail {
    /// Who wore it last, each once, whoever wears it now first.
    #[must_use]
    pub(crate) fn wearers(&self) -> Vec<&Binding> {
        let mut wearers: Vec<&Binding> = Vec::new();
        for binding in &self.bindings {
            if wearers.len() < WEARERS && wearers.iter().all(|known| known.patient != binding.patient) {
                wearers.push(binding);
            }
        }
        wearers
    }
}

/// Whom it measured, from when to when.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    /// The patient.
    pub patient: PatientId,
    /// Their name, or a reference.
    pub name: String,
    /// Inclusive.
    pub from: Instant,
    /// Exclusive; `None` while it lasts.
    pub to: Option<Instant>,
}

/// Readings that a change of a binding took from a patient or gave to one.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    /// The patient.
    pub patient: PatientId,
    /// Their name, or a reference.
    pub name: String,
    /// Whether they were given.
    pub gives: bool,
    /// How many so far.
    pub readings: i64,
    /// How many were dropped because the patient does not permit them to be stored.
    pub refused: i64,
    /// Since when it was measured.
    pub from: Instant,
    /// Whether it goes on.
    pub is_open: bool,
}

impl Moved {
    /// What changed hands, in words.
    #[must_use]
    pub(crate) fn says(&self, w: &Words) -> String {
        let key = if self.gives { Key("moved-given") } else { Key("moved-taken") };
        let count = w.count("finding-readings", self.readings);
        let mut text = w.two(key, "count", count, "time", w.at(&self.from));
        if self.refused > 0 {
            text = format!(
                "{text} {}",
                w.one("moved-refused", "count", w.count("finding-readings", self.refused))
            );
        }
        if self.is_open { format!("{text} {}", w.say("moved-open")) } else { text }
    }
}

/// A command and how it stands.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    /// Its id.
    pub id: CommandId,
    /// What was asked.
    pub body: String,
    /// How it stands.
    pub state: Stands,
    /// When it was given.
    pub given_at: Instant,
    /// Since when it stands so.
    pub at: Instant,
}

impl Command {
    /// Whether it can be taken back.
    #[must_use]
    pub(crate) const fn waits(&self) -> bool {
        matches!(self.state, Stands::Waiting)
    }

    /// The key of its state's sentence.
    const fn word(&self) -> Key {
        match self.state {
            Stands::Waiting => Key("command-waiting"),
            Stands::Acknowledged => Key("command-acknowledged"),
            Stands::Refused(_) => Key("command-refused"),
            Stands::Cancelled => Key("command-cancelled"),
            Stands::Expired => Key("command-expired"),
        }
    }

    /// How it stands and since when; of a refusal the code, as MQTT writes it.
    #[must_use]
    pub(crate) fn says(&self, w: &Words) -> String {
        match self.state {
            Stands::Waiting => w.say(self.word()),
            Stands::Refused(code) => {
                w.two(self.word(), "time", w.at(&self.at), "code", format!("0x{code:02X}"))
            }
            _ => w.one(self.word(), "time", w.at(&self.at)),
        }
    }
}

/// A device token, never its text.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// Its id.
    pub id: String,
    /// Made.
    pub created_at: Instant,
    /// Ends by itself.
    pub ends_at: Option<Instant>,
    /// Revoked.
    pub revoked_at: Option<Instant>,
}

#[derive(Template)]
#[template(path = "devices/list.html", blocks = ["list"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    devices: &'a [Link],
}

#[derive(Template)]
#[template(path = "devices/device.html", blocks = ["device"])]
struct DetailPage<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a Detail,
}

/// The list. POST `/devices` with `name`, `patient_id?`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, devices: &view.rows }.render()
}

/// The rows alone.
///
/// # Errors
/// The formatter's.
pub(crate) fn rows(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view, devices: &view.rows }.as_list().render()
}

/// One device. POST `/devices/{id}/{pairing|bind|unbind|disable|enable}`, each with `reason?`, `patient_id?`, and
/// `/devices/{id}/commands/{command}/cancel`.
///
/// # Errors
/// The formatter's.
pub(crate) fn detail(shell: &Shell, view: &Detail) -> Html {
    DetailPage { shell, w: &shell.words, view }.render()
}

/// One device below its heading.
///
/// # Errors
/// The formatter's.
pub(crate) fn detail_part(shell: &Shell, view: &Detail) -> Html {
    DetailPage { shell, w: &shell.words, view }.as_device().render()
}
