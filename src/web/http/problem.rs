//! A refusal in the form its reader understands: RFC 9457 for programs, a page for people, a fragment for
//! htmx. Never a cause, a name or a value: those stay in the log.

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};

use super::address::url_encoded;
use super::code::Code;
use crate::pages;
use crate::pages::error::Named;
use crate::pages::shell::{self, Shell};
use crate::text::l10n::Words;

/// The body of a refusal (RFC 9457 §3), `application/problem+json`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Problem {
    /// The documentation of the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What it means and what to do.
    pub detail: String,
    /// The stable code, `E_…`.
    pub code: &'static str,
    /// The rule of law behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<&'static str>,
    /// Members of single codes, such as `owner` of `E_CLAIMED`.
    #[serde(flatten)]
    #[schema(value_type = HashMap<String, serde_json::Value>)]
    pub more: Map<String, Value>,
}

impl Problem {
    /// The problem of `code`, in the reader's words.
    #[must_use]
    pub(crate) fn new(code: Code, words: &Words) -> Self {
        Self {
            kind: format!("/api/docs#{}", code.name()),
            title: words.say(code.title()),
            status: code.status().as_u16(),
            detail: words.say(code.detail()),
            code: code.name(),
            article: code.article(),
            more: Map::new(),
        }
    }
}

/// A refusal on its way out of a handler.
#[derive(Debug, thiserror::Error)]
#[error("{}", code.name())]
pub(crate) struct Refusal {
    /// Why.
    pub code: Code,
    /// Members of single codes, such as `owner`.
    pub more: Map<String, Value>,
    dress: Box<Dress>,
}

/// How the one who asked is to be answered, read from the request before it is gone.
#[derive(Debug, Clone)]
struct Dress {
    shell: Shell,
    /// Whether the request only reads.
    asks: bool,
    /// Whether a link of another site led here, which a strict cookie does not follow.
    from_elsewhere: bool,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Page,
    Fragment,
}

impl Refusal {
    /// A refusal of `request`.
    #[must_use]
    pub(crate) fn new(request: &HttpRequest, code: Code) -> Self {
        let mut shell = shell::of(request);
        shell.viewer = request.extensions().get::<shell::Viewer>().cloned();
        let asks = matches!(*request.method(), Method::GET | Method::HEAD);
        let site = request.headers().get("sec-fetch-site").and_then(|site| site.to_str().ok());
        let from_elsewhere = matches!(site, Some("cross-site" | "same-site"));
        let form = form(request.path(), request.headers());
        let dress = Dress { shell, asks, from_elsewhere, form };
        Self { code, more: Map::new(), dress: Box::new(dress) }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut answer = self.dressed();
        answer.extensions_mut().insert(self.code);
        answer
    }
}

impl Refusal {
    fn dressed(&self) -> HttpResponse<BoxBody> {
        let shell = &self.dress.shell;
        let mut answer = HttpResponse::build(self.code.status());
        if self.code.status() == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if matches!(self.code.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            answer.insert_header((header::RETRY_AFTER, HeaderValue::from_static("5")));
        }
        if self.code == Code::Factor && self.dress.form == Form::Page && self.dress.asks {
            return HttpResponse::SeeOther().insert_header((header::LOCATION, "/account")).finish();
        }
        if self.code == Code::SignIn && self.dress.form == Form::Page && self.dress.asks {
            return if self.dress.from_elsewhere { once_more(&shell.path) } else { to_sign_in(&shell.path) };
        }
        let more = |name: &str| self.more.get(name).and_then(Value::as_str);
        let doubts = self.more.get("doubts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let named = Named {
            owner: more("owner_name"),
            until: more("until_clock"),
            field: more("field"),
            place: more("place"),
            doubts,
            standing: more("standing").zip(more("absence")),
        };
        let html = match self.dress.form {
            Form::Json => None,
            Form::Page => pages::error::page(shell, self.code, named).ok(),
            Form::Fragment => {
                answer.insert_header(("hx-retarget", "#notice")).insert_header(("hx-reswap", "innerHTML"));
                pages::error::fragment(shell, self.code, named).ok()
            }
        };
        if let Some(html) = html {
            return answer.content_type("text/html; charset=utf-8").body(html);
        }
        let mut problem = Problem::new(self.code, &shell.words);
        problem.more.clone_from(&self.more);
        match serde_json::to_string(&problem) {
            Ok(body) => answer.content_type("application/problem+json").body(body),
            Err(_never_fails) => answer.finish(),
        }
    }
}

/// A reader who follows a link in a message comes without the session's cookie, which other sites do not send. The page
/// asks again from here, and then the cookie comes along; who has none is led to sign in.
fn once_more(path: &str) -> HttpResponse {
    let again = path.chars().filter(|c| c.is_ascii_graphic()).collect::<String>();
    HttpResponse::Ok().insert_header(("refresh", format!("0; url={again}"))).finish()
}

/// A person who only wanted to look signs in first, then goes on.
fn to_sign_in(path: &str) -> HttpResponse {
    let next: String = url_encoded(path);
    let to = if path == "/" { "/login".to_owned() } else { format!("/login?next={next}") };
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// `code` as an actix error, for extractors.
#[must_use]
pub(crate) fn error(request: &HttpRequest, code: Code) -> actix_web::Error {
    Refusal::new(request, code).into()
}

/// `code` as an answer, for middleware and the default service.
#[must_use]
pub(crate) fn respond(request: &HttpRequest, code: Code) -> HttpResponse {
    Refusal::new(request, code).error_response()
}

fn form(path: &str, headers: &HeaderMap) -> Form {
    let has = |name: &str, wanted: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(wanted))
    };
    if path.starts_with("/api/") && path != "/api/docs" || path.starts_with("/fhir/") {
        return Form::Json;
    }
    if wants_fragment(headers) {
        return Form::Fragment;
    }
    if has("accept", "json") && !has("accept", "text/html") { Form::Json } else { Form::Page }
}

/// Whether htmx asks for a part of a page (`HX-Request-Type: partial`) and not for the whole.
#[must_use]
pub(crate) fn wants_fragment(headers: &HeaderMap) -> bool {
    headers.get("hx-request-type").is_some_and(|kind| kind == "partial") || wants_word(headers)
}

/// Whether a form was sent from an open page that only wants to be told: where to go on, or what was refused.
#[must_use]
pub(crate) fn wants_word(headers: &HeaderMap) -> bool {
    headers.contains_key("x-zelo-form")
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    async fn body(request: TestRequest, code: Code) -> (String, String) {
        let answer = respond(&request.to_http_request(), code);
        let kind = answer.headers().get(header::CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
        (kind, String::from_utf8(to_bytes(answer.into_body()).await.unwrap().to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn a_program_gets_a_problem_and_a_person_a_page() {
        let api = TestRequest::get().uri("/api/v1/patients").insert_header(("accept-language", "en"));
        let (kind, text) = body(api, Code::Revoked).await;
        assert_eq!(kind, "application/problem+json");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["code"], "E_REVOKED");
        assert_eq!(problem["status"], 403);
        assert_eq!(problem["article"], "LGPD art. 8 §5");
        assert!(problem["title"].as_str().unwrap().to_lowercase().contains("revoked"));

        let (kind, text) = body(TestRequest::get().uri("/patients/1"), Code::NotFound).await;
        assert!(kind.starts_with("text/html"));
        assert!(text.contains("<!DOCTYPE html>") && text.contains("E_NOT_FOUND"));

        let part = TestRequest::get().uri("/queue").insert_header(("hx-request-type", "partial"));
        let (_, text) = body(part, Code::Role).await;
        assert!(!text.contains("<html") && text.contains("E_ROLE"));
    }
}
