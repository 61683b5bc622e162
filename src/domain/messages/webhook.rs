//! Other programs: where they may listen, and what they are told, which is that something waits and where. Nothing
//! of a person, nothing measured, nothing in clear beyond this host.

use std::net::IpAddr;

use serde::Serialize;

use super::network::Networks;
use crate::time::Instant;

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
    /// In a network that only this machine reaches.
    #[error("it leads into a private network: the operator allows one with the setting webhook_networks")]
    Private,
}

/// Whether a program may be called there: over TLS, or on this host, and at no address that is written out and lies in
/// a private network. Gives its host, as `host:port`, for whoever looks up where the name leads.
///
/// # Errors
/// [`NotCallable`].
pub fn check(url: &str, allowed: &Networks) -> Result<String, NotCallable> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}\\^`#".contains(c);
    let (scheme, rest) = url.split_once("://").ok_or(NotCallable::Form)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(_) => authority.split_inclusive(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let port = authority.strip_prefix(host).unwrap_or_default();
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let port = port.strip_prefix(':');
    if url.len() > LONGEST || !url.is_ascii() || url.contains(odd) {
        return Err(NotCallable::Form);
    }
    if host.is_empty() || authority.contains('@') || !is_port {
        return Err(NotCallable::Form);
    }
    let usual = match scheme {
        "https" => "443",
        "http" if is_this_host(host) => "80",
        "http" => return Err(NotCallable::Open),
        _ => return Err(NotCallable::Form),
    };
    if address_of(host).is_some_and(|address| !allowed.admit(address)) {
        return Err(NotCallable::Private);
    }
    Ok(format!("{host}:{}", port.filter(|port| !port.is_empty()).unwrap_or(usual)))
}

/// Whether a call may go where a name leads: to none of its addresses when one lies in a private network, since whoever
/// owns the name chooses which is tried.
///
/// # Errors
/// [`NotCallable::Private`].
pub fn check_addresses(
    mut addresses: impl Iterator<Item = IpAddr>,
    allowed: &Networks,
) -> Result<(), NotCallable> {
    if addresses.all(|address| allowed.admit(address)) { Ok(()) } else { Err(NotCallable::Private) }
}

fn address_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether a host, with or without brackets, is this one.
#[must_use]
pub fn is_this_host(host: &str) -> bool {
    host == "localhost" || address_of(host).is_some_and(|address| address.is_loopback())
}

/// An address without what stands after `?`, where programs keep their keys.
#[must_use]
pub fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

/// The body of a call. A call that is made again has the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call<'a> {
    /// What is told: `page`, `page_repeat`, `nobody_reached`, `sla_warning`, `sla_breach`, `claimed`, `acknowledged`, `silenced`,
    /// `reassigned`, `resolved`, `reopened`, `coverage`, `lapse`, `lapses_overnight`, `log_broken`, `test`.
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
    /// Which call to this program this is, from 1 and without a hole, in the order in which they first left; the same on
    /// each attempt.
    pub sequence: i64,
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
        let here = Networks::this_host();
        for (url, host) in [
            ("https://clinica.example/hook?key=1", "clinica.example:443"),
            ("https://clinica.example:8443", "clinica.example:8443"),
            ("https://200.147.3.157/hook", "200.147.3.157:443"),
            ("http://127.0.0.1:8080/hook", "127.0.0.1:8080"),
            ("http://[::1]:8080/hook", "[::1]:8080"),
            ("http://localhost/", "localhost:80"),
        ] {
            assert_eq!(check(url, &here).as_deref(), Ok(host), "{url}");
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
            ("https://10.0.0.7/hook", NotCallable::Private),
            ("https://169.254.169.254/latest", NotCallable::Private),
            ("https://[fd00::7]:8443/", NotCallable::Private),
            ("https://[::ffff:10.0.0.7]/", NotCallable::Private),
        ] {
            assert_eq!(check(url, &here), Err(why), "{url}");
        }
        for url in ["http://127.0.0.1:8080/hook", "https://127.0.0.1/", "https://[::1]/"] {
            assert_eq!(check(url, &Networks::default()), Err(NotCallable::Private), "{url}");
        }
        assert_eq!(
            check(&format!("https://clinica.example/{}", "a".repeat(LONGEST)), &here),
            Err(NotCallable::Form)
        );
    }

    #[test]
    fn a_name_that_leads_inside_with_one_of_its_addresses_is_not_called() {
        let to = |addresses: &[&str]| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            check_addresses(addresses.into_iter(), &Networks::default())
        };
        assert_eq!(to(&["200.147.3.157", "2804:10:2::1"]), Ok(()));
        assert_eq!(to(&["200.147.3.157", "127.0.0.1"]), Err(NotCallable::Private));
        assert_eq!(to(&["fe80::1"]), Err(NotCallable::Private));
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
                sequence: 7,
                case: Case { kind: "alert", id: "0199" },
                link: "https://zelo.example/alerts/0199",
                repetition: 1,
            },
        };
        assert_eq!(
            serde_json::to_string(&call).unwrap(),
            r#"{"type":"page","at":"2026-11-22T12:00:00.000Z","data":{"cursor":41,"sequence":7,"case":{"kind":"alert","id":"0199"},"link":"https://zelo.example/alerts/0199","repetition":1}}"#
        );
    }
}
