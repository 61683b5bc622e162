//! Rules as they stand. Versions are immutable; proposals and approvals come with their own store.

use actix_web::web::Path;
use utoipa::ToSchema;

use crate::http::api::{Answer, Call, List, Reply};
use crate::http::code::Code;
use crate::http::fault::Fault;
use domain::Rule;

/// A rule: id, version, name in both languages, signal, kind with its conditions.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of domain::Rule, for the document only")]
#[schema(as = RuleSet)]
pub(crate) struct Seen {
    id: String,
    version: u32,
    #[schema(value_type = Object)]
    name: (),
    signal: String,
    #[schema(value_type = Object)]
    kind: (),
}

/// The rules in force.
#[utoipa::path(get, path = "/api/v1/rule-sets", tag = "rules", responses((status = 200, body = List<Seen>)))]
pub(crate) async fn list(call: Call) -> Answer {
    call.run(|_desk| Reply::ok(&List::whole(Rule::seeds()))).await
}

/// One rule in force.
#[utoipa::path(get, path = "/api/v1/rule-sets/{id}", tag = "rules", params(("id" = String, Path)), responses((status = 200, body = Seen), (status = 404)))]
pub(crate) async fn get(call: Call, id: Path<String>) -> Answer {
    call.run(move |_desk| {
        let rule = Rule::seeds().into_iter().find(|rule| rule.id == *id);
        let rule = rule.ok_or_else(|| Fault::new(Code::NotFound))?;
        let version = i64::from(rule.version);
        Ok(Reply::ok(&rule)?.at(version))
    })
    .await
}
