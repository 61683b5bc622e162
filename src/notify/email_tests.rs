//! A server that answers by a script: what a real one seldom says, and never on demand.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::Fault;
use crate::options::{Hidden, Login};
use domain::messages::Attempt;

/// What the server answers to each first word, for one connection after the other; the last script stays.
type Script = &'static [(&'static str, &'static str)];

const GOOD: Script = &[
    ("", "220 mx ready"),
    ("EHLO", "250-mx\r\n250-8BITMIME\r\n250 AUTH PLAIN"),
    ("AUTH", "235 welcome"),
    ("MAIL", "250 ok"),
    ("RCPT", "250 ok"),
    ("DATA", "354 go on"),
    (".", "250 OK id=1abc"),
    ("NOOP", "250 ok"),
    ("QUIT", "221 bye"),
];

/// Listens, and tells each word it hears with the number of its connection.
fn serve(scripts: Vec<Vec<(&'static str, &'static str)>>) -> (Place, Receiver<(usize, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let script = scripts.get(number).or(scripts.last()).unwrap().clone();
            let tell = tell.clone();
            std::thread::spawn(move || {
                converse(stream.unwrap(), &script, |word| {
                    let _nobody_listens = tell.send((number, word.to_owned()));
                });
            });
        }
    });
    (Place { host: "127.0.0.1".into(), port, cover: Cover::Plain }, heard)
}

fn converse(mut stream: TcpStream, script: &[(&str, &str)], tell: impl Fn(&str)) -> Option<()> {
    // An empty answer is silence; "-" hangs up.
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut answer = |word: &str| -> Option<()> {
        let answer =
            script.iter().find(|(asked, _)| *asked == word).map_or("500 what?", |(_, answer)| *answer);
        match answer {
            "" => Some(()),
            "-" => None,
            answer => stream.write_all(format!("{answer}\r\n").as_bytes()).ok(),
        }
    };
    answer("")?;
    let mut in_message = false;
    for line in lines {
        let line = line.ok()?;
        let word = line.split(' ').next().unwrap_or_default();
        if in_message && word != "." {
            continue;
        }
        tell(word);
        in_message = word == "DATA";
        answer(word)?;
    }
    None
}

fn but(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    changes.iter().chain(GOOD).copied().collect()
}

fn email(place: Place) -> Email {
    let login = Some(Login { user: "zelo".into(), password: Hidden::new("s3cret".into()) });
    let smtp = Smtp { place, from: "zelo@zelo.example".into(), login, ca: None };
    Email::new(&smtp, b"s").unwrap()
}

fn message() -> Outgoing {
    let to = Address::Email("ana@clinica.example".into());
    let (key, thread) = ("esc:1".to_owned(), "alert:1".to_owned());
    Outgoing { key, to, subject: "Olá".into(), text: "Entre.".into(), attempt: 1, thread }
}

const NOW: Instant = Instant::from_secs(1_800_000_000);

#[test]
fn each_answer_becomes_what_the_message_needs() {
    let later = Attempt::Later(None);
    let (well, server, reader) = (None, Some(Fault::Provider), Some(Fault::Recipient));
    for (change, attempt, code, fault) in [
        (("", "421 too many"), later, "smtp_421", server),
        (("", "554 go away"), later, "smtp_554", server),
        (("", "-"), later, "smtp_odd", server),
        (("", ""), later, "timeout", server),
        (("EHLO", "250 mx"), later, "smtp_lacks_a_feature", server),
        (("AUTH", "535 wrong password"), later, "smtp_535", server),
        (("MAIL", "421 closing"), later, "smtp_421", server),
        (("MAIL", "530 who are you"), later, "smtp_530", server),
        (("MAIL", "550 not from you"), later, "smtp_550", server),
        (("MAIL", "452 full"), later, "smtp_452", well),
        (("RCPT", "450 greylisted"), later, "smtp_450", well),
        (("RCPT", "421 4.3.2 come back"), later, "smtp_421", reader),
        (("RCPT", "-"), later, "smtp_odd", reader),
        (("RCPT", "535 who are you"), later, "smtp_535", server),
        (("RCPT", "550 5.7.1 no relaying"), later, "smtp_550", reader),
        (("RCPT", "550 5.7.606 go away"), later, "smtp_550", reader),
        (("RCPT", "550 5.1.8 we do not know you"), later, "smtp_550", reader),
        (("RCPT", "554 your network is on a blocklist"), later, "smtp_554", reader),
        (("RCPT", "550 5.1.1 no such mailbox"), Attempt::Gone, "smtp_550", well),
        (("RCPT", "552 5.2.2 mailbox full"), later, "smtp_552", reader),
        (("RCPT", "552 exceeded storage allocation"), later, "smtp_552", reader),
        ((".", "552 5.2.2 over quota"), later, "smtp_552", reader),
        (("RCPT", "550 5.4.1 Access denied"), Attempt::Gone, "smtp_550", well),
        ((".", "550 5.2.1 switched off"), Attempt::Gone, "smtp_550", well),
        ((".", "550 5.7.1 spam"), later, "smtp_550", well),
        (("DATA", "421 closing"), later, "smtp_421", reader),
        (("RCPT", "550 no such mailbox"), Attempt::Gone, "smtp_550", well),
        (("RCPT", "521 never"), Attempt::Gone, "smtp_5xx", well),
        (("RCPT", ""), later, "timeout", reader),
        (("QUIT", ""), Attempt::Accepted, "smtp_250", well),
        (("DATA", "451 not now"), later, "smtp_451", well),
        ((".", "554 spam"), later, "smtp_554", well),
        ((".", ""), later, "timeout", reader),
        ((".", "-"), later, "smtp_odd", reader),
        ((".", "hello?"), later, "smtp_odd", reader),
    ] {
        let (place, _heard) = serve(vec![but(&[change])]);
        let limit = if code == "timeout" { Duration::from_millis(400) } else { LIMIT };
        let outcome = Email { limit, ..email(place) }.send(&message(), NOW);
        assert_eq!((outcome.attempt, outcome.code, outcome.fault), (attempt, code, fault), "{change:?}");
    }
}

#[test]
fn a_connection_is_used_again_until_it_is_gone() {
    let (place, heard) = serve(vec![GOOD.to_vec(), GOOD.to_vec()]);
    let email = email(place);
    for _ in 0..60 {
        let outcome = email.send(&message(), NOW);
        assert_eq!(outcome, SendOutcome::accepted("smtp_250", Some("OK id=1abc".into())));
    }
    drop(email);
    let commands: Vec<(usize, String)> = heard.try_iter().collect();
    let count =
        |number, word: &str| commands.iter().filter(|(at, command)| *at == number && command == word).count();
    assert_eq!((count(0, "EHLO"), count(0, "MAIL")), (1, 50));
    assert_eq!((count(1, "EHLO"), count(1, "MAIL")), (1, 10));
}

#[test]
fn the_late_answer_to_one_message_is_never_taken_for_the_next() {
    for change in [(".", ""), ("NOOP", "-"), ("NOOP", "221 idle too long")] {
        let (place, heard) = serve(vec![but(&[change]), GOOD.to_vec()]);
        let mut email = email(place);
        email.limit = if change.0 == "." { Duration::from_millis(400) } else { LIMIT };
        let first = email.send(&message(), NOW);
        email.limit = LIMIT;
        assert_eq!(first.code, if change.0 == "." { "timeout" } else { "smtp_250" });
        assert_eq!(email.send(&message(), NOW).attempt, Attempt::Accepted);
        let second: Vec<_> = heard.try_iter().filter(|(number, _)| *number == 1).collect();
        assert!(second.iter().any(|(_, word)| word == "MAIL"), "{change:?}: a connection of its own");
    }
}

/// Stripping STARTTLS from the answer must not open the message to the network.
#[test]
fn a_server_that_offers_no_tls_gets_neither_password_nor_message() {
    let (place, heard) = serve(vec![GOOD.to_vec()]);
    let outcome = email(Place { cover: Cover::StartTls, ..place }).send(&message(), NOW);
    assert_eq!(
        (outcome.attempt, outcome.code, outcome.fault),
        (Attempt::Later(None), "smtp_lacks_a_feature", Some(Fault::Provider))
    );
    let commands: Vec<String> = heard.try_iter().map(|(_, word)| word).collect();
    assert!(!commands.iter().any(|word| word == "AUTH" || word == "MAIL"), "{commands:?}");
}

#[test]
fn what_would_break_out_of_a_header_stays_inside() {
    let (place, _heard) = serve(vec![GOOD.to_vec()]);
    let email = email(place);
    let sly = Outgoing { subject: "Olá\r\nBcc: todos@x.example".into(), ..message() };
    let (envelope, text) = email.compose(&sly, NOW).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.to_ascii_lowercase().contains("\r\nbcc:"), "{text}");
    assert_eq!(envelope.to().len(), 1);
    let sly = Outgoing { to: Address::Email("ana@x.example>\r\nRCPT TO:<eva@x.example".into()), ..message() };
    assert_eq!(email.send(&sly, NOW).code, "bad_address");
    let foreign = Outgoing { to: Address::Email("ána@clínica.example".into()), ..message() };
    assert_eq!(email.send(&foreign, NOW).code, "bad_address");
}

/// Mailboxes sort by the list and fold by the case; nobody answers while away.
#[test]
fn messages_of_one_case_stand_together_and_want_no_answer() {
    let (place, _heard) = serve(vec![GOOD.to_vec()]);
    let email = email(place);
    let headers = |key: &str, thread: &str| {
        let message = Outgoing { key: key.into(), thread: thread.into(), ..message() };
        let text = String::from_utf8(email.compose(&message, NOW).unwrap().1).unwrap();
        let line = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            value.unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
        };
        ["Message-ID", "References", "In-Reply-To", "List-Id", "Auto-Submitted", "X-Auto-Response-Suppress"]
            .map(line)
    };
    let (first, second) = (headers("esc:1", "alert:1"), headers("esc:2", "alert:1"));
    assert_ne!(first[0], second[0]);
    assert_eq!(first[1..], second[1..]);
    assert_eq!(first[1], first[2]);
    assert_eq!(first[3..], ["Zelo <zelo.zelo.example>", "auto-generated", "All"]);
    assert_ne!(headers("esc:3", "alert:2")[1], first[1]);
    assert!(!first[1].contains(&hex::encode("alert:1")), "it names no case to a provider");
}

#[test]
fn no_line_end_of_a_message_stands_alone() {
    let (place, _heard) = serve(vec![GOOD.to_vec()]);
    let text = "one\r.\rtwo\n.\nthree\r\n.\r\nMAIL FROM:<x@x.example>\r\r\nfour".to_owned();
    let (_envelope, mail) = email(place).compose(&Outgoing { text, ..message() }, NOW).unwrap();
    let mail = String::from_utf8(mail).unwrap();
    assert!(!mail.replace("\r\n", "").contains(['\r', '\n']), "{mail:?}");
    assert!(mail.contains("one\r\n.\r\ntwo\r\n.\r\nthree\r\n.\r\nMAIL"), "{mail:?}");
}

#[test]
fn a_file_that_is_no_certificate_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let place = Place { host: "localhost".into(), port: 1, cover: Cover::Tls };
    let smtp = |ca: &std::path::Path| Smtp {
        place: place.clone(),
        from: "zelo@zelo.example".into(),
        login: None,
        ca: Some(ca.into()),
    };
    assert!(matches!(Email::new(&smtp(file.path()), b"s"), Err(Error::NoCertificate(_))));
    assert!(matches!(
        Email::new(&smtp(std::path::Path::new("/nowhere.pem")), b"s"),
        Err(Error::Unreadable { .. })
    ));
}
