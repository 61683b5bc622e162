//! A wearable on rumqttc, in a thread of the test.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5 as five;
use rumqttc::{mqttbytes::v4 as four, v5};

use super::client::{Act, BURST, Heard, PATIENCE, Running, TEMPLATE, Version, WINDOW, topic};
use super::ward::Ward;
use crate::support::node::Device;

const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// More than any test publishes at once, so that publishing never waits for the event loop.
const QUEUE: usize = 2_000;

pub(super) fn start(ward: &Ward, device: &Device, version: Version, act: Act) -> Running {
    let (host, port) = ward.node().mqtt();
    let (sender, heard) = channel();
    let life = Life { sender, device: device.clone(), act, host: host.to_owned(), port, id: ward.number() };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match version {
            Version::V311 => runtime.block_on(life.in_3_1_1()),
            Version::V5 => runtime.block_on(life.in_5()),
        }
    });
    Running { heard, child: None }
}

struct Life {
    sender: Sender<Heard>,
    device: Device,
    act: Act,
    host: String,
    port: u16,
    id: i64,
}

impl Life {
    /// What goes out once the connection stands.
    fn first_payloads(&self) -> Vec<String> {
        match &self.act {
            Act::Publish { payloads, .. } => payloads.clone(),
            Act::Stream { first } => (*first..).take(WINDOW).map(stamped).collect(),
            Act::Hold => vec![],
        }
    }

    /// What goes out after the `acked`th acknowledgement.
    fn next_payload(&self, acked: usize) -> Option<String> {
        let Act::Stream { first } = &self.act else { return None };
        Some(stamped(first + i64::try_from(WINDOW + acked - 1).unwrap()))
    }

    fn window(&self) -> usize {
        if matches!(self.act, Act::Publish { .. }) { BURST } else { WINDOW }
    }

    fn listens(&self) -> bool {
        matches!(self.act, Act::Hold | Act::Publish { notices: 1.., .. })
    }

    fn is_done(&self, acked: usize, noticed: usize) -> bool {
        matches!(&self.act, Act::Publish { payloads, notices } if acked >= payloads.len() && noticed >= *notices)
    }

    fn tell(&self, heard: Heard) {
        let _test_is_over = self.sender.send(heard);
    }

    async fn in_5(self) {
        let mut options = v5::MqttOptions::new(format!("wearable-{}", self.id), &self.host, self.port);
        options.set_credentials(&self.device.device_id, &self.device.token).set_keep_alive(KEEP_ALIVE);
        let (client, mut events) = v5::AsyncClient::new(options, QUEUE);
        let publish = |payload| {
            client.try_publish(topic(&self.device, "telemetry"), five_qos(), false, payload).unwrap();
        };
        let (mut acked, mut noticed, mut sent, mut most) = (0, 0, 0, 0);
        loop {
            let packet = match tokio::time::timeout(PATIENCE, events.poll()).await {
                Ok(Ok(v5::Event::Incoming(packet))) => packet,
                Ok(Ok(v5::Event::Outgoing(out))) => {
                    sent += usize::from(matches!(out, rumqttc::Outgoing::Publish(_)));
                    most = most.max(sent - acked);
                    continue;
                }
                Ok(Err(v5::ConnectionError::ConnectionRefused(five::ConnectReturnCode::NotAuthorized))) => {
                    self.tell(Heard::Connack { code: 0x87 });
                    break;
                }
                Ok(Err(v5::ConnectionError::ConnectionRefused(five::ConnectReturnCode::Banned))) => {
                    self.tell(Heard::Connack { code: 0x8A });
                    break;
                }
                Ok(Err(v5::ConnectionError::MqttState(v5::StateError::ServerDisconnect {
                    reason_code,
                    ..
                }))) => {
                    self.tell(Heard::Disconnect { code: disconnect_code(reason_code) });
                    break;
                }
                Ok(Err(_)) | Err(_) => break,
            };
            match packet {
                five::Packet::ConnAck(_) => {
                    self.tell(Heard::Connack { code: 0 });
                    if self.listens() {
                        client.try_subscribe(topic(&self.device, "notices"), five_qos()).unwrap();
                    }
                    self.first_payloads().into_iter().for_each(publish);
                }
                five::Packet::SubAck(_) => self.tell(Heard::Suback {}),
                five::Packet::PubAck(ack) => {
                    acked += 1;
                    let reason = ack.properties.and_then(|properties| properties.reason_string);
                    self.tell(Heard::Puback { code: Some(puback_code(ack.reason)), reason });
                    self.next_payload(acked).into_iter().for_each(publish);
                }
                five::Packet::Publish(message) => {
                    noticed += 1;
                    self.tell(Heard::Notice { body: serde_json::from_slice(&message.payload).unwrap() });
                }
                _ => {}
            }
            if self.is_done(acked, noticed) {
                self.tell(Heard::Flight { most });
                let _already_gone = client.try_disconnect();
            }
        }
        self.tell(Heard::Closed);
    }

    async fn in_3_1_1(self) {
        let mut options = rumqttc::MqttOptions::new(format!("wearable-{}", self.id), &self.host, self.port);
        options.set_credentials(&self.device.device_id, &self.device.token).set_keep_alive(KEEP_ALIVE);
        options.set_inflight(u16::try_from(self.window()).unwrap());
        let (client, mut events) = rumqttc::AsyncClient::new(options, QUEUE);
        let at_least_once = rumqttc::QoS::AtLeastOnce;
        let publish = |payload: String| {
            client.try_publish(topic(&self.device, "telemetry"), at_least_once, false, payload).unwrap();
        };
        let (mut acked, mut noticed, mut sent, mut most) = (0, 0, 0, 0);
        loop {
            let packet = match tokio::time::timeout(PATIENCE, events.poll()).await {
                Ok(Ok(rumqttc::Event::Incoming(packet))) => packet,
                Ok(Ok(rumqttc::Event::Outgoing(out))) => {
                    sent += usize::from(matches!(out, rumqttc::Outgoing::Publish(_)));
                    most = most.max(sent - acked);
                    continue;
                }
                Ok(Err(rumqttc::ConnectionError::ConnectionRefused(
                    four::ConnectReturnCode::NotAuthorized,
                ))) => {
                    self.tell(Heard::Connack { code: 5 });
                    break;
                }
                Ok(Err(_)) | Err(_) => break,
            };
            match packet {
                rumqttc::Packet::ConnAck(_) => {
                    self.tell(Heard::Connack { code: 0 });
                    if self.listens() {
                        client.try_subscribe(topic(&self.device, "notices"), at_least_once).unwrap();
                    }
                    self.first_payloads().into_iter().for_each(publish);
                }
                rumqttc::Packet::SubAck(_) => self.tell(Heard::Suback {}),
                rumqttc::Packet::PubAck(_) => {
                    acked += 1;
                    self.tell(Heard::Puback { code: None, reason: None });
                    self.next_payload(acked).into_iter().for_each(publish);
                }
                rumqttc::Packet::Publish(message) => {
                    noticed += 1;
                    self.tell(Heard::Notice { body: serde_json::from_slice(&message.payload).unwrap() });
                }
                _ => {}
            }
            if self.is_done(acked, noticed) {
                self.tell(Heard::Flight { most });
                let _already_gone = client.try_disconnect();
            }
        }
        self.tell(Heard::Closed);
    }
}

fn stamped(at: i64) -> String {
    TEMPLATE.replace("STAMP", &at.to_string())
}

fn five_qos() -> v5::mqttbytes::QoS {
    v5::mqttbytes::QoS::AtLeastOnce
}

fn puback_code(reason: five::PubAckReason) -> u8 {
    match reason {
        five::PubAckReason::Success => 0x00,
        five::PubAckReason::NotAuthorized => 0x87,
        five::PubAckReason::PayloadFormatInvalid => 0x99,
        other => panic!("no answer of ours: {other:?}"),
    }
}

fn disconnect_code(reason: five::DisconnectReasonCode) -> u8 {
    match reason {
        five::DisconnectReasonCode::NotAuthorized => 0x87,
        five::DisconnectReasonCode::SessionTakenOver => 0x8E,
        five::DisconnectReasonCode::AdministrativeAction => 0x98,
        other => panic!("no goodbye of ours: {other:?}"),
    }
}
