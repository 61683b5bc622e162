//! The audit log for those who read it: entries, the signed checkpoint, proofs, and the whole to take away. Nothing
//! readable about a person is in it.

use std::path::PathBuf;

use actix_web::http::header;
use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, Desk, Reply};
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::privacy::pseudonyms;
use audit::tile::dir::Dir;
use audit::{ActorKind, Decision, Signer, Vkey};
use domain::{Instant, PatientId, UserId};
use store::audit::{self as log, Filter, Scope};
use store::db::page::{MOST, USUAL};
use store::patients::audience::Requested;
use store::privacy::accesses::What;
use store::{Act, Subject};

/// Which entries.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// A type, such as `consent.revoked`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Inclusive.
    #[param(value_type = Option<String>)]
    from: Option<Instant>,
    /// Exclusive.
    #[param(value_type = Option<String>)]
    to: Option<Instant>,
    /// `permit` or `deny`.
    #[param(value_type = Option<String>)]
    decision: Option<Decision>,
    /// `device`, `user`, `subject` or `system`.
    #[param(value_type = Option<String>)]
    actor: Option<ActorKind>,
    /// About or by this patient: resolved by their key alone.
    #[param(value_type = Option<String>)]
    patient_id: Option<Requested<PatientId>>,
    /// By or about this user.
    #[param(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// The `next` of the page before.
    before: Option<u64>,
    /// At most so many rows.
    limit: Option<usize>,
}

/// One entry with its place in the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct Line {
    leaf: u64,
    /// The entry as the log holds it; null when it cannot be read: the log was altered.
    #[schema(value_type = Option<Object>)]
    entry: Option<audit::Entry>,
}

/// Entries, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Lines {
    items: Vec<Line>,
    /// Pass it as `before`; null at the first entry.
    next: Option<u64>,
}

/// Entries of the log, newest first.
#[utoipa::path(get, path = "/api/v1/audit/entries", tag = "audit", params(Wanted), responses((status = 200, body = Lines)))]
pub(crate) async fn entries(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| {
        let patient = match wanted.patient_id {
            Some(asked) => Some(desk.read(|view| {
                let meant = pseudonyms::meant(view, &desk.viewer, asked)?;
                Ok(desk.viewer.audience.subject(view, meant)?)
            })?),
            None => None,
        };
        // Whoever asks the log about one person looks at who looked.
        patient.into_iter().for_each(|id| desk.sight.saw(id, What::Looks));
        let patient = patient.map(Subject::Patient);
        let filter = Filter {
            kind: wanted.kind.as_deref(),
            from: wanted.from,
            to: wanted.to,
            decision: wanted.decision,
            actor: wanted.actor,
            subjects: [patient, wanted.user_id.map(Subject::User)],
        };
        let limit = wanted.limit.unwrap_or(USUAL).clamp(1, MOST);
        let slice = desk.read(|view| Ok(log::page(view, &filter, wanted.before, limit)?))?;
        let items = slice.lines.into_iter().map(|line| Line { leaf: line.leaf, entry: line.entry });
        Reply::ok(&Lines { items: items.collect(), next: slice.next })
    })
    .await
}

fn key(desk: &Desk) -> Result<&Vkey, Fault> {
    Ok(signer(desk)?.vkey())
}

fn signer(desk: &Desk) -> Result<&Signer, Fault> {
    let signer = desk.state.log_signer.as_ref();
    signer.ok_or_else(|| Fault::new(Code::NotFound).with("reason", "the log is not open"))
}

/// The newest signed checkpoint (C2SP tlog-checkpoint), as text.
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", tag = "audit", responses((status = 200, content_type = "text/plain", body = String), (status = 404, description = "Nothing is sealed yet")))]
pub(crate) async fn checkpoint(call: Call) -> Answer {
    call.run(|desk| {
        let head = desk.read(|view| Ok(log::head(view, key(desk)?)?))?;
        let head = head.ok_or_else(|| Fault::new(Code::NotFound).with("reason", "nothing is sealed yet"))?;
        Ok(Reply::text(head.note))
    })
    .await
}

/// The key that verifies checkpoints.
#[derive(Serialize, ToSchema)]
pub(crate) struct Key {
    /// As a C2SP signed-note verifier key.
    vkey: String,
}

/// The public key of the log, to be held against the one that was handed over on paper.
#[utoipa::path(get, path = "/api/v1/audit/key", tag = "audit", responses((status = 200, body = Key)))]
pub(crate) async fn public_key(call: Call) -> Answer {
    call.run(|desk| Reply::ok(&Key { vkey: key(desk)?.to_string() })).await
}

/// Which proof.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Of {
    /// The entry's place in the log.
    leaf: u64,
}

/// The proof of one entry under the newest checkpoint (C2SP tlog-proof), as text.
#[utoipa::path(get, path = "/api/v1/audit/proofs", tag = "audit", params(Of), responses((status = 200, content_type = "text/plain", body = String), (status = 404)))]
pub(crate) async fn proofs(call: Call, of: Query<Of>) -> Answer {
    call.run(move |desk| {
        let key = key(desk)?;
        Ok(Reply::text(desk.read(|view| Ok(log::proof_of_entry(view, key, of.leaf)?))?))
    })
    .await
}

/// The whole log with the terms, as a tar archive that verifies offline.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", responses((status = 200, content_type = "application/x-tar"), (status = 404, description = "Nothing is sealed yet")))]
pub(crate) async fn export(request: HttpRequest, call: Call) -> Answer {
    let packed = |desk: &Desk| {
        desk.stepped_up()?;
        packed(desk)
    };
    let made = call.gather(packed).await.map_err(|fault| fault.of(&request))?;
    Ok(HttpResponse::Ok()
        .content_type("application/x-tar")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"zelo-audit.tar\""))
        .body(made))
}

/// A directory that goes when it is no longer needed.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "a scratch directory stays");
        }
    }
}

fn packed(desk: &Desk) -> Result<Vec<u8>, Fault> {
    let signer = signer(desk)?;
    desk.write(|tx| Ok(tx.audit(&Act::new("access.export"))?))?;
    let name = format!("zelo-audit-{}", domain::id::uuid_at(desk.now).simple());
    let scratch = Scratch(std::env::temp_dir().join(name));
    log::export(&desk.state.store, signer, &Dir(scratch.0.clone()), Scope::Log)?;
    let unwritten = |error: std::io::Error| {
        tracing::error!(%error, "the export could not be packed");
        Fault::new(Code::Internal)
    };
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
    archive.append_dir_all("zelo-audit", &scratch.0).map_err(unwritten)?;
    archive.into_inner().map_err(unwritten)
}
