//! The dashboard of the running demo in a real browser (tests/browser/dashboard.mjs).

use std::path::Path;
use std::process::Command;

use crate::support::lacks;
use crate::support::node::Node;

const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

#[test]
fn the_dashboard_works_in_a_real_browser_and_everyone_can_read_it() {
    if lacks("ZELO_TEST_BROWSER") {
        return;
    }
    let browser = BROWSERS.into_iter().find(|path| Path::new(path).exists()).expect("a browser is installed");
    let node = Node::demo();
    let home = tempfile::tempdir().unwrap();
    let line = home.path().join("ready.json");
    let ready = serde_json::json!({
        "http": node.ready.http,
        "mqtt": node.ready.mqtt,
        "users": node.ready.users.iter().map(|user| serde_json::json!({
            "role": user.role, "email": user.email, "password": user.password,
        })).collect::<Vec<_>>(),
        "devices": node.ready.devices.iter().map(|device| serde_json::json!({
            "device_id": device.device_id, "token": device.token,
            "patient_id": device.patient_id, "replayed": device.replayed,
        })).collect::<Vec<_>>(),
    });
    std::fs::write(&line, ready.to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/dashboard.mjs");
    let ran = Command::new("node").arg(script).arg(&line).arg(browser).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    println!("{said}");
    assert!(said.lines().filter(|line| line.starts_with("ok ")).count() > 100, "the walk was cut short");
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(node.stop().success());
}
