//! One way to start any client: a program that does what a JSON job says and tells what it hears, a line each.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::ward::Ward;
use super::{mosquitto, rumqtt};
use crate::support::node::Device;

/// Messages a stream keeps in flight.
pub(super) const WINDOW: usize = 20;
/// Messages that are published at once, and that a client may have in flight if it wants.
pub(super) const BURST: usize = 1_000;
/// What the gateway announces.
pub(super) const RECEIVE_MAXIMUM: usize = 256;
/// How long a client waits for the next thing to happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V311,
    V5,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Mosquitto,
    Paho,
    Aiomqtt,
    MqttJs,
    Rumqttc,
}

/// What a wearable does.
pub(super) enum Act {
    /// Publishes all at once, as many in flight as the client lets, waits for every acknowledgement and so many
    /// notices, and leaves.
    Publish { payloads: Vec<String>, notices: usize },
    /// Publishes readings a millisecond apart, [`WINDOW`] in flight, until it is disconnected.
    Stream { first: i64 },
    /// Listens for notices until it is disconnected.
    Hold,
}

/// What a wearable hears.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "heard", rename_all = "lowercase")]
pub(super) enum Heard {
    Connack {
        code: u8,
    },
    Suback {},
    /// The code where the protocol has one and the client tells it.
    Puback {
        code: Option<u8>,
        reason: Option<String>,
    },
    Notice {
        body: Value,
    },
    Disconnect {
        code: u8,
    },
    /// The most messages that were in flight at once.
    Flight {
        most: usize,
    },
    Closed,
}

/// A wearable at work; it ends with its test.
pub(super) struct Running {
    pub heard: Receiver<Heard>,
    pub child: Option<Child>,
}

impl Running {
    /// The next thing it hears.
    pub(super) fn next(&mut self) -> Heard {
        self.heard.recv_timeout(PATIENCE).unwrap_or_else(|why| panic!("the client hears nothing: {why}"))
    }

    /// What it hears up to the first that `last` accepts.
    pub(super) fn until(&mut self, last: impl Fn(&Heard) -> bool) -> Vec<Heard> {
        let mut heard = vec![];
        loop {
            heard.push(self.next());
            if heard.last().is_some_and(&last) {
                return heard;
            }
        }
    }

    /// What it hears until it ends.
    pub(super) fn rest(&mut self) -> Vec<Heard> {
        self.until(|heard| *heard == Heard::Closed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _already_ended = child.kill();
            let _already_waited = child.wait();
        }
    }
}

impl Client {
    /// Whether it tells its user the code of an acknowledgement; aiomqtt keeps it to itself.
    pub(super) fn tells_codes(self) -> bool {
        self != Self::Aiomqtt
    }

    /// Whether it sends on regardless of the receive maximum that MQTT 5 tells it; 3.1.1 has none. mosquitto and
    /// rumqttc hold to it and cannot be told not to.
    pub(super) fn ignores_receive_maximum(self) -> bool {
        matches!(self, Self::Paho | Self::Aiomqtt | Self::MqttJs)
    }

    /// Whether it listens while it publishes; mosquitto has a program for each, and a device one session.
    pub(super) fn listens(self) -> bool {
        self != Self::Mosquitto
    }

    /// Whether it ends with its session; in 3.1.1 mosquitto connects again after a second without a word.
    pub(super) fn stays_away(self, version: Version) -> bool {
        self != Self::Mosquitto || version == Version::V5
    }

    pub(super) fn start(self, ward: &Ward, device: &Device, version: Version, act: Act) -> Running {
        match self {
            Self::Mosquitto => mosquitto::start(ward, device, version, act),
            Self::Rumqttc => rumqtt::start(ward, device, version, act),
            Self::Paho => lines(python("paho_client.py"), &job(ward, device, version, &act)),
            Self::Aiomqtt => lines(python("aiomqtt_client.py"), &job(ward, device, version, &act)),
            Self::MqttJs => {
                let mut node = Command::new("node");
                node.arg(script("mqttjs_client.mjs"));
                lines(node, &job(ward, device, version, &act))
            }
        }
    }
}

/// The topic of a device.
pub(super) fn topic(device: &Device, leaf: &str) -> String {
    format!("zelo/v1/devices/{}/{leaf}", device.device_id)
}

/// The payload of a stream with the word `STAMP` where its instant goes.
pub(super) const TEMPLATE: &str = "{\"ts\": STAMP, \"values\": {\"spo2\": 97}}";

fn job(ward: &Ward, device: &Device, version: Version, act: &Act) -> Value {
    let (host, port) = ward.node().mqtt();
    let (name, payloads, notices, first) = match act {
        Act::Publish { payloads, notices } => ("publish", payloads.clone(), *notices, 0),
        Act::Stream { first } => ("stream", vec![], 0, *first),
        Act::Hold => ("hold", vec![], 0, 0),
    };
    let listens = notices > 0 || matches!(act, Act::Hold);
    json!({
        "host": host,
        "port": port,
        "version": if version == Version::V5 { "5" } else { "3.1.1" },
        "client_id": format!("wearable-{}", ward.number()),
        "device": device.device_id,
        "token": device.token,
        "topic": topic(device, "telemetry"),
        "notices": listens.then(|| topic(device, "notices")),
        "await_notices": notices,
        "act": name,
        "payloads": payloads,
        "first": first,
        "template": TEMPLATE,
        // 0: no window of its own.
        "window": if name == "publish" { 0 } else { WINDOW },
        "patience": PATIENCE.as_secs(),
    })
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/mqtt").join(name)
}

fn python(name: &str) -> Command {
    let interpreter = std::env::var_os("ZELO_TEST_PYTHON").expect("ZELO_TEST_PYTHON (tests/run sets it)");
    let mut command = Command::new(interpreter);
    command.arg(script(name));
    command
}

/// A program that tells each thing it hears as a line of JSON.
fn lines(mut command: Command, job: &Value) -> Running {
    command.arg(job.to_string());
    let heard = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    reading(command, move |line| vec![heard(line)])
}

/// A program whose lines `read` turns into what it hears, up to its end.
pub(super) fn reading(
    mut command: Command,
    mut read: impl FnMut(&str) -> Vec<Heard> + Send + 'static,
) -> Running {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the client is installed");
    let stdout = child.stdout.take().unwrap();
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            for one in read(&line) {
                let last = one == Heard::Closed;
                if sender.send(one).is_err() || last {
                    return;
                }
            }
        }
        let _nobody_listens = sender.send(Heard::Closed);
    });
    Running { heard, child: Some(child) }
}
