//! The operator's command line from outside: the same commands on a running node over its API and on a stopped one by
//! its data directory, with the same answers, and refusals that say what to do.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::node::{Node, program};

fn zelo(arguments: &[&str], token: Option<&str>, input: &str) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("ZELO_TOKEN");
    if let Some(token) = token {
        command.env("ZELO_TOKEN", token);
    }
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn rows(output: &Output, arguments: &[&str]) -> Vec<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The exit code and the one line on standard error.
fn refusal(output: &Output) -> (i32, String) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(said.trim().lines().count(), 1, "one sentence: {said}");
    assert!(output.stdout.is_empty());
    (output.status.code().unwrap(), said)
}

/// What each command answered: its words and the members of its first row.
type Answers = Vec<(String, BTreeSet<String>)>;

/// Every command that works on both sides, once.
fn walk(side: &str, scratch: &Path, run: impl Fn(&str, &[&str]) -> Vec<Value>) -> Answers {
    let mut answers = Answers::new();
    let mut say = |role: &str, line: &[&str]| -> Value {
        let first = run(role, line).into_iter().next().unwrap_or_default();
        let members = first.as_object().into_iter().flat_map(|row| row.keys().cloned()).collect();
        answers.push((line[..2].join(" "), members));
        first
    };
    let text = |row: &Value, member: &str| {
        row[member].as_str().unwrap_or_else(|| panic!("{member}: {row}")).to_owned()
    };
    let email = format!("{side}@clinica.invalid");
    let added = say("admin", &["user", "add", "--role", "agent", "--email", &email, "--name", "Rui Sá"]);
    assert!(text(&added, "link").starts_with("/password/"));
    say("admin", &["user", "list"]);
    say("admin", &["user", "role", &email, "technician"]);
    say("admin", &["user", "disable", &email]);
    say("admin", &["user", "unlock", &email]);
    assert_eq!(say("admin", &["user", "reset", &email])["id"], added["id"]);

    let patient = text(&say("admin", &["patient", "add", "--name", "Ana Lua", "--born", "1990-05-17"]), "id");
    assert!(say("admin", &["patient", "list"]).get("name").is_none(), "names only when asked for");
    say("admin", &["patient", "list", "--names"]);

    let device = say("admin", &["device", "add", "--label", "W", "--model", "1", "--patient", &patient]);
    let device = text(&device, "id");
    let token = text(&say("admin", &["device", "token", &device]), "token_id");
    say("admin", &["device", "revoke-token", &device, &token]);
    let nothing = serde_json::json!({ "readings": 0, "more": false });
    assert_eq!(say("admin", &["device", "unbind", &device])["moving"], nothing);
    assert_eq!(say("admin", &["device", "bind", &device, &patient, "--preferred"])["moving"], nothing);
    say("admin", &["device", "disable", &device]);
    say("admin", &["device", "enable", &device]);
    say("admin", &["device", "list"]);

    let granted = say("agent", &["consent", "grant", &patient, "telemetry.collect", "--lang", "en"]);
    assert_eq!(granted["state"], "granted");
    assert_eq!(say("agent", &["consent", "list", &patient])["epoch"], granted["epoch"]);
    assert_eq!(say("agent", &["consent", "revoke", &patient, "telemetry.collect"])["state"], "revoked");

    let bundle = scratch.join(side);
    say("auditor", &["audit", "key"]);
    say("auditor", &["audit", "export", "--out", bundle.to_str().unwrap()]);
    assert!(bundle.join("checkpoint").exists());
    assert!(text(&say("auditor", &["audit", "prove", "--entry", "0"]), "proof").contains("tlog-proof"));
    assert_eq!(say("auditor", &["audit", "verify"])["ok"], true);
    answers
}

#[test]
fn a_command_answers_alike_on_a_running_node_and_on_a_stopped_one() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let node = Node::demo_in(&data);
    let url = node.ready.http.clone();
    let token = |role: &str| {
        let user = node.ready.users.iter().find(|user| user.role == role).unwrap();
        let line = ["sign-in", "--json", "--url", &url, "--email", &user.email];
        let signed = rows(&zelo(&line, None, &format!("{}\n", user.password)), &line);
        assert_eq!(signed[0]["expires_in"], 300);
        signed[0]["token"].as_str().unwrap().to_owned()
    };
    let running = walk("running", home.path(), |role, line| {
        let line = [line, &["--json", "--url", &url]].concat();
        rows(&zelo(&line, Some(&token(role)), ""), &line)
    });

    let refused = |line: &[&str], token: Option<&str>| {
        refusal(&zelo(&[line, &["--json", "--url", &url]].concat(), token, ""))
    };
    let (code, said) = refused(&["user", "list"], None);
    assert!(code == 4 && said.contains("(E_SIGN_IN)") && said.contains("zelo sign-in"), "{code} {said}");
    let (code, said) = refused(&["user", "list"], Some(&token("agent")));
    assert!(code == 4 && said.contains("(E_ROLE)"), "{code} {said}");
    let nobody = "018f0000-0000-7000-8000-000000000001";
    let (code, said) = refused(&["device", "token", nobody], Some(&token("admin")));
    assert!(code == 3 && said.contains("(E_NOT_FOUND)"), "{code} {said}");
    let (code, said) = refused(&["consent", "grant", nobody, "telemetry.collect"], Some(&token("agent")));
    assert!(code == 3, "{code} {said}");
    let (code, said) = refused(&["keys", "list"], None);
    assert!(code == 2 && said.contains("--url"), "{code} {said}");
    let wrong = ["sign-in", "--url", &url, "--email", "nobody@clinica.invalid"];
    let (code, said) = refusal(&zelo(&wrong, None, "wrong\n"));
    assert!(code == 4 && said.contains("(E_CREDENTIALS)"), "{code} {said}");
    let (code, said) = refusal(&zelo(&["user", "list", "--data-dir", data.to_str().unwrap()], None, ""));
    assert!(code == 5 && said.contains(&format!("process {}", node.pid())), "{code} {said}");
    assert!(said.contains("--url"), "the way to a running node is named: {said}");

    assert!(node.stop().success());
    let (code, said) = refusal(&zelo(&["user", "list", "--url", &url], Some("x"), ""));
    assert!(code == 1 && said.contains("cannot be reached"), "{code} {said}");
    let stopped = walk("stopped", home.path(), |_, line| {
        let line = [line, &["--json", "--data-dir", data.to_str().unwrap()]].concat();
        rows(&zelo(&line, None, ""), &line)
    });
    assert_eq!(running, stopped);
}
