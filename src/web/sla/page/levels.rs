//! Service levels: the list, one service level with what it would mean now, its form, and what a second person does with a
//! proposal.

use actix_web::web::{Form, Path, Query};

use crate::escalation::view::policies;
use crate::http::fault::Fault;
use crate::pages::Choice;
use crate::pages::visit::{Answer, Room, Step, Visit};
use crate::sla::view::level::{self as pages, Draft, Due, lines};
use crate::versions::page::{self, Asked, New, Sent, Setting, Telling, Which, written};
use crate::versions::view::{self as list_pages, Editor, Kind, List, Wrong};
use crate::{Code, Section};
use domain::Level;
use domain::calendars::Calendar;
use domain::escalation::Policy;
use domain::sla::{ServiceLevel, Timer};
use store::alerts::reds;
use store::{View, versions};

const KIND: Kind = Kind::ServiceLevels;

/// `/service-levels`.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Policies, |room| {
            let view = room.read(|view| listed(view, room))?;
            Ok(list_pages::page(&room.shell, &view))
        })
        .await
}

/// POST `/service-levels`: a new one.
pub(crate) async fn begin(visit: Visit, new: Form<New>) -> Answer {
    page::begin::<ServiceLevel>(visit, KIND, new.into_inner(), listed).await
}

fn listed(view: &mut View<'_>, room: &Room) -> Result<List, Fault> {
    let around = Around::read(view, room)?;
    let mut list = around.with_words(room, |telling| page::list(view, room, telling))?;
    // The heading holds the names.
    list.rows.iter_mut().for_each(|row| drop(row.lines.drain(..2)));
    Ok(list)
}

/// What a service level may name.
struct Around {
    calendars: Vec<Choice>,
    policies: Vec<Choice>,
}

impl Around {
    fn read(view: &mut View<'_>, room: &Room) -> Result<Self, Fault> {
        let w = room.words();
        let calendars = versions::all_in_force::<Calendar>(view, room.now)?.into_iter();
        let policies = versions::all_in_force::<Policy>(view, room.now)?.into_iter();
        let calendar = |name: String| Choice { value: name.clone(), label: name };
        Ok(Self {
            calendars: calendars.map(|calendar_row| calendar(calendar_row.name)).collect(),
            policies: policies
                .map(|policy| Choice { value: policy.name, label: policies::name(w, &policy.body) })
                .collect(),
        })
    }

    fn with_words<R>(&self, room: &Room, tell: impl FnOnce(&Telling<'_, ServiceLevel>) -> R) -> R {
        let w = room.words();
        tell(&Telling {
            kind: KIND,
            name: &|level| pages::name(w, level),
            lines: &|level| lines(w, level, &self.policies),
            hint: &|level| {
                let slow = level.level == Level::Red && level.check().is_err();
                if slow { w.say("red-beyond") } else { String::new() }
            },
        })
    }

    fn shown(
        self,
        view: &mut View<'_>,
        room: &Room,
        setting: &Setting<ServiceLevel>,
        editor: Option<Editor<Draft>>,
    ) -> Result<pages::View, Fault> {
        Ok(pages::View {
            kept: self.with_words(room, |telling| setting.setting_view(view, room, telling))?,
            now: setting.in_force().map(|level| due(view, room, level)).transpose()?,
            editor,
            calendars: self.calendars,
            policies: self.policies,
            drafted: None,
        })
    }
}

/// Until when an alert that comes now would have, on the calendar as it is now.
fn due(view: &mut View<'_>, room: &Room, level: &ServiceLevel) -> Result<Due, Fault> {
    let Some(calendar) = versions::in_force::<Calendar>(view, &level.calendar, room.now)? else {
        return Ok(Due::default());
    };
    let timer = Timer::started(level.target, room.now);
    Ok(Due { warn: timer.warn_at(&calendar.body), due: timer.due(&calendar.body) })
}

/// `/service-levels/{id}`.
pub(crate) async fn show(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Policies, move |room| {
            let view = room.read(|view| {
                let setting = Setting::read(view, room, KIND, &id, asked.begins())?;
                let editor = setting.editor(room, KIND, Draft::of);
                Around::read(view, room)?.shown(view, room, &setting, editor)
            })?;
            Ok(pages::page(&room.shell, &view))
        })
        .await
}

/// POST `/service-levels/{id}`: a button of the form. `propose` leads back to the page.
pub(crate) async fn edit(visit: Visit, id: Path<String>, sent: Form<Vec<(String, String)>>) -> Answer {
    visit
        .form(Section::Policies, move |room| {
            let sent = Sent(sent.into_inner());
            let draft = Draft::sent(|name| sent.get(name).to_owned());
            let (seen, around) = (sent.seen()?, room.read(|view| Around::read(view, room))?);
            let mut made = draft.service_level(room.words(), &around.calendars, &around.policies);
            if let Ok(level) = &made
                && room.read(|view| Ok(reds::unanswered(view, &id, level, room.now)?))?
            {
                let (label, what) = (room.words().say("level-level"), room.words().say("level-wrong-last"));
                made = Err(vec![Wrong { field: "level".to_owned(), label, what }]);
            }
            let mut refused = None;
            if let ("propose", Ok(level)) = (sent.button(), &made) {
                room.read(|view| Setting::<ServiceLevel>::read(view, room, KIND, &id, true))?;
                match written(room.write(|tx| Ok(versions::propose(tx, &id, level, seen)?)))? {
                    Some(version) => {
                        return Ok(Step::To(format!("/service-levels/{}#proposal-{version}", *id)));
                    }
                    None => refused = Some(Code::Precondition),
                }
            }
            let view = room.read(|view| {
                let setting = Setting::read(view, room, KIND, &id, true)?;
                let mut editor = Editor { seen, draft: draft.clone(), refused, ..Editor::default() };
                let mut drafted = None;
                match &made {
                    Ok(level) => {
                        editor.changes = around.with_words(room, |telling| setting.changes(telling, level));
                        drafted = Some(due(view, room, level)?);
                    }
                    Err(wrong) => editor.wrong.clone_from(wrong),
                }
                Ok(pages::View { drafted, ..around.shown(view, room, &setting, Some(editor))? })
            })?;
            Ok(Step::Html(pages::page(&room.shell, &view)))
        })
        .await
}

/// POST `/service-levels/{id}/{approve|refuse}`.
pub(crate) async fn decide(visit: Visit, path: Path<(String, String)>, which: Form<Which>) -> Answer {
    page::decide::<ServiceLevel>(visit, KIND, path, which).await
}
