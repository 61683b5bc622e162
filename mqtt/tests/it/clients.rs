//! rumqttc, a client we did not write, in both protocols.

use super::house::{Edge, PATIENCE, TOKEN, device, topic};
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, Packet as PacketV5, PubAckReason};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn rumqttc_3_1_1_gets_its_acknowledgements() {
    let edge = Edge::new();
    let (address, device) = (edge.handle.local_addr(), device());
    let mut options = rumqttc::MqttOptions::new("client", address.ip().to_string(), address.port());
    options.set_credentials(device.to_string(), TOKEN).set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = rumqttc::AsyncClient::new(options, 100);
    for qos in [rumqttc::QoS::AtLeastOnce, rumqttc::QoS::ExactlyOnce, rumqttc::QoS::AtMostOnce] {
        for _ in 0..10 {
            client.publish(topic(device, "telemetry"), qos, false, "ok").await.unwrap();
        }
    }
    let (mut acked, mut completed) = (0, 0);
    while (acked, completed) != (10, 10) {
        match timeout(PATIENCE, events.poll()).await.expect("in time").unwrap() {
            rumqttc::Event::Incoming(rumqttc::Packet::PubAck(_)) => acked += 1,
            rumqttc::Event::Incoming(rumqttc::Packet::PubComp(_)) => completed += 1,
            _ => {}
        }
    }
    assert!(edge.house.seen().len() >= 20);
}

#[tokio::test]
async fn rumqttc_5_hears_why_a_message_is_refused_and_takes_a_command() {
    let edge = Edge::new();
    let (address, device) = (edge.handle.local_addr(), device());
    edge.house.queue_command(device, "sync");
    let mut options = rumqttc::v5::MqttOptions::new("client", address.ip().to_string(), address.port());
    options.set_credentials(device.to_string(), TOKEN).set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = rumqttc::v5::AsyncClient::new(options, 100);
    let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
    client.subscribe(topic(device, "commands"), qos).await.unwrap();
    client.publish(topic(device, "telemetry"), qos, false, "ok").await.unwrap();
    client.publish(topic(device, "telemetry"), qos, false, "refuse").await.unwrap();
    let (mut acks, mut command) = (vec![], None);
    while acks.len() < 2 || command.is_none() {
        match timeout(PATIENCE, events.poll()).await.expect("in time").unwrap() {
            rumqttc::v5::Event::Incoming(PacketV5::ConnAck(ack)) => {
                assert_eq!(ack.code, ConnectReturnCode::Success)
            }
            rumqttc::v5::Event::Incoming(PacketV5::PubAck(ack)) => acks.push((ack.reason, ack.properties)),
            rumqttc::v5::Event::Incoming(PacketV5::Publish(p)) => command = Some(p.payload),
            _ => {}
        }
    }
    assert_eq!(acks[0].0, PubAckReason::Success);
    assert_eq!(acks[1].0, PubAckReason::NotAuthorized);
    let words = acks[1].1.as_ref().and_then(|p| p.reason_string.clone());
    assert_eq!(words.as_deref(), Some("E_REFUSED LGPD art. 11"));
    assert_eq!(command.as_deref(), Some(&b"sync"[..]));
}
