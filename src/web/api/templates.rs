//! What messages say: versions that nobody changes, checked for what would give somebody away before they are even
//! proposed, and put in force by a second person.

use actix_web::http::StatusCode;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Answer, Body, Call, Desk, IfMatch, List, Reply};
use crate::domain::Instant;
use crate::domain::message::Class;
use crate::domain::template::{Fault as Wrong, Lang, Template, Words};
use crate::store::versions::{self, Version};
use crate::web::code::Code;
use crate::web::fault::Fault;

/// One version of a template, and who stands behind it.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageTemplate)]
pub struct Seen {
    /// id, version, name, subject and text as `{pt, en}`, class.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    template: Template,
    /// `proposed`, `in_force`, `superseded` or `refused`.
    state: &'static str,
    /// `user:<id>`, or a named part of the program.
    author: String,
    #[schema(value_type = String)]
    proposed_at: Instant,
    approver: Option<String>,
    #[schema(value_type = Option<String>)]
    in_force_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    refused_at: Option<Instant>,
}

impl Seen {
    fn of(held: Version<Template>, in_force: Option<u32>) -> Self {
        let state = match (held.in_force_at, held.refused_at) {
            (_, Some(_)) => "refused",
            (None, None) => "proposed",
            (Some(_), None) if in_force == Some(held.version) => "in_force",
            (Some(_), None) => "superseded",
        };
        let Version { version, body, author, proposed_at, approver, in_force_at, refused_at, .. } = held;
        let template = Template { version, ..body };
        Self { template, state, author, proposed_at, approver, in_force_at, refused_at }
    }
}

/// What a template is to say.
#[derive(Deserialize, ToSchema)]
#[schema(as = MessageTemplateProposal)]
#[serde(deny_unknown_fields)]
pub struct Said {
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

/// Which proposal.
#[derive(Deserialize, ToSchema)]
#[schema(as = MessageTemplateVersion)]
#[serde(deny_unknown_fields)]
pub struct Which {
    version: u32,
}

/// Which templates.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `in_force` unless said, or `proposed`: those that wait for a second person.
    state: Option<String>,
}

/// Templates in force, or proposals that wait for a second person.
#[utoipa::path(get, path = "/api/v1/message-templates", tag = "messages", params(Wanted), responses((status = 200, body = List<Seen>), (status = 422)))]
pub async fn list(call: Call, wanted: Query<Wanted>) -> Answer {
    call.run(move |desk| {
        let items: Vec<Seen> = desk.read(|view| {
            Ok(match wanted.state.as_deref() {
                None | Some("in_force") => {
                    let held = versions::all_in_force::<Template>(view, desk.now)?.into_iter();
                    held.map(|held| (held.version, held)).map(|(n, held)| Seen::of(held, Some(n))).collect()
                }
                Some("proposed") => {
                    let held = versions::proposals::<Template>(view)?.into_iter();
                    held.map(|held| Seen::of(held, None)).collect()
                }
                Some(_) => return Err(Fault::invalid("state", "in_force or proposed")),
            })
        })?;
        Reply::ok(&List::whole(items))
    })
    .await
}

/// Every version, newest first, and the number of the one in force.
fn known(desk: &Desk, id: &str) -> Result<(Vec<Version<Template>>, Option<u32>), Fault> {
    desk.read(|view| {
        let history = versions::history::<Template>(view, id)?;
        if history.is_empty() {
            return Err(Code::NotFound.into());
        }
        let in_force = versions::in_force::<Template>(view, id, desk.now)?;
        Ok((history, in_force.map(|held| held.version)))
    })
}

/// The newest number: what a change must have seen.
fn newest(history: &[Version<Template>]) -> i64 {
    history.first().map_or(0, |held| i64::from(held.version))
}

/// One template as it is in force; its ETag is the newest version's number, proposals included.
#[utoipa::path(get, path = "/api/v1/message-templates/{id}", tag = "messages", params(("id" = String, Path)), responses((status = 200, body = Seen), (status = 404)))]
pub async fn get(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let (history, in_force) = known(desk, &id)?;
        let tag = newest(&history);
        let held = history.into_iter().find(|held| Some(held.version) == in_force);
        let held = held.ok_or_else(|| Fault::new(Code::NotFound))?;
        Ok(Reply::ok(&Seen::of(held, in_force))?.at(tag))
    })
    .await
}

/// Every version of a template, newest first, with its author and whoever approved it.
#[utoipa::path(get, path = "/api/v1/message-templates/{id}/history", tag = "messages", params(("id" = String, Path)), responses((status = 200, body = List<Seen>), (status = 404)))]
pub async fn history(call: Call, id: Path<String>) -> Answer {
    call.run(move |desk| {
        let (history, in_force) = known(desk, &id)?;
        let tag = newest(&history);
        let items: Vec<Seen> = history.into_iter().map(|held| Seen::of(held, in_force)).collect();
        Ok(Reply::ok(&List::whole(items))?.at(tag))
    })
    .await
}

/// Proposes a version, which waits for a second person. What would give somebody away is refused here, by field and
/// word. `If-Match` holds the newest number that was seen. What a template is for does not change.
#[utoipa::path(post, path = "/api/v1/message-templates/{id}/proposals", tag = "messages", params(("id" = String, Path), ("if-match" = String, Header)), request_body = Said, responses((status = 201, body = Seen), (status = 404), (status = 412), (status = 422, description = "`problems`: [{field, language, word, reason}]")))]
pub async fn propose(call: Call, id: Path<String>, seen: IfMatch, body: Body<Said>) -> Answer {
    call.run(move |desk| {
        let (history, _) = known(desk, &id)?;
        let newest = newest(&history);
        let stale = |_range| Fault::new(Code::Precondition).with("current", newest);
        let seen = u32::try_from(seen.or(newest)?).map_err(stale)?;
        let class = history.first().map_or(Class::Clinical, |held| held.body.class);
        let Said { name, subject, text } = body.value;
        let template =
            Template { id: id.clone(), version: seen.saturating_add(1), name, subject, text, class };
        let wrong = template.check();
        if !wrong.is_empty() {
            let problems: Vec<Value> = wrong.iter().map(problem).collect();
            return Err(Fault::new(Code::Invalid).with("problems", problems));
        }
        let made = desk.write(|tx| {
            let version = versions::propose(tx, &id, &template, seen)?;
            Ok(versions::get::<Template>(tx, &id, version)?)
        })?;
        let tag = i64::from(made.version);
        Ok(Reply::with(StatusCode::CREATED, &Seen::of(made, None))?.at(tag))
    })
    .await
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
        Wrong::Subject(lang) => (Some("subject"), Some(language(lang)), None),
        Wrong::Unknown { name } => (None, None, Some(name.as_str())),
        Wrong::OneLanguage(variable) | Wrong::Missing(variable) => (None, None, Some(variable.name())),
        Wrong::Tells { part, lang, tells } => (Some(*part), Some(language(lang)), Some(tells.word)),
    };
    json!({ "field": field, "language": lang, "word": word, "reason": wrong.to_string() })
}

fn decide(desk: &Desk, id: &str, which: u32, approve: bool) -> Result<Reply, Fault> {
    desk.write(|tx| {
        if approve {
            versions::approve::<Template>(tx, id, which)?;
        } else {
            versions::refuse::<Template>(tx, id, which)?;
        }
        Ok(())
    })?;
    let (history, in_force) = known(desk, id)?;
    let tag = newest(&history);
    let held = history.into_iter().find(|held| held.version == which);
    let held = held.ok_or_else(|| Fault::new(Code::NotFound))?;
    Ok(Reply::ok(&Seen::of(held, in_force))?.at(tag))
}

/// Puts another person's proposal in force, now. What is planned already keeps the words it was planned with.
#[utoipa::path(post, path = "/api/v1/message-templates/{id}/approve", tag = "messages", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = Seen), (status = 403, description = "E_FOUR_EYES"), (status = 404), (status = 409)))]
pub async fn approve(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| decide(desk, &id, body.value.version, true)).await
}

/// Takes a proposal off the table.
#[utoipa::path(post, path = "/api/v1/message-templates/{id}/refuse", tag = "messages", params(("id" = String, Path)), request_body = Which, responses((status = 200, body = Seen), (status = 404), (status = 409)))]
pub async fn refuse(call: Call, id: Path<String>, body: Body<Which>) -> Answer {
    call.run(move |desk| decide(desk, &id, body.value.version, false)).await
}
