//! Files on an alert's case, for programs: the body of a new one is the file itself, and the answer for one is its bytes.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload, Query};

use crate::alerts::files::{Asker, hand_out};
use crate::attachments::api::{Attachment, Detach, Named};
use crate::attachments::upload;
use crate::http::api::{Answer, Body, Call, Desk, List, Reply};
use crate::state::State;
use domain::attachments::AttachedTo;
use domain::{AlertId, AttachmentId};
use store::Subject;
use store::alerts::attachments as on_alerts;
use store::attachments;
use store::patients::audience::Requested;

fn asker(desk: &Desk) -> Asker<'_> {
    Asker { state: &desk.state, viewer: &desk.viewer, sight: &desk.sight, now: desk.now }
}

/// The files of an alert, the oldest first, with those that were removed.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/attachments", tag = "alerts", params(("id" = String, Path)), responses((status = 200, body = List<Attachment>), (status = 404)))]
pub(crate) async fn list(call: Call, id: Path<Requested<AlertId>>) -> Answer {
    call.run(move |desk| {
        desk.read(|view| {
            let alert = desk.viewer.audience.alert(view, *id)?;
            let case = desk.cases().get(view, alert)?;
            let masked = case.judged().err().map(|fault| fault.code);
            let files = attachments::of(view, AttachedTo::Alert(alert.id()))?;
            let items = files.into_iter().map(|file| Attachment::of(file, masked)).collect();
            Reply::ok(&List::whole(items))
        })
    })
    .await
}

/// Attaches a file: a JPEG, PNG or WebP image, a PDF, or plain text or CSV in UTF-8, of 10 MiB at the most; its bytes say
/// which, and a `Content-Type` that disagrees is refused. An alert has 20 files and 50 MiB at the most. The same bytes
/// are attached once: 200 with what is there.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/attachments", tag = "alerts", params(("id" = String, Path), Named), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Attachment), (status = 201, body = Attachment), (status = 403), (status = 404), (status = 409, description = "E_ATTACHMENTS, E_IDEMPOTENCY"), (status = 411), (status = 413), (status = 415)))]
pub(crate) async fn create(
    request: HttpRequest,
    state: Data<State>,
    call: Call,
    id: Path<Requested<AlertId>>,
    named: Query<Named>,
    body: Payload,
) -> Answer {
    let sent = upload::raw(&request, &state, body, named.into_inner().name).await;
    let sent = sent.map_err(|fault| fault.of(&request))?;
    call.run(move |desk| {
        // Asked before the file is looked at, so that nothing but the id decides what is not there.
        desk.read(|view| asker(desk).open(view, *id).map(drop))?;
        let file = sent.file()?;
        desk.create(&sent.fingerprint(), |tx| {
            let (alert, case) = asker(desk).open(tx, *id)?;
            let (made, is_new) = on_alerts::attach(tx, alert, &file.to_attach())?;
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            Ok((Subject::Patient(case.patient), status, Attachment::of(made, None)))
        })
    })
    .await
}

/// The bytes of a file, as a download. Each time is an entry of the log.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/attachments/{attachment}", tag = "alerts", params(("id" = String, Path), ("attachment" = String, Path)),
    responses((status = 200, description = "The file, with its media type", content((Vec<u8> = "application/octet-stream"))), (status = 403), (status = 404)))]
pub(crate) async fn get(
    request: HttpRequest,
    state: Data<State>,
    call: Call,
    path: Path<(Requested<AlertId>, Requested<AttachmentId>)>,
) -> Answer {
    let ((alert, file), viewer) = (path.into_inner(), call.viewer.clone());
    let found = call.gather(move |desk| {
        let file = desk.read(|view| asker(desk).file(view, alert, file))?;
        desk.write(|tx| Ok(attachments::download(tx, &file)?))?;
        desk.sight.saw(file.patient, store::privacy::accesses::What::Attachments);
        Ok(file)
    });
    let file = found.await.map_err(|fault| fault.of(&request))?;
    Ok(hand_out(&state, &viewer, file))
}

/// Removes a file: its bytes and its name are gone; who, when and why stays. For whoever attached it, and clinicians.
#[utoipa::path(delete, path = "/api/v1/alerts/{id}/attachments/{attachment}", tag = "alerts", params(("id" = String, Path), ("attachment" = String, Path)), request_body = Detach,
    responses((status = 204), (status = 403, description = "E_ROLE"), (status = 404)))]
pub(crate) async fn delete(
    call: Call,
    path: Path<(Requested<AlertId>, Requested<AttachmentId>)>,
    body: Body<Detach>,
) -> Answer {
    let (id, file) = path.into_inner();
    call.run(move |desk| {
        desk.write(|tx| {
            let alert = desk.viewer.audience.alert(tx, id)?;
            let file = desk.viewer.audience.attachment(tx, file)?;
            on_alerts::detach(tx, alert, file, &body.value.reason)?;
            Ok(Reply::none())
        })
    })
    .await
}
