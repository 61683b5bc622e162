//! What waits on the reader's dashboard, fetched herewith; what they open is read.

use std::collections::BTreeMap;

use actix_web::web::Form;
use serde::Deserialize;

use crate::Section;
use crate::http::fault::Fault;
use crate::messages::view::pager::{self, Case, Cause, View};
use crate::on_call::page::schedules::name;
use crate::pages::shell::back;
use crate::pages::visit::{Answer, Room, Visit};
use domain::messages::State;
use domain::on_call::Duty;
use store::messages::seen::{self, link};
use store::versions;

/// `/pager`: the part above every page.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit
        .page(Section::Elsewhere, |room| {
            let view = waiting(room)?;
            Ok(pager::part(&room.shell, &view))
        })
        .await
}

fn waiting(room: &Room) -> Result<View, Fault> {
    let unread = seen::fetched(&room.state.store, room.viewer.id, room.now)?;
    let mut view = View { on_its_way: false, cases: Vec::new() };
    for message in &unread {
        view.on_its_way |= matches!(message.way.state, State::Due | State::Sending);
        let (link, cause) = (link(message), Cause::of(&message.template));
        match view.cases.iter_mut().find(|case| case.link == link) {
            Some(case) => {
                case.times += 1;
                case.cause = case.cause.max(cause);
            }
            None => {
                let (link, since) = (link.to_owned(), message.created_at);
                view.cases.push(Case { link, since, times: 1, cause, schedule: None });
            }
        }
    }
    if view.cases.iter().any(|case| case.cause == Cause::OnCall) {
        let names = schedules(room)?;
        for case in view.cases.iter_mut().filter(|case| case.cause == Cause::OnCall) {
            case.schedule = case.link.strip_prefix("/schedules/").and_then(|id| names.get(id)).cloned();
        }
    }
    // What rings comes first, then what waits longest.
    view.cases.sort_by_key(|case| !case.cause.rings());
    Ok(view)
}

/// What the schedules are called: turns that begin together differ by their names alone.
fn schedules(room: &Room) -> Result<BTreeMap<String, String>, Fault> {
    let duties = room.read(|view| Ok(versions::all_in_force::<Duty>(view, room.now)?))?;
    let named = |duty: versions::Version<Duty>| (duty.name, name(&duty.body.name, room.words().lang));
    Ok(duties.into_iter().map(named).collect())
}

/// What the reader has in sight.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sight {
    link: String,
}

/// POST `/pager`: the place is open and in sight while a page for it comes in.
pub(crate) async fn seen(visit: Visit, sight: Form<Sight>) -> Answer {
    visit
        .act(move |room| {
            seen::opened(&room.state.store, room.viewer.id, &sight.link, room.now)?;
            Ok(back(&sight.link).to_owned())
        })
        .await
}
