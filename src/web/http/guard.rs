//! What every answer carries and every request must pass before a handler sees it: the content security
//! policy without `unsafe-*`, the refusal of cross-site acts, the size of bodies.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, web};

use super::code::Code;
use super::problem;

/// Nothing but this origin's own files; no inline script or style; nobody may frame a page.
pub(crate) const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Powers of the browser that no page of ours asks for.
pub(crate) const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
     magnetometer=(), microphone=(), payment=(), usb=()";

/// The largest form body: a consent or a reason, never a file.
pub(crate) const FORM_LIMIT: usize = 64 * 1024;
/// The largest JSON body of the API.
pub(crate) const JSON_LIMIT: usize = 1024 * 1024;

/// How the site is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Plain HTTP on loopback: no HSTS, which would outlive the demo.
    Plain,
    /// TLS, here or in the proxy before us.
    Tls,
}

/// The limits of every body, to be mounted once.
pub(crate) fn limits(config: &mut web::ServiceConfig) {
    config
        .app_data(
            web::FormConfig::default()
                .limit(FORM_LIMIT)
                .error_handler(|_refused, request| problem::error(request, Code::Invalid)),
        )
        .app_data(web::JsonConfig::default().limit(JSON_LIMIT).error_handler(|refused, request| {
            let too_large = refused.to_string().contains("limit");
            problem::error(request, if too_large { Code::TooLarge } else { Code::Invalid })
        }))
        .app_data(
            web::PathConfig::default()
                .error_handler(|_refused, request| problem::error(request, Code::NotFound)),
        )
        .app_data(
            web::QueryConfig::default()
                .error_handler(|_refused, request| problem::error(request, Code::Invalid)),
        )
        .app_data(web::PayloadConfig::new(JSON_LIMIT));
}

/// The middleware: refuses cross-site acts, then dresses the answer. Mount with
/// `wrap(from_fn(guard::stand))`; [`Transport`] is read from the app data.
///
/// # Errors
/// Those of the services within.
pub(crate) async fn stand(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let transport =
        request.app_data::<web::Data<Transport>>().map_or(Transport::Plain, |transport| ***transport);
    let bare = request.method() == Method::HEAD;
    let mut response = if crosses_sites(request.method(), request.path(), request.headers()) {
        let refusal = problem::respond(request.request(), Code::CrossSite);
        request.into_response(refusal)
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    dress(response.headers_mut(), transport);
    if bare {
        // A body that is never sent need not be made, and a stream would never end.
        response = response.map_body(|_, body| BoxBody::new(Left(body.size())));
    }
    Ok(response)
}

/// Whether an act of a page comes from elsewhere. `Sec-Fetch-Site` is set by the browser and
/// out of a page's reach; a browser too old to send it must show an `Origin` of this host. Forms are held to it
/// without a cookie too: else another site signs the reader in as somebody else.
fn crosses_sites(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    // A program signs with a token that no page of another site can add; a form signs in whoever sends it.
    let program = path.starts_with("/api/") || path.starts_with("/fhir/");
    if program && !headers.contains_key(header::COOKIE) {
        return false;
    }
    let text = |name: HeaderName| headers.get(name).map(HeaderValue::to_str);
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(Ok("same-origin" | "none")) => false,
        Some(_) => true,
        None => match (text(header::ORIGIN), text(header::HOST)) {
            (Some(Ok(origin)), Some(Ok(host))) => origin.split_once("://").is_none_or(|(_, at)| at != host),
            (None, _) => headers.contains_key(header::USER_AGENT) && is_browser(headers),
            _ => true,
        },
    }
}

/// The body that an answer to HEAD leaves out: only its size is stated.
struct Left(BodySize);

impl MessageBody for Left {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// A browser that sends neither header is refused; a program with a cookie jar says what it is.
fn is_browser(headers: &HeaderMap) -> bool {
    headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .is_some_and(|agent| agent.starts_with("Mozilla/"))
}

fn dress(headers: &mut HeaderMap, transport: Transport) {
    let mut put =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "no-referrer");
    put(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if transport == Transport::Tls {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    // A file that is handed out has a stricter one.
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    }
    // What does not say that it may be cached is personal.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse};

    use super::*;

    async fn answer(transport: Transport, request: TestRequest) -> ServiceResponse<BoxBody> {
        let app = init_service(
            App::new()
                .app_data(web::Data::new(transport))
                .route("/act", web::route().to(HttpResponse::Ok))
                .route("/api/act", web::route().to(HttpResponse::Ok))
                .wrap(from_fn(stand)),
        )
        .await;
        call_service(&app, request.to_request()).await
    }

    #[actix_web::test]
    async fn an_act_signed_by_a_cookie_from_another_site_is_refused() {
        let at = |path: &str| TestRequest::post().uri(path).insert_header(("host", "z:1"));
        let act = || at("/api/act").insert_header(("cookie", "zelo=x"));
        for (header, value, status) in [
            ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
            ("sec-fetch-site", "same-site", StatusCode::FORBIDDEN),
            ("sec-fetch-site", "same-origin", StatusCode::OK),
            ("sec-fetch-site", "none", StatusCode::OK),
            ("origin", "http://evil.example", StatusCode::FORBIDDEN),
            ("origin", "null", StatusCode::FORBIDDEN),
            ("origin", "http://z:1", StatusCode::OK),
            ("user-agent", "Mozilla/5.0", StatusCode::FORBIDDEN),
            ("user-agent", "curl/8", StatusCode::OK),
        ] {
            let request = act().insert_header((header, value));
            assert_eq!(answer(Transport::Plain, request).await.status(), status, "{header}: {value}");
        }
        let tokened = at("/api/act").insert_header(("sec-fetch-site", "cross-site"));
        assert_eq!(answer(Transport::Plain, tokened).await.status(), StatusCode::OK);
        // Signing somebody in from elsewhere needs no cookie.
        let form = at("/act").insert_header(("sec-fetch-site", "cross-site"));
        assert_eq!(answer(Transport::Plain, form).await.status(), StatusCode::FORBIDDEN);
        let read = TestRequest::get().uri("/act").insert_header(("cookie", "zelo=x"));
        let read = read.insert_header(("sec-fetch-site", "cross-site"));
        assert_eq!(answer(Transport::Plain, read).await.status(), StatusCode::OK);
    }

    #[actix_web::test]
    async fn every_answer_carries_the_policy_and_only_tls_promises_tls() {
        let plain = answer(Transport::Plain, TestRequest::get().uri("/act")).await;
        assert!(!CSP.contains("unsafe"));
        assert_eq!(plain.headers().get(header::CONTENT_SECURITY_POLICY).unwrap(), CSP);
        assert_eq!(plain.headers().get(header::CACHE_CONTROL).unwrap(), "no-store");
        assert_eq!(plain.headers().get(header::REFERRER_POLICY).unwrap(), "no-referrer");
        assert!(!plain.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
        let tls = answer(Transport::Tls, TestRequest::get().uri("/act")).await;
        assert!(tls.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    }
}
