//! A wearable made of mosquitto's programs: `mosquitto_pub -l` sends, `mosquitto_sub` listens. What they hear is
//! read from their debug lines.

use std::io::Write;
use std::process::Command;

use super::client::{Act, Heard, Running, TEMPLATE, Version, WINDOW, reading, topic};
use super::ward::Ward;
use crate::support::node::Device;

/// More lines than a stream can send before the test that revokes it loses patience.
const LONG: i64 = 1_000_000;

pub fn start(ward: &Ward, device: &Device, version: Version, act: Act) -> Running {
    let (host, port) = ward.node().mqtt();
    let (program, leaf) = match act {
        Act::Hold => ("mosquitto_sub", "notices"),
        Act::Publish { .. } | Act::Stream { .. } => ("mosquitto_pub", "telemetry"),
    };
    // Their standard output is read line by line as it comes.
    let mut command = Command::new("stdbuf");
    command.args(["-oL", program, "-d", "-q", "1", "-k", "30", "-h", host, "-p", &port.to_string()]);
    command.args(["-V", if version == Version::V5 { "5" } else { "311" }, "-M", &WINDOW.to_string()]);
    command.args([
        "-i",
        &format!("wearable-{}", ward.number()),
        "-u",
        &device.device_id,
        "-P",
        &device.token,
    ]);
    command.args(["-t", &topic(device, leaf)]);
    if program == "mosquitto_pub" {
        command.arg("-l");
    }
    let mut connects = 0;
    let mut running = reading(command, move |line| {
        // After the end of its session mosquitto_sub connects again by itself, and mosquitto_pub stands still.
        connects += i32::from(line.ends_with("sending CONNECT"));
        match understand(line, version) {
            Some(goodbye @ Heard::Disconnect { .. }) => vec![goodbye, Heard::Closed],
            None if connects > 1 => vec![Heard::Closed],
            heard => heard.into_iter().collect(),
        }
    });
    let mut stdin = running.child.as_mut().and_then(|child| child.stdin.take()).unwrap();
    std::thread::spawn(move || {
        let payloads: Box<dyn Iterator<Item = String>> = match act {
            Act::Publish { payloads, .. } => Box::new(payloads.into_iter()),
            Act::Stream { first } => {
                Box::new((first..first + LONG).map(|at| TEMPLATE.replace("STAMP", &at.to_string())))
            }
            Act::Hold => Box::new(std::iter::empty()),
        };
        for payload in payloads {
            if writeln!(stdin, "{payload}").is_err() {
                return;
            }
        }
    });
    running
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
    } else if line.contains("received SUBACK") {
        Some(Heard::Suback {})
    } else {
        number("eceived DISCONNECT (").map(|code| Heard::Disconnect { code })
    }
}
