//! Other programs: where they may listen, and what they are told, which is that something waits and where. Nothing
//! of a person, nothing measured, nothing in clear beyond this host.

use std::net::IpAddr;

use serde::Serialize;

use super::time::Instant;

/// The longest address that is called, in bytes.
const LONGEST: usize = 2_000;

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCallable {
    /// It is written wrong.
    #[error("say https://host/path, without name and password, in at most 2,000 characters")]
    Form,
    /// In clear to another host.
    #[error("http:// is for this host only: say https://")]
    Open,
}

/// Whether a program may be called there: over TLS, or on this host.
///
/// # Errors
/// [`NotCallable`].
pub fn check(url: &str) -> Result<(), NotCallable> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}\\^`#".contains(c);
    let (scheme, rest) = url.split_once("://").ok_or(NotCallable::Form)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(_) => authority.split_inclusive(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let port = authority.strip_prefix(host).unwrap_or_default();
    let port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    if url.len() > LONGEST || !url.is_ascii() || url.contains(odd) {
        return Err(NotCallable::Form);
    }
    if host.is_empty() || authority.contains('@') || !port {
        return Err(NotCallable::Form);
    }
    match scheme {
        "https" => Ok(()),
        "http" if is_this_host(host) => Ok(()),
        "http" => Err(NotCallable::Open),
        _ => Err(NotCallable::Form),
    }
}

/// Whether a host, with or without brackets, is this one.
#[must_use]
pub fn is_this_host(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// An address without what stands after `?`, where programs keep their keys.
#[must_use]
pub fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

/// The body of a call. A call that is made again has the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call<'a> {
    /// What is told: `page`, `page_repeat`, `nobody_reached`, `test`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// When it was planned.
    pub at: Instant,
    /// What waits.
    pub data: Data<'a>,
}

/// What waits, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Data<'a> {
    /// Grows with each call that is planned: a receiver that was away goes on from here.
    pub cursor: i64,
    /// What it is about.
    pub case: Case<'a>,
    /// Where somebody signs in and sees it.
    pub link: &'a str,
    /// Which round this is, from 1.
    pub repetition: u32,
}

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Case<'a> {
    /// `alert`, or `webhook` for a test.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_called_over_tls_or_on_this_host() {
        for url in [
            "https://clinica.example/hook?key=1",
            "https://clinica.example:8443",
            "https://10.0.0.7/hook",
            "http://127.0.0.1:8080/hook",
            "http://[::1]:8080/hook",
            "http://localhost/",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for (url, why) in [
            ("http://clinica.example/hook", NotCallable::Open),
            ("http://127.0.0.1.example/", NotCallable::Open),
            ("http://localhost@clinica.example/", NotCallable::Form),
            ("https://ana:segredo@clinica.example/", NotCallable::Form),
            ("https://clinica.example:porta/", NotCallable::Form),
            ("https://[::1]x/", NotCallable::Form),
            ("https:///hook", NotCallable::Form),
            ("https://clinica.example/a b", NotCallable::Form),
            ("https://clinica.example/\r\nx-a: b", NotCallable::Form),
            ("ftp://127.0.0.1/", NotCallable::Form),
            ("clinica.example", NotCallable::Form),
            ("", NotCallable::Form),
        ] {
            assert_eq!(check(url), Err(why), "{url}");
        }
        assert_eq!(
            check(&format!("https://clinica.example/{}", "a".repeat(LONGEST))),
            Err(NotCallable::Form)
        );
    }

    #[test]
    fn an_address_is_shown_without_its_keys() {
        assert_eq!(shown("https://clinica.example/hook?key=segredo"), "https://clinica.example/hook");
    }

    #[test]
    fn a_call_is_one_shape() {
        let call = Call {
            kind: "page",
            at: Instant::from_secs(1_795_348_800),
            data: Data {
                cursor: 41,
                case: Case { kind: "alert", id: "0199" },
                link: "https://zelo.example/alerts/0199",
                repetition: 1,
            },
        };
        assert_eq!(
            serde_json::to_string(&call).unwrap(),
            r#"{"type":"page","at":"2026-11-22T12:00:00.000Z","data":{"cursor":41,"case":{"kind":"alert","id":"0199"},"link":"https://zelo.example/alerts/0199","repetition":1}}"#
        );
    }
}
