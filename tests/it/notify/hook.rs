//! Webhooks to a receiver that was written apart from us, in Python, after the specification.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use domain::messages::Attempt::{Accepted, Later, Never};
use domain::messages::network::Networks;
use domain::{Clock, Instant};
use notify::webhook::{Hook, Secret};
use notify::{Address, Channel, Fault, Outgoing, SendOutcome};
use serde_json::Value;

use crate::support::lacks;

const OURS: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ANOTHERS: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(super) struct Program {
    child: Child,
    /// Its end is what ends the program.
    stdin: Option<ChildStdin>,
    pub port: u16,
    pub calls: Receiver<Value>,
}

impl Program {
    fn start() -> Self {
        Self::with(OURS, &[])
    }

    /// One that knows `secret`, and whose clock is not that of the calls.
    pub(super) fn timeless(secret: &str) -> Self {
        Self::with(secret, &["timeless"])
    }

    fn with(secret: &str, more: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/notify/receiver.py");
        let mut python = Command::new("python3");
        let python = python.args([script, secret]).args(more).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let (tell, calls) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _nobody_asks = tell.send(serde_json::from_str(&line).unwrap());
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, port, calls }
    }

    fn message(&self, key: &str, path: &str, secret: &str) -> Outgoing {
        let secret = Secret::parse(secret).unwrap();
        Outgoing {
            key: key.into(),
            to: Address::Webhook { url: format!("http://127.0.0.1:{}/{path}", self.port), secret },
            subject: String::new(),
            text: r#"{"type":"page","data":{"link":"https://zelo.example/alerts/ação"}}"#.into(),
            attempt: 1,
            thread: "alert:1".into(),
        }
    }

    fn call(&self) -> Value {
        self.calls.recv_timeout(Duration::from_secs(10)).expect("a call")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ended = self.child.wait();
    }
}

fn now() -> Instant {
    Clock::System.now()
}

#[test]
fn a_receiver_that_another_wrote_believes_the_signature_and_only_ours() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let program = Program::start();
    let hook = Hook::new(&Networks::this_host());
    let said = hook.send(&program.message("esc:1", "status/200", OURS), now());
    assert_eq!((said.attempt, said.code), (Accepted, "http_200"));
    let call = program.call();
    assert_eq!((&call["id"], &call["good"]), (&Value::from("esc:1"), &Value::from(true)), "{call}");
    assert_eq!(call["body"]["data"]["link"], "https://zelo.example/alerts/ação");
    assert_eq!(call["type"], "application/json");
    let old = now().minus(Duration::from_secs(600));
    for (secret, at) in [(ANOTHERS, now()), (OURS, old)] {
        assert_eq!(hook.send(&program.message("esc:2", "status/200", secret), at).code, "http_401");
        assert_eq!(program.call()["good"], false);
    }
}

#[test]
fn each_answer_becomes_what_the_message_needs() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let program = Program::start();
    let (hook, impatient) =
        (Hook::new(&Networks::this_host()), Hook::within(Duration::from_millis(400), &Networks::this_host()));
    let seconds = |n| Later(Some(Duration::from_secs(n)));
    let down = Some(Fault::Provider);
    for (path, attempt, code, fault) in [
        ("status/200", Accepted, "http_200", None),
        ("status/202", Accepted, "http_202", None),
        ("status/206", Accepted, "http_2xx", None),
        ("redirect", Never, "http_3xx", None),
        ("status/400", Never, "http_400", None),
        ("status/404", Never, "http_404", None),
        ("status/410", Never, "http_410", None),
        ("status/422", Never, "http_4xx", None),
        ("status/408", Later(None), "http_408", None),
        ("status/425", Later(None), "http_425", None),
        ("status/429", Later(None), "http_429", None),
        ("status/429/7", seconds(7), "http_429", None),
        ("status/429/86400", seconds(300), "http_429", None),
        ("status/500", Later(None), "http_500", None),
        ("status/500/7", Later(None), "http_500", None),
        ("status/502", Later(None), "http_502", down),
        ("status/503", Later(None), "http_503", down),
        ("status/503/30", seconds(30), "http_503", down),
        ("silence", Later(None), "timeout", down),
        ("cut", Later(None), "unreachable", down),
        ("noise", Later(None), "http_odd", down),
    ] {
        let hook = if code == "timeout" { &impatient } else { &hook };
        let said = hook.send(&program.message(path, path, OURS), now());
        assert_eq!(said, SendOutcome { attempt, provider_id: None, code, fault }, "{path}");
    }
    let calls: Vec<Value> = std::iter::from_fn(|| program.calls.try_recv().ok()).collect();
    let to_where: Vec<&Value> = calls.iter().filter(|call| call["id"] == "redirect").collect();
    assert_eq!(to_where.len(), 1, "a redirect is not followed: {to_where:?}");
}

#[test]
fn a_repetition_carries_the_same_id_and_the_same_words() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let program = Program::start();
    let hook = Hook::new(&Networks::this_host());
    let codes = [1, 2, 3].map(|attempt| {
        let message = Outgoing { attempt, ..program.message("esc:3", "twice/2", OURS) };
        hook.send(&message, now()).code
    });
    assert_eq!(codes, ["http_500", "http_500", "http_200"]);
    let calls = [program.call(), program.call(), program.call()];
    assert!(calls.iter().all(|call| call["id"] == "esc:3" && call["body"] == calls[0]["body"]), "{calls:?}");
}

#[test]
fn a_receiver_that_is_gone_is_out_of_reach() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let program = Program::start();
    let message = program.message("esc:4", "status/200", OURS);
    drop(program);
    let said = Hook::new(&Networks::this_host()).send(&message, now());
    assert_eq!((said.attempt, said.code, said.fault), (Later(None), "unreachable", Some(Fault::Provider)));
}
