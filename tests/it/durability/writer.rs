//! A device that never rests: it keeps a window of messages in flight and notes what it is told of each.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant as Moment};

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAck, PubAckProperties, PubAckReason};
use rumqttc::v5::{AsyncClient, Event, EventLoop};

/// What became of one connection.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Messages that were acknowledged as stored.
    pub stored: Vec<String>,
    /// The reasons of those that were refused.
    pub refused: Vec<String>,
    /// Messages that were sent and not answered.
    pub open: usize,
    /// The error that ended it; it names the DISCONNECT, if one came.
    pub goodbye: String,
    /// When the connection ended.
    pub ended: Option<Moment>,
}

/// Publishes what `next` gives until the connection ends; `sent` is called with each message that left.
pub(super) async fn write(
    (client, mut events): (AsyncClient, EventLoop),
    topic: String,
    mut next: impl FnMut() -> String + Send + 'static,
) -> Told {
    let mut told = Told::default();
    let (queue, mut queued) = tokio::sync::mpsc::unbounded_channel();
    let publisher = tokio::spawn(async move {
        loop {
            let body = next();
            let sent = client.publish(topic.clone(), QoS::AtLeastOnce, false, body.clone()).await;
            if sent.is_err() || queue.send(body).is_err() {
                return;
            }
        }
    });
    let (mut waiting, mut flight) = (VecDeque::new(), HashMap::new());
    loop {
        match events.poll().await {
            Ok(Event::Outgoing(Outgoing::Publish(id))) => {
                while waiting.is_empty() {
                    let Some(body) = queued.recv().await else { break };
                    waiting.push_back(body);
                }
                if let Some(body) = waiting.pop_front() {
                    flight.insert(id, body);
                }
            }
            Ok(Event::Incoming(Packet::PubAck(ack))) => {
                let body = flight.remove(&ack.pkid).expect("an answer to what was sent");
                match said(ack) {
                    Ok(()) => told.stored.push(body),
                    Err(why) => told.refused.push(why),
                }
            }
            Ok(_other) => {}
            Err(error) => {
                told.ended = Some(Moment::now());
                told.goodbye = format!("{error:?}");
                break;
            }
        }
    }
    publisher.abort();
    told.open = flight.len();
    told
}

/// Sends every body once and waits for all answers: how many were taken, and why others were not.
pub(super) async fn send_all(
    (client, mut events): (AsyncClient, EventLoop),
    topic: String,
    bodies: Vec<impl Into<Vec<u8>> + Send + 'static>,
) -> (usize, Vec<String>) {
    let (count, mut taken, mut refused) = (bodies.len(), 0, Vec::new());
    let publisher = tokio::spawn(async move {
        for body in bodies {
            client.publish(topic.clone(), QoS::AtLeastOnce, false, body.into()).await.unwrap();
        }
        client
    });
    while taken + refused.len() < count {
        let event = tokio::time::timeout(Duration::from_secs(30), events.poll()).await;
        let Event::Incoming(Packet::PubAck(ack)) = event.expect("an answer within thirty seconds").unwrap()
        else {
            continue;
        };
        match said(ack) {
            Ok(()) => taken += 1,
            Err(why) => refused.push(why),
        }
    }
    drop(publisher.await.unwrap());
    (taken, refused)
}

/// Whether all of a message was stored; else why not. Success says nothing of parts that were refused or set aside:
/// user properties do.
fn said(ack: PubAck) -> Result<(), String> {
    let properties =
        ack.properties.unwrap_or(PubAckProperties { reason_string: None, user_properties: vec![] });
    if ack.reason == PubAckReason::Success && properties.user_properties.is_empty() {
        return Ok(());
    }
    let parts = properties.user_properties.iter().map(|(name, value)| format!(" {name}={value}"));
    let why = properties.reason_string.unwrap_or_default();
    Err(format!("{:?} {why}{}", ack.reason, parts.collect::<String>()))
}

/// One heart rate at an instant in milliseconds.
pub(super) fn heart_rate(at: i64, value: f64) -> String {
    serde_json::json!({ "ts": at, "values": { "heart_rate": value } }).to_string()
}
