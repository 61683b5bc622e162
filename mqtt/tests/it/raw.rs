//! A client that says exactly what a test tells it to, right or wrong.

use super::house::{PATIENCE, TOKEN, topic};
use mqtt_protocol_core::mqtt::packet::{Property, v5_0};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) struct Raw {
    stream: Box<dyn Stream>,
    pub device: Uuid,
    level: u8,
}

/// What a CONNECT says; by default a correct one.
#[derive(Clone)]
pub(crate) struct Hello {
    pub level: u8,
    pub client_id: String,
    pub clean: bool,
    pub keep_alive: u16,
    pub props: Vec<u8>,
    pub will: Option<(String, String, bool)>,
    pub user_name: Option<String>,
    pub password: Option<String>,
}

impl Hello {
    pub(crate) fn new(level: u8, device: Uuid) -> Self {
        Self {
            level,
            client_id: "any".into(),
            clean: true,
            keep_alive: 60,
            props: vec![],
            will: None,
            user_name: Some(device.to_string()),
            password: Some(TOKEN.into()),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut flags = u8::from(self.clean) << 1;
        let mut payload = string(&self.client_id);
        if let Some((topic, body, retain)) = &self.will {
            flags |= 0x04 | u8::from(*retain) << 5;
            payload.extend(props(self.level, &[]));
            payload.extend([string(topic), string(body)].concat());
        }
        for (text, bit) in [(&self.user_name, 0x80), (&self.password, 0x40)] {
            if let Some(text) = text {
                flags |= bit;
                payload.extend(string(text));
            }
        }
        let [high, low] = self.keep_alive.to_be_bytes();
        let mut body = string("MQTT");
        body.extend([self.level, flags, high, low]);
        body.extend(props(self.level, &self.props));
        body.extend(payload);
        packet(0x10, &body)
    }
}

pub(crate) fn string(s: &str) -> Vec<u8> {
    let length = u16::try_from(s.len()).unwrap().to_be_bytes();
    [&length[..], s.as_bytes()].concat()
}

fn props(level: u8, props: &[u8]) -> Vec<u8> {
    if level < 5 { vec![] } else { [&varint(props.len())[..], props].concat() }
}

pub(crate) fn varint(mut n: usize) -> Vec<u8> {
    let mut out = vec![];
    loop {
        let low = u8::try_from(n % 128).unwrap();
        n /= 128;
        out.push(low | u8::from(n > 0) << 7);
        if n == 0 {
            return out;
        }
    }
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first][..], &varint(body.len()), body].concat()
}

/// PUBLISH with `first` as its first byte; an identifier when its QoS asks for one.
pub(crate) fn publish(
    level: u8,
    first: u8,
    topic: &str,
    id: u16,
    properties: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut body = string(topic);
    if first & 0x06 != 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(props(level, properties));
    body.extend(payload);
    packet(first, &body)
}

pub(crate) fn subscribe(level: u8, id: u16, filters: &[&str], qos: u8) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(props(level, &[]));
    for filter in filters {
        body.extend(string(filter));
        body.push(qos);
    }
    packet(0x82, &body)
}

impl Raw {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), device: Uuid::nil(), level: 5 }
    }

    /// Logs in and takes the CONNACK.
    pub(crate) async fn login(address: SocketAddr, level: u8, device: Uuid) -> Self {
        Self::login_as(address, device, &Hello::new(level, device)).await
    }

    pub(crate) async fn login_as(address: SocketAddr, device: Uuid, hello: &Hello) -> Self {
        let mut raw = Self::open(address).await;
        (raw.device, raw.level) = (device, hello.level);
        raw.send(&hello.bytes()).await;
        let (first, body) = raw.packet().await;
        assert_eq!((first, body[1]), (0x20, 0), "CONNACK accepts: {body:x?}");
        raw
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends what may no longer be wanted.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Publishes telemetry.
    pub(crate) async fn telemetry(&mut self, qos: u8, id: u16, payload: &str) {
        let bytes = publish(
            self.level,
            0x30 | qos << 1,
            &topic(self.device, "telemetry"),
            id,
            &[],
            payload.as_bytes(),
        );
        self.send(&bytes).await;
    }

    /// The next packet: first byte and body.
    pub(crate) async fn packet(&mut self) -> (u8, Vec<u8>) {
        self.next().await.expect("a packet, not the end")
    }

    /// The next packet, or `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        timeout(PATIENCE, self.read()).await.expect("an answer in time")
    }

    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((first, body))
    }

    /// PUBACK or PUBREC: first byte, identifier, code, reason string and user properties.
    pub(crate) async fn ack(&mut self) -> (u8, u16, u8, String) {
        let (first, body) = self.packet().await;
        let (packet, _) = v5_0::Puback::parse(&body).unwrap_or_else(|e| panic!("{first:x} {body:x?}: {e}"));
        let words = packet.props().iter().flatten().map(|p| match p {
            Property::ReasonString(v) => v.val().to_owned(),
            Property::UserProperty(v) => format!("{}={}", v.key(), v.val()),
            other => panic!("unexpected property {other}"),
        });
        let words: Vec<String> = words.collect();
        (first, packet.packet_id(), body.get(2).copied().unwrap_or(0), words.join(" "))
    }

    /// DISCONNECT and then the end: its code and reason string.
    pub(crate) async fn disconnected(&mut self) -> (u8, String) {
        let (first, body) = self.packet().await;
        assert_eq!(first, 0xe0, "DISCONNECT, not {body:x?}");
        let (packet, _) = v5_0::Disconnect::parse(&body).unwrap();
        let reason = packet.props().iter().flatten().find_map(|p| match p {
            Property::ReasonString(v) => Some(v.val().to_owned()),
            _ => None,
        });
        assert_eq!(self.next().await, None, "nothing after DISCONNECT");
        (body[0], reason.unwrap_or_default())
    }
}
