//! "Minha saúde": what belongs to the patient, and who has looked at it.

use askama::Template;

use crate::consents::view::{Block, Consents, State};
use crate::devices::view::Link;
use crate::pages::Html;
use crate::readings::view::{Range, Readings};
use crate::{Lang, Section, Shell, Theme, Words};
use domain::{Can, Instant, PatientId};

/// The patient's own page.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Who.
    pub patient: PatientId,
    /// How they are greeted.
    pub name: String,
    /// Their readings.
    pub readings: Readings,
    /// Their consents.
    pub consents: Consents,
    /// Their devices.
    pub devices: Vec<Link>,
    /// Who looked, newest first.
    pub looks: Vec<Look>,
    /// The data protection officer: name and how they are reached. `None` where none is named.
    pub officer: Option<(String, String)>,
}

/// Somebody looked at the patient's data.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// When.
    pub at: Instant,
    /// Who.
    pub who: String,
    /// At what, in the reader's words.
    pub what: String,
    /// Whether it was refused: they saw nothing.
    pub refused: bool,
}

#[derive(Template)]
#[template(path = "privacy/portal.html", blocks = ["readings", "consents", "devices"])]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
    readings: &'a Readings,
    consents: &'a Consents,
    devices: &'a [Link],
    subject: PatientId,
}

fn of<'a>(shell: &'a Shell, view: &'a View) -> Page<'a> {
    Page {
        shell,
        w: &shell.words,
        view,
        readings: &view.readings,
        consents: &view.consents,
        devices: &view.devices,
        subject: view.patient,
    }
}

/// The whole page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    of(shell, view).render()
}

/// The readings (`?part=readings`).
///
/// # Errors
/// The formatter's.
pub(crate) fn readings(shell: &Shell, view: &View) -> Html {
    of(shell, view).as_readings().render()
}

/// The consents (`?part=consents`).
///
/// # Errors
/// The formatter's.
pub(crate) fn consents(shell: &Shell, view: &View) -> Html {
    of(shell, view).as_consents().render()
}

/// The devices (`?part=devices`).
///
/// # Errors
/// The formatter's.
pub(crate) fn devices(shell: &Shell, view: &View) -> Html {
    of(shell, view).as_devices().render()
}
