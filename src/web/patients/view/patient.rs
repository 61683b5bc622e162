//! One patient: what was measured, what it raised, under which consent, by which device, and who did what.

use askama::Template;

use crate::consents::view::{Block, Consents, State};
use crate::devices::view::Link;
use crate::pages::{AlertState, Html, Level, Owner};
use crate::patients::view::timeline::Line;
use crate::readings::view::{Range, Readings};
use crate::{Key, Lang, Section, Shell, Theme, Words};
use domain::{AlertId, Can, Instant, PatientId, Signal};

/// The page of one patient; what the reader may not see is `None`.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Whose.
    pub patient: PatientId,
    /// The name; the reference number for those who see no contacts.
    pub name: String,
    /// Contacts.
    pub contact: Option<Contact>,
    /// Readings, or why there are none to see.
    pub readings: Readings,
    /// Newest first.
    pub alerts: Option<Vec<AlertLine>>,
    /// Consents.
    pub consents: Option<Consents>,
    /// Devices bound now and before.
    pub devices: Option<Vec<Link>>,
    /// Sealed readings that wait for a clinician.
    pub quarantine: Option<Vec<Quarantined>>,
    /// What happened lately, newest first.
    pub timeline: Vec<Line>,
}

/// How to reach a patient.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contact {
    /// Age in years.
    pub age: Option<u32>,
    /// E-mail.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// The IANA zone they live in.
    pub zone: String,
    /// Their clock now, when it differs from the reader's.
    pub local_time: Option<String>,
}

/// An alert of this patient.
#[derive(Debug, Clone)]
pub(crate) struct AlertLine {
    /// The alert.
    pub alert: AlertId,
    /// As it stands, or stood at its gravest when over; `None` without a legal basis to show.
    pub level: Option<Level>,
    /// Where it stands.
    pub state: AlertState,
    /// The finding in the reader's language; `None` when hidden.
    pub finding: Option<String>,
    /// The start.
    pub started_at: Instant,
    /// The end.
    pub ended_at: Option<Instant>,
    /// Who has it.
    pub owner: Option<Owner>,
}

/// A reading that was set aside.
#[derive(Debug, Clone)]
pub(crate) struct Quarantined {
    /// The id in `/quarantine/{id}/…`.
    pub id: String,
    /// What was measured, when that could be read.
    pub signal: Option<Signal>,
    /// When it says it was measured.
    pub at: Option<Instant>,
    /// When it came.
    pub received_at: Instant,
    /// Why it was set aside, such as `E_CLOCK`.
    pub code: String,
    /// The value as sent, in the words it came in; only under a permit.
    pub value: Option<String>,
    /// By which device.
    pub device: String,
}

impl Quarantined {
    /// Why it was set aside, in words; an unknown code speaks for itself.
    #[must_use]
    pub(crate) fn why(&self) -> Option<Key> {
        why_set_aside(&self.code)
    }
}

/// Why a reading was set aside, in words, from the code.
#[must_use]
pub(crate) fn why_set_aside(code: &str) -> Option<Key> {
    Some(match code {
        "E_NOT_BOUND" => Key("quarantine-not-bound"),
        "E_CLOCK" => Key("quarantine-clock"),
        "E_CONFLICT" => Key("quarantine-conflict"),
        "E_IMPLAUSIBLE" => Key("quarantine-implausible"),
        "E_SUBJECT" => Key("quarantine-subject"),
        "E_WITHDRAWN" => Key("quarantine-withdrawn"),
        _ => return None,
    })
}

/// A part that is asked for again (`?part=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Latest values and chart.
    Readings,
    /// Alerts.
    Alerts,
    /// Consents.
    Consents,
    /// Devices.
    Devices,
    /// Quarantine.
    Quarantine,
    /// Timeline.
    Timeline,
}

impl Part {
    /// Every part, as the page shows them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Readings, Self::Alerts, Self::Consents, Self::Devices, Self::Quarantine, Self::Timeline];

    /// The value of `?part=`.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Readings => "readings",
            Self::Alerts => "alerts",
            Self::Consents => "consents",
            Self::Devices => "devices",
            Self::Quarantine => "quarantine",
            Self::Timeline => "timeline",
        }
    }

    /// From `?part=`.
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

#[derive(Template)]
#[template(path = "patients/patient.html", blocks = ["readings", "alerts", "consents", "devices", "quarantine", "timeline"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    readings: &'a Readings,
    subject: PatientId,
}

fn of<'a>(shell: &'a Shell, view: &'a View) -> Page<'a> {
    Page { shell, w: &shell.words, view, readings: &view.readings, subject: view.patient }
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    of(shell, view).render()
}

/// One part of it.
///
/// # Errors
/// The formatter's.
pub(crate) fn part(shell: &Shell, view: &View, part: Part) -> Html {
    let page = of(shell, view);
    match part {
        Part::Readings => page.as_readings().render(),
        Part::Alerts => page.as_alerts().render(),
        Part::Consents => page.as_consents().render(),
        Part::Devices => page.as_devices().render(),
        Part::Quarantine => page.as_quarantine().render(),
        Part::Timeline => page.as_timeline().render(),
    }
}
