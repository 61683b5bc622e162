//! Messages by a real SMTP server into real mailboxes, and what comes back from there.

use std::time::Duration;

use domain::messages::{Attempt, Receipt};
use domain::{Clock, Instant};
use notify::email::Email;
use notify::mailbox::{Error, Mailbox, Visit, Watermark};
use notify::mark::Marks;
use notify::options::{Imap, Login, Smtp};
use notify::place::{Place, Protocol};
use notify::{Address, Channel, Fault, Hidden, Outgoing, SendOutcome};
use serde_json::Value;

use super::post::{DOMAIN, PASSWORD, Post};
use crate::support::lacks;
use crate::support::until::until;

pub(super) const SECRET: &[u8] = b"of this clinic";
pub(super) const FROM: &str = "Zelo Clínica <zelo@clinica.test>";

fn now() -> Instant {
    Clock::System.now()
}

fn smtp(url: &str) -> Smtp {
    Smtp { place: Place::parse(url, Protocol::Smtp).unwrap(), from: FROM.into(), login: None, ca: None }
}

pub(super) fn plain(post: &Post) -> Email {
    Email::new(&smtp(&format!("plain://127.0.0.1:{}", post.smtp)), SECRET).unwrap()
}

pub(super) fn imap(url: &str) -> Imap {
    let login = Login { user: "zelo".into(), password: Hidden::new(PASSWORD.into()) };
    let place = Place::parse(url, Protocol::Imap).unwrap();
    Imap { place, login, folder: "INBOX".into(), ca: None }
}

fn bounces(imap: &Imap) -> Mailbox {
    Mailbox::new(imap, FROM, SECRET).unwrap()
}

fn message(key: &str, to: &str) -> Outgoing {
    Outgoing {
        key: key.into(),
        to: Address::Email(format!("{to}@{DOMAIN}")),
        subject: "Zelo: alguém espera por você — há uma atenção que só você pode dar".into(),
        text: "Há um caso esperando por você.\n.\nEntre: https://zelo.example/alerts/1\n".into(),
        attempt: 1,
        thread: "alert:1".into(),
    }
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    mail["headers"][name].as_str().unwrap_or_else(|| panic!("no {name}: {mail}"))
}

#[test]
fn a_message_arrives_whole_and_its_repetition_is_recognisable() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let post = Post::open();
    let email = plain(&post);
    let message = message("esc:1:1", "ana");
    for attempt in 1..=2 {
        let said = email.send(
            &Outgoing {
                attempt,
                key: message.key.clone(),
                to: Address::Email(format!("ana@{DOMAIN}")),
                subject: message.subject.clone(),
                text: message.text.clone(),
                thread: message.thread.clone(),
            },
            now(),
        );
        assert_eq!(
            (said.attempt, said.code, said.fault),
            (Attempt::Accepted, "smtp_250", None),
            "{}",
            post.logs()
        );
        assert!(said.provider_id.is_some_and(|id| id.contains("id=")));
    }
    let mails = post.mails("ana", 2);
    for mail in &mails {
        assert_eq!(header(mail, "message-id"), Marks::new(SECRET, DOMAIN).id("esc:1:1"));
        assert_eq!(header(mail, "subject"), message.subject);
        assert_eq!(mail["text"].as_str().unwrap().replace("\r\n", "\n"), message.text);
        assert_eq!(header(mail, "auto-submitted"), "auto-generated");
        assert_eq!(header(mail, "from"), FROM);
        assert!(header(mail, "content-type").contains("utf-8"), "{mail}");
    }
}

#[test]
fn what_the_server_says_of_a_message_decides_whether_it_is_tried_again() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let post = Post::open();
    let email = plain(&post);
    for (to, attempt, code) in [
        ("busy", Attempt::Later(None), "smtp_451"),
        ("refused", Attempt::Gone, "smtp_550"),
        ("ana", Attempt::Accepted, "smtp_250"),
    ] {
        let said = email.send(&message("esc:2", to), now());
        assert_eq!((said.attempt, said.code, said.fault), (attempt, code, None), "{to}");
    }
    assert_eq!(
        email.send(&Outgoing { to: Address::Email("ana".into()), ..message("esc:2", "") }, now()).code,
        "bad_address"
    );
}

#[test]
fn tls_is_asked_for_and_a_certificate_of_another_authority_or_name_is_refused() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let post = Post::open();
    let login = Some(Login { user: "zelo".into(), password: Hidden::new(PASSWORD.into()) });
    let wrong = Some(Login { user: "zelo".into(), password: Hidden::new("guess".into()) });
    let refused = |code| SendOutcome {
        attempt: Attempt::Later(None),
        provider_id: None,
        code,
        fault: Some(Fault::Provider),
    };
    for (scheme, port) in [("smtp", post.smtp), ("smtps", post.smtps)] {
        let at = |host: &str| smtp(&format!("{scheme}://{host}:{port}"));
        let send = |smtp: Smtp| Email::new(&smtp, SECRET).unwrap().send(&message("esc:3", "ana"), now());
        let good = Smtp { ca: Some(post.ca()), login: login.clone(), ..at("localhost") };
        assert_eq!(send(good.clone()).code, "smtp_250", "{scheme} {}", post.logs());
        assert_eq!(send(Smtp { login: wrong.clone(), ..good.clone() }), refused("smtp_535"), "{scheme}");
        for untrusted in [
            Smtp { ca: Some(post.other_ca()), ..good.clone() },
            Smtp { ca: None, ..good },
            Smtp { ca: Some(post.ca()), ..at("127.0.0.1") },
        ] {
            let said = send(untrusted);
            assert_eq!(
                (said.attempt, said.fault),
                (Attempt::Later(None), Some(Fault::Provider)),
                "{scheme} {said:?}"
            );
        }
    }
    assert_eq!(post.mails("ana", 2).len(), 2, "only what was covered arrived");

    for (scheme, port) in [("imap", post.imap), ("imaps", post.imaps)] {
        let at = |host: &str| imap(&format!("{scheme}://{host}:{port}"));
        let good = Imap { ca: Some(post.ca()), ..at("localhost") };
        bounces(&good).visit(None).unwrap_or_else(|error| panic!("{scheme}: {error}\n{}", post.logs()));
        for untrusted in [
            Imap { ca: Some(post.other_ca()), ..good.clone() },
            Imap { ca: Some(post.ca()), ..at("127.0.0.1") },
        ] {
            assert_eq!(bounces(&untrusted).visit(None), Err(Error::Tls), "{scheme}");
        }
        let mut denied = good.clone();
        denied.login.password = Hidden::new("guess".into());
        assert_eq!(bounces(&denied).visit(None), Err(Error::Denied), "{scheme}");
        assert_eq!(
            bounces(&Imap { folder: "Nowhere".into(), ..good }).visit(None),
            Err(Error::Folder),
            "{scheme}"
        );
    }
}

#[test]
fn a_mailbox_that_does_not_exist_comes_back_once_however_often_it_is_read() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let post = Post::open();
    let email = plain(&post);
    // Somebody's mail among the reports.
    assert_eq!(email.send(&message("esc:0", "zelo"), now()).attempt, Attempt::Accepted);
    post.mails("zelo", 1);
    let mailbox = bounces(&imap(&format!("plain://127.0.0.1:{}", post.imap)));
    let first = mailbox.visit(None).unwrap();
    assert_eq!((first.bounces.len(), first.other, first.broken), (0, 1, 0));

    assert_eq!(email.send(&message("esc:4:1", "nobody-here"), now()).attempt, Attempt::Accepted);
    let second = until(&format!("a report\n{}", post.logs()), Duration::from_secs(30), || {
        Some(mailbox.visit(Some(first.watermark)).unwrap()).filter(|visit| visit.watermark != first.watermark)
    });
    let told: Vec<_> =
        second.bounces.iter().map(|bounce| (bounce.key.as_str(), bounce.receipt, bounce.permanent)).collect();
    assert_eq!(told, [("esc:4:1", Receipt::Undeliverable, true)], "{:?}", post.mails("zelo", 2));
    assert_eq!(second.other, 0, "what was read before is not read again");

    // Died before it was put down: found again. Put down: not again, before and after it is marked.
    assert_eq!(mailbox.visit(Some(first.watermark)).unwrap(), second);
    let empty = Visit { watermark: second.watermark, ..Visit::default() };
    assert_eq!(mailbox.visit(Some(second.watermark)).unwrap(), empty);
    mailbox.settle(&second).unwrap();
    mailbox.settle(&second).unwrap();
    assert_eq!(mailbox.visit(Some(second.watermark)).unwrap(), empty);
    let seen: Vec<bool> = post.mails("zelo", 2).iter().map(|mail| mail["seen"] == true).collect();
    assert_eq!(seen, [false, true], "everybody else's mail stays as it was, and nothing went away");

    // A mailbox that numbers anew is read anew; receipts that come twice change nothing.
    let other = Watermark { validity: second.watermark.validity.wrapping_add(1), uid: 1_000 };
    assert_eq!(mailbox.visit(Some(other)).unwrap().bounces, second.bounces);
    let strangers =
        Mailbox::new(&imap(&format!("plain://127.0.0.1:{}", post.imap)), FROM, b"another clinic").unwrap();
    assert_eq!(strangers.visit(None).unwrap().bounces, [], "a report on another's message is not believed");
}

#[test]
fn a_server_that_is_down_loses_nothing() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let mut post = Post::open();
    assert_eq!(plain(&post).send(&message("esc:5:1", "ana"), now()).attempt, Attempt::Accepted);
    let email = plain(&post);
    post.stop_smtp();
    for _ in 0..2 {
        let said = email.send(&message("esc:5:2", "ana"), now());
        assert_eq!(
            (said.attempt, said.code, said.fault),
            (Attempt::Later(None), "unreachable", Some(Fault::Provider))
        );
    }
    post.start_smtp();
    assert_eq!(
        email.send(&message("esc:5:2", "ana"), now()).attempt,
        Attempt::Accepted,
        "by the same channel"
    );
    let mut ids: Vec<_> =
        post.mails("ana", 2).iter().map(|mail| header(mail, "message-id").to_owned()).collect();
    ids.sort();
    let marks = Marks::new(SECRET, DOMAIN);
    assert_eq!(ids, [marks.id("esc:5:1"), marks.id("esc:5:2")]);
    let gone = bounces(&imap("plain://127.0.0.1:1"));
    assert_eq!(gone.visit(None), Err(Error::Unreachable));
}
