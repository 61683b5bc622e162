//! Patients by name: contacts only, and the level of what is open for who may see alerts.

use askama::Template;

use crate::pages::{Html, Level, Paging};
use crate::{Lang, Section, Shell, Theme, Words};
use domain::{Can, Instant, PatientId};

/// The list.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The words or the number that were looked for.
    pub q: String,
    /// By name.
    pub rows: Vec<Row>,
    /// Which stretch of all patients was looked through.
    pub paging: Paging,
}

/// One patient.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The id.
    pub patient: PatientId,
    /// The name.
    pub name: String,
    /// The telephone.
    pub phone: Option<String>,
    /// The e-mail.
    pub email: Option<String>,
    /// The gravest open alert; `None` also for roles that see none.
    pub level: Option<Level>,
    /// Whether `telemetry.collect` is granted.
    pub collecting: bool,
    /// When a device of theirs was last heard.
    pub seen_at: Option<Instant>,
    /// Whether one is connected now.
    pub online: bool,
}

#[derive(Template)]
#[template(path = "patients/list.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page. POST `/patients` with `name`, `email?`, `phone?`, `zone`.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
