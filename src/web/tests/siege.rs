//! A stranger without an account against the door: connections that never say what they want.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant as Moment;

use super::*;
use store::testing::foreign;

/// Half a second for each phase, few places.
fn tight() -> Limits {
    let half = Duration::from_millis(500);
    Limits { all: 24, network: 24, head: half, pause: half, rate: 1_000_000 }
}

fn besieged(limits: Limits) -> House {
    House::limited(stores().remove(0), limits)
}

fn dial(house: &House, request: &str) -> TcpStream {
    let mut socket = TcpStream::connect(house.base.trim_start_matches("http://")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let _closed = socket.write_all(request.as_bytes());
    socket
}

/// Reads to the end, which must come within some seconds.
fn ends(mut socket: TcpStream) -> String {
    let began = Moment::now();
    let mut received = Vec::new();
    let _reset = socket.read_to_end(&mut received);
    assert!(began.elapsed() < Duration::from_secs(6), "it was left open");
    String::from_utf8_lossy(&received).into_owned()
}

const HEAD: &str = "POST /api/v1/auth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

#[test]
fn a_request_that_is_not_finished_in_time_loses_its_connection() {
    let house = besieged(tight());
    for request in [
        String::new(),
        "POST /api/v1/auth/token HT".to_owned(),
        format!("{HEAD}content-length: 100\r\n\r\n{{\"a\""),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n4\r\n{{\"a\""),
        // Nobody reads these two bodies: the gate, or the table, answers before.
        "POST /api/v1/patients HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{".to_owned(),
        "GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{".to_owned(),
    ] {
        let answer = ends(dial(&house, &request));
        assert!(!answer.contains(" 200 OK") || request.contains("/healthz"), "{request:?}: {answer}");
    }
}

#[test]
fn a_body_that_drips_ends_when_its_time_is_over_however_often_a_byte_comes() {
    let house = besieged(Limits { rate: 1_000, ..tight() });
    let mut socket = dial(&house, &format!("{HEAD}content-length: 10000\r\n\r\n"));
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let began = Moment::now();
    let mut byte = [0];
    while socket.write_all(b" ").is_ok() {
        match socket.read(&mut byte) {
            Ok(_) => break,
            Err(waits) if matches!(waits.kind(), std::io::ErrorKind::WouldBlock) => {}
            Err(_) => break,
        }
        assert!(began.elapsed() < Duration::from_secs(6), "it drips on");
    }
}

#[test]
fn who_wants_something_is_served_while_more_strangers_than_places_say_nothing() {
    let house = besieged(Limits { head: Duration::from_secs(60), pause: Duration::from_secs(60), ..tight() });
    let slow = format!("{HEAD}content-length: 100\r\n\r\n{{\"a\"");
    let strangers: Vec<TcpStream> = (0..100).map(|_| dial(&house, &slow)).collect();
    all_are_let_in(&strangers);
    for _ in 0..5 {
        assert_eq!(house.call("GET", "/readyz", &[], None).status, 200);
    }
    all_are_let_in(&strangers);
}

/// Until each of them was let in, and no more stay than there are places: who comes now is displaced by nobody.
fn all_are_let_in(strangers: &[TcpStream]) {
    let began = Moment::now();
    let open = |socket: &&TcpStream| {
        let mut socket = *socket;
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        matches!(socket.read(&mut [0]), Err(waits) if waits.kind() == std::io::ErrorKind::WouldBlock)
    };
    while strangers.iter().filter(open).count() > tight().all {
        assert!(began.elapsed() < Duration::from_secs(30), "more are kept than there are places");
    }
}

#[test]
fn a_request_that_is_being_answered_keeps_its_place() {
    let house = besieged(Limits { head: Duration::from_secs(60), ..tight() });
    let who = house.staff(Role::Clinician);
    let live = format!("GET /api/v1/live HTTP/1.1\r\nhost: x\r\nauthorization: {who}\r\n\r\n");
    let mut stream = dial(&house, &live);
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let _strangers: Vec<TcpStream> = (0..60).map(|_| dial(&house, "")).collect();
    stream.set_read_timeout(Some(Duration::from_millis(1_500))).unwrap();
    let mut rest = Vec::new();
    let waits = stream.read_to_end(&mut rest).unwrap_err();
    assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock, "the stream goes on past every deadline");
}

#[test]
fn an_answer_that_nobody_takes_is_not_kept_for_them() {
    let house = besieged(tight());
    let ask = "GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(400);
    let mut socket = dial(&house, &ask);
    let began = Moment::now();
    // Everything is asked for and nothing is read, until the other side gives up.
    while socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").is_ok() {
        std::thread::yield_now();
        assert!(began.elapsed() < Duration::from_secs(60), "it waits for ever");
    }
}

#[test]
fn who_counts_is_answered_while_more_than_there_are_places_ask_and_do_not_read() {
    let house = houses().remove(0);
    let own = counted(&house);
    let strangers = idlers(own, 40, 400);
    let asks = || house.client.get(format!("http://{own}/metrics")).call();
    for _ in 0..3 {
        let began = Moment::now();
        // On a machine that is busy answering the others one of several calls may come too late.
        while asks().map_or(0, |answer| answer.status().as_u16()) != 200 {
            assert!(began.elapsed() < Duration::from_secs(10), "nobody is answered");
        }
    }
    drop(strangers);
}

fn counted(house: &House) -> std::net::SocketAddr {
    house.running.as_ref().and_then(|running| running.metrics).unwrap()
}

/// So many who ask so often for what is counted, and read nothing.
fn idlers(own: std::net::SocketAddr, many: usize, often: usize) -> Vec<TcpStream> {
    let ask = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(often);
    let idle = |_| {
        let mut socket = TcpStream::connect(own).unwrap();
        socket.set_nonblocking(true).unwrap();
        // As much as is taken.
        let _full = socket.write_all(ask.as_bytes());
        socket
    };
    (0..many).map(idle).collect()
}

/// What a new connection that asks this is answered: its first line. Empty: it was closed.
fn answer(own: std::net::SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(own).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut received = Vec::new();
    let _reset = socket.read_to_end(&mut received);
    String::from_utf8_lossy(&received).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn whoever_asks_whether_the_node_is_ready_is_answered_each_time_whoever_counts_and_does_not_read() {
    let house = houses().remove(0);
    let own = counted(&house);
    let mut all = Vec::new();
    for (many, often) in [(60, 1), (60, 40), (120, 40), (120, 1)] {
        all.extend(idlers(own, many, often));
        for time in 0..20 {
            assert_eq!(answer(own, "/readyz"), "HTTP/1.1 200 OK", "{many} x {often}, {time}");
        }
    }
}

/// Nothing can be counted, for somebody holds what would be: each who asks waits, and none of them for another.
#[test]
fn whoever_asks_whether_the_node_is_ready_is_answered_each_time_while_nothing_can_be_counted() {
    for house in houses().into_iter().filter(|house| house.home.url().file().is_none()) {
        let own = counted(&house);
        let held = foreign(&house.home, "BEGIN; LOCK TABLE alerts IN ACCESS EXCLUSIVE MODE");
        let mut all = Vec::new();
        for many in [60, 120] {
            all.extend(idlers(own, many, 1));
            for time in 0..40 {
                assert_eq!(answer(own, "/readyz"), "HTTP/1.1 200 OK", "{many}, {time}");
            }
            assert_eq!(answer(own, "/metrics"), "HTTP/1.1 503 Service Unavailable");
        }
        drop(held);
        let began = Moment::now();
        while answer(own, "/metrics") != "HTTP/1.1 200 OK" {
            assert!(began.elapsed() < Duration::from_secs(20), "it is counted again");
        }
    }
}

/// Opens the live stream, and reads its first line.
fn listen(house: &House, who: &str) -> TcpStream {
    let mut stream =
        dial(house, &format!("GET /api/v1/live HTTP/1.1\r\nhost: x\r\nauthorization: {who}\r\n\r\n"));
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

/// Whether nobody has ended it.
fn waits(stream: &TcpStream) -> bool {
    let mut stream = stream;
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).is_err_and(|why| why.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn a_new_stream_of_somebody_who_holds_the_most_ends_their_oldest() {
    let house = besieged(Limits { all: 200, network: 200, ..Limits::of_descriptors(4_096) });
    let (who, other) = (house.staff(Role::Clinician), house.staff(Role::Clinician));
    let theirs = listen(&house, &other);
    let mut opened: Vec<TcpStream> = (0..24).map(|_| listen(&house, &who)).collect();
    assert!(opened.iter().all(waits));
    for _ in 0..3 {
        opened.push(listen(&house, &who));
        let events = ends(opened.remove(0));
        assert!(events.contains("event: superseded") && events.contains("retry: 60000"), "{events}");
    }
    assert!(opened.iter().all(waits) && waits(&theirs), "nobody else's, and no newer one");
}

#[test]
fn behind_a_proxy_a_network_has_its_part_and_no_more() {
    let limits = Limits { all: 200, network: 8, ..Limits::of_descriptors(4_096) };
    let house = House::reached(stores().remove(0), limits, true);
    let ask = |from: &str| {
        // The first address is whatever the client wrote.
        let head = HEAD.replace("host: x", &format!("host: x\r\nx-forwarded-for: 192.0.2.9, {from}"));
        dial(&house, &format!("{head}content-length: 100\r\n\r\n{{\"a\""))
    };
    let neighbour = ask("203.0.113.7");
    let strangers: Vec<TcpStream> = (0..40).map(|_| ask("198.51.100.4")).collect();
    let open = || strangers.iter().filter(|socket| waits(socket)).count();
    let began = Moment::now();
    while open() > 8 {
        assert!(began.elapsed() < Duration::from_secs(5), "{} are open", open());
    }
    assert!(open() > 0 && waits(&neighbour), "somebody else's are left alone");
}

#[test]
fn whoever_asks_only_for_the_head_gets_it_wherever_the_whole_is_given() {
    let house = houses().remove(0);
    let who = house.staff(Role::Clinician);
    for path in ["/healthz", "/api/v1/openapi.json", "/api/v1/patients", "/api/v1/live", "/login"] {
        let signed_in = [("authorization", who.as_str())];
        // Who is signed in is sent on from the form; a stranger gets it.
        let headers: &[(&str, &str)] = if path == "/login" { &[] } else { &signed_in };
        let got = house.call("HEAD", path, headers, None);
        let nothing = got.body.is_null() || got.body == json!("");
        assert!(got.status == 200 && nothing, "{path}: {} {}", got.status, got.body);
    }
    assert_eq!(house.call("HEAD", "/api/v1/patients", &[], None).status, 401);
}

#[test]
fn https_is_served_while_strangers_leave_their_greetings_unfinished() {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder_with_provider(std::sync::Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(signed.cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = std::sync::Arc::new(client);
    let patient = Limits { head: Duration::from_secs(60), pause: Duration::from_secs(60), ..tight() };
    let house = House::behind(stores().remove(0), patient, Some(server));
    let strangers: Vec<TcpStream> = (0..100).map(|_| dial(&house, "\u{16}\u{3}\u{1}\u{2}\0\u{1}")).collect();
    all_are_let_in(&strangers);
    for _ in 0..5 {
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let greeting = rustls::ClientConnection::new(std::sync::Arc::clone(&client), name).unwrap();
        let mut stream = rustls::StreamOwned::new(greeting, dial(&house, ""));
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    let answers = strangers.into_iter().map(ends);
    assert!(answers.into_iter().all(|answers| answers.len() < 16), "nobody stays beyond the greeting's time");
}
