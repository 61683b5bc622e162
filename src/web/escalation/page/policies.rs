//! Escalation policies: the list, one policy with whom it would page now, its editor with a dry run, and what a second
//! person does with a proposal.

use actix_web::web::{Form, Path, Query};
use serde::Deserialize;

use super::names::{choices, names, rehearsed, targets};
use crate::escalation::form::Draft;
use crate::escalation::rehearsal::rehearse;
use crate::escalation::view::policies::{self as words, Names};
use crate::escalation::view::policy::{self as pages, Editor};
use crate::http::fault::Fault;
use crate::pages::visit::{Answer, Room, Step, Visit};
use crate::versions::page::{self, New, Sent, Telling, Which, written};
use crate::versions::view::{self as list_pages, Kind, List};
use crate::{Code, Section};
use domain::escalation::Policy;
use store::View;
use store::{escalation, versions};

/// `/policies`.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Policies, |room| {
            let view = room.read(|view| listed(view, room))?;
            Ok(list_pages::page(&room.shell, &view))
        })
        .await
}

/// POST `/policies`: a new one.
pub(crate) async fn begin(visit: Visit, new: Form<New>) -> Answer {
    page::begin::<Policy>(visit, Kind::Policies, new.into_inner(), listed).await
}

fn listed(view: &mut View<'_>, room: &Room) -> Result<List, Fault> {
    let names = names(view, room)?;
    with_words(room, &names, |telling| page::list(view, room, telling))
}

/// Tells policies in the reader's words.
fn with_words<R>(room: &Room, names: &Names, tell: impl FnOnce(&Telling<'_, Policy>) -> R) -> R {
    let w = room.words();
    tell(&Telling {
        kind: Kind::Policies,
        name: &|policy| words::name(w, policy),
        lines: &|policy| names.lines(w, policy),
        hint: &|policy| {
            let lasts = w.one("policy-lasts", "span", w.span(&policy.lasts()));
            let slow = policy.id == escalation::RED && !policy.beyond().is_empty();
            if slow { format!("{lasts} · {}", w.say("red-beyond")) } else { lasts }
        },
    })
}

/// What a person asked to see.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    rehearse: String,
    part: String,
    new: String,
}

/// `/policies/{id}`.
pub(crate) async fn show(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Policies, move |room| {
            let view = room.read(|view| {
                let setting = PolicySetting::read(view, room, &id, !asked.new.is_empty())?;
                let mut shown = setting.shown(view, room)?;
                if let Some(policy) = setting.versions.in_force().filter(|_| !asked.rehearse.is_empty()) {
                    let rehearsal = rehearse(view, policy, room.now)?;
                    shown.rehearsed = Some(rehearsed(room, &setting.names, policy, &rehearsal));
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

/// A policy with all its versions, and how what it names is called.
struct PolicySetting {
    versions: page::Setting<Policy>,
    names: Names,
}

impl PolicySetting {
    fn read(view: &mut View<'_>, room: &Room, id: &str, begins: bool) -> Result<Self, Fault> {
        let versions = page::Setting::read(view, room, Kind::Policies, id, begins)?;
        Ok(Self { versions, names: names(view, room)? })
    }

    fn shown(&self, view: &mut View<'_>, room: &Room) -> Result<pages::View, Fault> {
        let editor = room.viewer.may(Kind::Policies.changed_by());
        Ok(pages::View {
            kept: with_words(room, &self.names, |telling| self.versions.setting_view(view, room, telling))?,
            targets: match self.versions.in_force() {
                Some(policy) => targets(view, room, &self.names, policy)?,
                None => pages::Targets { at: room.now, steps: Vec::new() },
            },
            editor: editor
                .then(|| self.editor(room, self.versions.newest().map_or_else(Draft::new, Draft::of))),
            rehearsed: None,
        })
    }

    fn editor(&self, room: &Room, draft: Draft) -> Editor {
        let choices = choices(room.words(), &self.names);
        Editor { seen: self.versions.seen(), draft, choices, ..Editor::default() }
    }
}

/// POST `/policies/{id}`: a button of the editor. `propose` leads back to the page; any other draws the editor anew.
pub(crate) async fn edit(visit: Visit, id: Path<String>, sent: Form<Vec<(String, String)>>) -> Answer {
    visit
        .form(Section::Policies, move |room| {
            let sent = Sent(sent.into_inner());
            let button = sent.button();
            let mut draft = Draft::from_pairs(&sent.0);
            draft.press(button);
            let seen = sent.seen()?;
            let made = draft.policy(&id, seen.saturating_add(1));
            let mut refused = None;
            if let ("propose", Ok(policy)) = (button, &made) {
                match written(room.write(|tx| Ok(versions::propose(tx, &id, policy, seen)?)))? {
                    Some(version) => return Ok(Step::To(format!("/policies/{}#proposal-{version}", *id))),
                    None => refused = Some(Code::Precondition),
                }
            }
            let view = room.read(|view| {
                let setting = PolicySetting::read(view, room, &id, true)?;
                let mut shown = setting.shown(view, room)?;
                let mut editor = setting.editor(room, draft.clone());
                (editor.seen, editor.refused) = (seen, refused);
                match &made {
                    Ok(policy) if matches!(button, "check" | "rehearse" | "propose") => {
                        look(view, room, &setting, policy, &mut editor)?;
                        if button == "rehearse" {
                            let rehearsal = rehearse(view, policy, room.now)?;
                            editor.rehearsed = Some(rehearsed(room, &setting.names, policy, &rehearsal));
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
    setting: &PolicySetting,
    policy: &Policy,
    editor: &mut Editor,
) -> Result<(), Fault> {
    editor.changes = with_words(room, &setting.names, |telling| setting.versions.changes(telling, policy));
    editor.targets = Some(targets(view, room, &setting.names, policy)?);
    Ok(())
}

/// POST `/policies/{id}/{approve|refuse}`.
pub(crate) async fn decide(visit: Visit, path: Path<(String, String)>, which: Form<Which>) -> Answer {
    page::decide::<Policy>(visit, Kind::Policies, path, which).await
}
