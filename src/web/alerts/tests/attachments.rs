//! Files on an alert's case from the outside: what is taken, who takes it, and how it is handed out.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::tests::*;
use domain::attachments::{FileName, MOST_BYTES, MediaType};
use domain::{AlertId, AttachmentId};
use store::attachments::NewAttachment;
use store::patients::audience::Audience;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR<script>alert(1)</script>";
const SVG: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";

/// A file on an alert, by the program.
pub(crate) fn attached(house: &House, alert: &str, bytes: &[u8]) -> AttachmentId {
    let alert: AlertId = alert.parse().unwrap();
    let name = FileName::of("relato.txt", MediaType::Text);
    let file = NewAttachment { name: &name, media: MediaType::Text, bytes };
    house.write(|tx| {
        let alert = Audience::operator().alert(tx, alert)?;
        Ok(store::alerts::attachments::attach(tx, alert, &file)?.0.id)
    })
}

/// Ana's red alert in a house, and its files' address.
fn case(house: &House) -> (patients::Patient, String) {
    let ana = house.patient("Ana");
    house.grant_all(ana.id);
    let id = crate::alerts::tests::raise(house, &ana);
    (ana, format!("/api/v1/alerts/{id}/attachments"))
}

/// An answer whose body is bytes.
struct Raw {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Raw {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(held, _)| held == name).map_or("", |(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn send(house: &House, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Raw {
    let method: Method = method.parse().unwrap();
    let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", house.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = match method == Method::POST {
        true => house.client.run(request.body(body.to_vec()).unwrap()),
        false => house.client.run(request.body(()).unwrap()),
    };
    let mut answer = answer.unwrap();
    let headers = answer.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(20 << 20).read_to_vec().unwrap();
    Raw { status, headers, body }
}

fn post(house: &House, who: &str, path: &str, kind: &str, body: &[u8]) -> Raw {
    send(house, "POST", path, &[("authorization", who), ("content-type", kind)], body)
}

#[test]
pub(crate) fn a_file_is_attached_listed_and_handed_out_as_a_download_that_runs_nothing() {
    for house in houses() {
        let (ana, path) = case(&house);
        let clinician = house.staff(Role::Clinician);
        let made = post(&house, &clinician, &format!("{path}?name=p%C3%A9.png"), "image/png", PNG);
        assert_eq!(made.status, 201, "{}", made.json());
        let (made, id) = (made.json(), made.json()["id"].as_str().unwrap().to_owned());
        assert_eq!((&made["name"], &made["media_type"]), (&json!("pé.png"), &json!("image/png")));
        let same = post(&house, &house.staff(Role::Agent), &path, "image/png", PNG);
        assert_eq!((same.status, &same.json()["id"]), (200, &json!(id)), "the same bytes are there once");
        for role in [Role::Agent, Role::Clinician] {
            let who = house.staff(role);
            let list = house.get(&who, &path).must(200);
            assert_eq!(list["items"][0]["name"], "pé.png", "{role:?}");
            for path in [format!("{path}/{id}"), format!("{}/{id}", path.strip_prefix("/api/v1").unwrap())] {
                let encodings = [("authorization", who.as_str()), ("accept-encoding", "br")];
                let got = send(&house, "GET", &path, &encodings, b"");
                assert_eq!((got.status, got.body.as_slice()), (200, PNG), "{role:?}");
                assert_eq!(got.header("content-disposition"), "attachment; filename*=UTF-8''p%C3%A9.png");
                assert_eq!(got.header("content-security-policy"), "sandbox; default-src 'none'");
                assert_eq!(got.header("x-content-type-options"), "nosniff");
                assert_eq!(got.header("cache-control"), "no-store");
                assert_eq!(got.header("content-type"), "image/png");
                assert_eq!(got.header("content-length"), PNG.len().to_string());
            }
        }
        // Each download is an entry and a look; lists are none of these.
        let looks =
            house.home.read(|view| store::privacy::accesses::of_patient(view, ana.key, None, 100)).unwrap();
        let files = looks.iter().filter(|look| look.what == store::privacy::accesses::What::Attachments);
        assert_eq!(files.filter(|look| look.refused.is_none()).count(), 4);
        for role in [Role::Technician, Role::Manager, Role::Auditor, Role::Dpo, Role::Admin, Role::Service] {
            let who = house.staff(role);
            assert_eq!(house.get(&who, &path).status, 403, "{role:?}");
            assert_eq!(house.get(&who, &format!("{path}/{id}")).status, 403, "{role:?}");
        }
        let page = path.strip_prefix("/api/v1").unwrap().trim_end_matches("/attachments");
        for (role, seen) in [(Role::Agent, true), (Role::Manager, false), (Role::Technician, false)] {
            let html = house.get(&house.staff(role), page).must(200);
            assert_eq!(html.as_str().unwrap().contains("pé.png"), seen, "{role:?}");
        }
        for role in [Role::Technician, Role::Manager] {
            assert_eq!(post(&house, &house.staff(role), &path, "image/png", PNG).status, 403, "{role:?}");
        }
    }
}

#[test]
pub(crate) fn what_is_no_file_is_refused_by_its_fault() {
    for house in houses() {
        let (_ana, path) = case(&house);
        let agent = house.staff(Role::Agent);
        let large = vec![b'a'; MOST_BYTES + 1];
        for (kind, body, status, code) in [
            ("text/plain", &b""[..], 422, "E_INVALID"),
            ("text/plain", large.as_slice(), 413, "E_TOO_LARGE"),
            ("image/png", SVG, 415, "E_MEDIA_TYPE"),
            ("image/svg+xml", SVG, 415, "E_MEDIA_TYPE"),
            ("text/html", b"<script>alert(1)</script>", 415, "E_MEDIA_TYPE"),
            ("image/jpeg", PNG, 415, "E_MEDIA_TYPE"),
            ("application/octet-stream", b"MZ\x90\0\x03", 415, "E_MEDIA_TYPE"),
        ] {
            let got = post(&house, &agent, &path, kind, body);
            assert_eq!((got.status, got.code().as_str()), (status, code), "{kind}: {}", got.json());
        }
        for (said, name) in [
            ("..%2F..%2Fetc%2Fpasswd", "passwd.txt"),
            ("foto%E2%80%AEgpj.exe", "fotogpj.exe.txt"),
            ("a%0D%0ASet-Cookie:x", "aSet-Cookie_x.txt"),
            ("pagina.html", "pagina.html.txt"),
        ] {
            let made = post(&house, &agent, &format!("{path}?name={said}"), "text/plain", said.as_bytes());
            assert_eq!((made.status, &made.json()["name"]), (201, &json!(name)), "{}", made.json());
        }
        // What is text to one program and a page to another is text here, and a download.
        let page =
            post(&house, &agent, &path, "text/plain", b"<html><script>alert(1)</script></html>").json();
        let got = send(
            &house,
            "GET",
            &format!("{path}/{}", page["id"].as_str().unwrap()),
            &[("authorization", agent.as_str())],
            b"",
        );
        assert_eq!(got.header("content-type"), "text/plain; charset=utf-8");
        assert!(got.header("content-disposition").starts_with("attachment;"));
    }
}

#[test]
pub(crate) fn a_body_without_a_length_is_refused_and_one_that_breaks_off_is_not_attached() {
    let house = houses().remove(0);
    let (_ana, path) = case(&house);
    let agent = house.staff(Role::Agent);
    let ask = |more: &str, body: &str, ends: bool| {
        let mut socket = TcpStream::connect(house.base.trim_start_matches("http://")).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: z\r\nAuthorization: {agent}\r\nConnection: close\r\n{more}\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(body.as_bytes()).unwrap();
        if ends {
            socket.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        let _reset = socket.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let chunked = ask("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\n\r\n", false);
    assert!(chunked.starts_with("HTTP/1.1 411") && chunked.contains("E_LENGTH"), "{chunked}");
    let cut = ask("Content-Length: 1000\r\n", "ab", true);
    assert!(!cut.starts_with("HTTP/1.1 2"), "{cut}");
    assert_eq!(house.get(&agent, &path).must(200)["items"], json!([]));
}

#[test]
pub(crate) fn the_same_call_again_has_the_same_answer_and_the_21st_file_is_refused() {
    for house in houses() {
        let (_ana, path) = case(&house);
        let agent = house.staff(Role::Agent);
        let keyed = |body: &[u8]| {
            let headers =
                [("authorization", agent.as_str()), ("content-type", "text/plain"), ("idempotency-key", "k")];
            send(&house, "POST", &path, &headers, body)
        };
        let first = keyed(b"um");
        let again = keyed(b"um");
        assert_eq!((first.status, again.status, &first.body), (201, 201, &again.body));
        assert_eq!(keyed(b"dois").code(), "E_IDEMPOTENCY");
        for n in 1..20 {
            assert_eq!(post(&house, &agent, &path, "text/plain", format!("{n}").as_bytes()).status, 201);
        }
        let full = post(&house, &agent, &path, "text/plain", b"vinte e um");
        assert_eq!((full.status, full.code().as_str()), (409, "E_ATTACHMENTS"));
    }
}

#[test]
pub(crate) fn after_a_revocation_names_and_bytes_are_hidden_as_notes_are() {
    for house in houses() {
        let (ana, path) = case(&house);
        let agent = house.staff(Role::Agent);
        let id = post(&house, &agent, &format!("{path}?name=relato.txt"), "", b"relato").json();
        let id = id["id"].as_str().unwrap().to_owned();
        house.clock.advance(Duration::from_secs(1));
        house.revoke(ana.id, "alert.evaluate").must(201);
        let list = house.get(&agent, &path).must(200);
        let file = &list["items"][0];
        assert_eq!(
            (&file["name"], &file["masked"], &file["size"]),
            (&Value::Null, &json!("E_REVOKED"), &json!(6))
        );
        let got = send(&house, "GET", &format!("{path}/{id}"), &[("authorization", agent.as_str())], b"");
        assert_eq!((got.status, got.code().as_str()), (403, "E_REVOKED"));
        let more = post(&house, &agent, &path, "text/plain", b"mais");
        assert_eq!((more.status, more.code().as_str()), (403, "E_REVOKED"));
        let looks =
            house.home.read(|view| store::privacy::accesses::of_patient(view, ana.key, None, 100)).unwrap();
        let tried = looks.iter().filter(|look| look.what == store::privacy::accesses::What::Attachments);
        assert!(tried.clone().count() >= 1 && tried.clone().all(|look| look.refused.is_some()));
    }
}

#[test]
pub(crate) fn a_revocation_in_the_middle_of_a_download_breaks_it_off() {
    for house in houses() {
        let (ana, path) = case(&house);
        let agent = house.staff(Role::Agent);
        let alert = path.split('/').nth(4).unwrap();
        // More than what the two ends of a connection hold for a reader that stands still.
        let id = attached(&house, alert, &vec![b'a'; MOST_BYTES]);
        let mut socket = TcpStream::connect(house.base.trim_start_matches("http://")).unwrap();
        let head = format!("GET {path}/{id} HTTP/1.1\r\nHost: z\r\nAuthorization: {agent}\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        let mut first = [0; 4_096];
        socket.read_exact(&mut first).unwrap();
        assert!(first.starts_with(b"HTTP/1.1 200"));
        house.clock.advance(Duration::from_secs(1));
        house.revoke(ana.id, "alert.evaluate").must(201);
        let mut rest = Vec::new();
        let _reset = socket.read_to_end(&mut rest);
        assert!(rest.len() < MOST_BYTES - first.len(), "{}", rest.len());
    }
}

#[test]
pub(crate) fn a_form_of_a_browser_attaches_and_removes_without_a_script() {
    for house in houses() {
        let (_ana, path) = case(&house);
        let page = path.strip_prefix("/api/v1").unwrap().to_owned();
        let (agent, other) = (house.staff(Role::Agent), house.staff(Role::Agent));
        let form = |filename: &str, bytes: &str| {
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; \
                 name=\"file\"; filename=\"{filename}\"\r\nContent-Type: text/plain\r\n\r\n{bytes}\r\n--b--\r\n"
            )
        };
        let send_form = |body: &str| {
            let headers = [
                ("authorization", agent.as_str()),
                ("content-type", "multipart/form-data; boundary=b"),
                ("sec-fetch-site", "same-origin"),
                ("x-zelo-form", "1"),
            ];
            send(&house, "POST", &page, &headers, body.as_bytes())
        };
        let done = send_form(&form("relato da irmã.txt", "caiu da escada"));
        assert_eq!(
            (done.status, done.header("x-zelo-to")),
            (204, page.replace("/attachments", "#attachments").as_str())
        );
        assert_eq!(send_form(&form("", "")).status, 422);
        assert_eq!(send_form("--b\r\nnothing").status, 400);
        let list = house.get(&agent, &path).must(200);
        assert_eq!(list["items"][0]["name"], "relato da irmã.txt");
        let id = list["items"][0]["id"].as_str().unwrap().to_owned();
        let alert = page.trim_end_matches("/attachments");
        let html = house.get(&agent, alert).must(200);
        assert!(html.as_str().unwrap().contains(&format!("{page}/{id}\" download")), "{html}");
        let remove = |who: &str, reason: &str| {
            let headers = [
                ("authorization", who),
                ("content-type", "application/x-www-form-urlencoded"),
                ("sec-fetch-site", "same-origin"),
            ];
            send(
                &house,
                "POST",
                &format!("{page}/{id}/remove"),
                &headers,
                format!("reason={reason}").as_bytes(),
            )
            .status
        };
        assert_eq!(remove(&agent, ""), 422, "a reason is asked for");
        assert_eq!(remove(&other, "engano"), 403, "of somebody else's, an agent removes none");
        assert!(matches!(remove(&agent, "engano"), 200 | 303), "followed to the case");
        let gone = house.get(&agent, &path).must(200);
        assert_eq!(gone["items"][0]["removed"]["reason"], "engano");
        let got = send(&house, "GET", &format!("{page}/{id}"), &[("authorization", agent.as_str())], b"");
        assert_eq!(got.status, 404);
    }
}

#[test]
pub(crate) fn fifty_files_at_once_are_all_answered_and_none_is_half_there() {
    let house = houses().remove(0);
    let (_ana, path) = case(&house);
    let agent = house.staff(Role::Agent);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let one = |n: usize| {
            let (house, agent, path) = (&house, &agent, &path);
            scope.spawn(move || {
                post(house, agent, path, "text/plain", format!("{n} {}", "a".repeat(400_000)).as_bytes())
                    .status
            })
        };
        let all: Vec<_> = (0..50).map(one).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409 | 503)), "{statuses:?}");
    let made = statuses.iter().filter(|status| **status == 201).count();
    assert!(made <= 20);
    assert_eq!(house.get(&agent, &path).must(200)["items"].as_array().unwrap().len(), made);
}
