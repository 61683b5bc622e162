//! All that happened to a patient, for programs: codes and fields, no sentences.

use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, Paging, Reply};
use crate::patients::contributions::{self, Wanted};
use crate::patients::event::{Position, Reader};
use domain::{Instant, PatientId};
use store::patients::audience::Requested;
use store::{Cursor, patients};

/// The most events of a page.
const MOST: usize = 200;

/// Which part of a timeline.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// The `next` of the page before.
    before: Option<String>,
    /// At most so many events: 100 by default, 200 at the most.
    limit: Option<usize>,
    /// `alerts`, `escalation`, `messages`, `readings`, `devices`, `consents`, `patients` or `privacy`; without it all
    /// that the caller may see.
    kind: Option<String>,
}

/// Something that happened to a patient.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineEvent)]
pub(crate) struct Event {
    #[schema(value_type = String)]
    at: Instant,
    /// As in the parameter `kind`.
    kind: &'static str,
    /// What happened, such as `consent.granted`, `device.bound`, `alert.raised`, `alert.ack`, `escalation.paged`,
    /// `message.planned`, `reading.corrected`, `patient.corrected`, `access.reveal`.
    code: String,
    /// By whom: `user:<id>`, `system:<name>` or `operator`; null where that is not known.
    actor: Option<String>,
    /// What it is about, where that has an address of its own.
    subject: Option<Subject>,
    /// Whether something of it is hidden: there is no legal basis to show it now.
    masked: bool,
    /// What else is known of it, by the code.
    #[schema(value_type = Object)]
    fields: serde_json::Map<String, serde_json::Value>,
}

/// What an event is about.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineSubject)]
pub(crate) struct Subject {
    /// `alerts` or `devices`: it is at `/api/v1/{noun}/{id}`.
    noun: &'static str,
    id: String,
}

/// Something that is hidden as a whole.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineMasked)]
pub(crate) struct Hidden {
    /// As in the parameter `kind`.
    kind: &'static str,
    /// The refusal, such as `E_REVOKED`.
    code: &'static str,
}

/// Events, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Timeline)]
pub(crate) struct Events {
    items: Vec<Event>,
    /// Pass it as `before` for older ones; null at the first. A page may be shorter than asked for, and even empty,
    /// although older ones follow.
    #[schema(value_type = Option<String>)]
    next: Option<Cursor>,
    /// What is hidden as a whole for want of a legal basis.
    masked: Vec<Hidden>,
}

/// What happened to a patient, as far as the caller's rights and the patient's consents reach, the newest first.
#[utoipa::path(get, path = "/api/v1/patients/{id}/timeline", tag = "patients", operation_id = "patient_timeline", params(("id" = String, Path), Asked), responses((status = 200, body = Events), (status = 404)))]
pub(crate) async fn list(call: Call, id: Path<Requested<PatientId>>, asked: Query<Asked>) -> Answer {
    call.run(move |desk| {
        let limit = Paging { limit: asked.limit, after: None }.limit()?.min(MOST);
        let from = Position::parse(asked.before.as_deref())?;
        let wanted = Wanted::kind(asked.kind.as_deref().unwrap_or_default());
        desk.read(|view| {
            let id = desk.viewer.visible(view, *id)?.id();
            let patient = patients::get(view, &desk.viewer.audience, id)?;
            let mut reader = Reader::new(&desk.state, &desk.viewer, desk.now, &desk.sight);
            let page = contributions::page(view, &mut reader, &patient, wanted, from.clone(), limit)?;
            let masked = reader.masked.iter().map(|(kind, why)| Hidden { kind, code: why.code.name() });
            Reply::ok(&Events {
                next: page.next.as_ref().map(|last| last.cursor()),
                masked: masked.collect(),
                items: page.lines.into_iter().map(event).collect(),
            })
        })
    })
    .await
}

fn event(line: contributions::Line) -> Event {
    let contributions::Line { of, place, entry } = line;
    Event {
        at: place.at(),
        kind: of.kind,
        code: entry.code.into_owned(),
        actor: entry.actor.map(|hand| hand.id),
        subject: entry.subject.map(|subject| Subject { noun: subject.noun, id: subject.id }),
        masked: entry.is_masked,
        fields: entry.fields,
    }
}
