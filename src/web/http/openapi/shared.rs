//! What every operation of the document shares, stated once: an id of its own, and the refusals that any handler of its
//! kind can give. A handler writes only what is special to it.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{self, Content, Ref, RefOr, Response};

use crate::http::code::Code;
use crate::routes;
use domain::Can;

/// The media type of every refusal (RFC 9457 §3).
const PROBLEM: &str = "application/problem+json";

/// Gives each operation its id, whether it needs a sign-in (the route table knows), and the refusals it did not name.
pub(super) fn complete(document: &mut openapi::OpenApi) {
    let rows = routes::api();
    let methods: Vec<(String, &str)> = rows
        .iter()
        .filter(|row| row.rights.contains(&Can::Anyone))
        .map(|row| (row.method.as_str().to_ascii_lowercase(), row.path))
        .collect();
    let open: Vec<(&str, &str)> = methods.iter().map(|(method, path)| (method.as_str(), *path)).collect();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            if open.contains(&(method, path.as_str())) {
                operation.security = Some(Vec::new());
            }
            refusals(method, path, operation);
        }
    }
}

pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// `post /api/v1/alerts/{id}/claim` is `post_alerts_by_id_claim`: as unique as the route itself.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let words = path.split('/').filter(|part| !part.is_empty()).map(|part| {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => format!("by_{name}"),
            None => part.replace(['-', '.'], "_").trim_matches('_').to_owned(),
        }
    });
    std::iter::once(method.to_owned()).chain(words).collect::<Vec<_>>().join("_")
}

/// Each status that a refusal of this operation can have, with the problem that it carries.
fn refusals(method: &str, path: &str, operation: &mut Operation) {
    let open = operation.security.as_ref().is_some_and(Vec::is_empty);
    let placed = |place: ParameterIn| {
        let parameters = operation.parameters.iter().flatten();
        parameters
            .filter(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == place))
            .count()
            > 0
    };
    let (by_path, by_query) = (placed(ParameterIn::Path) || path.contains('{'), placed(ParameterIn::Query));
    let by_body = operation.request_body.is_some();
    let mut codes = vec![Code::Rate, Code::Internal, Code::Busy];
    if !open {
        codes.extend([Code::SignIn, Code::Role]);
    }
    if by_path || by_query || by_body {
        codes.extend([Code::Malformed, Code::Invalid]);
    }
    // An id may stand in the query too: the alerts of a patient, the load of an alert.
    if by_path || by_query {
        codes.push(Code::NotFound);
    }
    if by_body {
        codes.push(Code::Conflict);
    }
    // A body where none is taken is refused, too.
    if by_body || method != "get" {
        codes.extend([Code::Malformed, Code::TooLarge, Code::MediaType]);
    }
    let named = &mut operation.responses.responses;
    // Whoever is held to a version must name one.
    if named.contains_key(Code::Precondition.status().as_str()) {
        codes.push(Code::PreconditionRequired);
    }
    for code in codes {
        named.entry(code.status().as_str().to_owned()).or_insert_with(|| RefOr::T(Response::new("")));
    }
    for (status, answer) in named.iter_mut() {
        let RefOr::T(answer) = answer else { continue };
        if is_refusal(status) && answer.content.is_empty() {
            carry_problem(status, answer);
        }
        if answer.description.is_empty() {
            // OpenAPI 3.1 §4.8.17: a response must have a description.
            let reason =
                StatusCode::from_bytes(status.as_bytes()).ok().and_then(|status| status.canonical_reason());
            answer.description = reason.unwrap_or("An answer").to_owned();
        }
    }
}

fn is_refusal(status: &str) -> bool {
    status.starts_with(['4', '5'])
}

/// Says which codes stand under `status`, and in which shape they come.
fn carry_problem(status: &str, answer: &mut Response) {
    if answer.description.is_empty() {
        let codes = Code::ALL.iter().filter(|code| code.status().as_str() == status);
        answer.description = codes.map(|code| code.name()).collect::<Vec<_>>().join(", ");
    }
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    answer.content = BTreeMap::from([(PROBLEM.to_owned(), content.into())]).into_iter().collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_named_by_its_method_and_its_whole_path() {
        let named = [
            ("get", "/api/v1/alerts", "get_alerts"),
            ("get", "/api/v1/alerts/{id}", "get_alerts_by_id"),
            ("post", "/api/v1/escalation-policies/{id}/dry-run", "post_escalation_policies_by_id_dry_run"),
            ("get", "/.well-known/jwks.json", "get_well_known_jwks_json"),
        ];
        for (method, path, id) in named {
            assert_eq!(operation_id(method, path), id);
        }
    }
}
