//! Where a mail server is and how it is spoken to, from one URL. Nothing goes in clear beyond this host.

pub use domain::messages::webhook::is_this_host;

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS after a word in clear; refused when the server does not offer it.
    StartTls,
    /// None; only on this host.
    Plain,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub cover: Cover,
}

/// Which protocol a URL must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Sending.
    Smtp,
    /// Reading.
    Imap,
}

/// Why a URL is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// It is written wrong.
    #[error(
        "say smtp://host:587 or imap://host:143 (STARTTLS), smtps://host:465 or imaps://host:993 (TLS), without name and password in it"
    )]
    Form,
    /// In clear to another host.
    #[error("plain:// is for this host only: say smtp://, smtps://, imap:// or imaps://")]
    Open,
}

impl Place {
    /// Reads `smtp://`, `smtps://`, `imap://`, `imaps://` or, on this host, `plain://`; each with host and, where
    /// it is not the usual one, port.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn parse(url: &str, protocol: Protocol) -> Result<Self, NoPlace> {
        let (scheme, rest) = url.split_once("://").ok_or(NoPlace::Form)?;
        let (cover, usual) = match (protocol, scheme) {
            (Protocol::Smtp, "smtps") => (Cover::Tls, 465),
            (Protocol::Smtp, "smtp") => (Cover::StartTls, 587),
            (Protocol::Imap, "imaps") => (Cover::Tls, 993),
            (Protocol::Imap, "imap") => (Cover::StartTls, 143),
            (Protocol::Smtp, "plain") => (Cover::Plain, 25),
            (Protocol::Imap, "plain") => (Cover::Plain, 143),
            _ => return Err(NoPlace::Form),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or(NoPlace::Form)?;
                (host, after.strip_prefix(':'))
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/@?#[]".contains(c);
        if host.is_empty() || host.contains(odd) {
            return Err(NoPlace::Form);
        }
        let port = port.map_or(Ok(usual), |port| port.parse().map_err(|_not_a_port| NoPlace::Form))?;
        if cover == Cover::Plain && !is_this_host(host) {
            return Err(NoPlace::Open);
        }
        Ok(Self { host: host.to_owned(), port, cover })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        for (url, protocol, host, port, cover) in [
            ("smtp://mail.example", Protocol::Smtp, "mail.example", 587, Cover::StartTls),
            ("smtps://mail.example:10465/", Protocol::Smtp, "mail.example", 10_465, Cover::Tls),
            ("plain://127.0.0.1:2525", Protocol::Smtp, "127.0.0.1", 2_525, Cover::Plain),
            ("plain://[::1]:25", Protocol::Smtp, "::1", 25, Cover::Plain),
            ("imaps://mail.example", Protocol::Imap, "mail.example", 993, Cover::Tls),
            ("imap://localhost", Protocol::Imap, "localhost", 143, Cover::StartTls),
        ] {
            let place = Place::parse(url, protocol).unwrap();
            assert_eq!(place, Place { host: host.into(), port, cover }, "{url}");
        }
    }

    #[test]
    fn what_would_go_in_clear_or_is_no_url_is_refused() {
        for (url, why) in [
            ("plain://mail.example", NoPlace::Open),
            ("plain://10.0.0.1:25", NoPlace::Open),
            ("imaps://mail.example", NoPlace::Form),
            ("smtp://ana:secret@mail.example", NoPlace::Form),
            ("smtp://mail.example:x", NoPlace::Form),
            ("smtp://", NoPlace::Form),
            ("mail.example:25", NoPlace::Form),
        ] {
            assert_eq!(Place::parse(url, Protocol::Smtp), Err(why), "{url}");
        }
    }
}
