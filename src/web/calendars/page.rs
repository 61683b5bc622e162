//! Calendars: the list, one calendar with the days ahead under it, and the form that puts a new version in force.

use actix_web::web::{Form, Path, Query};

use crate::calendars::form::Draft;
use crate::calendars::view::{self as pages, ahead, brief, holidays, lines};
use crate::http::fault::Fault;
use crate::on_call::view::schedule::weekday;
use crate::pages::visit::{Answer, Room, Step, Visit};
use crate::sla::view::level::name as level_name;
use crate::versions::page::{self, Asked, New, Sent, Setting, Telling, written};
use crate::versions::view::{self as list_pages, Editor, Kind, List, Wrong};
use crate::{Code, Key, Section};
use domain::Level;
use domain::calendars::Calendar;
use domain::sla::ServiceLevel;
use store::alerts::reds;
use store::{View, versions};

const KIND: Kind = Kind::Calendars;

/// `/calendars`.
pub(crate) async fn list(visit: Visit) -> Answer {
    visit
        .page(Section::Policies, |room| {
            let view = room.read(|view| listed(view, room))?;
            Ok(list_pages::page(&room.shell, &view))
        })
        .await
}

/// POST `/calendars`: a new one.
pub(crate) async fn begin(visit: Visit, new: Form<New>) -> Answer {
    page::begin::<Calendar>(visit, KIND, new.into_inner(), listed).await
}

fn listed(view: &mut View<'_>, room: &Room) -> Result<List, Fault> {
    let w = room.words();
    let (name, hint) = (|_: &Calendar| String::new(), |_: &Calendar| String::new());
    let lines = |calendar: &Calendar| brief(w, calendar);
    page::list(view, room, &Telling { kind: KIND, name: &name, lines: &lines, hint: &hint })
}

fn with_words<R>(room: &Room, tell: impl FnOnce(&Telling<'_, Calendar>) -> R) -> R {
    let w = room.words();
    let nothing = |_: &Calendar| String::new();
    let lines = |calendar: &Calendar| lines(w, calendar);
    tell(&Telling { kind: KIND, name: &nothing, lines: &lines, hint: &nothing })
}

/// `/calendars/{id}`.
pub(crate) async fn show(visit: Visit, id: Path<String>, asked: Query<Asked>) -> Answer {
    visit
        .page(Section::Policies, move |room| {
            let view = room.read(|view| {
                let setting = Setting::read(view, room, KIND, &id, asked.begins())?;
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
    setting: &Setting<Calendar>,
    editor: Option<Editor<Draft>>,
) -> Result<pages::View, Fault> {
    let w = room.words();
    let (mut is_open, mut days, mut rest) = (None, Vec::new(), Vec::new());
    if let Some(calendar) = setting.in_force() {
        let today = calendar.zone.date(room.now);
        is_open = Some(calendar.is_open(room.now));
        (days, rest) = (ahead(w, calendar, today), holidays(w, calendar, today));
    }
    Ok(pages::View {
        kept: with_words(room, |telling| setting.setting_view(view, room, telling))?,
        is_open,
        ahead: days,
        holidays: rest,
        editor,
        drafted: Vec::new(),
    })
}

/// The service levels in force that a calendar would empty, each as a mistake in its hours.
fn emptied(view: &mut View<'_>, room: &Room, id: &str, calendar: &Calendar) -> Result<Vec<Wrong>, Fault> {
    let w = room.words();
    let wrong = |setting: versions::Version<ServiceLevel>| {
        let why = match setting.body.level {
            Level::Red => Key("calendar-wrong-red"),
            _ => Key("calendar-wrong-never"),
        };
        let what = w.one(why, "level", level_name(w, &setting.body));
        Wrong { field: "h0".to_owned(), label: w.say(weekday(0)), what }
    };
    Ok(reds::emptied(view, id, calendar, room.now)?.into_iter().map(wrong).collect())
}

/// POST `/calendars/{id}`: a button of the form. `save` leads back to the page.
pub(crate) async fn edit(visit: Visit, id: Path<String>, sent: Form<Vec<(String, String)>>) -> Answer {
    visit
        .form(Section::Policies, move |room| {
            let sent = Sent(sent.into_inner());
            let draft = Draft::sent(|name| sent.get(name).to_owned());
            let (seen, mut made) = (sent.seen()?, draft.calendar(room.words()));
            if let Ok(calendar) = &made {
                let wrong = room.read(|view| emptied(view, room, &id, calendar))?;
                if !wrong.is_empty() {
                    made = Err(wrong);
                }
            }
            let mut refused = None;
            if let ("save", Ok(calendar)) = (sent.button(), &made) {
                room.read(|view| Setting::<Calendar>::read(view, room, KIND, &id, true))?;
                match written(room.write(|tx| Ok(versions::publish(tx, &id, calendar, seen)?)))? {
                    Some(_) => return Ok(Step::To(format!("/calendars/{}", *id))),
                    None => refused = Some(Code::Precondition),
                }
            }
            let view = room.read(|view| {
                let setting = Setting::read(view, room, KIND, &id, true)?;
                let mut editor = Editor { seen, draft: draft.clone(), refused, ..Editor::default() };
                let mut drafted = Vec::new();
                match &made {
                    Ok(calendar) => {
                        editor.changes = with_words(room, |telling| setting.changes(telling, calendar));
                        drafted = ahead(room.words(), calendar, calendar.zone.date(room.now));
                    }
                    Err(wrong) => editor.wrong.clone_from(wrong),
                }
                Ok(pages::View { drafted, ..shown(view, room, &setting, Some(editor))? })
            })?;
            Ok(Step::Html(pages::page(&room.shell, &view)))
        })
        .await
}
