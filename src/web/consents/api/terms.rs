//! The texts that patients say yes or no to.

use actix_web::web::Query;
use consent::Purpose;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, List, Paging, Reply};
use crate::http::code::Code;
use store::consents::terms;

/// Which texts.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only this purpose's.
    purpose: Option<String>,
    /// At most so many rows.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// One published text.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of store::terms::Published, for the document only")]
pub(crate) struct Term {
    id: String,
    purpose: String,
    lang: String,
    version: String,
    text: String,
    text_sha256: String,
    /// Whether a grant may name it.
    current: bool,
    published_at: String,
}

/// Texts in the order of publication.
#[utoipa::path(get, path = "/api/v1/terms", tag = "consents", params(Wanted), responses((status = 200, body = List<Term>)))]
pub(crate) async fn list(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| {
        let ask = Paging { limit: wanted.limit, after: wanted.after.clone() }.ask()?;
        let purpose = match wanted.purpose.as_deref() {
            None => None,
            Some(name) => Some(Purpose::parse(name).ok_or(Code::UnknownPurpose)?),
        };
        let page = desk.read(|view| Ok(terms::page(view, purpose, &ask)?))?;
        Reply::ok(&page)
    })
    .await
}
