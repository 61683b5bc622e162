//! The API as programs that we did not write see it: a checker that holds every answer against the document, as each
//! role, and clients made from the document in two languages. Runs when `ZELO_TEST_FOREIGN=1`, which `tests/run` sets.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::lacks;
use crate::support::node::Node;

/// What a program of `tests/foreign/api` says of a running demo; it must end well.
fn says(interpreter: &str, script: &str, node: &Node) -> String {
    let script = format!("{}/tests/foreign/api/{script}", env!("CARGO_MANIFEST_DIR"));
    let users = node.ready.users.iter();
    let users: Vec<_> = users
        .map(|user| json!({"role": user.role, "email": user.email, "password": user.password}))
        .collect();
    let mut child = Command::new(interpreter)
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    let ready = json!({"http": node.ready.http, "users": users}).to_string();
    child.stdin.take().unwrap().write_all(ready.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{script}: {said}");
    said
}

#[expect(clippy::disallowed_methods, reason = "where the packages are, tests/run says")]
fn python() -> String {
    std::env::var("ZELO_TEST_PYTHON").expect("ZELO_TEST_PYTHON (tests/run sets it)")
}

#[test]
fn no_answer_to_any_role_contradicts_the_document() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let node = Node::demo();
    let said = says(&python(), "contract.py", &node);
    println!("{said}");
    assert_eq!(said.lines().count(), node.ready.users.len(), "one line a role");
    assert!(node.stop().success());
}

#[test]
fn clients_made_from_the_document_in_two_languages_tell_a_story() {
    if lacks("ZELO_TEST_FOREIGN") {
        return;
    }
    let node = Node::demo();
    // Python acts on the alert that Node reads first.
    assert_eq!(says("node", "client.mjs", &node).trim(), "told");
    assert_eq!(says(&python(), "client.py", &node).trim(), "told");
    assert!(node.stop().success());
}
