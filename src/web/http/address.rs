//! Addresses: where a request comes from, how the site is reached, and text as a part of one.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::web::Data;

/// `text` as a value in the query of an address.
#[must_use]
pub(crate) fn url_encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(byte);
    text.bytes().fold(String::new(), |mut out, byte| {
        match plain(&byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// How the site is reached and how it keeps its cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Site {
    /// Answers go over TLS: the cookie is `__Host-zelo` and never sent in clear.
    pub secure_cookie: bool,
    /// The last address of `X-Forwarded-For` is the one that asks.
    pub behind_proxy: bool,
}

impl Site {
    /// The name of the dashboard's cookie.
    #[must_use]
    pub(crate) const fn cookie(self) -> &'static str {
        if self.secure_cookie { "__Host-zelo" } else { "zelo" }
    }
}

/// How the site is reached.
#[must_use]
pub(crate) fn site(request: &HttpRequest) -> Site {
    let plain = Site { secure_cookie: false, behind_proxy: false };
    request.app_data::<Data<Site>>().map_or(plain, |site| ***site)
}

/// The address that asks.
#[must_use]
pub(crate) fn address(request: &HttpRequest) -> Option<IpAddr> {
    let forwarded = request.headers().get("x-forwarded-for").filter(|_| site(request).behind_proxy);
    let last = forwarded.and_then(|value| value.to_str().ok()).and_then(|value| value.rsplit(',').next());
    last.and_then(|text| text.trim().parse().ok()).or_else(|| request.peer_addr().map(|peer| peer.ip()))
}
