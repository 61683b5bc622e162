//! The files of an alert on its page, and what the forms about them do.

use actix_web::HttpRequest;
use actix_web::web::{Data, Form, Path, Payload};
use serde::Deserialize;

use crate::alerts::cases::Case;
use crate::alerts::files::{Asker, hand_out};
use crate::attachments::upload;
use crate::attachments::view::{Files, Removed, Row};
use crate::http::fault::Fault;
use crate::pages::shell::back;
use crate::pages::visit::{Answer, Room, Visit, masked};
use crate::people::page::names::People;
use crate::state::State;
use domain::attachments::AttachedTo;
use domain::{AlertId, AttachmentId, Can, Reason};
use store::View;
use store::alerts::attachments as on_alerts;
use store::attachments;
use store::patients::audience::Requested;
use store::privacy::accesses::What;

fn asker(room: &Room) -> Asker<'_> {
    Asker { state: &room.state, viewer: &room.viewer, sight: &room.sight, now: room.now }
}

/// The files of a case: for whoever acts on alerts, as notes are.
///
/// # Errors
/// Store faults.
pub(crate) fn fill(
    view: &mut View<'_>,
    room: &Room,
    case: &Case,
    people: &mut People,
) -> Result<Option<Files>, Fault> {
    if !room.viewer.may(Can::ActOnAlerts) {
        return Ok(None);
    }
    let hidden = case.judged().err().map(|fault| masked(fault.clone())).transpose()?;
    let mut rows = Vec::new();
    for file in attachments::of(view, AttachedTo::Alert(case.id))? {
        let told = hidden.is_none();
        let may_remove = told && file.removed.is_none() && on_alerts::may_detach(room.viewer.actor(), &file);
        let removed = match file.removed {
            Some(removed) => Some(Removed {
                at: removed.at,
                who: people.hand(view, room, &removed.by)?,
                reason: removed.reason.filter(|_| told),
            }),
            None => None,
        };
        rows.push(Row {
            id: file.id,
            name: file.name.filter(|_| told),
            media: file.media,
            size: file.size,
            at: file.at,
            who: people.hand(view, room, &file.actor)?,
            removed,
            may_remove,
        });
    }
    let path = format!("/alerts/{}/attachments", case.id);
    Ok(Some(Files { path, rows, may_attach: hidden.is_none(), hidden }))
}

/// POST `/alerts/{id}/attachments`: a browser's form with a file.
pub(crate) async fn attach(
    request: HttpRequest,
    state: Data<State>,
    visit: Visit,
    id: Path<Requested<AlertId>>,
    body: Payload,
) -> Answer {
    let sent = upload::form(&request, &state, body).await.map_err(|fault| fault.of(&request))?;
    visit
        .act(move |room| {
            room.read(|view| asker(room).open(view, *id).map(drop))?;
            let file = sent.file()?;
            room.write(|tx| {
                let (alert, _case) = asker(room).open(tx, *id)?;
                Ok(on_alerts::attach(tx, alert, &file.to_attach()).map(drop)?)
            })?;
            Ok(format!("/alerts/{id}#attachments"))
        })
        .await
}

/// `/alerts/{id}/attachments/{attachment}`: a file to be taken away.
pub(crate) async fn download(
    request: HttpRequest,
    state: Data<State>,
    visit: Visit,
    path: Path<(Requested<AlertId>, Requested<AttachmentId>)>,
) -> Answer {
    let ((alert, file), viewer) = (path.into_inner(), visit.viewer.clone());
    let found = visit.gather(move |room| {
        let file = room.read(|view| asker(room).file(view, alert, file))?;
        room.write(|tx| Ok(attachments::download(tx, &file)?))?;
        room.sight.saw(file.patient, What::Attachments);
        Ok(file)
    });
    let file = found.await.map_err(|fault| fault.of(&request))?;
    Ok(hand_out(&state, &viewer, file))
}

/// What the form to remove a file sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    reason: String,
    back: String,
}

/// POST `/alerts/{id}/attachments/{attachment}/remove`.
pub(crate) async fn remove(
    visit: Visit,
    path: Path<(Requested<AlertId>, Requested<AttachmentId>)>,
    sent: Form<Sent>,
) -> Answer {
    let (id, file) = path.into_inner();
    visit
        .act(move |room| {
            let reason: Reason = sent
                .reason
                .parse()
                .map_err(|why: domain::line::NotALine| Fault::invalid("reason", &why.to_string()))?;
            room.write(|tx| {
                let alert = room.viewer.audience.alert(tx, id)?;
                let file = room.viewer.audience.attachment(tx, file)?;
                Ok(on_alerts::detach(tx, alert, file, &reason).map(drop)?)
            })?;
            let asked = back(&sent.back);
            Ok(if asked == "/" { format!("/alerts/{id}#attachments") } else { asked.to_owned() })
        })
        .await
}
