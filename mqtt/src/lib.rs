//! The device edge: an MQTT 3.1.1 and 5 gateway whose acknowledgement waits for the commit
//! ([`gateway`]), and the wire formats that wearables speak ([`payload`]). No storage, no consent.

pub mod gateway;
pub mod payload;
mod room;

pub use room::{Reservation, Room};
