//! A file on its way out: always as a download, never as something that a browser shows or runs. Whether it may be handed
//! out is asked once more with every piece, so a revocation in between breaks it off, and one piece is in memory.

use std::io;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::{self, Bytes, Data};
use futures_util::stream::unfold;

use crate::http::fault::Fault;
use crate::state::State;
use domain::attachments::name::encoded;
use store::View;
use store::attachments::{Attachment, content};

/// The policy of a file that a browser shows nevertheless: it loads nothing and runs nothing.
const CSP: &str = "sandbox; default-src 'none'";

/// Asks whether a file may still be handed out.
pub(crate) type Allowed = dyn Fn(&mut View<'_>) -> Result<(), Fault> + Send + Sync;

/// The answer with a file's bytes.
pub(crate) fn respond(state: &Data<State>, file: Attachment, allowed: Arc<Allowed>) -> HttpResponse {
    let name = file.name.as_deref().unwrap_or_default();
    let disposition = format!("attachment; filename*=UTF-8''{}", encoded(name));
    let (size, media) = (file.size, file.media);
    let source = Source { state: Data::clone(state), file: Arc::new(file), allowed };
    let pieces = unfold(Some((source, 0_u64)), |at| async move {
        let (source, place) = at?;
        if place >= content::pieces(&source.file) {
            return None;
        }
        match source.clone().piece(place).await {
            Ok(piece) => Some((Ok(piece), Some((source, place + 1)))),
            Err(fault) => {
                tracing::warn!(code = fault.code.name(), attachment = %source.file.id, "a download broke off");
                Some((Err(io::Error::other("the download broke off")), None))
            }
        }
    });
    HttpResponse::Ok()
        .content_type(media.content_type())
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CONTENT_SECURITY_POLICY, CSP))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // As it is: a compressed answer has no length to hold what arrives against.
        .insert_header(ContentEncoding::Identity)
        .body(SizedStream::new(size, Box::pin(pieces)))
}

#[derive(Clone)]
struct Source {
    state: Data<State>,
    file: Arc<Attachment>,
    allowed: Arc<Allowed>,
}

impl Source {
    async fn piece(self, place: u64) -> Result<Bytes, Fault> {
        let read = web::block(move || {
            self.state.store.read(|view| {
                Ok((self.allowed)(view)
                    .and_then(|()| content::piece(view, &self.file, place).map_err(Fault::from)))
            })
        });
        let bytes = read.await.map_err(|_stopped| Fault::new(crate::Code::Busy))???;
        Ok(Bytes::from(bytes))
    }
}
