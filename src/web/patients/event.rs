//! Something that happened to a patient, in the one shape in which each capability tells it for the timeline.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::http::fault::Fault;
use crate::pages::Masked;
use crate::people::auth::Viewer;
use crate::people::page::names::People;
use crate::privacy::pseudonyms;
use crate::privacy::sight::Sight;
use crate::state::State;
use crate::{Code, Words};
use domain::{Instant, PatientId, Role, UserId};
use store::people::users;
use store::privacy::accesses::What;
use store::{Before, Cursor, View};

/// Where an event stands: by its instant, then by its source, then by its row. Two events never stand in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Microseconds.
    at: i64,
    /// The list it comes from, such as `devices.bound`; it begins with the noun of its capability.
    source: Cow<'static, str>,
    /// Its row, in the order of the list.
    id: String,
}

impl Place {
    /// Of a row whose id is text.
    #[must_use]
    pub(crate) fn of(at: Instant, source: &'static str, id: impl Into<String>) -> Self {
        Self { at: at.micros(), source: Cow::Borrowed(source), id: id.into() }
    }

    /// Of a row that is numbered: padded, so that the order of the text is that of the numbers.
    #[must_use]
    pub(crate) fn numbered(at: Instant, source: &'static str, id: i64) -> Self {
        Self::of(at, source, format!("{id:020}"))
    }

    /// When.
    #[must_use]
    pub(crate) const fn at(&self) -> Instant {
        Instant::from_micros(self.at)
    }

    /// As callers pass it back.
    #[must_use]
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: format!("{}:{}", self.source, self.id) }
    }
}

/// Where a page begins: at the newest, or after the last event of the page before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Position(Option<Place>);

impl Position {
    /// After an event.
    #[must_use]
    pub(crate) const fn after(place: Place) -> Self {
        Self(Some(place))
    }

    /// As a page gave it.
    ///
    /// # Errors
    /// `E_INVALID` for anything else.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Fault> {
        let Some(text) = text else { return Ok(Self::default()) };
        let refused = || Fault::invalid("before", "pass `next` unchanged");
        let Cursor { at, id } = text.parse().map_err(|_not_one| refused())?;
        let (source, id) = id.split_once(':').ok_or_else(refused)?;
        Ok(Self(Some(Place { at, source: Cow::Owned(source.to_owned()), id: id.to_owned() })))
    }

    /// Where a source goes on. Of the instant of the last event, the sources that come later have all left, those that
    /// came earlier have nothing, and its own has what is below its row.
    #[must_use]
    pub(crate) fn of(&self, source: &str) -> Before {
        let Some(last) = &self.0 else { return Before::newest() };
        match source.cmp(&last.source) {
            std::cmp::Ordering::Less => Before { at: last.at.saturating_add(1), id: String::new() },
            std::cmp::Ordering::Equal => Before { at: last.at, id: last.id.clone() },
            std::cmp::Ordering::Greater => Before { at: last.at, id: String::new() },
        }
    }
}

/// A row of the timeline. What its reader may not see holds its place and says nothing.
pub(crate) struct Event {
    /// Where it stands.
    pub place: Place,
    /// What it says.
    pub entry: Option<Entry>,
}

impl Event {
    /// An event that is shown.
    #[must_use]
    pub(crate) const fn shown(place: Place, entry: Entry) -> Self {
        Self { place, entry: Some(entry) }
    }

    /// A row that is not shown to this reader.
    #[must_use]
    pub(crate) const fn left_out(place: Place) -> Self {
        Self { place, entry: None }
    }
}

/// What an event says in a reader's language.
pub(crate) type Sentence = Box<dyn Fn(&Words) -> String>;

/// What an event says.
pub(crate) struct Entry {
    /// For programs, such as `consent.granted`.
    pub code: Cow<'static, str>,
    /// The icon of its line, where it is not that of its kind.
    pub icon: Option<&'static str>,
    /// Who did it; `None`: that is not known.
    pub actor: Option<Hand>,
    /// What it is about.
    pub subject: Option<Subject>,
    /// What else a program may want of it.
    pub fields: Map<String, Value>,
    /// Whether something of it is hidden for want of a legal basis.
    pub is_masked: bool,
    /// At what of the patient whoever sees it looks, and the code that refused some of it.
    pub look: (What, Option<&'static str>),
    /// For people.
    pub sentence: Sentence,
}

impl Entry {
    /// An event by its code, which is a look at `what` of the patient.
    pub(crate) fn new(
        code: impl Into<Cow<'static, str>>,
        what: What,
        sentence: impl Fn(&Words) -> String + 'static,
    ) -> Self {
        Self {
            code: code.into(),
            icon: None,
            actor: None,
            subject: None,
            fields: Map::new(),
            is_masked: false,
            look: (what, None),
            sentence: Box::new(sentence),
        }
    }

    /// With an icon of its own.
    #[must_use]
    pub(crate) const fn icon(mut self, icon: &'static str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Done by somebody.
    #[must_use]
    pub(crate) fn by(mut self, actor: Option<Hand>) -> Self {
        self.actor = actor;
        self
    }

    /// About something with a page of its own.
    #[must_use]
    pub(crate) fn about(mut self, noun: &'static str, id: impl ToString) -> Self {
        self.subject = Some(Subject { noun, id: id.to_string() });
        self
    }

    /// With a field.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Some of it is hidden.
    #[must_use]
    pub(crate) const fn masked(mut self, code: Code) -> Self {
        self.is_masked = true;
        self.look = (self.look.0, Some(code.name()));
        self
    }
}

/// What an event is about: its page is `/{noun}/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// As in addresses: `alerts`, `devices`.
    pub noun: &'static str,
    /// Its id.
    pub id: String,
}

/// Who did something, as a reader may know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hand {
    /// For programs: `user:<id>`, `system:<name>`, `operator`; for auditors and the DPO a patient's own account is a
    /// pseudonym.
    pub id: String,
    /// For people.
    pub who: Who,
}

/// Who did something, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The program, or its operator.
    Program,
    /// The patient, by their own account.
    Patient,
    /// Somebody by name, or by a reference.
    Named(String),
}

/// Who reads a timeline, and what they have come to see of it.
pub(crate) struct Reader<'a> {
    /// What every handler leans on.
    pub state: &'a State,
    /// Who reads.
    pub viewer: &'a Viewer,
    /// The instant of the request.
    pub now: Instant,
    /// What the request shows of whom.
    pub sight: &'a Sight,
    /// Names, each looked up once.
    pub people: People,
    /// What is hidden as a whole, and why.
    pub masked: Vec<(&'static str, Masked)>,
}

impl<'a> Reader<'a> {
    /// Of one request.
    #[must_use]
    pub(crate) fn new(state: &'a State, viewer: &'a Viewer, now: Instant, sight: &'a Sight) -> Self {
        Self { state, viewer, now, sight, people: People::default(), masked: Vec::new() }
    }

    /// Who did something, from the form in which the store has it. Patients who act for themselves are called that, and
    /// by no id under which another page knows them.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn hand(&mut self, view: &mut View<'_>, actor: &str) -> Result<Hand, Fault> {
        let user: Option<UserId> = actor.strip_prefix("user:").and_then(|id| id.parse().ok());
        let who = match user {
            None => Who::Program,
            Some(id) => self.person(view, id)?,
        };
        Ok(Hand { id: pseudonyms::actor(view, self.viewer, actor.to_owned())?, who })
    }

    /// A user for people.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn person(&mut self, view: &mut View<'_>, id: UserId) -> Result<Who, Fault> {
        Ok(match users::role_of(view, id)? {
            Some(Role::Patient) => Who::Patient,
            _ => Who::Named(self.people.user(view, id)?),
        })
    }

    /// Something is hidden as a whole: that is noted once, and is a look that was refused.
    pub(crate) fn hide(&mut self, kind: &'static str, patient: PatientId, what: What, why: Masked) {
        self.sight.refused(patient, what, why.code.name());
        if !self.masked.iter().any(|(hidden, _)| *hidden == kind) {
            self.masked.push((kind, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_cursor_and_nothing_else_does() {
        let place = Place::numbered(Instant::from_secs(7), "alerts.acts", 42);
        let text = place.cursor().to_string();
        assert_eq!(Position::parse(Some(&text)).unwrap(), Position::after(place));
        assert_eq!(Position::parse(None).unwrap(), Position::default());
        let other = Cursor { at: 7, id: "42".to_owned() }.to_string();
        for text in ["", "!", other.as_str()] {
            assert!(Position::parse(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn of_one_instant_a_source_has_all_nothing_or_what_is_below_the_row() {
        let at = Instant::from_micros(7);
        let position = Position::after(Place::of(at, "devices", "m"));
        assert_eq!(position.of("consents"), Before { at: 8, id: String::new() });
        assert_eq!(position.of("devices"), Before { at: 7, id: "m".to_owned() });
        assert_eq!(position.of("messages"), Before { at: 7, id: String::new() });
        assert!(Place::numbered(at, "looks", 9) < Place::numbered(at, "looks", 10));
    }
}
