//! What the page handlers of versioned settings share: the list, one setting with the authors of its versions, creating
//! one, and deciding on a proposal.

use actix_web::web::{Form, Path};
use serde::Deserialize;

use crate::http::fault::Fault;
use crate::pages::visit::{Answer, Room, Step, Visit};
use crate::people::page::names::People;
use crate::versions::api::named;
use crate::versions::view::{
    self as pages, Begin, Editor, Kind, Line, List, Proposal, Row, SettingView, Standing, Version, Waiting,
    side_by_side,
};
use crate::{Code, Key, Section};
use store::View;
use store::versions::{self, Version as Stored, Versioned};

/// How one kind of setting is put into words.
pub(crate) struct Telling<'a, T> {
    /// The kind.
    pub kind: Kind,
    /// Its name in the reader's language; empty: its id is shown.
    pub name: &'a dyn Fn(&T) -> String,
    /// What it says, line by line.
    pub lines: &'a dyn Fn(&T) -> Vec<Line>,
    /// A hint beside its id in the list.
    pub hint: &'a dyn Fn(&T) -> String,
}

impl<T> Telling<'_, T> {
    fn name_of(&self, id: &str, body: &T) -> String {
        let name = (self.name)(body);
        if name.is_empty() { id.to_owned() } else { name }
    }
}

/// The list of a kind.
///
/// # Errors
/// Store faults.
pub(crate) fn list<T: Versioned>(
    view: &mut View<'_>,
    room: &Room,
    telling: &Telling<'_, T>,
) -> Result<List, Fault> {
    let mut rows = Vec::new();
    for stored in versions::all_in_force::<T>(view, room.now)? {
        rows.push(Row {
            name: telling.name_of(&stored.name, &stored.body),
            version: stored.version,
            hint: (telling.hint)(&stored.body),
            lines: (telling.lines)(&stored.body),
            id: stored.name,
        });
    }
    let mut people = People::default();
    let mut proposals = Vec::new();
    for waiting in versions::proposals::<T>(view)? {
        proposals.push(Waiting {
            name: telling.name_of(&waiting.name, &waiting.body),
            author: people.actor(view, &waiting.author)?,
            mine: is_mine(room, &waiting.author),
            id: waiting.name,
            version: waiting.version,
            proposed_at: waiting.proposed_at,
        });
    }
    let may_begin = telling.kind.grows() && room.viewer.may(telling.kind.changed_by());
    Ok(List { kind: telling.kind, rows, proposals, begin: may_begin.then(Begin::default) })
}

fn is_mine(room: &Room, author: &str) -> bool {
    author == room.viewer.actor().name()
}

/// A setting with all its versions, newest first; a new setting has none.
pub(crate) struct Setting<T> {
    /// Its lasting id.
    pub id: String,
    history: Vec<Stored<T>>,
    current: Option<u32>,
}

impl<T: Versioned> Setting<T> {
    /// Reads a setting. An id that does not exist yet is allowed only with `begins`, for a person who may add one.
    ///
    /// # Errors
    /// `E_NOT_FOUND`; store faults.
    pub(crate) fn read(
        view: &mut View<'_>,
        room: &Room,
        kind: Kind,
        id: &str,
        begins: bool,
    ) -> Result<Self, Fault> {
        let history = versions::history::<T>(view, id)?;
        let may_begin = begins && kind.grows() && room.viewer.may(kind.changed_by()) && named(id).is_ok();
        if history.is_empty() && !may_begin {
            return Err(Code::NotFound.into());
        }
        let current = versions::in_force::<T>(view, id, room.now)?.map(|stored| stored.version);
        Ok(Self { id: id.to_owned(), history, current })
    }

    /// The body in force.
    pub(crate) fn in_force(&self) -> Option<&T> {
        self.history.iter().find(|stored| Some(stored.version) == self.current).map(|stored| &stored.body)
    }

    /// The body that an editor starts from: the newest version that was not refused.
    pub(crate) fn newest(&self) -> Option<&T> {
        let stored =
            self.history.iter().find(|stored| stored.refused_at.is_none()).or_else(|| self.history.first());
        stored.map(|stored| &stored.body)
    }

    /// The newest version's number. A change must state it, so that nobody overwrites a version they have not seen.
    pub(crate) fn seen(&self) -> u32 {
        self.history.first().map_or(0, |stored| stored.version)
    }

    /// What a draft would change, line by line.
    pub(crate) fn changes(&self, telling: &Telling<'_, T>, draft: &T) -> Vec<pages::Change> {
        let before = self.in_force().map(telling.lines).unwrap_or_default();
        side_by_side(&before, &(telling.lines)(draft))
    }

    /// An editor with a draft, if the reader may write a version.
    pub(crate) fn editor<D>(
        &self,
        room: &Room,
        kind: Kind,
        draft: impl FnOnce(Option<&T>) -> D,
    ) -> Option<Editor<D>> {
        room.viewer.may(kind.changed_by()).then(|| Editor {
            seen: self.seen(),
            draft: draft(self.newest()),
            wrong: Vec::new(),
            refused: None,
            changes: Vec::new(),
        })
    }

    /// As the page shows it.
    ///
    /// # Errors
    /// Store faults.
    pub(crate) fn setting_view(
        &self,
        view: &mut View<'_>,
        room: &Room,
        telling: &Telling<'_, T>,
    ) -> Result<SettingView, Fault> {
        let lines = self.in_force().map(telling.lines).unwrap_or_default();
        let mut people = People::default();
        let (mut proposals, mut history) = (Vec::new(), Vec::new());
        for stored in &self.history {
            let (author, state) = (people.actor(view, &stored.author)?, self.standing(stored));
            if state == Standing::Proposed {
                proposals.push(Proposal {
                    version: stored.version,
                    author: author.clone(),
                    mine: is_mine(room, &stored.author),
                    proposed_at: stored.proposed_at,
                    changes: side_by_side(&lines, &(telling.lines)(&stored.body)),
                });
            }
            let approver =
                stored.approver.as_deref().map(|who| people.actor(view, who)).transpose()?.flatten();
            history.push(Version {
                number: stored.version,
                state,
                author,
                proposed_at: stored.proposed_at,
                approver,
                in_force_at: stored.in_force_at,
            });
        }
        let body = self.in_force().or_else(|| self.newest());
        Ok(SettingView {
            kind: telling.kind,
            id: self.id.clone(),
            name: body.map_or_else(|| self.id.clone(), |body| telling.name_of(&self.id, body)),
            version: self.current,
            lines,
            proposals,
            may_decide: room.viewer.may(telling.kind.decided_by()),
            history,
        })
    }

    const fn standing(&self, stored: &Stored<T>) -> Standing {
        match (stored.in_force_at, stored.refused_at, self.current) {
            (_, Some(_), _) => Standing::Refused,
            (None, None, _) => Standing::Proposed,
            (Some(_), None, Some(current)) if current == stored.version => Standing::InForce,
            (Some(_), None, _) => Standing::Superseded,
        }
    }
}

/// The query of a setting's page: whether a new one is being written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    new: String,
}

impl Asked {
    /// Whether a setting that does not exist yet may be shown.
    pub(crate) const fn begins(&self) -> bool {
        !self.new.is_empty()
    }
}

/// The id of a new one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct New {
    id: String,
}

/// POST on the list: goes on to the page where the new setting is written, or shows the list with what is wrong with
/// the id.
///
/// # Errors
/// What `listed` says.
pub(crate) async fn begin<T: Versioned>(
    visit: Visit,
    kind: Kind,
    new: New,
    listed: fn(&mut View<'_>, &Room) -> Result<List, Fault>,
) -> Answer {
    visit
        .form(Section::Policies, move |room| {
            let id = new.id.trim();
            let is_taken = |view: &mut View<'_>| Ok(!versions::history::<T>(view, id)?.is_empty());
            let wrong = match named(id) {
                Err(_) => Some(Key("kept-id-wrong")),
                Ok(()) => room.read(is_taken)?.then_some(Key("kept-id-taken")),
            };
            if wrong.is_none() {
                return Ok(Step::To(format!("{}/{id}?new=1", kind.path())));
            }
            let list = room.read(|view| listed(view, room))?;
            let list = List { begin: Some(Begin { id: new.id.clone(), wrong }), ..list };
            Ok(Step::Html(pages::page(&room.shell, &list)))
        })
        .await
}

/// Which proposal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Which {
    version: u32,
}

/// POST `…/{id}/{approve|refuse}`.
///
/// # Errors
/// `E_FOUR_EYES`, `E_CONFLICT`, `E_NOT_FOUND`.
pub(crate) async fn decide<T: Versioned>(
    visit: Visit,
    kind: Kind,
    path: Path<(String, String)>,
    which: Form<Which>,
) -> Answer {
    let (id, act) = path.into_inner();
    visit
        .act(move |room| {
            room.write(|tx| match act.as_str() {
                "approve" => Ok(versions::approve::<T>(tx, &id, which.version)?),
                "refuse" => Ok(versions::refuse::<T>(tx, &id, which.version)?),
                _ => Err(Code::NotFound.into()),
            })?;
            Ok(format!("{}/{id}#history", kind.path()))
        })
        .await
}

/// The fields of a form; a name may occur more than once.
pub(crate) struct Sent(pub Vec<(String, String)>);

impl Sent {
    /// The first value of a name, trimmed; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim()).unwrap_or_default()
    }

    /// The button that was pressed. Its value comes last; the first `act` field is what Enter sends.
    pub(crate) fn button(&self) -> &str {
        let pressed = self.0.iter().rev().find(|(key, _)| key == "act");
        pressed.map_or("check", |(_, value)| value.as_str())
    }

    /// The newest version when the form was drawn.
    ///
    /// # Errors
    /// `E_INVALID` for a form that does not say it.
    pub(crate) fn seen(&self) -> Result<u32, Fault> {
        self.get("seen").parse().map_err(|_number| Fault::new(Code::Invalid))
    }
}

/// The version that was written; `None` when another was written since the form was drawn.
///
/// # Errors
/// What `write` says, but for a precondition.
pub(crate) fn written(done: Result<u32, Fault>) -> Result<Option<u32>, Fault> {
    match done {
        Ok(version) => Ok(Some(version)),
        Err(fault) if fault.code == Code::Precondition => Ok(None),
        Err(fault) => Err(fault),
    }
}
