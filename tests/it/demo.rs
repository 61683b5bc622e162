//! The demo as a program drives it from outside: one line, credentials that outlive a crash, an end when asked.

use std::collections::BTreeSet;

use crate::support::node::{Node, program};

const ROLES: [&str; 8] =
    ["admin", "agent", "auditor", "clinician", "dpo", "manager", "patient", "technician"];

#[test]
fn the_demo_tells_one_line_and_ends_when_asked() {
    let node = Node::demo();
    let roles: BTreeSet<&str> = node.ready.users.iter().map(|user| user.role.as_str()).collect();
    assert_eq!(roles, BTreeSet::from(ROLES));
    assert_eq!(node.ready.users.len(), ROLES.len(), "one user a role");
    let free = node.ready.devices.iter().rev().take_while(|device| !device.replayed).count();
    assert!(free >= 2, "{free} devices that nobody replays come last");
    assert!(node.stop().success());
}

#[test]
fn after_a_crash_the_demo_knows_the_same_people_and_devices() {
    let data = tempfile::tempdir().unwrap();
    let first = Node::demo_in(data.path());
    let (users, devices) = (first.ready.users.clone(), first.ready.devices.clone());
    first.kill();
    let second = Node::demo_in(data.path());
    assert_eq!(second.ready.users, users);
    assert_eq!(second.ready.devices, devices);
    assert!(second.stop().success());
}

#[test]
fn what_fills_a_file_of_its_own_refuses_another_database() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().to_str().unwrap();
    for command in [
        vec!["demo", "--json", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"],
        vec!["simulate", "--json", "--days", "1", "--patients", "1", "--data-dir", dir],
    ] {
        let asked = std::process::Command::new(program())
            .args(&command)
            .args(["--database-url", "postgres://zelo@127.0.0.1:1/zelo"])
            .output()
            .unwrap();
        let said = String::from_utf8(asked.stderr).unwrap();
        assert_eq!(asked.status.code(), Some(2), "{said}");
        assert!(asked.stdout.is_empty() && said.contains("SQLite file of its own"), "{said}");
        assert!(said.contains(command[0]), "{said}");
    }
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "nothing was begun");
}

/// What the program itself holds, without the pages of its file; what the demo's own devices hold is part of it.
#[cfg(target_os = "linux")]
#[test]
fn the_demo_holds_no_more_memory_than_it_may() {
    let node = Node::demo();
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    let kib: u64 = held.split_whitespace().next().unwrap().parse().unwrap();
    assert!(kib <= 80 * 1024, "{kib} KiB");
    assert!(node.stop().success());
}
