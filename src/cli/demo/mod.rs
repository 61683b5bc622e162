//! The demo: a small invented clinic, real recordings, real MQTT connections.

pub mod clinic;
pub mod recording;
