//! How messages to the caller are written: everybody's own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, Reply};
use crate::http::fault::Fault;
use domain::templates::Lang;
use domain::time::civil::Zone;
use store::messages::reader::{self, Reader};

/// How messages are written.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = MailPreferences)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailPreferences {
    /// `pt-BR` or `en`.
    lang: String,
    /// IANA: the zone of instants in a message.
    zone: String,
}

impl From<Reader> for MailPreferences {
    fn from(reader: Reader) -> Self {
        Self { lang: reader.lang.tag().to_owned(), zone: reader.zone.name().to_owned() }
    }
}

/// Who reads like that.
///
/// # Errors
/// What is no language of messages, or no zone.
pub(crate) fn reader(lang: &str, zone: &str) -> Result<Reader, Fault> {
    Ok(Reader {
        lang: Lang::from_tag(lang).ok_or_else(|| Fault::invalid("lang", "pt-BR or en"))?,
        zone: Zone::parse(zone.trim())
            .map_err(|_no_zone| Fault::invalid("zone", "an IANA time zone, such as America/Sao_Paulo"))?,
    })
}

/// How messages to the caller are written.
#[utoipa::path(get, path = "/api/v1/messages/mail", tag = "messages", responses((status = 200, body = MailPreferences)))]
pub(crate) async fn get(call: Call) -> Answer {
    call.run(|desk| {
        Reply::ok(&MailPreferences::from(desk.read(|view| Ok(reader::reader(view, desk.viewer.id)?))?))
    })
    .await
}

/// Changes it, from the next message on.
#[utoipa::path(put, path = "/api/v1/messages/mail", tag = "messages", request_body = MailPreferences, responses((status = 200, body = MailPreferences), (status = 422)))]
pub(crate) async fn put(call: Call, body: Body<MailPreferences>) -> Answer {
    call.run(move |desk| {
        let reader = reader(&body.value.lang, &body.value.zone)?;
        desk.write(|tx| Ok(reader::write_for(tx, desk.viewer.id, reader)?))?;
        Reply::ok(&MailPreferences::from(reader))
    })
    .await
}

/// Where it was before: the same answer, and no redirect, for clients drop their token on the way.
#[utoipa::path(get, path = "/api/v1/messages/letters", tag = "messages", responses((status = 200, body = MailPreferences)))]
pub(crate) async fn get_before(call: Call) -> Answer {
    get(call).await
}

/// Where it was before: the same answer.
#[utoipa::path(put, path = "/api/v1/messages/letters", tag = "messages", request_body = MailPreferences, responses((status = 200, body = MailPreferences), (status = 422)))]
pub(crate) async fn put_before(call: Call, body: Body<MailPreferences>) -> Answer {
    put(call, body).await
}
