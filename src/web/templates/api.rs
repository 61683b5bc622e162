//! What messages say: versions that nobody changes, checked for what would give somebody away before they are even
//! proposed, and put in force by a second person.

use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::http::api::{Answer, Body, Call, IfMatch, List};
use crate::http::code::Code;
use crate::http::fault::Fault;
use crate::versions::api::{self, Shown, Standing, Wanted};
use domain::templates::{Fault as Wrong, Lang, Template, Words};
use store::versions::Version;

/// One version of a template, and who stands behind it.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageTemplate)]
pub(crate) struct Seen {
    /// id, version, name, subject and text as `{pt, en}`, class.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    template: Template,
    #[serde(flatten)]
    standing: Standing,
}

impl Shown for Template {
    type Seen = Seen;

    fn seen(stored: Version<Self>, standing: Standing) -> Result<Seen, Fault> {
        Ok(Seen { template: Self { version: stored.version, ..stored.body }, standing })
    }
}

/// What a template is to say.
#[derive(Deserialize, ToSchema)]
#[schema(as = MessageTemplateProposal)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateProposal {
    /// What lists call it: `{pt, en}`.
    #[schema(value_type = Object)]
    name: Words,
    /// One line: `{pt, en}`, with `{link}`, `{repetition}`, `{since}`, `{from}`, `{until}` for what is filled in.
    #[schema(value_type = Object)]
    subject: Words,
    /// Plain text, as the subject.
    #[schema(value_type = Object)]
    text: Words,
}

crate::versions::api::which!(MessageTemplateVersion);

/// Templates in force, or proposals that wait for a second person.
#[utoipa::path(get, path = "/api/v1/message-templates", tag = "messages", params(Wanted), responses((status = 200, body = List<Seen>), (status = 422)))]
pub(crate) async fn list(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| api::wanted::<Template>(desk, &wanted)).await
}

/// One template as it is in force; its ETag is the newest version's number, proposals included.
#[utoipa::path(get, path = "/api/v1/message-templates/{id}", tag = "messages", params(("id" = String, Path)), responses((status = 200, body = Seen), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| api::get::<Template>(desk, &id)).await
}

/// Every version of a template, newest first, with its author and whoever approved it.
#[utoipa::path(get, path = "/api/v1/message-templates/{id}/history", tag = "messages", params(("id" = String, Path)), responses((status = 200, body = List<Seen>), (status = 404)))]
pub(crate) async fn history(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| api::history::<Template>(desk, &id)).await
}

/// Proposes a version, which waits for a second person. What would give somebody away is refused here, by field and
/// word. `If-Match` holds the newest number that was seen. What a template is for does not change.
#[utoipa::path(post, path = "/api/v1/message-templates/{id}/proposals", tag = "messages", params(("id" = String, Path), ("if-match" = String, Header)), request_body = TemplateProposal, responses((status = 201, body = Seen), (status = 404), (status = 412), (status = 422, description = "`problems`: [{field, language, word, reason}]")))]
pub(crate) async fn propose(
    call: Call,
    id: Path<String>,
    seen: IfMatch,
    body: Body<TemplateProposal>,
) -> Answer {
    call.run(move |desk| {
        api::propose(desk, &id, seen, |history, version| proposed(body.value, history, version))
    })
    .await
}

fn proposed(
    proposal: TemplateProposal,
    history: &[Version<Template>],
    version: u32,
) -> Result<Template, Fault> {
    let TemplateProposal { name, subject, text } = proposal;
    let newest = history.first().ok_or_else(|| Fault::new(Code::NotFound))?;
    let template =
        Template { id: newest.name.clone(), version, name, subject, text, class: newest.body.class }
            .in_lines();
    match template.check() {
        wrong if wrong.is_empty() => Ok(template),
        wrong => {
            let problems: Vec<Value> = wrong.iter().map(problem).collect();
            Err(Fault::new(Code::Invalid).with("problems", problems))
        }
    }
}

/// The field, the language and the word, so that an editor can point at it.
fn problem(wrong: &Wrong) -> Value {
    let language = |lang: &Lang| match lang {
        Lang::Pt => "pt",
        Lang::En => "en",
    };
    let (field, lang, word) = match wrong {
        Wrong::Id => (Some("id"), None, None),
        Wrong::Version => (Some("version"), None, None),
        Wrong::Empty { part, lang } => (Some(*part), Some(language(lang)), None),
        Wrong::NotALine { part, lang } => (Some(*part), Some(language(lang)), None),
        Wrong::Unseen(lang) => (Some("text"), Some(language(lang)), None),
        Wrong::Unknown { name } => (None, None, Some(name.as_str())),
        Wrong::OneLanguage(variable) | Wrong::Missing(variable) | Wrong::NotGiven(variable) => {
            (None, None, Some(variable.name()))
        }
        Wrong::Tells { part, lang, tells } => (Some(*part), Some(language(lang)), Some(tells.word)),
    };
    json!({ "field": field, "language": lang, "word": word, "reason": wrong.to_string() })
}

/// Puts another person's proposal in force, now. What is planned already keeps the words it was planned with.
#[utoipa::path(post, path = "/api/v1/message-templates/{id}/approve", tag = "messages", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = Seen), (status = 403, description = "E_FOUR_EYES"), (status = 404), (status = 409)))]
pub(crate) async fn approve(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| api::decide::<Template>(desk, &id, body.value.version, true)).await
}

/// Takes a proposal off the table.
#[utoipa::path(post, path = "/api/v1/message-templates/{id}/refuse", tag = "messages", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = Seen), (status = 404), (status = 409)))]
pub(crate) async fn refuse(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| api::decide::<Template>(desk, &id, body.value.version, false)).await
}
