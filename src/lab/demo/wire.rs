//! One device's connection, by a client library that we did not write, in either protocol: publish, and hear
//! what comes of it.

use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::v5;
use rumqttc::v5::mqttbytes::v5::DisconnectReasonCode;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::clinic::Protocol;

/// Messages that may be under way at once; the gateway takes 256.
pub(super) const WINDOW: usize = 8;
const IN_FLIGHT: u16 = 16;
const LARGEST: usize = 1_048_576;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const FAREWELL: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// The gateway took the connection.
    Connected,
    /// It answered one message: committed, or refused for good. Nothing is to be sent again.
    Answered,
    /// The connection is gone; whatever was not answered is to be sent again.
    Lost(String),
    /// Somebody else speaks for this device now.
    TakenOver,
}

/// Who connects.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) address: SocketAddr,
    pub(super) device: String,
    pub(super) token: String,
}

enum Client {
    V4(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

pub(super) struct Wire {
    client: Client,
    heard: mpsc::UnboundedReceiver<Heard>,
    listening: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Wire {
    /// Begins to connect; [`Heard::Connected`] or [`Heard::Lost`] follows.
    pub(super) fn open(protocol: Protocol, login: &Login) -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        let (client, listening) = match protocol {
            Protocol::V4 => v4(login, tell),
            Protocol::V5 => v5(login, tell),
        };
        Self { client, heard, listening }
    }

    /// Hands a message over; at most [`WINDOW`] before they are answered. `false` when the connection is gone.
    pub(super) fn publish(&self, topic: &str, payload: Vec<u8>) -> bool {
        match &self.client {
            Client::V4(client) => {
                client.try_publish(topic, rumqttc::QoS::AtLeastOnce, false, payload).is_ok()
            }
            Client::V5(client) => {
                client.try_publish(topic, v5::mqttbytes::QoS::AtLeastOnce, false, payload).is_ok()
            }
        }
    }

    /// The next word. May be dropped half-way without losing one.
    pub(super) async fn hear(&mut self) -> Heard {
        self.heard.recv().await.unwrap_or_else(|| Heard::Lost("the connection has ended".to_owned()))
    }

    /// Says good-bye, so that no will is published.
    pub(super) async fn close(mut self) {
        let asked = match &self.client {
            Client::V4(client) => client.try_disconnect().is_ok(),
            Client::V5(client) => client.try_disconnect().is_ok(),
        };
        if asked {
            let _too_late = timeout(FAREWELL, &mut self.listening).await;
        }
    }
}

type Listener = mpsc::UnboundedSender<Heard>;

fn v4(login: &Login, tell: Listener) -> (Client, JoinHandle<()>) {
    let (host, port) = (login.address.ip().to_string(), login.address.port());
    let mut options = rumqttc::MqttOptions::new(&login.device, host, port);
    options.set_credentials(&login.device, &login.token);
    options.set_keep_alive(KEEP_ALIVE).set_max_packet_size(LARGEST, LARGEST);
    let (client, mut events) = rumqttc::AsyncClient::new(options, WINDOW * 2);
    let listening = tokio::spawn(async move {
        loop {
            let heard = match events.poll().await {
                Ok(rumqttc::Event::Incoming(rumqttc::Packet::ConnAck(_))) => Heard::Connected,
                Ok(rumqttc::Event::Incoming(rumqttc::Packet::PubAck(_))) => Heard::Answered,
                Ok(_) => continue,
                Err(error) => Heard::Lost(error.to_string()),
            };
            if !pass(&tell, heard) {
                return;
            }
        }
    });
    (Client::V4(client), listening)
}

fn v5(login: &Login, tell: Listener) -> (Client, JoinHandle<()>) {
    use v5::mqttbytes::v5::Packet;
    let (host, port) = (login.address.ip().to_string(), login.address.port());
    let mut options = v5::MqttOptions::new(&login.device, host, port);
    options.set_credentials(&login.device, &login.token);
    options.set_keep_alive(KEEP_ALIVE);
    // The library keeps a place for each message that may be under way: 65,535 of them, 14 MB a client, unless told.
    options.set_outgoing_inflight_upper_limit(IN_FLIGHT);
    let (client, mut events) = v5::AsyncClient::new(options, WINDOW * 2);
    let listening = tokio::spawn(async move {
        loop {
            let heard = match events.poll().await {
                Ok(v5::Event::Incoming(Packet::ConnAck(_))) => Heard::Connected,
                Ok(v5::Event::Incoming(Packet::PubAck(_))) => Heard::Answered,
                Ok(_) => continue,
                Err(error) => lost_v5(&error),
            };
            if !pass(&tell, heard) {
                return;
            }
        }
    });
    (Client::V5(client), listening)
}

fn lost_v5(error: &v5::ConnectionError) -> Heard {
    match error {
        v5::ConnectionError::MqttState(v5::StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::SessionTakenOver,
            ..
        }) => Heard::TakenOver,
        other => Heard::Lost(other.to_string()),
    }
}

/// Whether to go on listening.
fn pass(tell: &Listener, heard: Heard) -> bool {
    let ended = matches!(heard, Heard::Lost(_) | Heard::TakenOver);
    tell.send(heard).is_ok() && !ended
}
