//! A wearable made of mosquitto's programs: `mosquitto_pub -l` sends, `mosquitto_sub` listens. What they hear is
//! read from their debug lines.

use std::io::Write;
use std::process::Command;

use super::client::{Act, BURST, Heard, Running, TEMPLATE, Version, WINDOW, reading, topic};
use super::ward::Ward;
use crate::support::node::Device;

/// More lines than a stream can send before the test that revokes it loses patience.
const LONG: i64 = 1_000_000;

pub(super) fn start(ward: &Ward, device: &Device, version: Version, act: Act) -> Running {
    let mut command = program("mosquitto_pub", ward, device, version);
    let (window, expected) = match &act {
        Act::Publish { payloads, .. } => (BURST, payloads.len()),
        Act::Stream { .. } | Act::Hold => (WINDOW, usize::MAX),
    };
    command.args(["-l", "-M", &window.to_string(), "-t", &topic(device, "telemetry")]);
    let (mut sent, mut acked, mut most) = (0, 0, 0);
    let mut running = reading(command, move |line| {
        sent += usize::from(line.contains("sending PUBLISH ("));
        most = most.max(sent - acked);
        match understand(line, version) {
            // Told to leave, mosquitto_pub stands still.
            Some(goodbye @ Heard::Disconnect { .. }) => vec![goodbye, Heard::Closed],
            Some(ack @ Heard::Puback { .. }) => {
                acked += 1;
                let last = (acked == expected).then_some(Heard::Flight { most });
                std::iter::once(ack).chain(last).collect()
            }
            heard => heard.into_iter().collect(),
        }
    });
    let payloads: Box<dyn Iterator<Item = String> + Send> = match act {
        Act::Publish { payloads, .. } => Box::new(payloads.into_iter()),
        Act::Stream { first } => {
            Box::new((first..first + LONG).map(|at| TEMPLATE.replace("STAMP", &at.to_string())))
        }
        // An open input keeps it connected.
        Act::Hold => return running,
    };
    let mut stdin = running.child.as_mut().and_then(|child| child.stdin.take()).unwrap();
    std::thread::spawn(move || {
        for payload in payloads {
            if writeln!(stdin, "{payload}").is_err() {
                return;
            }
        }
    });
    running
}

/// What each subscription was answered: the granted QoS, or a refusal.
pub(super) fn subscribed(ward: &Ward, device: &Device, version: Version, topics: &[String]) -> Vec<u8> {
    let mut command = program("mosquitto_sub", ward, device, version);
    // It leaves once it was answered, and after ten seconds anyway.
    command.args(["-E", "-W", "10"]);
    for topic in topics {
        command.args(["-t", topic]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (_, codes) = said.split_once("Subscribed (mid: 1): ").unwrap_or_else(|| panic!("no SUBACK: {said}"));
    codes.lines().next().unwrap().split(", ").map(|code| code.parse().unwrap()).collect()
}

/// One of mosquitto's programs as the device, with debug lines that are read as they come.
fn program(name: &str, ward: &Ward, device: &Device, version: Version) -> Command {
    let (host, port) = ward.node().mqtt();
    let mut command = Command::new("stdbuf");
    command.args(["-oL", name, "-d", "-q", "1", "-k", "30", "-h", host, "-p", &port.to_string()]);
    command.args(["-V", if version == Version::V5 { "5" } else { "311" }]);
    command.args([
        "-i",
        &format!("wearable-{}", ward.number()),
        "-u",
        &device.device_id,
        "-P",
        &device.token,
    ]);
    command
}

/// `Client x received PUBACK (Mid: 1, RC:135)`, and the like.
fn understand(line: &str, version: Version) -> Option<Heard> {
    let number = |after: &str| {
        let (_, rest) = line.split_once(after)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    if let Some(code) = number("received CONNACK (") {
        Some(Heard::Connack { code })
    } else if line.contains("received PUBACK (") {
        let code = number("RC:").filter(|_| version == Version::V5);
        Some(Heard::Puback { code, reason: None })
    } else {
        number("eceived DISCONNECT (").map(|code| Heard::Disconnect { code })
    }
}
