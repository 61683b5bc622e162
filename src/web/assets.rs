//! Scripts, styles and icons from inside the binary, under one path that changes with their content: a
//! browser may keep them for ever, and relative addresses among them keep working.

use std::fmt::Write as _;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpResponse, web};
use ring::digest;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Files;

static SET: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    let mut all = digest::Context::new(&digest::SHA256);
    for name in names {
        if let Some(file) = Files::get(&name) {
            all.update(name.as_bytes());
            all.update(&[0]);
            all.update(&file.metadata.sha256_hash());
        }
    }
    all.finish().as_ref().iter().take(6).fold(String::new(), |mut hex, byte| {
        let _never_fails = write!(hex, "{byte:02x}");
        hex
    })
});

/// The name of this build's set of assets: 12 hexadecimal digits over every (name, hash).
#[must_use]
pub(crate) fn set() -> &'static str {
    &SET
}

/// The address of one asset: `/assets/3f2a…/app.css`.
#[must_use]
pub(crate) fn path(name: &str) -> String {
    format!("/assets/{}/{name}", set())
}

/// Mounts `/assets/{set}/{name}` and `/favicon.ico`.
pub(crate) fn mount(config: &mut web::ServiceConfig) {
    config
        .route("/assets/{set}/{name:.*}", web::get().to(serve))
        .route("/favicon.ico", web::get().to(async || answer("favicon.svg")));
}

async fn serve(path: web::Path<(String, String)>) -> HttpResponse {
    let (asked, name) = path.into_inner();
    // Another set's name would be cached for ever with this set's bytes.
    if asked == set() { answer(&name) } else { HttpResponse::NotFound().finish() }
}

fn answer(name: &str) -> HttpResponse {
    let Some(file) = Files::get(name).filter(|_file| !name.ends_with(".md")) else {
        return HttpResponse::NotFound().finish();
    };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(content_type(name))))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")))
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .insert_header((VARY, HeaderValue::from_static("accept-encoding")))
        .body(file.data.into_owned())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::{App, test as web_test};

    use super::*;

    #[actix_web::test]
    async fn an_asset_is_kept_for_ever_and_only_under_its_own_set() {
        let app = web_test::init_service(App::new().configure(mount)).await;
        let good =
            web_test::call_service(&app, web_test::TestRequest::get().uri(&path("app.css")).to_request())
                .await;
        assert_eq!(good.status(), StatusCode::OK);
        assert!(good.headers().get(CACHE_CONTROL).unwrap().to_str().unwrap().contains("immutable"));
        assert_eq!(good.headers().get(CONTENT_TYPE).unwrap(), "text/css; charset=utf-8");
        for wrong in ["/assets/000000000000/app.css".to_owned(), path("../mod.rs"), path("vendor/VENDOR.md")]
        {
            let answer =
                web_test::call_service(&app, web_test::TestRequest::get().uri(&wrong).to_request()).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{wrong}");
        }
    }

    #[test]
    fn what_is_vendored_is_what_vendor_md_says() {
        let vendored = include_str!("assets/vendor/VENDOR.md");
        for name in Files::iter()
            .filter(|name| name.starts_with("vendor/") && !name.ends_with(".txt") && !name.ends_with(".md"))
        {
            let hash = hex::encode(Files::get(&name).unwrap().metadata.sha256_hash());
            assert!(vendored.contains(&hash), "{name} is not the file of VENDOR.md: {hash}");
        }
    }
}
