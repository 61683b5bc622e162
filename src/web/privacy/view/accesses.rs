//! Who saw whose data, for the DPO and auditors: by pseudonym, until one is revealed under a reason.

use askama::Template;

use crate::pages::Html;
use crate::{Code, Key, Lang, Section, Shell, Theme, Words};
use domain::{Instant, PatientId, RevealId};
use store::privacy::accesses::What;
use store::privacy::reveals::State;

/// Looks at one person, or at everybody.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Whose looks; `None`: everybody's.
    pub person: Option<Person>,
    /// Newest first.
    pub rows: Vec<Row>,
    /// Where older ones go on.
    pub older: Option<String>,
    /// Requests to know who somebody is, newest first.
    pub requests: Vec<Request>,
    /// Why the last reveal was refused.
    pub refused: Option<Code>,
    /// Whether a request has just gone to the DPO.
    pub asked: bool,
    /// Whether the reader knows people at once and answers others' requests.
    pub decides: bool,
}

/// Whose looks are shown.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// As this reader knows them.
    pub id: PatientId,
    /// How they are called without a name.
    pub reference: String,
    /// Who they are, where it has just been revealed: name and day of birth.
    pub known: Option<(String, String)>,
}

/// One look.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// When.
    pub at: Instant,
    /// At whom, as this reader knows them, and how they are called.
    pub patient: Option<(PatientId, String)>,
    /// By whom: a name for the DPO, a reference for auditors; `None` for the program.
    pub who: Option<String>,
    /// As what.
    pub role: Option<Key>,
    /// At what.
    pub what: What,
    /// The code that refused it.
    pub refused: Option<String>,
    /// As one of several in a list.
    pub listed: bool,
}

/// A request to know who somebody is.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The id.
    pub id: RevealId,
    /// Whom it is about, as this reader knows them, and how they are called.
    pub patient: (PatientId, String),
    /// Who asks.
    pub who: String,
    /// Why; `None` once the person was erased.
    pub reason: Option<String>,
    /// When.
    pub at: Instant,
    /// Where it stands.
    pub state: State,
    /// Whether it is the reader's own.
    pub own: bool,
}

impl Row {
    /// What was looked at.
    #[must_use]
    pub(crate) const fn thing(&self) -> Key {
        match self.what {
            What::Identity => Key("seen-identity"),
            What::Contacts => Key("seen-contacts"),
            What::Consents => Key("seen-consents"),
            What::Alerts => Key("seen-alerts"),
            What::Readings => Key("seen-readings"),
            What::Looks => Key("seen-looks"),
            What::Reveal => Key("seen-reveal"),
            What::Export => Key("seen-export"),
            What::Attachments => Key("seen-attachments"),
        }
    }
}

impl Request {
    /// The word of where it stands.
    #[must_use]
    pub(crate) const fn word(&self) -> Key {
        match self.state {
            State::Asked => Key("reveal-asked"),
            State::Approved => Key("reveal-approved"),
            State::Refused => Key("reveal-refused"),
            State::Over => Key("reveal-over"),
        }
    }
}

#[derive(Template)]
#[template(path = "privacy/accesses.html")]
struct Page<'a> {
    shell: &'a Shell,
    w: &'a Words,
    view: &'a View,
}

/// The page.
///
/// # Errors
/// The formatter's.
pub(crate) fn page(shell: &Shell, view: &View) -> Html {
    Page { shell, w: &shell.words, view }.render()
}
