//! Answering for many cases at once: a page that lists what waits, and says of each what became of it.

use std::collections::BTreeMap;

use actix_web::web::Form;

use super::queue::{self, Asked};
use crate::alerts::api::together;
use crate::alerts::view::many::{self as pages, Answered};
use crate::alerts::view::queue::Row;
use crate::http::fault::Fault;
use crate::pages::AlertState;
use crate::pages::visit::{Answer, Room, Step, Visit};
use crate::{Code, Section};
use domain::{AlertId, Can};
use store::patients::audience::Requested;
use store::{View, alerts};

/// `/queue/many`.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit
        .page(Section::Queue, |room| {
            let rows = room.read(|view| waiting(view, room))?;
            Ok(pages::page(&room.shell, &pages::View { rows, ..Default::default() }))
        })
        .await
}

/// POST `/queue/many`: the ticked ones, each by itself.
pub(crate) async fn answer(visit: Visit, sent: Form<Vec<(String, String)>>) -> Answer {
    visit
        .form(Section::Queue, move |room| {
            let ticked = sent.into_inner().into_iter().filter(|(name, _)| name == "case");
            let ids: Result<Vec<Requested<AlertId>>, _> = ticked.map(|(_, id)| id.parse()).collect();
            let ids = together::distinct(ids.map_err(|_not_an_id| Fault::from(Code::NotFound))?);
            if ids.len() > together::MOST {
                return Err(Fault::invalid("case", "1 to 100 cases"));
            }
            // Their names as they stood on the page: afterwards they wait no more.
            let before = room.read(|view| waiting(view, room))?;
            if ids.is_empty() {
                let page = pages::View { rows: before, none_ticked: true, ..Default::default() };
                return Ok(Step::Html(pages::page(&room.shell, &page)));
            }
            let names: BTreeMap<Requested<AlertId>, Row> =
                before.into_iter().map(|row| (row.alert.into(), row)).collect();
            let mut answered = Vec::new();
            for id in ids {
                let done = room.write(|tx| together::answer(tx, &room.viewer, id, None));
                let name = names.get(&id).map(|row| row.name.clone());
                let refused = match done {
                    Ok(case) if case.owner == Some(room.viewer.id) => None,
                    Ok(_others) => Some(Code::Claimed.name()),
                    Err(fault) => Some(fault.code.name()),
                };
                answered.push(Answered { alert: id.to_string(), name, refused });
            }
            let rows = room.read(|view| waiting(view, room))?;
            Ok(Step::Html(pages::page(&room.shell, &pages::View { rows, answered, none_ticked: false })))
        })
        .await
}

/// What waits for an answer that this reader may give, as the queue orders it.
fn waiting(view: &mut View<'_>, room: &Room) -> Result<Vec<Row>, Fault> {
    let queue = queue::fill(view, room, &Asked::open())?;
    let mut rows = Vec::new();
    for row in queue.pinned.into_iter().chain(queue.rows) {
        let may =
            room.viewer.may(Can::ActOnAlerts) || alerts::was_called(view, row.alert, None, room.viewer.id)?;
        if may && row.state == AlertState::Open && row.owner.as_ref().is_none_or(|owner| owner.me) {
            rows.push(row);
        }
    }
    rows.truncate(together::MOST);
    Ok(rows)
}
