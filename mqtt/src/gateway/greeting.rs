//! The first packet: reads CONNECT and nothing before it, says what the device asked for in one
//! shape for both protocols, and words the CONNACK.

use super::ack::Manner;
use super::backend::{Credentials, Protocol, Refusal, RefusalCode};
use super::framing::{Fault, Framing};
use super::limits::Options;
use super::strict;
use super::wire::{self, Core, Event};
use bytes::Bytes;
use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, GenericEvent};
use mqtt_protocol_core::mqtt::packet::{
    AssignedClientIdentifier, MaximumPacketSize, Packet, Property, ReceiveMaximum, RetainAvailable,
    ServerKeepAlive, SessionExpiryInterval, SharedSubscriptionAvailable, SubscriptionIdentifierAvailable,
    TopicAliasMaximum, WildcardSubscriptionAvailable, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{ConnectReasonCode, ConnectReturnCode, MqttError};
use uuid::Uuid;

/// Largest CONNECT: token and will fit, a stranger cannot make us hold more.
const CONNECT_BYTES: u32 = 128 * 1024;
/// Topic aliases a device may set.
const TOPIC_ALIASES: u16 = 16;

/// What a device asked for with its CONNECT.
pub(crate) struct Hello {
    pub(crate) manner: Manner,
    pub(crate) keep_alive_s: u16,
    pub(crate) will: Option<Will>,
    client_id_is_empty: bool,
    clean: bool,
    enhanced_auth: bool,
    user_name: Option<String>,
    password: Option<Vec<u8>>,
}

/// What is published when the device is lost.
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    retain: bool,
}

/// A connection that ends before it began: what to write, and the MQTT 5 code for the counters.
pub(crate) struct Rejected {
    pub(crate) bytes: Vec<u8>,
    pub(crate) code: u8,
}

impl Rejected {
    pub(crate) fn silent(code: u8) -> Self {
        Self { bytes: Vec::new(), code }
    }

    pub(crate) fn with_reason(protocol: Protocol, code: u8, reason: &str) -> Self {
        Self { bytes: wire::refuse(protocol, code, reason), code }
    }
}

pub(crate) struct Greeting {
    pub(crate) core: Core,
    pub(crate) framing: Framing,
    begun: bool,
}

impl Greeting {
    pub(crate) fn new(options: &Options) -> Self {
        let limits = ConnectionOptions::new().maximum_packet_size_recv(options.max_packet_bytes);
        let mut core = Core::with_options(Version::Undetermined, limits);
        core.set_auto_pub_response(false);
        Self { core, framing: Framing::new(CONNECT_BYTES.min(options.max_packet_bytes)), begun: false }
    }

    /// Takes bytes up to the end of CONNECT; gives it with the bytes that follow it.
    pub(crate) fn feed<'b>(&mut self, bytes: &'b [u8]) -> Result<Option<(Hello, &'b [u8])>, Rejected> {
        if !self.begun && bytes.first().is_some_and(|first| *first != 0x10) {
            return Err(Rejected::silent(0x82));
        }
        self.begun = true;
        let (piece, rest) = self
            .framing
            .piece(bytes)
            .map_err(|fault: Fault| Rejected::silent(if fault == Fault::TooLarge { 0x95 } else { 0x81 }))?;
        let events = self.core.recv(&mut Cursor::new(piece));
        let mut fault = None;
        for event in events {
            match event {
                GenericEvent::NotifyPacketReceived(Packet::V3_1_1Connect(p)) => {
                    strict::connect_v311(&p).map_err(|error| self.rejected(error))?;
                    return Ok(Some((hello_v311(&p), rest)));
                }
                GenericEvent::NotifyPacketReceived(Packet::V5_0Connect(p)) => {
                    strict::connect_v5(&p).map_err(|error| self.rejected(error))?;
                    return Ok(Some((hello_v5(&p), rest)));
                }
                GenericEvent::NotifyError(error) => fault = Some(error),
                _ => {}
            }
        }
        match fault {
            Some(error) => Err(self.rejected(error)),
            None => Ok(None),
        }
    }

    fn rejected(&self, error: MqttError) -> Rejected {
        let (code, text) = wire::fault(error);
        match (self.core.get_protocol_version(), error) {
            (Version::V5_0, _) => Rejected::with_reason(Protocol::V5, code, text),
            // MQTT-3.1.2-2; MQTT-3.1.4-1: what is not a well-formed CONNECT gets no CONNACK.
            (_, MqttError::UnsupportedProtocolVersion) => Rejected::with_reason(Protocol::V311, code, text),
            _ => Rejected::silent(code),
        }
    }

    /// The core learns that the device is let in; the bytes of the CONNACK.
    pub(crate) fn accept(&mut self, hello: &Hello, options: &Options) -> Result<Vec<u8>, MqttError> {
        self.framing = Framing::new(options.max_packet_bytes);
        let mut bytes = Vec::new();
        if hello.manner.protocol == Protocol::V311 {
            let connack =
                v3_1_1::Connack::builder().session_present(false).return_code(ConnectReturnCode::Accepted);
            wire::sent(self.core.send(connack.build()?.into()), &mut bytes)?;
            return Ok(bytes);
        }
        // The core would enforce a receive maximum that it sees; it is announced behind its back.
        let enforced = connack_v5(hello, options, None)?;
        let events: Vec<Event> = self.core.send(enforced.into());
        wire::sent(events, &mut bytes)?;
        let announced = connack_v5(hello, options, Some(options.receive_maximum))?;
        Ok(announced.to_continuous_buffer())
    }
}

impl Hello {
    /// What is wrong with the request itself, before anyone is asked who this is.
    pub(crate) fn check(&self) -> Result<(), Rejected> {
        let reject = |code, text| Err(Rejected::with_reason(self.manner.protocol, code, text));
        match self.manner.protocol {
            Protocol::V311 if self.client_id_is_empty && !self.clean => {
                reject(0x85, "an empty client identifier needs a clean session")
            }
            Protocol::V5 if self.enhanced_auth => reject(0x8c, "enhanced authentication is not offered"),
            Protocol::V5 if self.will.as_ref().is_some_and(|w| w.retain) => {
                reject(0x9a, "retained messages are not kept: send the will without the retain flag")
            }
            _ => Ok(()),
        }
    }

    /// User name and password as credentials, or a verified certificate. What is shown beside a certificate must be
    /// the same device's: whoever shows two identities has none.
    pub(crate) fn credentials(&mut self, certificate: Option<Credentials>) -> Result<Credentials, Refusal> {
        let device = self.user_name.take().map(|name| {
            Uuid::parse_str(&name).map_err(|_not_a_uuid| refusal("user name must be the device id (a UUID)"))
        });
        let token = self.password.take().map(|password| {
            String::from_utf8(password)
                .map_err(|_not_utf8| refusal("password must be the device token (text)"))
        });
        let (device, token) = (device.transpose()?, token.transpose()?);
        if let Some(Credentials::Certificate { cn, fingerprint, not_after, .. }) = certificate {
            if device.is_some_and(|device| Uuid::parse_str(&cn) != Ok(device)) {
                return Err(refusal(
                    "the user name is not the device of the certificate: show one of the two",
                ));
            }
            return Ok(Credentials::Certificate { cn, fingerprint, not_after, token });
        }
        let device = device.ok_or_else(|| refusal("user name missing: it is the device id"))?;
        let token = token.ok_or_else(|| refusal("password missing: it is the device token"))?;
        Ok(Credentials::Token { device, token })
    }

    /// The keep-alive that holds, seconds: 0 is none, which only a 3.1.1 device can have.
    pub(crate) fn keep_alive_s(&self, options: &Options) -> u16 {
        match self.manner.protocol {
            Protocol::V311 => self.keep_alive_s,
            Protocol::V5 if self.keep_alive_s == 0 => options.max_keep_alive_s,
            Protocol::V5 => self.keep_alive_s.min(options.max_keep_alive_s),
        }
    }
}

fn refusal(reason: &str) -> Refusal {
    Refusal { code: RefusalCode::NotAuthorized, reason: reason.to_owned() }
}

fn hello_v311(p: &v3_1_1::Connect) -> Hello {
    let manner = Manner { protocol: Protocol::V311, explain: false, max_bytes: u32::MAX };
    Hello {
        manner,
        keep_alive_s: p.keep_alive(),
        will: p.will_topic().map(|topic| will(topic, p.will_payload(), p.will_retain())),
        client_id_is_empty: p.client_id().is_empty(),
        clean: p.clean_session(),
        enhanced_auth: false,
        user_name: p.user_name().map(str::to_owned),
        password: p.password().map(<[u8]>::to_vec),
    }
}

fn hello_v5(p: &v5_0::Connect) -> Hello {
    let mut manner = Manner { protocol: Protocol::V5, explain: true, max_bytes: u32::MAX };
    let mut enhanced_auth = false;
    for property in p.props() {
        match property {
            Property::RequestProblemInformation(v) => manner.explain = v.val() != 0,
            Property::MaximumPacketSize(v) => manner.max_bytes = v.val(),
            Property::AuthenticationMethod(_) => enhanced_auth = true,
            _ => {}
        }
    }
    Hello {
        manner,
        keep_alive_s: p.keep_alive(),
        will: p.will_topic().map(|topic| will(topic, p.will_payload(), p.will_retain())),
        client_id_is_empty: p.client_id().is_empty(),
        clean: p.clean_start(),
        enhanced_auth,
        user_name: p.user_name().map(str::to_owned),
        password: p.password().map(<[u8]>::to_vec),
    }
}

fn will(topic: &str, payload: Option<&[u8]>, retain: bool) -> Will {
    Will { topic: topic.to_owned(), payload: Bytes::copy_from_slice(payload.unwrap_or_default()), retain }
}

fn connack_v5(
    hello: &Hello,
    options: &Options,
    receive_maximum: Option<u16>,
) -> Result<v5_0::Connack, MqttError> {
    let mut props: Vec<Property> = vec![
        SessionExpiryInterval::new(0)?.into(),
        RetainAvailable::new(0)?.into(),
        MaximumPacketSize::new(options.max_packet_bytes)?.into(),
        TopicAliasMaximum::new(TOPIC_ALIASES)?.into(),
        WildcardSubscriptionAvailable::new(0)?.into(),
        SubscriptionIdentifierAvailable::new(0)?.into(),
        SharedSubscriptionAvailable::new(0)?.into(),
    ];
    if let Some(maximum) = receive_maximum {
        props.push(ReceiveMaximum::new(maximum)?.into());
    }
    let keep_alive_s = hello.keep_alive_s(options);
    if keep_alive_s != hello.keep_alive_s {
        props.push(ServerKeepAlive::new(keep_alive_s)?.into());
    }
    if hello.client_id_is_empty {
        // The same in both packets is not needed: the core does not look at it.
        props.push(AssignedClientIdentifier::new(Uuid::now_v7().to_string())?.into());
    }
    v5_0::Connack::builder()
        .session_present(false)
        .reason_code(ConnectReasonCode::Success)
        .props(props)
        .build()
}
