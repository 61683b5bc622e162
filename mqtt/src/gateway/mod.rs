//! The gateway: devices speak MQTT 3.1.1 or 5 to it, a [`Backend`] decides what becomes of each
//! message, and an acknowledgement leaves only after the backend answered. It knows nothing of
//! consent, storage or JSON: raw payloads go in, outcomes come back and are turned into MQTT.

mod ack;
mod answer;
mod backend;
mod connection;
mod downlink;
mod flight;
mod framing;
mod greeting;
mod limits;
mod listener;
mod mailbox;
mod metrics;
mod registry;
mod session;
mod strangers;
mod strict;
mod subscribe;
mod tls;
mod topic;
mod wire;

pub use answer::{Answer, Farewell, Outcome, Reply};
pub use backend::{
    Backend, Command, Credentials, Delivery, DeviceEvent, EndReason, Foreign, Identity, Protocol, Refusal,
    RefusalCode, Share,
};
pub use limits::{Error, Options};
pub use listener::{Accepting, Gateway, Handle};
pub use metrics::Snapshot;
pub use registry::Registry;
pub use tls::{TlsOptions, not_after};
