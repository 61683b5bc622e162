//! Escalation policies: the list, one policy with whom it would page now, its editor with a dry run, and what a second
//! person does with a proposal.

use actix_web::web::{Form, Path, Query};
use serde::Deserialize;

use super::people::People;
use super::policy_words::{choices, names, rehearsed, targets};
use super::visit::{Answer, Room, Step, Visit};
use crate::domain::Can;
use crate::domain::escalation::Policy;
use crate::store::View;
use crate::store::versions::{self, Version as Stored};
use crate::web::fault::Fault;
use crate::web::pages::policies::{self as list_pages, Names, Row, Waiting, side_by_side};
use crate::web::pages::policy::{self as pages, Editor, Proposal, Standing, Version};
use crate::web::pages::policy_form::Draft;
use crate::web::rehearsal::rehearse;
use crate::web::{Code, Section};

/// `/policies`.
pub async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Policies, |room| {
            let view = room.read(|view| known(view, room))?;
            Ok(list_pages::page(&room.shell, &view))
        })
        .await
}

fn known(view: &mut View<'_>, room: &Room) -> Result<list_pages::View, Fault> {
    let (w, names) = (room.words(), names(view, room)?);
    let row = |version: Stored<Policy>| Row {
        id: version.name,
        name: list_pages::name(w, &version.body),
        version: version.version,
        lines: names.lines(w, &version.body),
        lasts: version.body.lasts(),
    };
    let policies = versions::all_in_force::<Policy>(view, room.now)?.into_iter().map(row).collect();
    let mut proposals = Vec::new();
    for waiting in versions::proposals::<Policy>(view)? {
        proposals.push(Waiting {
            name: list_pages::name(w, &waiting.body),
            author: People::default().actor(view, &waiting.author)?,
            mine: waiting.author == room.viewer.actor().name(),
            id: waiting.name,
            version: waiting.version,
            proposed_at: waiting.proposed_at,
        });
    }
    Ok(list_pages::View { policies, proposals })
}

/// What a person asked to see.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    rehearse: String,
    part: String,
}

/// `/policies/{id}`.
pub async fn show(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Policies, move |room| {
            let view = room.read(|view| {
                let held = Held::read(view, room, &id)?;
                let mut shown = held.shown(view, room)?;
                if let Some(policy) = held.in_force().filter(|_| !asked.rehearse.is_empty()) {
                    let told = rehearse(view, &policy.body, room.now)?;
                    shown.rehearsed = Some(rehearsed(room, &held.names, &policy.body, &told));
                }
                Ok(shown)
            })?;
            Ok(match asked.part.as_str() {
                "targets" => pages::targets(&room.shell, &view),
                _ => pages::page(&room.shell, &view),
            })
        })
        .await
}

/// A policy with all its versions, newest first.
struct Held {
    id: String,
    history: Vec<Stored<Policy>>,
    current: Option<u32>,
    names: Names,
}

impl Held {
    fn read(view: &mut View<'_>, room: &Room, id: &str) -> Result<Self, Fault> {
        let history = versions::history::<Policy>(view, id)?;
        if history.is_empty() {
            return Err(Code::NotFound.into());
        }
        let current = versions::in_force::<Policy>(view, id, room.now)?.map(|held| held.version);
        Ok(Self { id: id.to_owned(), history, current, names: names(view, room)? })
    }

    fn in_force(&self) -> Option<&Stored<Policy>> {
        self.history.iter().find(|version| Some(version.version) == self.current)
    }

    /// What an editor begins with: the newest version that was not refused.
    fn newest(&self) -> Option<&Stored<Policy>> {
        self.history.iter().find(|version| version.refused_at.is_none()).or_else(|| self.history.first())
    }

    fn seen(&self) -> u32 {
        self.history.first().map_or(0, |version| version.version)
    }

    fn shown(&self, view: &mut View<'_>, room: &Room) -> Result<pages::View, Fault> {
        let w = room.words();
        let body = self.in_force().or_else(|| self.newest()).map(|version| &version.body);
        let lines = self.in_force().map(|held| self.names.lines(w, &held.body)).unwrap_or_default();
        let mut proposals = Vec::new();
        let mut history = Vec::new();
        for version in &self.history {
            let author = People::default().actor(view, &version.author)?;
            let standing = self.standing(version);
            if standing == Standing::Proposed {
                proposals.push(Proposal {
                    version: version.version,
                    author: author.clone(),
                    mine: version.author == room.viewer.actor().name(),
                    proposed_at: version.proposed_at,
                    changes: side_by_side(&lines, &self.names.lines(w, &version.body)),
                });
            }
            history.push(Version {
                number: version.version,
                state: standing,
                author,
                proposed_at: version.proposed_at,
                approver: match &version.approver {
                    Some(approver) => People::default().actor(view, approver)?,
                    None => None,
                },
                in_force_at: version.in_force_at,
            });
        }
        let may_propose = room.viewer.may(Can::ProposePolicies);
        let editor =
            self.newest().filter(|_| may_propose).map(|newest| self.editor(room, Draft::of(&newest.body)));
        Ok(pages::View {
            id: self.id.clone(),
            name: body.map(|body| list_pages::name(w, body)).unwrap_or_default(),
            version: self.current,
            targets: match self.in_force() {
                Some(held) => targets(view, room, &self.names, &held.body)?,
                None => pages::Targets { at: room.now, steps: Vec::new() },
            },
            lines,
            proposals,
            may_approve: room.viewer.may(Can::ApprovePolicies),
            editor,
            rehearsed: None,
            history,
        })
    }

    const fn standing(&self, version: &Stored<Policy>) -> Standing {
        match (version.in_force_at, version.refused_at, self.current) {
            (_, Some(_), _) => Standing::Refused,
            (None, None, _) => Standing::Proposed,
            (Some(_), None, Some(current)) if current == version.version => Standing::InForce,
            (Some(_), None, _) => Standing::Superseded,
        }
    }

    fn editor(&self, room: &Room, draft: Draft) -> Editor {
        let choices = choices(room.words(), &self.names);
        Editor { seen: self.seen(), draft, choices, ..Editor::default() }
    }
}

/// POST `/policies/{id}`: a button of the editor. `propose` leads back to the page; any other draws the editor anew.
pub async fn edit(visit: Visit, id: Path<String>, sent: Form<Vec<(String, String)>>) -> Answer {
    visit
        .form(Section::Policies, move |room| {
            let get = |name: &str| {
                let found = sent.iter().find(|(held, _)| held == name);
                found.map(|(_, value)| value.as_str()).unwrap_or_default()
            };
            // The button that was pressed comes last; the first is what Enter presses.
            let button = sent.iter().rev().find(|(held, _)| held == "act");
            let button = button.map_or("check", |(_, value)| value.as_str());
            let mut draft = Draft::from_pairs(&sent);
            draft.press(button);
            let seen: u32 = get("seen").parse().map_err(|_number| Fault::new(Code::Invalid))?;
            let made = draft.policy(&id, seen.saturating_add(1));
            let mut refused = None;
            if let ("propose", Ok(policy)) = (button, &made) {
                match room.write(|tx| Ok(versions::propose(tx, &id, policy, seen)?)) {
                    Ok(version) => return Ok(Step::To(format!("/policies/{}#proposal-{version}", *id))),
                    Err(fault) if fault.code == Code::Precondition => refused = Some(fault.code),
                    Err(fault) => return Err(fault),
                }
            }
            let view = room.read(|view| {
                let held = Held::read(view, room, &id)?;
                let mut shown = held.shown(view, room)?;
                let mut editor = held.editor(room, draft.clone());
                (editor.seen, editor.refused) = (seen, refused);
                match &made {
                    Ok(policy) if matches!(button, "check" | "rehearse" | "propose") => {
                        look(view, room, &held, policy, &mut editor)?;
                        if button == "rehearse" {
                            let told = rehearse(view, policy, room.now)?;
                            editor.rehearsed = Some(rehearsed(room, &held.names, policy, &told));
                        }
                    }
                    Err(wrong) if matches!(button, "check" | "rehearse" | "propose") => {
                        editor.wrong.clone_from(wrong);
                    }
                    _ => {}
                }
                shown.editor = Some(editor);
                Ok(shown)
            })?;
            let html = match room.is_part {
                true => pages::editor(&room.shell, &view),
                false => pages::page(&room.shell, &view),
            };
            Ok(Step::Html(html))
        })
        .await
}

/// What a draft changes, and whom it would page now.
fn look(
    view: &mut View<'_>,
    room: &Room,
    held: &Held,
    policy: &Policy,
    editor: &mut Editor,
) -> Result<(), Fault> {
    let w = room.words();
    let before = held.in_force().map(|held_now| held.names.lines(w, &held_now.body)).unwrap_or_default();
    editor.changes = side_by_side(&before, &held.names.lines(w, policy));
    editor.targets = Some(targets(view, room, &held.names, policy)?);
    Ok(())
}

/// Which proposal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Which {
    version: u32,
}

/// POST `/policies/{id}/{approve|refuse}`.
pub async fn decide(visit: Visit, path: Path<(String, String)>, which: Form<Which>) -> Answer {
    let (id, act) = path.into_inner();
    visit
        .act(move |room| {
            room.write(|tx| {
                match act.as_str() {
                    "approve" => versions::approve::<Policy>(tx, &id, which.version)?,
                    "refuse" => versions::refuse::<Policy>(tx, &id, which.version)?,
                    _ => return Err(Code::NotFound.into()),
                }
                Ok(())
            })?;
            Ok(format!("/policies/{id}#history"))
        })
        .await
}
