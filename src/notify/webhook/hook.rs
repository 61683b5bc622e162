//! The webhook channel: one signed POST within five seconds, to the address that was given and to no other.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use ureq::config::Config;
use ureq::http::{HeaderMap, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::super::{Address, Channel, Outgoing, SendOutcome};
use domain::Instant;
use domain::messages::network::Networks;
use domain::messages::webhook::{self, NotCallable};
use domain::messages::{self, Attempt};

/// From the name to the last header of the answer.
const LIMIT: Duration = Duration::from_secs(5);
/// The code of a call that would have gone into a private network.
const PRIVATE: &str = "private_network";
/// A receiver may ask for this much patience; more would outlast what a page is for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Calls other programs.
pub struct Hook {
    agent: Agent,
    allowed: Networks,
}

/// Looks a name up once for a call, and gives its addresses to the connection only when all of them may be called: what
/// was looked at is what is connected to, whatever the name says a moment later (DNS rebinding).
#[derive(Debug)]
struct Outside {
    names: DefaultResolver,
    allowed: Networks,
}

impl Resolver for Outside {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        webhook::check_addresses(found.iter().map(std::net::SocketAddr::ip), &self.allowed)
            .map_err(|inside| Error::Other(Box::new(inside)))?;
        Ok(found)
    }
}

impl Hook {
    /// Trusts what this machine trusts, and calls private networks only where they are allowed.
    #[must_use]
    pub fn new(allowed: &Networks) -> Self {
        Self::within(LIMIT, allowed)
    }

    /// With another limit for a whole call.
    #[must_use]
    pub fn within(limit: Duration, allowed: &Networks) -> Self {
        let found = rustls_native_certs::load_native_certs();
        let roots = found.certs.into_iter().map(|root| Certificate::from_der(&root).to_owned());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::from(roots))
            .build();
        let config = Agent::config_builder()
            // An idle connection may be closed by the other side just as it is used again.
            .max_idle_connections(0)
            .http_status_as_error(false)
            // Somebody else's address would get what was signed for this one.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(limit))
            .user_agent("zelo")
            .tls_config(tls);
        let names = Outside { names: DefaultResolver::default(), allowed: allowed.clone() };
        let agent = Agent::with_parts(config.build(), DefaultConnector::default(), names);
        Self { agent, allowed: allowed.clone() }
    }
}

impl Channel for Hook {
    fn channel(&self) -> messages::Channel {
        messages::Channel::Webhook
    }

    fn send(&self, message: &Outgoing, now: Instant) -> SendOutcome {
        let Address::Webhook { url, secret } = &message.to else {
            return SendOutcome::never("not_a_webhook");
        };
        match webhook::check(url, &self.allowed) {
            Ok(_host) => {}
            Err(NotCallable::Private) => return SendOutcome::never(PRIVATE),
            Err(NotCallable::Form | NotCallable::Open) => return SendOutcome::never("not_https"),
        }
        let body = message.text.as_bytes();
        let mut request = self.agent.post(url).header("content-type", "application/json");
        for (name, value) in secret.sign(&message.key, now, body) {
            request = request.header(name, value);
        }
        match request.send(body) {
            Ok(answer) => answered(answer.status().as_u16(), answer.headers(), now),
            Err(fault) => unanswered(&fault),
        }
    }
}

/// What an answer means for the message. 410: the receiver wants no more; 408, 425 and 429 ask for patience.
fn answered(status: u16, headers: &HeaderMap, now: Instant) -> SendOutcome {
    let code = named(status);
    let patient =
        |outcome: SendOutcome| SendOutcome { attempt: Attempt::Later(wait(headers, now)), ..outcome };
    match status {
        200..=299 => SendOutcome::accepted(code, None),
        408 | 425 => SendOutcome::later(code),
        429 => patient(SendOutcome::later(code)),
        // It says that it serves nobody now.
        502 | 504 => SendOutcome::out_of_reach(code),
        503 => patient(SendOutcome::out_of_reach(code)),
        500..=599 => SendOutcome::later(code),
        _ => SendOutcome::never(code),
    }
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or an instant; no longer than [`LONGEST_WAIT`].
fn wait(headers: &HeaderMap, now: Instant) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let asked = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_not_a_number) => {
            let until = DateTime::parse_from_rfc2822(text).ok()?;
            Instant::from_secs(until.timestamp()).since(now)
        }
    };
    Some(asked.min(LONGEST_WAIT))
}

fn unanswered(fault: &Error) -> SendOutcome {
    match fault {
        Error::Other(inside) if inside.is::<NotCallable>() => SendOutcome::never(PRIVATE),
        Error::Timeout(_) => SendOutcome::out_of_reach("timeout"),
        Error::Tls(_) | Error::Rustls(_) => SendOutcome::out_of_reach("tls"),
        Error::BadUri(_) | Error::Http(_) => SendOutcome::never("unsendable"),
        Error::Protocol(_) => SendOutcome::out_of_reach("http_odd"),
        _ => SendOutcome::out_of_reach("unreachable"),
    }
}

fn named(status: u16) -> &'static str {
    match status {
        200 => "http_200",
        202 => "http_202",
        204 => "http_204",
        201..=299 => "http_2xx",
        300..=399 => "http_3xx",
        400 => "http_400",
        401 => "http_401",
        403 => "http_403",
        404 => "http_404",
        408 => "http_408",
        410 => "http_410",
        425 => "http_425",
        429 => "http_429",
        402..=499 => "http_4xx",
        500 => "http_500",
        502 => "http_502",
        503 => "http_503",
        504 => "http_504",
        501..=599 => "http_5xx",
        _ => "http_odd",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;

    const NOW: Instant = Instant::from_secs(1_800_000_000);

    fn headers(retry_after: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", retry_after.parse().unwrap());
        headers
    }

    #[test]
    fn a_receiver_names_its_patience_in_seconds_or_as_an_instant_and_within_reason() {
        for (header, wanted) in [
            ("7", Some(7)),
            ("99999999999", Some(300)),
            ("Fri, 15 Jan 2027 08:00:30 GMT", Some(30)),
            ("Fri, 15 Jan 2027 07:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(wait(&headers(header), NOW), wanted.map(Duration::from_secs), "{header}");
        }
    }

    #[test]
    fn nothing_is_called_in_clear_beyond_this_host() {
        let secret = || Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        for url in ["http://clinica.example/hook", "ftp://127.0.0.1/", "clinica.example", ""] {
            let to = Address::Webhook { url: url.into(), secret: secret() };
            let message = Outgoing {
                key: "m".into(),
                to,
                subject: String::new(),
                text: String::new(),
                attempt: 1,
                thread: String::new(),
            };
            assert_eq!(Hook::new(&Networks::this_host()).send(&message, NOW).code, "not_https", "{url}");
        }
    }

    /// Listens on this host and tells whether anybody came.
    fn listener() -> (std::net::TcpListener, u16) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[test]
    fn a_name_that_leads_into_a_private_network_at_the_call_is_not_connected_to() {
        let secret = || Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (listener, port) = listener();
        // Names, and the spellings of numbers that only the resolver understands.
        for host in ["localhost", "127.1", "2130706433", "0x7f000001", "017700000001"] {
            let to = Address::Webhook { url: format!("https://{host}:{port}/"), secret: secret() };
            let message = Outgoing {
                key: "m".into(),
                to,
                subject: String::new(),
                text: String::new(),
                attempt: 1,
                thread: String::new(),
            };
            let outcome = Hook::new(&Networks::default()).send(&message, NOW);
            assert_eq!((outcome.attempt, outcome.code), (Attempt::Never, "private_network"), "{host}");
        }
        assert!(listener.accept().is_err(), "nobody was connected to");
    }
}
