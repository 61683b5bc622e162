//! A JSON body with its bytes, and the version that a change expects. What cannot be read is refused by the
//! name of its field, never by its value.

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use super::code::Code;
use super::fault::Fault;
use super::problem::Refusal;

/// A JSON body.
pub(crate) struct Body<T> {
    /// What it says.
    pub value: T,
    /// As it came, for the fingerprint of a repeated call.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            if !is_json(request.headers()) {
                return Err(Fault::new(Code::MediaType).of(&request));
            }
            let bytes = whole(bytes).await.map_err(|fault| fault.of(&request))?;
            match read(&bytes) {
                Ok(value) => Ok(Self { value, bytes }),
                Err(fault) => Err(fault.of(&request)),
            }
        })
    }
}

/// A JSON body that may be left out. Only zero bytes are no body: whatever else came is read like any [`Body`], and
/// refused like one. The framework's `Option<…>` turns each refusal into `None`, which loses what somebody wrote.
pub(crate) struct MayBody<T>(
    /// What it says; `None`: nothing was sent.
    pub Option<T>,
    /// As it came.
    pub Bytes,
);

impl<T: DeserializeOwned> FromRequest for MayBody<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let read_body = async {
                let bytes = whole(bytes).await?;
                if bytes.is_empty() {
                    return Ok(Self(None, bytes));
                }
                if !is_json(request.headers()) {
                    return Err(Fault::new(Code::MediaType));
                }
                read(&bytes).map(|value| Self(Some(value), bytes))
            };
            read_body.await.map_err(|fault: Fault| fault.of(&request))
        })
    }
}

/// What a route without a body is sent: nothing, or an object that says nothing.
#[derive(serde::Deserialize)]
#[serde(try_from = "serde_json::Map<String, serde_json::Value>")]
pub(crate) struct Nothing;

impl TryFrom<serde_json::Map<String, serde_json::Value>> for Nothing {
    type Error = &'static str;

    fn try_from(members: serde_json::Map<String, serde_json::Value>) -> Result<Self, Self::Error> {
        if members.is_empty() { Ok(Self) } else { Err("this route takes no body") }
    }
}

/// Every byte of a body, within the limit of the API.
async fn whole(bytes: impl Future<Output = Result<Bytes, actix_web::Error>>) -> Result<Bytes, Fault> {
    bytes.await.map_err(|error| {
        let too_large = error.as_response_error().status_code().as_u16() == 413;
        Fault::new(if too_large { Code::TooLarge } else { Code::Malformed })
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let malformed = |path: &str, error: &serde_json::Error| {
        let text = error.to_string();
        // serde names a field between backquotes; a value never stands there.
        let named = text.split('`').nth(1).filter(|_| !error.is_syntax() && !error.is_eof());
        let field = match (path, named) {
            ("." | "", Some(name)) => name.to_owned(),
            ("." | "", None) => String::new(),
            (path, Some(name)) if text.starts_with("missing field") => format!("{path}.{name}"),
            (path, _) => path.to_owned(),
        };
        let fault = Fault::new(Code::Malformed).with("line", error.line()).with("column", error.column());
        if field.is_empty() { fault } else { fault.with("field", field) }
    };
    let value = serde_path_to_error::deserialize(&mut from)
        .map_err(|error| malformed(&error.path().to_string(), error.inner()))?;
    from.end().map_err(|error| malformed("", &error))?;
    Ok(value)
}

/// The version that a change expects (RFC 9110 §13.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Whatever is there.
    Any,
    /// This one.
    Version(i64),
    /// The header is missing, or was not given out here.
    Absent,
}

impl IfMatch {
    /// The version to hand to the store; `current` stands for `*`.
    ///
    /// # Errors
    /// `E_PRECONDITION_REQUIRED`.
    pub(crate) fn or(self, current: i64) -> Result<i64, Fault> {
        match self {
            Self::Any => Ok(current),
            Self::Version(version) => Ok(version),
            Self::Absent => Err(Code::PreconditionRequired.into()),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let text = request.headers().get(header::IF_MATCH).and_then(|tag| tag.to_str().ok()).map(str::trim);
        ready(Ok(match text {
            None => Self::Absent,
            Some("*") => Self::Any,
            Some(tag) => {
                let number = tag.trim_matches('"').parse().unwrap_or(-1);
                Self::Version(number)
            }
        }))
    }
}
