//! A running node's API as a command calls it: one address, one token, answers as JSON, refusals as one sentence.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::{Method, Request, Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::cli::error::{Error, Result};

/// From the name to an open connection.
const CONNECT: Duration = Duration::from_secs(10);
/// From the question to the first byte of the answer.
const ANSWER: Duration = Duration::from_secs(60);

/// Where a node is, and as whom it is asked.
#[derive(Clone)]
pub(crate) struct Http {
    base: String,
    token: Option<String>,
    agent: Agent,
}

impl Http {
    /// A node's address, `https://…` or, on this host, `http://…`.
    ///
    /// # Errors
    /// [`Error::Usage`] for an address that is none, or one that would carry the token in clear.
    pub(crate) fn new(url: &str, token: Option<&str>) -> Result<Self> {
        let address: Uri = url.parse().map_err(|fault| Error::Usage(format!("--url {url:?}: {fault}")))?;
        let tls = match (address.scheme_str(), address.host()) {
            (Some("https"), Some(_)) => true,
            (Some("http"), Some(host)) if is_this_host(host) => false,
            (Some("http"), Some(_)) => {
                return Err(Error::Usage(
                    "--url http://… beyond this host would carry the token in clear: use https://".into(),
                ));
            }
            _ => {
                return Err(Error::Usage(
                    "--url is written as https://zelo.example or http://127.0.0.1:8080".into(),
                ));
            }
        };
        let config = Agent::config_builder()
            // An idle connection may be closed by the other side just as it is used again.
            .max_idle_connections(0)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // The token goes to the node that was named and to nobody in between.
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER));
        let config = if tls { config.tls_config(trust()) } else { config };
        Ok(Self {
            base: url.trim_end_matches('/').to_owned(),
            token: token.map(str::to_owned),
            agent: config.build().new_agent(),
        })
    }

    /// Reads.
    ///
    /// # Errors
    /// The problem that was answered; the node cannot be reached.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        parsed(self.call(&Method::GET, path, &[], None)?)
    }

    /// Every page of a list.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub(crate) fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        #[derive(serde::Deserialize)]
        struct Page<T> {
            items: Vec<T>,
            next: Option<String>,
        }
        let joint = if path.contains('?') { '&' } else { '?' };
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page: Page<T> = self.get(&format!("{path}{joint}limit=1000{after}"))?;
            all.extend(page.items);
            match page.next {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(all),
            }
        }
    }

    /// Creates under a key of its own, so that a call whose answer was lost can be made again.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub(crate) fn create<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let key = uuid::Uuid::now_v7().to_string();
        let headers = [("idempotency-key", key.as_str())];
        let first = self.send(&Method::POST, path, &headers, Some(body));
        let answer = match first {
            Err(_lost) => self.call(&Method::POST, path, &headers, Some(body))?,
            Ok(answer) => good(answer)?,
        };
        parsed(answer)
    }

    /// Does something that is done also when it was done before, and answers nothing.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub(crate) fn act(&self, method: &Method, path: &str) -> Result<()> {
        self.call(method, path, &[], None).map(drop)
    }

    /// Posts, for an answer.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: Option<&Value>) -> Result<T> {
        parsed(self.call(&Method::POST, path, &[], body)?)
    }

    /// Changes the version that stands now; somebody who changed it meanwhile is not overwritten.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub(crate) fn change(&self, path: &str, change: &Value) -> Result<()> {
        let seen = self.call(&Method::GET, path, &[], None)?;
        let tag = seen.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let tag =
            tag.ok_or_else(|| Error::Failed("the node named no version of what is to be changed".into()))?;
        self.call(&Method::PATCH, path, &[("if-match", &tag)], Some(change)).map(drop)
    }

    /// A text.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub(crate) fn text(&self, path: &str) -> Result<String> {
        let mut answer = self.call(&Method::GET, path, &[], None)?;
        answer.body_mut().read_to_string().map_err(broken)
    }

    /// An answer of any length, as it comes.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub(crate) fn stream(&self, path: &str) -> Result<impl std::io::Read> {
        Ok(self.call(&Method::GET, path, &[], None)?.into_body().into_reader())
    }

    fn call(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Response<Body>> {
        good(self.send(method, path, headers, body).map_err(|fault| unreachable(&self.base, &fault))?)
    }

    fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> std::result::Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.base));
        request = request.header("accept", "application/json").header("accept-language", "en");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string())?)
            }
            None => self.agent.run(request.body(())?),
        }
    }
}

fn is_this_host(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What this machine trusts, or the file that `SSL_CERT_FILE` names.
fn trust() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs();
    let roots = found.certs.into_iter().map(|root| Certificate::from_der(&root).to_owned());
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from(roots))
        .build()
}

fn parsed<T: DeserializeOwned>(mut answer: Response<Body>) -> Result<T> {
    let text = answer.body_mut().read_to_string().map_err(broken)?;
    serde_json::from_str(&text)
        .map_err(|shape| Error::Failed(format!("the node answered what this program does not know: {shape}")))
}

fn good(mut answer: Response<Body>) -> Result<Response<Body>> {
    let status = answer.status().as_u16();
    if (200..300).contains(&status) {
        return Ok(answer);
    }
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    let problem = serde_json::from_str(&text).unwrap_or_else(|_no_problem| json!({}));
    Err(refused(status, &problem))
}

/// A problem (RFC 9457) as one sentence, under the exit code of its kind.
fn refused(status: u16, problem: &Value) -> Error {
    let text_of = |member: &str| problem.get(member).and_then(Value::as_str);
    let (Some(title), Some(code)) = (text_of("title"), text_of("code")) else {
        return Error::Failed(format!("the node answered {status}: is --url the address of a Zelo node?"));
    };
    let mut words = title.trim_end_matches('.').to_owned();
    for more in ["detail", "field", "reason", "article"] {
        if let Some(text) = text_of(more) {
            words = format!("{words}: {}", text.trim_end_matches('.'));
        }
    }
    let words = format!("{words} ({code})");
    match status {
        401 => Error::Refused(format!("{words}; `zelo sign-in` gives a token for five minutes")),
        404 => Error::Missing(words),
        403 | 409 | 412 | 429 => Error::Refused(words),
        400..=499 => Error::Usage(words),
        _ => Error::Failed(words),
    }
}

fn unreachable(base: &str, fault: &ureq::Error) -> Error {
    Error::Failed(format!("the node at {base} cannot be reached: {fault}"))
}

fn broken(fault: ureq::Error) -> Error {
    Error::Failed(format!("the node's answer broke off: {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_cross_the_network_in_clear() {
        for good in ["http://127.0.0.1:8080", "http://[::1]:1/", "http://localhost", "https://zelo.example"] {
            assert!(Http::new(good, Some("x")).is_ok(), "{good}");
        }
        for wrong in ["http://zelo.example", "http://10.0.0.1:8080", "ftp://127.0.0.1", "127.0.0.1:8080", ""]
        {
            assert_eq!(Http::new(wrong, Some("x")).err().map(|why| why.exit_code()), Some(2), "{wrong}");
        }
    }

    #[test]
    fn a_problem_is_one_sentence_with_its_code_and_its_exit_code() {
        let problem = json!({"title": "Not in this state", "detail": "Load it again.", "code": "E_STATE", "status": 409});
        let refused = refused(409, &problem);
        assert_eq!(refused.to_string(), "Not in this state: Load it again (E_STATE)");
        let code = |status| super::refused(status, &problem).exit_code();
        assert_eq!(
            [400, 401, 403, 404, 409, 412, 422, 429, 500, 503].map(code),
            [2, 4, 4, 3, 4, 4, 2, 4, 1, 1]
        );
        assert_eq!(super::refused(502, &json!({})).exit_code(), 1);
    }
}
