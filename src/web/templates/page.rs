//! Message templates: the list, one template as its messages read, its form with the linter's findings, and what a
//! second person does with a proposal.

use actix_web::web::{Form, Path};

use crate::http::fault::Fault;
use crate::pages::visit::{Answer, Room, Step, Visit};
use crate::templates::view::{self as pages, Draft, class, lines, messages, variables};
use crate::versions::page::{self, Sent, Setting, Telling, Which, written};
use crate::versions::view::{self as list_pages, Editor, Kind};
use crate::{Code, Section};
use domain::templates::Template;
use store::View;
use store::versions;

const KIND: Kind = Kind::Templates;

/// `/message-templates`.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Policies, |room| {
            let mut list = room.read(|view| with_words(room, |telling| page::list(view, room, telling)))?;
            // The heading holds the names; of the message, the subjects are enough.
            for row in &mut list.rows {
                row.lines = row.lines.drain(..).skip(2).take(2).collect();
            }
            Ok(list_pages::page(&room.shell, &list))
        })
        .await
}

fn with_words<R>(room: &Room, tell: impl FnOnce(&Telling<'_, Template>) -> R) -> R {
    let w = room.words();
    tell(&Telling {
        kind: KIND,
        name: &|template| pages::name(w, template),
        lines: &|template| lines(w, template),
        hint: &|template| w.say(class(template.class)),
    })
}

/// `/message-templates/{id}`.
pub(crate) async fn show(visit: Visit, id: Path<String>) -> Answer {
    visit
        .page(Section::Policies, move |room| {
            let view = room.read(|view| {
                let setting = Setting::read(view, room, KIND, &id, false)?;
                let editor = setting.editor(room, KIND, Draft::of);
                shown(view, room, &setting, editor)
            })?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

fn shown(
    view: &mut View<'_>,
    room: &Room,
    setting: &Setting<Template>,
    editor: Option<Editor<Draft>>,
) -> Result<pages::View, Fault> {
    Ok(pages::View {
        kept: with_words(room, |telling| setting.setting_view(view, room, telling))?,
        class: setting.newest().map(|template| class(template.class)),
        variables: variables(&setting.id),
        messages: setting.in_force().map(|template| messages(room.words(), template)).unwrap_or_default(),
        editor,
        drafted: Vec::new(),
    })
}

/// POST `/message-templates/{id}`: a button of the form. `propose` leads back to the page.
pub(crate) async fn edit(visit: Visit, id: Path<String>, sent: Form<Vec<(String, String)>>) -> Answer {
    visit
        .form(Section::Policies, move |room| {
            let sent = Sent(sent.into_inner());
            let draft = Draft::sent(|name| sent.get(name).to_owned());
            let seen = sent.seen()?;
            let setting = room.read(|view| Setting::<Template>::read(view, room, KIND, &id, false))?;
            let newest = setting.newest().ok_or_else(|| Fault::new(Code::NotFound))?;
            let made = draft.template(room.words(), newest, seen.saturating_add(1));
            let mut refused = None;
            if let ("propose", Ok(template)) = (sent.button(), &made) {
                match written(room.write(|tx| Ok(versions::propose(tx, &id, template, seen)?)))? {
                    Some(version) => {
                        return Ok(Step::To(format!("/message-templates/{}#proposal-{version}", *id)));
                    }
                    None => refused = Some(Code::Precondition),
                }
            }
            let mut editor = Editor { seen, draft: draft.clone(), refused, ..Editor::default() };
            let mut drafted = Vec::new();
            match &made {
                Ok(template) => {
                    editor.changes = with_words(room, |telling| setting.changes(telling, template));
                    drafted = messages(room.words(), template);
                }
                Err(wrong) => editor.wrong.clone_from(wrong),
            }
            let view = room.read(|view| shown(view, room, &setting, Some(editor)))?;
            Ok(Step::Html(pages::page(&room.shell, &pages::View { drafted, ..view })))
        })
        .await
}

/// POST `/message-templates/{id}/{approve|refuse}`.
pub(crate) async fn decide(visit: Visit, path: Path<(String, String)>, which: Form<Which>) -> Answer {
    page::decide::<Template>(visit, KIND, path, which).await
}
